"""What a gate says: figures of scikit-learn and fairlearn, a verdict for every rule, baselines and gaps."""

import fairlearn.metrics
import numpy as np
import pyarrow as pa
import pytest
from predicted import made, read, rules
from sklearn import metrics

from resampler.errors import DataError, InvalidInputError
from resampler.quality.gate import Baseline, GateRules, ask


def asked(table, asked_rules, **options):
    return ask(read(table, asked_rules), asked_rules, **options)


def verdicts(answer):
    return {one.rule: one.verdict for one in answer.judged}


def test_figures_are_scikit_learns_and_fairlearns():
    table = made()
    answer = asked(table, rules(recall=0.5, average_precision=0.5, slices=["region"]))
    y, s = table["y_true"].to_numpy(), table["score"].to_numpy()
    p, region = s >= 0.5, table["region"].to_numpy()
    theirs = {
        "recall": metrics.recall_score,
        "precision": metrics.precision_score,
        "f1": metrics.f1_score,
        "selection_rate": fairlearn.metrics.selection_rate,
    }
    for name, measure in theirs.items():
        assert answer.figures[name].value == pytest.approx(measure(y, p), abs=1e-12)
    assert answer.figures["average_precision"].value == pytest.approx(metrics.average_precision_score(y, s), abs=1e-12)
    assert answer.figures["brier"].value == pytest.approx(metrics.brier_score_loss(y, s), abs=1e-12)
    frame = fairlearn.metrics.MetricFrame(metrics=theirs, y_true=y, y_pred=p, sensitive_features=region)
    for group, row in frame.by_group.iterrows():
        for name in theirs:
            assert answer.slices["region"][group][name].value == pytest.approx(row[name], abs=1e-12)
    by_score = fairlearn.metrics.MetricFrame(
        metrics=metrics.average_precision_score, y_true=y, y_pred=s, sensitive_features=region
    )
    for group, value in by_score.by_group.items():
        assert answer.slices["region"][group]["average_precision"].value == pytest.approx(value, abs=1e-12)
    for one in answer.figures.values():
        assert one.low <= one.value <= one.high


def test_every_rule_has_its_verdict():
    answer = asked(made(), rules(recall=0.5, precision=0.99, fpr={"max": 0.2}, f1=[0.1, 0.9], brier=0.2))
    assert verdicts(answer) == {"recall": "pass", "precision": "no", "f1": "pass", "fpr": "pass", "brier": "pass"}
    assert answer.verdict == "no"
    judged = answer.to_dict()["rules"][1]
    assert judged["limit"] == {"min": 0.99, "max": None}
    assert judged["rows"] == int((made()["score"].to_numpy() >= 0.5).sum())
    few = asked(made(60), rules(recall=0.4))
    assert verdicts(few) == {"recall": "unknown"}
    assert few.verdict == "unknown"


def test_one_policy_holds_for_slices_too_or_each_has_its_own():
    table = made()
    found = verdicts(asked(table, rules(recall=0.4, slices=["region", "big"])))
    assert set(found) == {
        "recall",
        *(f"recall where region = {region}" for region in ("north", "south", "west")),
        *(f"recall where big = {big}" for big in (False, True)),
    }
    assert found["recall where big = True"] == "unknown"  # about 16 rows of the class
    own = asked(table, rules(recall=0.4, slices={"region": {"precision": 0.999, "min_rows": 10}}))
    assert [one.rule for one in own.judged if one.verdict == "no"] == [
        f"precision where region = {region}" for region in ("north", "south", "west")
    ]


