"""Dead letters: every field has a name of its own, and the original comes back whole."""

import numpy as np
import pytest

from resampler import FeatureSchema
from stream import Settings, encode_batch, encode_row
from stream.commands.deadletters import read_letters, resubmit
from stream.redis.connection import raw_command
from stream.redis.keys import ShardKeys

HEAD = [b"reason", b"detail", b"n_rows"]


def _add(client, name, *items):
    return raw_command(client, "XADD", name, "*", *items).decode()


def _items(fields):
    return [item for pair in fields.items() for item in pair]


ORIGINALS = {
    "packed batch": _items(encode_batch([[np.nan, 0, 0], [0, np.inf, 0]], [0, 1])),
    "packed row": _items(encode_row([np.nan, 0, 0], 0)),
    "text": [b"a", b"x", b"b", b"1", b"c", b"1", b"label", b"0"],
    "a field twice": [b"a", b"1", b"a", b"2", b"b", b"1", b"c", b"1", b"label", b"0"],
    "a field called as the head's": [b"reason", b"none", b"detail", b"", b"n_rows", b"7", b"a", b"1"],
    "a field called wrapped": [b"wrapped", b"[]", b"a", b"1"],
    "only a field called wrapped": [b"wrapped", b"\xff"],
    "many fields": [item for i in range(1_500) for item in (b"f%d" % i, b"1")],
}


@pytest.mark.parametrize("original", ORIGINALS.values(), ids=ORIGINALS)
def test_no_two_fields_have_one_name_and_the_original_is_sent_again_as_it_was(client, name, run_worker, original):
    entry_id = _add(client, name, *original)
    run_worker(name)
    keys = ShardKeys(name)
    ((_, items),) = raw_command(client, "XRANGE", keys.dead, "-", "+")
    names = items[::2]
    assert names[:3] == HEAD
    assert len(set(names)) == len(names)
    (letter,) = read_letters(client, keys)
    assert (letter.id, letter.rows) == (entry_id, 2 if original[0] == b"rows" else 1)
    assert list(letter.original) == original
    assert resubmit(client, keys, [letter]) == 1
    assert raw_command(client, "XREVRANGE", name, "+", "-", "COUNT", 1)[0][1] == original
    assert client.xlen(keys.dead) == 0


def test_a_field_given_twice_is_listed_with_both_values(client, name, run_worker):
    _add(client, name, *ORIGINALS["a field twice"])
    run_worker(name)
    (letter,) = read_letters(client, ShardKeys(name))
    assert letter.to_dict()["fields"] == {"a": ["1", "2"], "b": "1", "c": "1", "label": "0"}


def test_a_column_called_rows_keeps_its_value(client, name, run_worker):
    schema = FeatureSchema.numeric(["rows", "n_rows"], label="label")
    _add(client, name, b"rows", b"5", b"n_rows", b"junk", b"label", b"1")
    run_worker(name, settings=Settings(schema))
    (letter,) = read_letters(client, ShardKeys(name))
    assert letter.to_dict()["fields"] == {"rows": "5", "n_rows": "junk", "label": "1"}


def test_letters_of_early_releases_are_read(client, name):
    keys = ShardKeys(name)
    payload = ORIGINALS["packed batch"]
    _add(client, keys.dead, b"reason", b"not_finite", b"detail", b"row 0", b"rows", b"2", *payload)
    wrapped = b'["a", "\\u00ff", "b", "1"]'
    _add(client, keys.dead, b"reason", b"unparsable", b"detail", b"", b"rows", b"1", b"wrapped", wrapped)
    first, second = read_letters(client, keys)
    assert (first.reason, first.rows, list(first.original)) == ("not_finite", 2, payload)
    assert second.original == (b"a", b"\xff", b"b", b"1")
