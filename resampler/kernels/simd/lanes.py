"""The `LANES` rows of a block at once: their distances, and which of them concern a query.

The compiler's own vectorisation of these loops is several times slower than the machine: it does not keep the sums in
registers, and does not vectorise a loop with a branch in it. So a few instructions of LLVM are called by name, on
vectors as wide as a block; LLVM cuts them to what the processor has. Each lane's sum runs in column order with one
rounding an operation, whatever that is. Without the compiler the Python functions of the same names run.
"""

# ruff: noqa: ARG001 - a compiled twin has the parameters of the function that it stands for
from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from resampler.kernels.twin import twin_of

LANES = 64
LINE = 16  # float32 values that memory delivers at a time
_FLOATS = ir.VectorType(ir.FloatType(), LANES)
_INT32 = ir.IntType(32)
_NUMBERS = ir.VectorType(ir.IntType(64), LANES)


def add_numeric(block, query, first, last, out):
    """Add to `out` the squared differences of columns first .. last - 1 of a block, of which there must be some."""
    for j in range(first, last):
        difference = block[j] - query[j]
        out += difference * difference


def add_category(block, query, j, penalty, out):
    """Add `penalty` to `out` where column j of a block differs from the query's."""
    out[block[j] != query[j]] += penalty


def add_common(block, query, first, last, common, out):
    """Do as `add_numeric` where both the block's and the query's value are no null, and count such columns."""
    for j in range(first, last):
        difference = block[j] - query[j]
        both = difference == difference
        out[both] += difference[both] * difference[both]
        common[both] += 1


def add_common_category(block, query, j, penalty, common, out):
    """Do as `add_category` where both the block's and the query's code are no null, and count such columns."""
    both = (block[j] == block[j]) & (query[j] == query[j])
    out[both & (block[j] != query[j])] += penalty
    common[both] += 1


def scale_up(common, n_features, out):
    """Multiply `out` by n_features / common, rounded once; infinite where that is 0."""
    some = common > 0
    out[some] *= np.float32(n_features) / common[some]
    out[~some] = np.inf


def at_most(values, limits):
    """Return the word whose bit i says whether ``values[i] <= limits[i]``; one limit stands for all lanes."""
    hits = np.flatnonzero(values <= limits).astype(np.uint64)
    return np.bitwise_or.reduce(np.uint64(1) << hits, initial=np.uint64(0))


def near(values, limits, factor, offset):
    """Return the word whose bit i says whether ``values[i] <= limits[i] * factor + offset``."""
    return at_most(values, limits * factor + offset)


def lowest(values):
    """Return the lowest value of `LANES`; none is NaN."""
    return values.min()


def greatest(values):
    """Return the greatest value of `LANES`; none is NaN."""
    return values.max()


def keep_lower(values, out):
    """Lower ``out[i]`` to ``values[i]`` where that is lower; none is NaN."""
    np.minimum(values, out, out=out)


def count_lanes(word):
    """Return how many bits are set."""
    return int(word).bit_count()


def sum_within(values, numbers, rows, n, limit):
    """Return the sum of the numbers, int64, of the values of the first `n` rows that are at most `limit`.

    Those of row i are the `LANES` from ``rows[i] * LANES`` on.
    """
    return int(numbers.reshape(-1, LANES)[rows[:n]][values[:n] <= limit].sum())


def keep_lanes(values, word):
    """Set the values to infinity whose bit of a word is not set."""
    values[(np.uint64(word) >> np.arange(LANES, dtype=np.uint64)) & np.uint64(1) == 0] = np.inf


def first_lane(word):
    """Return the number of the lowest bit that is set; there must be one."""
    return (int(word) & -int(word)).bit_length() - 1


def square_differences(rows, row, scale, norm, query, terms, at):
    """Write ``(rows[row] * scale * norm - query)**2`` into row `at` of terms, with a rounding an operation."""
    difference = rows[row] * scale * norm - query
    terms[at] = difference * difference


def prefetch(array, index):
    """Ask for element `index` of an array, counted in memory, to be brought near; nothing waits for it."""


