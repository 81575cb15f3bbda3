"""What waits beside a snapshot: in order, whole, and true."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from publications import told_of

from resampler.errors import CorruptStateError
from resampler.lineage import outbox as module
from resampler.lineage.outbox import POINTED, REMOVED, Outbox
from resampler.storage import Location


@pytest.fixture
def outbox(tmp_path):
    return Outbox(Location.parse(tmp_path / "fraud"))


def put(outbox, *events):
    outbox.confirm(names := outbox.stage(list(events)))
    return names


def test_events_come_out_as_they_were_written_and_in_order(outbox):
    events = [told_of(version) for version in (3, 1, 2)]
    names = put(outbox, *events)
    assert outbox.names() == names
    assert [outbox.read(name) for name in names] == events
    assert (outbox.waiting.events, outbox.waiting.age) == (3, "less than a minute")
    assert sorted(path.name for path in Path(outbox.directory.path).glob("*.json")) == names, "which metrics count"


def test_the_same_event_has_the_same_id_and_a_move_has_one_of_its_own():
    assert told_of(1).id == told_of(1).id != told_of(2).id
    assert told_of(1).id != told_of(1, to="mlflow").id
    assert told_of(1, what=POINTED).id != told_of(1, what=POINTED).id


def test_nothing_is_sent_before_it_has_happened_and_who_was_killed_is_made_up_for(outbox):
    happened = {"file": "v0001/manifest.json", "text": told_of(1).about["digest"]}
    never = {"file": "v0002/manifest.json", "text": told_of(2).about["digest"]}
    names = outbox.stage([told_of(1, holds=happened), told_of(2, holds=never)])
    names += outbox.stage([told_of(3, what=REMOVED, holds={"absent": "v0003/manifest.json"})])
    names += outbox.stage([told_of(4, what=REMOVED, holds={"absent": "v0001/manifest.json"})])
    assert outbox.names() == []
    (outbox.home / "v0001" / "manifest.json").write_at_once(f'"digest": "{told_of(1).about["digest"]}"'.encode())
    outbox.settle()
    assert outbox.names() == [names[0], names[2]]
    outbox.settle()
    assert len((outbox.home / "outbox").files()) == 2


def test_what_was_withdrawn_is_gone(outbox):
    outbox.withdraw(outbox.stage([told_of(1)]))
    assert (outbox.home / "outbox").files() == []


def test_so_many_wait_and_no_more(outbox, monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    names = put(outbox, *(told_of(version) for version in range(1, 6)))
    assert outbox.bound() == 3
    assert outbox.names() == names[-2:]


def test_of_a_forgotten_version_it_is_only_told_that_it_is_gone(outbox):
    put(outbox, told_of(1), told_of(2), told_of(2, what=POINTED, before=1), told_of(1, what=REMOVED))
    (name,) = put(outbox, told_of(1, to="mlflow"))
    outbox.refuse(name)
    outbox.forget(1)
    left = [outbox.read(name) for name in outbox.names()]
    assert [(one.what, one.about["version"]) for one in left] == [("published", 2), ("removed", 1)]
    assert outbox.waiting.refused == 0


def test_what_is_no_event(outbox):
    (name,) = put(outbox, told_of(1))
    (outbox.directory / name).write_at_once(b"{}")
    with pytest.raises(CorruptStateError, match="is no event of an outbox"):
        outbox.read(name)


def _broken():
    good = asdict(told_of(1)) | {"format": 1}
    for about in ({}, [], "x", None, good["about"] | {"version": [1]}, good["about"] | {"publication": 3}):
        yield good | {"about": about}
    for holds in ([], "x", None, {"file": 3}, {"file": "../../secret", "text": "x"}, {"absent": "../x"}):
        yield good | {"holds": holds}


@pytest.mark.parametrize("content", list(_broken()))
def test_what_is_no_event_is_said_settled_and_forgotten(outbox, content):
    name = "20260102030405000000-mlflow-published-abcdef12.json"
    (outbox.directory / name).write_at_once(json.dumps(content).encode())
    with pytest.raises(CorruptStateError, match="is no event of an outbox"):
        outbox.read(name)
    outbox.forget(7)
    assert outbox.names() == [], "nobody knows of whom it tells"
    (outbox.directory / f"{name}.staged").write_at_once(json.dumps(content).encode())
    outbox.settle()
    assert outbox.directory.files() == []


def test_what_a_killed_writer_left_half_is_forgotten_too(outbox):
    (name,) = outbox.stage([told_of(1)])
    half = outbox.directory / f"{name}.staged.part"
    (outbox.directory / f"{name}.staged").move_to(half)
    outbox.forget(1)
    assert outbox.directory.files() == []


def test_times_that_were_counted_up_are_told_as_far_as_they_are_times(outbox):
    names = {
        "20260102035959999999": "2026-01-02T03:59:59.999999+00:00",
        "20260102035960000000": "2026-01-02T03:59:00+00:00",
        "20260102036000000000": "2026-01-02T03:00:00+00:00",
        "20269902036000000000": None,
    }
    for at, told in names.items():
        file = outbox.directory / f"{at}-mlflow-published-abcdef12.json"
        file.write_at_once(b"{}")
        assert outbox.waiting.oldest == told
        file.remove()
