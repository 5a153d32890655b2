"""Initial weights: the numbers that ``numpy.random.default_rng(seed)`` gives, for a million seeds at once.

Every run has a generator of its own. NumPy takes about 20 µs to make one, which then gives a handful of numbers; here
the same integer arithmetic is compiled and goes from seed to seed:

1. ``SeedSequence(seed)`` hashes the seed, one 32-bit word, into a pool of four words, mixes each of them with every
   other, and hashes the pool out into eight words (O'Neill 2015).
2. These are the initial state and the stream of PCG64: a linear congruential generator modulo 2¹²⁸,
   s ← M s + c, the halves of s xor-ed and rotated into 64 random bits, XSL-RR (O'Neill 2014).
3. A uniform number in [0, 1) is the upper 53 of these bits, divided by 2⁵³.
4. A normal number comes from the ziggurat of 256 layers (Marsaglia & Tsang 2000). Of the draws, 98.5 % fall inside the
   rectangle of their layer, which takes one comparison and one multiplication. In a wedge NumPy compares with exp, here
   a series with a bound of its error does. Where that is too close to tell, and for a seed with a draw from the tail,
   which takes log1p, NumPy itself draws that seed's row, from the state of step 2. So no library's mathematical
   function decides here, and what a start is remains NumPy's to say.

The table of step 4 is the one that NumPy publishes: it carries rounding errors of its making, so that the construction
in exact arithmetic gives neighbouring numbers.

Sources: M. E. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for Random Number
Generation", Harvey Mudd College HMC-CS-2014-0905, 2014; M. E. O'Neill, "Developing a seed_seq Alternative", 2015,
www.pcg-random.org; G. Marsaglia and W. W. Tsang, "The Ziggurat Method for Generating Random Variables", Journal of
Statistical Software 5(8), 2000.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweep.kernel.machine import inlined, jit

# Numba turns int64 with uint64 into float64: every integer constant below is a uint64, as the variables are.
U1, U8, U9, U11, U16, U32, U58, U63, U64 = (np.uint64(n) for n in (1, 8, 9, 11, 16, 32, 58, 63, 64))
LOW_8, LOW_32, LOW_52 = (np.uint64(2**n - 1) for n in (8, 32, 52))

POOL_SIZE = 4
N_STATE_WORDS = 8
POOL_INIT, POOL_MULTIPLIER = np.uint64(0x43B0D7E5), np.uint64(0x931E8875)
STATE_INIT, STATE_MULTIPLIER = np.uint64(0x8B51F9DD), np.uint64(0x58F38DED)
MIX_LEFT, MIX_RIGHT = np.uint64(0xCA01F9DD), np.uint64(0x4973F715)

PCG_MULTIPLIER_HIGH, PCG_MULTIPLIER_LOW = np.uint64(0x2360ED051FC65DA4), np.uint64(0x4385DF649FCCF645)

_RIGHT: NDArray[np.float64] = np.array([
    3.910757959524912, 0.21524189598488003, 0.2861745917920715, 0.33573751921442435, 0.3751213328783798,
    0.40838913461199033, 0.4375184022078708, 0.4636343367908815, 0.4874439661392353, 0.509423329602091,
    0.5299097206615574, 0.5491517023271645, 0.5673382570538182, 0.5846167661063788, 0.6011046177559921,
    0.6168969900077509, 0.6320722363860606, 0.6466957148949931, 0.6608225742444191, 0.6744998228372932,
    0.6877678927957878, 0.7006618411068143, 0.7132122851909752, 0.7254461409099988, 0.7373872114342949,
    0.7490566620178146, 0.7604734064301074, 0.7716544242245675, 0.7826150233072324, 0.7933690588406226,
    0.8039291169899705, 0.8143066701352146, 0.8245122087522915, 0.8345553540863815, 0.8444449549091533,
    0.8541891710081632, 0.8637955455533082, 0.87327106808886, 0.882622229585165, 0.891855070732941,
    0.9009752244612214, 0.9099879534967181, 0.9188981836495902, 0.9277105334019996, 0.9364293402865748,
    0.945058684468165, 0.9536024098810856, 0.9620641432230401, 0.970447311064224, 0.9787551552942242,
    0.986990747099062, 0.9951569996350904, 1.0032566795446725, 1.011292417439995, 1.0192667174654835,
    1.027181966035645, 1.03504043983344, 1.0428443131441483, 1.0505956645909291, 1.0582964833306743,
    1.0659486747621219, 1.0735540657924356, 1.0811144097034033, 1.0886313906539793, 1.0961066278520208,
    1.103541679424639, 1.110938046013575, 1.1182971741193444, 1.1256204592155326, 1.1329092486525332,
    1.1401648443681507, 1.1473885054208484, 1.1545814503599272, 1.161744859445611, 1.1688798767308328,
    1.1759876120154515, 1.1830691426826863, 1.1901255154266914, 1.1971577478794408, 1.2041668301443809,
    1.2111537262436987, 1.218119375485481, 1.2250646937565302, 1.2319905747461355, 1.2388978911056867,
    1.2457874955486268, 1.2526602218948968, 1.2595168860637138, 1.266358287018229, 1.273185207665356,
    1.2799984157138176, 1.2867986644932434, 1.2935866937369476, 1.300363230330837, 1.307128989030731,
    1.3138846731502203, 1.3206309752210559, 1.3273685776279256, 1.3340981532193599, 1.3408203658964037,
    1.347535871180587, 1.3542453167626347, 1.3609493430332826, 1.3676485835974759, 1.374343665773166,
    1.381035211075855, 1.3877238356899757, 1.3944101509281406, 1.4010947636792506, 1.4077782768463984,
    1.4144612897754707, 1.4211443986753085, 1.4278281970302555, 1.4345132760058918, 1.4412002248487237,
    1.4478896312805758, 1.45458208188841, 1.4612781625102753, 1.4679784586180793, 1.4746835556978553,
    1.481394039628187, 1.4881104970574472, 1.4948335157804935, 1.5015636851154637, 1.5083015962813113,
    1.5150478427767144, 1.5218030207609978, 1.528567729437712, 1.5353425714415139, 1.5421281532290017,
    1.5489250854741732, 1.5557339834691761, 1.5625554675310445, 1.5693901634151233, 1.576238702735906,
    1.583101723396029, 1.5899798700241905, 1.5968737944227878, 1.6037841560260941, 1.6107116223698297,
    1.617656869573015, 1.624620582833034, 1.6316034569348727, 1.638606196775547, 1.6456295179047817,
    1.6526741470830553, 1.659740822858182, 1.666830296161665, 1.6739433309261247, 1.6810807047251735,
    1.688243209437195, 1.6954316519345614, 1.702646854799923, 1.7098896570713016, 1.7171609150178229,
    1.7244615029480448, 1.7317923140529632, 1.7391542612859117, 1.7465482782817225, 1.7539753203176716,
    1.7614363653189102, 1.7689324149112684, 1.7764644955245228, 1.7840336595494415, 1.7916409865521625,
    1.7992875845497203, 1.8069745913508208, 1.8147031759662826, 1.8224745400938858, 1.830289919682757,
    1.8381505865828067, 1.8460578502851857, 1.8540130597602023, 1.8620176053996746, 1.8700729210712674,
    1.8781804862929965, 1.8863418285367834, 1.8945585256707052, 1.9028322085504297, 1.9111645637712535,
    1.9195573365931882, 1.9280123340526658, 1.9365314282756947, 1.9451165600086784, 1.9537697423846467,
    1.962493064944363, 1.9712886979336592, 1.9801588969004766, 1.989106007617438, 1.9981324713584196,
    2.0072408305605287, 2.016433734906204, 2.025713947863854, 2.035084353729619, 2.0445479652175313,
    2.054107931650652, 2.063767547811732, 2.0735302635187427, 2.083399693998304, 2.0933796311387916,
    2.1034740557148766, 2.1136871506866526, 2.1240233156895227, 2.134487182846016, 2.145083634047888,
    2.1558178198767366, 2.1666951803543077, 2.1777214677402923, 2.1889027716263603, 2.200245546611276,
    2.2117566428841604, 2.22344334009251, 2.235313384929921, 2.247375032947389, 2.259637095173787, 2.2721089902283813,
    2.284800802724492, 2.2977233489028634, 2.310888250601372, 2.3243080188711325, 2.3379961487965284,
    2.3519672273791445, 2.366237056717291, 2.3808227951720857, 2.3957431197819274, 2.4110184139011195,
    2.4266709849371466, 2.442725318200364, 2.459208374334705, 2.476149939670523, 2.4935830412710467,
    2.511544441626694, 2.530075232159854, 2.549221550324783, 2.5690354526818435, 2.589575986708286, 2.610910518488823,
    2.6331163936315822, 2.656283037576743, 2.6805146432857447, 2.705933656123062, 2.7326853590440114,
    2.7609440052799865, 2.7909211740019275, 2.8228773968264433, 2.857138730873225, 2.8941210536134125,
    2.934366867208888, 2.9786032798818436, 3.027837791769594, 3.0835261320021434, 3.147889289518001,
    3.224575052047802, 3.320244733839826, 3.4492782985614316, 3.654152885361009,
])  # fmt: skip
"""Right edges of the layers; the first one, with the tail, is as wide as a rectangle of its area would be."""
LAYER_SCALE = _RIGHT * 2.0**-52
LAYER_EDGE = np.rint(np.roll(_RIGHT, 1) / _RIGHT * 2.0**52).astype(np.uint64)
"""A draw below it is inside the layer above as well, and so under the curve."""
LAYER_EDGE[1] = 0  # the topmost layer has no rectangle
LAYER_TOP = np.exp(-0.5 * _RIGHT**2)
LAYER_TOP[0] = 1.0  # what lies above layer 1
UNSURE = 1e-9
"""Distance from the curve below which NumPy decides: far more than a series, an exp or a table is off."""


@inlined
def _hash(word, constant, multiplier):
    """One 32-bit word hashed, and the constant for the next one."""
    next_constant = (constant * multiplier) & LOW_32
    word = ((word ^ constant) * next_constant) & LOW_32
    return word ^ (word >> U16), next_constant


@inlined
def _mix(x, y):
    """Two 32-bit words mixed into one."""
    word = (MIX_LEFT * x - MIX_RIGHT * y) & LOW_32
    return word ^ (word >> U16)


@inlined
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


@inlined
def _add(x_high, x_low, y_high, y_low):
    """x + y modulo 2¹²⁸."""
    low = x_low + y_low
    return x_high + y_high + np.uint64(low < x_low), low


@inlined
def _multiply_high(x, y):
    """The upper 64 bits of the 128-bit product x y."""
    x_high, x_low = x >> U32, x & LOW_32
    y_high, y_low = y >> U32, y & LOW_32
    upper = x_high * y_low + ((x_low * y_low) >> U32)
    lower = x_low * y_high + (upper & LOW_32)
    return x_high * y_high + (upper >> U32) + (lower >> U32)


@jit()
def _step(high, low, inc_high, inc_low):
    """s ← M s + c modulo 2¹²⁸."""
    product_high = _multiply_high(low, PCG_MULTIPLIER_LOW) + high * PCG_MULTIPLIER_LOW + low * PCG_MULTIPLIER_HIGH
    return _add(product_high, low * PCG_MULTIPLIER_LOW, inc_high, inc_low)


@jit()
def _seeded(seed, pool, words):
    """PCG64(seed): state (high, low) and increment (high, low); pool and words are room for 4 and 8 words."""
    _state_words(np.uint64(seed), pool, words)
    state_high, state_low = words[1] << U32 | words[0], words[3] << U32 | words[2]
    stream_high, stream_low = words[5] << U32 | words[4], words[7] << U32 | words[6]
    inc_high, inc_low = stream_high << U1 | stream_low >> U63, stream_low << U1 | U1
    high, low = _add(inc_high, inc_low, state_high, state_low)
    high, low = _step(high, low, inc_high, inc_low)
    return high, low, inc_high, inc_low


@inlined
def _output(high, low):
    """XSL-RR: the halves xor-ed, rotated right by the upper six bits."""
    bits = high ^ low
    rotation = high >> U58
    return bits >> rotation | bits << ((U64 - rotation) & U63)


@jit()
def _draw_uniforms(seeds, pool, words, out):
    for i in range(out.shape[0]):
        high, low, inc_high, inc_low = _seeded(seeds[i], pool, words)
        for j in range(out.shape[1]):
            high, low = _step(high, low, inc_high, inc_low)
            out[i, j] = (_output(high, low) >> U11) * 2.0**-53


@inlined
def _above_the_curve(layer, x, fraction):
    """How far a point of a wedge lies above exp(−x²/2), to 10⁻¹²: with t ≥ 0 below 0.76, fifteen terms of exp(t)."""
    t = 0.5 * (_RIGHT[layer] * _RIGHT[layer] - x * x)
    power, term = 1.0, 1.0
    for n in range(1, 15):
        term *= t / n
        power += term
    return (LAYER_TOP[layer - U1] - LAYER_TOP[layer]) * fraction + LAYER_TOP[layer] - LAYER_TOP[layer] * power


@jit()
def _draw_normals(seeds, pool, words, out, left_out):
    """Rows of normals; left_out[i] says that row i has a draw that is NumPy's to make, and is not to be used."""
    for i in range(out.shape[0]):
        high, low, inc_high, inc_low = _seeded(seeds[i], pool, words)
        left_out[i] = False
        for j in range(out.shape[1]):
            high, low = _step(high, low, inc_high, inc_low)
            bits = _output(high, low)
            layer = bits & LOW_8
            magnitude = (bits >> U9) & LOW_52
            while magnitude >= LAYER_EDGE[layer]:
                high, low = _step(high, low, inc_high, inc_low)
                fraction = (_output(high, low) >> U11) * 2.0**-53
                above = _above_the_curve(layer, magnitude * LAYER_SCALE[layer], fraction)
                left_out[i] = layer == 0 or abs(above) < UNSURE
                if left_out[i] or above < 0.0:
                    break
                high, low = _step(high, low, inc_high, inc_low)
                bits = _output(high, low)
                layer = bits & LOW_8
                magnitude = (bits >> U9) & LOW_52
            if left_out[i]:
                break
            x = magnitude * LAYER_SCALE[layer]
            out[i, j] = -x if bits >> U8 & U1 else x


@jit()
def _seed_states(seeds, pool, words, out):
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


def _room() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Room for the pool and the words of one seed."""
    return np.empty(POOL_SIZE, np.uint64), np.empty(N_STATE_WORDS, np.uint64)


def _redraw(rows: NDArray[np.intp], seeds: NDArray[np.uint32], out: NDArray[np.float64]) -> None:
    """Let NumPy draw these rows of out, from the state in which it would begin."""
    states = np.empty((len(rows), 4), np.uint64)
    _seed_states(seeds[rows], *_room(), states)
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
    _draw_uniforms(seeds, *_room(), out)
    return out


def standard_normals(seeds: NDArray[np.integer[Any]], k: int) -> NDArray[np.float64]:
    """The first k standard normal numbers of each seed, bit for bit ``default_rng(seed).standard_normal(k)``.

    Parameters, what it returns and raises are those of `standard_uniforms`.
    """
    seeds = _checked(seeds, k)
    out = np.empty((len(seeds), k))
    left_out = np.empty(len(seeds), np.bool_)
    _draw_normals(seeds, *_room(), out, left_out)
    if left_out.any():
        _redraw(np.flatnonzero(left_out), seeds, out)
    return out
