// The section: one or two benches, their common time, the address, and the line that is to be drawn by hand.

const SPEEDS = { "¼ ×": 0.25, "½ ×": 0.5, "1 ×": 1, "2 ×": 2, "4 ×": 4 };
const SECONDS = 9; // of a whole run at speed 1
const isStill = window.matchMedia("(prefers-reduced-motion: reduce)");

class Live {
  constructor(experiment, root) {
    Object.assign(this, { experiment, root, epoch: 0, position: 0, isPlaying: false, speed: 1, benches: [] });
    this.says = make("p", { class: "unseen announced", role: "status" });
    const button = (name, text, act) => make("button", { type: "button", "aria-label": name, title: name, onclick: act }, text);
    this.play = button("Play", "Play", () => (this.isPlaying ? this.pause() : this.start()));
    this.slider = make("input", { type: "range", min: "0", max: "1000", step: "1", value: "0", "aria-label": "Epoch", oninput: () => this.scrub(), onkeydown: (event) => this.sliderKey(event) });
    this.chosenSpeed = make("select", { "aria-label": "Speed", onchange: () => { this.speed = SPEEDS[this.chosenSpeed.value]; } },
      ...Object.keys(SPEEDS).map((name) => make("option", { selected: name === "1 ×" }, name)));
    this.transport = make("div", { class: "transport", role: "group", "aria-label": "Time" },
      button("Rewind to the same start", "Rewind", () => this.go(0)), this.play,
      button("One epoch back", "−1", () => this.go(this.epoch - 1)), button("One epoch further", "+1", () => this.go(this.epoch + 1)),
      button("To the end", "End", () => this.go(this.last)), this.slider, this.chosenSpeed);
    this.compare = make("button", { type: "button", onclick: () => this.toggleCompare() }, "Compare with a second run");
    this.whyNot = make("button", { type: "button", hidden: true, "aria-expanded": "false", onclick: () => this.toggleRuler() }, "Why not? Draw the line yourself");
    this.difference = make("p", { class: "quiet" });
    this.holder = make("div", { class: "benches" });
    this.ruler = new Ruler(this);
    root.append(this.transport, make("div", { class: "more" }, this.compare, this.whyNot), this.ruler.element, this.difference, this.holder, ...this.lacking(), this.says);
    root.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(this.holder);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    window.addEventListener("hashchange", () => { if (location.hash !== this.hash) this.fromAddress(); });
    this.addBench("Run");
  }

  // Kinds of models of the sweep for which the page has no kernel, and what to do.
  lacking() {
    const { kernels, lacking, more } = this.experiment;
    if (!lacking.length) return [];
    const names = this.experiment.kinds(lacking);
    const named = names.length > 6 ? `${names.slice(0, 5).join("; ")}; and ${names.length - 5} more` : names.join("; ");
    const element = make("p", { class: "quiet lacking" }, `This page trains ${kernels.length} of the ${kernels.length + lacking.length} kinds of models of this sweep. It lacks: ${named}.`);
    if (more) element.append(" This adds them: ", make("code", {}, more));
    return [element];
  }

  get last() {
    return Math.max(...this.benches.map((bench) => bench.last));
  }

  get most() {
    return Math.max(...this.benches.map((bench) => bench.most));
  }

  addBench(name) {
    const bench = new Bench(this.experiment, name, (what, which) => this.told(what, which));
    this.benches.push(bench);
    this.holder.append(bench.element);
    this.root.classList.toggle("two", this.benches.length > 1);
    return bench;
  }

  // ---- what the benches tell

  told(what, bench) {
    if (what === "started") {
      this.pause();
      this.go(0, true);
      this.follow();
      this.update();
    } else if (what === "trained") {
      this.says.textContent = bench.summary();
      bench.seen = 0; // however long training took: what was followed meanwhile is played from the start
      this.draw();
      this.playIfTrained();
    } else if (what === "changed") {
      if (isStill.matches) bench.done.then(() => this.go(this.last));
      else this.playsNext = true;
      this.playIfTrained();
      this.toAddress();
    }
  }

  playIfTrained() {
    if (!this.playsNext || !this.benches.every((bench) => bench.outcome)) return;
    this.playsNext = false;
    this.start();
  }

