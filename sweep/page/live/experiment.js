// Settings of one run: what they may be, which run of the experiment they are, and how the run is trained.

function shown(value) {
  return value === undefined || value === null ? "nothing" : JSON.stringify(value);
}

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

function doublesOf(text) {
  return new Float64Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

// The gates of a grid: names, and truth tables of `size` outputs each as steps from one binary number to the next.
async function gatesOf(written) {
  const parts = await Promise.all(written.map(async (each) => {
    if (typeof each === "string") return each;
    let outputs = 0;
    return Array.from(new Uint32Array(await unpacked(each.steps)), (step) => {
      outputs = (outputs + step) >>> 0;
      return outputs.toString(2).padStart(each.size, "0");
    });
  }));
  return parts.flat();
}

// The seeds of a grid, { from, count } or a list.
class Seeds {
  constructor(written) {
    this.list = Array.isArray(written) ? written : null;
    this.from = written.from;
    this.count = this.list?.length ?? written.count;
  }

  at(place) {
    return this.list ? this.list[place] : this.from + place;
  }

  // -1 for a seed that is none of these
  place(seed) {
    const place = this.list ? this.list.indexOf(seed) : seed - this.from;
    return place < this.count ? Math.max(place, -1) : -1;
  }
}

class Experiment {
  // packed: what sweep/page/kernels.py has written into the page
  static async from({ experiment, code }) {
    const data = JSON.parse(new TextDecoder().decode(await unpacked(experiment)));
    for (const { values } of data.grids) values.gate = await gatesOf(values.gate);
    return new Experiment({ ...data, code });
  }

  constructor(data) {
    Object.assign(this, data);
    for (const grid of this.grids) grid.seeds = new Seeds(grid.seeds);
    this.ziggurat = { edge: doublesOf(data.ziggurat.edge), scale: doublesOf(data.ziggurat.scale) };
    this.names = Object.keys(this.keys);
    this.codes = Object.keys(this.statuses);
    this.options = Object.keys(this.rules.gd); // of optimizers, in the kernel's order
    this.modules = new Map();
  }

  // ---- what is allowed

  // The setting of a run: each key of the experiment with a value that is allowed, or an error that says which is not.
  setting(given) {
    const named = [...new Set(this.grids.flatMap((grid) => (grid.weights ?? []).filter((w) => typeof w === "string")))];
    const weights = given.weights ?? (given.init === "given" || !("init" in given) ? this.only("weights") : undefined);
    const names = Array.isArray(weights) ? weights.filter((each) => typeof each === "string") : [];
    const unknown = Object.keys(given).filter((key) => !(key in this.keys) && ![...names, "weights", "seed"].includes(key));
    if (unknown.length) {
      const allowed = [...this.names, ...new Set([...named, ...names]), "weights", "seed"];
      throw new RangeError(`unknown key ${shown(unknown[0])}; allowed: ${allowed.join(", ")}`);
    }
    const setting = {};
    for (const key of this.names) setting[key] = this.checked(key, key in given ? given[key] : this.only(key));
    for (const key of names) setting[key] = this.number(key, key in given ? given[key] : this.only(key));
    setting.seed = this.seed("seed" in given ? given.seed : this.only("seed") ?? 0);
    if (setting.init === "given") setting.weights = this.weights(weights);
    else if (given.weights) throw new RangeError('weights: found weights without init = "given"; allowed: both or neither');
    this.checkTogether(setting);
    return setting;
  }

  // The value of a key in the experiment, if it has one only, else the default.
  only(key) {
    const values = (grid) => (key === "seed" ? [...Array(Math.min(grid.seeds.count, 2)).keys()].map((place) => grid.seeds.at(place)) : key === "weights" ? [grid.weights] : grid.values[key]);
    const all = this.grids.flatMap((grid) => values(grid) ?? []);
    const text = JSON.stringify(all[0]);
    if (all.length && all.every((value) => JSON.stringify(value) === text)) return all[0] ?? undefined;
    return key === "weights" ? undefined : this.keys[key]?.default;
  }

  checked(key, value) {
    const { allowed, type, required } = this.keys[key];
    const refuse = () => new RangeError(`${key}: found ${shown(value)}; allowed: ${allowed}`);
    if (value === undefined || value === null) {
      if (required) throw refuse();
      return null;
    }
    if (key === "init") {
      if (typeof value !== "string") throw refuse();
      try {
        parsedInit(value, this.inits);
      } catch (error) {
        throw new RangeError(`init: ${error.message}`);
      }
      return value.trim();
    }
    if (key === "gate") {
      if (typeof value !== "string") throw refuse();
      return this.gate(value);
    }
    const fits = (schema) => {
      if (schema.anyOf) return schema.anyOf.some(fits);
      if (schema.enum) return schema.enum.includes(value);
      if (schema.type === "boolean") return typeof value === "boolean";
      if (schema.type !== "number" && schema.type !== "integer") return false;
      return typeof value === "number" && Number.isFinite(value)
        && (schema.type !== "integer" || Number.isInteger(value))
        && value > (schema.exclusiveMinimum ?? -Infinity) && value >= (schema.minimum ?? -Infinity)
        && value < (schema.exclusiveMaximum ?? Infinity) && value <= (schema.maximum ?? Infinity);
    };
    if (!fits(type)) throw refuse();
    return value;
  }

  number(key, value) {
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw new RangeError(`${key}: found ${shown(value)}; allowed: a finite number`);
  }

  seed(value) {
    if (Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value;
    throw new RangeError(`seed: found ${shown(value)}; allowed: an integer from 0 to 4,294,967,295`);
  }

  weights(list) {
    const isWeight = (each) => typeof each === "string" || (typeof each === "number" && Number.isFinite(each));
    if (Array.isArray(list) && list.length && list.every(isWeight)) return list;
    throw new RangeError(`weights: found ${shown(list)}; allowed: with init = "given", a list of numbers and names`);
  }

  // The name of a gate as in the table of runs; truth tables and tables of one's own stay as they are.
  gate(text) {
    if (text in this.tables || (/^[01]+$/.test(text) && Number.isInteger(Math.log2(text.length)) && text.length > 1)) return text;
    const name = text.trim().toUpperCase().replace(/[ -]/g, "_");
    for (const each of [this.aliases[name] ?? name, text.trim().toLowerCase()]) if (each in this.gates) return each;
    throw new RangeError(`gate: unknown gate ${shown(text)}; allowed: ${Object.keys(this.gates).join(", ")}, or a truth table such as "0110"`);
  }

  checkTogether(setting) {
    const { hidden, shortcut, loss, output, optimizer, hidden_learning_rate: rate } = setting;
    if (loss === "bce" && output === "linear") {
      throw new RangeError('loss: "bce" needs a probability, and output = "linear" is none; take "mse"');
    }
    if (!hidden && shortcut) throw new RangeError("shortcut: leads past a hidden layer, and hidden = 0 has none");
    if (!hidden && rate !== null) {
      throw new RangeError("hidden_learning_rate: the rate of a hidden layer, and hidden = 0 has none");
    }
    for (const key of this.options) {
      if (setting[key] !== null && this.rules[optimizer][key] === null) {
        throw new RangeError(`${key}: optimizer = ${shown(optimizer)} has no ${key}`);
      }
    }
    const shape = this.shape(setting);
    if (!shape) {
      const adds = this.more && this.find(this.lacking, setting) ? `${this.more} adds it` : `allowed: ${this.nearest(setting)}`;
      throw new RangeError(`no kernel in this page for ${this.kind(setting)}; ${adds}`);
    }
    if (setting.weights && setting.weights.length !== shape.n_params) {
      throw new RangeError(`weights: found ${setting.weights.length} weights; the model has ${shape.n_params} (W1, b1, w2, u, b2)`);
    }
  }

  // ---- the training set and the kernel

  isOwn({ gate }) {
    return gate in this.tables;
  }

  table(setting) {
    const { gate, encoding } = setting;
    if (this.isOwn(setting)) {
      const rows = this.tables[gate];
      return { inputs: rows.map((row) => row.slice(0, -1)), targets: rows.map((row) => row.at(-1)) };
    }
    const outputs = this.gates[gate] ?? gate;
    const n = Math.log2(outputs.length);
    const low = encoding === "pm1" ? -1 : 0;
    const inputs = [...outputs].map((_, m) => Array.from({ length: n }, (_, i) => ((m >> (n - 1 - i)) & 1 ? 1 : low)));
    return { inputs, targets: [...outputs].map(Number) };
  }

  // The kernel's entry in the page; undefined if the page has none for this setting.
  shape(setting) {
    return this.find(this.kernels, setting);
  }

  find(kernels, setting) {
    const { inputs, targets } = this.table(setting);
    const isHard = targets.every((y) => y === 0 || y === 1);
    const wanted = {
      n_inputs: inputs[0].length, n_rows: inputs.length, bits: this.isOwn(setting) ? "" : setting.encoding,
      hidden: setting.hidden, output: setting.output, loss: setting.loss, optimizer: setting.optimizer,
      update: setting.update, shortcut: setting.shortcut, bias: setting.bias,
      ...(setting.hidden ? { activation: setting.activation } : {}),
    };
    return kernels.find((each) =>
      Object.entries(wanted).every(([key, value]) => each[key] === value) && (isHard || each.soft_targets));
  }

  kind(setting) {
    const { inputs } = this.table(setting);
    return this.kindOf({ ...setting, n_inputs: inputs[0].length, bits: this.isOwn(setting) ? "" : setting.encoding });
  }

  kindOf({ n_inputs, hidden, activation, output, loss, optimizer, update, shortcut, bias, bits }) {
    const words = [hidden ? `${n_inputs}-${hidden}-1 ${activation}` : `${n_inputs}-1`, bits, output, loss, optimizer, update];
    return [...words, shortcut ? "shortcut" : "", bias ? "" : "no biases"].filter(Boolean).join(" ");
  }

  kinds(kernels = this.kernels) {
    return [...new Set(kernels.map((each) => this.kindOf(each)))];
  }

  // The kinds of the page that differ least from that of a setting.
  nearest(setting) {
    const words = this.kind(setting).split(" ");
    const others = (kind) => kind.split(" ").filter((word) => !words.includes(word)).length;
    const kinds = this.kinds().sort((a, b) => others(a) - others(b));
    return [...kinds.slice(0, 4), ...(kinds.length > 4 ? [`and ${kinds.length - 4} more`] : [])].join("; ");
  }

  async module(shape) {
    this.unpacking ??= unpacked(this.code);
    const code = await this.unpacking;
    if (!this.modules.has(shape.at)) {
      this.modules.set(shape.at, WebAssembly.compile(new Uint8Array(code, shape.at, shape.size)));
    }
    return this.modules.get(shape.at);
  }

  // The start of a run, or its start after so many restarts: each takes the seed that stands as many places further as the
  // run's grid has seeds; off the grid, the next one.
  start(setting, restart = 0) {
    const scale = setting.init_scale;
    const { inputs } = this.table(setting);
    const shape = { n_inputs: inputs[0].length, hidden: setting.hidden, shortcut: setting.shortcut };
    if (setting.init === "given") {
      const given = setting.weights.map((each) => (typeof each === "string" ? setting[each] : each) * scale);
      return setting.bias ? given : withoutBiases(given, shape);
    }
    const start = drawn(parsedInit(setting.init, this.inits), setting.seed + restart * this.nSeeds(setting), shape, this.ziggurat).map((w) => scale * w);
    return setting.bias ? start : withoutBiases(start, shape);
  }

  nSeeds(setting) {
    return this.grids.find((grid) => this.within(grid, setting) !== null)?.seeds.count ?? 1;
  }

  option(setting, key) {
    return setting[key] ?? this.rules[setting.optimizer][key] ?? 0;
  }

  async model(setting) {
    const shape = this.shape(setting);
    const rates = [setting.hidden_learning_rate ?? setting.learning_rate, setting.learning_rate];
    const settings = [...rates, ...this.options.map((key) => this.option(setting, key))];
    const module = await this.module(shape);
    return Model.from(module, shape, { ...this.table(setting), settings, start: (restart) => this.start(setting, restart), train: this.train });
  }

  // ---- runs of the experiment

  // The number of the run that has this setting; null if it is off the grid.
  run(setting) {
    let first = 0;
    for (const grid of this.grids) {
      const lengths = Object.values(grid.values).map((values) => values.length);
      const number = this.within(grid, setting);
      if (number !== null) return first + number;
      first += lengths.reduce((product, length) => product * length, grid.seeds.count);
    }
    return null;
  }

  within(grid, setting) {
    if (JSON.stringify(grid.weights ?? null) !== JSON.stringify(setting.weights ?? null)) return null;
    let number = 0;
    for (const [key, values] of Object.entries(grid.values)) {
      const at = key === "gate" ? this.placeOf(setting, values) : values.findIndex((value) => this.isSame(key, value, setting));
      if (at < 0) return null;
      number = number * values.length + at;
    }
    const place = grid.seeds.place(setting.seed);
    return place < 0 ? null : number * grid.seeds.count + place;
  }

  // The place of a setting's gate, by any of its names or its truth table.
  placeOf(setting, values) {
    const { gate } = setting;
    const outputs = this.gates[gate] ?? gate;
    const names = this.isOwn(setting) ? [] : [outputs, ...Object.keys(this.gates).filter((name) => this.gates[name] === outputs)];
    return [gate, ...names.filter((name) => !(name in this.tables))].map((name) => values.indexOf(name)).find((at) => at >= 0) ?? -1;
  }

  isSame(key, value, setting) {
    const own = setting[key];
    if (key === "init") {
      return JSON.stringify(parsedInit(value, this.inits)) === JSON.stringify(parsedInit(own, this.inits));
    }
    if (this.options.includes(key)) {
      return (value ?? this.rules[setting.optimizer][key]) === this.effective(setting, key);
    }
    if (key === "hidden_learning_rate") return (value ?? setting.learning_rate) === (own ?? setting.learning_rate);
    if (key === "activation" && !setting.hidden) return true;
    return value === (own ?? null) || (!(key in this.keys) && own === undefined);
  }

  effective(setting, key) {
    return setting[key] ?? this.rules[setting.optimizer][key];
  }

  // The grid of a run, and its values there.
  placed(run) {
    let rest = run;
    for (const grid of this.grids) {
      const lengths = Object.values(grid.values).map((values) => values.length);
      const size = lengths.reduce((product, length) => product * length, grid.seeds.count);
      if (rest < size) {
        const values = { seed: grid.seeds.at(rest % grid.seeds.count) };
        rest = Math.floor(rest / grid.seeds.count);
        for (const [key, all] of Object.entries(grid.values).reverse()) {
          values[key] = all[rest % all.length];
          rest = Math.floor(rest / all.length);
        }
        return { grid, values };
      }
      rest -= size;
    }
    throw new RangeError(`run: found ${shown(run)}; allowed: 0 to ${run - rest - 1}`);
  }

  // The setting of a run.
  settingOf(run) {
    const { grid, values } = this.placed(run);
    if (grid.weights) values.weights = grid.weights;
    const usable = Object.entries(values).filter(([key, value]) => value !== null || key in this.keys);
    return this.setting(Object.fromEntries(usable));
  }

  // The address of a run, which lasts when the experiment grows: what varies, the seed, and its grid if others have these too.
  address(run) {
    const { grid, values } = this.placed(run);
    const varies = (key) => (key === "seed" ? this.grids.some(({ seeds }) => seeds.count > 1)
      : this.grids.some((each) => each.values[key]?.some((value) => value !== grid.values[key][0])));
    const named = [...Object.keys(grid.values), "seed"].filter((key) => values[key] !== null && varies(key));
    const has = (each, key) => (key === "seed" ? each.seeds.place(values.seed) >= 0 : each.values[key]?.includes(values[key]));
    const several = this.grids.filter((each) => named.every((key) => has(each, key))).length > 1;
    const parts = [...(several ? [`grid=${this.grids.indexOf(grid) + 1}`] : []), ...named.map((key) => `${key}=${this.printed(key, values[key])}`)];
    return parts.map((part) => (/^[\w.=+-]+$/.test(part) ? part : `'${part.replaceAll("'", "'\\''")}'`)).join(" ");
  }

  // A value with six digits, as tables have it, if no other value of its key has the same.
  printed(key, value) {
    if (typeof value !== "number" || key === "seed") return value;
    const short = (number) => Number(number.toPrecision(6));
    const others = this.grids.flatMap(({ values }) => values[key] ?? []).filter((each) => each !== value && each !== null);
    return others.some((each) => short(each) === short(value)) ? value : short(value);
  }

  // What the page knows of a run: whether an outcome is the sweep's, to the last bit; undefined if it does not know.
  confirms(run, outcome) {
    if (!this.known) return undefined;
    this.known.values ??= new Uint32Array(Uint8Array.from(atob(this.known.sums), (letter) => letter.charCodeAt(0)).buffer);
    if (run % this.known.stride) return undefined;
    return this.known.values[run / this.known.stride] === fingerprint(this.codes.indexOf(outcome.status), outcome);
  }

  // What the page says of a run whose end it does not know.
  unconfirmed() {
    const { stride } = this.known ?? {};
    return `This page does not know how it ended in the sweep${stride ? `; of runs 0, ${stride}, ${2 * stride}, … it does` : ""}.`;
  }

  // ---- what the section shows

  // Values to choose from: the grid's, and for gates and hidden units whatever the page has kernels for.
  choices(key) {
    const values = this.grids.flatMap((grid) => grid.values[key] ?? []);
    if (key === "hidden") values.push(...this.kernels.map(({ hidden }) => hidden));
    if (key === "gate") {
      const sizes = new Set(this.kernels.filter(({ bits }) => bits).map(({ n_rows }) => n_rows));
      values.push(...Object.keys(this.gates).filter((name) => sizes.has(this.gates[name].length)));
    }
    const different = [...new Set(values.filter((value) => value !== null))];
    return different.every((value) => typeof value === "number") ? different.sort((a, b) => a - b) : different;
  }

  // Settings that the section opens on: one, or two.
  openingSettings() {
    return this.openings.map((each) => (typeof each === "number" ? this.settingOf(each) : each));
  }

  get isSweep() {
    return this.replay !== null;
  }

  // The place of a run's setting in `points`, which has a number for each.
  pointOf(run) {
    let [rest, first] = [run, 0];
    for (const { values, seeds } of this.grids) {
      const points = Object.values(values).reduce((product, { length }) => product * length, 1);
      if (rest < points * seeds.count) return first + Math.floor(rest / seeds.count);
      rest -= points * seeds.count;
      first += points;
    }
    return -1;
  }

  // Median epochs of the setting of a run, as far as the page knows.
  medianOf(run) {
    return this.points?.median[this.pointOf(run)] ?? undefined;
  }

  sharesOf(run) {
    if (!this.points) return "";
    const at = this.pointOf(run);
    const { n, converged, median } = this.points;
    const typical = median[at] === null ? "" : `, the median after ${median[at].toLocaleString("en")} epochs`;
    return `Of its setting ${converged[at].toLocaleString("en")} of ${n[at].toLocaleString("en")} converged${typical}.`;
  }

  nameOf(outputs) {
    return Object.keys(this.gates).find((name) => this.gates[name] === outputs);
  }

  // What to type for the same run: `replay` of one on the grid, `run` with a grid of its own for others.
  command(setting, run) {
    if (run !== null && this.replay) return `${this.replay} ${this.address(run) || run}`;
    if (!this.file) return "";
    const text = (value) => (Array.isArray(value) ? `[${value.map(text).join(", ")}]` : JSON.stringify(value));
    const isDefault = ([key, value]) => value === null || (key in this.keys && value === this.keys[key].default);
    const parts = Object.entries(setting).filter((each) => each[0] !== "seed" && !isDefault(each)).map(([key, value]) => `${key} = ${text(value)}`);
    parts.push(`seeds = { from = ${setting.seed}, count = 1 }`);
    const quoted = `grid={ ${parts.join(", ")} }`.replaceAll("'", "'\\''");
    return `sweep run ${this.file} --set '${quoted}' --out results/one-run`;
  }
}

// 32 bits of status, epochs, converged epoch, period and loss: FNV-1a over six words, as sweep/page/kernels.py has it.
function fingerprint(code, { epochs, converged_epoch, period, final_loss }) {
  const loss = new Uint32Array(Float64Array.of(final_loss).buffer);
  let sum = 0x811c9dc5;
  for (const word of [code, epochs, converged_epoch ?? -1, period ?? 0, loss[0], loss[1]]) {
    for (let shift = 0; shift < 32; shift += 8) sum = Math.imul(sum ^ ((word >>> shift) & 255), 0x01000193);
  }
  return sum >>> 0;
}
