"""Files of rows, and what is none."""

import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from resampler.errors import DataError, InvalidInputError
from resampler.table_file import TableFile

ROWS = pa.table({"a": [1, 2, 3], "b": ["x", "y", None]})


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv", "rows.arrow", "rows.feather"])
def test_rows_of_every_kind_of_file(name, tmp_path):
    file = tmp_path / name
    write = {"parquet": pq.write_table, "csv": pyarrow.csv.write_csv}.get(
        file.suffix[1:], pyarrow.feather.write_feather
    )
    write(ROWS, file)
    opened = TableFile.open(file)
    assert (opened.schema.names, opened.n_rows) == (["a", "b"], 3)
    assert opened.read(["a"]).to_pydict() == {"a": [1, 2, 3]}
    assert opened.read()["b"].to_pylist()[:2] == ["x", "y"]
    assert TableFile.open(file.as_uri()).n_rows == 3
    assert opened.check("a", "--label") == "a"
    with pytest.raises(DataError, match=f"--label names column 'c'; file '{file}' has a, b"):
        opened.check("c", "--label")


def test_what_is_no_file_of_rows(tmp_path):
    with pytest.raises(InvalidInputError, match=r"--against 'rows.txt' must be a .parquet, .csv, .arrow, .feather"):
        TableFile.open("rows.txt", "--against")
    with pytest.raises(DataError, match=r"file 'no.parquet' cannot be read: there is no such file"):
        TableFile.open("no.parquet")
    for name in ("bad.parquet", "bad.arrow", "bad.csv"):
        (tmp_path / name).write_bytes(b"" if name == "bad.csv" else b"not at all")
        with pytest.raises(DataError, match="cannot be read"):
            TableFile.open(tmp_path / name)
    (tmp_path / "twice.csv").write_text("a,a\n1,2\n")
    with pytest.raises(DataError, match="column 'a' stands twice"):
        TableFile.open(tmp_path / "twice.csv")


def test_a_file_that_ends_early(tmp_path):
    file = tmp_path / "rows.parquet"
    pq.write_table(ROWS, file)
    data = bytearray(file.read_bytes())
    data[4:40] = bytes(36)
    file.write_bytes(data)
    with pytest.raises(DataError, match="cannot be read"):
        TableFile.open(file).read()
