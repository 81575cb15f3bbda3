"""What `resampler retrain` prints."""

from resampler.runs.retrain.outcome import Done, Outcome
from resampler.runs.retrain.printing import in_words


def test_why_a_step_failed_is_said_once():
    why = "label names column 'is_fraud'; the table has 40 others"
    steps = [Done("drift", "left out", "no version to compare with"), Done("snapshot", "failed", why, 6.2)]
    outcome = Outcome("fraud", "prod", "failed", f"snapshot failed: {why}", steps=steps)
    assert list(in_words(outcome, {"runs": 0})) == [
        f"fraud: failed: snapshot failed: {why}",
        "  drift     left out  0.0 s  no version to compare with",
        "  snapshot  failed    6.2 s",
    ]
