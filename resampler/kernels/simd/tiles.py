"""Products of many rows with many at once, in whole numbers of 16 bits: a register tile of `ROWS` x `LANES` pairs.

A panel holds `LANES` rows, two columns side by side: ``panel[pair of columns, row, column of the pair]``. The sum of
two products of neighbouring columns is one instruction of most processors (``pmaddwd``); LLVM finds it in a
multiplication of widened numbers whose even and odd lanes are added. Nothing is rounded, so the order of sums does not
matter. Without the compiler the Python functions of the same names run.

Naive: these, in tests/resampler/kernels/simd/test_tiles.py.
"""

# ruff: noqa: ARG001 - a compiled twin has the parameters of the function that it stands for
from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

LANES = 16  # rows of a panel
ROWS = 8  # of another panel, that a tile multiplies it with: their sums stay in registers
_INT16, _INT32 = ir.IntType(16), ir.IntType(32)
_SUMS, _WIDE = ir.VectorType(_INT32, LANES), ir.VectorType(_INT32, 2 * LANES)
_PAIRS = ir.VectorType(_INT16, 2 * LANES)


def mark_near(panels, a, b, n_pairs, halves, limits, at_a, at_b, words):
    """Write which products of `ROWS` rows with a panel, plus what `halves` has of both, exceed a limit of either.

    Parameters
    ----------
    panels : ndarray of int16
        All panels, one after another.
    a, b : int
        Where in it the first of the rows, and the panel, begin.
    n_pairs : int
        Pairs of columns.
    halves : ndarray of int32
        What is added, a row.
    limits : ndarray of int32
        What must be exceeded, a row: the lower of both.
    at_a, at_b : int
        Where in these the rows, and the panel's, begin.
    words : ndarray of shape (ROWS * LANES / 64,), uint64
        Overwritten: bit ``LANES * r + l`` is of row r and the panel's row l.

    Returns
    -------
    bool
        Whether there are some.
    """
    panels = panels.ravel()
    other = panels[b : b + n_pairs * 2 * LANES].astype(np.int64).reshape(n_pairs, LANES, 2)
    for r in range(ROWS):
        row = np.stack([panels[a + 2 * r + j :: 2 * LANES][:n_pairs] for j in (0, 1)], axis=1).astype(np.int64)
        total = (other * row[:, None, :]).sum(axis=(0, 2)) + halves[at_b : at_b + LANES] + np.int64(halves[at_a + r])
        limit = np.minimum(limits[at_a + r], limits[at_b : at_b + LANES])
        words.view(np.uint16)[r] = np.uint16((1 << np.flatnonzero(total > limit)).sum())
    return bool(words.any())


def near_boxes(lows, highs, a, b, n_pairs, limits, at_a, at_b):
    """Say which of `LANES` boxes are near another one: as half their squared distance is below minus a limit of either.

    Parameters
    ----------
    lows, highs : ndarray of int16
        Bounds of boxes, which lie in panels as rows do.
    a, b : int
        Where in them one box, and a panel of boxes, begin.
    n_pairs : int
        Pairs of columns.
    limits : ndarray of int32
        Of the boxes: the lower of both counts.
    at_a, at_b : int
        Where in it that of the box, and those of the panel, begin.

    Returns
    -------
    int
        Bit l is of the panel's box l. Distances are too short rather than too long.
    """
    lows, highs = lows.ravel(), highs.ravel()
    low, high = (
        bound[b : b + n_pairs * 2 * LANES].astype(np.int64).reshape(n_pairs, LANES, 2) for bound in (lows, highs)
    )
    box_low, box_high = (
        np.stack([bound[a + j :: 2 * LANES][:n_pairs] for j in (0, 1)], axis=1).astype(np.int64)[:, None, :]
        for bound in (lows, highs)
    )
    gaps = np.minimum(np.maximum(np.maximum(box_low - high, low - box_high), 0), 2**15 - 1)
    half = (gaps**2).sum(axis=(0, 2)) >> 1
    limit = np.minimum(limits[at_a], limits[at_b : at_b + LANES]).astype(np.int64)
    return int((1 << np.flatnonzero(half < -limit)).sum())


