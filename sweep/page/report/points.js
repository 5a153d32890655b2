"use strict";
// Pointing at the points of a figure: the nearest one is ringed, its numbers are told, and how to replay one of its runs.
{
const data = JSON.parse(document.getElementById("points").textContent);
const table = document.getElementById("settings");
const heads = [...table.tHead.rows[0].cells].map((cell) => ({
  key: cell.dataset.key, name: cell.textContent, isAxis: "axis" in cell.dataset,
}));
const lines = [...table.tBodies[0].rows];
const nameOf = Object.fromEntries(heads.map((head) => [head.key, head.name]));
const axes = heads.filter((head) => head.isAxis).map((head) => head.key);
const REACH = { mouse: 40, pen: 40, touch: 60 }; // pixels
const SAME_PLACE = 3;
const MOST_OTHERS = 4;
const HOW_ON = "Paste it into a terminal: it trains this run again and prints its weights and losses. Escape closes this.";
const arrays = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array };

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// ---- numbers

async function inflated(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

const stores = data.packed.map(() => null);
function store(number) {
  stores[number] ??= (async () => {
    const packed = data.packed[number];
    const columns = await Promise.all(packed.columns.map(async ([key, texts, codes]) => {
      const bytes = await inflated(codes);
      return { key, texts, codes: packed.n ? new arrays[bytes.byteLength / packed.n](bytes) : [] };
    }));
    const runs = new Float64Array(await inflated(packed.runs));
    for (let at = 1; at < runs.length; at += 1) runs[at] += runs[at - 1];
    return { columns, runs };
  })();
  return stores[number];
}

async function stored(number, place) {
  const { columns, runs } = await store(number);
  if (runs[place] < 0) return null;
  const found = Object.fromEntries(columns.map(({ key, texts, codes }) => [key, texts[codes[place]]]));
  return { ...found, run: String(runs[place]) };
}

async function record(number) {
  if (number < 0) return data.pooled[-1 - number];
  if (number >= lines.length) return stored(0, number - lines.length);
  return Object.fromEntries(heads.map((head, at) => [head.key, lines[number].cells[at].textContent]));
}

// ---- words

const counted = (found) => `${found.n_converged} of ${found.n}`;
const named = (found, keys) => keys.filter((key) => key in found).map((key) => `${nameOf[key]} ${found[key]}`).join(" · ");

function facts(found, numbers) {
  const told = Object.entries(numbers);
  const interval = "interval" in found && found.n !== "1" ? `, ${nameOf.interval} ${found.interval} %` : "";
  told.push(["converged", `${counted(found)} (${found.rate} %${interval})`]);
  for (const [key, count] of Object.entries(found)) {
    if (key.startsWith("n_") && key !== "n_converged" && count !== "0") told.push([nameOf[key], `${count} of ${found.n}`]);
  }
  const [low, median, high] = ["epochs_q05", "epochs_q50", "epochs_q95"].map((key) => found[key]);
  if (found.n === "1" || low === undefined) told.push(["epochs", median]);
  else told.push(["epochs, median", median], ["5 – 95 % of the runs", `${low} – ${high}`]);
  if ("final_loss_q50" in found) told.push([found.n === "1" ? "final loss" : "final loss, median", found.final_loss_q50]);
  return told;
}

function setting(found) {
  if (!found.settings) return named(found, axes) || "the only setting";
  const varying = axes.filter((key) => !(key in found)).map((key) => nameOf[key]);
  const together = `${found.settings} settings counted together, which differ in ${varying.join(", ")}`;
  return [named(found, axes), together].filter(Boolean).join(" · ");
}

function runsOf(found) {
  const n = Number(found.n.replaceAll(",", ""));
  if (found.settings || !data.complete || n === 1) return `run ${found.run}`;
  return `runs ${found.run} to ${Number(found.run) + n - 1}`;
}

// The address of a setting's first run, which lasts when the experiment grows; its number where there is none.
function address(found) {
  const run = Number(found.run);
  if (found.settings || !data.seeds) return found.run;
  const [, seed] = data.seeds.findLast(([first]) => first <= run);
  const parts = [...axes.map((key) => `${key}=${found[key]}`), `seed=${seed}`];
  return parts.map((part) => (/^[\w.=+-]+$/.test(part) ? part : `'${part.replaceAll("'", "'\\''")}'`)).join(" ");
}
const command = (found) => (data.replay ? `${data.replay} ${address(found)}` : null);

// ---- what is shown

const tip = element("div", "tip");
tip.hidden = true;
const said = element("div", "unseen");
said.setAttribute("aria-live", "polite");
document.body.append(tip, said);
let shown = null; // { explorer, found, pinned }

function tell(found, numbers, others, note, byKeys) {
  tip.replaceChildren(element("p", "setting", setting(found)));
  const list = element("dl");
  for (const [name, value] of facts(found, numbers)) list.append(element("dt", "", name), element("dd", "", value));
  list.append(element("dt", "", "run numbers"), element("dd", "", runsOf(found)));
  tip.append(list);
  if (others.length) {
    const same = others.every((other) => counted(other) === counted(found) && other.epochs_q50 === found.epochs_q50);
    const names = others.slice(0, MOST_OTHERS).map((other) => {
      const differing = named(other, axes.filter((key) => other[key] !== found[key])) || setting(other);
      return same ? differing : `${differing} (${counted(other)}, median ${other.epochs_q50})`;
    });
    if (others.length > MOST_OTHERS) names.push(`${others.length - MOST_OTHERS} more`);
    tip.append(element("p", "", `${same ? "The same numbers at the same place" : "At the same place"}: ${names.join("; ")}`));
  }
  if (note) tip.append(element("p", "quiet", note));
  const typed = command(found);
  if (typed) {
    const line = element("p", "replay");
    const button = element("button", "", "Copy");
    button.type = "button";
    button.addEventListener("click", () => copy());
    line.append(element("code", "", typed), " ", button, element("span", "quiet", byKeys ? "Enter copies it" : "a click copies it"));
    tip.append(line);
  }
  if (trains()) {
    const button = element("button", "", "See this run train");
    button.type = "button";
    button.addEventListener("click", () => train());
    tip.append(button);
  }
  tip.hidden = false;
  if (byKeys) {
    said.textContent = [setting(found), ...facts(found, numbers).map((pair) => pair.join(" ")), note, typed, trains() && "t shows it in training"].filter(Boolean).join("; ");
  }
}

// Whether the page trains runs itself; live.js says so where it does.
const trains = () => Boolean(window.sweep?.show);

function train() {
  const { run } = shown.found;
  hide();
  window.sweep.show(Number(run));
}

async function copy() {
  const typed = shown && command(shown.found);
  if (!typed) return;
  try {
    await navigator.clipboard.writeText(typed);
  } catch {
    const area = element("textarea", "unseen");
    area.value = typed;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const button = tip.querySelector("button");
  if (button) button.textContent = "Copied";
  tip.querySelector(".next")?.remove();
  if (!tip.hidden) tip.append(element("p", "quiet next", HOW_ON));
  said.textContent = `Copied: ${typed}. ${HOW_ON}`;
}

// What must stay in sight, in the window: the ring, and of several panels the one that is pointed at, with its title.
function inSight(ring) {
  const { explorer, at } = shown;
  const panel = explorer.panels.find(([x, y, w, h]) => at.x >= x && at.x <= x + w && at.y >= y && at.y <= y + h);
  const { left, right, top } = ring.getBoundingClientRect();
  if (!panel || panel[2] > 0.4) return { left, right, top };
  const stage = explorer.stage.getBoundingClientRect();
  return { left: stage.left + panel[0] * stage.width, right: stage.left + (panel[0] + panel[2]) * stage.width, top };
}

function place(ring) {
  const at = inSight(ring);
  const { width, height } = tip.getBoundingClientRect();
  const right = at.right + 12 + width < document.documentElement.clientWidth;
  const left = right ? at.right + 12 : Math.max(4, at.left - 12 - width);
  const lowest = Math.max(4, window.innerHeight - height - 4);
  const top = Math.min(Math.max(4, at.top - height / 3), lowest);
  tip.style.left = `${left}px`;
  tip.style.top = `${top}px`;
}

function hide() {
  if (shown) shown.explorer.ring.hidden = true;
  shown = null;
  tip.hidden = true;
  tip.classList.remove("pinned");
}

for (const event of ["scroll", "resize"]) {
  window.addEventListener(event, () => shown && place(shown.explorer.ring), { passive: true, capture: true });
}
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
document.addEventListener("click", (event) => {
  if (shown && !tip.contains(event.target) && !shown.explorer.stage.contains(event.target)) hide();
});

// ---- where the points are

class Lines {
  constructor(series) {
    this.series = series;
    const n = series.reduce((sum, one) => sum + one.x.length, 0);
    this.count = `${n.toLocaleString("en")} point${n === 1 ? "" : "s"}`;
    this.keys = "left and right move along a line, up and down to another one";
  }

  at(line, point) {
    const one = this.series[line];
    return { line, point, x: one.x[point] / data.fraction, y: one.y[point] / data.fraction };
  }

  nearest(x, y, width, height, reach, hidden) {
    let best = null;
    let least = reach;
    this.series.forEach((one, line) => !hidden.includes(one.line) && one.x.forEach((_, point) => {
      const distance = Math.hypot((one.x[point] / data.fraction - x) * width, (one.y[point] / data.fraction - y) * height);
      if (distance < least) [best, least] = [[line, point], distance];
    }));
    return best && this.at(...best);
  }

  async told(at, width, height) {
    const one = this.series[at.line];
    const number = one.records[at.point];
    const numbers = Object.fromEntries(Object.entries(one.numbers ?? {}).map(([name, texts]) => [name, texts[at.point]]));
    const others = new Set();
    this.series.forEach((other) => other.x.forEach((_, point) => {
      const near = Math.hypot((other.x[point] / data.fraction - at.x) * width, (other.y[point] / data.fraction - at.y) * height);
      if (near < SAME_PLACE && other.records[point] !== number) others.add(other.records[point]);
    }));
    return { found: await record(number), numbers, others: await Promise.all([...others].map(record)), note: "" };
  }

  first() { return this.at(0, 0); }

  moved(at, key) {
    const last = this.series[at.line].x.length - 1;
    if (key === "ArrowLeft") return this.at(at.line, Math.max(at.point - 1, 0));
    if (key === "ArrowRight") return this.at(at.line, Math.min(at.point + 1, last));
    if (key === "Home") return this.at(at.line, 0);
    if (key === "End") return this.at(at.line, last);
    const step = { ArrowUp: -1, PageUp: -1, ArrowDown: 1, PageDown: 1 }[key];
    const line = Math.min(Math.max(at.line + step, 0), this.series.length - 1);
    const gaps = this.series[line].x.map((x) => Math.abs(x / data.fraction - at.x));
    return this.at(line, gaps.indexOf(Math.min(...gaps)));
  }
}

class Pictures {
  constructor(cells) {
    this.cells = cells;
    this.count = `${cells.reduce((sum, one) => sum + one.shape[0] * one.shape[1], 0).toLocaleString("en")} settings`;
    this.keys = "the arrows move by one setting, with Shift by more, page up and page down to another picture";
  }

  at(picture, column, row) {
    const { box: [left, top, width, height], shape: [nY, nX], step } = this.cells[picture];
    const [lastColumn, lastRow] = [Math.floor((nX - 1) / step), Math.floor((nY - 1) / step)];
    const [c, r] = [Math.min(Math.max(column, 0), lastColumn), Math.min(Math.max(row, 0), lastRow)];
    return {
      picture, column: c, row: r,
      x: left + ((c * step + 0.5) / nX) * width,
      y: top + height - ((r * step + 0.5) / nY) * height,
    };
  }

  nearest(x, y) {
    for (const [picture, { box: [left, top, width, height], shape: [nY, nX], step }] of this.cells.entries()) {
      const [across, up] = [(x - left) / width, (top + height - y) / height];
      if (across >= 0 && across < 1 && up >= 0 && up < 1) {
        return this.at(picture, Math.floor(Math.floor(across * nX) / step), Math.floor(Math.floor(up * nY) / step));
      }
    }
    return null;
  }

  async told(at, width) {
    const { box, shape: [, nX], step, store: number, first } = this.cells[at.picture];
    const columns = Math.floor((nX - 1) / step) + 1;
    const found = await stored(number, first + at.row * columns + at.column);
    let note = step > 1 ? `Of each ${step} × ${step} settings one can be pointed at.` : "";
    if (!note && box[2] * width < nX) note = "Other settings share this dot of the screen; the arrow keys reach each.";
    return { found, numbers: {}, others: [], note };
  }

  first() {
    const { shape: [nY, nX], step } = this.cells[0];
    return this.at(0, Math.floor(nX / step / 2), Math.floor(nY / step / 2));
  }

  moved(at, key, far) {
    const { shape: [nY, nX], step } = this.cells[at.picture];
    const by = (n) => (far ? Math.max(1, Math.round(n / step / 16)) : 1);
    if (key === "ArrowLeft") return this.at(at.picture, at.column - by(nX), at.row);
    if (key === "ArrowRight") return this.at(at.picture, at.column + by(nX), at.row);
    if (key === "ArrowUp") return this.at(at.picture, at.column, at.row + by(nY));
    if (key === "ArrowDown") return this.at(at.picture, at.column, at.row - by(nY));
    if (key === "Home") return this.at(at.picture, 0, at.row);
    if (key === "End") return this.at(at.picture, nX, at.row);
    const picture = Math.min(Math.max(at.picture + (key === "PageUp" ? -1 : 1), 0), this.cells.length - 1);
    return this.at(picture, at.column, at.row);
  }
}

// ---- a figure that can be explored

const MOVES = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"]);

class Explorer {
  constructor(figure, points) {
    this.points = points;
    this.stage = figure.querySelector(".stage");
    this.stage.classList.add("pointable");
    this.panels = JSON.parse(this.stage.dataset.parts ?? '{"panels":[]}').panels.map((panel) => panel.box);
    this.overlay = element("div", "points");
    this.overlay.tabIndex = 0;
    this.overlay.setAttribute("role", "application");
    this.overlay.setAttribute("aria-roledescription", "figure to explore");
    this.overlay.setAttribute("aria-label", `${points.count}: ${points.keys}; Enter copies the command that replays a run`);
    this.ring = element("div", "ring");
    this.ring.hidden = true;
    this.stage.append(this.overlay, this.ring);
    if (!document.querySelector(".hint")) figure.querySelector("figcaption").after(element("p", "hint", `Point at any figure, or use the arrow keys: ${points.count} with numbers here${data.replay ? "; a click copies the command that replays a run" : ""}; the names of lines hide and show them.`));
    this.stage.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "touch" && !shown?.pinned && !event.target.closest("button")) this.pointed(event);
    });
    this.stage.addEventListener("pointerleave", () => { if (shown?.explorer === this && !shown.pinned && !shown.byKeys) hide(); });
    this.stage.addEventListener("click", (event) => this.clicked(event));
    this.overlay.addEventListener("keydown", (event) => this.pressed(event));
    this.overlay.addEventListener("blur", () => { if (shown?.explorer === this && shown.byKeys) hide(); });
  }

  // The whole figure, or the panels cut from it that are shown instead on a narrow screen: elements and their boxes.
  windows() {
    const cut = [...this.stage.querySelectorAll(".window")].filter((one) => one.offsetParent);
    return cut.length ? cut.map((one) => [one, JSON.parse(one.dataset.box)]) : [[this.stage, [0, 0, 1, 1]]];
  }

  pointed(event) {
    const found = this.windows().find(([element]) => element.contains(event.target));
    if (!found) return hide();
    const [element, [left, top, width, height]] = found;
    const box = element.getBoundingClientRect();
    const [x, y] = [left + (event.clientX - box.left) / box.width * width, top + (event.clientY - box.top) / box.height * height];
    const hidden = (this.stage.dataset.hidden ?? "").split(" ");
    const at = this.points.nearest(x, y, box.width / width, box.height / height, REACH[event.pointerType] ?? REACH.mouse, hidden);
    if (!at && shown?.explorer === this) hide();
    return at && this.show(at, false);
  }

  async clicked(event) {
    if (event.target.closest("button")) return;
    this.overlay.focus({ preventScroll: true });
    if (await this.pointed(event)) {
      shown.pinned = true;
      tip.classList.add("pinned");
      if (event.pointerType !== "touch") await copy();
    }
  }

  async pressed(event) {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      if (shown?.explorer !== this) await this.show(this.last ?? this.points.first(), true);
      await copy();
    } else if (event.key === "t" && shown?.explorer === this && trains()) {
      train();
    } else if (MOVES.has(event.key)) {
      event.preventDefault();
      await this.show(this.last ? this.points.moved(this.last, event.key, event.shiftKey) : this.points.first(), true);
    }
  }

  async show(at, byKeys) {
    this.last = at;
    const [element, [left, top, width, height]] = this.windows().find(([, [x, y, w, h]]) =>
      at.x >= x - w * 0.05 && at.x <= x + w * 1.05 && at.y >= y - h * 0.05 && at.y <= y + h * 1.05) ?? this.windows()[0];
    const box = element.getBoundingClientRect();
    const { found, numbers, others, note } = await this.points.told(at, box.width / width, box.height / height);
    if (this.last !== at) return false;
    hide();
    if (!found) return false;
    element.append(this.ring);
    this.ring.style.left = `${100 * (at.x - left) / width}%`;
    this.ring.style.top = `${100 * (at.y - top) / height}%`;
    this.ring.hidden = false;
    shown = { explorer: this, at, found, pinned: false, byKeys };
    tell(found, numbers, others, note, byKeys);
    if (byKeys) this.ring.scrollIntoView({ block: "nearest", inline: "nearest" });
    place(this.ring);
    return true;
  }
}

for (const [name, { series, cells }] of Object.entries(data.figures)) {
  const figure = document.getElementById(name);
  if (figure) new Explorer(figure, cells ? new Pictures(cells) : new Lines(series));
}
}
