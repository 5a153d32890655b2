// One run at work: its controls, its pictures, what is said of it.

const LABELS = {
  gate: "gate", hidden: "hidden units", activation: "activation", learning_rate: "learning rate", init: "start",
  hidden_learning_rate: "hidden layer's rate", init_scale: "size of the start", seed: "seed", optimizer: "optimizer",
  momentum: "momentum", beta2: "β₂", epsilon: "ε", growth: "growth", shrink: "shrinking", decay: "decay", bias: "biases", loss: "loss", output: "output", update: "update",
  encoding: "inputs", shortcut: "shortcut",
};
const TEXTS = ["gate", "init"];
const MOST_CHOICES = 300;
let made = 0; // benches so far, for names of their elements

function grouped(n) {
  return n.toLocaleString("en");
}

function counted(n) {
  return `${grouped(n)} epoch${n === 1 ? "" : "s"}`;
}

function lossWords(loss) {
  return Number.isFinite(loss) ? String(Number(loss.toPrecision(6))) : "∞";
}

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

class Bench {
  constructor(experiment, name, tell) {
    Object.assign(this, { experiment, name, tell, seen: 0, id: `run-${made += 1}`, trainings: 0 });
    this.fields = {};
    this.controls = make("div", { class: "settings", role: "group", "aria-label": `Settings of ${name}` });
    this.trouble = make("p", { class: "wrong", role: "status" });
    this.plane = make("canvas", { class: "plane", role: "img" });
    this.curve = make("canvas", { class: "curve", role: "img" });
    this.network = make("canvas", { class: "network", role: "img" });
    this.now = make("p", { class: "now" });
    this.end = make("p", { class: "end" });
    this.origin = make("p", { class: "quiet origin" });
    this.line = make("code", { tabindex: "0" });
    this.copied = make("button", { type: "button", onclick: () => this.copy() }, "Copy");
    this.command = make("p", { class: "command" }, this.line, " ", this.copied);
    const pictures = make("div", { class: "pictures" }, this.plane, this.curve, this.network);
    this.heading = make("h3", {}, name);
    this.element = make("div", { class: "bench", role: "group", "aria-label": name },
      this.heading, pictures, this.now, this.end, this.controls, this.trouble, this.origin, this.command);
    this.buildControls();
  }

  // ---- controls

  buildControls() {
    for (const key of this.experiment.controls) {
      const id = `${this.id}-${key}`;
      const choices = this.experiment.choices(key);
      const isChoice = choices.every((value) => typeof value !== "number") && !["init", "seed"].includes(key) && choices.length <= MOST_CHOICES;
      const isText = TEXTS.includes(key);
      const field = isChoice
        ? make("select", { id }, ...choices.map((value) => make("option", { value: JSON.stringify(value) }, this.words(key, value))))
        : make("input", { id, type: "text", size: key === "gate" && 4 + choices.reduce((most, { length }) => Math.max(most, length), 0), inputmode: isText ? "text" : "decimal", autocomplete: "off", spellcheck: "false", list: `${id}-values` });
      field.addEventListener("change", () => this.changed(key));
      const wrong = make("span", { class: "wrong", id: `${id}-wrong` });
      field.setAttribute("aria-describedby", wrong.id);
      const name = LABELS[key] ?? key;
      const step = (way, sign) => make("button", {
        type: "button", class: "step", "aria-label": `${way} ${name}`, onclick: () => this.stepped(key, sign),
      }, sign < 0 ? "−" : "+");
      const [lower, higher] = key === "gate" ? ["previous", "next"] : ["lower", "higher"];
      const parts = isChoice || key === "init" ? [field] : [step(lower, -1), field, step(higher, 1)];
      if (!isChoice) parts.push(make("datalist", { id: `${id}-values` }, ...choices.slice(0, 60).map((value) => make("option", { value: String(value) }))));
      this.controls.append(make("div", { class: "field" }, make("label", { for: id }, name), make("span", { class: "entry" }, ...parts), wrong));
      this.fields[key] = { field, wrong, isChoice, choices };
    }
  }

  words(key, value) {
    if (key === "gate") return value;
    if (key === "encoding") return value === "01" ? "0 and 1" : "−1 and +1";
    return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
  }

  value(key) {
    const { field, isChoice } = this.fields[key];
    if (isChoice) return JSON.parse(field.value);
    const text = field.value.trim().replace("−", "-");
    return !TEXTS.includes(key) && text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
  }

