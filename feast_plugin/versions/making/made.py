"""Synthetic rows that tasks make, each those of a range of the provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from feast_plugin.versions.inputs.rows import BATCH_ROWS
from feast_plugin.versions.making.estimate import MAKING, task_bytes
from feast_plugin.versions.making.mapped import ROWS, Mapped
from feast_plugin.versions.making.matrix import Codes, decode, folded
from resampler.engines.arrays import mapped
from resampler.engines.task import Task
from resampler.methods.place import build, build_integers
from resampler.methods.provenance import Draws
from resampler.microaggregation import Groups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.making.encoded import Encoded
    from resampler.engines.task import Output
    from resampler.engines.workplace import Workplace
    from resampler.methods.provenance import Provenance

MADE_ROWS = 2 * BATCH_ROWS  # that a task makes
_OF_A_ROW = ("label", "base", "neighbor", "step", "donor")
_OF_A_DRAW = ("row_id", "number", "stream", "part")


def make_by_parts(place: Workplace, stage: str, made: Provenance, encoded: Encoded, contract: Contract) -> Mapped:
    """Make synthetic rows.

    Parameters
    ----------
    place : Workplace
        Whose engine does it.
    stage : str
        What its tasks are called.
    made : Provenance
        Of all rows, by positions in the matrix.
    encoded : Encoded
        The matrix.
    contract : Contract
        Its columns, measured.

    Returns
    -------
    Mapped
        Feature columns.
    """
    arrays = {name: getattr(made, name) for name in _OF_A_ROW}
    if made.draws is not None:
        arrays |= {f"draws.{name}": getattr(made.draws, name) for name in _OF_A_DRAW}
        arrays["draws.width"] = made.draws.width
    if made.groups is not None:
        arrays |= {f"groups.{name}": values for name, values in made.groups._asdict().items()}
    kept = place.save(f"{stage}/provenance", arrays)
    nothing = made.take(slice(0, 0))._replace(groups=None, stand_in=None)
    if nothing.draws is not None:
        nothing = nothing._replace(draws=nothing.draws._replace(width=nothing.draws.width[:0]))
    shared = {
        "contract": contract,
        "codes": encoded.codes,
        "wide": [(c.name, span.start) for c, span in encoded.wide],
        "matrix": str(encoded.folder),
        "provenance": str(kept.folder),
        "nothing": nothing,
    }
    n = len(made.base)
    cuts = range(0, max(n, 1), MADE_ROWS)
    memory = int(MAKING * min(n, BATCH_ROWS) * contract.width * 8)
    tasks = [
        Task(f"{stage}/rows/{at:06}", make_some, shared | {"first": first, "last": min(first + MADE_ROWS, n)}, memory)
        for at, first in enumerate(cuts)
    ]
    left = place.run(tasks, "making synthetic rows")
    return Mapped.left([one.folder for one in left], [one.data["rows"] for one in left])


def make_some(
    output: Output,
    contract: Contract,
    codes: Codes,
    wide: list[tuple[str, int]],
    matrix: str,
    provenance: str,
    nothing: Provenance,
    first: int,
    last: int,
) -> dict[str, Any]:
    """Make some synthetic rows; a task.

    Parameters
    ----------
    output : Output
        Gets them.
    contract : Contract
        Their columns.
    codes : Codes
        What numbers of the matrix mean.
    wide : list of (str, int)
        Columns of wide integers, and where their numbers begin.
    matrix, provenance : str
        Folders with the arrays of the real rows, and of where all synthetic ones come from.
    nothing : Provenance
        Of no rows: what is the same for all.
    first, last : int
        Of the rows.

    Returns
    -------
    dict
        Key rows: how many.
    """
    cuts = (slice(at, min(at + BATCH_ROWS, last)) for at in range(first, max(last, first + 1), BATCH_ROWS))
    pieces = (_rows(_provenance(provenance, nothing, of), matrix, contract, codes, wide) for of in cuts)
    return {"rows": write_rows(output, pieces)}


def write_rows(output: Output, pieces: Iterable[pa.Table]) -> int:
    """Leave rows in a file that others map; call it in a task.

    Parameters
    ----------
    output : Output
        Of the task.
    pieces : iterable of pyarrow.Table
        One or more, of equal columns.

    Returns
    -------
    int
        How many rows there are.
    """
    n = 0
    writer: Any = None
    with pa.OSFile(str(output.path(ROWS)), "wb") as sink:
        for piece in pieces:
            writer = writer or pa.ipc.new_file(sink, piece.schema)
            writer.write_table(piece.combine_chunks(), max_chunksize=BATCH_ROWS)
            n += piece.num_rows
        writer.close()
    return n


def _provenance(folder: str, nothing: Provenance, of: slice) -> Provenance:
    """Read where some rows come from."""

    def some(name: str) -> NDArray[Any]:
        return np.array(mapped(folder, name)[of])

    label, base, neighbor, step, donor = map(some, _OF_A_ROW)
    made = nothing._replace(label=label, base=base, neighbor=neighbor, step=step, donor=donor)
    if nothing.draws is not None:
        keys = (some(f"draws.{name}") for name in _OF_A_DRAW)
        made = made._replace(draws=Draws._make((*keys, mapped(folder, "draws.width"), nothing.draws.seed)))
    if nothing.place == "cloud":
        made = made._replace(groups=Groups(*(mapped(folder, f"groups.{name}") for name in Groups._fields)))
    return made


def _rows(made: Provenance, folder: str, contract: Contract, codes: Codes, wide: list[tuple[str, int]]) -> pa.Table:
    """Make rows, of those real rows alone that they come from."""
    matrix = mapped(folder, "matrix")
    if made.groups is None:
        near = np.unique(np.concatenate([made.base, made.neighbor, made.donor.ravel()]))
        base, neighbor, donor = (np.searchsorted(near, of) for of in (made.base, made.neighbor, made.donor))
        local = made._replace(base=base, neighbor=neighbor, donor=donor)
    else:
        near = np.unique(made.donor)
        local = made._replace(donor=np.searchsorted(near, made.donor))
    real = matrix[near]
    values = build(real, local)
    for at, j in enumerate(made.categorical_features):
        values[:, j] = real[local.donor[:, at], j]
    table = decode(values, contract, codes.vocabularies)
    for c, span in contract.spans:
        if (c.name, span.start) in wide:
            columns = []
            for j in range(span.start, span.stop):
                whole = mapped(folder, f"wide-{j}")
                if made.groups is None:
                    columns.append(build_integers(whole[near], local, real[:, j], values[:, j]))
                else:  # counted from the least of all rows
                    columns.append(build_integers(whole, local, matrix[:, j], values[:, j]))
            column = folded(np.stack(columns, axis=1), np.isnan(values[:, span]), c)
            table = table.set_column(table.schema.get_field_index(c.name), c.name, column)
    return table


def filter_by_parts(place: Workplace, stage: str, rows: Mapped, chosen: NDArray[np.bool_]) -> Mapped:
    """Leave some of the rows that tasks made out.

    Parameters
    ----------
    place : Workplace
        Whose engine does it.
    stage : str
        What its tasks are called.
    rows : Mapped
        All of them.
    chosen : ndarray of shape (n_rows,), bool
        Those that stay.

    Returns
    -------
    Mapped
        The others.
    """
    kept = place.save(f"{stage}/chosen", {"chosen": chosen})
    shared = {"rows": rows, "chosen": str(kept.folder)}
    memory = task_bytes(rows.schema, min(BATCH_ROWS, rows.n_rows))
    tasks = [
        Task(f"{stage}/rows/{at:06}", filter_some, shared | {"first": first, "last": last}, memory)
        for at, (first, last) in enumerate(zip(rows.starts, rows.starts[1:], strict=False))
    ]
    left = place.run(tasks, "leaving rows out")
    return Mapped.left([one.folder for one in left], [one.data["rows"] for one in left])


def filter_some(output: Output, rows: Mapped, chosen: str, first: int, last: int) -> dict[str, Any]:
    """Leave some of the rows of a range out; a task.

    Parameters
    ----------
    output : Output
        Gets the others.
    rows, chosen
        As in `filter_by_parts`, the latter the folder of the array.
    first, last : int
        Of the rows.

    Returns
    -------
    dict
        Key rows: how many stay.
    """
    names = rows.names
    stays = mapped(chosen, "chosen")
    cuts = ((at, min(at + BATCH_ROWS, last)) for at in range(first, max(last, first + 1), BATCH_ROWS))
    pieces = (rows.slice(at, end, names).filter(pa.array(stays[at:end])) for at, end in cuts)
    return {"rows": write_rows(output, pieces)}


def compute_here(place: Workplace, stage: str, rows: Mapped, make: Callable[[pa.Table, int], pa.Table]) -> Mapped:
    """Make other columns of rows in this process, a file at a time: what makes them can be given to no worker.

    Parameters
    ----------
    place : Workplace
        Where they are left.
    stage : str
        Under which name.
    rows : Mapped
        The rows.
    make : callable
        Of some of them, and the number of the first: gives the columns.

    Returns
    -------
    Mapped
        As many rows.
    """
    folders: list[Path] = []
    sizes = []
    for at, (first, last) in enumerate(zip(rows.starts, rows.starts[1:], strict=False)):

        def task(output: Output, first: int = first, last: int = last) -> dict[str, Any]:
            return {"rows": write_rows(output, [make(rows.slice(first, last, rows.names), first)])}

        done = place.here(Task(f"{stage}/{at:06}", task))
        folders.append(done.folder)
        sizes.append(done.data["rows"])
    return Mapped.left(folders, sizes)
