"""Each alert fires at its fault, alone, and stays silent where the fault is none: asked of promtool.

Every case is a whole healthy world with one thing changed, so that it shows what else a fault would raise.
"""

import json
import random
from itertools import accumulate

import pytest
from prometheus import promtool
from rule_worlds import DAY, LEDGER, STEP_S, WORKER, World, check, promtool_tests

from resampler.monitoring.alerts import ALERTS
from resampler.monitoring.catalog import METRICS

CLICKS, FRAUD = "clicks", "fraud"


def shifted(to):
    """Let the rare class's rows come at another rate; none are made once it has what the ratio asks for."""
    world = World(60, 45).grow("resampler_rows_total", to, **{"class": "1"})
    return world.grow("resampler_samples_generated_total", max(19 - to, 0), **{"class": "1"})


def server_down():
    world = World().idle().change("resampler_server_up", 0).change("resampler_shards", 0)
    world.change("resampler_shards", 1, state="unknown")
    return world.lose("resampler_shard_owned", "resampler_stream_lag_rows")


def taken_over(world):
    """Let another worker take the shard a minute after the fault."""
    other = WORKER.replace("w0", "w1")
    for series in [series for series in world.series if WORKER in series]:
        values = World().series[series]
        again = series.replace(WORKER, other)
        world.series[again] = [None] * (world.k + 1) + [value - values[world.k] for value in values[world.k + 1 :]]
        if "_total" not in series:
            world.series[again][world.k + 1 :] = values[world.k + 1 :]
    world.series[f"up{{{other}}}"] = [1] * world.n
    world.series[f'resampler_worker_info{{{other},stream="clicks",run="r2",version="1",contract="c",seed="0"}}'] = [
        1
    ] * world.n
    return world


def refused(reason, per_s=1 / 30):
    return World().idle().grow("resampler_refused_commits_total", per_s, reason=reason)


def lagging(per_minute):
    return World().change("resampler_stream_lag_rows", lambda minutes: 40_000 + per_minute * minutes)


def feed(per_minute):
    return World().change("resampler_feed_lag_rows", lambda minutes: 80_000 + per_minute * minutes)


def dead(reason, per_s):
    return World().grow("resampler_dead_letters_total", per_s, reason=reason)


def ratio(made):
    return World().grow("resampler_samples_generated_total", made, **{"class": "1"})


def reported(standing):
    world = World().change("resampler_feedback", 0, standing="followed")
    return world.change("resampler_feedback", 1, standing=standing)


def asked(ratio, made=14):
    """Let quotas ask for another share of the rare class, which comes out as it did."""
    world = World().change("resampler_class_target_ratio", ratio)
    return world.grow("resampler_samples_generated_total", made, **{"class": "1"})


def outcome(step, word):
    world = World().change("resampler_last_run_outcome", 0, step=step)
    return world.change("resampler_last_run_outcome", 1, step=step, outcome=word)


def gates(found, missed, false, minutes=60, fault=30, step_s=STEP_S):
    """Let gates count so many rows a second from the fault on."""
    world = World(minutes, fault, step_s)
    for result, per_s in (("true_positive", found), ("false_negative", missed), ("false_positive", false)):
        world.grow("resampler_gate_predictions_total", per_s, result=result)
    return world


def without_target(world):
    """Let the target go with its series: it was taken off."""
    world.series[f"up{{{WORKER}}}"][world.k :] = ["stale"] + [None] * (world.n - world.k - 1)
    return world


def another_class():
    """Let rows of a class come that there was not before."""
    world = World(60, 45)
    series = f'resampler_rows_total{{{WORKER},stream="clicks",shard="clicks",class="2"}}'
    world.series[series] = [None] * world.k + [20 * world.step_s * i for i in range(world.n - world.k)]
    return world


def off(seconds, **labels):
    """Let the worker's clock be off, and what it says of times with it."""
    world = World().change("resampler_last_commit_timestamp_seconds", lambda minutes: 1_800 + 60 * minutes + seconds)
    return world.change("resampler_clock_skew_seconds", seconds)


def never_seen(*up):
    """Return a world in which workers were down since before Prometheus began."""
    world = without(WORKER)
    for i, value in enumerate((0, *up)):
        world.gauge(f'up{{job="resampler-worker",instance="w{i}:9464"}}', value)
    return world