def _pointer(context, builder, kind, value, index=None):
    """Return the address of an array's data, or of its element `index`."""
    data = context.make_array(kind)(context, builder, value).data
    return data if index is None else builder.gep(data, [index])


def _load(builder, pointer):
    return builder.load(builder.bitcast(pointer, _FLOATS.as_pointer()), align=4)


def _store(builder, value, pointer):
    builder.store(value, builder.bitcast(pointer, _FLOATS.as_pointer()), align=4)


def _everywhere(builder, scalar, kind=_FLOATS):
    """Return the vector that has a scalar in every lane."""
    nothing = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(nothing, scalar, ir.Constant(_INT32, 0))
    return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(_INT32, kind.count), [0] * kind.count))


def _column(context, builder, signature, arguments, j):
    """Load column j of a block, the first argument, and the query's value of it, the second, in every lane."""
    place = builder.mul(j, ir.Constant(j.type, LANES))
    pointer = _pointer(context, builder, signature.args[0], arguments[0], place)
    row = _load(builder, pointer)
    value = builder.load(_pointer(context, builder, signature.args[1], arguments[1], j))
    return row, _everywhere(builder, value)


def _halve(builder, values, join):
    """Join the halves of a vector, and theirs, until one value is left; return it."""
    width = LANES
    while width > 1:
        width //= 2
        low, high = (
            builder.shuffle_vector(
                values, values, ir.Constant(ir.VectorType(_INT32, width), list(range(first, first + width)))
            )
            for first in (0, width)
        )
        values = join(low, high)
    return builder.extract_element(values, ir.Constant(_INT32, 0))


@twin_of(add_numeric)
def _add_numeric(_, block, query, first, last, out):
    def _generate(context, builder, signature, arguments):
        _, _, start, stop, _ = arguments
        target = _pointer(context, builder, signature.args[4], arguments[4])
        total = cgutils.alloca_once_value(builder, _load(builder, target))
        with cgutils.for_range_slice(builder, start, stop, ir.Constant(start.type, 1), start.type) as (j, _):
            row, value = _column(context, builder, signature, arguments, j)
            difference = builder.fsub(row, value)
            builder.store(builder.fadd(builder.load(total), builder.fmul(difference, difference)), total)
        _store(builder, builder.load(total), target)
        return context.get_dummy_value()

    return types.void(block, query, types.int64, types.int64, out), _generate


@twin_of(add_category)
def _add_category(_, block, query, j, penalty, out):
    def _generate(context, builder, signature, arguments):
        target = _pointer(context, builder, signature.args[4], arguments[4])
        row, value = _column(context, builder, signature, arguments, arguments[2])
        before = _load(builder, target)
        after = builder.fadd(before, _everywhere(builder, arguments[3]))
        _store(builder, builder.select(builder.fcmp_unordered("!=", row, value), after, before), target)
        return context.get_dummy_value()

    return types.void(block, query, types.int64, types.float32, out), _generate


@twin_of(add_common)
def _add_common(_, block, query, first, last, common, out):
    def _generate(context, builder, signature, arguments):
        _, _, start, stop, _, _ = arguments
        targets = [_pointer(context, builder, signature.args[i], arguments[i]) for i in (4, 5)]
        count, total = (cgutils.alloca_once_value(builder, _load(builder, target)) for target in targets)
        one = _everywhere(builder, ir.Constant(ir.FloatType(), 1))
        with cgutils.for_range_slice(builder, start, stop, ir.Constant(start.type, 1), start.type) as (j, _):
            row, value = _column(context, builder, signature, arguments, j)
            difference = builder.fsub(row, value)
            both = builder.fcmp_ordered("ord", difference, difference)
            for sum_, addend in ((count, one), (total, builder.fmul(difference, difference))):
                before = builder.load(sum_)
                builder.store(builder.select(both, builder.fadd(before, addend), before), sum_)
        for target, sum_ in zip(targets, (count, total), strict=True):
            _store(builder, builder.load(sum_), target)
        return context.get_dummy_value()

    return types.void(block, query, types.int64, types.int64, common, out), _generate


