"""Register tiles of rows with nulls: sums over the columns that both rows of a pair have, scaled up to all columns.

Where a row has a null, its sketch is 0 and its mask -1. With b columns that both have, and sums of whole numbers in 32
bits, none rounded,

    sum over these of (p - q)^2 = |p|^2 + |q|^2 - 2 p.q - sum of p^2 where q has a null - sum of q^2 where p has one,

of which the last two are products of a sketch with itself under the other's mask, b is the number of columns less the
nulls of both, plus the product of their masks. Only pairs of columns in which some row of the group, or of the panel,
has a null are gone through. Without the compiler the Python functions of the same names run.

Naive: these, in tests/resampler/kernels/simd/test_partial_tiles.py.
"""

# ruff: noqa: ARG001 - a compiled twin has the parameters of the function that it stands for
from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from resampler.kernels.simd.emitter import INT32, LANES, PAIRS, ROWS, SUMS, Emitter
from resampler.kernels.twin import twin_of

NOTHING = -(2**31) + 128  # the product of rows that have no column in common, and of those that are as far apart
SLACK = 2.0**-21  # more than four roundings in float32 come to
_ALL = -(2**31) + 127  # a limit that all products exceed
_FLOAT = ir.FloatType()
_FLOATS = ir.VectorType(_FLOAT, LANES)


def _sums(panels, masks, a, b, n_pairs, held, d, halves, at_a, at_b):
    """Return minus half the squared distances of `ROWS` rows to a panel, and the columns that both have."""

    def rows_of(of, at, n):
        return np.stack([of.ravel()[at + i :: 2 * LANES][:n_pairs] for i in range(2 * n)], axis=1).astype(np.int64)

    p, q = (rows_of(panels, at, n).reshape(n_pairs, n, 2) for at, n in ((a, ROWS), (b, LANES)))
    m, o = (rows_of(masks, at, n).reshape(n_pairs, n, 2) for at, n in ((a, ROWS), (b, LANES)))
    product = np.einsum("jrs,jls->rl", p, q) + halves[at_a : at_a + ROWS, None] + halves[at_b : at_b + LANES]
    left_out = np.einsum("jrs,jls->rl", -m, q * q) + np.einsum("jrs,jls->rl", p * p, -o)
    both = held[at_a : at_a + ROWS, None] + held[at_b : at_b + LANES] - d + np.einsum("jrs,jls->rl", m, o)
    total = product + ((left_out + 1) >> 1)
    return np.where(both == 0, NOTHING, total).astype(np.int32), np.maximum(both, 1).astype(np.float32)


def _scaled(totals, both, d):
    """Return what totals come to if all columns count, rather too high than too low."""
    scale = np.float32(d * (1 - SLACK)) / both
    return np.maximum(totals.astype(np.float32) * scale, np.float32(NOTHING)).astype(np.int32)


def mark_partial(
    panels, masks, a, b, n_pairs, of_groups, of_panels, held, d, halves, limits, at_a, at_b, words, others, totals
):
    """Write which pairs of `ROWS` rows and a panel may be as near as the limits of either say; some rows have nulls.

    Parameters
    ----------
    panels, a, b, n_pairs, halves, limits, at_a, at_b, words, others
        As of `resampler.kernels.simd.tiles.mark_near`; limits are of products scaled up to all columns.
    masks : ndarray of int16
        As panels: -1 for a null, whose sketch is 0, else 0.
    of_groups, of_panels : ndarray of int32
        Of each group of `ROWS` rows, and of each panel, ``1 + n_pairs`` numbers: how many pairs of columns have a
        null, and where these begin in a panel.
    held : ndarray of int32
        How many columns each row has.
    d : int
        How many there are.
    totals : ndarray of shape (ROWS * LANES,), int32
        Overwritten where there are some: products scaled up to all columns, rather too high; `NOTHING` where no column
        is in common.

    Returns
    -------
    bool
        Whether there are some: all that are so near, and few others.
    """
    sums, both = _sums(panels, masks, a, b, n_pairs, held, d, halves, at_a, at_b)
    scale = np.float32((1 + SLACK) / d)
    for bits, limit in ((words, limits[at_a : at_a + ROWS, None]), (others, limits[None, at_b : at_b + LANES])):
        most = np.where(limit <= _ALL, np.float32(-np.inf), limit.astype(np.float32) * scale) * both
        near = sums.astype(np.float32) > most
        bits.view(np.uint16)[:] = [np.uint16((1 << np.flatnonzero(one)).sum()) for one in near]
    totals[:] = _scaled(sums, both, d).ravel()
    return bool(words.any() or others.any())


