"""Files of rows, and what is none."""

import gzip

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


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("rows.csv", gzip.compress(b"a,b\n1,2\n", mtime=0), "it is compressed by gzip: unpack it"),
        ("rows.csv", "a,b\n1,2\n".encode("utf-16"), "it is UTF-16: write it in UTF-8"),
        ("rows.csv", b"a;b\n1;2\n", "separated by something else than commas"),
        ("rows.csv", b"a;b\n1;0,5\n", "separated by something else than commas"),
        ("rows.csv", b"a,\xe9\n1,2\n", "names of its columns are not UTF-8: write it in UTF-8"),
        ("rows.csv", b"a\tb\n1\t2\n", "separated by something else than commas"),
        ("rows.arrow", b"\xff\xff\xff\xff\x78\x00\x00\x00" * 9, "it is a stream of Arrow"),
        ("rows.feather", b"FEA1" * 9, "it is of Feather's first version"),
    ],
)
def test_what_a_file_is_that_cannot_be_read(name, data, message, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=message) as found:
        TableFile.open(tmp_path / name)
    assert str(found.value).isprintable()


def test_text_that_is_not_utf_8_is_refused_where_it_is_read(tmp_path):
    (tmp_path / "rows.csv").write_bytes(b"a,b\n1,\xe9\n")
    file = TableFile.open(tmp_path / "rows.csv")
    assert file.read(["a"]).to_pydict() == {"a": [1]}
    with pytest.raises(DataError, match="column 'b' holds text that is not UTF-8"):
        file.read()


def test_secrets_of_a_uri_are_not_shown():
    with pytest.raises((DataError, InvalidInputError)) as found:
        TableFile.open("s3://key:secret@bucket/rows.txt?endpoint_override=localhost:1&token=hidden")
    assert "bucket/rows.txt" in str(found.value)
    assert "secret" not in str(found.value)
    assert "hidden" not in str(found.value)
