"""Whose error grew against a baseline: said of every group, judged where a policy asks, paired or not."""

import numpy as np
import pyarrow as pa
import pytest
from predicted import made, read, rules

from resampler.errors import DataError, InvalidInputError
from resampler.quality.fairness import MetricFrame, changes
from resampler.quality.gate import Baseline, ask


def lost_in(region, n=12000, share=0.4, seed=0):
    """Return two tables of the same rows: predictions, and those of a model that finds less of one region."""
    table = made(n, seed=seed)
    score = table["score"].to_numpy()
    unlucky = np.random.default_rng(seed).random(n) < share
    fallen = np.where((table["region"].to_numpy() == region) & unlucky, score / 9, score)
    return table, table.set_column(table.schema.get_field_index("score"), "score", pa.array(fallen))


def asked(before, after, asked_rules, keys=("id",)):
    baseline = Baseline.of("the baseline", read(before, asked_rules, keys=keys))
    return ask(read(after, asked_rules, keys=keys), asked_rules, baseline=baseline)


def grown(answer):
    return {
        (column, name, one.group)
        for column, by_measure in answer.growth.items()
        for name, groups in by_measure.items()
        for one in groups
        if one.grew
    }


def test_a_group_that_lost_recall_is_said_and_not_judged():
    before, after = lost_in("north")
    answer = asked(before, after, rules(recall=0.2, slices=["region", "big"]))
    assert {one for one in grown(answer) if one[0] == "region"} == {("region", "recall", "region=north")}
    assert {name: len(groups) for name, groups in answer.growth["region"].items()} == {"recall": 3, "fpr": 3}
    assert "against" not in " ".join(one.rule for one in answer.judged if "where" in one.rule)
    first = answer.to_dict()["growth"]["region"]["recall"][0]
    assert first["group"] == "region=north"
    assert first["interval"][0] < first["after"] - first["before"] < first["interval"][1] < 0
    back = asked(after, before, rules(recall=0.2, slices=["region"]))
    assert grown(back) == {("region", "fpr", "region=north")}  # who finds more has more false alarms


def test_figures_are_those_of_frames_of_the_same_rows_whatever_their_order():
    before, after = lost_in("south")
    shuffled = before.take(np.random.default_rng(1).permutation(len(before)))
    policy = rules(slices={"region": {"worse": {"recall": 0.5, "brier": 0.5}}})
    answer = asked(shuffled, after, policy)
    frames = [
        MetricFrame(
            y_true=table["y_true"].to_numpy(),
            y_pred=table["score"].to_numpy() >= 0.5,
            score=table["score"].to_numpy(),
            sensitive_features=table.select(["region"]),
        )
        for table in (before, after)
    ]
    assert list(answer.growth["region"]) == ["recall", "fpr", "brier"]
    for name, found in answer.growth["region"].items():
        for ours, theirs in zip(found, changes(*frames, name, 1 - 0.05 / 3), strict=True):
            assert ours.group == theirs.group
            assert (ours.before, ours.after, *ours.interval) == pytest.approx(
                (theirs.before, theirs.after, *theirs.interval), abs=1e-12
            )


def test_where_nothing_is_shown_that_is_said():
    before, _ = lost_in("north")
    answer = asked(before, before, rules(recall=0.2, slices=["region", "big"]))
    assert "no group of region, big is shown to be worse than the baseline in recall, fpr" in answer.notes
    before, after = lost_in("north")
    assert "is shown to be worse" not in " ".join(asked(before, after, rules(recall=0.2, slices=["big"])).notes)


