"""One file, TOML or YAML, a table a step; what nobody reads is refused."""

import sys
from dataclasses import dataclass

import pytest

from resampler.errors import InvalidInputError, MissingExtraError
from resampler.options import SHARE, Rule, check_options, count, number, option
from resampler.policy import policy_of, read_policy

NAMES = Rule(str, lambda _name, value: value, "names")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    share: float = option(0.5, SHARE, "Of all rows.")
    min_rows: int = option(3, count(1), "Rows at least.")
    names: tuple = option((), NAMES, "Any.")

    def __post_init__(self):
        check_options(self)


def test_toml_and_yaml_say_the_same(tmp_path):
    (tmp_path / "p.toml").write_text(
        '[gate]\nrecall = 0.8\n[gate.slices.region]\nmin-rows = 30\n[train]\nrun = ["a"]\n'
    )
    (tmp_path / "p.yaml").write_text("gate: {recall: 0.8, slices: {region: {min-rows: 30}}}\ntrain: {run: [a]}\n")
    toml, yaml = read_policy(tmp_path / "p.toml"), read_policy(f"file://{tmp_path}/p.yaml")
    assert (
        toml.tables
        == yaml.tables
        == {"gate": {"recall": 0.8, "slices": {"region": {"min-rows": 30}}}, "train": {"run": ["a"]}}
    )
    assert toml.digest != yaml.digest
    assert toml.table("drift") == {}
    (tmp_path / "empty.yml").write_text("# nothing\n")
    assert read_policy(tmp_path / "empty.yml").tables == {}


def test_records_are_made_of_tables():
    policy = policy_of({"gate": {"min-rows": 7, "names": ["a", "b"]}})
    assert policy.record("gate", Limits) == Limits(min_rows=7, names=("a", "b"))
    for table, message in (
        ({"min-row": 7}, r"\[gate\] of the policy has no setting 'min-row': it has share, min_rows, names"),
        ({"share": 2}, r"\[gate\] of the policy: share must be a number, 0 to 1, got 2"),
        ({"share": float("nan")}, "share must be a number, 0 to 1, got nan"),
        ({"share": True}, "share must be a number, 0 to 1, got True"),
        ({"share": "0.5"}, "share must be a number, 0 to 1, got '0.5'"),
        ({"min_rows": 1, "min-rows": 2}, "twice"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            policy_of({"gate": table}).record("gate", Limits)
    assert number(float("-inf"), float("inf")).description == "any number"
    assert number(1, float("inf")).description == "1 or more"


BILLION = "gate:\n  a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"  {new}: &{new} [{','.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcde", "bcdef", strict=True)
)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("p.json", "{}", r"must end in \.toml, \.yaml or \.yml"),
        ("p.toml", "[gate", "is not TOML"),
        ("p.yaml", "a: [", "is not YAML: while parsing"),
        ("p.yaml", "gate: !!python/object:os.system {}", "is not YAML: could not determine a constructor"),
        ("p.toml", b"\xff\xfe", "is not TOML"),
        ("p.toml", "[gates]\n", r"has a table \[gates\] that nothing reads: known are alias, drift, gate"),
        ("p.toml", "recall = 1\n", r"has a table \[recall\] that nothing reads"),
        ("p.toml", "gate = 1\n", r"\[gate\] must be a table of settings, got 1"),
        ("p.yaml", "- gate\n", "must be tables, such as .gate., got list"),
        ("p.yaml", "gate: {on: 1}\n", "a name must be text, got True: put it in quotes"),
        ("p.yaml", BILLION, "at most 10,000 values"),
        ("p.yaml", "gate: &a {b: *a}\n", "at most 8 tables deep"),
        ("p.yaml", "gate:\n  recall: 0.1\n  f1: 0.2\n  recall: 0.9\n", "'recall' stands twice in .*line 2"),
        ("p.yaml", "gate: {f1: 0.1}\ngate: {recall: 0.9}\n", "'gate' stands twice"),
        ("p.yaml", "gate:\n  f1: 0.9\n  recall:\n", "'recall' has no value: write one, or remove it"),
        ("p.toml", "[gate]\nrecall = 0.1\n" + "# long\n" * 200_000, "must have at most 1,000,000 bytes"),
    ],
)
def test_what_is_no_policy_is_said_in_one_line(file, text, message, tmp_path):
    (tmp_path / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidInputError, match=message) as found:
        read_policy(tmp_path / file)
    assert "\n" not in str(found.value)
    assert "policy '" in str(found.value)


def test_merges_of_yaml_and_marks_of_windows_are_taken(tmp_path):
    (tmp_path / "p.yaml").write_text(
        "gate:\n  slices: {a: &same {recall: 0.1, f1: 0.2}, b: {<<: *same, f1: 0.3}, c: {<<: [*same, *same]}}\n"
    )
    slices = read_policy(tmp_path / "p.yaml").table("gate")["slices"]
    assert slices["b"] == {"recall": 0.1, "f1": 0.3}
    assert slices["c"] == slices["a"]
    (tmp_path / "p.toml").write_bytes(b"\xef\xbb\xbf[gate]\nrecall = 0.8\n")
    assert read_policy(tmp_path / "p.toml").table("gate") == {"recall": 0.8}


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InvalidInputError, match="cannot be read: there is no such file"):
        read_policy(tmp_path / "none.toml")


def test_yaml_is_an_extra(tmp_path, monkeypatch):
    (tmp_path / "p.yaml").write_text("gate: {}")
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'feast-resampler\[yaml\]'"):
        read_policy(tmp_path / "p.yaml")
