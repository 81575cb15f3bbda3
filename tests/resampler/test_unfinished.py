"""What is said of an unfinished run is as it was written, or it is none."""

import json

import pytest

from resampler.errors import CorruptStateError
from resampler.ledger import now
from resampler.monitoring import beside
from resampler.storage import Location
from resampler.unfinished import FILE, FOLDER, Unfinished, remove_unfinished, unfinished


@pytest.mark.parametrize(
    "changed",
    [
        {"begun": 3},
        {"begun": "yesterday"},
        {"begun": "2026-01-01T00:00:00"},
        {"token": "../../elsewhere"},
        {"step": ["snapshot"]},
        {"parts": []},
        {"parts": {"reading rows": 3}},
        {"spent": 3},
        {"given": 3},
        {"format": 2},
    ],
)
def test_what_was_changed_is_not_gone_on_with_counted_or_a_traceback_and_is_removed(tmp_path, changed):
    home = Location.parse(tmp_path)
    for token in ("aaa", "bbb"):
        Unfinished(token, token, now()).write(home / FOLDER / token)
    file = tmp_path / FOLDER / "aaa" / FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | changed))
    with pytest.raises(CorruptStateError, match="says nothing of an unfinished run"):
        Unfinished.read(home / FOLDER / "aaa")
    assert [run.token for run in unfinished(home)] == ["bbb"]
    assert [one.value for one in beside.samples("fraud", home)] == [0, 1]
    assert remove_unfinished(home, old=True) == ["aaa"]
