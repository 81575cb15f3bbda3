"""Changes at cursors: written as they always were, and kept as far as a replay could need them."""

import pytest

from stream.shard import changes
from stream.shard.changes import Changes, Feedback, Switch

AT = "2026-11-27T00:00:00+00:00"


def test_they_are_written_as_they_were_and_read_again():
    kept = Changes()
    assert kept.keep(Switch("1-0", True, AT, "labels")) == {
        "pauses": f'[{{"cursor":"1-0","paused":true,"at":"{AT}","reason":"labels"}}]'
    }
    fields = kept.keep(Feedback("2-0", {0: 0.5, 1: None}, AT, 12, "v1"))
    assert fields == {
        "feedback": f'[{{"cursor":"2-0","recall":[[0,0.5],[1,null]],"at":"{AT}","reported_ms":12,"model":"v1"}}]'
    }
    later = fields["feedback"].replace('"model"', '"learner":7,"model"').encode()
    found = Changes.parse({b"feedback": later})
    assert (found.feedback, found.switches, found.paused, found.lost) == (kept.feedback, [], False, "")
    assert kept.paused
    assert kept.all() == [*kept.switches, found.followed]


def test_the_newest_of_each_kind_are_kept_and_what_a_replay_would_lack_is_known(monkeypatch):
    monkeypatch.setattr(changes, "KEPT", 2)
    kept, paused = Changes(), False
    for cursor in ("0-0", "7-0", "7-0", "7-0"):
        fields = kept.keep(Feedback(cursor, {}, AT, 0))
    assert kept.lost == "0-0"  # of those at one cursor the last counts
    fields |= kept.keep(Feedback("12-0", {}, AT, 0)) | kept.keep(Feedback("13-0", {}, AT, 0))
    for cursor in ("1-0", "2-0", "3-0"):
        paused = not paused
        fields |= kept.keep(Switch(cursor, paused, AT))
    assert kept.lost == fields["changes_lost"] == "7-0"
    assert [one.cursor for one in kept.all()] == ["2-0", "3-0", "12-0", "13-0"]
    assert Changes.parse({name.encode(): value.encode() for name, value in fields.items()}) == kept


def test_a_list_of_before_there_was_a_limit_is_cut_at_once(monkeypatch):
    monkeypatch.setattr(changes, "KEPT", 2)
    kept = Changes(feedback=[Feedback(cursor, {}, AT, 0) for cursor in ("1-0", "2-0", "5-0", "5-0")])
    fields = kept.keep(Feedback("9-0", {}, AT, 0))
    assert [one.cursor for one in kept.feedback] == ["5-0", "9-0"]
    assert kept.lost == fields["changes_lost"] == "2-0"


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b'[{"cursor":"1-0"}]', b"7", b'[{"cursor":"1-0","recall":7}]'])
def test_something_else_is_refused(text):
    for name in (b"pauses", b"feedback"):
        with pytest.raises(ValueError, match=r".+"):
            Changes.parse({name: text})
