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
    return { text: named("text"), grid: named("grid"), band: named("band"), tone: (name) => named(TONES.includes(name) ? name : "neutral") };
  }

  const grouped = (value, digits) => value.toLocaleString("en-GB", { maximumFractionDigits: digits });

  // As the tables say it (dashboards/templatetags).
  function took(milliseconds) {
    if (milliseconds < 999.5) return `${milliseconds >= 9.95 ? milliseconds.toFixed(0) : milliseconds.toFixed(1)} ms`;
    const seconds = milliseconds / 1000;
    for (const [most, size, unit] of [[120, 1, "s"], [7200, 60, "min"], [48 * 3600, 3600, "h"]]) {
      const value = seconds / size;
      if (seconds < most) return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
    }
    return `${(seconds / 86400).toFixed(1)} days`;
  }

  function percent(share) {
    const value = 100 * share;
    if (value > 0 && value < 0.1) return "< 0.1 %";
    if (value > 99.9 && value < 100) return "> 99.9 %";
    return `${value >= 10 || value === 0 ? value.toFixed(0) : value.toFixed(1)} %`;
  }

  function said(value, unit) {
    if (value === null || value === undefined) return "–";
    if (unit === "ms") return took(value);
    if (unit === "share") return percent(value);
    return grouped(value, Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0);
  }

  // Ticks are round already; "0 ms" and "1.0 s" say no more than 0 and "1 s".
  const tick = (value, unit) => value === 0 ? "0" : unit ? said(value, unit).replace(/\.0(?= )/, "") : grouped(value, 6);

  // What happened at a place of the chart: a dashed line with its name, as far as there is room for names.
  const marks = {
    id: "lmMarks",
    afterDatasetsDraw(chart) {
      const { ctx, chartArea: area, scales: { x } } = chart;
      const found = chart.lmMarks ?? [];
      const { text } = colours();
      const named = new Set();
      let free = -Infinity;
      ctx.save();
      ctx.strokeStyle = ctx.fillStyle = text;
      ctx.font = "11px sans-serif";
      ctx.setLineDash([4, 3]);
      for (const mark of found) {
        const left = place(x, mark.at);
        if (left < area.left - 1 || left > area.right + 1) continue;
        ctx.beginPath();
        ctx.moveTo(left, area.top);
        ctx.lineTo(left, area.bottom);
        ctx.stroke();
        if (named.has(mark.label)) continue;
        const width = ctx.measureText(mark.label).width;
        const start = Math.min(left + 4, area.right - width);
        if (start < free) continue;
        ctx.fillText(mark.label, start, area.top + 10);
        named.add(mark.label);
        free = start + width + 8;
      }
      ctx.restore();
    },
  };

  // What lasted a while: a shaded part behind the data, with its name before them as far as there is room.
  const bands = {
    id: "lmBands",
    beforeDatasetsDraw(chart) {
      const { ctx, chartArea: area } = chart;
      ctx.save();
      ctx.fillStyle = colours().band;
      for (const one of chart.lmBands ?? []) {
        const { left, width } = extent(chart, one);
        ctx.fillRect(left, area.top, width, area.bottom - area.top);
      }
      ctx.restore();
    },
    afterDatasetsDraw(chart) {
      const { ctx, chartArea: area } = chart;
      let free = -Infinity;
      ctx.save();
      ctx.fillStyle = colours().text;
      ctx.font = "11px sans-serif";
      for (const one of chart.lmBands ?? []) {
        const needed = ctx.measureText(one.label).width;
        const start = Math.min(extent(chart, one).left + 4, area.right - needed);
        if (start < free) continue;
        ctx.fillText(one.label, start, area.top + 22);
        free = start + needed + 8;
      }
      ctx.restore();
    },
  };

  // Of a short one something is seen, too.
  function extent({ chartArea: area, scales: { x } }, one) {
    const left = Math.max(area.left, place(x, one.from));
    return { left, width: Math.max(3, Math.min(area.right, place(x, one.to)) - left) };
  }

  // Columns of a category axis stand at whole numbers, their edges half a column beside them.
  function place(x, at) {
    const count = x.getLabels().length;
    const width = count > 1 ? x.getPixelForValue(1) - x.getPixelForValue(0) : x.width;
    return x.getPixelForValue(0) + (at - 0.5) * width;
  }

  // The names of what is marked within a column, for which there may be no room above it.
  function marksAt(chart, column) {
    const happened = (chart.marks ?? []).filter((mark) => Math.floor(mark.at) === column && mark.when);
    const lasted = (chart.bands ?? []).filter((one) => one.from < column + 1 && one.to >= column);
    return [...happened, ...lasted].map((one) => `${one.label} (${one.when})`);
  }

  // Drag over a part of the chart to look at that part alone.
  function makeZoomable(canvas, source) {
    if (!source.zoom || source.edges.length < 3) return;
    let from = null;
    const column = (event) => {
      const chart = drawn.get(canvas);
      const { x } = chart.scales;
      const width = place(x, 1) - place(x, 0);
      const at = Math.floor((event.clientX - canvas.getBoundingClientRect().left - place(x, 0)) / width);
      return Math.max(0, Math.min(source.edges.length - 2, at));
    };
    const band = document.createElement("span");
    band.className = "lm-chart-band";
    band.hidden = true;
    canvas.parentElement.append(band);
    canvas.classList.add("lm-zoomable");
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      from = column(event);
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (from === null) return;
      const { scales: { x }, chartArea: area } = drawn.get(canvas);
      const [first, last] = [from, column(event)].sort((one, other) => one - other);
      band.hidden = first === last;
      Object.assign(band.style, { left: `${place(x, first)}px`, width: `${place(x, last + 1) - place(x, first)}px`, top: `${area.top}px`, height: `${area.bottom - area.top}px` });
    });
    canvas.addEventListener("pointerup", (event) => {
      if (from === null) return;
      const [first, last] = [from, column(event)].sort((one, other) => one - other);
      from = null;
      if (first === last) return;
      const address = new URL(source.zoom || location.search, location.href);
      address.searchParams.set("from", source.edges[first]);
      address.searchParams.set("to", source.edges[last + 1]);
      location.assign(address);
    });
    canvas.addEventListener("pointercancel", () => { from = null; band.hidden = true; });
  }

  function draw(canvas) {
    const source = document.getElementById(canvas.dataset.lmChart);
    if (!source || typeof Chart === "undefined") return;
    const known = drawn.get(canvas);
    known?.destroy();
    const chart = JSON.parse(source.textContent);
    const { text, grid, tone } = colours();
    const hasLimit = chart.datasets.some((dataset) => dataset.dashed);
    const stacked = chart.type === "bar" && chart.stacked !== false;
    // Room above the data for the names of what is marked; a share knows its end.
    const grace = chart.unit === "share" ? 0 : chart.bands?.length ? "20%" : chart.marks?.length ? "10%" : 0;
    const made = new Chart(canvas, {
      type: chart.type,
      plugins: [bands, marks],
      data: {
        labels: chart.labels,
        datasets: chart.datasets.map((dataset) => {
          const colour = tone(dataset.tone);
          return { label: dataset.label, data: dataset.data, backgroundColor: colour, borderColor: colour, borderWidth: chart.type === "line" ? 2 : 0, borderDash: dataset.dashed ? [6, 4] : [], pointRadius: dataset.data.filter((value) => value !== null).length < 3 ? 3 : 0, pointHitRadius: 12, borderRadius: 2, maxBarThickness: 28, spanGaps: false };
        }),
      },
      options: {
        responsive: true,
        maintainAspectRatio: false,
        animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? false : { duration: 300 },
        interaction: { mode: "index", intersect: false },
        plugins: {
          legend: { display: chart.datasets.length > 1, labels: { color: text, ...(hasLimit ? { usePointStyle: true, pointStyle: "line", boxWidth: 24 } : { boxWidth: 12 }) } },
          tooltip: {
            callbacks: {
              label: (item) => `${item.dataset.label}: ${said(item.raw, chart.unit)}`,
              footer: (items) => marksAt(chart, items[0]?.dataIndex),
            },
          },
        },
        scales: {
          x: { stacked, grid: { display: false }, border: { color: grid }, ticks: { color: text, maxRotation: 0, autoSkipPadding: 12 } },
          y: { stacked, grace, beginAtZero: true, grid: { color: grid }, border: { display: false }, ticks: { color: text, ...(chart.unit === "share" ? {} : { precision: 0 }), callback: (value) => tick(value, chart.unit) }, title: { display: Boolean(chart.y_label), text: chart.y_label, color: text } },
        },
      },
    });
    made.lmMarks = chart.marks;
    made.lmBands = chart.bands;
    drawn.set(canvas, made);
    made.draw();
    if (!known) makeZoomable(canvas, chart);
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