def unsaid(world):
    """Let no policy say an objective: the gate's own default counts."""
    world.series = {series: values for series, values in world.series.items() if "gate_objective" not in series}
    return world


# Name: the world, whose alerts fire, and from which minute on; the fault is at 30.
FIRES = {
    "ResamplerServerDown": (server_down(), CLICKS, 32),
    "ResamplerCommitsRefused": (refused("disk"), CLICKS, 34),
    "ResamplerWorkerDown": (World().idle().down(), CLICKS, 32),
    "ResamplerWorkerLost": (taken_over(World().down()), CLICKS, 37),
    "ResamplerWorkerHangs": (World().idle().change("resampler_hanging_threads", 1), CLICKS, 32),
    "ResamplerShardUnowned": (
        World()
        .idle()
        .change("resampler_shard_owned", 0)
        .change("resampler_shards", 0, state="owned")
        .change("resampler_shards", 1, state="unowned")
        .lose("resampler_stream_lag_rows"),
        CLICKS,
        32,
    ),
    "ResamplerCommitsStalled": (World().idle(), CLICKS, 35),
    "ResamplerLagHigh": (lagging(2_000), CLICKS, 45),
    "ResamplerFeedLagging": (feed(2_000), CLICKS, 45),
    "ResamplerClockSkew": (World().change("resampler_clock_skew_seconds", -2.5), CLICKS, 36),
    "ResamplerSchemaChange": (dead("missing_field", 20), CLICKS, 33),
    "ResamplerDeadLetters": (dead("not_finite", 5), CLICKS, 33),
    "ResamplerDuplicateRows": (World().change("resampler_neighbor_distance", 0, **{"class": "1"}), CLICKS, 33),
    "ResamplerLabelShift": (shifted(30), CLICKS, 53),
    "ResamplerDrift": (World().change("resampler_drift_distance_max", 0.2), CLICKS, 41),
    "ResamplerRatioOffTarget": (ratio(0), CLICKS, 51),
    "ResamplerIdle": (World().change("resampler_idle", 1), CLICKS, 46),
    "ResamplerFeedbackNotFollowed": (reported("stale"), CLICKS, 46),
    "ResamplerBufferRecallLow": (World().change("resampler_buffer_recall", 0.7, **{"class": "1"}), CLICKS, 51),
    "ResamplerMaintenance": (World().change("resampler_maintenance", 1, dataset="fraud"), FRAUD, 31),
    "ResamplerLedgerDamaged": (World().change("resampler_ledger_unread_files", 2), FRAUD, 41),
    "ResamplerGateFailed": (outcome("gate", "no"), FRAUD, 31),
    "ResamplerPrivacyFailed": (outcome("privacy", "no"), FRAUD, 31),
    "ResamplerRunFailed": (outcome("snapshot", "failed"), FRAUD, 31),
    "ResamplerSnapshotDrift": (outcome("drift", "no"), FRAUD, 31),
    "ResamplerSnapshotRatioOffTarget": (
        World().change("resampler_snapshot_ratio", 0.15, **{"class": "1"}),
        FRAUD,
        31,
    ),
    "ResamplerRecallBudgetBurnFast": (gates(0.2, 0.8, 0.05, 1_500, 1_200, 900), FRAUD, 1_245),
    "ResamplerPrecisionBudgetBurnFast": (gates(0.9, 0.1, 9, 1_500, 1_200, 900), FRAUD, 1_245),
    # Times in hours and days: a step is ten minutes.
    "ResamplerRecallBudgetBurnSlow": (gates(0.7, 0.3, 0.2, 1500, 300, 600), FRAUD, 1400),
    "ResamplerPrecisionBudgetBurnSlow": (gates(0.9, 0.1, 0.5, 1500, 300, 600), FRAUD, 1400),
    "ResamplerPausedLong": (World(1500, 300, 600).change("resampler_paused", 1), CLICKS, 370),
    "ResamplerRunUnfinished": (World(1500, 300, 600).change("resampler_unfinished_runs", 1), FRAUD, 370),
    "ResamplerLineageUnsent": (World(1500, 300, 600).change("resampler_lineage_outbox_events", 4), FRAUD, 370),
    "ResamplerLedgerUnread": (World(1500, 300, 600).freeze("resampler_ledger_read_timestamp_seconds"), FRAUD, 380),
    "ResamplerSnapshotStale": (
        World(6_000, 300, 1800).freeze("resampler_snapshot_created_timestamp_seconds"),
        FRAUD,
        2_910,
    ),
}


