"""Feedback: the output follows from the input and the cursors at which a learner's recall was taken in, alone."""

import json
import os
import signal

import pytest
from chaos import fork, live, wait

from resampler import CorruptStateError, FeatureSchema, InvalidInputError, MicroBatch, OnlineResampler, ResamplerError
from stream import Feed, Settings
from stream.commands.status import shard_status
from stream.commands.statuslines import status_lines
from stream.formats.identity import encode
from stream.metrics import Metrics, Standing
from stream.redis.keys import ShardKeys, shard_keys
from stream.shard import changes, owned
from stream.shard.checkpoint import Checkpoint
from stream.shard.following import Following
from stream.shard.shard import Shard

COLUMNS = ("X", "y", "is_synthetic", "row_id", "base_id", "neighbor_id", "step")
PARAMETERS = {"linger_ms": 20, "capacity": 200, "window": 500, "feedback": 3600}
REPORTS = [{0: 0.9, 1: 0.9}, {0: 0.6, 1: 0.9}, {0: 0.9, 1: None}]


def _report(server, name, recall, model="v1", **options):
    with Feed(server.url, name, **options) as feed:
        feed.report_recall(recall, model=model)


def _records(client, name):
    return Checkpoint.load(client, ShardKeys(name)).changes.feedback


def _age(client, name, by_ms):
    """Let the report be older than it is."""
    said = json.loads(client.get(ShardKeys(name).feedback))
    client.set(ShardKeys(name).feedback, json.dumps(said | {"at_ms": said["at_ms"] - by_ms}))


def _read(server, name):
    with Feed(server.url, name, idle_s=0.01) as feed:
        return MicroBatch.concat(list(feed))


@pytest.fixture
def report_midway(server, client, make_rows, add_text, run_worker):
    """Read 300 rows, report, and so on; a worker of its own for each step, and one that takes the last report."""

    def run(name, between=lambda: None, **parameters):
        X, y = make_rows(1_200, minority=0.1)
        for step in range(4):
            stop = 300 * (step + 1) - (step < 3)  # to the end of a window
            start = max(0, 300 * step - 1)
            add_text(client, name, X[start:stop], y[start:stop], first=start + 1)
            run_worker(name, **PARAMETERS | parameters)
            if step < 3:
                _report(server, name, REPORTS[step])
                run_worker(name, **PARAMETERS | parameters)
            between()
        return X, y

    return run


def _check(server, name, schema, X, y, records):
    """Compare the output with that of a resampler in memory that is given the same recalls at the same cursors."""
    resampler = OnlineResampler(schema, ratio=0.5, seed=1, capacity=200, window=500)
    ids, parts, first = [encode(f"{i + 1}-0") for i in range(len(y))], [], 0
    for record in [*records, None]:
        last = len(y) if record is None else int(record.cursor.partition("-")[0])
        parts.append(resampler.process(X[first:last], y[first:last], ids[first:last]))
        first = last
        resampler.recall = record.recall if record else None
    wanted, found = MicroBatch.concat(parts), _read(server, name)
    for column in COLUMNS:
        assert getattr(found, column).tobytes() == getattr(wanted, column).tobytes(), column
    plain = OnlineResampler(schema, ratio=0.5, seed=1, capacity=200, window=500).process(X, y, ids)
    assert 50 < wanted.n_synthetic != plain.n_synthetic


@pytest.mark.parametrize("snapshot_rows", [120, 10**9])
@pytest.mark.parametrize("snapshot_is_deleted", [False, True])
def test_the_output_is_that_of_a_resampler_that_follows_at_these_cursors(
    server, client, name, schema, report_midway, snapshot_rows, snapshot_is_deleted
):
    def between():
        if snapshot_is_deleted:  # a replay of all crosses every change
            client.delete(ShardKeys(name).snapshot)

    X, y = report_midway(name, between, snapshot_rows=snapshot_rows)
    records = _records(client, name)
    assert [(one.cursor, one.recall, one.model) for one in records] == [
        ("299-0", {0: 0.9, 1: 0.9}, "v1"),
        ("599-0", {0: 0.6, 1: 0.9}, "v1"),
        ("899-0", {0: 0.9, 1: None}, "v1"),
    ]
    _check(server, name, schema, X, y, records)


