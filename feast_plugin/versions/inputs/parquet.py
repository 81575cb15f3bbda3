"""`ParquetFiles`: one Parquet file, or several that are one table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from feast_plugin.versions.inputs.pieces import Piece, of_parquet
from resampler.errors import DataError
from resampler.storage import Location

if TYPE_CHECKING:
    from collections.abc import Sequence

SUFFIX = ".parquet"


@dataclass(frozen=True)
class ParquetFiles:
    """Parquet files whose rows are one table.

    Parameters
    ----------
    paths : sequence of str
        Paths or URIs, one or more.
    where : str
        What messages call them.

    Raises
    ------
    DataError
        If one cannot be read, or has other columns or types than the first.
    """

    paths: Sequence[str]
    where: str
    metadata: list[pq.FileMetaData] = field(init=False, repr=False)
    schema: pa.Schema = field(init=False, repr=False)

    def __post_init__(self) -> None:
        found = []
        for path in self.paths:
            try:
                location = Location.parse(path)
                with location.filesystem.open_input_file(location.path) as file:
                    found.append(pq.ParquetFile(file).metadata)
            except (OSError, pa.ArrowInvalid) as error:
                raise DataError(f"entity_df {path!r} cannot be read: {error}") from error
        object.__setattr__(self, "metadata", found)
        object.__setattr__(self, "schema", found[0].schema.to_arrow_schema())
        for path, one in zip(self.paths[1:], found[1:], strict=True):
            self._check_alike(path, one.schema.to_arrow_schema())

    def _check_alike(self, path: str, other: pa.Schema) -> None:
        for column in self.schema:
            at = other.get_field_index(column.name)
            kind = other.field(at).type if at >= 0 else None
            if kind != column.type:
                has = f"column {column.name!r} as {kind}" if kind is not None else f"no column {column.name!r}"
                raise DataError(
                    f"entity_df {self.where!r}: files of one table must have its columns and types, got {has} in "
                    f"{path}, for {column.type} in {self.paths[0]}: write them alike"
                )

    @property
    def size(self) -> tuple[int, int]:
        """Rows, and their bytes, uncompressed."""
        groups = [one.row_group(at).total_byte_size for one in self.metadata for at in range(one.num_row_groups)]
        return sum(one.num_rows for one in self.metadata), sum(groups)

    @property
    def pieces(self) -> list[Piece]:
        """What tasks read, in the order of the files."""
        return [piece for path, one in zip(self.paths, self.metadata, strict=True) for piece in of_parquet(path, one)]

    @property
    def state(self) -> list[tuple[str, int, int]]:
        """Path, size and time of each file: what tells whether it is still the same."""
        files = [Location.parse(path) for path in self.paths]
        infos = [file.filesystem.get_file_info(file.path) for file in files]
        return [(path, info.size, info.mtime_ns or 0) for path, info in zip(self.paths, infos, strict=True)]

    def read(self, columns: Sequence[str]) -> pa.Table:
        """Read some columns.

        Parameters
        ----------
        columns : sequence of str
            Their names, all of them there.

        Returns
        -------
        pyarrow.Table
            All rows, in the order of the files.

        Raises
        ------
        DataError
            If a file cannot be read.
        """
        tables = []
        for path in self.paths:
            file = Location.parse(path)
            try:
                with file.filesystem.open_input_file(file.path) as source:
                    tables.append(pq.ParquetFile(source).read(columns=list(columns)))
            except (OSError, pa.ArrowInvalid) as error:
                raise DataError(f"entity_df {path!r} cannot be read: {error}") from error
        return tables[0] if len(tables) == 1 else pa.concat_tables([one.select(list(columns)) for one in tables])


def files_of(directory: Location, where: str) -> list[str]:
    """List the Parquet files of a directory and those below it.

    Parameters
    ----------
    directory : Location
        Where.
    where : str
        What messages call it.

    Returns
    -------
    list of str
        Paths or URIs, sorted; names that begin with ``_`` or ``.`` are left out, as other readers do.

    Raises
    ------
    DataError
        If there is none.
    """
    selector = fs.FileSelector(directory.path, recursive=True)
    below = [info.path for info in directory.filesystem.get_file_info(selector) if info.is_file]
    under = {path: path[len(directory.path) :].strip("/").split("/") for path in below if path.endswith(SUFFIX)}
    found = sorted(path for path, names in under.items() if not any(name.startswith(("_", ".")) for name in names))
    if not found:
        raise DataError(f"entity_df {where!r} holds no {SUFFIX} file")
    if directory.is_local:
        return found
    base, _, query = where.partition("?")  # a URI keeps what says how its server is reached
    tails = [path[len(directory.path) :].strip("/") for path in found]
    return [f"{base.rstrip('/')}/{tail}" + (f"?{query}" if query else "") for tail in tails]