# Other faults that an alert is there for, in the same form.
ALSO = {
    "ResamplerLedgerUnread": (World().lose(LEDGER), FRAUD, 42),  # its reader has gone
    "ResamplerShardUnowned": (without_target(World().lose(WORKER)), CLICKS, 32),  # its workers have gone
    "ResamplerLabelShift": (another_class(), CLICKS, 53),
    "ResamplerRatioOffTarget": (ratio(40), CLICKS, 51),
    "ResamplerRatioOffTarget quota": (asked(0.5), CLICKS, 52),
    "ResamplerFeedbackNotFollowed": (reported("none"), CLICKS, 46),
    "ResamplerCommitsRefused": (refused("full"), CLICKS, 34),
    "ResamplerClockSkew": (off(-300), CLICKS, 36),
    "ResamplerCommitsStalled": (
        World().idle().change("resampler_last_commit_timestamp_seconds", 1_800 + 3_600),  # by a clock an hour ahead
        CLICKS,
        35,
    ),
    "ResamplerPrecisionBudgetBurnFast": (  # the gate that it burns in said no, which is the same
        gates(0.9, 0.1, 9, 1_500, 1_200, 900)
        .change("resampler_last_run_outcome", 0, step="gate", outcome="pass")
        .change("resampler_last_run_outcome", 1, step="gate", outcome="no"),
        FRAUD,
        1_245,
    ),
    "ResamplerRecallBudgetBurnFast": (unsaid(gates(0.2, 0.8, 0.05, 1_500, 1_200, 900)), FRAUD, 1_245),
}


def test_a_window_of_a_stream_does_not_hang_on_a_ledger_of_the_same_name(tmp_path):
    world = World(400, 300, 600).freeze("resampler_ledger_read_timestamp_seconds")
    world.gauge('resampler_maintenance{job="worker",dataset="fraud",kind="stream"}', 1)
    fires = {("ResamplerMaintenance", "fraud"): 1, ("ResamplerLedgerUnread", "fraud"): 1}
    assert check(tmp_path, {"world": (world, {380: fires})}) == {}


@pytest.mark.parametrize(("up", "name"), [(0, "ResamplerWorkerDown"), (1, "ResamplerWorkerLost")])
def test_workers_that_were_never_seen_are_missed_by_the_name_of_their_job(up, name, tmp_path):
    expected = {0: {}, 8: {(name, "resampler-worker"): 2 - up}}
    (tmp_path / "tests").write_text(json.dumps(promtool_tests(STEP_S, {"": (name, never_seen(up), expected)})))
    done = promtool("test", "rules", tmp_path / "tests")
    assert done.returncode == 0, done.stdout


def test_a_version_is_old_by_how_often_there_is_one(tmp_path):
    world = World(50 * 1_440, 1_440, 6 * 3_600).freeze("resampler_snapshot_created_timestamp_seconds")
    world.change("resampler_snapshot_interval_seconds", 30 * DAY)
    expected = {day * 1_440: {} for day in (3, 30, 45)} | {47 * 1_440: {("ResamplerSnapshotStale", "fraud"): 1}}
    assert check(tmp_path, {"world": (world, expected)}) == {}


def test_an_audit_that_failed_does_not_hide_an_old_version(tmp_path):
    world = World(6_000, 300, 1_800).freeze("resampler_snapshot_created_timestamp_seconds")
    world.change("resampler_last_run_outcome", 0, step="privacy")
    world.change("resampler_last_run_outcome", 1, step="privacy", outcome="failed")
    fires = {("ResamplerRunFailed", "fraud"): 1, ("ResamplerSnapshotStale", "fraud"): 1}
    assert check(tmp_path, {"world": (world, {2_910: fires})}) == {}


