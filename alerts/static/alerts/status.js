/* Times of the status page in the reader's zone; without it they are in UTC, and say so. */
"use strict";
(() => {
  const said = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
  let shown = 0;
  for (const one of document.querySelectorAll("time[datetime]")) {
    const at = new Date(one.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    one.title = one.textContent;
    one.textContent = new Intl.DateTimeFormat("en-GB", said).format(at);
    shown += 1;
  }
  const zone = document.querySelector("[data-st-zone]");
  if (zone && shown) zone.textContent = `Times are in your zone (${Intl.DateTimeFormat().resolvedOptions().timeZone}).`;
})();
