"""Pictures of comparisons."""

import dataclasses
import sys

import pytest
from comparisons import NOT_A_NUMBER, comparison

from resampler.errors import InvalidInputError, MissingExtraError
from resampler.quality.comparison.picture import check_picture, draw


@pytest.mark.parametrize(("kind", "magic"), [(".svg", b"<?xml"), (".png", b"\x89PNG")])
def test_the_same_comparison_gives_the_same_bytes(kind, magic):
    data = draw(comparison(), kind)
    assert data.startswith(magic)
    assert data == draw(comparison(), kind)
    assert b"matplotlib.org/" not in data
    assert b"<dc:date>" not in data


def test_it_says_what_to_do_and_names_every_remedy():
    text = draw(comparison()).decode()
    assert "With histogram boosting use smote + enn" in text
    for name in ("smote + enn, threshold moved", "class weights"):
        assert name in text
    assert "histogram boosting: average precision" not in text, "a name as wide as a panel runs into the next title"


def test_what_could_not_be_measured_leaves_its_line_empty():
    found = comparison()
    nothing = dict.fromkeys(found.candidates[2].differences, NOT_A_NUMBER)
    candidates = (*found.candidates[:2], dataclasses.replace(found.candidates[2], differences=nothing))
    assert draw(comparison(candidates=candidates, learners=found.learners[:1])).startswith(b"<?xml")


def test_what_cannot_be_drawn_is_said_before(tmp_path, monkeypatch):
    assert check_picture(tmp_path / "a.svg") == tmp_path / "a.svg"
    with pytest.raises(InvalidInputError, match=r"must end in .svg or .png"):
        check_picture(tmp_path / "a.pdf")
    with pytest.raises(InvalidInputError, match="there is no directory"):
        check_picture(tmp_path / "none" / "a.svg")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'feast-resampler\[plots\]'"):
        check_picture(tmp_path / "a.svg")