def keep_best_partial(panels, masks, a, b, n_pairs, of_groups, of_panels, held, d, halves, at_a, at_b, best, at_best):
    """Raise the best products, lane by lane, of `ROWS` rows to those with a panel; some rows have nulls.

    Parameters
    ----------
    panels, masks, a, b, n_pairs, of_groups, of_panels, held, d, halves, at_a, at_b
        As of `mark_partial`.
    best, at_best
        As of `resampler.kernels.simd.tiles.keep_best`; products are those of `mark_partial`.
    """
    products = _scaled(*_sums(panels, masks, a, b, n_pairs, held, d, halves, at_a, at_b), d)
    for r in range(ROWS):
        products[r, np.arange(at_b, at_b + LANES) == at_a + r] = -(2**31)
        kept = best[at_best + LANES * r : at_best + LANES * (r + 1)]
        np.maximum(kept, products[r], out=kept)


class _PartialEmitter(Emitter):
    """Sums over the columns that both rows have."""

    def floats(self, number):
        one = self.builder.insert_element(ir.Constant(_FLOATS, ir.Undefined), number, ir.Constant(INT32, 0))
        return self.builder.shuffle_vector(one, one, ir.Constant(SUMS, [0] * LANES))

    def places(self, number):
        return [cgutils.alloca_once_value(self.builder, ir.Constant(SUMS, [number] * LANES)) for _ in range(ROWS)]

    def listed(self, lists, which, n_pairs):
        """Return how many pairs of columns a list has, and what gives them."""
        start = self.builder.mul(which, self.builder.add(n_pairs, ir.Constant(n_pairs.type, 1)))
        count = self.builder.sext(self.load(lists, start), n_pairs.type)
        return count, lambda turn: self.builder.sext(
            self.load(lists, self.builder.add(start, turn), ahead=1), turn.type
        )

    def partial_sums(self, panels, masks, a, b, n_pairs, of_groups, of_panels, held, d, halves, at_a, at_b):
        """Return vectors of minus half the squared distances, row by row, and of the columns that both have."""
        builder, shift = self.builder, ir.Constant(SUMS, [1] * LANES)
        totals = self.products(panels, a, b, n_pairs, halves, at_a, at_b)
        left_out, neither = self.places(1), self.places(0)
        group = builder.sdiv(at_a, ir.Constant(at_a.type, ROWS))
        panel = builder.sdiv(at_b, ir.Constant(at_b.type, LANES))
        n_group, of_group = self.listed(of_groups, group, n_pairs)
        n_panel, of_panel = self.listed(of_panels, panel, n_pairs)
        with cgutils.for_range(builder, n_group) as loop:
            step = of_group(loop.index)
            other = self.load(panels, builder.add(b, step), PAIRS)
            for r in range(ROWS):
                mask = self.pair_everywhere(masks, builder.add(a, step), 2 * r)
                self.add_products(left_out[r], other, builder.and_(other, mask))
        some = builder.icmp_signed(">", n_panel, ir.Constant(n_panel.type, 0))
        with cgutils.for_range(builder, builder.select(some, n_group, ir.Constant(n_group.type, 0))) as loop:
            step = of_group(loop.index)
            other = self.load(masks, builder.add(b, step), PAIRS)
            for r in range(ROWS):
                self.add_products(neither[r], other, self.pair_everywhere(masks, builder.add(a, step), 2 * r))
        with cgutils.for_range(builder, n_panel) as loop:
            step = of_panel(loop.index)
            mask = self.load(masks, builder.add(b, step), PAIRS)
            for r in range(ROWS):
                row = self.pair_everywhere(panels, builder.add(a, step), 2 * r)
                self.add_products(left_out[r], row, builder.and_(row, mask))
        columns = self.everywhere(builder.trunc(d, INT32))
        theirs = builder.sub(self.load(held, at_b, SUMS), columns)
        sums, both = [], []
        for r in range(ROWS):
            own = self.everywhere(self.load(held, at_a, ahead=r))
            n_both = builder.add(builder.add(own, theirs), builder.load(neither[r]))
            total = builder.add(builder.load(totals[r]), builder.lshr(builder.load(left_out[r]), shift))
            none = builder.icmp_signed("==", n_both, ir.Constant(SUMS, [0] * LANES))
            sums.append(builder.select(none, ir.Constant(SUMS, [NOTHING] * LANES), total))
            both.append(builder.sitofp(self.chosen(">", n_both, shift), _FLOATS))
        return sums, both

    def scaled(self, total, both, d):
        most = self.builder.fmul(self.builder.sitofp(d, ir.DoubleType()), ir.Constant(ir.DoubleType(), 1 - SLACK))
        scale = self.builder.fdiv(self.floats(self.builder.fptrunc(most, _FLOAT)), both)
        product = self.builder.fmul(self.builder.sitofp(total, _FLOATS), scale)
        least = ir.Constant(_FLOATS, [float(NOTHING)] * LANES)
        product = self.builder.select(self.builder.fcmp_ordered(">", product, least), product, least)
        return self.builder.fptosi(product, SUMS)

    def scaled_limits(self, limits, d):
        """Return limits a column that both have, as floats."""
        share = self.builder.fdiv(ir.Constant(ir.DoubleType(), 1 + SLACK), self.builder.sitofp(d, ir.DoubleType()))
        scaled = self.builder.fmul(
            self.builder.sitofp(limits, _FLOATS), self.floats(self.builder.fptrunc(share, _FLOAT))
        )
        unlimited = self.builder.icmp_signed("<=", limits, ir.Constant(SUMS, [_ALL] * LANES))
        return self.builder.select(unlimited, ir.Constant(_FLOATS, [float("-inf")] * LANES), scaled)


