"""Products of one row with the `LANES` sketches of a block, in whole numbers.

A block holds four columns side by side, ``block[four columns, lane, column of the four]``, uint8, 128 above the sketch;
the row's numbers, of two bytes, come as their high and their low bytes, both signed. So the sum of four products of
bytes is one instruction of processors that have it (``vpdpbusd``). On others the columns are widened to two bytes, and
the sum of two products is one (``pmaddwd``), which LLVM finds in a multiplication of widened numbers whose even and odd
lanes are added. A product is not rounded, so the order of its sums does not matter, nor what is left out beyond 32 bits
on the way. Without the compiler the Python functions of the same names run.

Naive: these, in tests/resampler/kernels/simd/test_dots.py.
"""

# ruff: noqa: ARG001 - a compiled twin has the parameters of the function that it stands for
from __future__ import annotations

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from resampler.kernels.simd.lanes import LANES
from resampler.kernels.twin import twin_of

FOUR = 4  # columns that lie side by side
ABOVE = 128  # what a block's bytes are above the sketches
_PART = 16  # lanes whose sums are in one vector
_BYTES_AT_ONCE = "+avx512vnni"  # feature of processors that sum products of bytes
_INT8, _INT16, _INT32 = ir.IntType(8), ir.IntType(16), ir.IntType(32)
_SUMS = ir.VectorType(_INT32, _PART)
_HALVES, _WIDE = ir.VectorType(_INT16, 2 * _PART), ir.VectorType(_INT32, 2 * _PART)
_FLOATS = ir.VectorType(ir.FloatType(), _PART)

llvmlite.binding.initialize_native_asmparser()  # for an instruction that is written by name


def set_distances(block, row, above, lengths, length, unit, grain, out):
    """Set ``out[lane] = length + lengths[lane] - product * unit * grain``, in float32 with a rounding an operation.

    Parameters
    ----------
    block : ndarray of shape (n_fours, LANES, FOUR), uint8
        Sketches, `ABOVE` above what they are.
    row : ndarray of shape (2, n_fours * FOUR), int8
        High and low bytes of the numbers that they are multiplied with; no product is 2**31 or more.
    above : int32
        `ABOVE` times the sum of these numbers.
    lengths : ndarray of shape (LANES,), float32
        Squared lengths of the sketches.
    length, unit, grain : float32
        Squared length of the row; twice what the row counts by, and what sketches count by.
    out : ndarray of shape (LANES,), float32
        Overwritten.
    """
    numbers = row[0].astype(np.int32) * 256 + row[1]
    product = (block * numbers.reshape(-1, 1, FOUR)).sum(axis=(0, 2), dtype=np.int32) - np.int32(above)
    out[:] = (lengths + length) - product.astype(np.float32) * unit * grain


def add_code(block, j, code, penalty, out):
    """Add `penalty` to `out` where the sketch of column j is another than `code`, an int8."""
    out[block[j // FOUR, :, j % FOUR] != int(code) + ABOVE] += penalty


def _everywhere(builder, scalar, kind):
    nothing = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(nothing, scalar, ir.Constant(_INT32, 0))
    return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(_INT32, kind.count), [0] * kind.count))


def _load(builder, data, index, kind):
    return builder.load(builder.bitcast(builder.gep(data, [index]), kind.as_pointer()), align=1)


def _add_bytes(builder, block, high, low, totals):
    """Add the products of four columns as processors do that sum products of bytes: of high and low bytes apart."""
    kind = ir.FunctionType(_SUMS, [_SUMS, _SUMS, _SUMS])
    for part, (highs, lows) in enumerate(totals):
        sketches = _load(builder, block, ir.Constant(ir.IntType(64), part * _PART * FOUR), _SUMS)
        for value, total in ((high, highs), (low, lows)):
            both = builder.load(total), sketches, _everywhere(builder, value, _SUMS)
            builder.store(builder.asm(kind, "vpdpbusd $3, $2, $0", "=v,0,v,v", both, side_effect=False), total)