  // While a run is trained its newest state is shown; a frame at a time.
  follow() {
    if (this.isFollowing) return;
    this.isFollowing = true;
    const frame = () => {
      const busy = this.benches.filter((bench) => bench.model && !bench.outcome);
      this.isFollowing = busy.length > 0;
      if (!this.isFollowing) return;
      if (performance.now() - this.lastStart > 250) for (const bench of busy) bench.show(Infinity, this.most, true);
      requestAnimationFrame(frame);
    };
    this.lastStart = performance.now();
    requestAnimationFrame(frame);
  }

  update() {
    const [first, second] = this.benches;
    this.compare.textContent = second ? "One run alone" : "Compare with a second run";
    const differing = second?.setting ? Object.keys({ ...first.setting, ...second.setting }).filter((key) => JSON.stringify(first.setting[key] ?? null) !== JSON.stringify(second.setting[key] ?? null)) : [];
    this.difference.textContent = second ? (differing.length ? `They differ in: ${differing.map((key) => `${LABELS[key] ?? key} (${shown(first.setting[key])}, ${shown(second.setting[key])})`).join("; ")}.` : "The same run twice: change one thing in the second.") : "";
    const text = first.table && first.box ? first.table.targets.join("") : "";
    this.whyNot.hidden = !["0110", "1001"].includes(text) || this.experiment.isOwn(first.setting);
    if (this.whyNot.hidden) this.ruler.hide();
    else this.ruler.say();
  }

  async toggleCompare() {
    if (this.benches.length > 1) {
      this.benches.pop().element.remove();
      this.root.classList.remove("two");
      this.benches[0].heading.textContent = this.benches[0].name = "Run";
    } else {
      this.benches[0].heading.textContent = this.benches[0].name = "First run";
      await this.addBench("Second run").set(this.benches[0].setting);
    }
    this.update();
    this.draw();
    this.toAddress();
  }

  toggleRuler() {
    if (this.ruler.element.hidden) this.ruler.show();
    else this.ruler.hide();
    this.whyNot.setAttribute("aria-expanded", String(!this.ruler.element.hidden));
    this.draw();
  }

  // ---- time

  epochAt(position) {
    return Math.round(Math.expm1((position / 1000) * Math.log1p(this.last)));
  }

  positionOf(epoch) {
    return this.last ? (1000 * Math.log1p(epoch)) / Math.log1p(this.last) : 0;
  }

  go(epoch, isQuick = false) {
    this.pause();
    this.epoch = Math.max(0, Math.min(epoch, this.last));
    this.position = this.positionOf(this.epoch);
    this.draw(isQuick);
    if (!isQuick) this.toAddress();
  }

  scrub() {
    this.pause();
    this.position = Number(this.slider.value);
    this.epoch = this.epochAt(this.position);
    this.draw();
  }

