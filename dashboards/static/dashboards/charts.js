// Draws every <canvas data-lm-chart="ID"> from the JSON in #ID with the Chart.js that Unfold loads; again after htmx swaps
// a fragment in, and when the theme changes.
(() => {
  "use strict";

  const TONES = ["critical", "error", "warning", "info", "users", "neutral"];
  const drawn = new Map();
  const isDark = () => document.documentElement.classList.contains("dark");

  // Of liftmon.css, which knows both themes.
  function colours() {
    const style = getComputedStyle(document.documentElement);
    const named = (name) => style.getPropertyValue(`--lm-chart-${name}`).trim();
    return { text: named("text"), grid: named("grid"), tone: (name) => named(TONES.includes(name) ? name : "neutral") };
  }

  function draw(canvas) {
    const source = document.getElementById(canvas.dataset.lmChart);
    if (!source || typeof Chart === "undefined") return;
    drawn.get(canvas)?.destroy();
    const chart = JSON.parse(source.textContent);
    const { text, grid, tone } = colours();
    drawn.set(canvas, new Chart(canvas, {
      type: chart.type,
      data: {
        labels: chart.labels,
        datasets: chart.datasets.map((dataset) => {
          const colour = tone(dataset.tone);
          return { label: dataset.label, data: dataset.data, backgroundColor: colour, borderColor: colour, borderWidth: chart.type === "line" ? 2 : 0, pointRadius: 0, pointHitRadius: 12, borderRadius: 2, maxBarThickness: 28 };
        }),
      },
      options: {
        responsive: true,
        maintainAspectRatio: false,
        animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? false : { duration: 300 },
        interaction: { mode: "index", intersect: false },
        plugins: { legend: { display: chart.datasets.length > 1, labels: { color: text, boxWidth: 12 } } },
        scales: {
          x: { stacked: chart.type === "bar", grid: { display: false }, border: { color: grid }, ticks: { color: text, maxRotation: 0, autoSkipPadding: 12 } },
          y: { stacked: chart.type === "bar", beginAtZero: true, grid: { color: grid }, border: { display: false }, ticks: { color: text, precision: 0 }, title: { display: Boolean(chart.y_label), text: chart.y_label, color: text } },
        },
      },
    }));
  }

  function drawAll(root) {
    for (const [canvas, chart] of drawn) {
      if (!canvas.isConnected) {
        chart.destroy();
        drawn.delete(canvas);
      }
    }
    for (const canvas of root.querySelectorAll("canvas[data-lm-chart]")) draw(canvas);
  }

  document.addEventListener("DOMContentLoaded", () => {
    drawAll(document);
    let wasDark = isDark();
    new MutationObserver(() => {
      if (wasDark === isDark()) return;
      wasDark = isDark();
      drawAll(document);
    }).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
    document.body.addEventListener("htmx:afterSettle", (event) => drawAll(event.target));
  });
})();
