"use strict";
// Draws each test's timeline when it comes into view, in the colours of the reader's light or dark page.
(function () {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const options = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };

  function themed(layout) {
    const ink = dark.matches ? "#d5dae2" : "#2a3340";
    const grid = dark.matches ? "#2f3945" : "#e4e8ee";
    const card = dark.matches ? "#232b35" : "#ffffff";
    const out = Object.assign({}, layout, {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: ink, size: 12, family: "system-ui, Segoe UI, Roboto, DejaVu Sans, sans-serif" },
      hoverlabel: { bgcolor: card, bordercolor: grid, font: { color: ink } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: grid, activecolor: ink, orientation: "v" },
    });
    for (const name of Object.keys(layout)) {
      if (/^[xy]axis/.test(name)) {
        out[name] = Object.assign({ gridcolor: grid, zerolinecolor: grid, linecolor: grid }, layout[name]);
      }
    }
    return out;
  }

  function draw(holder) {
    const chart = charts[holder.dataset.chart];
    if (!chart || holder.clientWidth === 0) return;
    holder.style.minHeight = "";
    holder.dataset.drawn = "yes";
    Plotly.react(holder, chart.data, themed(JSON.parse(JSON.stringify(chart.layout))), options);
  }

  const holders = Array.from(document.querySelectorAll("[data-chart]"));
  const eye = new IntersectionObserver(
    (entries) => entries.forEach((entry) => {
      if (entry.isIntersecting && !entry.target.dataset.drawn) draw(entry.target);
    }),
    { rootMargin: "600px" },
  );
  // What is on the first screen is drawn at once; observers only report after a first paint.
  holders.filter((holder) => holder.getBoundingClientRect().top < window.innerHeight).forEach(draw);
  holders.forEach((holder) => eye.observe(holder));
  dark.addEventListener("change", () => holders.filter((holder) => holder.dataset.drawn).forEach(draw));
  window.addEventListener("beforeprint", () => holders.filter((holder) => !holder.dataset.drawn).forEach(draw));

  // A log's end is what matters.
  document.querySelectorAll(".log pre").forEach((log) => { log.scrollTop = log.scrollHeight; });

  // A link to a folded test unfolds it.
  function unfold() {
    const test = location.hash && document.getElementById(location.hash.slice(1));
    if (test && test.tagName === "DETAILS") { test.open = true; test.scrollIntoView(); }
  }
  window.addEventListener("hashchange", unfold);
  unfold();
})();
