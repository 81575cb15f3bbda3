"""What files of predictions hold that they should not: each is one line, with the remedy."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from predicted import made, read, rules

from resampler.errors import DataError
from resampler.quality.fairness.groups import Groups

N = 4000
TRUTH = made()["y_true"].to_numpy()
TEXT = np.where(TRUTH, "fraud", "fine")


def with_score(row, value):
    score = made()["score"].to_numpy().copy()
    score[row] = value
    return {"score": score}


def hostile(name, columns, message, policy=None):
    return pytest.param(columns, message, policy or {}, id=name)


@pytest.mark.parametrize(
    ("columns", "message", "policy"),
    [
        hostile("NaN score", with_score(7, np.nan), "1 of 4,000 do not, the first, in row 7, is NaN or null: see why"),
        hostile("infinite score", with_score(7, np.inf), "in row 7, is inf: write probabilities of the class"),
        hostile("a margin", with_score(9, -3.5), "in row 9, is -3.5: write probabilities of the class, not margins"),
        hostile("score of text", {"score": TEXT}, "is of type string: scores are numbers from 0 to 1"),
        hostile(
            "null in a dictionary",
            {"y_true": pa.DictionaryArray.from_arrays([0, 1] * (N // 2), pa.array(["a", None]))},
            "has 2,000 nulls, the first in row 1",
        ),
        hostile("null truth", {"y_true": pa.array([None] + [True] * (N - 1))}, "has 1 nulls, the first in row 0"),
        hostile("truth of times", {"y_true": np.zeros(N, dtype="M8[us]")}, "of type timestamp.*: classes are booleans"),
        hostile("probabilities as truth", {"y_true": made()["score"].to_numpy()}, "classes are whole; probabilities"),
        hostile("NaN truth", {"y_true": np.full(N, np.nan)}, "numbers with fractions, or none"),
        hostile("one class", {"y_true": np.ones(N, dtype=bool)}, "has one class, True, alone"),
        hostile("no row of the class", {"y_true": np.zeros(N, dtype=int)}, "has no row of class 1, only of 0: take"),
        hostile("1 or True", {"y_pred": TRUTH.astype(int)}, "holds integer classes .0, 1. and 'y_true' boolean ones"),
        hostile("'1' or 1", {"y_true": TRUTH.astype(int), "y_pred": TRUTH.astype(int).astype(str)}, "write both alike"),
        hostile(
            "text without a word", {"y_true": TEXT}, "classes 'fine', 'fraud': say which is measured, by `positive`"
        ),
        hostile("2 and 3", {"y_true": TRUTH + 2}, "has the classes 2, 3: say which is measured, by `positive`"),
        hostile(
            "another kind", {"y_true": TEXT}, "positive = 1 is integer, and 'y_true' .* holds text", {"positive": 1}
        ),
        hostile("no such class", {"y_true": TEXT}, "has no row of class 'froud', only of", {"positive": "froud"}),
        hostile(
            "unknown class",
            {"y_true": TEXT, "y_pred": np.where(TRUTH, "Fraud", "fine")},
            "has unknown classes, 'Fraud'; known are 'fine', 'fraud'",
            {"positive": "fraud"},
        ),
        hostile(
            "no such slice",
            {},
            r"\[gate.slices.country\] names column 'country'; predictions 'p.parquet' has id",
            {"slices": ["country"]},
        ),
        hostile("slice of ids", {}, "'id' of .* has 4,000 values, of at most 1,000: a slice", {"slices": ["id"]}),
        hostile("slice of lists", {"l": pa.array([[1]] * N)}, "is of type list.*: groups are told", {"slices": ["l"]}),
        hostile("no such column", {}, "y_true names column 'label'; predictions", {"y_true": "label"}),
        hostile("nothing predicted", {}, "has neither 'p' nor 'q', only id, region", {"y_pred": "p", "score": "q"}),
        hostile("flags of text", {"is_synthetic": TEXT}, "must be true or false, got 'fine', 'fraud'"),
    ],
)
def test_what_is_refused(columns, message, policy):
    with pytest.raises(DataError, match=message) as found:
        read(made(columns=columns), rules(recall=0.5, **policy))
    assert "\n" not in str(found.value)
    assert "p.parquet" in str(found.value) or "names column" in str(found.value)


def test_no_rows_and_repeats():
    with pytest.raises(DataError, match="has no rows: nothing can be measured"):
        read(made().slice(0, 0), rules(recall=0.5))
    twice = {"id": [5, 6, 5], "at": [1, 1, 1], "y_true": [True, False, True], "score": [0.5, 0.1, 0.5]}
    found = read(pa.table(twice), rules(recall=0.5), keys=("id", "at"))
    with pytest.raises(DataError, match="1 rows repeat another's id, at, such as id=5, at=1: a row counts once"):
        found.check_rows_differ()
    read(pa.table(twice | {"at": [1, 1, 2]}), rules(recall=0.5), keys=("id", "at")).check_rows_differ()


@pytest.mark.parametrize(
    "shape", ["boolean", "int8", "uint64", "double", "decimal", "text", "dictionary", "large_string", "string_view"]
)
def test_classes_of_every_kind(shape):
    kinds = {"boolean": pa.bool_(), "int8": pa.int8(), "uint64": pa.uint64(), "double": pa.float64()}
    kinds["decimal"] = pa.decimal128(3, 0)
    if shape in kinds:
        columns, positive = {"y_true": pa.array(TRUTH).cast(pa.int8()).cast(kinds[shape])}, None
    else:
        column = pa.array(TEXT)
        column = column.dictionary_encode() if shape == "dictionary" else column
        wide = {"large_string": pa.large_string(), "string_view": pa.string_view()}
        columns, positive = {"y_true": column.cast(wide[shape]) if shape in wide else column}, "fraud"
    columns["y_pred"] = columns["y_true"]
    table = {"recall": 0.5} | ({} if positive is None else {"positive": positive})
    found = read(made(columns=columns), rules(**table))
    assert (found.y_true == TRUTH).all()
    assert (found.y_pred == TRUTH).all()


def test_one_class_of_several_is_measured_against_the_rest():
    y = np.arange(N) % 3
    score = np.where(y == 2, 0.9, 0.1)
    found = read(
        made(columns={"y_true": y, "y_pred": np.where(y == 2, 2, 1 - y), "score": score}), rules(f1=0.1, positive=2)
    )
    assert (found.y_true == (y == 2)).all()
    assert (found.y_pred == (y == 2)).all()
    threshold = read(made(columns={"y_true": y, "score": score}), rules(f1=0.1, positive=2, threshold=0.95))
    assert not threshold.y_pred.any()


def test_a_null_is_a_group():
    region = pa.array([None if at % 2 else "north" for at in range(N)])
    found = read(made(columns={"region": region}), rules(f1=0.1, slices=["region"]))
    assert found.slices.column_names == ["region"]


def test_slices_of_any_layout_make_the_same_groups():
    text = pa.array([None if at % 3 == 0 else ("north", "south")[at % 2] for at in range(N)])
    at = pa.array([at % 3 for at in range(N)], pa.int8())
    columns = {
        "text": text,
        "dictionary": text.dictionary_encode(),
        "small": pa.DictionaryArray.from_arrays(text.dictionary_encode().indices.cast(pa.int8()), ["south", "north"]),
        "view": text.cast(pa.string_view()),
        "empty": pa.nulls(N),
        "null inside": pa.DictionaryArray.from_arrays(at, pa.array([None, "a", "b", "nobody"])),
    }
    predictions = read(made(columns=columns), rules(f1=0.1, slices=list(columns)))
    found = predictions.taken(predictions.by_score()).slices
    values = {name: Groups.of({name: found[name]}).values for name in columns}
    for name in ("text", "dictionary", "small", "view"):
        assert values[name] == (("north",), ("south",), (None,))
        assert (Groups.of({name: found[name]}).codes == Groups.of({"text": found["text"]}).codes).all()
    assert values["empty"] == ((None,),)
    assert values["null inside"] == (("a",), ("b",), (None,))


def test_decimals_are_scores():
    scores = [Decimal(int(1000 * score)).scaleb(-3) for score in made()["score"].to_numpy()]
    assert read(made(columns={"score": pa.array(scores)}), rules(f1=0.1)).score[0] == float(scores[0])
