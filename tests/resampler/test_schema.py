import copy
import hashlib
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resampler import ContractError, Feature, FeatureSchema, InvalidInputError, Label
from resampler.grids import Grid

names = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=6, unique=True).filter(lambda n: "y" not in n)
features = st.builds(
    lambda dtype, scale, values, nulls, step: {
        "dtype": dtype,
        "scale": scale,
        "categorical": dtype == "string" or bool(values),
        "categories": tuple(map(str, values)) if dtype == "string" else tuple(values),
        "nulls": nulls,
        "grid": step if dtype not in ("string", "bool") and not values else None,
    },
    st.sampled_from(["float32", "int64", "bool", "string"]),
    st.floats(1e-9, 1e9),
    st.lists(st.integers(-5, 5), unique=True, max_size=4),
    st.sampled_from(["refuse", "inherit"]),
    st.sampled_from([None, 1, 5.0, Grid(5.0, low=0.0), Grid(values=(1.0, 4.0))]),
)


@given(names=names, data=st.data())
def test_json_round_trip_keeps_contract_and_hash(names, data):
    schema = FeatureSchema(tuple(Feature(n, **data.draw(features)) for n in names), Label("y"))
    again = FeatureSchema.from_json(schema.to_json())
    assert again == schema
    assert again.hash == schema.hash
    assert copy.copy(schema.features[0]) == schema.features[0]
    assert json.loads(schema.to_json())["format"] == 1


def test_hash_follows_names_order_types_and_scale():
    schema = FeatureSchema.numeric(["a", "b"])
    others = [
        FeatureSchema.numeric(["b", "a"]),
        FeatureSchema.numeric(["a", "b"], label="c"),
        FeatureSchema((Feature("a", "float64"), Feature("b"))),
        schema.with_scale([1.0, 2.0]),
        schema.with_rules(["a"]),
        schema.with_rules(grids={"a": 0.5}),
    ]
    assert len({schema.hash, *(other.hash for other in others)}) == 7
    assert FeatureSchema.numeric(["a", "b"]).hash == schema.hash


def test_the_bytes_of_a_contract_are_fixed_for_hashes_are_taken_over_them():
    features = (
        Feature("a"),
        Feature("größe", "int64", scale=2.5),
        Feature("colour", "string", categorical=True, categories=("red", "green")),
        Feature("size", "int8", True, (36, 40)),
    )
    schema = FeatureSchema(features, Label("y", "string", ("no", "yes")))
    assert schema.to_json() == (
        '{"features":[{"categorical":false,"categories":[],"dtype":"float32","name":"a","scale":1.0},'
        '{"categorical":false,"categories":[],"dtype":"int64","name":"größe","scale":2.5},'
        '{"categorical":true,"categories":["red","green"],"dtype":"string","name":"colour","scale":1.0},'
        '{"categorical":true,"categories":[36,40],"dtype":"int8","name":"size","scale":1.0}],'
        '"format":1,"label":{"classes":["no","yes"],"dtype":"string","name":"y"}}'
    )
    assert schema.hash == "7acda0ed6963142445fb45817972dbcbdde147ead42a89e27d36a377fcf16f28"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FeatureSchema(()), "at least one feature"),
        (lambda: FeatureSchema.numeric(["a", "a"]), "'a' twice"),
        (lambda: FeatureSchema.numeric(["label"]), "'label' twice"),
        (lambda: Feature(""), "non-empty"),
        (lambda: Feature("a", "complex64"), "dtype must be one of"),
        (lambda: Feature("a", "string"), "must be categorical"),
        (lambda: Feature("a", categories=(1, 2)), "categories need categorical"),
        (lambda: Feature("a", "int64", True, (1, 1)), "distinct"),
        (lambda: Feature("a", "int64", True, ("x",)), "must be of the column's dtype"),
        (lambda: Feature("a", scale=0.0), "scale must be from"),
        (lambda: Feature("a", scale=1e-46), "scale must be from"),
        (lambda: Feature("a", scale=float("inf")), "scale must be from"),
        (lambda: Label("y", classes=("ok", "fraud")), "must be of the column's dtype"),
        (lambda: Label("y", "string"), "needs its classes"),
        (lambda: Label("y", "float32"), "'int64' or 'string'"),
        (lambda: FeatureSchema.numeric(["a"]).with_scale([1, 2]), "1 values, one a feature, got 2"),
        (lambda: FeatureSchema.from_json("{"), "not JSON"),
        (lambda: FeatureSchema.from_json("[]"), "must look like"),
        (lambda: FeatureSchema.from_json('{"features": [{"nom": "a"}]}'), "must look like"),
        (lambda: FeatureSchema.from_json('{"format": 9, "features": []}'), "format must be 1, got 9"),
    ],
)
def test_what_is_wrong_is_named(make, message):
    with pytest.raises(ContractError, match=message):
        make()


