import warnings
from dataclasses import FrozenInstanceError, dataclass
from enum import StrEnum

import click
import numpy as np
import pytest
from click.testing import CliRunner

from resampler.command_options import click_options
from resampler.errors import InvalidInputError
from resampler.options import FLAG, RATIO, SEED, check_options, count, one_of, option, options_of


class Shape(StrEnum):
    ROUND = "round"
    FLAT = "flat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    share: float = option(0.5, RATIO, "Share of the whole.")
    n_rows: int = option(3, count(2, 9), "Rows, at least a pair.", flags=("--n-rows", "--rows"))
    shape: Shape = option(Shape.ROUND, one_of(Shape, kind=Shape, former={"plane": "flat"}), "Form.")
    loud: bool = option(False, FLAG, "Say it loudly.")
    limit: int | None = option(None, count(0), "Stop behind so many.")
    wait_s: int = option(1, count(1), "Seconds to wait.", flags=("--wait",))

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class LargerPlan(Plan):
    where: str
    seed: int = option(0, SEED, "Keys the draws.", flags=())


def called(record, *arguments):
    """Call a command with the options of a record; return what it was given, or what it printed."""
    given = {}
    command = click_options(record)(click.Command("plan", callback=lambda **options: given.update(options)))
    result = CliRunner().invoke(command, arguments)
    return given, result


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"share": 0}, r"share must be in \(0, 1\]"),
        ({"share": None}, r"share must be in \(0, 1\]"),
        ({"n_rows": 1}, "n_rows must be an integer of at least 2, got 1"),
        ({"n_rows": 10}, "n_rows must be at most 9, got 10"),
        ({"n_rows": True}, "n_rows must be an integer"),
        ({"n_rows": 3.0}, "n_rows must be an integer"),
        ({"shape": "square"}, r"shape must be one of \('round', 'flat'\), got 'square'"),
        ({"shape": None}, "shape must be one of"),
        ({"loud": 1}, "loud must be True or False, got 1"),
        ({"wait_s": 0}, "--wait must be an integer of at least 1, got 0"),  # known by that name alone
        ({"limit": -1}, "limit must be an integer of at least 0"),
        ({"seed": -1}, "seed must be an integer from 0"),
    ],
)
def test_a_value_that_breaks_its_rule_is_named(values, message):
    with pytest.raises(InvalidInputError, match=message):
        LargerPlan(where="here", **values)


def test_values_are_kept_as_their_rules_return_them():
    plan = Plan(share=1, n_rows=np.int32(4), shape="flat", loud=np.True_)
    assert plan == Plan(share=1.0, n_rows=4, shape=Shape.FLAT, loud=True, limit=None)
    assert [type(value) for value in (plan.share, plan.n_rows, plan.shape, plan.loud)] == [float, int, Shape, bool]
    with pytest.raises(FrozenInstanceError):
        plan.share = 0.1


def test_a_record_lists_what_it_inherits_first_and_leaves_other_fields_out():
    assert [one.name for one in options_of(LargerPlan)] == [
        "share",
        "n_rows",
        "shape",
        "loud",
        "limit",
        "wait_s",
        "seed",
    ]
    assert [one.flags for one in options_of(LargerPlan)][:2] == [("--share",), ("--n-rows", "--rows")]


def test_the_former_name_of_a_word_is_taken_with_a_warning_at_the_line_that_gave_it():
    with pytest.warns(DeprecationWarning, match="shape: 'plane' is called 'flat' now") as caught:
        assert Plan(shape="plane") == Plan(shape="flat")
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Plan(shape="flat")


def test_a_command_is_given_the_defaults_of_the_record():
    given, result = called(LargerPlan)
    assert result.exit_code == 0, result.output
    assert LargerPlan(where="here", **given) == LargerPlan(where="here")
    assert "seed" not in given  # an option of the Python interface alone


def test_a_command_takes_every_name_and_says_which_are_former():
    given, result = called(Plan, "--share", "0.25", "--rows", "5", "--shape", "plane", "--loud", "--limit", "7")
    assert given == {"share": 0.25, "n_rows": 5, "shape": "flat", "loud": True, "limit": 7, "wait_s": 1}
    assert result.stderr == "Note: --shape: 'plane' is called 'flat' now; the former name goes with the next release\n"
    assert result.stdout == ""
    assert "'square' is not one of 'round', 'flat'" in called(Plan, "--shape", "square")[1].stderr


def test_help_shows_summaries_and_defaults_and_no_former_name():
    shown = " ".join(called(LargerPlan, "--help")[1].output.split())
    for text in (
        "--share FLOAT Share of the whole. [default: 0.5]",
        "--n-rows, --rows INTEGER Rows, at least a pair. [default: 3]",
        "--shape [round|flat] Form. [default: round]",
        "--loud Say it loudly.",
        "--limit INTEGER Stop behind so many.",
    ):
        assert text in shown
    assert "plane" not in shown
