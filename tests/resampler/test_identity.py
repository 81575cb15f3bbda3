"""Row ids, seeded ranks and content digests do not depend on how a table is cut or ordered."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resampler.errors import DataError
from resampler.identity import ContentDigest, hash_values, mix64, row_ids

MASK = 2**64 - 1


def naive_mix64(value: int) -> int:
    z = (value + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


@given(st.lists(st.integers(0, MASK), min_size=1, max_size=20))
def test_mix64_against_its_naive_loop(values):
    assert mix64(np.array(values, dtype=np.uint64)).tolist() == [naive_mix64(v) for v in values]


@given(st.lists(st.text(max_size=5), min_size=1, max_size=20))
def test_strings_are_hashed_value_by_value(values):
    expected = [int.from_bytes(hashlib.blake2b(v.encode(), digest_size=8).digest(), "little") for v in values]
    assert hash_values(pa.chunked_array([pa.array(values, pa.string())])).tolist() == expected


keys = st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.text(max_size=3)), min_size=1, max_size=30, unique=True)


@given(keys, st.randoms())
def test_a_row_has_its_id_wherever_it_stands(rows, random):
    def ids(order):
        columns = {"a": pa.array([a for a, _ in order], pa.int64()), "b": pa.array([b for _, b in order], pa.string())}
        return dict(zip(order, row_ids(pa.table(columns), ["a", "b"]).tolist(), strict=True))

    shuffled = list(rows)
    random.shuffle(shuffled)
    assert ids(rows) == ids(shuffled)
    assert len(set(ids(rows).values())) == len(rows)
    assert min(ids(rows).values()) >= 0


def table(n=60):
    rng = np.random.default_rng(3)
    text = [None if i % 7 == 0 else "x" * (i % 5) for i in range(n)]
    return pa.table(
        {
            "f": pa.array([None if i % 11 == 0 else float(i) for i in range(n)], pa.float32()),
            "i": pa.array([None if i % 13 == 0 else i for i in range(n)], pa.int64()),
            "b": pa.array(rng.random(n) < 0.5),
            "s": pa.array(text, pa.string()),
            "t": pa.array(np.arange(n), pa.timestamp("us", "UTC")),
            "l": pa.array([None if i % 17 == 0 else [float(i)] * 2 for i in range(n)], pa.list_(pa.float32())),
        }
    )


def digest(t, cuts):
    content = ContentDigest(t.schema)
    for start, stop in zip([0, *cuts], [*cuts, t.num_rows], strict=True):
        content.update(t.slice(start, stop - start))
    return content.hexdigest()


@given(st.lists(st.integers(0, 60), max_size=6).map(sorted))
def test_a_digest_does_not_depend_on_batches(cuts):
    assert digest(table(), cuts) == digest(table(), [])


def test_keys_that_repeat_are_refused():
    table = pa.table({"customer": ["a", "b", "a"], "day": [1, 1, 1]})
    assert len(set(row_ids(table.slice(0, 2), ["customer", "day"]).tolist())) == 2
    with pytest.raises(DataError, match="keys customer, day must tell rows apart, and 1 of 3 rows repeat another's"):
        row_ids(table, ["customer", "day"])


@pytest.mark.parametrize("name", table().column_names)
def test_a_digest_sees_every_value_null_and_place(name):
    t = table()
    index = t.schema.get_field_index(name)
    for change in (
        lambda values: [values[1], values[0], *values[2:]],
        lambda values: [None, *values[1:]] if values[0] is not None else [values[1], *values[1:]],
    ):
        changed = t.set_column(index, name, pa.array(change(t[name].to_pylist()), t[name].type))
        if changed != t:
            assert digest(changed, []) != digest(t, [])
    renamed = t.rename_columns(["z" if n == name else n for n in t.column_names])
    assert digest(renamed, []) != digest(t, [])


def test_nulls_and_lengths_cannot_stand_in_for_values():
    schema = pa.schema([("s", pa.string())])
    texts = [["ab", "c"], ["a", "bc"], ["abc", ""], ["abc", None], [None, "abc"], ["", "abc"]]
    assert len({digest(pa.table({"s": pa.array(x, pa.string())}, schema=schema), []) for x in texts}) == len(texts)