  // The next of the grid's values in this direction; beyond them, or for a seed, a step further.
  stepped(key, sign) {
    const { choices } = this.fields[key];
    if (key === "gate") {
      const at = choices.indexOf(this.setting.gate) + sign;
      this.fields[key].field.value = choices.at(at % choices.length);
      this.changed(key);
      return;
    }
    const typed = this.value(key);
    const now = typeof typed === "number" ? typed : this.experiment.effective(this.setting, key) ?? 0;
    const sorted = [...choices].sort((a, b) => a - b);
    const beyond = sign > 0 ? sorted.find((value) => value > now * (1 + 1e-12)) : sorted.findLast((value) => value < now * (1 - 1e-12));
    const ratio = key.endsWith("learning_rate") || key === "init_scale";
    const isWhole = key === "seed" || key === "hidden";
    const next = isWhole ? Math.max(now + sign, 0) : beyond ?? (ratio ? Number((sign > 0 ? now * 2 : now / 2).toPrecision(6)) : Number((now + sign * 0.1).toPrecision(6)));
    this.fields[key].field.value = String(next);
    this.changed(key);
  }

  async changed(key) {
    const given = { ...this.setting, [key]: this.value(key) };
    if (key === "optimizer") for (const each of this.experiment.options) if (this.experiment.rules[given.optimizer][each] === null) given[each] = null;
    if (key === "hidden" && given.hidden === 0) Object.assign(given, { hidden_learning_rate: null, shortcut: false });
    if (key === "init" && given.init !== "given") for (const each of ["weights", ...(this.setting.weights ?? []).filter((w) => typeof w === "string")]) delete given[each];
    if (await this.set(given, key)) this.tell("changed", this);
  }

