"""Compile, or load from the cache, every kernel that a worker runs: no row waits for the compiler."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import numpy as np

from resampler.buffer import MinorityBuffer
from resampler.buffer.maintenance import mend
from resampler.buffer.minority import EXACT_CAPACITY
from resampler.compiling import compile_insertion, compile_making
from resampler.layout import as_kernel_array
from resampler.online import OnlineResampler
from resampler.profile.cells import Cells
from resampler.profile.matrix import MatrixCounter
from resampler.schema import FeatureSchema
from stream.formats import Decoder
from stream.formats.table import INPUTS, InputFormat
from stream.kernels.choose import choose
from stream.kernels.cut import cut
from stream.redis.resp import EntryReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream.formats import Decoded

# No kernel reads Arrow, and for it pyarrow imports pandas.
READ = tuple(kind for kind in INPUTS if kind is not InputFormat.ARROW)
CAPACITY = {True: EXACT_CAPACITY + 1, False: 4}  # of a buffer with cells, and of one without
_SCHEMA = FeatureSchema.numeric(["a", "b"], label="y")
_X, _Y = np.array([[1.5, -2e3], [1.0, 2.0]], dtype=np.float32), np.array([1, 0])


def warm(
    *,
    schema: FeatureSchema | None = None,
    cells: bool = True,
    clean: bool = False,
    hardens: bool = False,
    formats: Sequence[InputFormat] = READ,
) -> None:
    """Pass rows of every input format that kernels read through what a worker does with them, without a server.

    On a new machine a `Companion` compiles what inserts, plans and reads rows meanwhile.

    Parameters
    ----------
    schema : FeatureSchema, optional
        The contract: where it has nullable columns, or grids, the kernels for that are others.
    cells : bool
        Whether buffers have cells (`resampler.buffer.minority.has_cells`): the kernels of small ones are others.
    clean : bool
        Whether bases are to be weighed, as every strategy but plain does: the kernels for that are others.
    hardens : bool
        Whether rows are made from groups: so are these.
    formats : sequence of InputFormat
        Those that rows come in, of those that kernels read.
    """
    nullable, kept = rules_of(schema)
    rules = _rules(nullable=nullable, kept=kept)
    online = OnlineResampler(rules, ratio=1.0, k_neighbors=1, capacity=CAPACITY[cells], clean=clean)
    if hardens:
        online = OnlineResampler(rules, ratio=1.0, strategy="hardened", group_size=5, small_groups=True)
    X, y = np.tile(_X, (len(INPUTS), 1)), np.tile(_Y, len(INPUTS))
    n, times = len(y), 12 if hardens else 4
    for i in range(times):
        online.process(X, y, np.arange(i * n, (i + 1) * n))
    rows = read_rows(formats, nullable=nullable, kept=kept)
    online.process(rows.X, rows.y, np.arange(times * n, times * n + len(rows.y)))
    if nullable or kept or hardens:  # for others `resampler warmup` has done so
        online.buffer_stats()
        online.forget([0])
        OnlineResampler.from_bytes(online.to_bytes())
    if nullable:
        buffer = MinorityBuffer(2, 4, 1, nullable_features=[0])
        buffer.insert(_X, _Y)
        mend(buffer.ring, np.array([0]))  # as where a list has run short


def rules_of(schema: FeatureSchema | None) -> tuple[bool, bool]:
    """Say what of a contract decides which kernels a worker needs.

    Parameters
    ----------
    schema : FeatureSchema or None
        The contract.

    Returns
    -------
    nullable, kept : bool
        Whether columns may be null, and whether any has a grid.
    """
    if schema is None:
        return False, False
    return bool(schema.nullable_mask.any()), any(schema.grids)


def search(*, cells: bool = True, nullable: bool = False, inserting: bool = False) -> None:
    """Search for neighbours, as what resamples does.

    Parameters
    ----------
    cells : bool
        As in `warm`.
    nullable : bool
        What `rules_of` gives.
    inserting : bool
        Only compile insertion, of which a search is the longest part; else search where a list has run short.
    """
    buffer = MinorityBuffer(2, CAPACITY[cells], 1, nullable_features=[0] if nullable else [])
    if inserting:
        compile_insertion(buffer.ring)
    else:
        mend(buffer.ring, np.array([0]))


def plan(*, nullable: bool = False, kept: bool = False) -> None:
    """Plan what no rows cause, and put none of them into their places: for every strategy the kernels are the same.

    Parameters
    ----------
    nullable, kept : bool
        What `rules_of` gives.
    """
    OnlineResampler(_rules(nullable=nullable, kept=kept)).process(_X[:0], _Y[:0], _Y[:0])


def make() -> None:
    """Compile what makes rows under a plain configuration, while a companion compiles insertion and what plans rows.

    That is: buffers have cells, no column is nullable or has a grid, and bases are not weighed.
    """
    compile_making(MinorityBuffer(2, CAPACITY[True], 1).ring)


def read_rows(formats: Sequence[InputFormat] = READ, *, nullable: bool = False, kept: bool = False) -> Decoded:
    """Read rows of some input formats, and do with them what comes before and behind resampling.

    Parameters
    ----------
    formats : sequence of InputFormat
        Those that kernels read, or some of them.
    nullable, kept : bool
        What `rules_of` gives.

    Returns
    -------
    Decoded
        The rows.
    """
    rules = _rules(nullable=nullable, kept=kept)
    sent: list[list[bytes]] = []
    for kind in formats:
        sent += INPUTS[kind](rules).encode(_X, _Y)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(_xread_reply(sent))
        entries = EntryReader(ours).read_entries(len(sent))
        rows = Decoder(rules).decode(entries)
    choose(rows.row_ids(), rows.y, 0, 2, 1, *np.zeros((4, len(rows.y)), dtype=np.int64))
    counted = MatrixCounter(dict.fromkeys(rules.names, Cells(categorical=False)), {})
    counted.add(as_kernel_array(rows.X, np.float32), np.zeros_like(rows.y))
    cut(rows.ms, rows.n_rows, 1, 1, np.empty(rows.n_entries, dtype=np.int64))
    return rows


def _rules(*, nullable: bool, kept: bool) -> FeatureSchema:
    return _SCHEMA.with_rules(["a"] if nullable else (), {"b": 0.5} if kept else None)


def warm_nulls() -> None:
    """Compile what contracts with nullable columns need."""
    _warm_contract(nullable=["a"])


def warm_grids() -> None:
    """Compile what contracts with grids need."""
    _warm_contract(grids={"b": 0.5})


def warm_nulls_and_grids() -> None:
    """Compile what contracts with both need."""
    _warm_contract(nullable=["a"], grids={"b": 0.5})


def _warm_contract(nullable: list[str] | None = None, grids: dict[str, float] | None = None) -> None:
    schema = _SCHEMA.with_rules(nullable or [], grids)
    for clean in (False, True):
        for cells in (False,) if nullable else (False, True):
            warm(schema=schema, cells=cells, clean=clean)
    warm(schema=schema, hardens=True)


def _xread_reply(entries: list[list[bytes]]) -> bytes:
    """Write what a server answers to XREAD."""
    out = [b"*1\r\n*2\r\n$1\r\ns\r\n*%d\r\n" % len(entries)]
    for i, items in enumerate(entries, start=1):
        out.append(b"*2\r\n$3\r\n%d-0\r\n*%d\r\n" % (i, len(items)))
        out += [b"$%d\r\n%s\r\n" % (len(item), item) for item in items]
    return b"".join(out)