@twin_of(add_common_category)
def _add_common_category(_, block, query, j, penalty, common, out):
    def _generate(context, builder, signature, arguments):
        row, value = _column(context, builder, signature, arguments, arguments[2])
        one = _everywhere(builder, ir.Constant(ir.FloatType(), 1))
        both = builder.fcmp_ordered("ord", row, value)
        differ = builder.fcmp_ordered("one", row, value)
        for i, where, addend in ((4, both, one), (5, differ, _everywhere(builder, arguments[3]))):
            target = _pointer(context, builder, signature.args[i], arguments[i])
            before = _load(builder, target)
            _store(builder, builder.select(where, builder.fadd(before, addend), before), target)
        return context.get_dummy_value()

    return types.void(block, query, types.int64, types.float32, common, out), _generate


@twin_of(scale_up)
def _scale_up(_, common, n_features, out):
    def _generate(context, builder, signature, arguments):
        count = _load(builder, _pointer(context, builder, signature.args[0], arguments[0]))
        target = _pointer(context, builder, signature.args[2], arguments[2])
        width = _everywhere(builder, builder.sitofp(arguments[1], ir.FloatType()))
        scaled = builder.fmul(_load(builder, target), builder.fdiv(width, count))
        some = builder.fcmp_ordered(">", count, ir.Constant(_FLOATS, [0.0] * LANES))
        infinite = ir.Constant(_FLOATS, [float("inf")] * LANES)
        _store(builder, builder.select(some, scaled, infinite), target)
        return context.get_dummy_value()

    return types.void(common, types.int64, out), _generate


@twin_of(at_most)
def _at_most(_, values, limits):
    def _generate(context, builder, signature, arguments):
        operands = [
            _load(builder, _pointer(context, builder, kind, value))
            if isinstance(kind, types.Array)
            else _everywhere(builder, value)
            for kind, value in zip(signature.args, arguments, strict=True)
        ]
        return builder.bitcast(builder.fcmp_ordered("<=", *operands), ir.IntType(LANES))

    return types.uint64(values, limits), _generate


@twin_of(near)
def _near(_, values, limits, factor, offset):
    def _generate(context, builder, signature, arguments):
        lanes, bounds = (
            _load(builder, _pointer(context, builder, kind, value))
            for kind, value in zip(signature.args[:2], arguments[:2], strict=True)
        )
        factors, offsets = (_everywhere(builder, value) for value in arguments[2:])
        hits = builder.fcmp_ordered("<=", lanes, builder.fadd(builder.fmul(bounds, factors), offsets))
        return builder.bitcast(hits, ir.IntType(LANES))

    return types.uint64(values, limits, types.float32, types.float32), _generate


def _fold(builder, values, operator):
    """Return the value of all lanes that is `operator` the others."""

    def join(low, high):
        return builder.select(builder.fcmp_ordered(operator, high, low), high, low)

    return _halve(builder, values, join)


@twin_of(lowest)
def _lowest(_, values):
    def _generate(context, builder, signature, arguments):
        return _fold(builder, _load(builder, _pointer(context, builder, signature.args[0], arguments[0])), "<")

    return types.float32(values), _generate


@twin_of(greatest)
def _greatest(_, values):
    def _generate(context, builder, signature, arguments):
        return _fold(builder, _load(builder, _pointer(context, builder, signature.args[0], arguments[0])), ">")

    return types.float32(values), _generate


@twin_of(keep_lower)
def _keep_lower(_, values, out):
    def _generate(context, builder, signature, arguments):
        source, target = (
            _pointer(context, builder, kind, value) for kind, value in zip(signature.args, arguments, strict=True)
        )
        values, before = _load(builder, source), _load(builder, target)
        _store(builder, builder.select(builder.fcmp_ordered("<", values, before), values, before), target)
        return context.get_dummy_value()

    return types.void(values, out), _generate


