// The editor of questions: Ctrl-Enter runs, and the answer is brought into sight when it arrives below it.
(() => {
  "use strict";

  document.getElementById("lm-statement").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    document.getElementById("lm-run").click();
  });

  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "lm-answer") return;
    const answer = document.getElementById("lm-answer");
    if (answer.getBoundingClientRect().top > 0.75 * innerHeight) answer.scrollIntoView({ block: "start" });
  });
})();