def test_groups_are_compared_in_fairlearns_words():
    table = made(9000)
    region, pred = table["region"].to_numpy(), table["score"].to_numpy() >= 0.5
    pred = pred | ((region == "north") & (np.arange(9000) % 2 == 0))
    table = table.append_column("y_pred", pa.array(pred))
    apart = {"difference": {"selection_rate": 0.1, "recall": 0.9}, "ratio": {"selection_rate": 0.8}}
    found = {one.rule.partition(" between")[0]: one for one in asked(table, rules(slices={"region": apart})).judged}
    assert {name: one.verdict for name, one in found.items()} == {
        "difference of selection_rate": "no",
        "difference of recall": "pass",
        "ratio of selection_rate": "no",
    }
    y = table["y_true"].to_numpy()
    difference = fairlearn.metrics.demographic_parity_difference(y, pred, sensitive_features=region)
    ratio = fairlearn.metrics.demographic_parity_ratio(y, pred, sensitive_features=region)
    assert found["difference of selection_rate"].figure.value == pytest.approx(difference, abs=1e-12)
    one = found["ratio of selection_rate"].figure
    assert one.value == pytest.approx(ratio, abs=1e-12)
    assert one.low < one.value < one.high < 0.8
    alone = asked(made(), rules(slices={"big": {"difference": {"recall": 0.1}, "min_rows": 3000}}))
    assert verdicts(alone) == {"difference of recall between groups of big": "unknown"}


def test_a_baseline_is_paired_where_rows_are_the_same():
    asked_rules = rules(baseline={"f1": 0.02, "average_precision": 0.01})
    good = read(made(), asked_rules, keys=["id"])
    y, ap = good.y_true, metrics.average_precision_score
    noise = np.random.default_rng(1).normal(scale=0.6, size=4000)
    score = good.score / (good.score + (1 - good.score) * np.exp(noise))
    worse = made(columns={"score": score}).take(np.random.default_rng(2).permutation(4000))
    answer = ask(read(worse, asked_rules, keys=["id"]), asked_rules, baseline=Baseline.of("prod", good))
    assert "compared with prod row by row" in answer.notes
    found = {one.rule: one for one in answer.judged}
    one = found["average_precision against prod"]
    assert (one.verdict, one.limit.low) == ("no", -0.01)
    assert one.figure.value == pytest.approx(ap(y, score) - ap(y, good.score), abs=1e-12)
    rng, naive = np.random.default_rng(3), []
    for _ in range(400):
        rows = rng.integers(4000, size=4000)
        naive.append(ap(y[rows], score[rows]) - ap(y[rows], good.score[rows]))
    assert (one.figure.low, one.figure.high) == pytest.approx(np.percentile(naive, [2.5, 97.5]), abs=0.006)

    apart = ask(read(made(seed=5), asked_rules), asked_rules, baseline=Baseline.of("prod", read(made(), asked_rules)))
    assert "compared with prod as rows that were not shared" in apart.notes
    figure = next(one.figure for one in apart.judged if one.rule.startswith("f1"))
    assert figure.high - figure.low > found["f1 against prod"].figure.high - found["f1 against prod"].figure.low

    same = ask(good, asked_rules, baseline=Baseline.of("prod", good))
    assert verdicts(same) == {"f1 against prod": "pass", "average_precision against prod": "pass"}
    by_default = ask(good, rules(f1=0.1), baseline=Baseline.of("prod", good))
    assert set(verdicts(by_default)) == {"f1", "f1 against prod", "average_precision against prod"}
    with pytest.raises(InvalidInputError, match=r"\[gate.baseline\] needs a baseline: .*--first where no model"):
        ask(good, asked_rules)


def test_baselines_that_do_not_fit():
    asked_rules = rules(baseline={"f1": 0.02})
    ours = read(made(), asked_rules, keys=["id"])
    for table, message in (
        (made(3000), "shares 3,000 of 4,000 rows"),
        (made(columns={"y_true": ~made()["y_true"].to_numpy()}), "4,000 rows have another true class"),
        (made(columns={"id": np.arange(4000).astype(str)}), "'id' are of other types"),
    ):
        with pytest.raises(DataError, match=message):
            ask(ours, asked_rules, baseline=Baseline.of("prod", read(table, asked_rules, keys=["id"])))
    later = read(made(columns={"id": np.arange(4000) + 9000}), asked_rules, keys=["id"])
    assert "as rows that were not shared" in str(ask(ours, asked_rules, baseline=Baseline.of("p", later)).notes)
    integers = made(columns={"y_true": made()["y_true"].to_numpy().astype(int)})
    other = read(integers, rules(f1=0.1, positive=0), keys=["id"])
    with pytest.raises(DataError, match="compare one class"):
        ask(ours, asked_rules, baseline=Baseline.of("prod", other))


