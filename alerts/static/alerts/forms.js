// Forms of rules, channels and routes: shows the fields of what is chosen, adds suggestions to comma lists, adds rows of labels.
(() => {
  "use strict";

  // A select that other fields depend on says so by its name: condition of rules, kind of channels.
  function showChosen() {
    const select = document.querySelector("select[name=condition], select[name=kind]");
    if (!select || !document.querySelector("fieldset.lm-for")) return;
    const show = () => {
      for (const part of document.querySelectorAll("fieldset.lm-for")) {
        part.classList.toggle("hidden", !part.classList.contains(`lm-for-${select.value}`));
      }
    };
    select.addEventListener("change", show);
    show();
  }

  function tell(input) {
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function add(button) {
    const input = document.getElementById(button.dataset.lmTarget);
    const known = input.value.split(",").map((one) => one.trim()).filter(Boolean);
    if (!known.includes(button.dataset.lmAdds)) known.push(button.dataset.lmAdds);
    input.value = known.join(", ");
    tell(input);
  }

  function addRow(button) {
    const rows = button.closest("[data-lm-rows]");
    const row = rows.querySelector(".lm-label-row").cloneNode(true);
    const number = rows.querySelectorAll(".lm-label-row").length + 1;
    for (const input of row.querySelectorAll("input")) {
      input.value = "";
      input.setAttribute("aria-label", input.getAttribute("aria-label").replace(/\d+$/, number));
    }
    button.before(row);
    row.querySelector("input").focus();
  }

  document.addEventListener("click", (event) => {
    const suggestion = event.target.closest("[data-lm-adds]");
    if (suggestion) add(suggestion);
    const another = event.target.closest("[data-lm-another]");
    if (another) addRow(another);
  });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", showChosen);
  else showChosen();
})();
