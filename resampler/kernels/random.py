"""Counter-based draws: every random number is a pure function of (seed, stream, row id, draw number).

The generator is Philox4x32-10: one call gives four independent 32-bit words, so one call serves one synthetic
row (base, neighbour, step, spare). Nothing carries state, hence no order of evaluation can change a draw.

References
----------
Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3. SC 2011, doi:10.1145/2063384.2063405.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import inline, njit

_MASK = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = np.uint64(0x9E3779B9)
_W1 = np.uint64(0xBB67AE85)
_UNIT = np.float32(2.0**-24)
_LN2 = 0.6931471805599453
_ONE = np.uint64(1)
_HALVINGS = (16, 16, 8, 4, 2, 1)  # twice 16: of 2**32 there are 32

# Draw numbers from the end of the range, for what is decided about a row beside its synthetic rows.
RANK = 0xFFFFFFFF
KEEP = 0xFFFFFFFE
QUOTA = 0xFFFFFFFD
REFERRAL = 0xFFFFFFFC
LOOK = 0xFFFFFFFB


@inline
def philox4x32(c0, c1, c2, c3, k0, k1):
    """Encrypt the counter (c0..c3) under the key (k0, k1); all are uint64 that hold 32 bits."""
    for _ in range(10):
        p0 = _M0 * c0
        p1 = _M1 * c2
        c0 = (p1 >> _SHIFT) ^ c1 ^ k0
        c1 = p1 & _MASK
        c2 = (p0 >> _SHIFT) ^ c3 ^ k1
        c3 = p0 & _MASK
        k0 = (k0 + _W0) & _MASK
        k1 = (k1 + _W1) & _MASK
    return c0, c1, c2, c3


@inline
def draw(seed, stream, row_id, n):
    """Return the four words of draw `n` of row `row_id`; `stream` (32 bits) separates uses of one row."""
    row = np.uint64(row_id)
    key = np.uint64(seed)
    return philox4x32(
        row & _MASK,
        row >> _SHIFT,
        np.uint64(n) & _MASK,
        np.uint64(stream) & _MASK,
        key & _MASK,
        key >> _SHIFT,
    )


@inline
def bounded(word, n):
    """Map a word to 0 .. n-1 by multiply and shift; the bias is below n / 2**32."""
    return np.int64((word * np.uint64(n)) >> _SHIFT)


@njit(nogil=True, _nrt=False)
def more_words(w0, w1, w2, w3, seed, block):
    """Return four more words of the draw that gave `w0` to `w3`, others for each `block` from 0 on."""
    key = np.uint64(seed)
    return philox4x32(w0, w1, w2, (w3 + np.uint64(block) + _ONE) & _MASK, key & _MASK, key >> _SHIFT)


@njit(nogil=True, _nrt=False)
def halvings_of(mantissa):
    """Return how often 1 must be halved to become ``mantissa / 2**32``, for a mantissa from 1 to 2**32.

    The logarithm is a fixed series: the C library's may differ in its last bit from one machine to the next.
    """
    halvings = 32.0
    for bits in _HALVINGS:  # powers of two: exact, and no loop whose end is a guess
        if mantissa >= 1 << bits:
            mantissa *= 1.0 / (1 << bits)
            halvings -= bits
    z = (mantissa - 1.0) / (mantissa + 1.0)
    power = z
    total = 0.0
    for i in range(16):  # z is below 1/3: later terms are less than half of the last bit of the sum
        total += power / (2 * i + 1)
        power *= z * z
    return halvings - total * (2.0 / _LN2)


@njit(nogil=True)
def fading(word, n, half_life):
    """Map a word to an age from 0 to n-1 whose odds halve every `half_life`.

    An exponential variate has no memory, so its remainder modulo n is the variate cut off at n.
    """
    halvings = halvings_of(np.float64(word) + 1.0)  # the word stands for the uniform variate (word + 1) / 2**32
    return np.int64(half_life * max(0.0, halvings)) % n


@njit(nogil=True, _nrt=False)
def normal(word):
    """Map a word to a standard normal deviate: the inverse of its distribution at ``(word + 1/2) / 2**32``.

    References
    ----------
    Wichura: Algorithm AS 241, routine PPND7. Applied Statistics 37 (1988), doi:10.2307/2347330. To about 7 digits.
    """
    q = (np.float64(word) + 0.5) * 2.0**-32 - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        above = ((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179
        below = ((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0
        return q * above / below
    tail = np.float64(word) + 0.5 if q < 0 else 2.0**32 - (np.float64(word) + 0.5)
    r = np.sqrt(_LN2 * (halvings_of(2.0 * tail) + 1.0))
    if r <= 5.0:
        r -= 1.6
        above = ((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777
        below = (0.12021132975 * r + 0.73700164250) * r + 1.0
    else:
        r -= 5.0
        above = ((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150
        below = (0.012258202635 * r + 0.24197894225) * r + 1.0
    return -above / below if q < 0 else above / below


@inline
def one_of(w0, w1, w2, w3, at):
    """Return one of four words: number ``at % 4``."""
    word = w0
    if at % 4 == 1:
        word = w1
    elif at % 4 == 2:
        word = w2
    elif at % 4 == 3:
        word = w3
    return word


@inline
def unit(word):
    """Map a word to a float32 in [0, 1), a multiple of 2**-24, so that no rounding enters."""
    return np.float32(word >> np.uint64(8)) * _UNIT


@inline
def poisson(word, rate):
    """Map a word to a Poisson count of mean `rate`, at most 1.

    The exponential is a fixed series: the C library's may differ in its last bit from one machine to the next.
    """
    term = 1.0
    probability = 1.0
    for i in range(1, 20):
        term *= -rate / i
        probability += term
    below = probability
    uniform = np.float64(word) * 2.0**-32
    count = 0
    while uniform >= below and count < 32:
        count += 1
        probability *= rate / count
        below += probability
    return count


@njit(nogil=True)
def rank_keys(seed, stream, row_ids, out):
    """Write one 64-bit key a row: sorting by it is the seeded order in which rows take turns as bases."""
    for i in range(row_ids.shape[0]):
        w0, w1, _, _ = draw(seed, stream, row_ids[i], RANK)
        out[i] = (w0 << _SHIFT) | w1


@njit(nogil=True)
def copy_keys(seed, stream, row_ids, copies, out):
    """Write one 64-bit key for copy ``copies[i]`` of row ``row_ids[i]``; the seed is one apart."""
    for i in range(row_ids.shape[0]):
        w0, w1, _, _ = draw(seed, stream, row_ids[i], copies[i])
        out[i] = (w0 << _SHIFT) | w1
