"""Each fault calls for its alert, and for nothing else; a healthy hour calls for nobody; what mends, ends the alert."""

import pytest
from deployed import FACTOR, long
from faults import FAULTS
from report import Timing

HOUR_S = 3_600 / FACTOR
WARM_S = 30.0  # of traffic before a fault
WITHIN_S = 60.0  # an alert must reach the pager
BY_ALERT = {fault.alert: fault for fault in FAULTS}


def ready(stage):
    """Wait until Prometheus sees rows flow."""
    stage.until(lambda: stage.prometheus.query("rate(resampler_rows_total[5s]) > 0"), 60, "rows that flow")


def quiet(stage, seconds):
    """Let time pass; nobody may be called."""
    before = len(stage.pager.received)
    stage.wait(seconds)
    assert len(stage.pager.received) == before, stage.seen()


def go_through(stage, fault):
    """Strike, wait for the alert, mend, wait for its end; return how long either took."""
    struck = len(stage.pager.received)

    def told(status):
        return [a for _, _, n in stage.pager.received[struck:] for a in n["alerts"] if a["status"] == status]

    def mine(status):
        return any(a["labels"]["alertname"] == fault.alert for a in told(status))

    fault.strike(stage)
    fired_s = stage.until(lambda: mine("firing"), WITHIN_S, f"{fault.name}: {fault.alert}")
    summary = next(a for a in told("firing") if a["labels"]["alertname"] == fault.alert)["annotations"]["summary"]
    stage.wait(3.0)  # what else the fault would call for
    fault.mend(stage)
    resolved_s = stage.until(lambda: mine("resolved"), 2 * WITHIN_S, f"{fault.name}: the end of {fault.alert}")
    assert {a["labels"]["alertname"] for a in told("firing")} == {fault.alert}, stage.seen()
    return Timing(fault.name, fault.alert, fired_s, resolved_s, summary)


@pytest.mark.slow
def test_a_short_game_day(make_stage):
    with make_stage() as stage:
        ready(stage)
        quiet(stage, 10)
        for alert in ("ResamplerWorkerDown", "ResamplerDeadLetters"):
            go_through(stage, BY_ALERT[alert])


@long
def test_a_healthy_hour_calls_for_nobody(make_stage):
    """With noisy shares, bursts and two workers that are started anew, one after the other, as for a new release."""
    with make_stage(workers=2, shards=2) as stage:
        ready(stage)
        for worker in stage.workers:
            quiet(stage, HOUR_S / 3)
            worker.stop()
            worker.start()
        quiet(stage, HOUR_S / 3)


@long
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_each_fault_raises_its_alert_and_only_that(make_stage, timings, fault):
    with make_stage(place=fault.place) as stage:
        ready(stage)
        quiet(stage, WARM_S)
        timings.append(go_through(stage, fault))
