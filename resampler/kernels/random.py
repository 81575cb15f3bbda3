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


@njit(nogil=True)
def fading(word, n, half_life):
    """Map a word to an age from 0 to n-1 whose odds halve every `half_life`.

    An exponential variate has no memory, so its remainder modulo n is the variate cut off at n. The logarithm is a
    fixed series: the C library's may differ in its last bit from one machine to the next.
    """
    mantissa = np.float64(word) + 1.0  # the word stands for the uniform variate mantissa / 2**32
    halvings = 32.0
    while mantissa >= 2.0:
        mantissa *= 0.5
        halvings -= 1.0
    z = (mantissa - 1.0) / (mantissa + 1.0)
    power = z
    total = 0.0
    for i in range(20):
        total += power / (2 * i + 1)
        power *= z * z
    return np.int64(half_life * max(0.0, halvings - total * (2.0 / _LN2))) % n


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
