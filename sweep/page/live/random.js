// Initial weights: the numbers of numpy.random.default_rng(seed), as sweep/kernel/draws.py explains them.

const MASK_64 = (1n << 64n) - 1n;
const MASK_128 = (1n << 128n) - 1n;
const PCG_MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const TAIL = 3.6541528853610088; // where the lowest layer of the ziggurat ends
const INVERSE_TAIL = 0.27366123732975828;

// SeedSequence(seed).generate_state(8), for one 32-bit word of entropy
function stateWords(seed) {
  let constant = 0x43b0d7e5;
  const hash = (word, multiplier) => {
    word ^= constant;
    constant = Math.imul(constant, multiplier) >>> 0;
    word = Math.imul(word, constant) >>> 0;
    return (word ^ (word >>> 16)) >>> 0;
  };
  const pool = [seed, 0, 0, 0].map((word) => hash(word, 0x931e8875));
  for (let source = 0; source < 4; source += 1) {
    for (let target = 0; target < 4; target += 1) {
      if (source === target) continue;
      const word = hash(pool[source], 0x931e8875);
      const mixed = (Math.imul(0xca01f9dd, pool[target]) - Math.imul(0x4973f715, word)) >>> 0;
      pool[target] = (mixed ^ (mixed >>> 16)) >>> 0;
    }
  }
  constant = 0x8b51f9dd;
  return Array.from({ length: 8 }, (_, i) => hash(pool[i % 4], 0x58f38ded));
}

class Generator {
  constructor(seed, ziggurat) {
    const words = stateWords(seed).map(BigInt);
    const wide = (i) => (words[i + 1] << 96n) | (words[i] << 64n) | (words[i + 3] << 32n) | words[i + 2];
    this.increment = ((wide(4) << 1n) | 1n) & MASK_128;
    this.state = (this.increment + wide(0)) & MASK_128;
    this.ziggurat = ziggurat;
    this.step();
  }

  step() {
    this.state = (this.state * PCG_MULTIPLIER + this.increment) & MASK_128;
  }

  // 64 random bits: the halves of the state xor-ed, rotated right by its upper six bits
  bits() {
    this.step();
    const folded = (this.state >> 64n) ^ (this.state & MASK_64);
    const turn = this.state >> 122n;
    return ((folded >> turn) | (folded << (64n - turn))) & MASK_64;
  }

  uniform() {
    return Number(this.bits() >> 11n) * 2 ** -53;
  }

  normal() {
    const { edge, scale } = this.ziggurat;
    const height = (layer) => (layer ? Math.exp(-0.5 * (scale[layer] * 2 ** 52) ** 2) : 1);
    for (;;) {
      const bits = this.bits();
      const layer = Number(bits & 255n);
      const magnitude = Number((bits >> 9n) & 0xfffffffffffffn);
      const sign = bits & 256n ? -1 : 1;
      const x = magnitude * scale[layer];
      if (magnitude < edge[layer]) return sign * x;
      if (layer === 0) return this.tail((bits >> 17n) & 1n ? -1 : 1);
      const [low, high] = [height(layer), height(layer - 1)];
      if ((high - low) * this.uniform() + low < Math.exp(-0.5 * x * x)) return sign * x;
    }
  }

  tail(sign) {
    for (;;) {
      const x = -INVERSE_TAIL * Math.log1p(-this.uniform());
      const y = -Math.log1p(-this.uniform());
      if (y + y > x * x) return sign * (TAIL + x);
    }
  }
}

// "normal(0, 1)" → { name, numbers }, or an error that says what is allowed
function parsedInit(text, usages) {
  const call = /^\s*(\w+)\s*(?:\(([^]*)\))?\s*$/.exec(text);
  const name = call ? call[1].toLowerCase() : "";
  const usage = usages.find((each) => each.split("(")[0] === name);
  if (!usage) throw new RangeError(`unknown start ${shown(text)}; allowed: ${usages.join(", ")}`);
  const words = (call[2] ?? "").trim() ? call[2].split(",").map((word) => word.trim()) : [];
  const wrong = () => new RangeError(`found ${shown(text)}; allowed: ${usage}, its numbers finite`);
  const isNumber = (word) => /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(word) && Number.isFinite(Number(word));
  if (words.length !== (usage.match(/,/g) ?? []).length + usage.includes("(") || !words.every(isNumber)) throw wrong();
  const numbers = words.map((word) => Number(word) + 0);
  const [first, second] = numbers;
  if (name === "uniform" && !(first < second && Number.isFinite(second - first))) {
    throw new RangeError(`found ${shown(text)}; allowed: uniform(low, high) with low < high and a finite width`);
  }
  if (name === "normal" && second <= 0) {
    throw new RangeError(`found ${shown(text)}; allowed: normal(mean, std) with std > 0`);
  }
  return { name, numbers };
}

// The start of a run, as sweep/spec/inits.py defines it, before `init_scale`: W1 by rows, b1, w2, direct weights, b2.
function drawn({ name, numbers }, seed, { n_inputs, hidden, shortcut }, ziggurat) {
  const generator = new Generator(seed, ziggurat);
  const fanIn = hidden + (shortcut || !hidden ? n_inputs : 0);
  const layers = hidden ? [[n_inputs, hidden], [fanIn, 1]] : [[fanIn, 1]];
  const uniform = (low, high) => low + (high - low) * generator.uniform();
  return layers.flatMap(([n, units]) => {
    const fan = name.startsWith("xavier") ? n + units : n;
    const limit = Math.sqrt(6 / fan);
    const deviation = Math.sqrt(2 / fan);
    const weight = {
      uniform: () => uniform(...numbers),
      normal: () => numbers[0] + numbers[1] * generator.normal(),
      constant: () => numbers[0],
      zeros: () => 0,
      xavier_uniform: () => uniform(-limit, limit),
      xavier_normal: () => deviation * generator.normal(),
      he_uniform: () => uniform(-limit, limit),
      he_normal: () => deviation * generator.normal(),
    }[name];
    const bias = /^(xavier|he)_/.test(name) ? () => 0 : weight;
    return [...Array.from({ length: n * units }, weight), ...Array.from({ length: units }, bias)];
  });
}

// The same weights with all biases 0.
function withoutBiases(weights, { n_inputs, hidden }) {
  const isBias = (k) => k === weights.length - 1 || (k >= hidden * n_inputs && k < hidden * (n_inputs + 1));
  return weights.map((weight, k) => (isBias(k) ? 0 : weight));
}
