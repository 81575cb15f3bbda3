"""Products of one row with the `LANES` sketches of a block, in whole numbers.

A block holds two columns side by side, ``block[pair of columns, lane, column of the pair]``, int8: the sum of two
products of neighbouring columns is one instruction of most processors (``pmaddwd``), which LLVM finds in a
multiplication of widened numbers whose even and odd lanes are added. A product is not rounded, so the order of its
sums does not matter. Without the compiler the Python functions of the same names run.

Naive: these, in tests/resampler/kernels/simd/test_dots.py.
"""

# ruff: noqa: ARG001 - a compiled twin has the parameters of the function that it stands for
from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from resampler.kernels.simd.lanes import LANES

_PART = 16  # lanes whose sums are in one vector
_INT8, _INT16, _INT32 = ir.IntType(8), ir.IntType(16), ir.IntType(32)
_BYTES, _SUMS = ir.VectorType(_INT8, 2 * _PART), ir.VectorType(_INT32, _PART)
_HALVES, _WIDE = ir.VectorType(_INT16, 2 * _PART), ir.VectorType(_INT32, 2 * _PART)
_FLOATS = ir.VectorType(ir.FloatType(), _PART)


def set_distances(block, row, lengths, length, unit, grain, out):
    """Set ``out[lane] = length + lengths[lane] - product * unit * grain``, in float32 with a rounding an operation.

    Parameters
    ----------
    block : ndarray of shape (n_pairs, LANES, 2), int8
        Sketches.
    row : ndarray of shape (2 * n_pairs,), int16
        What they are multiplied with; no product is 2**31 or more.
    lengths : ndarray of shape (LANES,), float32
        Squared lengths of the sketches.
    length, unit, grain : float32
        Squared length of the row; twice what the row counts by, and what sketches count by.
    out : ndarray of shape (LANES,), float32
        Overwritten.
    """
    product = (block.astype(np.int32) * row.astype(np.int32).reshape(-1, 1, 2)).sum(axis=(0, 2), dtype=np.int32)
    out[:] = (lengths + length) - product.astype(np.float32) * unit * grain


def add_code(block, j, code, penalty, out):
    """Add `penalty` to `out` where the sketch of column j is another than `code`, an int8."""
    out[block[j // 2, :, j % 2] != code] += penalty


def _everywhere(builder, scalar, kind):
    nothing = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(nothing, scalar, ir.Constant(_INT32, 0))
    return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(_INT32, kind.count), [0] * kind.count))


def _load(builder, data, index, kind):
    return builder.load(builder.bitcast(builder.gep(data, [index]), kind.as_pointer()), align=1)


@intrinsic
def _set_distances(_, block, row, lengths, length, unit, grain, out):
    def _generate(context, builder, signature, arguments):
        arrays = [context.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 1, 2, 6)]
        block, row, lengths, out = (array.data for array in arrays)
        n_pairs = builder.extract_value(arrays[0].shape, 0)
        length, unit, grain = (_everywhere(builder, value, _FLOATS) for value in arguments[3:6])
        parts = range(0, LANES, _PART)
        totals = [cgutils.alloca_once_value(builder, ir.Constant(_SUMS, [0] * _PART)) for _ in parts]

        def number(value):
            return ir.Constant(n_pairs.type, value)

        with cgutils.for_range(builder, n_pairs) as loop:
            pair = _load(builder, row, builder.mul(loop.index, number(2)), _INT32)
            values = builder.sext(builder.bitcast(_everywhere(builder, pair, _SUMS), _HALVES), _WIDE)
            start = builder.mul(loop.index, number(2 * LANES))
            for first, total in zip(parts, totals, strict=True):
                sketches = _load(builder, block, builder.add(start, number(2 * first)), _BYTES)
                both = builder.mul(builder.sext(sketches, _WIDE), values)
                even, odd = (
                    builder.shuffle_vector(both, both, ir.Constant(_SUMS, [2 * lane + at for lane in range(_PART)]))
                    for at in (0, 1)
                )
                builder.store(builder.add(builder.load(total), builder.add(even, odd)), total)
        for first, total in zip(parts, totals, strict=True):
            product = builder.fmul(builder.fmul(builder.sitofp(builder.load(total), _FLOATS), unit), grain)
            both = builder.fadd(_load(builder, lengths, number(first), _FLOATS), length)
            address = builder.bitcast(builder.gep(out, [number(first)]), _FLOATS.as_pointer())
            builder.store(builder.fsub(both, product), address, align=4)
        return context.get_dummy_value()

    f = types.float32
    return types.void(block, row, lengths, f, f, f, out), _generate


@intrinsic
def _add_code(_, block, j, code, penalty, out):
    def _generate(context, builder, signature, arguments):
        block, out = (context.make_array(signature.args[i])(context, builder, arguments[i]).data for i in (0, 4))
        _, j, code, penalty, _ = arguments
        start = builder.mul(builder.lshr(j, ir.Constant(j.type, 1)), ir.Constant(j.type, 2 * LANES))
        shift = builder.mul(builder.trunc(builder.and_(j, ir.Constant(j.type, 1)), _INT16), ir.Constant(_INT16, 8))
        halves = ir.VectorType(_INT16, LANES)
        pairs = builder.lshr(_load(builder, block, start, halves), _everywhere(builder, shift, halves))
        codes = builder.trunc(pairs, ir.VectorType(_INT8, LANES))
        differ = builder.icmp_signed("!=", codes, _everywhere(builder, code, codes.type))
        floats = ir.VectorType(ir.FloatType(), LANES)
        before = _load(builder, out, ir.Constant(j.type, 0), floats)
        after = builder.select(differ, builder.fadd(before, _everywhere(builder, penalty, floats)), before)
        builder.store(after, builder.bitcast(out, floats.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(block, types.int64, types.int8, types.float32, out), _generate


@overload(set_distances, inline="always")
def _compile_set_distances(block, row, lengths, length, unit, grain, out):
    return lambda block, row, lengths, length, unit, grain, out: _set_distances(
        block, row, lengths, length, unit, grain, out
    )


@overload(add_code, inline="always")
def _compile_add_code(block, j, code, penalty, out):
    return lambda block, j, code, penalty, out: _add_code(block, j, code, penalty, out)