class _Emitter:
    """Loads and sums of vectors, on the arguments of an intrinsic; arrays are their first elements."""

    def __init__(self, context, builder, signature, arguments):
        self.builder = builder
        self.arguments = [
            context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value
            for kind, value in zip(signature.args, arguments, strict=True)
        ]

    def address(self, data, index, kind):
        return self.builder.bitcast(self.builder.gep(data, [index]), kind.as_pointer())

    def load(self, data, index, kind=_INT32, ahead=0):
        index = self.builder.add(index, ir.Constant(index.type, ahead))
        return self.builder.load(self.address(data, index, kind), align=2)

    def everywhere(self, scalar):
        one = self.builder.insert_element(ir.Constant(_SUMS, ir.Undefined), scalar, ir.Constant(_INT32, 0))
        return self.builder.shuffle_vector(one, one, ir.Constant(_SUMS, [0] * LANES))

    def pair_everywhere(self, data, index, ahead=0):
        """Two columns of one row, in every lane."""
        return self.builder.bitcast(self.everywhere(self.load(data, index, _INT32, ahead)), _PAIRS)

    def add_products(self, total, x, y):
        products = self.builder.mul(self.builder.sext(x, _WIDE), self.builder.sext(y, _WIDE))
        even, odd = (
            self.builder.shuffle_vector(
                products, products, ir.Constant(_SUMS, [2 * lane + column for lane in range(LANES)])
            )
            for column in (0, 1)
        )
        self.builder.store(self.builder.add(self.builder.load(total), self.builder.add(even, odd)), total)

    def store_bits(self, bits, words, place):
        """Store a truth a lane, as the 16 bits at some place of words."""
        first = self.builder.bitcast(words, _INT16.as_pointer())
        word = self.builder.gep(first, [ir.Constant(ir.IntType(64), place)])
        self.builder.store(self.builder.bitcast(bits, _INT16), word)

    def chosen(self, operator, x, y):
        return self.builder.select(self.builder.icmp_signed(operator, x, y), x, y)


@intrinsic
def _mark_near(_, panels, a, b, n_pairs, halves, limits, at_a, at_b, words):
    def _generate(context, builder, signature, arguments):
        emit = _Emitter(context, builder, signature, arguments)
        panels, a, b, n_pairs, halves, limits, at_a, at_b, words = emit.arguments
        half = emit.load(halves, at_b, _SUMS)
        totals = [
            cgutils.alloca_once_value(builder, builder.add(half, emit.everywhere(emit.load(halves, at_a, ahead=r))))
            for r in range(ROWS)
        ]
        with cgutils.for_range(builder, n_pairs) as loop:
            step = builder.mul(loop.index, ir.Constant(loop.index.type, 2 * LANES))
            other = emit.load(panels, builder.add(b, step), _PAIRS)
            for r, total in enumerate(totals):
                emit.add_products(total, other, emit.pair_everywhere(panels, builder.add(a, step), 2 * r))
        others = emit.load(limits, at_b, _SUMS)
        some = ir.Constant(ir.VectorType(ir.IntType(1), LANES), [0] * LANES)
        for r, total in enumerate(totals):
            limit = emit.chosen("<", emit.everywhere(emit.load(limits, at_a, ahead=r)), others)
            bits = builder.icmp_signed(">", builder.load(total), limit)
            emit.store_bits(bits, words, r)
            some = builder.or_(some, bits)
        return builder.icmp_unsigned("!=", builder.bitcast(some, _INT16), ir.Constant(_INT16, 0))

    n = types.int64
    return types.boolean(panels, n, n, n, halves, limits, n, n, words), _generate


@intrinsic
def _near_boxes(_, lows, highs, a, b, n_pairs, limits, at_a, at_b):
    def _generate(context, builder, signature, arguments):
        emit = _Emitter(context, builder, signature, arguments)
        lows, highs, a, b, n_pairs, limits, at_a, at_b = emit.arguments
        minus = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_PAIRS, [_PAIRS, _PAIRS]), f"llvm.ssub.sat.v{2 * LANES}i16"
        )
        total = cgutils.alloca_once_value(builder, ir.Constant(_SUMS, [0] * LANES))
        with cgutils.for_range(builder, n_pairs) as loop:
            step = builder.mul(loop.index, ir.Constant(loop.index.type, 2 * LANES))
            one, others = builder.add(a, step), builder.add(b, step)
            gap = builder.call(minus, [emit.pair_everywhere(lows, one), emit.load(highs, others, _PAIRS)])
            gap = emit.chosen(">", gap, ir.Constant(_PAIRS, [0] * 2 * LANES))
            further = builder.call(minus, [emit.load(lows, others, _PAIRS), emit.pair_everywhere(highs, one)])
            gap = emit.chosen(">", further, gap)
            emit.add_products(total, gap, gap)
        half = builder.lshr(builder.load(total), ir.Constant(_SUMS, [1] * LANES))
        limit = emit.chosen("<", emit.everywhere(emit.load(limits, at_a)), emit.load(limits, at_b, _SUMS))
        near = builder.icmp_signed("<", half, builder.neg(limit))
        return builder.zext(builder.bitcast(near, ir.IntType(LANES)), ir.IntType(64))

    n = types.int64
    return n(lows, highs, n, n, n, limits, n, n), _generate


@overload(mark_near, inline="always")
def _compile_mark_near(panels, a, b, n_pairs, halves, limits, at_a, at_b, words):
    return lambda panels, a, b, n_pairs, halves, limits, at_a, at_b, words: _mark_near(
        panels, a, b, n_pairs, halves, limits, at_a, at_b, words
    )


@overload(near_boxes, inline="always")
def _compile_near_boxes(lows, highs, a, b, n_pairs, limits, at_a, at_b):
    return lambda lows, highs, a, b, n_pairs, limits, at_a, at_b: _near_boxes(
        lows, highs, a, b, n_pairs, limits, at_a, at_b
    )
