"use strict";
(() => {
  const all = [...document.querySelectorAll("#photos > .photo")];
  const find = (id) => document.getElementById(id);
  const list = find("photos");
  const chips = [...document.querySelectorAll(".chip")];

  // filters and order
  function isShown(photo) {
    const off = chips.some((chip) => chip.dataset.outcome === photo.dataset.outcome && chip.getAttribute("aria-pressed") === "false");
    const code = find("code").value;
    const words = find("search").value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const text = photo.querySelector("summary").textContent.toLowerCase() + " " + photo.dataset.codes.toLowerCase();
    return !off && (!code || photo.dataset.codes.split(" ").includes(code)) && words.every((word) => text.includes(word));
  }
  function filter() {
    let count = 0;
    for (const photo of all) {
      photo.hidden = !isShown(photo);
      count += photo.hidden ? 0 : 1;
    }
    const shown = find("shown");
    shown.textContent = shown.dataset.text.replace("{shown}", count).replace("{all}", all.length);
    find("nothing").hidden = count > 0;
  }
  const score = (photo) => Number(photo.dataset.score);
  const number = (photo) => Number(photo.dataset.number);
  const orders = {
    number: (one, other) => number(one) - number(other),
    worst: (one, other) => score(one) - score(other) || number(one) - number(other),
    best: (one, other) => score(other) - score(one) || number(one) - number(other),
    name: (one, other) => one.dataset.name.localeCompare(other.dataset.name, undefined, { numeric: true }),
  };
  if (find("sort")) {
    chips.forEach((chip) => chip.addEventListener("click", () => {
      chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") === "false"));
      filter();
    }));
    find("code").addEventListener("change", filter);
    find("search").addEventListener("input", filter);
    find("sort").addEventListener("change", () => {
      list.append(...all.slice().sort(orders[find("sort").value]));
    });
    filter();
  }

  // quality map and boxes
  const ramp = JSON.parse(document.body.dataset.ramp);
  function toColor(value) {
    const place = Math.min(Math.max(value, 0), 100) / 100 * (ramp.length - 1);
    const index = Math.min(Math.floor(place), ramp.length - 2);
    const mix = ramp[index].map((low, at) => Math.round(low + (ramp[index + 1][at] - low) * (place - index)));
    return `rgb(${mix.join(",")})`;
  }
  function paint(photo) {
    const layer = find("layer").value;
    if ((photo.dataset.layer || "0") === layer) return;
    photo.dataset.layer = layer;
    for (const cell of photo.querySelectorAll(".heat g")) {
      const value = Number(cell.dataset.v.split(",")[Number(layer)]);
      cell.querySelector("rect").setAttribute("fill", toColor(value));
      cell.querySelector("text").textContent = String(value);
    }
  }
  find("layer").addEventListener("change", () => all.filter((photo) => photo.open).forEach(paint));
  all.forEach((photo) => photo.addEventListener("toggle", () => { if (photo.open) paint(photo); }));
  const toggle = (id, name) => find(id).addEventListener("change", () => {
    document.body.classList.toggle(name, !find(id).checked);
  });
  toggle("show-map", "no-map");
  toggle("show-boxes", "no-boxes");

  // before and after
  for (const input of document.querySelectorAll(".stage input")) {
    const move = () => input.parentElement.style.setProperty("--v", input.value / 100);
    input.addEventListener("input", move);
    move();
  }

  // open and close
  const visible = () => [...list.children].filter((photo) => !photo.hidden);
  find("open-all").addEventListener("click", () => visible().forEach((photo) => { photo.open = true; }));
  find("close-all").addEventListener("click", () => all.forEach((photo) => { photo.open = false; }));
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = visible().filter((photo) => !photo.open);
    opened.forEach((photo) => { photo.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((photo) => { photo.open = false; }));

  // keys
  function step(by) {
    const shown = visible();
    const here = shown.findIndex((photo) => photo.contains(document.activeElement));
    const next = shown[here < 0 ? (by > 0 ? 0 : shown.length - 1) : Math.min(Math.max(here + by, 0), shown.length - 1)];
    if (!next) return;
    next.querySelector("summary").focus({ preventScroll: true });
    next.scrollIntoView({ block: "start" });
  }
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    m: () => find("show-map").click(),
    b: () => find("show-boxes").click(),
    e: () => find(visible().every((photo) => photo.open) ? "close-all" : "open-all").click(),
    "/": () => find("search") && find("search").focus(),
  };
  addEventListener("keydown", (event) => {
    const typing = event.target.matches("select, input[type=search]");
    if (event.key === "Escape" && typing) event.target.blur();
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
})();
