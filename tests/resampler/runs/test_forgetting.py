"""What runs keep when rows are forgotten."""

from resampler.ledger import FOLDER, Ledger, Run, key_of, now
from resampler.runs.forgetting import Values, forget_figures
from resampler.storage import Location


def test_counts_of_predictions_stay_and_figures_go(tmp_path):
    home, digest = Location.parse(tmp_path), "ab" * 32
    counts = {"true_positive": 3, "false_negative": 1, "false_positive": 2}
    details = {"snapshot": {"digest": digest}, "figures": {"recall": {"value": 0.75}}, "counts": counts}
    Ledger(home / FOLDER).append(Run("gate", "no", key_of(), "fraud version 1", now(), 0.0, details))
    forget_figures(home, [digest], Values({}, {}))
    (run,) = Ledger(home / FOLDER).runs()
    assert run.details["counts"] == counts
    assert run.outcome == "no"
    assert "recall" not in run.details["figures"]
