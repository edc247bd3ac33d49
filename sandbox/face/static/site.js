"use strict";
// Keeps an open page's labels and byline fresh, and small comforts; all works without.
(() => {
  const POLL_MILLISECONDS = 2000;

  const acting = document.querySelector("[data-acting]");
  if (acting) {
    acting.querySelector("button").hidden = true;
    acting.addEventListener("change", () => acting.requestSubmit());
  }

  const drawer = document.querySelector("[data-drawer]");
  if (drawer && window.matchMedia("(max-width: 820px)").matches) drawer.open = false;
  document.querySelector(".tree [aria-current]")?.scrollIntoView({ block: "nearest" });

  for (const form of document.querySelectorAll("[data-confirm]")) {
    form.addEventListener("submit", (event) => {
      if (!window.confirm(form.dataset.confirm)) event.preventDefault();
    });
  }

  const page = document.querySelector("[data-page]");
  if (!page) return;
  const places = {
    labels: page.querySelector("[data-labels]"),
    bylines: page.querySelector("[data-bylines]"),
  };
  const shown = {};

  function names() {
    return new Set([...places.labels.querySelectorAll("[data-label]")].map((chip) => chip.dataset.label));
  }

  function show(part, html) {
    const before = names();
    // Made by the server from escaped values, the same way as on first load.
    places[part].innerHTML = html;
    for (const chip of places.labels.querySelectorAll("[data-label]")) {
      if (part === "labels" && !before.has(chip.dataset.label)) chip.classList.add("fresh");
    }
  }

  async function refresh() {
    if (document.hidden) return;
    const response = await fetch(`${page.dataset.page}/marks`);
    if (!response.ok) return;
    const marks = await response.json();
    for (const part of Object.keys(places)) {
      if (shown[part] !== undefined && shown[part] !== marks[part]) show(part, marks[part]);
      shown[part] = marks[part];
    }
    page.querySelector("[data-stale]").hidden = String(marks.version) === page.dataset.version;
  }

  async function poll() {
    try {
      await refresh();
    } catch {
      // The sandbox may be restarting; the next round tells.
    }
    window.setTimeout(poll, POLL_MILLISECONDS);
  }
  poll();
})();