def test_a_policy_forbids_it():
    before, after = lost_in("west")
    answer = asked(before, after, rules(slices={"region": {"worse": {"recall": 0.05, "fpr": 0.05}}}))
    found = {one.rule: one.verdict for one in answer.judged if "where" in one.rule}
    assert found == {
        "recall against the baseline where region = west": "no",
        "recall against the baseline where region = north": "pass",
        "recall against the baseline where region = south": "pass",
        **{f"fpr against the baseline where region = {one}": "pass" for one in ("north", "south", "west")},
    }
    few = asked(before, after, rules(slices={"big": {"worse": {"recall": 0.2}, "min_rows": 200}}))
    assert {one.verdict for one in few.judged if "big = True" in one.rule} == {"unknown"}


def test_other_rows_of_the_same_groups():
    before, after = lost_in("north", n=30000)
    half = np.arange(len(before)) % 2 == 0
    policy = rules(recall=0.2, slices={"region": {"worse": {"recall": 0.05}}, "big": {}})
    answer = asked(before.filter(half), after.filter(~half), policy)
    assert "compared with the baseline as rows that were not shared" in answer.notes
    assert {one for one in grown(answer) if one[0] == "region"} == {("region", "recall", "region=north")}
    assert {one.rule: one.verdict for one in answer.judged}["recall against the baseline where region = north"] == "no"
    strange = made(3000, seed=5, columns={"id": np.arange(3000) - 9000, "region": np.repeat(["east"], 3000)})
    answer = asked(strange, after, policy)
    assert answer.growth["region"] == {"recall": [], "fpr": []}
    lonely = {one.rule: (one.verdict, one.why) for one in answer.judged}["recall against the baseline by region"]
    assert lonely == ("unknown", "no row carries it")


def test_what_cannot_be_compared():
    before, after = lost_in("north", n=2000)
    policy = rules(slices={"region": {"worse": {"recall": 0.05}}})
    with pytest.raises(InvalidInputError, match=r"\[gate.slices.region\] worse needs a baseline: give --baseline FILE"):
        ask(read(after, policy), policy)
    figures = Baseline("t version 1", Baseline.of("b", read(before, policy)).figures)
    with pytest.raises(InvalidInputError, match=r"t version 1 is known by its figures alone: give --baseline FILE"):
        ask(read(after, policy), policy, baseline=figures)
    plain = rules(recall=0.1, slices=["region"])
    answer = ask(read(after, plain), plain, baseline=figures)
    assert answer.growth == {}
    assert "whose error grew is not known of t version 1" in " ".join(answer.notes)
    other = before.drop_columns("region").slice(0, 900)
    alone = Baseline.of("b", read(other, rules(recall=0.1)))
    with pytest.raises(DataError, match=r"worse needs column 'region' in .*, which is of other rows: write it there"):
        ask(read(after, policy), policy, baseline=alone)
    answer = ask(read(after, plain), plain, baseline=alone)
    assert answer.growth == {}
    assert "whose error grew by region is not known" in " ".join(answer.notes)
    scored = rules(slices={"region": {"worse": {"brier": 0.05}}})
    bare = before.append_column("y_pred", before["y_true"]).drop_columns("score")
    with pytest.raises(DataError, match=r"\[gate.slices.region\] worse.brier needs scores, and .* has none"):
        asked(bare, after, scored)
    with pytest.raises(DataError, match=r"\[gate.slices.region\] worse brier needs scores"):
        asked(after, bare, scored)
    with pytest.raises(InvalidInputError, match="worse has no measure 'selection_rate'"):
        rules(slices={"region": {"worse": {"selection_rate": 0.1}}})


def test_chance_alone_names_nobody():
    named = 0
    policy = rules(recall=0.1, slices=["region", "big"])
    for seed in range(60):
        table = made(1500, seed=seed)
        rng = np.random.default_rng(seed)
        pair = []
        for _ in range(2):  # both see the same, each with noise of its own
            odds = table["score"].to_numpy() / (1 - table["score"].to_numpy()) * np.exp(0.5 * rng.normal(size=1500))
            pair.append(table.set_column(4, "score", pa.array(odds / (1 + odds))))
        named += bool(grown(asked(*pair, policy)))
    assert named <= 4  # at 95 %, one-sided, 60 have one or two
