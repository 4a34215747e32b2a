// Puts the offered words of a state into the text, as long as nobody wrote words of their own.
(() => {
  "use strict";
  const form = document.getElementById("lm-status-form");
  const offered = JSON.parse(document.getElementById("lm-offered")?.textContent || "{}");
  const text = form?.querySelector("[name=text]");
  if (!text) return;
  const untouched = new Set([text.defaultValue.trim(), ...Object.values(offered), ""]);
  form.addEventListener("change", (event) => {
    if (event.target.name !== "state" || !untouched.has(text.value.trim())) return;
    text.value = offered[event.target.value];
    form.dispatchEvent(new CustomEvent("lm-words"));
  });
})();