def test_gaps_are_measured_on_real_rows_and_on_all():
    train = made(seed=7, skill=3.0, columns={"is_synthetic": np.arange(4000) % 2 == 0})
    train = train.set_column(3, "y_true", pa.array(train["y_true"].to_numpy() | (np.arange(4000) % 4 == 0)))
    asked_rules = rules(validation_gap=0.05, validation_gap_augmented=0.9)
    answer = asked(made(), asked_rules, train=read(train, asked_rules))
    assert verdicts(answer) == {"validation_gap": "no", "validation_gap_augmented": "pass"}
    real = ~train["is_synthetic"].to_numpy()
    y, p = train["y_true"].to_numpy(), train["score"].to_numpy() >= 0.5
    f1 = metrics.f1_score(made()["y_true"].to_numpy(), made()["score"].to_numpy() >= 0.5)
    gaps = [one.figure.value for one in answer.judged]
    assert gaps == pytest.approx([metrics.f1_score(y[real], p[real]) - f1, metrics.f1_score(y, p) - f1], abs=1e-12)
    with pytest.raises(InvalidInputError, match=r"\[gate\] validation_gap needs --train"):
        asked(made(), asked_rules)
    with pytest.raises(DataError, match="must say which rows are synthetic"):
        asked(made(), asked_rules, train=read(made(), asked_rules))
    noted = asked(made(), rules(recall=0.1), train=read(train, asked_rules))
    assert sum(note.startswith("validation_gap") for note in noted.notes) == 2


def test_the_guides_limits_stand_where_a_policy_has_none():
    for none in (GateRules.of(None), rules(min_rows=20)):
        answer = asked(made(), none)
        assert list(verdicts(answer)) == ["recall", "precision", "f1"]
        assert len(answer.notes) == 2
    found = verdicts(asked(made(), rules(slices=["region"]), synthetic=(30, 100)))
    assert found["synthetic_ratio"] == "pass"
    assert "f1 where region = north" in found
    assert verdicts(asked(made(), rules(synthetic_ratio=[0.1, 0.5]), synthetic=(60, 100))) == {"synthetic_ratio": "no"}
    with pytest.raises(InvalidInputError, match="synthetic_ratio needs --snapshot"):
        asked(made(), rules(synthetic_ratio=[0.1, 0.5]))


@pytest.mark.parametrize(
    "policy", [{"pr_auc": 0.5}, {"slices": {"region": {"brier": 0.1}}}, {"baseline": {"calibration_error": 0.1}}]
)
def test_measures_of_scores_need_scores(policy):
    table = made().drop_columns("score").append_column("y_pred", made()["y_true"])
    with pytest.raises(DataError, match=r"needs scores, and predictions 'p.parquet' has no column 'score'"):
        asked(table, rules(**policy))


def test_predicted_classes_are_enough_for_the_others():
    table = made().drop_columns("score").append_column("y_pred", made()["y_true"])
    only = read(table, rules(f1=0.9))
    answer = ask(only, rules(f1=0.9), baseline=Baseline.of("prod", only))
    assert verdicts(answer) == {"f1": "pass", "f1 against prod": "pass"}


def test_the_same_rows_give_the_same_answer():
    asked_rules = rules(average_precision=0.5, baseline={"f1": 0.1}, slices=["region"])
    base = Baseline.of("prod", read(made(seed=0, skill=1.5), asked_rules))
    first, second = (asked(made(), asked_rules, baseline=base).to_dict() for _ in range(2))
    assert first == second


def test_rows_without_a_value_and_rows_that_say_null_are_two_groups():
    region = pa.array([("null", None, "a")[at % 3] for at in range(4000)])
    asked = rules(recall=0.5, slices=["region"])
    answer = ask(read(made(columns={"region": region}), asked), asked)
    assert list(answer.slices["region"]) == ["a", "null", "(null)"]
    assert [one.rule for one in answer.judged[2:]] == ["recall where region = null", "recall where region = (null)"]