@twin_of(count_lanes)
def _count_lanes(_, word):
    def _generate(_, builder, __, arguments):
        return builder.ctpop(arguments[0])

    return types.int64(word), _generate


@twin_of(square_differences)
def _square_differences(_, rows, row, scale, norm, query, terms, at):
    def _generate(context, builder, signature, arguments):
        arrays = [context.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 2, 4, 5)]
        width = builder.extract_value(arrays[2].shape, 0)
        row, scale, query, terms = (array.data for array in arrays)
        row = builder.gep(row, [builder.mul(arguments[1], width)])
        terms = builder.gep(terms, [builder.mul(arguments[6], width)])

        def write(kind, j):
            x, factor, q = (
                builder.load(builder.bitcast(builder.gep(data, [j]), kind.as_pointer()), align=4)
                for data in (row, scale, query)
            )
            norm = arguments[3]
            if isinstance(kind, ir.VectorType):
                norm = _everywhere(builder, norm, kind)
            difference = builder.fsub(builder.fmul(builder.fmul(x, factor), norm), q)
            target = builder.bitcast(builder.gep(terms, [j]), kind.as_pointer())
            builder.store(builder.fmul(difference, difference), target, align=4)

        line = ir.Constant(width.type, LINE)
        whole = builder.mul(builder.udiv(width, line), line)
        with cgutils.for_range_slice(builder, ir.Constant(width.type, 0), whole, line, width.type) as (j, _):
            write(ir.VectorType(ir.FloatType(), LINE), j)
        with cgutils.for_range_slice(builder, whole, width, ir.Constant(width.type, 1), width.type) as (j, _):
            write(ir.FloatType(), j)
        return context.get_dummy_value()

    return types.void(rows, types.int64, scale, types.float32, query, terms, types.int64), _generate


@twin_of(sum_within)
def _sum_within(_, values, numbers, rows, n, limit):
    def _generate(context, builder, signature, arguments):
        values, numbers, rows = (
            _pointer(context, builder, kind, value)
            for kind, value in zip(signature.args[:3], arguments[:3], strict=True)
        )
        n, limit = arguments[3], _everywhere(builder, arguments[4])
        width, zero = ir.Constant(n.type, LANES), ir.Constant(_NUMBERS, [0] * LANES)
        total = cgutils.alloca_once_value(builder, zero)
        with cgutils.for_range(builder, n) as loop:
            row = builder.gep(values, [builder.mul(loop.index, width)])
            within = builder.fcmp_ordered("<=", _load(builder, row), limit)
            first = builder.mul(builder.load(builder.gep(rows, [loop.index])), width)
            theirs = builder.load(builder.bitcast(builder.gep(numbers, [first]), _NUMBERS.as_pointer()), align=8)
            builder.store(builder.add(builder.load(total), builder.select(within, theirs, zero)), total)
        return _halve(builder, builder.load(total), builder.add)

    return types.int64(values, numbers, rows, types.int64, types.float32), _generate


@twin_of(keep_lanes)
def _keep_lanes(_, values, word):
    def _generate(context, builder, signature, arguments):
        pointer = _pointer(context, builder, signature.args[0], arguments[0])
        kept = builder.bitcast(arguments[1], ir.VectorType(ir.IntType(1), LANES))
        infinite = ir.Constant(_FLOATS, [float("inf")] * LANES)
        _store(builder, builder.select(kept, _load(builder, pointer), infinite), pointer)
        return context.get_dummy_value()

    return types.void(values, types.uint64), _generate


@twin_of(first_lane)
def _first_lane(_, word):
    def _generate(_, builder, __, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(word), _generate


@twin_of(prefetch)
def _prefetch(_, array, index):
    def _generate(context, builder, signature, arguments):
        place = _pointer(context, builder, signature.args[0], arguments[0], arguments[1])
        place = builder.bitcast(place, ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [place.type, _INT32, _INT32, _INT32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [place, *(ir.Constant(_INT32, value) for value in (0, 3, 1))])  # to read, keep, data
        return context.get_dummy_value()

    return types.void(array, types.int64), _generate
