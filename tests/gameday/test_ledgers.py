"""What batch runs came to calls for somebody: a gate that said no, an old version; not within a declared window."""

import deployed
from deployed import long
from stage import SNAPSHOT

WITHIN_S = 60.0


@long
def test_a_gate_that_says_no_and_the_budget_that_it_burns(watch_ledgers, gate):
    gate(0.97)
    with watch_ledgers() as watch:
        watch.wait(10)
        assert not watch.paged(), watch.seen()
        gate(0.3)
        watch.until(lambda: "ResamplerRecallBudgetBurnFast" in watch.paged(), WITHIN_S, "the budget's page")
        watch.wait(5)
        assert watch.paged() == {"ResamplerGateFailed", "ResamplerRecallBudgetBurnFast"}, watch.seen()
        for _ in range(8):
            gate(0.97)
        ended = {"ResamplerGateFailed", "ResamplerRecallBudgetBurnFast"}
        watch.until(lambda: watch.paged(status="resolved") >= ended, 150, "the end of both")


@long
def test_a_declared_window_is_silent_and_what_lasts_longer_is_not(watch_ledgers, gate, own_catalog):
    gate(0.97)
    place = ("--snapshot", SNAPSHOT, "--catalog", own_catalog)
    with watch_ledgers() as watch:
        deployed.resampler("maintenance", "on", "--for", "2h", *place)
        watch.until(lambda: watch.prometheus.query("resampler_maintenance == 1"), 30, "the window")
        gate(0.3)
        watch.until(lambda: "ResamplerGateFailed" in {a["alertname"] for a in watch.prometheus.alerts()}, 60, "alert")
        watch.wait(15)
        assert not watch.paged(), watch.seen()
        deployed.resampler("maintenance", "off", *place)
        watch.until(lambda: "ResamplerGateFailed" in watch.paged(), WITHIN_S, "what the window kept silent")


@long
def test_an_old_version_is_said_and_a_new_one_ends_it(watch_ledgers, make_version, own_catalog):
    with watch_ledgers(factor=2_880) as watch:  # two days in a minute
        watch.until(lambda: watch.paged(), 2 * WITHIN_S, "the age of the version")
        assert watch.paged() == {"ResamplerSnapshotStale"}, watch.seen()
        make_version(own_catalog, 4_100)
        watch.until(lambda: "ResamplerSnapshotStale" in watch.paged(status="resolved"), 60, "its end")
