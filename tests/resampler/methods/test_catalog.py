"""One entry a method: names, older names, and what columns each takes."""

import pytest

from resampler.errors import InvalidInputError
from resampler.kernels import places
from resampler.kernels.places import PLACES
from resampler.methods.catalog import ALIASES, METHODS, STREAMED, Method, fitting, resolve
from resampler.methods.clean import CLEANERS
from resampler.methods.parameters import Parameters
from resampler.methods.select import alike, every_row


@pytest.mark.parametrize("name", METHODS)
def test_an_entry_names_what_there_is(name):
    method = METHODS[name]
    assert method.place in PLACES
    assert method.clean is None or method.clean in CLEANERS
    assert method.categories in ("none", "vote", "all", "counts")
    assert method.looks_around or not method.needs_danger
    assert method.summary == method.summary.rstrip(".")
    assert (name in STREAMED) == (method.weigh is not None or method.hardens)
    assert name not in STREAMED or method.hardens or places.STREAMED[PLACES.index(method.place)]
    assert resolve(name) == name


def test_a_method_whose_place_lacks_something_is_refused():
    with pytest.raises(InvalidInputError, match="'ball' measures columns: give width"):
        Method("x", every_row, place="ball")
    with pytest.raises(InvalidInputError, match="'copy' is of no stream"):
        Method("x", every_row, place="copy", weigh=alike)
    with pytest.raises(InvalidInputError, match=r"place must be one of .*, got 'moon'"):
        Method("x", every_row, place="moon")
    needs = dict(zip(places.PLACES, zip(places.DRAWS, places.WIDTHS, strict=True), strict=True))
    assert needs == {
        "ball": (True, True),
        "cloud": (True, True),
        "copy": (False, False),
        "segment": (False, False),
        "smoothed": (True, True),
    }


def test_older_names_lead_to_entries():
    assert {name: resolve(name) for name in ALIASES} == ALIASES
    assert not set(ALIASES) & set(METHODS)
    with pytest.raises(InvalidInputError, match=r"must be one of .*smote.*, got 'smoothe'"):
        resolve("smoothe")
    with pytest.raises(InvalidInputError, match=r"must be one of \('smote',\), got 'svm'"):
        resolve("svm", known=("smote",))


@pytest.mark.parametrize("name", [None, *METHODS])
def test_methods_fit_columns(name):
    """What a method takes says which tables it fits; by default there is one for each."""
    takes = {
        kind: _fits(name, *columns)
        for kind, columns in {"numbers": ([], ["a"]), "both": (["c"], ["a"]), "codes": (["c"], [])}.items()
    }
    if name is None:
        assert takes == {"numbers": "smote", "both": "smotenc", "codes": "smotenc"}
        return
    needs = METHODS[name].categories
    want = {
        "numbers": needs != "all" and name != "smotenc",
        "both": needs in ("vote", "counts"),
        "codes": needs != "none",
    }
    assert takes == {kind: name if fits else None for kind, fits in want.items()}


def _fits(name, categorical, numeric):
    try:
        return fitting(name, categorical, numeric)
    except InvalidInputError as error:
        assert "the contract" in str(error)  # noqa: PT017 - what it says is the point
        return None


def test_what_to_do_without_danger_is_checked():
    with pytest.raises(InvalidInputError, match=r"no_danger must be one of \('plain', 'error'\), got 'warn'"):
        Parameters(no_danger="warn")