  sliderKey(event) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
    if (!(event.key in steps)) return;
    event.preventDefault();
    this.go(this.epoch + steps[event.key] * (event.shiftKey ? 10 : 1));
  }

  key(event) {
    if (event.target.closest(event.key === " " ? "input, select, button, a, summary" : "input, select")) return;
    const acts = {
      " ": () => (this.isPlaying ? this.pause() : this.start()), Home: () => this.go(0), End: () => this.go(this.last),
      ArrowRight: () => this.go(this.epoch + (event.shiftKey ? 10 : 1)), ArrowLeft: () => this.go(this.epoch - (event.shiftKey ? 10 : 1)),
    };
    if (!(event.key in acts)) return;
    event.preventDefault();
    acts[event.key]();
  }

  start() {
    if (this.epoch >= this.last) this.position = 0;
    this.isPlaying = true;
    this.play.textContent = "Pause";
    this.play.setAttribute("aria-label", "Pause");
    let before = performance.now();
    let wait = 0;
    const frame = (time) => {
      if (!this.isPlaying) return;
      const passed = Math.max(0, time - before);
      before = time;
      wait -= passed;
      if (!isStill.matches || wait <= 0) {
        wait = 900;
        const step = isStill.matches ? 1000 / 8 : (passed / 1000 / SECONDS) * 1000 * this.speed;
        this.position = Math.min(1000, this.position + step);
        this.epoch = this.epochAt(this.position);
        this.draw(true);
      }
      if (this.position >= 1000 && this.benches.every((bench) => bench.outcome)) this.go(this.last);
      else requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  pause() {
    if (!this.isPlaying) return;
    this.isPlaying = false;
    this.play.textContent = "Play";
    this.play.setAttribute("aria-label", "Play");
    this.draw();
  }

  draw(isQuick = false) {
    for (const bench of this.benches) bench.show(this.epoch, this.most, isQuick);
    this.slider.value = String(Math.round(this.position));
    this.slider.setAttribute("aria-valuetext", `epoch ${grouped(this.epoch)} of ${grouped(this.last)}`);
  }

  // ---- the address

  given(bench) {
    const from = this.experiment;
    const keys = Object.entries(bench.setting).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(from.only(key) ?? null));
    return keys.map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]);
  }

  toAddress() {
    if (this.benches.some((bench) => !bench.setting)) return;
    const words = new URLSearchParams();
    this.benches.forEach((bench, k) => this.given(bench).forEach(([key, value]) => words.set(`${k ? "b." : ""}${key}`, value)));
    if (this.benches.length > 1) words.set("b", "");
    if (this.epoch) words.set("epoch", String(this.epoch));
    this.hash = `#train?${words}`;
    history.replaceState(null, "", this.hash);
  }

  async fromAddress() {
    if (!location.hash.startsWith("#train?")) return false;
    this.hash = location.hash;
    const words = new URLSearchParams(location.hash.slice(7));
    const parts = [{}, {}];
    for (const [key, text] of words) {
      if (key === "epoch" || key === "b") continue;
      const name = key.replace(/^b\./, "");
      let value = text;
      const type = this.experiment.keys[name]?.type;
      if (name !== "gate" && name !== "init" && !type?.enum) try { value = JSON.parse(text); } catch { value = text; }
      parts[key.startsWith("b.") ? 1 : 0][name] = value;
    }
    const [opening] = this.experiment.openingSettings();
    const set = async (bench, part) => {
      if (await bench.set({ ...opening, ...part })) return;
      const { refusal } = bench;
      if (!bench.setting) await bench.set(opening);
      bench.trouble.textContent = `The address asks for something else: ${refusal}`;
    };
    await set(this.benches[0], parts[0]);
    if (words.has("b") !== this.benches.length > 1) await this.toggleCompare();
    if (words.has("b")) await set(this.benches[1], parts[1]);
    await Promise.all(this.benches.map((bench) => bench.done));
    this.go(Number(words.get("epoch")) || 0);
    return true;
  }

  // Show a run by its number.
  async showRun(run) {
    const [bench] = this.benches;
    try {
      if (await bench.set(this.experiment.settingOf(run))) this.told("changed", bench);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      bench.trouble.textContent = `Run ${grouped(run)}: ${error.message}`;
    }
    this.root.scrollIntoView({ behavior: isStill.matches ? "auto" : "smooth", block: "start" });
    this.play.focus({ preventScroll: true });
  }
}

// A line over the first decision surface, to be moved by hand or by two sliders; and why none is right.
class Ruler {
  constructor(live) {
    Object.assign(this, { live, angle: 90, shift: 0 });
    const slider = (name, key, [min, max]) => make("label", {}, `${name} `, make("input", {
      type: "range", min, max, step: "1", value: String(this[key]), oninput: (event) => { this[key] = Number(event.target.value); this.moved(); },
    }));
    this.score = make("p", { role: "status" });
    this.reasons = make("details", {}, make("summary", {}, "Why no line can do it"));
    this.element = make("div", { class: "ruler", hidden: true }, make("p", {}, "Put all 1s on one side. Drag the line, or its ends, on the decision surface, or:"),
      slider("turn", "angle", ["0", "180"]), slider("shift", "shift", ["-100", "100"]), this.score, this.reasons);
  }

  get bench() {
    return this.live.benches[0];
  }

  show() {
    this.element.hidden = false;
    this.say();
    this.moved();
    const { plane } = this.bench;
    plane.classList.add("draggable");
    plane.onpointerdown = (event) => this.grab(event);
  }

  hide() {
    this.element.hidden = true;
    this.reasons.open = false;
    if (!this.bench) return;
    this.bench.ruler = null;
    this.bench.plane.classList.remove("draggable");
    this.bench.plane.onpointerdown = null;
  }

