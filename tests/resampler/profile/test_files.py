"""Files of rows, passed over."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from profiles import reference_of

from resampler.errors import DataError, InvalidInputError
from resampler.profile.files import BATCH_ROWS, RowFiles
from resampler.profile.rows import SPLIT, RowCounter

N = 3_000


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "amount": pa.array(np.where(rng.random(N) < 0.1, None, rng.integers(0, 90, N)), pa.int64()),
            "score": np.round(rng.normal(size=N), 3),
            "zip": rng.choice(["0123", "99", "NA"], N),
            "flag": rng.random(N) < 0.5,
        }
    )


def counted(path, reference):
    files = RowFiles.open(str(path), "--against", reference.cells)
    counter = RowCounter(reference, files.where)
    for batch in files.batches(counter.columns(files.names)):
        assert batch.num_rows <= BATCH_ROWS
        counter.add(batch)
    return files, counter.profile()


def write(table, path):
    kinds = {".parquet": pq.write_table, ".csv": pyarrow.csv.write_csv, ".feather": pyarrow.feather.write_feather}
    if path.suffix == ".arrow":
        with pa.ipc.new_file(path, table.schema) as file:
            file.write_table(table)
    else:
        kinds[path.suffix](table, path)


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".arrow", ".feather"])
def test_every_kind_of_file_has_the_counts_of_the_table(table, suffix, tmp_path):
    reference = reference_of({name: table[name] for name in table.column_names})
    shuffled = table.select(["zip", "flag", "score", "amount"])
    write(shuffled, tmp_path / f"rows{suffix}")
    (tmp_path / "many" / "inner").mkdir(parents=True)
    for place, part in (("a", shuffled.slice(0, 1_000)), ("inner/b", shuffled.slice(1_000))):
        write(part, tmp_path / "many" / f"{place}{suffix}")
    (tmp_path / "many" / "_SUCCESS").write_text("")
    for path in (tmp_path / f"rows{suffix}", tmp_path / "many"):
        files, profile = counted(path, reference)
        assert files.rows() == (None if suffix == ".csv" else N)
        for name in table.column_names:
            wanted = reference.counts(name, "train", synthetic=False)
            assert profile.counts(name, SPLIT, synthetic=False).tolist() == wanted.tolist()


def test_more_rows_than_a_batch(tmp_path):
    values = np.arange(3 * BATCH_ROWS + 5) % 977 / 7
    reference = reference_of({"x": values})
    pq.write_table(pa.table({"x": values}), tmp_path / "x.parquet")
    _, profile = counted(tmp_path / "x.parquet", reference)
    assert (
        profile.counts("x", SPLIT, synthetic=False).tolist() == reference.counts("x", "train", synthetic=False).tolist()
    )


def test_what_cannot_be_opened(table, tmp_path):
    cells = {}
    (tmp_path / "rows.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.parquet").write_text("nonsense")
    (tmp_path / "bad.arrow").write_text("nonsense")
    (tmp_path / "none.csv").write_text("")
    both = tmp_path / "both"
    both.mkdir()
    write(table, both / "a.csv")
    write(table, both / "b.parquet")
    for name, error, words in (
        ("rows.json", InvalidInputError, "must be files of one kind"),
        ("both", InvalidInputError, "must be files of one kind"),
        ("empty", DataError, "directory without a file"),
        ("gone.parquet", DataError, "no such file"),
        ("bad.parquet", DataError, "cannot be read"),
        ("bad.arrow", DataError, "cannot be read"),
        ("none.csv", DataError, "cannot be read"),
    ):
        with pytest.raises(error, match=words) as refused:
            RowFiles.open(str(tmp_path / name), "--against", cells)
        assert "\n" not in str(refused.value)


def test_a_csv_file_that_holds_words_where_numbers_were(tmp_path):
    reference = reference_of({"x": np.arange(200.0)})
    (tmp_path / "x.csv").write_text("x\n1\n2.5\nmany\n")
    with pytest.raises(DataError, match=r"cannot be read.*many"):
        counted(tmp_path / "x.csv", reference)


def test_a_file_without_a_row(tmp_path):
    reference = reference_of({"x": np.arange(200.0)})
    (tmp_path / "x.csv").write_text("x\n")
    assert counted(tmp_path / "x.csv", reference)[1].parts == ()


def test_a_directory_whose_files_have_other_columns(table, tmp_path):
    reference = reference_of({"score": table["score"], "zip": table["zip"]})
    pq.write_table(table, tmp_path / "a.parquet")
    pq.write_table(table.drop_columns(["zip"]), tmp_path / "b.parquet")
    with pytest.raises(DataError, match="has no column 'zip'"):
        counted(tmp_path, reference)


def test_columns_that_are_text_whatever_they_look_like(tmp_path):
    reference = reference_of({"x": np.arange(200.0)})
    (tmp_path / "x.csv").write_text("x,y\n1,007\n2,12\n")
    for text, wanted in ((["y"], {"007", "12"}), ([], {"7", "12"})):
        files = RowFiles.open(str(tmp_path / "x.csv"), "--against", reference.cells, text)
        counter = RowCounter(reference, files.where, label="y")
        for batch in files.batches(counter.columns(files.names)):
            counter.add(batch)
        assert {part.label for part in counter.profile().parts} == wanted


def test_names_of_columns_that_are_not_utf_8(tmp_path):
    (tmp_path / "rows.csv").write_bytes(b"a,\xe9\n1,2\n")
    with pytest.raises(DataError, match="names of its columns are not UTF-8: write it in UTF-8"):
        RowFiles.open(str(tmp_path / "rows.csv"), "--against", {})
