"""Initial weights: the numbers that ``numpy.random.default_rng(seed)`` gives, for a million seeds at once.

Every run has a generator of its own. NumPy takes about 20 µs to make one, which then gives a handful of numbers; here
the same integer arithmetic is compiled and goes from seed to seed:

1. ``SeedSequence(seed)`` hashes the seed, one 32-bit word, into a pool of four words, mixes each of them with every
   other, and hashes the pool out into eight words (O'Neill 2015).
2. These are the initial state and the stream of PCG64: a linear congruential generator modulo 2¹²⁸,
   s ← M s + c, the halves of s xor-ed and rotated into 64 random bits, XSL-RR (O'Neill 2014).
3. A uniform number in [0, 1) is the upper 53 of these bits, divided by 2⁵³.
4. A normal number comes from the ziggurat of 256 layers (Marsaglia & Tsang 2000). Of the draws, 98.5 % fall inside the
   rectangle of their layer, which takes one comparison and one multiplication. Where a draw of a seed falls outside,
   into a wedge or the tail, exp and log1p decide: NumPy itself draws that seed's row, from the state of step 2. So no
   mathematical function is called here, and what a start is remains NumPy's to say.

The tables of step 4 are those that NumPy publishes, in Numba's copy: they carry rounding errors of their making, so
that the construction in exact arithmetic gives neighbouring numbers.

Sources: M. E. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for Random Number
Generation", Harvey Mudd College HMC-CS-2014-0905, 2014; M. E. O'Neill, "Developing a seed_seq Alternative", 2015,
www.pcg-random.org; G. Marsaglia and W. W. Tsang, "The Ziggurat Method for Generating Random Variables", Journal of
Statistical Software 5(8), 2000.
"""

from typing import Any

import numpy as np
from numba import njit
from numba.np.random._constants import ki_double, wi_double
from numpy.typing import NDArray

jit = njit(cache=True, nogil=True, error_model="numpy")

# Numba turns int64 with uint64 into float64: every integer constant below is a uint64, as the variables are.
U1, U8, U9, U11, U16, U32, U58, U63, U64 = (np.uint64(n) for n in (1, 8, 9, 11, 16, 32, 58, 63, 64))
LOW_8, LOW_32, LOW_52 = (np.uint64(2**n - 1) for n in (8, 32, 52))

POOL_SIZE = 4
N_STATE_WORDS = 8
POOL_INIT, POOL_MULTIPLIER = np.uint64(0x43B0D7E5), np.uint64(0x931E8875)
STATE_INIT, STATE_MULTIPLIER = np.uint64(0x8B51F9DD), np.uint64(0x58F38DED)
MIX_LEFT, MIX_RIGHT = np.uint64(0xCA01F9DD), np.uint64(0x4973F715)

PCG_MULTIPLIER_HIGH, PCG_MULTIPLIER_LOW = np.uint64(0x2360ED051FC65DA4), np.uint64(0x4385DF649FCCF645)

LAYER_EDGE: NDArray[np.uint64] = ki_double
LAYER_SCALE: NDArray[np.float64] = wi_double


@jit
def _hash(word, constant, multiplier):
    """One 32-bit word hashed, and the constant for the next one."""
    next_constant = (constant * multiplier) & LOW_32
    word = ((word ^ constant) * next_constant) & LOW_32
    return word ^ (word >> U16), next_constant


@jit
def _mix(x, y):
    """Two 32-bit words mixed into one."""
    word = (MIX_LEFT * x - MIX_RIGHT * y) & LOW_32
    return word ^ (word >> U16)


@jit
def _state_words(seed, pool, words):
    """SeedSequence(seed).generate_state(8) into words; pool is room for four words."""
    constant = POOL_INIT
    for i in range(POOL_SIZE):
        pool[i], constant = _hash(seed if i == 0 else np.uint64(0), constant, POOL_MULTIPLIER)
    for source in range(POOL_SIZE):
        for target in range(POOL_SIZE):
            if source != target:
                word, constant = _hash(pool[source], constant, POOL_MULTIPLIER)
                pool[target] = _mix(pool[target], word)
    constant = STATE_INIT
    for i in range(N_STATE_WORDS):
        words[i], constant = _hash(pool[i % POOL_SIZE], constant, STATE_MULTIPLIER)


@jit
def _add(x_high, x_low, y_high, y_low):
    """x + y modulo 2¹²⁸."""
    low = x_low + y_low
    return x_high + y_high + np.uint64(low < x_low), low


@jit
def _multiply_high(x, y):
    """The upper 64 bits of the 128-bit product x y."""
    x_high, x_low = x >> U32, x & LOW_32
    y_high, y_low = y >> U32, y & LOW_32
    upper = x_high * y_low + ((x_low * y_low) >> U32)
    lower = x_low * y_high + (upper & LOW_32)
    return x_high * y_high + (upper >> U32) + (lower >> U32)


@jit
def _step(high, low, inc_high, inc_low):
    """s ← M s + c modulo 2¹²⁸."""
    product_high = _multiply_high(low, PCG_MULTIPLIER_LOW) + high * PCG_MULTIPLIER_LOW + low * PCG_MULTIPLIER_HIGH
    return _add(product_high, low * PCG_MULTIPLIER_LOW, inc_high, inc_low)