def test_a_stream_that_follows_nobody_has_the_bytes_that_it_had(
    server, client, name, make_rows, add_text, run_worker, read_raw
):
    X, y = make_rows(300)
    for stream, feedback in ((name, 3600), (f"{name}-plain", None)):
        add_text(client, stream, X, y)
        run_worker(stream, **PARAMETERS | {"feedback": feedback})
        assert not client.hexists(ShardKeys(stream).checkpoint, "feedback")
    _report(server, f"{name}-plain", {1: 0.5})
    run_worker(f"{name}-plain", **PARAMETERS | {"feedback": None})  # who does not follow leaves reports alone
    assert not client.hexists(ShardKeys(f"{name}-plain").checkpoint, "feedback")
    assert read_raw(client, name) == read_raw(client, f"{name}-plain")


@pytest.mark.parametrize("ends", ["stale", "not asked for", "gone and stale"])
def test_a_learner_that_is_silent_is_followed_no_longer(
    server, client, name, schema, make_rows, add_text, run_worker, caplog, ends
):
    X, y = make_rows(600, minority=0.1)
    add_text(client, name, X[:299], y[:299])
    run_worker(name, **PARAMETERS)
    _report(server, name, {0: 0.5, 1: 0.9})
    run_worker(name, **PARAMETERS)
    _age(client, name, 600_000)
    add_text(client, name, X[299:459], y[299:459], first=300)
    run_worker(name, **PARAMETERS)
    assert len(_records(client, name)) == 1  # ten minutes are not old
    parameters = PARAMETERS | {"feedback": None if ends == "not asked for" else 300}
    if ends == "gone and stale":  # what was reported stands in the checkpoint too, as old as it was
        client.delete(ShardKeys(name).feedback)
        parameters["feedback"] = 1e-9
    run_worker(name, **parameters)
    add_text(client, name, X[459:], y[459:], first=460)
    run_worker(name, **parameters)
    records = _records(client, name)
    assert [one.recall for one in records] == [{0: 0.5, 1: 0.9}, {}]
    words = "--feedback was not given" if ends == "not asked for" else "s old, --feedback "
    assert words in records[-1].model
    assert words in caplog.text
    _check(server, name, schema, X, y, records)


def test_a_report_that_changes_little_or_comes_soon_is_no_commit(
    server, client, name, make_rows, add_text, run_worker, serving, schema, wait_for
):
    add_text(client, name, *make_rows(300))
    run_worker(name, **PARAMETERS)
    _report(server, name, {0: 0.5, 1: 0.9})
    run_worker(name, **PARAMETERS)
    _report(server, name, {0: 0.5, 1: 0.91})
    run_worker(name, **PARAMETERS)
    assert len(_records(client, name)) == 1
    _report(server, name, {0: 0.9, 1: 0.5})
    run_worker(name, **PARAMETERS)
    assert len(_records(client, name)) == 2


def test_a_replay_that_would_lack_changes_is_refused(
    server, client, name, make_rows, add_text, run_worker, monkeypatch, caplog
):
    """The newest are kept, and the saved state that was written with the last of them spares replays the others."""
    monkeypatch.setattr(changes, "KEPT", 2)
    X, y = make_rows(700, minority=0.3)
    for i in range(4):
        add_text(client, name, X[100 * i : 100 * (i + 1)], y[100 * i : 100 * (i + 1)], first=100 * i + 1)
        run_worker(name, **PARAMETERS)
        _report(server, name, {0: 0.5, 1: (0.9, 0.6)[i % 2]})
        run_worker(name, **PARAMETERS)
        run_worker(name, **PARAMETERS)  # what is left is enough for its replay
    assert [one.cursor for one in _records(client, name)] == ["300-0", "400-0"]
    client.delete(ShardKeys(name).snapshot)
    with pytest.raises(CorruptStateError, match="would lack what was changed up to 200-0: restore a newer saved state"):
        run_worker(name, **PARAMETERS)
    run_worker(name, **PARAMETERS, allow_gap=True)
    assert "changes that are kept no longer: a saved state is taken now" in caplog.text
    run_worker(name, **PARAMETERS)


