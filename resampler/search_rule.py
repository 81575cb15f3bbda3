"""How neighbours are sought, by name; what `auto` means has a name of its own each time that it changes.

A record of a search keeps that name, so that what was found is found again when `auto` has come to mean something else.
"""

from __future__ import annotations

from typing import NamedTuple


class SearchRule(NamedTuple):
    """Up to how many rows a search is exact; more are searched approximately.

    Parameters
    ----------
    rows : float
        Any rows.
    wide_rows : float
        Rows of more than `WIDE` columns.
    rows_with_nulls : float
        Rows of which some have nulls.
    """

    rows: float
    wide_rows: float
    rows_with_nulls: float


WIDE = 32  # columns
FIRST = "auto-1"  # what records mean that name no rule
LATEST = "auto-2"  # what "auto" means
_ANY = float("inf")
RULES = {
    "exact": SearchRule(_ANY, _ANY, _ANY),
    "approximate": SearchRule(0, 0, 0),
    "auto-1": SearchRule(20_000, 20_000, 20_000),
    "auto-2": SearchRule(_ANY, 100_000, 20_000),  # docs/design/samplers.md has the times of both ways
}
METHODS = ("auto", *RULES)


def rule_name(method: str) -> str:
    """Return the name under which a record keeps how neighbours are sought.

    Parameters
    ----------
    method : str
        One of `METHODS`.

    Returns
    -------
    str
        A key of `RULES`.

    Examples
    --------
    >>> rule_name("auto")
    'auto-2'
    """
    return LATEST if method == "auto" else method


def is_exact(method: str, n_rows: int, n_features: int, *, nulls: bool) -> bool:
    """Say whether a search is exact.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    n_rows, n_features : int
        Rows among which neighbours are sought, and their columns.
    nulls : bool
        Whether any of them has a null.

    Returns
    -------
    bool
        Else it is approximate.

    Examples
    --------
    >>> is_exact("auto", 1_000_000, 8, nulls=False), is_exact("auto-1", 1_000_000, 8, nulls=False)
    (True, False)
    """
    rule = RULES[rule_name(method)]
    most = min(rule.rows, rule.wide_rows if n_features > WIDE else _ANY, rule.rows_with_nulls if nulls else _ANY)
    return n_rows <= most


def earliest_alike(n_rows: int, n_features: int) -> str:
    """Return the earliest meaning of `auto` that seeks as today's does, whether or not there are nulls.

    Parameters
    ----------
    n_rows, n_features : int
        Rows among which neighbours are sought, and their columns.

    Returns
    -------
    str
        A key of `RULES`: a record that keeps it changes only where what is found may.

    Examples
    --------
    >>> earliest_alike(5_000, 8), earliest_alike(50_000, 8)
    ('auto-1', 'auto-2')
    """
    today, first = (
        [is_exact(name, n_rows, n_features, nulls=nulls) for nulls in (False, True)] for name in (LATEST, FIRST)
    )
    return FIRST if first == today else LATEST