@twin_of(mark_partial)
def _mark_partial(
    _, panels, masks, a, b, n_pairs, of_groups, of_panels, held, d, halves, limits, at_a, at_b, words, others, totals
):
    def _generate(context, builder, signature, arguments):
        emit = _PartialEmitter(context, builder, signature, arguments)
        panels, masks, a, b, n_pairs, of_groups, of_panels, held, d, halves, limits, at_a, at_b = emit.arguments[:13]
        words, others, totals = emit.arguments[13:]
        sums, both = emit.partial_sums(panels, masks, a, b, n_pairs, of_groups, of_panels, held, d, halves, at_a, at_b)
        theirs = emit.scaled_limits(emit.load(limits, at_b, SUMS), d)
        near = []
        for r, total in enumerate(sums):
            own = emit.scaled_limits(emit.everywhere(emit.load(limits, at_a, ahead=r)), d)
            product = builder.sitofp(total, _FLOATS)
            near.append([builder.fcmp_ordered(">", product, builder.fmul(limit, both[r])) for limit in (own, theirs)])
        return emit.store_near(near, words, others, totals, lambda r: emit.scaled(sums[r], both[r], d))

    n = types.int64
    arguments = panels, masks, n, n, n, of_groups, of_panels, held, n, halves, limits, n, n, words, others, totals
    return types.boolean(*arguments), _generate


@twin_of(keep_best_partial)
def _keep_best_partial(
    _, panels, masks, a, b, n_pairs, of_groups, of_panels, held, d, halves, at_a, at_b, best, at_best
):
    def _generate(context, builder, signature, arguments):
        emit = _PartialEmitter(context, builder, signature, arguments)
        *of_tile, best, at_best = emit.arguments
        d, at_a, at_b = of_tile[8], of_tile[10], of_tile[11]
        lanes, least = ir.Constant(SUMS, list(range(LANES))), ir.Constant(SUMS, [-(2**31)] * LANES)
        for r, (total, both) in enumerate(zip(*emit.partial_sums(*of_tile), strict=True)):
            ahead = builder.trunc(builder.sub(builder.add(at_a, ir.Constant(at_a.type, r)), at_b), INT32)
            itself = builder.icmp_signed("==", emit.everywhere(ahead), lanes)
            other = builder.select(itself, least, emit.scaled(total, both, d))
            place = builder.add(at_best, ir.Constant(at_best.type, LANES * r))
            kept = emit.chosen(">", other, emit.load(best, place, SUMS))
            builder.store(kept, emit.address(best, place, SUMS), align=4)
        return context.get_dummy_value()

    n = types.int64
    return types.void(panels, masks, n, n, n, of_groups, of_panels, held, n, halves, n, n, best, n), _generate