def test_a_contract_without_nulls_and_grids_says_and_pickles_what_it_did_before_there_were_such():
    schema = FeatureSchema((Feature("a"), Feature("b", "string", True, ("x", "y"))), Label("l"))
    assert schema.columns
    assert (
        hashlib.sha256(pickle.dumps(schema, 4)).hexdigest()
        == "9512389da9e0d5f5828492be4508737aa546a1758db13e167bf19c781b5896ef"
    )
    assert pickle.loads(pickle.dumps(schema)) == schema  # noqa: S301 - made above
    older = object.__new__(Feature)  # as a pickle of before there were nulls and grids is read
    older.__setstate__(["a", "float32", False, (), 1.0])
    assert older == schema.features[0]
    assert schema.hash == "23bf48146c8d10b85c87d720bd83d806d60b5c979074a60a0fd66f24879e4f97"
    assert "nulls" not in schema.to_json()
    assert schema.with_rules(["b"], {"a": 0.5}).with_rules() == schema


def test_a_grid_is_a_step_or_more_and_stands_as_plain_data():
    features = (Feature("a", grid=1), Feature("b", grid={"step": 0.25, "low": 0.0}), Feature("c"))
    schema = FeatureSchema(features)
    assert schema.grids == (Grid(1.0), Grid(0.25, low=0.0), None)
    said = [feature.get("grid") for feature in schema.to_dict()["features"]]
    assert said == [1.0, {"step": 0.25, "low": 0.0}, None]
    for grid, message in (
        (0, "'a': grid: step must be a finite number above 0"),
        ("1", "'a': grid must be a step, or a step, values and bounds by name, got '1'"),
        ({"width": 1}, "'a': grid: has no member 'width': have step, values, low, high, single"),
        ({"values": "12"}, "'a': grid: values must be a list of numbers, got '12'"),
        ({"low": float("nan")}, "'a': grid: low must be a finite number, got nan"),
        ({"step": 0.1, "low": 0.05}, "'a': the bounds of a grid must be multiples of its step"),
    ):
        with pytest.raises(ContractError, match=message):
            Feature("a", grid=grid)


@pytest.mark.parametrize("one", [{"step": 1}, {"step": 1, "low": -2}, {"values": [1, 2]}, {}, {"values": []}])
def test_equal_grids_are_one_contract_however_they_are_written(one):
    schema = FeatureSchema((Feature("a", grid=one),))
    given = {name: [float(v) for v in x] if isinstance(x, list) else float(x) for name, x in one.items()}
    other = FeatureSchema((Feature("a", grid=given),))
    assert schema == other == FeatureSchema.from_json(schema.to_json())
    assert schema.hash == other.hash
    assert ("grid" in schema.to_json()) == bool(one and one != {"values": []})


def test_nulls_are_rows_values_where_the_contract_says_so():
    schema = FeatureSchema((Feature("a", "int8"), Feature("b", "string", True, ("x", "y")))).with_rules(["a"])
    rows = schema.validate_rows([[np.nan, 1], [3, 0]])
    np.testing.assert_array_equal(rows, np.array([[np.nan, 1], [3, 0]], dtype=np.float32))
    with pytest.raises(ContractError, match=r"feature 'b' must be finite .* got nan in row 0"):
        schema.validate_rows([[1, np.nan]])
    with pytest.raises(ContractError, match="feature 'a' must be a whole number"):
        schema.validate_rows([[0.5, 1]])
    with pytest.raises(ContractError, match="feature 'a' must be finite"):
        schema.validate_rows([[np.inf, 1]])
    with pytest.raises(ContractError, match="no feature 'c'"):
        schema.with_rules(["c"])


def test_a_contract_file_that_is_not_there_is_wrong_usage():
    with pytest.raises(InvalidInputError, match="cannot be read"):
        FeatureSchema.from_file("/nowhere/contract.json")


def test_a_contract_file_may_leave_out_what_has_a_default(tmp_path):
    path = tmp_path / "contract.json"
    path.write_text('{"features": [{"name": "a"}, {"name": "b", "scale": 3}], "label": {"name": "y"}}')
    assert FeatureSchema.from_file(path) == FeatureSchema.numeric(["a", "b"], label="y").with_scale([1, 3])


def test_rows_within_their_scale_pass_and_are_not_copied():
    schema = FeatureSchema.numeric(["a", "b"]).with_scale([1.0, 1e12])
    rows = np.array([[1e15, 1e26]], dtype=np.float32)
    assert schema.validate_rows(rows) is rows
    with pytest.raises(ContractError, match="'a' must be finite and within 1e\\+16 units"):
        schema.validate_rows(rows[:, ::-1])


def test_the_greatest_integer_passes_as_the_float32_that_it_is_rounded_to():
    schema = FeatureSchema((Feature("a", "int32"), Feature("b", "int64")))
    rows = np.array([[2**31 - 1, 2**63 - 1], [-(2**31), -(2**63)]], dtype=np.float32)
    wide = schema.with_scale([1.0, 1e9])
    assert wide.validate_rows(rows) is rows
    with pytest.raises(ContractError, match=r"feature 'a' must be a whole number from .* \(int32\), got 2.14748e\+09"):
        wide.validate_rows(np.nextafter(rows[:1], np.float32(np.inf)))


def test_rows_hold_codes_of_listed_categories():
    schema = FeatureSchema((Feature("a"), Feature("b", "int64", True, (36, 40)), Feature("c", "int64", True)))
    schema.validate_rows([[0.5, 1, 7.5]])
    for code in (2, -1, 0.5):
        with pytest.raises(
            ContractError, match=f"'b' must hold codes of its 2 categories, 0 to 1, got {code} in row 1"
        ):
            schema.validate_rows([[0, 1, 0], [0, code, 0]])