def test_what_became_of_a_report_is_shown(server, client, name, schema, make_rows, add_text, monkeypatch):
    monkeypatch.setattr(owned, "IDLE_BLOCK_MS", 1)
    now, keys, metrics = [0.0], ShardKeys(name), Metrics(name)
    settings = Settings(schema, ratio=0.5, seed=1, **PARAMETERS)
    shard = Shard(client, keys, settings, "here", metrics.shard(keys.input), quiet_s=0.0, clock=lambda: now[0])
    X, y = make_rows(300, minority=0.3)
    add_text(client, name, X[:100], y[:100])
    assert shard.acquire()

    def shown(metric, **labels):
        return metrics.registry.get_sample_value(metric, {"stream": name, "shard": name, **labels})

    def step(first, standing):
        add_text(client, name, X[first : first + 50], y[first : first + 50], first=first + 1)
        for _ in range(6):
            now[0] += 2
            shard.step()
        (is_so,) = [one for one in Standing if shown("resampler_feedback", standing=one)]
        assert is_so == standing
        found = shard_status(client, keys)
        return found["report"], "\n".join(status_lines({"maintenance": None, "shards": [found]}))

    assert step(100, Standing.NONE)[0] is None
    assert shown("resampler_class_target_ratio", **{"class": "1"}) == 0.5
    _report(server, name, {0: 0.5, 1: 0.75})
    assert step(150, Standing.FOLLOWED)[0] is None
    assert [shown("resampler_class_weight", **{"class": label}) for label in "01"] == [1.0, 0.5]
    assert shown("resampler_class_target_ratio", **{"class": "1"}) == 0.25
    said = client.getset(keys.feedback, "72 %")
    report, lines = step(200, Standing.REFUSED)
    assert report["standing"] == "refused"
    assert "the last report of a learner is refused: key" in lines
    assert "follows v1 behind " in lines
    client.set(keys.feedback, said)
    _age(client, name, 7_200_000)
    report, lines = step(250, Standing.STALE)
    assert report["standing"] == "stale"
    assert lines.count("follows no learner any more: the last report is 72") == 1
    assert shown("resampler_class_target_ratio", **{"class": "1"}) == 0.5
    _report(server, name, {0: 0.5, 1: 0.75})
    assert step(300, Standing.FOLLOWED)[0] is None
    shard.release()


@pytest.mark.parametrize(
    "value",
    [
        "",
        "[]",
        "[" * 100_000,
        '{"at_ms": 1}',
        '{"at_ms": 1, "model": "", "recall": []}',
        '{"at_ms": 1, "model": "", "recall": [[1, 2.0]]}',
        '{"at_ms": 1, "model": "", "recall": [[1, NaN]]}',
        '{"at_ms": Infinity, "model": "", "recall": [[1, 0.5]]}',
        f'{{"at_ms": 1{"0" * 400}, "model": "", "recall": [[1, 0.5]]}}',
        None,  # a key of another type
    ],
    ids=range(10),
)
def test_what_is_no_report_is_said_once_and_passed_over(
    client, name, make_rows, add_text, run_worker, caplog, value, monkeypatch
):
    monkeypatch.setattr(Following, "EVERY_S", 0.0)
    add_text(client, name, *make_rows(100))
    if value is None:
        client.lpush(ShardKeys(name).feedback, "{}")
    else:
        client.set(ShardKeys(name).feedback, value)
    run_worker(name, **PARAMETERS)
    assert caplog.text.count("holds no recall to follow") == 1
    assert _records(client, name) == []


