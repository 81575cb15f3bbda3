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


def mark_near(panels, a, b, n_pairs, halves, at_a, at_b, limits_a, from_a, limits_b, from_b, words, at, stride):
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
    at_a, at_b : int
        Where in it the rows, and the panel's, begin.
    limits_a, limits_b : ndarray of int32
        What must be exceeded, the lower of both.
    from_a, from_b : int
        Where in them the rows, and the panel's, begin.
    words : ndarray of uint16
        Word ``at + stride * row`` is written: bit l is of the panel's row l.
    at, stride : int
        See there.
    """
    other = panels[b : b + n_pairs * 2 * LANES].astype(np.int64).reshape(n_pairs, LANES, 2)
    for r in range(ROWS):
        row = np.stack([panels[a + 2 * r + j :: 2 * LANES][:n_pairs] for j in (0, 1)], axis=1).astype(np.int64)
        total = (other * row[:, None, :]).sum(axis=(0, 2)) + halves[at_b : at_b + LANES] + np.int64(halves[at_a + r])
        limit = np.minimum(limits_a[from_a + r], limits_b[from_b : from_b + LANES])
        words[at + stride * r] = np.uint16((1 << np.flatnonzero(total > limit)).sum())


def half_gaps(panels, b, n_pairs, lows, highs, box, out, at):
    """Write half the squared distances of a panel's rows to a box, rounded down; of far ones too little.

    Parameters
    ----------
    panels : ndarray of int16
        All panels.
    b : int
        Where the panel begins.
    n_pairs : int
        Pairs of columns.
    lows, highs : ndarray of int16
        Bounds of all boxes.
    box : int
        Where in them the box begins.
    out : ndarray of int32
        Filled from `at` on.
    at : int
        See there.
    """
    rows = panels[b : b + n_pairs * 2 * LANES].astype(np.int64).reshape(n_pairs, LANES, 2)
    low, high = (bound[box : box + 2 * n_pairs].astype(np.int64).reshape(n_pairs, 1, 2) for bound in (lows, highs))
    gaps = np.minimum(np.maximum(np.maximum(low - rows, rows - high), 0), 2**15 - 1)
    out[at : at + LANES] = (gaps**2).sum(axis=(0, 2)) >> 1


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

    def chosen(self, operator, x, y):
        return self.builder.select(self.builder.icmp_signed(operator, x, y), x, y)


@intrinsic
def _mark_near(_, panels, a, b, n_pairs, halves, at_a, at_b, limits_a, from_a, limits_b, from_b, words, at, stride):
    def _generate(context, builder, signature, arguments):
        emit = _Emitter(context, builder, signature, arguments)
        panels, a, b, n_pairs, halves, at_a, at_b, limits_a, from_a, limits_b, from_b, words, at, stride = (
            emit.arguments
        )
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
        for r, total in enumerate(totals):
            limit = emit.chosen(
                "<", emit.everywhere(emit.load(limits_a, from_a, ahead=r)), emit.load(limits_b, from_b, _SUMS)
            )
            word = builder.bitcast(builder.icmp_signed(">", builder.load(total), limit), ir.IntType(LANES))
            place = builder.add(at, builder.mul(stride, ir.Constant(stride.type, r)))
            builder.store(word, emit.address(words, place, _INT16))
        return context.get_dummy_value()

    n = types.int64
    return types.void(panels, n, n, n, halves, n, n, limits_a, n, limits_b, n, words, n, n), _generate


@intrinsic
def _half_gaps(_, panels, b, n_pairs, lows, highs, box, out, at):
    def _generate(context, builder, signature, arguments):
        emit = _Emitter(context, builder, signature, arguments)
        panels, b, n_pairs, lows, highs, box, out, at = emit.arguments
        minus = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_PAIRS, [_PAIRS, _PAIRS]), f"llvm.ssub.sat.v{2 * LANES}i16"
        )
        total = cgutils.alloca_once_value(builder, ir.Constant(_SUMS, [0] * LANES))
        with cgutils.for_range(builder, n_pairs) as loop:
            step = builder.mul(loop.index, ir.Constant(loop.index.type, 2 * LANES))
            rows = emit.load(panels, builder.add(b, step), _PAIRS)
            bound = builder.add(box, builder.mul(loop.index, ir.Constant(loop.index.type, 2)))
            gap = builder.call(minus, [emit.pair_everywhere(lows, bound), rows])
            gap = emit.chosen(">", gap, ir.Constant(_PAIRS, [0] * 2 * LANES))
            gap = emit.chosen(">", builder.call(minus, [rows, emit.pair_everywhere(highs, bound)]), gap)
            emit.add_products(total, gap, gap)
        half = builder.lshr(builder.load(total), ir.Constant(_SUMS, [1] * LANES))
        builder.store(half, emit.address(out, at, _SUMS), align=4)
        return context.get_dummy_value()

    n = types.int64
    return types.void(panels, n, n, lows, highs, n, out, n), _generate


@overload(mark_near, inline="always")
def _compile_mark_near(
    panels, a, b, n_pairs, halves, at_a, at_b, limits_a, from_a, limits_b, from_b, words, at, stride
):
    return lambda panels, a, b, n_pairs, halves, at_a, at_b, limits_a, from_a, limits_b, from_b, words, at, stride: (
        _mark_near(panels, a, b, n_pairs, halves, at_a, at_b, limits_a, from_a, limits_b, from_b, words, at, stride)
    )


@overload(half_gaps, inline="always")
def _compile_half_gaps(panels, b, n_pairs, lows, highs, box, out, at):
    return lambda panels, b, n_pairs, lows, highs, box, out, at: _half_gaps(
        panels, b, n_pairs, lows, highs, box, out, at
    )
