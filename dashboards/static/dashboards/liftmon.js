// Tells the server the reader's time zone, copies what a button names, and says where a wide table goes on.
(() => {
  "use strict";

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const kept = document.cookie.split("; ").find((part) => part.startsWith("lm_tz="));
  if (zone && kept !== `lm_tz=${zone}`) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `lm_tz=${zone}; path=/; max-age=31536000; SameSite=Lax${secure}`;
    loadAnewIn(zone);
  }

  // This page tells times of another zone: load it anew. Once, and not where the cookie did not stay; nor the login, which tells
  // none, nor a form that came back with its errors, as that would send it again.
  function loadAnewIn(zone) {
    const isKept = document.cookie.split("; ").includes(`lm_tz=${zone}`);
    const isAnsweredForm = document.referrer.split("#")[0] === location.href.split("#")[0];
    if (!isKept || isAnsweredForm || location.pathname.endsWith("/login/")) return;
    try {
      if (sessionStorage.getItem("lm_tz_reloaded") === zone) return;
      sessionStorage.setItem("lm_tz_reloaded", zone);
    } catch {
      return;
    }
    location.reload();
  }

  // Filters are folded on phones alone: for browsers whose CSS cannot unfold what is.
  document.addEventListener("DOMContentLoaded", () => {
    if (CSS.supports("selector(::details-content)") || matchMedia("(max-width: 640px)").matches) return;
    for (const folded of document.querySelectorAll("[data-lm-fold]")) folded.open = true;
  });

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

  // Says at which edges a wide table goes on, for a shadow there.
  function watchEdges(frame) {
    const scrolled = frame.querySelector(".lm-scroll");
    const tell = () => {
      const box = scrolled.getBoundingClientRect();
      const inner = scrolled.firstElementChild.getBoundingClientRect();
      frame.classList.toggle("lm-edges-left", inner.left < box.left - 2);
      frame.classList.toggle("lm-edges-right", inner.right > box.right + 2);
    };
    scrolled.addEventListener("scroll", tell, { passive: true });
    new ResizeObserver(tell).observe(scrolled);
  }
  const watchAll = () => document.querySelectorAll("[data-lm-edges]").forEach(watchEdges);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", watchAll);
  else watchAll();

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-lm-copy]");
    if (button) copy(button);
  });
})();
