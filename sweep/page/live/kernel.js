// A kernel: a WebAssembly module of the traced functions, compiled for one model a call, and the training loop around them.

const STACK = 1 << 18; // bytes; what a module keeps between, which grows downwards from there
const PAGE = 1 << 16;
const LONGEST_PERIOD = 16;
const BLOCK = 64; // epochs between two looks at the clock
const DENSE = 32; // epochs of which each is kept
const MOST_POINTS = 1764; // at which a model responds in one call
const LARGEST = 1e6; // a relative loss at most, as sweep/kernel/descent.py has it

const oneDouble = new Float64Array(1);
const itsBits = new BigInt64Array(oneDouble.buffer);

// x·y + z, rounded once, in integers: for what is too large or too small for the module's own way.
function exactFma(x, y, z) {
  if (!Number.isFinite(x) || !Number.isFinite(y) || x === 0 || y === 0) return x * y + z;
  if (!Number.isFinite(z)) return z; // where the product may be too large
  const parts = (value) => {
    oneDouble[0] = value;
    const bits = BigInt.asUintN(64, itsBits[0]);
    const exponent = Number((bits >> 52n) & 2047n);
    const mantissa = (bits & 0xfffffffffffffn) | (exponent ? 1n << 52n : 0n);
    return [value < 0 ? -mantissa : mantissa, (exponent || 1) - 1075];
  };
  const [[a, aExponent], [b, bExponent], [c, cExponent]] = [x, y, z].map(parts);
  let sum = a * b;
  let exponent = aExponent + bExponent;
  if (c !== 0n) {
    const least = Math.min(exponent, cExponent);
    sum = (sum << BigInt(exponent - least)) + (c << BigInt(cExponent - least));
    exponent = least;
  }
  if (sum === 0n) return 0;
  const sign = sum < 0n ? -1 : 1;
  if (sum < 0n) sum = -sum;
  const surplus = Math.max(sum.toString(2).length - 53, -1074 - exponent);
  if (surplus > 0) {
    const half = 1n << BigInt(surplus - 1);
    const rest = sum & (2n * half - 1n);
    sum >>= BigInt(surplus);
    exponent += surplus;
    if (rest > half || (rest === half && sum & 1n)) sum += 1n;
  }
  let value = Number(sum);
  for (; exponent > 900; exponent -= 900) value *= 2 ** 900;
  return sign * value * 2 ** exponent; // exact, or beyond all numbers
}

// A module with a memory of its own: its functions, and its memory as numbers from byte STACK on.
async function instantiate(module, nDoubles) {
  const memory = new WebAssembly.Memory({ initial: Math.ceil((STACK + 8 * nDoubles) / PAGE) });
  const stack = new WebAssembly.Global({ value: "i32", mutable: true }, STACK);
  const env = { __linear_memory: memory, __stack_pointer: stack, slow: exactFma };
  const instance = await WebAssembly.instantiate(module, { env });
  return { call: instance.exports, numbers: new Float64Array(memory.buffer, STACK) };
}

// One model in training. Every method leaves it at some epoch of one and the same run.
class Model {
  // shape: of the kernel, as sweep/page/kernels.py describes it; inputs: rows of numbers; settings: two rates, then the
  // optimizer's; start: the number of a restart → its weights; train: [train] of the experiment
  static async from(module, shape, { inputs, targets, settings, start, train }) {
    const model = new Model();
    const sizes = {
      X: shape.n_rows * shape.n_inputs, targets: shape.n_rows, state: shape.n_values, settings: settings.length,
      epochs: 1, converged_epoch: 1, loss: 1, converged: 1, finite: 1, points: MOST_POINTS * shape.n_inputs,
      outputs: MOST_POINTS,
    };
    const total = Object.values(sizes).reduce((sum, size) => sum + size, 0);
    const { call, numbers } = await instantiate(module, total);
    let end = 0;
    model.parts = Object.fromEntries(Object.entries(sizes).map(([key, size]) => {
      end += size;
      return [key, numbers.subarray(end - size, end)];
    }));
    Object.assign(model, { call, shape, train, start });
    model.parts.X.set(inputs.flat());
    model.parts.targets.set(shape.soft_targets ? targets : targets.map((y) => (y < 0.5 ? -0 : 0)));
    model.parts.settings.set(settings.map((value, k) => (k < 2 ? value / shape.rate_divisor : value)));
    model.limits = [shape.loss_limit, train.target_error ?? 0];
    model.rewind();
    return model;
  }

  at(...keys) {
    return keys.map((key) => this.parts[key].byteOffset);
  }

  rewind() {
    this.restore({ epochs: 0, converged_epoch: -1, restarts: 0, state: this.start(0) });
  }

  get epochs() {
    return this.parts.epochs[0];
  }

  get weights() {
    return this.parts.state.slice(0, this.shape.n_params);
  }

  snapshot() {
    const { state, epochs, converged_epoch } = this.parts;
    return { epochs: epochs[0], converged_epoch: converged_epoch[0], restarts: this.restarts, state: state.slice() };
  }

  restore({ epochs, converged_epoch, restarts, state }) {
    this.parts.state.fill(0).set(state);
    this.parts.epochs[0] = epochs;
    this.parts.converged_epoch[0] = converged_epoch;
    Object.assign(this, { restarts, isOver: false });
  }

  advance(n) {
    const places = this.at("X", "state", "targets", "settings", "epochs", "converged_epoch");
    this.call.advance(BigInt(n), ...places, ...this.limits);
  }

