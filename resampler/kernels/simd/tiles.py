"""Products of many rows with many at once, in whole numbers of 16 bits: a register tile of `ROWS` x `LANES` pairs.

Nothing is rounded, so the order of sums does not matter (`resampler.kernels.simd.emitter` has panels and
instructions). Without the compiler the Python functions of the same names run.

Naive: these, in tests/resampler/kernels/simd/test_tiles.py.
"""

# ruff: noqa: ARG001 - a compiled twin has the parameters of the function that it stands for
from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from resampler.kernels.simd.emitter import COLUMNS, INT32, LANES, PAIRS, ROWS, SIDE, SUMS, Emitter
from resampler.kernels.twin import twin_of


def mark_near(panels, a, b, n_pairs, halves, limits, at_a, at_b, words, others, totals):
    """Write which products of `ROWS` rows with a panel, plus what `halves` has of both, exceed the limits of either.

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
        What must be exceeded, a row.
    at_a, at_b : int
        Where in these the rows, and the panel's, begin.
    words, others : ndarray of shape (ROWS * LANES / 64,), uint64
        Overwritten where there are some: bit ``LANES * r + l`` is of row r and the panel's row l; of products that
        exceed the limit of the one, and of the other.
    totals : ndarray of shape (ROWS * LANES,), int32
        Overwritten where there are some: what was compared.

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
        totals[LANES * r : LANES * (r + 1)] = total
        for bits, limit in ((words, limits[at_a + r]), (others, limits[at_b : at_b + LANES])):
            bits.view(np.uint16)[r] = np.uint16((1 << np.flatnonzero(total > limit)).sum())
    return bool(words.any() or others.any())


def keep_best(panels, a, b, n_pairs, halves, at_a, at_b, best, at_best):
    """Raise the best products, lane by lane, of `ROWS` rows to those with a panel, plus what `halves` has of both.

    Parameters
    ----------
    panels, a, b, n_pairs, halves, at_a, at_b
        As of `mark_near`. A row is left out of its own panel.
    best : ndarray of int32
        Row r's begin at ``at_best + LANES * r``.
    at_best : int
        Where in it those of the rows begin.
    """
    panels = panels.ravel()
    other = panels[b : b + n_pairs * 2 * LANES].astype(np.int64).reshape(n_pairs, LANES, 2)
    for r in range(ROWS):
        row = np.stack([panels[a + 2 * r + j :: 2 * LANES][:n_pairs] for j in (0, 1)], axis=1).astype(np.int64)
        total = (other * row[:, None, :]).sum(axis=(0, 2)) + halves[at_b : at_b + LANES] + np.int64(halves[at_a + r])
        total[np.arange(at_b, at_b + LANES) == at_a + r] = -(2**31)
        kept = best[at_best + LANES * r : at_best + LANES * (r + 1)]
        np.maximum(kept, total, out=kept, casting="unsafe")


def kth_best(best, at, step, n_turns, k):
    """Return the highest number that `k` of some are not below; -2**31 where they are fewer.

    Parameters
    ----------
    best : ndarray of int32
        Those numbers are `LANES` from ``at + step * turn`` on, a turn.
    at, step : int
        Where in it they begin, and how far the next are.
    n_turns : int
        How often there are as many.
    k : int
        Which is sought.

    Returns
    -------
    int32
        One of them.
    """
    best = best.ravel()
    numbers = np.concatenate([best[at + step * turn : at + step * turn + LANES] for turn in range(n_turns)])
    return np.sort(numbers)[-k] if k <= len(numbers) else np.int32(-(2**31))


def write_bounds(sketches, order, first, count, column, low, high):
    """Write the lowest and the highest of `SIDE` columns of some rows.

    Parameters
    ----------
    sketches : ndarray of shape (n, width), int16
        Rows.
    order : ndarray of int32
        Which of them, from `first` on.
    first, count : int
        Where the rows begin, and how many there are.
    column : int
        The first of the columns.
    low, high : ndarray of shape (SIDE,), int16
        Overwritten.
    """
    rows = sketches[order[first : first + count], column : column + SIDE]
    low[:], high[:] = rows.min(axis=0), rows.max(axis=0)


def near_boxes(lows, highs, a, other_lows, other_highs, b, n_pairs, limits, at_a, other_limits, at_b):
    """Say which of `LANES` boxes are near another one: as half their squared distance is below minus a limit of either.

    Parameters
    ----------
    lows, highs, other_lows, other_highs : ndarray of int16
        Bounds of boxes, which lie in panels as rows do.
    a, b : int
        Where in them one box, and a panel of boxes, begin.
    n_pairs : int
        Pairs of columns.
    limits, other_limits : ndarray of int32
        Of the boxes: the lower of both counts.
    at_a, at_b : int
        Where in them that of the box, and those of the panel, begin.

    Returns
    -------
    int
        Bit l is of the panel's box l. Distances are too short rather than too long.
    """
    low, high = (
        bound.ravel()[b : b + n_pairs * 2 * LANES].astype(np.int64).reshape(n_pairs, LANES, 2)
        for bound in (other_lows, other_highs)
    )
    box_low, box_high = (
        np.stack([bound.ravel()[a + j :: 2 * LANES][:n_pairs] for j in (0, 1)], axis=1).astype(np.int64)[:, None, :]
        for bound in (lows, highs)
    )
    gaps = np.minimum(np.maximum(np.maximum(box_low - high, low - box_high), 0), 2**15 - 1)
    half = (gaps**2).sum(axis=(0, 2)) >> 1
    limit = np.minimum(limits[at_a], other_limits[at_b : at_b + LANES]).astype(np.int64)
    return int((1 << np.flatnonzero(half < -limit)).sum())


@twin_of(mark_near)
def _mark_near(_, panels, a, b, n_pairs, halves, limits, at_a, at_b, words, others, totals):
    def _generate(context, builder, signature, arguments):
        emit = Emitter(context, builder, signature, arguments)
        panels, a, b, n_pairs, halves, limits, at_a, at_b, words, others, totals = emit.arguments
        sums = [builder.load(total) for total in emit.products(panels, a, b, n_pairs, halves, at_a, at_b)]
        theirs = emit.load(limits, at_b, SUMS)
        near = []
        for r, total in enumerate(sums):
            own = emit.everywhere(emit.load(limits, at_a, ahead=r))
            near.append([builder.icmp_signed(">", total, limit) for limit in (own, theirs)])
        return emit.store_near(near, words, others, totals, lambda r: sums[r])

    n = types.int64
    return types.boolean(panels, n, n, n, halves, limits, n, n, words, others, totals), _generate


@twin_of(keep_best)
def _keep_best(_, panels, a, b, n_pairs, halves, at_a, at_b, best, at_best):
    def _generate(context, builder, signature, arguments):
        emit = Emitter(context, builder, signature, arguments)
        panels, a, b, n_pairs, halves, at_a, at_b, best, at_best = emit.arguments
        lanes, least = ir.Constant(SUMS, list(range(LANES))), ir.Constant(SUMS, [-(2**31)] * LANES)
        for r, total in enumerate(emit.products(panels, a, b, n_pairs, halves, at_a, at_b)):
            ahead = builder.trunc(builder.sub(builder.add(at_a, ir.Constant(at_a.type, r)), at_b), INT32)
            itself = builder.icmp_signed("==", emit.everywhere(ahead), lanes)
            other = builder.select(itself, least, builder.load(total))
            place = builder.add(at_best, ir.Constant(at_best.type, LANES * r))
            kept = emit.chosen(">", other, emit.load(best, place, SUMS))
            builder.store(kept, emit.address(best, place, SUMS), align=4)
        return context.get_dummy_value()

    n = types.int64
    return types.void(panels, n, n, n, halves, n, n, best, n), _generate


@twin_of(kth_best)
def _kth_best(_, best, at, step, n_turns, k):
    def _generate(context, builder, signature, arguments):
        emit = Emitter(context, builder, signature, arguments)
        best, at, step, n_turns, k = emit.arguments
        least = ir.Constant(SUMS, [-(2**31)] * LANES)
        enough, highest = emit.everywhere(builder.trunc(k, INT32)), cgutils.alloca_once_value(builder, least)

        def load(turn):
            return emit.load(best, builder.add(at, builder.mul(step, turn)), SUMS)

        with cgutils.for_range(builder, n_turns) as turn:
            numbers = load(turn.index)
            not_below = cgutils.alloca_once(builder, SUMS)
            builder.store(ir.Constant(SUMS, [0] * LANES), not_below)
            with cgutils.for_range(builder, n_turns) as other:
                others, count = load(other.index), builder.load(not_below)
                for lane in range(LANES):
                    one = emit.everywhere(builder.extract_element(others, ir.Constant(INT32, lane)))
                    count = builder.sub(count, builder.sext(builder.icmp_signed(">=", one, numbers), SUMS))
                builder.store(count, not_below)
            met = builder.icmp_signed(">=", builder.load(not_below), enough)
            builder.store(emit.chosen(">", builder.select(met, numbers, least), builder.load(highest)), highest)
        highest = builder.load(highest)
        lanes = LANES
        while lanes > 1:
            lanes //= 2
            order = ir.Constant(SUMS, [(lane + lanes) % LANES for lane in range(LANES)])
            highest = emit.chosen(">", highest, builder.shuffle_vector(highest, highest, order))
        return builder.extract_element(highest, ir.Constant(INT32, 0))

    n = types.int64
    return types.int32(best, n, n, n, n), _generate


@twin_of(write_bounds)
def _write_bounds(_, sketches, order, first, count, column, low, high):
    def _generate(context, builder, signature, arguments):
        emit = Emitter(context, builder, signature, arguments)
        width = context.make_array(signature.args[0])(context, builder, arguments[0]).shape
        width = builder.extract_value(width, 1)
        sketches, order, first, count, column, low, high = emit.arguments

        def load(at):
            row = builder.sext(builder.load(builder.gep(order, [at])), at.type)
            return emit.load(sketches, builder.add(builder.mul(row, width), column), COLUMNS)

        lowest, highest = (cgutils.alloca_once(builder, COLUMNS) for _ in range(2))
        for bound in (lowest, highest):
            builder.store(load(first), bound)
        with cgutils.for_range(builder, count) as loop:
            row = load(builder.add(first, loop.index))
            for bound, operator in ((lowest, "<"), (highest, ">")):
                builder.store(emit.chosen(operator, row, builder.load(bound)), bound)
        for bound, out in ((lowest, low), (highest, high)):
            builder.store(builder.load(bound), emit.address(out, ir.Constant(first.type, 0), COLUMNS), align=2)
        return context.get_dummy_value()

    n = types.int64
    return types.void(sketches, order, n, n, n, low, high), _generate


@twin_of(near_boxes)
def _near_boxes(_, lows, highs, a, other_lows, other_highs, b, n_pairs, limits, at_a, other_limits, at_b):
    def _generate(context, builder, signature, arguments):
        emit = Emitter(context, builder, signature, arguments)
        lows, highs, a, other_lows, other_highs, b, n_pairs, limits, at_a, other_limits, at_b = emit.arguments
        minus = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(PAIRS, [PAIRS, PAIRS]), f"llvm.ssub.sat.v{2 * LANES}i16"
        )
        total = cgutils.alloca_once_value(builder, ir.Constant(SUMS, [0] * LANES))
        with cgutils.for_range(builder, n_pairs) as loop:
            step = builder.mul(loop.index, ir.Constant(loop.index.type, 2 * LANES))
            one, others = builder.add(a, step), builder.add(b, step)
            gap = builder.call(minus, [emit.pair_everywhere(lows, one), emit.load(other_highs, others, PAIRS)])
            gap = emit.chosen(">", gap, ir.Constant(PAIRS, [0] * 2 * LANES))
            further = builder.call(minus, [emit.load(other_lows, others, PAIRS), emit.pair_everywhere(highs, one)])
            gap = emit.chosen(">", further, gap)
            emit.add_products(total, gap, gap)
        half = builder.lshr(builder.load(total), ir.Constant(SUMS, [1] * LANES))
        limit = emit.chosen("<", emit.everywhere(emit.load(limits, at_a)), emit.load(other_limits, at_b, SUMS))
        near = builder.icmp_signed("<", half, builder.neg(limit))
        return builder.zext(builder.bitcast(near, ir.IntType(LANES)), ir.IntType(64))

    n = types.int64
    return n(lows, highs, n, other_lows, other_highs, n, n, limits, n, other_limits, n), _generate
