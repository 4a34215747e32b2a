// Asks every second for what arrived, and shows it: at once when the reader is at the top and not at a row, else behind a "12 new"
// pill. Asks nothing while the tab is hidden or the reader has paused it. What a long absence or a flood leaves out is told.
(() => {
  "use strict";

  const EVERY_MS = 1000;
  const MOST = 200;
  const feed = document.getElementById("lm-feed");
  const incoming = document.getElementById("lm-feed-incoming");
  const state = document.getElementById("lm-feed-state");
  const pill = document.getElementById("lm-feed-pill");
  const told = document.getElementById("lm-feed-told");
  const list = document.getElementById("lm-feed-list");
  const reload = document.getElementById("lm-feed-reload");
  const pause = document.getElementById("lm-feed-pause");
  const panel = document.getElementById("lm-panel");
  let since = feed.dataset.lmSince;
  let waiting = [];
  let isPaused = false;
  let isAsking = false;
  let missing = "";
  let opener = null;

  const isAtTop = () => window.scrollY < 120 && (document.getElementById("main")?.scrollTop ?? 0) < 120;
  // Rows must not move under a pointer or away from the focus. A finger leaves no pointer behind.
  const isPointedAt = () => matchMedia("(hover: hover)").matches && list.matches(":hover");
  const isFocused = () => list !== document.activeElement && list.contains(document.activeElement);
  const isCalm = () => isAtTop() && panel.hidden && !isPointedAt() && !isFocused();
  const isEvent = (row) => !row.hasAttribute("data-lm-gap");
  const say = (words) => { if (state.textContent !== words) state.textContent = words; };

  function tell() {
    if (isPaused) return say("Paused.");
    say(missing || "Live: what arrives appears here within two seconds.");
  }

  // In the line that is there already: anything above the list would move its rows.
  function tellMissing(words) {
    missing ||= words;
    reload.hidden = false;
  }

  function show() {
    if (!waiting.length) return;
    for (const row of waiting.reverse()) {
      if (isEvent(row)) row.classList.add("lm-feed-new");
      feed.prepend(row);
    }
    waiting = [];
    while (feed.rows.length > MOST) feed.rows[feed.rows.length - 1].remove();
    document.getElementById("lm-feed-empty").hidden = true;
    list.hidden = false;
    pill.hidden = true;
    told.textContent = "";
  }

  // The rows that htmx put into the hidden part of the table.
  function take() {
    const answer = incoming.querySelector("[data-lm-since]");
    since = answer?.dataset.lmSince ?? since;
    const rows = [...incoming.querySelectorAll("tr[id]")];
    const wasAway = Boolean(answer?.hasAttribute("data-lm-away"));
    incoming.replaceChildren();
    if (wasAway && isCalm()) return location.reload();
    const known = new Set(waiting.map((row) => row.id));
    const isKnown = (row) => known.has(row.id) || document.getElementById(row.id) !== null;
    // The last ones of a flood; when the oldest of them is known, all before it are.
    const oldest = rows.filter(isEvent).at(-1);
    const isTorn = rows.some((row) => !isEvent(row)) && !isKnown(oldest);
    const fresh = rows.filter((row) => (isEvent(row) || isTorn) && !isKnown(row));
    if (wasAway) tellMissing("Live again. What arrived while you were away is missing here.");
    else if (isTorn) tellMissing(`Live, but more than ${feed.dataset.lmMost} arrived at once: older ones are missing here.`);
    waiting = [...fresh, ...waiting].slice(0, MOST);
    if (!waiting.length) return;
    if (isCalm()) return show();
    const count = waiting.filter(isEvent).length;
    pill.hidden = false;
    pill.textContent = `${count} new`;
    if (fresh.length) told.textContent = `${count} new ${count === 1 ? "event waits" : "events wait"} above the list.`;
  }

  // Once the reader has left the row, what waited comes; not while the focus is on its way to another one.
  const showIfCalm = () => setTimeout(() => { if (isCalm()) show(); }, 150);

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
    list.focus({ preventScroll: true });
  });
  list.addEventListener("mouseleave", showIfCalm);
  list.addEventListener("focusout", showIfCalm);
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
