"""What two versions have in common and what not."""

from __future__ import annotations

import pytest

from feast_plugin import diff_snapshot
from resampler.errors import InvalidInputError


def test_diff_names_what_changed(project):
    project.create(feature_service="all")
    project.create(feature_service="all", seed=2, ratio=0.7)
    found = diff_snapshot(1, 2, name="pay", root=project.root)
    assert found["equal"] is False
    assert found["parameters"] == {"seed": [1, 2], "ratio": [0.5, 0.7]}
    assert found["contract"] == {}
    assert found["counts"]["train"][0]["synthetic"] < found["counts"]["train"][1]["synthetic"]
    assert found["distributions"]["test"] == dict.fromkeys(["amount", "score", "visits", "night", "country", "emb"], 0)
    assert found["distributions"]["train"]["amount"] > 0.05
    assert 0 < found["distributions"]["train"]["country"] < 1
    with pytest.raises(InvalidInputError, match="no version 9"):
        diff_snapshot(1, 9, name="pay", root=project.root)