  // Train for n more epochs, or until the run is over; begins again where the experiment says so.
  step(n) {
    const until = Math.min(this.epochs + n, this.train.max_epochs);
    while (this.epochs < until && !this.isOver) {
      const end = (this.restarts + 1) * this.train.restart_after || Infinity; // of this start
      const next = Math.min(until, end);
      this.advance(next - this.epochs);
      this.isOver = this.epochs < next || next === this.train.max_epochs;
      if (this.isOver || next < end) continue;
      const { converged, isFinite } = this.look();
      this.isOver = converged || !isFinite;
      if (!this.isOver) this.restore({ epochs: next, converged_epoch: -1, restarts: this.restarts + 1, state: this.start(this.restarts + 1) });
    }
  }

  look() {
    const places = this.at("X", "state", "targets");
    this.call.evaluate(...places, ...this.limits, ...this.at("loss", "converged", "finite"));
    const { loss, converged, finite } = this.parts;
    const isFinite = finite[0] > 0 && Number.isFinite(loss[0]);
    return { loss: isFinite ? loss[0] : Infinity, converged: converged[0] > 0, isFinite };
  }

  // The outputs of the model at up to MOST_POINTS points, each a list of inputs: good until the next call.
  respond(points) {
    if (this.points !== points) points.forEach((point, k) => this.parts.points.set(point, k * this.shape.n_inputs));
    this.points = points;
    this.call.respond(BigInt(points.length), ...this.at("points", "state", "outputs"));
    return this.parts.outputs.subarray(0, points.length);
  }

  // How the run ended, as in the table of runs. To tell whether it is stationary it trains on, and comes back.
  outcome() {
    const { loss, converged, isFinite } = this.look();
    const { epochs, train } = this;
    if (train.last_losses) return this.judged(loss, isFinite);
    let first = this.parts.converged_epoch[0];
    if (first < 0 && converged) first = epochs;
    const period = isFinite && first < 0 && train.detect_stationary && !train.restart_after ? this.period() : null;
    const status = !isFinite ? "diverged" : first >= 0 ? "converged" : period ? "stationary" : "max_epochs";
    const restarts = train.restart_after ? { restarts: this.restarts } : {};
    return { status, epochs, converged_epoch: first < 0 ? null : first, period, final_loss: loss, ...restarts };
  }

  // The same by the mean of the last losses, of which the kernel keeps sums behind the optimizer's memory; an epoch that
  // comes after a run has diverged counts as one of loss LARGEST.
  judged(loss, isFinite) {
    const { epochs, train: { max_epochs, last_losses } } = this;
    const [first, total, inverses, last] = this.parts.state.slice(-4);
    const worst = Number.isFinite(first) ? Math.min(LARGEST / first, LARGEST) : LARGEST;
    const missing = max_epochs - epochs;
    const mean = (last + Math.min(missing, last_losses) * worst) / last_losses;
    const converged = isFinite && mean < 1;
    return {
      status: !isFinite ? "diverged" : converged ? "converged" : "max_epochs",
      epochs, converged_epoch: converged ? max_epochs : null, period: null, final_loss: loss,
      mean_of_last: mean, sum_of_losses: total + missing * worst, sum_of_inverses: inverses + missing / worst,
    };
  }

  // After how many epochs the state comes back, bit for bit; null if it does not within LONGEST_PERIOD.
  period() {
    const last = this.snapshot();
    const bitsOf = (state) => new BigInt64Array(state.buffer, state.byteOffset, state.length);
    const wanted = bitsOf(last.state);
    this.restore({ ...last, epochs: 0, converged_epoch: -1 });
    let found = null;
    for (let n = 1; n <= Math.min(LONGEST_PERIOD, this.train.max_epochs) && !found; n += 1) {
      this.advance(1);
      if (this.parts.converged_epoch[0] >= 0) break;
      if (bitsOf(this.parts.state).every((bits, j) => bits === wanted[j])) found = n;
    }
    this.restore(last);
    this.isOver = true;
    return found;
  }
}

// What is kept of a run along the way: its loss and its state at the first epochs, at every so many later ones, and at
// the last. Where there are too many, every other one goes.
class History {
  constructor(most = 600) {
    Object.assign(this, { most, stride: 1, kept: [] });
  }

  get next() {
    const last = this.kept.at(-1)?.epochs ?? -1;
    return last < DENSE ? last + 1 : (Math.floor(last / this.stride) + 1) * this.stride;
  }

  note(model) {
    if (this.kept.at(-1)?.epochs === model.epochs) return;
    this.kept.push({ ...model.snapshot(), loss: model.look().loss });
    if (this.kept.length <= this.most) return;
    this.stride *= 2;
    this.kept = this.kept.filter(({ epochs }, k) =>
      epochs <= DENSE || epochs % this.stride === 0 || k === this.kept.length - 1);
  }

  // Bring the model to an epoch that it has been at.
  seek(model, epoch) {
    let [low, high] = [0, this.kept.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.kept[middle].epochs <= epoch) low = middle;
      else high = middle - 1;
    }
    model.restore(this.kept[low]);
    model.step(epoch - model.epochs);
  }
}

// A turn of the event loop, without the 4 ms that a timer takes.
function breath() {
  return new Promise((resume) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resume();
    };
    port2.postMessage(null);
  });
}

// Train to the end, noting the way; lets others work every few milliseconds.
async function trainOut(model, history, { isStopped = () => false, pause = 5 } = {}) {
  history.note(model);
  let began = performance.now();
  while (!model.isOver && !isStopped()) {
    model.step(Math.max(1, Math.min(history.next - model.epochs, BLOCK)));
    if (model.isOver || model.epochs >= history.next) history.note(model);
    if (performance.now() - began > pause) {
      await breath();
      began = performance.now();
    }
  }
}
