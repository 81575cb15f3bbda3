"""An audit from arrays: every attack on every class, kept as it ends, held against limits."""

import dataclasses
import json

import numpy as np
import plain_attacks
import pytest

from resampler.errors import DataError, InvalidInputError
from resampler.quality import audit_privacy
from resampler.quality.privacy.attacks.catalog import ATTACKS
from resampler.quality.privacy.audit import Copies, audit_classes, digest_of
from resampler.quality.privacy.exposure import Exposure, Known
from resampler.quality.privacy.printing import headline, in_words


@pytest.fixture(autouse=True)
def attacks(monkeypatch):
    plain_attacks.use(monkeypatch)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 3)), rng.normal(size=(50, 3))


def text_of(found):
    return " ".join(" ".join(in_words(found, "the rows")).split())


def test_copies_of_real_rows_break_every_limit(rows):
    real, held_out = rows
    found = audit_privacy(np.concatenate([real, real]), real, held_out)
    assert found.outcome == "no"
    said = {(one.attack, ruled.rule): ruled.verdict for one, ruled in found.ruled()}
    assert set(said.values()) == {"no"}
    assert {rule for _, rule in said} == {"exact", "near", "membership_auc", "tpr"}
    assert found.classes[0].copies == Copies(2.0, None)
    assert headline(found) == "2 attacks break a limit (same rows, nearness)"
    text = text_of(found)
    assert "same rows: rebuilt 60 of 60 real rows exactly (100 %, 94 % to 100 %), 60 nearly." in text
    assert "Of 50 held-out rows it found 0 nearly. 100 % of its 120 guesses hit." in text
    assert "at no false alarm among 50 held-out rows 60 of 60 (100 %, 94 % to 100 %)" in text
    assert text.count("what lowers it: ") == 2  # once an attack, whichever limits it breaks
    hardened = " ".join(" ".join(in_words(found, "the rows", hardened=True)).split())
    assert hardened.count("what lowers it: larger groups (--group-size)") == 2


def test_other_rows_of_the_same_kind_keep_them(rows):
    real, held_out = rows
    found = audit_privacy(np.random.default_rng(1).normal(size=(120, 3)), real, held_out)
    assert found.outcome == "pass"
    text = text_of(found)
    assert "same rows: rebuilt none of 60 real rows; at 95 % confidence at most 6.02 %." in text
    assert "nearness: not told from chance" in text
    assert "no guarantee" in text


def test_as_much_of_held_out_rows_is_chance(rows):
    real, held_out = rows
    found = audit_privacy(np.concatenate([real, held_out]), real, held_out, attacks=["same rows"])
    assert found.attempts[0].result.near.share == 1.0
    assert found.outcome == "pass"
    assert found.ruled()[0][1].why == "as much as it finds of held-out rows: chance"


def test_too_few_rows_are_an_answer_of_their_own(rows):
    real, held_out = rows
    other = np.random.default_rng(1).normal(size=(120, 3))
    few = audit_privacy(other, real, held_out[:5])
    assert few.outcome == "unknown"
    assert {ruled.verdict for one, ruled in few.ruled() if one.attack == "nearness"} == {"unknown"}
    assert "fewer than 20 tell nothing" in text_of(few)
    assert audit_privacy(other, real[:15], held_out).outcome == "unknown"
    assert audit_privacy(other, real, held_out[:5], limits={"min_rows": 5, "near": 0.01}).outcome == "pass"


def test_exact_rows_are_a_no_without_a_control_too(rows):
    real, _ = rows
    found = audit_privacy(real, real)
    assert {ruled.rule: ruled.verdict for one, ruled in found.ruled()} == {
        "exact": "no",
        "near": "unknown",
        "membership_auc": "unknown",
    }
    assert found.attempts[1].state == "nothing"
    assert "nearness: nothing to attack with. It needs the rows, held-out rows." in text_of(found)


