"""Each fault calls for its alert, and for nothing else; a healthy hour calls for nobody; what mends, ends the alert."""

import pytest
from deployed import FACTOR, long
from faults import FAULTS
from report import Timing, keep
from runbooks import commands, paste

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
    """Strike, wait for the alert, do what its runbook says, wait for its end; return how long either took.

    Commands are those of the page, as they stand there. What mends the cause itself is outside of this machine's reach
    on the page (a producer, a scheduler), and done by the fault.
    """
    struck = len(stage.pager.received)

    def is_told(status):
        return fault.alert in stage.paged(struck, status)

    fault.strike(stage)
    fired_s = stage.until(lambda: is_told("firing"), WITHIN_S, f"{fault.name}: {fault.alert}")
    pauses = [line for line in commands(fault.alert, "Act") if "stream pause" in line]
    for line in [*commands(fault.alert, "Check"), *pauses]:
        paste(line, stage.environment, stage.directory)  # what is broken may say no
    fault.mend(stage)
    resolved_s = stage.until(lambda: is_told("resolved"), 2 * WITHIN_S, f"{fault.name}: the end of {fault.alert}")
    resumes = [line for line in commands(fault.alert, "Act") if "stream resume" in line]
    for line in [*resumes, *commands(fault.alert, "Verify")]:
        done = paste(line, stage.environment, stage.directory)
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
    assert stage.paged(struck) == {fault.alert}, stage.seen()
    receiver, alert = next(told for told in stage.told(struck) if told[1]["labels"]["alertname"] == fault.alert)
    return Timing(fault.name, fault.alert, receiver, alert["annotations"]["summary"], fired_s, resolved_s)


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
def test_each_fault_raises_its_alert_and_only_that(make_stage, fault):
    with make_stage(place=fault.place) as stage:
        ready(stage)
        quiet(stage, WARM_S)
        keep(go_through(stage, fault))
