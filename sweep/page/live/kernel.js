// A kernel: a WebAssembly module of the traced functions, compiled for one model a call, and the training loop around them.

const STACK = 1 << 18; // bytes; what a module keeps between, which grows downwards from there
const PAGE = 1 << 16;
const LONGEST_PERIOD = 16;
const BLOCK = 64; // epochs between two looks at the clock

const oneDouble = new Float64Array(1);
const itsBits = new BigInt64Array(oneDouble.buffer);

// x·y + z, rounded once, in integers: for what is too large or too small for the module's own way.
function exactFma(x, y, z) {
  if (![x, y, z].every(Number.isFinite) || x === 0 || y === 0) return x * y + z;
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