@pytest.mark.parametrize("usual", [range(24), range(0)], ids=["shifted", "as it is"])
def test_shares_that_go_with_the_hour_or_the_weekday_are_no_shift(usual, tmp_path):
    """Frauds come at night, and at weekends more; a night four times as bad as others is said all the same."""
    world = World(9 * 1440, 0, 600)
    world.series = {series: values for series, values in world.series.items() if "resampler_rows_total" in series}
    for label, per_s in (("0", 95), ("1", 5)):
        steps = []
        for i in range(world.n):
            day, hour = divmod(i * 600 // 3_600, 24)
            rare = (4 if hour < 6 else 1) * (4 if day % 7 in (1, 2) else 1)
            worse = 4 if day == 8 and hour == 3 and 3 in usual else 1
            steps.append(600 * per_s * (rare * worse if label == "1" else 1))
        world.series[world.find("resampler_rows_total", **{"class": label})[0]] = running(steps)
    at = {day * 1440 + hour * 60 + 40: {} for day in (8,) for hour in (1, 3, 7)}
    if usual:
        at[8 * 1440 + 3 * 60 + 40] = {("ResamplerLabelShift", "clicks"): 1}
    assert check(tmp_path, {"world": (world, at)}) == {}


def test_every_alert_has_a_case():
    assert FIRES.keys() == ALERTS.keys()


def expected(name, world, dataset, first):
    """Return when nothing fires, and when the alert alone: before the fault, at first, and at the end."""
    last = (world.n - 1) * world.step_s // 60
    before = world.k * world.step_s // 60 - 1
    return {before: {}, first: {(name, dataset): 1}, last: {(name, dataset): 1}}


def test_a_fault_raises_its_alert_and_no_other(tmp_path):
    cases = {name: (case[0], expected(name, *case)) for name, case in FIRES.items()}
    cases |= {f"{name}, also": (case[0], expected(name.split()[0], *case)) for name, case in ALSO.items()}
    assert check(tmp_path, cases) == {}


def test_a_window_that_nobody_reads_any_more_silences_nothing(tmp_path):
    world = World(400, 300, 600).freeze("resampler_ledger_read_timestamp_seconds")
    world.change("resampler_maintenance", 1, dataset="fraud")
    before = {310: {("ResamplerMaintenance", "fraud"): 1}}
    assert check(tmp_path, {"unread": (world, before | {380: {("ResamplerLedgerUnread", "fraud"): 1}})}) == {}


def without(*parts):
    """Return a world in which series never were there."""
    world = World()
    world.series = {series: values for series, values in world.series.items() if not any(p in series for p in parts)}
    return world


def slow(share, per_s=0.02):
    """Return a world with so few rows that their shares say little."""
    world = World()
    for label, at in (("0", 0.95), ("1", 0.05)):
        world.counter(world.find("resampler_rows_total", **{"class": label})[0], per_s * at)
        world.counter(world.find("resampler_samples_generated_total", **{"class": label})[0], 0)
        world.grow("resampler_rows_total", per_s * (share if label == "1" else 1 - share), **{"class": label})
    return world


def always(name, value, **labels):
    world = World()
    for series in world.find(name, **labels):
        world.gauge(series, value)
    return world


def chance(seed):
    """Return a world in which counts are those of chance: rows of streams, and errors of models at their objective."""
    draw = random.Random(seed)
    world = World()
    for i in range(20):
        rare = draw.choice([0.002, 0.01, 0.05, 0.2])
        for label, per_s in (("0", 20 * (1 - rare)), ("1", 20 * rare)):
            mean = per_s * world.step_s
            steps = [max(0, round(draw.gauss(mean, mean**0.5))) for _ in range(world.n)]
            world.series[f'resampler_rows_total{{{WORKER},stream="s{i}",shard="s{i}",class="{label}"}}'] = running(
                steps
            )
        found, missed = [], []
        for minute in range(world.n):
            rows = 30 if minute % 10 == 5 else 0  # a gate now and then
            missed.append(sum(draw.random() < 0.2 for _ in range(rows)))
            found.append(rows - missed[-1])
        for result, steps in (("true_positive", found), ("false_negative", missed)):
            world.series[f'resampler_gate_predictions_total{{{LEDGER},snapshot="v{i}",result="{result}"}}'] = running(
                steps
            )
    return world


def running(steps):
    return list(accumulate(steps))


ALL_COUNTERS = [name for name, metric in METRICS.items() if metric.kind == "counter" and name.startswith("resampler_")]

# What looks like a fault and is none: a world in which nothing fires, an hour long.
SILENT = {
    "a healthy hour": World(),
    "chance, 1": chance(1),
    "chance, 2": chance(2),
    "chance, 3": chance(3),
    "a worker that was restarted": World().restart(*(name for name in ALL_COUNTERS if World().has(name))),
    "a worker alone": without(LEDGER),
    "a ledger alone": without(WORKER),
    "nothing at all": without("resampler_", "up{"),
    "no feeds, no reference, no measured buffer": without("feed_lag", "drift", "buffer_recall", "neighbor_distance"),
    "a worker that waits for its first row": without("resampler_rows_total", "samples", "last_commit", "stream_lag"),
    "a worker that replays for long": World()
    .idle()
    .change("resampler_shard_owned", 0)
    .lose("resampler_stream_lag_rows"),
    "a stream without rows for half an hour": World().quiet(),
    "a scrape that was missed": World().down(until=31),
    "a server that was away for seconds": World().change("resampler_server_up", 0, until=30.5),
    "a shard that changed hands": World()
    .change("resampler_shard_owned", 0, until=30.5)
    .grow("resampler_refused_commits_total", 1 / 60, until=31, reason="moved"),
    "refusals between commits": World().grow("resampler_refused_commits_total", 1 / 60, reason="other"),
    "a lag that shrinks": lagging(-500),
    "a small lag that grows": World().change("resampler_stream_lag_rows", lambda minutes: 3 + 20 * minutes),
    "a feed that catches up": feed(-500),
    "a clock half a second off": World().change("resampler_clock_skew_seconds", 0.5),
    "half a row in a hundred": dead("not_finite", 0.5),
    "nine bad rows at once": World()
    .quiet()
    .grow("resampler_dead_letters_total", 9 / 60, until=31, reason="not_finite"),
    "rows that are always equal": always("resampler_neighbor_distance", 0),
    "a share half as great again": shifted(7.5),
    "few rows of another mix": slow(0.5),
    "a far distance of few rows": World()
    .change("resampler_drift_distance_max", 0.3)
    .change("resampler_drift_window_rows", 100),
    "a small distance of many rows": World()
    .change("resampler_drift_distance_max", 0.08)
    .change("resampler_drift_window_rows", 1e7),
    "a pause": ratio(0).change("resampler_paused", 1).change("resampler_idle", 1),
    "a class of which none are made yet": without(
        'samples_generated_total{job="worker",instance="w0:9464",stream="clicks",shard="clicks",class="1"'
    ),
    "a ratio a little off": ratio(12),
    "a learner that needs fewer rows of a class": asked(0.1, made=4.5),
    "a class that is to have no more than it has": asked(0.05, made=0),
    "hardly any made for ten minutes": World().change("resampler_idle", 1, until=40),
    "recall of a small buffer": World().change("resampler_buffer_recall", 0.7).change("resampler_buffer_rows", 100),
    "a gate that cannot tell": outcome("gate", "unknown"),
    "a run that a budget stopped": outcome("snapshot", "stopped"),
    "a version without a ratio": without("snapshot_target_ratio", "resampler_snapshot_ratio"),
    "all of three rows missed": gates(0, 3 / 1800, 3 / 1800),
    "a gate's first predictions": without("resampler_gate"),
}


ALONE = ("a worker alone", "a ledger alone", "nothing at all")  # with no other dataset beside them either


def test_what_is_no_fault_raises_nothing(tmp_path):
    silent = {minute: {} for minute in (25, 31, 33, 36, 41, 46, 52, 60)}
    assert check(tmp_path, {name: (world, silent) for name, world in SILENT.items() if name not in ALONE}) == {}


@pytest.mark.parametrize("name", ALONE)
def test_what_is_missing_raises_nothing(name, tmp_path):
    assert check(tmp_path, {name: (SILENT[name], {minute: {} for minute in (25, 45, 60)})}) == {}