  // Show a run from its start. What is not allowed is told beside the field that was changed, and the run before stays.
  async set(given, key) {
    for (const each of Object.values(this.fields)) {
      each.wrong.textContent = "";
      each.field.removeAttribute("aria-invalid");
    }
    this.trouble.textContent = "";
    let setting;
    try {
      setting = this.experiment.setting(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.refusal = error.message;
      const named = /^(\w+): /.exec(error.message)?.[1];
      const at = this.fields[named] ?? this.fields[key];
      if (!at) this.trouble.textContent = error.message;
      else {
        at.wrong.textContent = error.message.replace(/^\w+: /, "");
        at.field.setAttribute("aria-invalid", "true");
      }
      return false;
    }
    this.setting = setting;
    for (const [name, { field, isChoice }] of Object.entries(this.fields)) {
      const value = setting[name] ?? this.experiment.rules[setting.optimizer][name];
      if (isChoice) field.value = JSON.stringify(value);
      else field.value = value === undefined || value === null ? "" : String(value);
      field.disabled = (name === "activation" && !setting.hidden) || (this.experiment.options.includes(name) && this.experiment.rules[setting.optimizer][name] === null);
    }
    await this.start();
    return true;
  }

  // ---- training

  async start() {
    const training = this.trainings += 1;
    const model = await this.experiment.model(this.setting);
    if (training !== this.trainings) return;
    const table = this.experiment.table(this.setting);
    const isPlane = table.inputs[0].length === 2;
    const box = isPlane ? boxOf(table.inputs) : null;
    Object.assign(this, { model, table, box, points: isPlane ? gridOf(box) : table.inputs, history: new History(), outcome: null, seen: 0 });
    this.run = this.experiment.run(this.setting);
    this.median = this.run === null ? undefined : this.experiment.medianOf(this.run);
    this.element.classList.toggle("rows", !isPlane);
    this.end.textContent = "";
    this.origin.textContent = "Training …";
    this.line.textContent = this.experiment.command(this.setting, this.run);
    this.command.hidden = !this.line.textContent;
    this.done = trainOut(model, this.history, { isStopped: () => training !== this.trainings }).then(() => {
      if (training !== this.trainings) return;
      this.outcome = model.outcome();
      this.sayEnd();
      this.tell("trained", this);
    });
    this.tell("started", this);
  }

  // The end of the axis of epochs.
  get most() {
    return this.outcome ? Math.max(this.last, 10) : this.experiment.train.max_epochs;
  }

  get last() {
    return this.history?.kept.at(-1)?.epochs ?? 0;
  }

  sayEnd() {
    const { outcome, run } = this;
    const { restarts, mean_of_last: mean, status, epochs, converged_epoch: first, period } = outcome;
    const { term, because } = this.experiment.statuses[status];
    const why = because && `: ${because.replace("{period}", period === 1 ? "epoch" : `${period} epochs`)}`;
    const how = status === "converged" && first !== epochs
      ? `converged at epoch ${grouped(first)}, and trained on to ${grouped(epochs)}` : `${term} after ${counted(epochs)}${why}`;
    const begun = restarts ? `, with ${grouped(restarts)} restart${restarts === 1 ? "" : "s"}` : "";
    const { last_losses: k } = this.experiment.train;
    const judged = mean === undefined || status === "diverged" ? "" : `: the mean of its last ${k === 1 ? "loss" : `${grouped(k)} losses`} is ${lossWords(mean)} of the first`;
    this.ending = `${how}${begun}${judged}; loss ${lossWords(outcome.final_loss)}`;
    if (!this.experiment.isSweep) this.origin.textContent = "";
    else if (run === null) this.origin.textContent = "Off the grid of this sweep: trained here alone, with the same arithmetic.";
    else {
      const same = this.experiment.confirms(run, outcome);
      const setting = this.experiment.sharesOf(run);
      const whole = `Run ${grouped(run)} of the sweep: ${counted(outcome.epochs)}, loss ${lossWords(outcome.final_loss)}`;
      const known = same ? ", to the last bit as in the sweep." : same === undefined ? `. ${this.experiment.unconfirmed()}` : ".";
      this.origin.textContent = `${whole}${known} ${setting}`;
      if (same === false) this.trouble.textContent = `${whole}. The sweep found something else: this page and its table do not belong together.`;
    }
  }

  // ---- what is shown at an epoch

  show(epoch, mostEpochs, isQuick = false) {
    if (!this.model) return;
    const at = Math.min(epoch, this.last);
    if (this.outcome) this.history.seek(this.model, at);
    const { model, table, box } = this;
    const now = model.epochs;
    this.seen = Math.max(this.seen, now);
    const outputs = model.respond(this.points);
    const { loss } = model.look();
    this.side = box ? sideOf(outputs) : "";
    if (box) drawSurface(this.plane, { outputs, box, ...table, line: this.ruler });
    else drawRows(this.plane, { outputs, ...table });
    const kept = [...this.history.kept.filter(({ epochs }) => epochs < now), { epochs: now, loss }, ...this.history.kept.filter(({ epochs }) => epochs > now)];
    drawCurve(this.curve, { kept, until: now, seen: this.seen, target: this.experiment.train.target_loss, median: this.median, mostEpochs });
    const { n_inputs, hidden } = model.shape;
    drawNetwork(this.network, { weights: model.weights, n_inputs, hidden, direct: this.setting.shortcut || !hidden });
    const of = this.outcome && now < this.last && this.seen === this.last ? ` of ${grouped(this.last)}` : "";
    this.now.textContent = `Epoch ${grouped(now)}${of} · loss ${lossWords(loss)} · ${this.answers()}`;
    const isEnd = this.outcome && now === this.last;
    this.end.textContent = isEnd ? `${this.ending[0].toUpperCase()}${this.ending.slice(1)}.` : "";
    this.end.dataset.status = isEnd ? this.outcome.status : "";
    if (!isQuick) this.describe(now, loss);
  }

  // Which gate the model computes by now, and how many rows are right; an output near ½ is no answer.
  answers() {
    const outputs = Array.from(this.model.respond(this.table.inputs));
    const signs = outputs.map((p) => (Math.abs(p - 0.5) > UNDECIDED ? (p > 0.5 ? "1" : "0") : "½"));
    const right = signs.filter((sign, m) => sign === (this.table.targets[m] >= 0.5 ? "1" : "0")).length;
    const name = this.experiment.isOwn(this.setting) ? undefined : this.experiment.nameOf(signs.join(""));
    const list = signs.length > 8 ? "" : ` ${signs.join(" ")}${name ? ` (${name})` : ""},`;
    return `answers${list} ${right} of ${outputs.length} right`;
  }

  // Pictures in words, for who does not see them; not on every frame.
  describe(now, loss) {
    const { hidden, n_inputs } = this.model.shape;
    const at = `at epoch ${grouped(now)}`;
    this.plane.setAttribute("aria-label", `${this.box ? "Decision surface" : "Outputs of all rows"} ${at}: ${[this.answers(), this.side].filter(Boolean).join("; ")}`);
    this.curve.setAttribute("aria-label", `Learning curve: loss ${lossWords(loss)} ${at}`);
    const names = Array.from(this.model.weights.slice(0, 40), short).join(", ");
    this.network.setAttribute("aria-label", `Network of ${n_inputs} inputs${hidden ? `, ${hidden} hidden units` : ""} and one output; weights ${at}: ${names}`);
  }

  summary() {
    return `${this.name}: ${this.ending}`;
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(this.line.textContent);
    } catch {
      getSelection().selectAllChildren(this.line);
      document.execCommand("copy");
    }
    this.copied.textContent = "Copied";
    setTimeout(() => { this.copied.textContent = "Copy"; }, 1500);
  }
}
