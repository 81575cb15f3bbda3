"""`Piece`: some rows of a table's files, as a task reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from feast_plugin.versions.inputs.rows import BATCH_ROWS, MappedFile, Pages
from resampler.errors import DataError
from resampler.storage import Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RUN_ROWS = 2 * BATCH_ROWS  # rows that a task sorts at once
DECODED_ROWS = RUN_ROWS // 8  # of a batch: runs are put together of such
PIECE_ROWS = 8 * BATCH_ROWS  # of a piece, about: row groups are not divided


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a file.

    Parameters
    ----------
    path : str
        Path or URI of a Parquet file; or path of an Arrow file.
    n_rows : int
        Of the piece.
    groups : tuple of int, optional
        Row groups of the Parquet file; None of an Arrow file.
    first : int
        Of an Arrow file: its first row.
    """

    path: str
    n_rows: int
    groups: tuple[int, ...] | None = None
    first: int = 0

    def runs(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """Read the rows.

        Parameters
        ----------
        names : sequence of str
            Columns.

        Yields
        ------
        pyarrow.Table
            `RUN_ROWS` rows at most.

        Raises
        ------
        DataError
            If the file cannot be read.
        """
        if self.groups is None:
            mapped = MappedFile(self.path)
            table = mapped.reader.read_all().select(list(names))
            for start in range(self.first, self.first + self.n_rows, RUN_ROWS):
                yield table.slice(start, min(RUN_ROWS, self.first + self.n_rows - start))
                mapped.release()
            return
        try:
            yield from self._of_parquet(list(names))
        except (OSError, pa.ArrowInvalid) as error:
            raise DataError(f"{self.path} cannot be read: {error}") from error

    def _of_parquet(self, names: list[str]) -> Iterator[pa.Table]:
        file = Location.parse(self.path)
        pages = Pages(file.path) if file.is_local else None  # else a row group is read whole before it is decoded
        with pa.BufferReader(pages.buffer) if pages else file.filesystem.open_input_file(file.path) as source:
            held: list[pa.RecordBatch] = []
            n = 0
            for batch in pq.ParquetFile(source).iter_batches(DECODED_ROWS, list(self.groups or ()), names):
                if n + batch.num_rows > RUN_ROWS:
                    yield pa.Table.from_batches(held)
                    held, n = [], 0
                    if pages:
                        pages.release()
                held.append(batch)
                n += batch.num_rows
            if held:
                yield pa.Table.from_batches(held)


def of_parquet(path: str, metadata: pq.FileMetaData) -> list[Piece]:
    """Divide a Parquet file among tasks.

    Parameters
    ----------
    path : str
        Path or URI.
    metadata : pyarrow.parquet.FileMetaData
        Of the file.

    Returns
    -------
    list of Piece
        In the order of the rows.
    """
    pieces: list[Piece] = []
    groups: list[int] = []
    n = 0
    for at in range(metadata.num_row_groups):
        groups.append(at)
        n += metadata.row_group(at).num_rows
        if n >= PIECE_ROWS or at == metadata.num_row_groups - 1:
            pieces.append(Piece(path, n, tuple(groups)))
            groups, n = [], 0
    return [piece for piece in pieces if piece.n_rows]


def of_arrow(path: str, n_rows: int) -> list[Piece]:
    """Divide an Arrow file among tasks.

    Parameters
    ----------
    path : str
        Where all workers see it.
    n_rows : int
        Of the file.

    Returns
    -------
    list of Piece
        In the order of the rows.
    """
    return [Piece(path, min(PIECE_ROWS, n_rows - at), None, at) for at in range(0, n_rows, PIECE_ROWS)]
