"""Rows that a version made, or that a model learned from, are no rows to measure on."""

import numpy as np
import pyarrow as pa
import pytest
from predicted import made, read, rules

from resampler.errors import DataError
from resampler.quality.gate.origin import check_flags, check_learned, check_origin, found_in

AT = np.datetime64("2024-01-01", "us") + np.arange(4000) * np.timedelta64(1, "h")
TRAIN = pa.table(
    {
        "id": [*range(5000, 5100), -1, -2],
        "event_timestamp": pa.array([*AT[:100], AT[0], AT[1]]).cast(pa.timestamp("us", "UTC")),
        "is_synthetic": [False] * 100 + [True] * 2,
    }
)
ASKED = rules(recall=0.1)


def predicted(**columns):
    keys = [name for name in ("id", "event_timestamp") if name in {"id", *columns}]
    return read(made(columns=columns), ASKED, keys=keys)


def test_rows_that_say_so_are_refused():
    check_flags(predicted(is_synthetic=np.zeros(4000, dtype=int)))
    check_flags(predicted())
    with pytest.raises(
        DataError, match=r"3 of 4,000 rows are synthetic .their file says so., the first id=3997: a figure"
    ):
        check_flags(predicted(is_synthetic=np.arange(4000) >= 3997))


def test_rows_are_known_by_their_keys():
    check_origin(predicted(event_timestamp=AT), TRAIN, "is_synthetic", ["id"], "fraud version 1")
    ids = np.arange(4000)
    ids[17] = -2
    with pytest.raises(DataError, match=r"1 of 4,000 rows are synthetic .fraud version 1 made them., the first id=-2"):
        check_origin(predicted(id=ids), TRAIN, "is_synthetic", ["id"], "fraud version 1")
    ids = np.arange(4000) + 5000
    with pytest.raises(DataError, match="100 of 4,000 rows are training rows of fraud version 1, the first id=5000"):
        check_origin(predicted(id=ids, event_timestamp=AT), TRAIN, "is_synthetic", ["id"], "fraud version 1")
    # an entity at another time is another row, and without a time none is known
    later = AT + np.timedelta64(1, "D")
    check_origin(predicted(id=ids, event_timestamp=later), TRAIN, "is_synthetic", ["id"], "fraud version 1")
    check_origin(predicted(id=ids), TRAIN, "is_synthetic", ["id"], "fraud version 1")


def test_keys_of_another_type():
    found = found_in(predicted(id=np.arange(4000, dtype=np.int32)), TRAIN.slice(0, 1), ["id"])
    assert not found.any()
    with pytest.raises(DataError, match=r"'id' of .* is of type string and the snapshot's of int64: write keys as"):
        found_in(predicted(id=np.arange(4000).astype(str)), TRAIN, ["id"])


def test_keys_of_other_widths_and_zones():
    ids = np.arange(4000, dtype=np.uint64)
    ids[5] = 2**63 + 7
    assert not found_in(predicted(id=ids), TRAIN, ["id"]).any()
    ids[6] = 5005
    assert np.flatnonzero(found_in(predicted(id=ids), TRAIN, ["id"])).tolist() == [6]
    paris = (
        pa.array(AT).cast(pa.timestamp("ns")).cast(pa.timestamp("ns", "UTC")).cast(pa.timestamp("ns", "Europe/Paris"))
    )
    coded = pa.array(np.arange(4000) + 5000)
    for at in (paris, pa.array(AT), pa.array(AT).cast(pa.timestamp("ns"))):
        found = found_in(predicted(id=coded, event_timestamp=at), TRAIN, ["id", "event_timestamp"])
        assert np.flatnonzero(found).tolist() == list(range(100))
    with pytest.raises(DataError, match=r"'id' of .* is of type double: keys are whole numbers, text or times"):
        predicted(id=np.arange(4000) * 0.5)


def test_training_figures_are_of_training_rows():
    table = (
        made().slice(0, 102).set_column(0, "id", TRAIN["id"]).append_column("event_timestamp", TRAIN["event_timestamp"])
    )
    learned = read(table, ASKED, keys=["id", "event_timestamp"])
    check_learned(learned, TRAIN, "is_synthetic", "fraud version 1")
    with pytest.raises(DataError, match="2 of 102 rows are no training rows of fraud version 1, the first id=-1"):
        check_learned(learned, TRAIN.slice(0, 100), "is_synthetic", "fraud version 1")
