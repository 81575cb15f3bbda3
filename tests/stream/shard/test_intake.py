"""What is taken in of a stream is the same however it is read."""

import numpy as np
import pytest

from stream import Settings
from stream.shard import intake as module
from stream.shard.intake import Intake


@pytest.fixture
def filled(client, name, make_rows, add_text):
    X, y = make_rows(100)
    add_text(client, name, X, y)
    client.xadd(name, {"junk": "1"}, id="101-0")
    return name, X, y


@pytest.fixture
def taking(client, schema):
    opened = []

    def take(key, position="0-0"):
        opened.append(Intake(client, key, Settings(schema), position))
        return opened[-1]

    yield take
    for one in opened:
        one.close()


def test_all_is_taken_in_once_and_then_nothing(filled, taking):
    name, X, y = filled
    intake, parts = taking(name), []
    while (decoded := intake.read().decoded) is not None:
        parts.append(decoded)
    assert len(parts) > 1
    np.testing.assert_array_equal(np.concatenate([part.X for part in parts]), X)
    np.testing.assert_array_equal(np.concatenate([part.y for part in parts]), y)
    assert [part.n_rejected for part in parts] == [0] * (len(parts) - 1) + [1]
    assert intake.position == "101-0"


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_up_to_an_entry_nothing_behind_it_is_taken_in(filled, taking, monkeypatch, chunk):
    monkeypatch.setattr(module, "FIRST_CHUNK_ENTRIES", chunk)
    name, X, _ = filled
    intake, at = taking(name), 0
    for stop in (30, 30, 31, 77):
        taken = list(intake.up_to(f"{stop}-0"))
        assert intake.position == f"{stop}-0"
        assert sum(part.n_entries for part in taken) == stop - at
        if taken:
            np.testing.assert_array_equal(np.concatenate([part.X for part in taken]), X[at:stop])
        at = stop
    assert intake.read().decoded.id(0) == "78-0"


def test_what_is_missing_is_passed_over(client, filled, taking):
    name, _, _ = filled
    client.xdel(name, *(f"{i}-0" for i in range(5, 20)))
    assert sum(part.n_entries for part in taking(name, "2-0").up_to("18-0")) == 2
