"""Register tiles as LLVM's instructions: loads, sums of products of 16 bits in 32, truths as bits.

A panel holds `LANES` rows, two columns side by side: ``panel[pair of columns, row, column of the pair]``. The sum of
two products of neighbouring columns is one instruction of most processors (``pmaddwd``); LLVM finds it in a
multiplication of widened numbers whose even and odd lanes are added.

Naive: the Python functions that are compiled with it, in tests/resampler/kernels/simd/test_tiles.py.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils

LANES = 16  # rows of a panel
SIDE = 8  # columns whose bounds are found at once
ROWS = 8  # of another panel, that a tile multiplies it with: their sums stay in registers
INT16, INT32 = ir.IntType(16), ir.IntType(32)
SUMS, WIDE = ir.VectorType(INT32, LANES), ir.VectorType(INT32, 2 * LANES)
PAIRS, COLUMNS = ir.VectorType(INT16, 2 * LANES), ir.VectorType(INT16, SIDE)


class Emitter:
    """Loads and sums of vectors, on the arguments of a twin; arrays are their first elements."""

    def __init__(self, context, builder, signature, arguments):
        self.builder = builder
        self.arguments = [
            context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value
            for kind, value in zip(signature.args, arguments, strict=True)
        ]

    def address(self, data, index, kind):
        """Return a pointer to elements of a kind, where one of an array's begins."""
        return self.builder.bitcast(self.builder.gep(data, [index]), kind.as_pointer())

    def load(self, data, index, kind=INT32, ahead=0):
        """Return elements of an array, of any alignment."""
        index = self.builder.add(index, ir.Constant(index.type, ahead))
        return self.builder.load(self.address(data, index, kind), align=2)

    def everywhere(self, scalar):
        """Return a number in every lane."""
        one = self.builder.insert_element(ir.Constant(SUMS, ir.Undefined), scalar, ir.Constant(INT32, 0))
        return self.builder.shuffle_vector(one, one, ir.Constant(SUMS, [0] * LANES))

    def pair_everywhere(self, data, index, ahead=0):
        """Two columns of one row, in every lane."""
        return self.builder.bitcast(self.everywhere(self.load(data, index, INT32, ahead)), PAIRS)

    def add_products(self, total, x, y):
        """Add to a place's sums the products of two pairs of columns, lane by lane."""
        products = self.builder.mul(self.builder.sext(x, WIDE), self.builder.sext(y, WIDE))
        even, odd = (
            self.builder.shuffle_vector(
                products, products, ir.Constant(SUMS, [2 * lane + column for lane in range(LANES)])
            )
            for column in (0, 1)
        )
        self.builder.store(self.builder.add(self.builder.load(total), self.builder.add(even, odd)), total)

    def products(self, panels, a, b, n_pairs, halves, at_a, at_b):
        """Return places of the sums of products of `ROWS` rows with a panel, and of what `halves` has of both."""
        half = self.load(halves, at_b, SUMS)
        totals = [
            cgutils.alloca_once_value(
                self.builder, self.builder.add(half, self.everywhere(self.load(halves, at_a, ahead=r)))
            )
            for r in range(ROWS)
        ]
        with cgutils.for_range(self.builder, n_pairs) as loop:
            step = self.builder.mul(loop.index, ir.Constant(loop.index.type, 2 * LANES))
            other = self.load(panels, self.builder.add(b, step), PAIRS)
            for r, total in enumerate(totals):
                self.add_products(total, other, self.pair_everywhere(panels, self.builder.add(a, step), 2 * r))
        return totals

    def store_bits(self, truths, words):
        """Store truths a lane, whole words at once: what is stored in parts has to be waited for when it is loaded."""
        word = ir.IntType(64)
        for w in range(len(truths) * LANES // 64):
            bits = ir.Constant(word, 0)
            for r in range(64 // LANES):
                of_row = self.builder.zext(self.builder.bitcast(truths[w * 64 // LANES + r], INT16), word)
                bits = self.builder.or_(bits, self.builder.shl(of_row, ir.Constant(word, LANES * r)))
            self.builder.store(bits, self.builder.gep(words, [ir.Constant(word, w)]))

    def store_near(self, near, words, others, totals, total_of):
        """Return whether any pair is near, by truths a lane for either of a row's limits, and store all if so."""
        either = [self.builder.or_(*bits) for bits in near]
        while len(either) > 1:
            either = [self.builder.or_(*bits) for bits in zip(either[::2], either[1::2], strict=True)]
        some = self.builder.icmp_unsigned("!=", self.builder.bitcast(either[0], INT16), ir.Constant(INT16, 0))
        with self.builder.if_then(some, likely=False):
            for side, out in enumerate((words, others)):
                self.store_bits([bits[side] for bits in near], out)
            for r in range(ROWS):
                place = ir.Constant(ir.IntType(64), LANES * r)
                self.builder.store(total_of(r), self.address(totals, place, SUMS), align=4)
        return some

    def chosen(self, operator, x, y):
        """Return of each lane that which compares so with the other."""
        return self.builder.select(self.builder.icmp_signed(operator, x, y), x, y)
