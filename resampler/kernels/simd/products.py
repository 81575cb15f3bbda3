"""Tiles: which of 64 rows may be near which of four queries, by sketches of 16 bits a column, in registers.

A sketch is a row about a cell's middle, in grains, rounded. The squared distance of two of them is
``|q|^2 + |x|^2 - 2 q.x``, so one product of integers, without rounding, says of a pair whether it is within a limit.
Two columns share a word, low half first: their products are added by one instruction where the processor has it.
Codes of categories are compared as they are. Without the compiler the Python function of the same name runs.

Naive: that function, in tests/resampler/kernels/batch/test_regions.py.

References
----------
Goto, van de Geijn: Anatomy of high-performance matrix multiplication. ACM TOMS 34 (2008), doi:10.1145/1356052.1356053:
tiles that stay in registers.
"""

# ruff: noqa: ARG001 - a compiled twin has the parameters of the function that it stands for
from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from resampler.kernels.twin import twin_of

TILE_QUERIES = 4
TILE_ROWS = 64
_WIDTH = 16  # words of a vector
_PANELS = TILE_ROWS // _WIDTH
_INT16, _INT32, _INT64 = ir.IntType(16), ir.IntType(32), ir.IntType(64)
_WORDS = ir.VectorType(_INT32, _WIDTH)
_HALVES = ir.VectorType(_INT16, 2 * _WIDTH)
_PRODUCTS = ir.VectorType(_INT32, 2 * _WIDTH)


def compare(rows, row_codes, start, queries, query_codes, weights, limits, group, lane, hits):
    """Set bit i of ``hits[query, lane / TILE_ROWS]`` where row ``lane + i`` is within a query's limit, of one tile.

    Parameters
    ----------
    rows, queries : ndarray of shape (n_words, n_rows), int32
        Sketches, two columns a word.
    row_codes, query_codes : ndarray of shape (n_categorical, n_rows), int32
        Of categories; another code adds its column's of `weights` to half the squared distance.
    start : ndarray of shape (n_rows,), int32
        Minus half the squared length of each row's sketch.
    limits : ndarray of shape (n_rows,), int32
        What product and start must come to at least.
    group, lane : int
        Of the tile's first query and row.
    hits : ndarray of shape (n_queries, n_rows / TILE_ROWS), uint64
        Those of the tile are overwritten.
    """
    low, high = (lambda words: (words << 16) >> 16), (lambda words: words >> 16)
    x, q = rows[:, lane : lane + TILE_ROWS], queries[:, group : group + TILE_QUERIES]
    total = low(q).T @ low(x) + high(q).T @ high(x) + start[lane : lane + TILE_ROWS]
    for j in range(len(weights)):
        differ = query_codes[j, group : group + TILE_QUERIES, None] != row_codes[j, lane : lane + TILE_ROWS]
        total = total - differ * weights[j]
    near = total >= limits[group : group + TILE_QUERIES, None]
    for r in range(TILE_QUERIES):
        bits = np.flatnonzero(near[r]).astype(np.uint64)
        hits[group + r, lane // TILE_ROWS] = np.bitwise_or.reduce(np.uint64(1) << bits, initial=np.uint64(0))


@twin_of(compare)
def _compare(_, rows, row_codes, start, queries, query_codes, weights, limits, group, lane, hits):
    def _generate(context, builder, signature, arguments):
        pointers = [
            context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value
            for kind, value in zip(signature.args, arguments, strict=True)
        ]
        rows, row_codes, start, queries, query_codes, weights, limits, group, lane, hits = pointers
        shapes = [
            context.make_array(kind)(context, builder, value).shape
            for kind, value in zip(signature.args[:2], arguments[:2], strict=True)
        ]
        n_words, n_codes = (builder.extract_value(shape, 0) for shape in shapes)
        n_rows = builder.extract_value(shapes[0], 1)

        def number(value):
            return ir.Constant(lane.type, value)

        def load(pointer, index):
            return builder.load(builder.bitcast(builder.gep(pointer, [index]), _WORDS.as_pointer()), align=4)

        def spread(pointer, index):
            nothing = ir.Constant(_WORDS, ir.Undefined)
            value = builder.load(builder.gep(pointer, [index]))
            one = builder.insert_element(nothing, value, ir.Constant(_INT32, 0))
            return builder.shuffle_vector(one, nothing, ir.Constant(_WORDS, [0] * _WIDTH))

        def wide(words):
            return builder.sext(builder.bitcast(words, _HALVES), _PRODUCTS)

        def at(index, j, more):
            return builder.add(builder.add(builder.mul(j, n_rows), index), number(more))

        tile = [(r, h) for r in range(TILE_QUERIES) for h in range(_PANELS)]
        totals = {
            (r, h): cgutils.alloca_once_value(builder, load(start, builder.add(lane, number(h * _WIDTH))))
            for r, h in tile
        }
        with cgutils.for_range(builder, n_words) as loop:
            columns = [wide(load(rows, at(lane, loop.index, h * _WIDTH))) for h in range(_PANELS)]
            for r in range(TILE_QUERIES):
                query = wide(spread(queries, at(group, loop.index, r)))
                for h in range(_PANELS):  # LLVM knows this as vpmaddwd, or vpdpwssd
                    both = builder.mul(columns[h], query)
                    even, odd = (
                        builder.shuffle_vector(both, both, ir.Constant(_WORDS, [2 * i + o for i in range(_WIDTH)]))
                        for o in (0, 1)
                    )
                    total = totals[r, h]
                    builder.store(builder.add(builder.load(total), builder.add(even, odd)), total)
        nothing = ir.Constant(_WORDS, [0] * _WIDTH)
        with cgutils.for_range(builder, n_codes) as loop:
            weight = spread(weights, loop.index)
            columns = [load(row_codes, at(lane, loop.index, h * _WIDTH)) for h in range(_PANELS)]
            for r in range(TILE_QUERIES):
                query = spread(query_codes, at(group, loop.index, r))
                for h in range(_PANELS):
                    lost = builder.select(builder.icmp_signed("!=", columns[h], query), weight, nothing)
                    builder.store(builder.sub(builder.load(totals[r, h]), lost), totals[r, h])
        for r in range(TILE_QUERIES):
            limit = spread(limits, builder.add(group, number(r)))
            word = ir.Constant(_INT64, 0)
            for h in range(_PANELS):
                near = builder.bitcast(builder.icmp_signed(">=", builder.load(totals[r, h]), limit), _INT16)
                word = builder.or_(word, builder.shl(builder.zext(near, _INT64), ir.Constant(_INT64, h * _WIDTH)))
            row = builder.mul(builder.add(group, number(r)), builder.udiv(n_rows, number(TILE_ROWS)))
            builder.store(word, builder.gep(hits, [builder.add(row, builder.udiv(lane, number(TILE_ROWS)))]))
        return context.get_dummy_value()

    n = types.int64
    return types.void(rows, row_codes, start, queries, query_codes, weights, limits, n, n, hits), _generate
