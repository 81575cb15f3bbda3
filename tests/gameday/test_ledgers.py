"""What batch runs came to calls for somebody: a gate that said no, an old version; not within a declared window."""

import time

from deployed import FACTOR, long
from report import Timing, keep
from runbooks import commands, paste

WITHIN_S = 60.0


def timing(watch, fault, alert, since, mended, factor=FACTOR):
    """Return how long an alert took from the fault and its end from the mending, both monotonic times."""
    receiver, told = next(told for told in watch.told() if told[1]["labels"]["alertname"] == alert)
    fired, resolved = (watch.told_at(alert, status) for status in ("firing", "resolved"))
    return Timing(fault, alert, receiver, told["annotations"]["summary"], fired - since, resolved - mended, factor)


@long
def test_a_bad_model_burns_the_budget_and_good_gates_end_it(watch_ledgers, gate):
    gate(0.97)
    with watch_ledgers() as watch:
        watch.wait(10)
        assert not watch.paged(), watch.seen()
        struck, alert = time.monotonic(), "ResamplerRecallBudgetBurnFast"
        gate(0.3)
        watch.until(lambda: alert in watch.paged(), WITHIN_S, "the page")
        watch.wait(5)
        assert watch.paged() == {alert}, watch.seen()
        mended = time.monotonic()
        for _ in range(4):
            gate(0.97)
        watch.until(lambda: alert in watch.paged(status="resolved"), 3 * WITHIN_S, "its end")
        # The page is over, and a ticket says for as long as days are short of it that much was spent.
        assert watch.paged() <= {alert, "ResamplerRecallBudgetBurnSlow"}, watch.seen()
        keep(timing(watch, "a model that misses most of the rare rows", alert, struck, mended))


@long
def test_a_declared_window_is_silent_and_what_lasts_longer_is_not(watch_ledgers, gate, on_call, tmp_path):
    gate(0.97)

    def follow(runbook, section, word):
        (command,) = [c for c in commands(runbook, section) if word in c and "--snapshot" in c]
        done = paste(command, on_call, tmp_path)
        assert done.returncode == 0, done.stderr

    with watch_ledgers() as watch:
        declare = 'resampler maintenance on --for 2h --snapshot "$SNAPSHOT" --catalog "$CATALOG" --reason retraining'
        assert paste(declare, on_call, tmp_path).returncode == 0
        watch.until(lambda: watch.prometheus.query("resampler_maintenance == 1"), 30, "the window")
        gate(0.7)
        watch.until(lambda: "ResamplerGateFailed" in {a["alertname"] for a in watch.prometheus.alerts()}, 60, "alert")
        watch.wait(15)
        assert not watch.paged(), watch.seen()
        follow("ResamplerMaintenance", "Act", "off")
        watch.until(lambda: watch.paged() == {"ResamplerGateFailed"}, WITHIN_S, "what the window kept silent")


@long
def test_a_gate_that_says_no_is_told_and_one_that_passes_ends_it(watch_ledgers, gate):
    gate(0.97)
    with watch_ledgers() as watch:
        watch.wait(5)
        struck, alert = time.monotonic(), "ResamplerGateFailed"
        gate(0.7)
        watch.until(lambda: alert in watch.paged(), WITHIN_S, "the ticket")
        mended = time.monotonic()
        gate(0.97)
        watch.until(lambda: alert in watch.paged(status="resolved"), WITHIN_S, "its end")
        assert watch.paged() == {alert}, watch.seen()
        keep(timing(watch, "a model that the gate refuses", alert, struck, mended))


@long
def test_an_old_version_is_said_and_a_new_one_ends_it(watch_ledgers, make_version, own_catalog, on_call, tmp_path):
    factor = 2_880  # two days in a minute
    make_version(own_catalog, 4_050)
    struck, alert = time.monotonic(), "ResamplerSnapshotStale"
    with watch_ledgers(factor=factor) as watch:
        watch.until(watch.paged, 2 * WITHIN_S, "the age of the version")
        mended = time.monotonic()
        make_version(own_catalog, 4_100)
        watch.until(lambda: alert in watch.paged(status="resolved"), WITHIN_S, "its end")
        assert watch.paged() == {alert}, watch.seen()
        keep(timing(watch, "no new version for two days", alert, struck, mended, factor))
    for command in commands(alert, "Verify"):
        assert paste(command, on_call, tmp_path).returncode == 0, command