@jit
def _seeded(seed, pool, words):
    """PCG64(seed): state (high, low) and increment (high, low); pool and words are room for 4 and 8 words."""
    _state_words(np.uint64(seed), pool, words)
    state_high, state_low = words[1] << U32 | words[0], words[3] << U32 | words[2]
    stream_high, stream_low = words[5] << U32 | words[4], words[7] << U32 | words[6]
    inc_high, inc_low = stream_high << U1 | stream_low >> U63, stream_low << U1 | U1
    high, low = _add(inc_high, inc_low, state_high, state_low)
    high, low = _step(high, low, inc_high, inc_low)
    return high, low, inc_high, inc_low


@jit
def _output(high, low):
    """XSL-RR: the halves xor-ed, rotated right by the upper six bits."""
    bits = high ^ low
    rotation = high >> U58
    return bits >> rotation | bits << ((U64 - rotation) & U63)


@jit
def _draw_uniforms(seeds, out):
    pool, words = np.empty(POOL_SIZE, np.uint64), np.empty(N_STATE_WORDS, np.uint64)
    for i in range(out.shape[0]):
        high, low, inc_high, inc_low = _seeded(seeds[i], pool, words)
        for j in range(out.shape[1]):
            high, low = _step(high, low, inc_high, inc_low)
            out[i, j] = (_output(high, low) >> U11) * 2.0**-53


@jit
def _draw_normals(seeds, out, left_out):
    """Rows of normals; left_out[i] says that row i left the rectangles, and is not to be used."""
    pool, words = np.empty(POOL_SIZE, np.uint64), np.empty(N_STATE_WORDS, np.uint64)
    for i in range(out.shape[0]):
        high, low, inc_high, inc_low = _seeded(seeds[i], pool, words)
        left_out[i] = False
        for j in range(out.shape[1]):
            high, low = _step(high, low, inc_high, inc_low)
            bits = _output(high, low)
            layer = bits & LOW_8
            magnitude = (bits >> U9) & LOW_52
            if magnitude >= LAYER_EDGE[layer]:
                left_out[i] = True
                break
            x = magnitude * LAYER_SCALE[layer]
            out[i, j] = -x if bits >> U8 & U1 else x


@jit
def _seed_states(seeds, out):
    pool, words = np.empty(POOL_SIZE, np.uint64), np.empty(N_STATE_WORDS, np.uint64)
    for i in range(out.shape[0]):
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = _seeded(seeds[i], pool, words)


def _checked(seeds: NDArray[np.integer[Any]], k: int) -> NDArray[np.uint32]:
    if k < 1:
        raise ValueError(f"the number of draws per seed must be at least 1, not {k}")
    if seeds.ndim != 1 or seeds.dtype.kind not in "iu":
        raise ValueError(f"seeds must be one row of integers, not {seeds.dtype} of shape {seeds.shape}")
    outside = (seeds < 0) | (seeds > 2**32 - 1)
    if outside.any():
        raise ValueError(f"a seed must be between 0 and 2**32 - 1 = 4294967295, not {seeds[outside][0]}")
    return seeds.astype(np.uint32)


def _redraw(rows: NDArray[np.intp], seeds: NDArray[np.uint32], out: NDArray[np.float64]) -> None:
    """Let NumPy draw these rows of out, from the state in which it would begin."""
    states = np.empty((len(rows), 4), np.uint64)
    _seed_states(seeds[rows], states)
    pcg = np.random.PCG64(0)
    generator, state = np.random.Generator(pcg), pcg.state
    lcg = state["state"]
    for row, high, low, inc_high, inc_low in zip(rows.tolist(), *states.T.tolist(), strict=True):
        lcg["state"], lcg["inc"] = high << 64 | low, inc_high << 64 | inc_low
        pcg.state = state
        generator.standard_normal(out=out[row])


def standard_uniforms(seeds: NDArray[np.integer[Any]], k: int) -> NDArray[np.float64]:
    """The first k uniform numbers in [0, 1) of each seed, bit for bit ``default_rng(seed).random(k)``.

    Parameters
    ----------
    seeds : array of integers, shape (n_seeds,)
        Each 0 ≤ seed < 2³².
    k : int
        Numbers per seed, at least 1.

    Returns
    -------
    array of float64, shape (n_seeds, k), C-contiguous
        Row i belongs to ``seeds[i]``.

    Raises
    ------
    ValueError
        If k < 1, or if the seeds are not a one-dimensional array of integers within these limits.
    """
    seeds = _checked(seeds, k)
    out = np.empty((len(seeds), k))
    _draw_uniforms(seeds, out)
    return out


def standard_normals(seeds: NDArray[np.integer[Any]], k: int) -> NDArray[np.float64]:
    """The first k standard normal numbers of each seed, bit for bit ``default_rng(seed).standard_normal(k)``.

    Parameters
    ----------
    seeds : array of integers, shape (n_seeds,)
        Each 0 ≤ seed < 2³².
    k : int
        Numbers per seed, at least 1.

    Returns
    -------
    array of float64, shape (n_seeds, k), C-contiguous
        Row i belongs to ``seeds[i]``.

    Raises
    ------
    ValueError
        If k < 1, or if the seeds are not a one-dimensional array of integers within these limits.
    """
    seeds = _checked(seeds, k)
    out = np.empty((len(seeds), k))
    left_out = np.empty(len(seeds), np.bool_)
    _draw_normals(seeds, out, left_out)
    _redraw(np.flatnonzero(left_out), seeds, out)
    return out