  // The line by angle and shift, as two places of the plane.
  moved() {
    const { box } = this.bench;
    const radians = (this.angle * Math.PI) / 180;
    const [nx, ny] = [Math.cos(radians), Math.sin(radians)];
    const half = (box[0][1] - box[0][0]) / 2;
    const [cx, cy] = [0, 1].map((i) => (box[i][0] + box[i][1]) / 2 + ([nx, ny][i] * this.shift * half) / 100);
    const reach = 0.6 * half;
    this.line([[cx - ny * reach, cy + nx * reach], [cx + ny * reach, cy - nx * reach]]);
  }

  line(ends) {
    this.bench.ruler = ends;
    const [[x1, y1], [x2, y2]] = ends;
    const { inputs, targets } = this.bench.table;
    const sides = inputs.map(([x, y]) => (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1) > 0);
    const right = sides.filter((side, m) => side === (targets[m] === 1)).length;
    const best = Math.max(right, inputs.length - right);
    this.score.textContent = `${best} of ${inputs.length} right${best === 3 ? ": that is as good as it gets" : ""}.`;
    this.live.draw();
  }

  grab(event) {
    event.preventDefault();
    const { plane, box } = this.bench;
    const { left, top, width, height } = plane.getBoundingClientRect();
    const place = surfacePlace(width, height, box);
    const pixel = (e) => [e.clientX - left, e.clientY - top];
    const start = pixel(event);
    const before = this.bench.ruler;
    const near = before.findIndex((end) => Math.hypot(place.at(end)[0] - start[0], place.at(end)[1] - start[1]) < 22);
    const move = (e) => {
      const [dx, dy] = [pixel(e)[0] - start[0], pixel(e)[1] - start[1]];
      this.line(before.map((end, k) => {
        if (near >= 0 && k !== near) return end;
        const [x, y] = place.at(end);
        return place.from(x + dx, y + dy);
      }));
    };
    plane.setPointerCapture(event.pointerId);
    plane.onpointermove = move;
    plane.onpointerup = () => { plane.onpointermove = null; };
  }

  // For each row an inequality; those of two rows add up to the contrary of the sum of the other two.
  say() {
    const { inputs, targets } = this.bench.table;
    const term = (row) => row.map((value, i) => (value === 0 ? "" : `${value < 0 ? "− " : "+ "}w${"₁₂"[i]} `)).join("").replace(/^\+ /, "");
    const side = (row) => `${term(row)}${term(row) ? "+ b" : "b"}`.replace(/^− /, "−");
    const rows = inputs.map((row, m) => make("li", {}, `${row.join(" ").replaceAll("-", "−")} must give ${targets[m]}: ${side(row)} ${targets[m] ? "> 0" : "< 0"}`));
    const sum = inputs[0][0] === 0 ? "w₁ + w₂ + 2b" : "2b";
    const outer = targets[0] ? "> 0" : "< 0";
    const inner = targets[0] ? "< 0" : "> 0";
    this.reasons.replaceChildren(this.reasons.firstChild,
      make("p", {}, "A line is w₁ x₁ + w₂ x₂ + b = 0, with 1 on the side where this is positive:"), make("ul", {}, ...rows),
      make("p", {}, `The first and the last add up to ${sum} ${outer}, the two in the middle to ${sum} ${inner}. Both cannot be.`));
  }
}

async function openLive(root) {
  await new Promise((resume) => { window.requestIdleCallback?.(resume, { timeout: 300 }) ?? setTimeout(resume, 100); });
  const experiment = await thisExperiment();
  const live = new Live(experiment, root.querySelector(".live") ?? root);
  root.hidden = false;
  window.sweep.show = (run) => live.showRun(run);
  if (!(await live.fromAddress())) {
    const opening = experiment.openingSettings();
    await live.benches[0].set(opening[0]);
    if (opening[1]) {
      await live.toggleCompare();
      await live.benches[1].set(opening[1]);
    }
    await Promise.all(live.benches.map((bench) => bench.done));
    live.go(live.last, true);
  }
  return live;
}

const liveRoot = document.getElementById("live");
window.sweep.opened = liveRoot ? openLive(liveRoot) : Promise.resolve(null);
