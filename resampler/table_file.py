"""`TableFile`: a Parquet, Arrow or CSV file of rows, wherever it is, of which only what is asked for is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from resampler.address import without_secrets
from resampler.errors import DataError, InvalidInputError, absent_column
from resampler.printing import plain
from resampler.storage import Location

if TYPE_CHECKING:
    from collections.abc import Sequence

_SEPARATED = "its fields are separated by something else than commas: write commas, and points in numbers"
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
        shown = without_secrets(str(where))
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
            remedy = _remedy(file, suffix)
            raise DataError(f"{option} {shown!r} cannot be read: {remedy or plain(str(error))}") from error
        opened = cls(shown, option, data)
        try:
            names = opened.schema.names
        except UnicodeDecodeError as error:
            remedy = _remedy(file, suffix) or "names of its columns are not UTF-8: write it in UTF-8"
            raise DataError(f"{option} {shown!r} cannot be read: {remedy}") from error
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise DataError(f"{option} {shown!r}: column {repeated[0]!r} stands twice: rename one of them")
        if suffix == ".csv" and len(names) == 1 and (";" in names[0] or "\t" in names[0]):
            raise DataError(f"{option} {shown!r} cannot be read: {_SEPARATED}")
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
            raise absent_column(asked_by, name, f"{self.option} {self.where!r} has", self.schema.names)
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
            table = self.data if columns is None else self.data.select(list(columns))
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{self.option} {self.where!r} cannot be read: {plain(str(error))}") from error
        if self.where.endswith(".csv"):  # where it would be text if it were UTF-8
            for field in table.schema:
                if pa.types.is_binary(field.type):
                    raise DataError(
                        f"{self.option} {self.where!r}: column {field.name!r} holds text that is not UTF-8: write it "
                        "in UTF-8"
                    )
        return table


def _remedy(file: Location, suffix: str) -> str:
    """Say what a file is that cannot be read, where its first bytes tell."""
    try:
        with file.filesystem.open_input_stream(file.path, compression=None) as stream:
            head = bytes(stream.read(4096))
    except OSError:
        return ""
    if head[:2] == b"\x1f\x8b":
        return "it is compressed by gzip: unpack it"
    if suffix == ".csv":
        first = head.partition(b"\n")[0]
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return "it is UTF-16: write it in UTF-8"
        if b"," not in first and (b";" in first or b"\t" in first):
            return _SEPARATED
    elif suffix in (".arrow", ".feather"):
        if head[:4] == b"\xff\xff\xff\xff":
            return "it is a stream of Arrow: write a file of Arrow, or Parquet"
        if head[:4] == b"FEA1":
            return "it is of Feather's first version: write the second, or Parquet"
    return ""
