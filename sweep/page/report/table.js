"use strict";
// The summary sorted by any column and filtered by any: without this script it is whole, in the order of the grid.
{
const table = document.getElementById("settings");
const head = table.tHead.rows[0];
const body = table.tBodies[0];
const heads = [...head.cells];
const MOST_CHOICES = 40;
const BEST_FIRST = new Set(["rate", "interval", "n_converged"]); // columns whose largest values come first

// What is later than max_epochs ("> 10,000") or infinite is larger than every number.
function number(text) {
  if (/^[>∞]/.test(text)) return Infinity;
  return Number.parseFloat(text.replaceAll(",", "").replace("−", "-"));
}

const isText = heads.map((cell) => cell.classList.contains("t"));
const lines = [...body.rows].map((row, place) => {
  const texts = [...row.cells].map((cell) => cell.textContent);
  return { row, place, texts, values: texts.map((text, at) => (isText[at] ? text : number(text))) };
});

let sorted = { column: -1, direction: 0 };
const tests = heads.map(() => null);
let words = [];

const status = document.createElement("span");
status.setAttribute("role", "status");

// The best first: by the share that converged, then by the median epochs.
const at = Object.fromEntries(heads.map((cell, place) => [cell.dataset.key, place]));
const order = (values) => [-values[at.rate], values[at.epochs_q50]];
[...lines].sort((one, other) => {
  const [a, b] = [order(one.values), order(other.values)];
  return a[0] - b[0] || (a[1] === b[1] ? 0 : a[1] - b[1]) || one.place - other.place;
}).forEach((line, place) => { line.place = place; });

function compared(one, other) {
  const { column, direction } = sorted;
  if (!direction) return one.place - other.place;
  const [a, b] = [one.values[column], other.values[column]];
  if (isText[column]) return direction * a.localeCompare(b, "en", { numeric: true }) || one.place - other.place;
  const [noA, noB] = [Number.isNaN(a), Number.isNaN(b)];
  if (noA || noB) return noA - noB || one.place - other.place;
  return (a === b ? 0 : a < b ? -direction : direction) || one.place - other.place;
}

function show() {
  const chosen = lines.filter((line) =>
    tests.every((test, at) => !test || test(line.values[at])) &&
    words.every((word) => line.texts.some((text) => text.toLowerCase().includes(word))));
  body.replaceChildren(...chosen.sort(compared).map((line) => line.row));
  const best = sorted.direction ? "" : ", those that converged most often first, the fastest of them first";
  status.textContent = `${chosen.length.toLocaleString("en")} of ${lines.length.toLocaleString("en")} lines${best}`;
}

// "0.1", "> 0.1", "<= 10,000" or "0.1 .. 10" as a test of numbers; null for nothing, undefined for what is none of these.
function numberTest(text) {
  const found = text.replaceAll(",", "").replaceAll("−", "-").trim();
  if (!found) return null;
  const range = found.match(/^(\S+?)\s*(?:\.\.|…|–)\s*(\S+)$/);
  const [low, high] = range ? range.slice(1).map(limit) : [];
  if (range) return Number.isNaN(low) || Number.isNaN(high) ? undefined : (value) => low <= value && value <= high;
  const [, sign, rest] = found.match(/^([<>]=?|[=≤≥])?\s*(.*)$/);
  const bound = limit(rest);
  if (Number.isNaN(bound)) return undefined;
  return {
    "<": (value) => value < bound, ">": (value) => value > bound,
    "<=": (value) => value <= bound, "≤": (value) => value <= bound,
    ">=": (value) => value >= bound, "≥": (value) => value >= bound,
  }[sign] ?? ((value) => value === bound);
}

function limit(text) {
  if (text === "∞") return Infinity;
  return text === "" ? NaN : Number(text);
}

function sort(column) {
  const first = BEST_FIRST.has(heads[column].dataset.key) ? -1 : 1;
  const direction = sorted.column !== column ? first : sorted.direction === first ? -first : 0;
  sorted = { column, direction };
  heads.forEach((cell, at) => {
    if (at === column && direction) cell.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
    else cell.removeAttribute("aria-sort");
  });
  show();
}

function filter(column) {
  const name = heads[column].textContent;
  const choices = [...new Set(lines.map((line) => line.texts[column]))];
  let control;
  if (isText[column] && choices.length <= MOST_CHOICES) {
    control = document.createElement("select");
    control.append(new Option("all", ""), ...choices.map((choice) => new Option(choice, choice)));
    control.addEventListener("change", () => {
      tests[column] = control.value === "" ? null : (value) => value === control.value;
      show();
    });
  } else {
    control = document.createElement("input");
    control.type = "text";
    if (!isText[column]) control.title = "Such as 0.1, > 0.1, <= 10, 0.1 .. 10";
    control.addEventListener("input", () => {
      const wanted = control.value.trim().toLowerCase();
      const test = isText[column] ? wanted && ((value) => value.toLowerCase().includes(wanted)) : numberTest(control.value);
      control.setAttribute("aria-invalid", String(test === undefined));
      tests[column] = test || null;
      show();
      if (test === undefined) status.textContent += `; not used: “${control.value}” of ${name}, which takes 0.1, > 0.1, <= 10 or 0.1 .. 10`;
    });
  }
  control.setAttribute("aria-label", `Filter by ${name}${isText[column] ? "" : ", such as > 0.1"}`);
  return control;
}

if (lines.length > 1) {
  const filters = table.tHead.insertRow();
  filters.className = "filters";
  const controls = heads.map((_, column) => filter(column));
  controls.forEach((control) => filters.insertCell().append(control));
  heads.forEach((cell, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...cell.childNodes);
    cell.append(button);
    cell.addEventListener("click", () => sort(column));
  });

  const bar = document.createElement("div");
  bar.className = "controls";
  const label = document.createElement("label");
  const search = document.createElement("input");
  search.type = "search";
  search.addEventListener("input", () => {
    words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    show();
  });
  label.append("Find ", search);
  const reset = document.createElement("button");
  reset.type = "button";
  reset.textContent = "Show all";
  reset.addEventListener("click", () => {
    for (const control of [search, ...controls]) {
      control.value = "";
      control.removeAttribute("aria-invalid");
    }
    tests.fill(null);
    words = [];
    sorted = { column: -1, direction: 0 };
    heads.forEach((cell) => cell.removeAttribute("aria-sort"));
    show();
  });
  bar.append(label, reset, status);
  table.parentElement.before(bar);
  show();
}
}
