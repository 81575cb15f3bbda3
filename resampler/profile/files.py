"""`RowFiles`: files of rows, or a directory of such, passed over in batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from resampler.address import without_secrets
from resampler.errors import DataError, InvalidInputError
from resampler.storage import Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from resampler.profile.cells import Cells

KINDS = {".parquet": "parquet", ".csv": "csv", ".arrow": "ipc", ".feather": "ipc"}
BATCH_ROWS = 1 << 16
_PAGE_BYTES = 1 << 20
_NULLS = ["", "NaN", "nan", "null", "NULL", "N/A", "#N/A"]  # "NA" is a country too


@dataclass(frozen=True, slots=True)
class RowFiles:
    """Rows that lie in files.

    Parameters
    ----------
    where : str
        The path or URI as it was given.
    data : pyarrow.dataset.Dataset
        Its rows.
    """

    where: str
    data: Any

    @classmethod
    def open(cls, where: str, option: str, cells: Mapping[str, Cells], text: Sequence[str] = ()) -> RowFiles:
        """Open files; no row is read.

        Parameters
        ----------
        where : str
            Path or URI of a ``.parquet``, ``.csv``, ``.arrow`` or ``.feather`` file, or of a directory of one kind of
            them.
        option : str
            What messages call it.
        cells : mapping of str to Cells
            Say the types of the columns of a CSV file, which are guessed otherwise.
        text : sequence of str
            Other columns that are text, whatever they look like.

        Returns
        -------
        RowFiles
            Opened.

        Raises
        ------
        InvalidInputError
            If the name has none of these ends, or the directory holds files of two kinds.
        DataError
            If there is no such file, no file in the directory, or one is damaged.
        """
        import pyarrow.dataset as ds

        place = Location.parse(where)
        what = f"{option} {without_secrets(where)!r}"
        try:
            info = place.filesystem.get_file_info(place.path)
            if info.type == pa.fs.FileType.NotFound:
                raise DataError(f"{what} cannot be read: there is no such file or directory")
            found = [place.path]
            if info.type == pa.fs.FileType.Directory:
                inside = place.filesystem.get_file_info(pa.fs.FileSelector(place.path, recursive=True))
                found = sorted(one.path for one in inside if one.is_file and _kind(one.path) is not None)
                if not found:
                    raise DataError(f"{what} is a directory without a file that ends in {', '.join(KINDS)}")
            kinds = {_kind(path) for path in found}
            if len(kinds) > 1 or None in kinds:
                raise InvalidInputError(f"{what} must be files of one kind: {', '.join(KINDS)}")
            (kind,) = kinds
            form = _csv(cells, text) if kind == "csv" else kind
            data = ds.dataset(found, filesystem=place.filesystem, format=form)
            _ = data.schema.names
            return cls(what, data)
        except UnicodeDecodeError as error:
            raise DataError(f"{what}: names of its columns are not UTF-8: write it in UTF-8") from error
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{what} cannot be read: {_line(error)}") from error

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return list(self.data.schema.names)

    def rows(self) -> int | None:
        """Count the rows.

        Returns
        -------
        int or None
            None of CSV, whose lines would have to be read.
        """
        return None if self.data.format.default_extname == "csv" else int(self.data.count_rows())

    def batches(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Pass over the rows.

        Parameters
        ----------
        columns : sequence of str
            Of these columns.

        Yields
        ------
        pyarrow.Table
            Some rows; memory holds a few batches.

        Raises
        ------
        DataError
            If a file is damaged, or holds what its column cannot be.
        """
        try:
            batches = self._parquet if self.data.format.default_extname == "parquet" else self._others
            for batch in batches(list(columns)):
                if batch.num_rows:
                    yield pa.Table.from_batches([batch])
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{self.where} cannot be read: {_line(error)}") from error

    def _others(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        yield from self.data.to_batches(columns=columns, batch_size=BATCH_ROWS, batch_readahead=2, fragment_readahead=1)

    def _parquet(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Read page by page: a dataset would hold row groups whole, and several of them."""
        for path in self.data.files:
            with (
                self.data.filesystem.open_input_file(path) as source,
                pq.ParquetFile(source, pre_buffer=False, buffer_size=_PAGE_BYTES) as file,
            ):
                # A column that this file lacks is missed by who asked for it.
                yield from file.iter_batches(BATCH_ROWS, columns=columns)


def _kind(path: str) -> str | None:
    return KINDS.get(f".{path.rpartition('.')[2].lower()}")


def _csv(cells: Mapping[str, Cells], text: Sequence[str]) -> Any:
    import pyarrow.csv
    import pyarrow.dataset as ds

    known = {name: _type(of) for name, of in cells.items() if not _is_flag(of)}
    known |= dict.fromkeys(text, pa.string())
    return ds.CsvFileFormat(
        convert_options=pyarrow.csv.ConvertOptions(column_types=known, null_values=_NULLS, strings_can_be_null=True)
    )


def _type(cells: Cells) -> pa.DataType:
    if not cells.categorical:
        return pa.float64()  # the first lines of a column may look like integers
    return pa.array(cells.values).type if cells.values else pa.string()


def _is_flag(cells: Cells) -> bool:
    """Whether a number may be written as a word: true, false."""
    return not cells.categorical and {round(edge, 6) for edge in cells.edges} <= {0.0, 1.0}


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rpartition("Invalid: ")[2]
