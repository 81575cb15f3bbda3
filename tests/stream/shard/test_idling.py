"""A worker that makes nothing for long says why: in its log, once and then ever more rarely, and in its checkpoint."""

import pytest

from resampler import FeatureSchema, OnlineResampler
from stream import Settings
from stream.commands.dryrun import dry_run
from stream.commands.status import shard_status
from stream.commands.statuslines import status_lines
from stream.redis.keys import ShardKeys
from stream.shard import idling, intake
from stream.shard.changes import Changes, Feedback
from stream.shard.checkpoint import Checkpoint
from stream.shard.idling import Idling

SCHEMA = FeatureSchema.numeric(["a"])
PARAMETERS = {"ratio": 0.5, "window": 100, "linger_ms": 20}


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(idling, "AFTER_ROWS", 200)
    monkeypatch.setattr(idling, "LITTLE", 0.02)
    for constant in ("CHUNK_ROWS", "MAX_CHUNK_ENTRIES", "FIRST_CHUNK_ENTRIES"):
        monkeypatch.setattr(intake, constant, 64)


def test_the_reason_stands_in_the_checkpoint_until_rows_are_made(client, name, make_rows, add_text, run_worker, caplog):
    X, y = make_rows(900, minority=0.1)
    y[:600] = 0
    y[:3] = 1
    add_text(client, name, X[:600], y[:600])
    run_worker(name, **PARAMETERS)
    shard = shard_status(client, ShardKeys(name))
    assert [(one["reason"], one["label"]) for one in shard["idle"]] == [("too_few", 1)]
    assert "class 1 has 3 rows of the 6" in shard["idle"][0]["words"]
    assert "0 synthetic rows for the last" in caplog.text
    assert not [line for line in status_lines({"maintenance": None, "shards": [shard]}) if "hardly any" in line]
    add_text(client, name, X[600:], y[600:], first=601)
    run_worker(name, **PARAMETERS)
    assert Checkpoint.load(client, ShardKeys(name)).idle == []


def test_what_is_said_in_status(client, name, make_rows, add_text, run_worker):
    add_text(client, name, *make_rows(600, minority=0.5))
    run_worker(name, **PARAMETERS)
    lines = list(status_lines({"maintenance": None, "shards": [shard_status(client, ShardKeys(name))]}))
    assert any("hardly any synthetic row for long: class" in line and "has reached its ratio" in line for line in lines)


def test_a_stream_that_makes_rows_has_nothing_of_it(client, name, make_rows, add_text, run_worker):
    add_text(client, name, *make_rows(600))
    run_worker(name, **PARAMETERS)
    assert not client.hexists(ShardKeys(name).checkpoint, "idle")
    assert shard_status(client, ShardKeys(name))["idle"] == []


def test_a_dry_run_says_why_nothing_would_be_made(client, name, schema, make_rows, add_text):
    add_text(client, name, *make_rows(300, minority=0.0))
    report = dry_run([(client, ShardKeys(name))], Settings(schema))
    assert [one["reason"] for one in report["idle"][name]] == ["one_class"]


class Context:
    """What `Idling` asks of a shard's context."""

    keys = ShardKeys("s")

    def __init__(self):
        self.metrics, self.shown = self, []

    def idle(self, idle):
        self.shown.append(idle)


def test_it_is_said_ever_more_rarely_and_a_new_reason_at_once(caplog):
    context, stored = Context(), Checkpoint("0-0")
    watch, resampler = Idling(context, stored), OnlineResampler(SCHEMA)
    resampler.process([[0.0]], [0], [0])
    said = []
    for rows in range(100, 10_001, 100):
        stored.rows = rows
        caplog.clear()
        watch.look(stored, resampler)
        if caplog.text:
            said.append(rows)
    assert said == [200, 600, 1400, 3000, 6200]
    resampler.paused = True
    stored.rows += 100
    watch.look(stored, resampler)
    assert "paused" in caplog.text
    assert stored.idle[0]["reason"] == "paused"
    stored.synthetic += 100
    watch.look(stored, resampler)
    assert stored.idle == []
    assert (context.shown[0], context.shown[-3:]) == (False, [True, False, False])  # a pause was asked for


@pytest.mark.parametrize(
    ("reason", "label", "recall", "odd"),
    [
        ("paused", None, {}, False),
        ("warmup", None, {1: 0.9, 2: 0.1}, False),
        ("reached", 1, {}, False),
        ("below_one", 1, {1: 0.1, 2: 0.9}, False),
        ("reached", 1, {1: 0.9, 2: 0.1}, True),  # the learner knows the class, as it says
        ("too_few", 1, {}, True),
        ("one_class", None, {}, True),
        ("no_arrival", 1, {}, True),
    ],
)
def test_one_owner_takes_over_what_the_last_has_found_and_calls_for_what_nobody_asked(reason, label, recall, odd):
    context, changes = Context(), Changes(feedback=[Feedback("1-0", recall, "", 0)])
    idle = [{"reason": "reached", "label": 3, "words": "-"}, {"reason": reason, "label": label, "words": "-"}]
    Idling(context, Checkpoint("1-0", rows=10_000, idle=idle if label else idle[1:], changes=changes))
    assert context.shown == [odd]
