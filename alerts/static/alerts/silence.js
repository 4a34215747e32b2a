// Adds rows of matchers and takes them away; without scripts there is always one row to spare.
(() => {
  "use strict";

  function addRow(rows) {
    const last = [...rows.querySelectorAll("[data-lm-row]")].at(-1);
    const row = last.cloneNode(true);
    for (const field of row.querySelectorAll("input")) {
      field.value = "";
      field.id = field.id.replace(/\d+$/, (number) => Number(number) + 1);
    }
    last.after(row);
    row.querySelector("input").focus();
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-lm-add-row]")) {
      button.hidden = false;
      button.addEventListener("click", () => addRow(button.closest("[data-lm-rows]")));
    }
  });
})();
