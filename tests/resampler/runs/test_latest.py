"""What runs said last of a version."""

from resampler.ledger import Ledger, Run
from resampler.runs.latest import latest
from resampler.storage import Location


def test_the_newest_verdicts_of_this_version_alone(tmp_path):
    home = Location.parse(tmp_path)
    ledger = Ledger(home / "ledger")
    assert latest(home, "d1") == {}

    def add(step, outcome, day, subject="fraud version 1", **details):
        ledger.append(Run(step, outcome, "k", subject, f"2026-01-{day:02}T00:00:00+00:00", 0.0, details))

    add("gate", "no", 1, predictions={"file": "a.parquet"}, snapshot={"digest": "d1"})
    add("gate", "pass", 2, predictions={"file": "b.parquet"}, snapshot={"digest": "d1"})
    add("gate", "unknown", 3, predictions={"file": "c.parquet"}, snapshot={"digest": "d2"})
    add("gate", "no", 4, predictions={"file": "d.parquet"}, snapshot=None)
    add("drift", "no", 5, "today.parquet against fraud version 1", reference={"digest": "d1"})
    add("retrain", "pass", 6)
    assert latest(home, "d1") == {
        "gate": "yes, of b.parquet (2026-01-02)",
        "drift": "train again, of today.parquet (2026-01-05)",
    }
    assert latest(home, "d2") == {"gate": "not enough rows to tell, of c.parquet (2026-01-03)"}
