"""`TableFile`: a Parquet, Arrow or CSV file of rows, wherever it is, of which only what is asked for is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from resampler.errors import DataError, InvalidInputError
from resampler.storage import Location

if TYPE_CHECKING:
    from collections.abc import Sequence

SUFFIXES = (".parquet", ".csv", ".arrow", ".feather")


@dataclass(frozen=True, slots=True)
class TableFile:
    r"""A file of rows.

    Parameters
    ----------
    where : str
        Its path or URI, as it was given.
    option : str
        What the messages call it: ``FILE``, ``--against``.
    data : pyarrow.parquet.ParquetFile or pyarrow.Table
        Its rows.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp(), "rows.csv")
    >>> file.write_text("a,b\n1,x\n") and None
    >>> TableFile.open(file).read(["b"]).to_pydict()
    {'b': ['x']}
    """

    where: str
    option: str
    data: Any

    @classmethod
    def open(cls, where: Any, option: str = "file") -> TableFile:
        """Open a file; of Parquet only the footer is read.

        Parameters
        ----------
        where : str or Path
            Path or URI of a ``.parquet``, ``.csv``, ``.arrow`` or ``.feather`` file.
        option : str
            What messages call it.

        Returns
        -------
        TableFile
            Opened.

        Raises
        ------
        InvalidInputError
            If the name has none of these ends, or the URI cannot be used.
        DataError
            If there is no such file, it is none of its kind, or a column stands twice in it.
        """
        file = Location.parse(where)
        shown = str(where)
        suffix = PurePath(file.path).suffix
        if suffix not in SUFFIXES:
            raise InvalidInputError(f"{option} {shown!r} must be a {', '.join(SUFFIXES)} file: write one of these")
        try:
            source = file.filesystem.open_input_file(file.path)
            if suffix == ".parquet":
                data: Any = pq.ParquetFile(source)
            elif suffix == ".csv":
                data = pyarrow.csv.read_csv(source)
            else:
                data = pa.ipc.open_file(source).read_all()
        except FileNotFoundError as error:
            raise DataError(f"{option} {shown!r} cannot be read: there is no such file") from error
        except (OSError, pa.ArrowInvalid) as error:
            raise DataError(f"{option} {shown!r} cannot be read: {error}") from error
        opened = cls(shown, option, data)
        names = opened.schema.names
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise DataError(f"{option} {shown!r}: column {repeated[0]!r} stands twice: rename one of them")
        return opened

    @property
    def schema(self) -> pa.Schema:
        """Names and types of its columns."""
        return self.data.schema_arrow if isinstance(self.data, pq.ParquetFile) else self.data.schema

    @property
    def n_rows(self) -> int:
        """How many rows it has."""
        return int(self.data.metadata.num_rows if isinstance(self.data, pq.ParquetFile) else self.data.num_rows)

    def check(self, name: str, asked_by: str) -> str:
        """Refuse a column that the file does not have.

        Parameters
        ----------
        name : str
            Of the column.
        asked_by : str
            What names it, for the message: ``--label``.

        Returns
        -------
        str
            The name.

        Raises
        ------
        DataError
            If there is none of that name.
        """
        if name not in self.schema.names:
            raise DataError(
                f"{asked_by} names column {name!r}; {self.option} {self.where!r} has {', '.join(self.schema.names)}"
            )
        return name

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Read rows.

        Parameters
        ----------
        columns : sequence of str, optional
            Of these columns, all of them there; by default of all.

        Returns
        -------
        pyarrow.Table
            All rows.

        Raises
        ------
        DataError
            If the file is damaged.
        """
        try:
            if isinstance(self.data, pq.ParquetFile):
                return self.data.read(columns=None if columns is None else list(columns))
            return self.data if columns is None else self.data.select(list(columns))
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{self.option} {self.where!r} cannot be read: {error}") from error