@pytest.mark.parametrize(
    ("by_ms", "words"), [(7_200_000, "s old, --feedback 3600 s"), (-7_200_000, "s ahead of the server's clock")]
)
def test_a_report_of_another_time_is_never_followed_which_is_said_once(
    server, client, name, make_rows, add_text, run_worker, caplog, by_ms, words, monkeypatch
):
    monkeypatch.setattr(Following, "EVERY_S", 0.0)
    add_text(client, name, *make_rows(100))
    run_worker(name, **PARAMETERS)
    _report(server, name, {0: 0.5, 1: 0.9})
    _age(client, name, by_ms)
    run_worker(name, **PARAMETERS)
    assert caplog.text.count("follows no learner: the last report is") == 1
    assert words in caplog.text
    assert _records(client, name) == []


def test_a_trainer_is_told_what_is_wrong_with_its_report(server, client, name, make_rows, add_text, run_worker):
    with pytest.raises(ResamplerError, match="no worker has begun stream"):
        _report(server, name, {1: 0.5})
    add_text(client, name, *make_rows(100))
    run_worker(name, **PARAMETERS)
    for recall, words in (
        ({1: float("nan")}, "must be from 0 to 1, or None if unknown, got nan"),
        ({7: 0.5}, r"classes that the stream has seen \(0, 1\), got 7"),
        ({"fraud": 0.5}, "recall must name classes of 'label'"),
        ({}, "recall must be that of one class at least"),
    ):
        with pytest.raises(InvalidInputError, match=words):
            _report(server, name, recall)
    with pytest.raises(InvalidInputError, match="model must be text of at most 200"):
        _report(server, name, {1: 0.5}, model="x" * 201)
    assert not client.exists(ShardKeys(name).feedback)


def test_one_report_goes_to_every_shard(server, client, name, make_rows, add_text, run_worker):
    keys = shard_keys(name, 2)
    for shard, n in zip(keys, (100, 200), strict=True):
        add_text(client, shard.input, *make_rows(n, minority=0.3))
    run_worker(name, shards=2, **PARAMETERS)
    _report(server, name, {0: 0.5, 1: 0.75}, shards=2)
    run_worker(name, shards=2, **PARAMETERS)
    found = [Checkpoint.load(client, one).changes.feedback for one in keys]
    assert [[(one.cursor, one.recall) for one in records] for records in found] == [
        [("100-0", {0: 0.5, 1: 0.75})],
        [("200-0", {0: 0.5, 1: 0.75})],
    ]
    shard = shard_status(client, keys[0])
    assert json.loads(json.dumps(shard["feedback"]))["weights"] == {"0": 1.0, "1": 0.5}
    lines = "\n".join(status_lines({"maintenance": None, "shards": [shard]}))
    assert "follows v1 behind 100-0 since " in lines
    assert "class 0: 1.00, class 1: 0.50 of the ratio" in lines


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.parametrize("portion", [0.5, 1.0])
def test_killed_around_a_change(server, client, name, schema, make_rows, add_text, run_worker, portion):
    """A worker that dies before that commit has changed nothing; one behind it has, and the next goes on from there."""
    X, y = make_rows(900, minority=0.1)
    settings = Settings(FeatureSchema.numeric(("a", "b", "c")), ratio=0.5, seed=1, **PARAMETERS)
    for step in range(3):
        start, stop = max(0, 300 * step - 1), 300 * (step + 1) - (step < 2)
        add_text(client, name, X[start:stop], y[start:stop], first=start + 1)
        run_worker(name, settings=settings)
        if step == 2:
            break
        _report(server, name, {0: 0.5, 1: 0.9 - 0.2 * step})
        kill = (b"EVALSHA", 1 + step, portion)
        code = wait(fork(lambda kill=kill: live(server.url, name, settings, 0.05, kill)))
        assert code in (0, -signal.SIGKILL)
    _check(server, name, schema, X, y, _records(client, name))
    assert len(_records(client, name)) == 2
