"""Naive loops of `resampler.kernels.random`, in Python integers and floats."""

from __future__ import annotations

import math

MASK = 0xFFFFFFFF


def philox(counter, key):
    """Philox4x32-10 after Salmon et al. 2011, in Python integers."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & MASK, (p0 >> 32) ^ c3 ^ k1, p0 & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c0, c1, c2, c3


def draw(seed, stream, row_id, n):
    return philox((row_id & MASK, row_id >> 32, n, stream), (seed & MASK, seed >> 32))


def more_words(words, seed, block):
    w0, w1, w2, w3 = words
    return philox((w0, w1, w2, (w3 + block + 1) & MASK), (seed & MASK, seed >> 32))


def poisson(word, rate):
    """Invert the distribution function; the exponential by its series, 20 terms."""
    terms = [1.0]
    for i in range(1, 20):
        terms.append(terms[-1] * (-rate / i))
    probability = below = sum(terms)
    count = 0
    while word * 2.0**-32 >= below and count < 32:
        count += 1
        probability *= rate / count
        below += probability
    return count


def halvings(mantissa):
    """Halvings of 1 that give ``mantissa / 2**32``: the logarithm by its series, 20 terms."""
    mantissa, exponent = math.frexp(float(mantissa))
    mantissa, exponent = 2 * mantissa, exponent - 1
    z = (mantissa - 1) / (mantissa + 1)
    power, total = z, 0.0
    for i in range(20):
        total += power / (2 * i + 1)
        power *= z * z
    return 32 - exponent - total * (2.0 / math.log(2))


def fading(word, n, half_life):
    """Age whose odds halve every `half_life`, below n."""
    return int(half_life * max(0.0, halvings(word + 1))) % n