def test_classes_are_attacked_one_by_one(rows):
    real, held_out = rows
    y, z = np.arange(60) % 2, np.arange(50) % 2
    found = audit_privacy(real[y == 1], real, held_out, y_synthetic=np.ones(30), y_real=y, y_held_out=z)
    assert [(one.name, one.synthetic, one.real, one.held_out) for one in found.classes] == [("1.0", 30, 30, 25)]
    with pytest.raises(DataError, match=r"class '7' has no real row"):
        audit_privacy(real, real, y_synthetic=np.full(60, 7), y_real=y)


def test_what_is_measured_is_kept_and_taken_again(rows, tmp_path, monkeypatch):
    real, held_out = rows
    first = audit_privacy(real, real, held_out, store=tmp_path)
    assert len(list(tmp_path.iterdir())) == 2

    def refuse(exposed, effort):
        raise AssertionError("measured again")

    for name, attack in plain_attacks.PLAIN.items():
        monkeypatch.setitem(ATTACKS, name, dataclasses.replace(attack, run=refuse))
    again = audit_privacy(real, real, held_out, store=tmp_path)
    assert json.dumps(again.to_dict()) == json.dumps(first.to_dict())
    with pytest.raises(AssertionError, match="measured again"):
        audit_privacy(real + 1, real, held_out, store=tmp_path)


def test_a_budget_ends_it_and_a_second_run_goes_on(rows, tmp_path):
    real, held_out = rows
    seen = []
    late = audit_privacy(real, real, held_out, budget_s=1e-9, store=tmp_path, progress=lambda *at: seen.append(at))
    assert seen == [(1, 2), (2, 2)]
    assert [one.state for one in late.attempts] == ["late", "late"]
    assert late.outcome == "unknown"
    assert "time was up before 2 of 2 attacks were run" in late.notes[0]
    assert audit_privacy(real, real, held_out, store=tmp_path).outcome == "no"


def test_what_decides_an_attack_is_in_its_key(rows):
    real, held_out = rows
    plain = Exposure.of(real, real, held_out)
    known = Known(1, 2, "smote", 5, np.arange(3))
    others = [
        dataclasses.replace(plain, synthetic=real[::-1]),
        dataclasses.replace(plain, precision=plain.precision * 2),
        dataclasses.replace(plain, known=known),
        dataclasses.replace(plain, known=known._replace(row_ids=np.arange(4))),
        dataclasses.replace(plain, name="other"),
    ]
    assert len({digest_of(one) for one in (plain, *others)}) == 6


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"attacks": ["nothing"]}, "there is no attack 'nothing': have same rows, nearness"),
        ({"limits": {"exact": 2}}, "exact must be a number, 0 to 1"),
        ({"limits": {"exakt": 0.1}}, "limits has no setting 'exakt'"),
        ({"y_real": [1]}, "y_real must have one class a row"),
        ({"budget_s": 0}, "budget_s must be above 0"),
        ({"marks": {"at": ([1], [2], [3])}}, "marks 'at' must have one value a row"),
        ({"time": "at"}, "time must be one of marks, got 'at': have none"),
    ],
)
def test_what_is_refused(rows, given, message):
    real, held_out = rows
    with pytest.raises(InvalidInputError, match=message):
        audit_privacy(real, real, held_out, **given)


def test_rows_that_are_none(rows):
    real, held_out = rows
    with pytest.raises(InvalidInputError, match="the same columns"):
        audit_privacy(real[:, :2], real, held_out)
    with pytest.raises(InvalidInputError, match="real must be rows by columns"):
        audit_privacy(real, real[0])
    with pytest.raises(InvalidInputError, match="synthetic must be numbers"):
        audit_privacy([["a", "b", "c"]], real)
    with pytest.raises(DataError, match="an infinite value"):
        audit_privacy(np.where(real == real[0, 0], np.inf, real), real, held_out)
    with pytest.raises(DataError, match="no synthetic rows"):
        audit_classes([])