def _add_widened(builder, block, high, low, totals):
    """Add the products of four columns, widened to two bytes: of even and odd columns apart."""
    eight, byte = (ir.Constant(_HALVES, [value] * 2 * _PART) for value in (8, 255))
    high, low = (builder.bitcast(_everywhere(builder, value, _SUMS), _HALVES) for value in (high, low))
    even = builder.add(builder.shl(high, eight), builder.ashr(builder.shl(low, eight), eight))
    odd = builder.add(builder.shl(builder.lshr(high, eight), eight), builder.ashr(low, eight))
    for part, (evens, odds) in enumerate(totals):
        sketches = _load(builder, block, ir.Constant(ir.IntType(64), part * _PART * FOUR), _HALVES)
        for theirs, value, total in (
            (builder.and_(sketches, byte), even, evens),
            (builder.lshr(sketches, eight), odd, odds),
        ):
            both = builder.mul(builder.sext(theirs, _WIDE), builder.sext(value, _WIDE))
            left, right = (
                builder.shuffle_vector(both, both, ir.Constant(_SUMS, [2 * lane + at for lane in range(_PART)]))
                for at in (0, 1)
            )
            builder.store(builder.add(builder.load(total), builder.add(left, right)), total)


def _set_distances_by(by_bytes):
    """Return what writes that products of bytes are summed or not; None: as the processor compiled for has it."""

    def set_them(_, block, row, above, lengths, length, unit, grain, out):
        def _generate(context, builder, signature, arguments):
            arrays = [context.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 1, 3, 7)]
            block, row, lengths, out = (array.data for array in arrays)
            above = _everywhere(builder, arguments[2], _SUMS)
            n_fours = builder.extract_value(arrays[0].shape, 0)
            length, unit, grain = (_everywhere(builder, value, _FLOATS) for value in arguments[4:7])
            at_once = _BYTES_AT_ONCE in str(context.codegen().magic_tuple()) if by_bytes is None else by_bytes
            add = _add_bytes if at_once else _add_widened
            zero = ir.Constant(_SUMS, [0] * _PART)
            parts = range(0, LANES, _PART)
            totals = [[cgutils.alloca_once_value(builder, zero) for _ in range(2)] for _ in parts]

            def number(value):
                return ir.Constant(n_fours.type, value)

            width = builder.mul(n_fours, number(FOUR))
            with cgutils.for_range(builder, n_fours) as loop:
                first = builder.mul(loop.index, number(FOUR))
                high, low = (_load(builder, row, at, _INT32) for at in (first, builder.add(width, first)))
                start = builder.gep(block, [builder.mul(loop.index, number(FOUR * LANES))])
                add(builder, start, high, low, totals)
            for first, (one, other) in zip(parts, totals, strict=True):
                one, other = builder.load(one), builder.load(other)
                if at_once:
                    one = builder.mul(one, ir.Constant(_SUMS, [256] * _PART))
                product = builder.sub(builder.add(one, other), above)
                product = builder.fmul(builder.fmul(builder.sitofp(product, _FLOATS), unit), grain)
                both = builder.fadd(_load(builder, lengths, number(first), _FLOATS), length)
                address = builder.bitcast(builder.gep(out, [number(first)]), _FLOATS.as_pointer())
                builder.store(builder.fsub(both, product), address, align=4)
            return context.get_dummy_value()

        f = types.float32
        return types.void(block, row, types.int32, lengths, f, f, f, out), _generate

    return set_them


twin_of(set_distances)(_set_distances_by(None))


@twin_of(add_code)
def _add_code(_, block, j, code, penalty, out):
    def _generate(context, builder, signature, arguments):
        block, out = (context.make_array(signature.args[i])(context, builder, arguments[i]).data for i in (0, 4))
        _, j, code, penalty, _ = arguments
        start = builder.mul(builder.lshr(j, ir.Constant(j.type, 2)), ir.Constant(j.type, FOUR * LANES))
        shift = builder.mul(builder.trunc(builder.and_(j, ir.Constant(j.type, 3)), _INT32), ir.Constant(_INT32, 8))
        words = ir.VectorType(_INT32, LANES)
        fours = builder.lshr(_load(builder, block, start, words), _everywhere(builder, shift, words))
        codes = builder.trunc(fours, ir.VectorType(_INT8, LANES))
        wanted = builder.add(code, ir.Constant(_INT8, -ABOVE))
        differ = builder.icmp_signed("!=", codes, _everywhere(builder, wanted, codes.type))
        floats = ir.VectorType(ir.FloatType(), LANES)
        before = _load(builder, out, ir.Constant(j.type, 0), floats)
        after = builder.select(differ, builder.fadd(before, _everywhere(builder, penalty, floats)), before)
        builder.store(after, builder.bitcast(out, floats.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(block, types.int64, types.int8, types.float32, out), _generate
