// Tells the server the reader's time zone, and copies what a button names.
(() => {
  "use strict";

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const kept = document.cookie.split("; ").find((part) => part.startsWith("lm_tz="));
  if (zone && kept !== `lm_tz=${zone}`) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `lm_tz=${zone}; path=/; max-age=31536000; SameSite=Lax${secure}`;
  }

  // Changing a button's own words is read by few screen readers; a status beside it by all.
  function say(words) {
    let status = document.getElementById("lm-spoken");
    if (!status) {
      status = document.createElement("div");
      status.id = "lm-spoken";
      status.className = "lm-spoken";
      status.setAttribute("role", "status");
      document.body.append(status);
    }
    status.textContent = "";
    // A status is read when it changes after it is there.
    setTimeout(() => { status.textContent = words; }, 50);
  }

  async function copy(button) {
    const source = document.querySelector(button.dataset.lmCopy);
    if (!source) return;
    const label = button.dataset.lmLabel || button.textContent;
    button.dataset.lmLabel = label;
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
      say("Copied");
    } catch {
      // No clipboard without https: select it, so that Ctrl-C is enough.
      getSelection().selectAllChildren(source);
      button.textContent = "Selected: press Ctrl-C";
      say("Selected: press Ctrl-C");
    }
    setTimeout(() => { button.textContent = label; }, 2500);
  }

  // A choice takes effect at once; without scripts there is a button.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-lm-submits]")) event.target.form.requestSubmit();
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-lm-copy]");
    if (button) copy(button);
  });
})();
