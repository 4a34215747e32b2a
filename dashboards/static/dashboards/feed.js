// Asks every two seconds for what arrived, and shows it: at once when the reader is at the top, else behind a "12 new" pill.
// Asks nothing while the tab is hidden, the reader has paused it, or scrolls.
(() => {
  "use strict";

  const EVERY_MS = 1000;
  const MOST = 200;
  const feed = document.getElementById("lm-feed");
  const incoming = document.getElementById("lm-feed-incoming");
  const state = document.getElementById("lm-feed-state");
  const pill = document.getElementById("lm-feed-pill");
  const pause = document.getElementById("lm-feed-pause");
  const panel = document.getElementById("lm-panel");
  let since = feed.dataset.lmSince;
  let waiting = [];
  let isPaused = false;
  let isAsking = false;
  let opener = null;

  const isAtTop = () => window.scrollY < 120 && (document.getElementById("main")?.scrollTop ?? 0) < 120;
  const say = (words) => { if (state.textContent !== words) state.textContent = words; };

  function tell() {
    if (isPaused) return say("Paused.");
    say("Live: what arrives appears here within two seconds.");
  }

  function show() {
    if (!waiting.length) return;
    for (const row of waiting.reverse()) {
      row.classList.add("lm-feed-new");
      feed.prepend(row);
    }
    waiting = [];
    while (feed.rows.length > MOST) feed.rows[feed.rows.length - 1].remove();
    document.getElementById("lm-feed-empty").hidden = true;
    document.getElementById("lm-feed-list").hidden = false;
    pill.hidden = true;
  }

  // The rows that htmx put into the hidden part of the table.
  function take() {
    since = incoming.querySelector("[data-lm-since]")?.dataset.lmSince ?? since;
    const rows = [...incoming.querySelectorAll("tr[id]")];
    incoming.replaceChildren();
    const known = new Set(waiting.map((row) => row.id));
    const fresh = rows.filter((row) => !known.has(row.id) && !document.getElementById(row.id));
    waiting = [...fresh, ...waiting].slice(0, MOST);
    if (!waiting.length) return;
    if (isAtTop() && panel.hidden) return show();
    pill.hidden = false;
    pill.textContent = `${waiting.length} new`;
  }

  async function ask() {
    if (isAsking || isPaused || document.hidden) return;
    isAsking = true;
    try {
      const address = new URL(feed.dataset.lmArrivals, location.href);
      address.searchParams.set("since", since);
      await htmx.ajax("GET", `${address.pathname}${address.search}`, { target: "#lm-feed-incoming", swap: "innerHTML" });
    } catch {
      say("Liftmon cannot be reached; it is asked again.");
    } finally {
      isAsking = false;
    }
  }

  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target !== incoming || event.detail.xhr.responseURL.includes("/arrivals/")) return;
    event.detail.shouldSwap = false; // sent to the login page
    isPaused = true;
    say("You are signed out: load the page again.");
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== incoming) return;
    take();
    tell();
  });
  document.body.addEventListener("htmx:responseError", (event) => {
    if (event.detail.target === incoming) say("Liftmon does not answer; it is asked again.");
  });
  document.body.addEventListener("htmx:sendError", (event) => {
    if (event.detail.target === incoming) say("Liftmon cannot be reached; it is asked again.");
  });

  function close() {
    if (panel.hidden) return;
    panel.hidden = true;
    opener?.focus();
    opener = null;
  }

  pill.addEventListener("click", () => {
    show();
    document.getElementById("main")?.scrollTo({ top: 0 });
    window.scrollTo({ top: 0 });
    document.getElementById("lm-feed-list").focus({ preventScroll: true });
  });
  pause.hidden = false;
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.setAttribute("aria-pressed", String(isPaused));
    pause.textContent = isPaused ? "Go on" : "Pause";
    tell();
    ask();
  });
  document.addEventListener("visibilitychange", ask);
  document.getElementById("lm-panel-close").addEventListener("click", close);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.matches("[data-lm-panel]")) opener = event.detail.elt;
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "lm-panel-body") return;
    panel.hidden = false;
    panel.focus();
  });
  tell();
  setInterval(ask, EVERY_MS);
})();
