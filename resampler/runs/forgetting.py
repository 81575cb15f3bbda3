"""What runs keep of rows that are to be forgotten: figures of versions that go, and values that nobody else has."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from resampler.ledger import FOLDER, Ledger
from resampler.runs.retrain.journal import forget_values

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from resampler.ledger import Run
    from resampler.storage import Location

MASK = "forgotten"
# Steps whose details are figures of a version's rows, and what of them later runs ask for.
_FIGURES = ("advise", "drift", "gate", "privacy", "snapshot")
_KEPT = (
    *("alias", "counts", "datasets", "digest", "later", "name", "outcome", "policy", "predictions", "reference"),
    *("retrain", "reused", "series", "snapshot", "state", "strict", "subject", "verdict", "version"),
)
_OWN = ("alias", "digest", "kind", "outcome", "sha256", "verdict")  # words of ours, which a value may equal
_WHY = "left out: the version held an entity that was forgotten"


class Values(NamedTuple):
    """Values that no other row has than those that are to be forgotten.

    Parameters
    ----------
    texts : collection of str
        Of keys and text columns.
    by_column : mapping of str to collection of str
        Those of all columns, as reports write them.
    """

    texts: Collection[str]
    by_column: Mapping[str, Collection[str]]

    def masked(self, found: Any) -> Any:
        """Mask the values wherever they stand.

        Parameters
        ----------
        found : object
            As JSON holds it.

        Returns
        -------
        object
            The same without them: words of a text, names in a table of a column, and ``column = value``.
        """
        return self._masked(found, ())

    def _masked(self, found: Any, column: Collection[str]) -> Any:
        if isinstance(found, dict):
            out: dict[str, Any] = {}
            for name, value in found.items():
                key = MASK if name in column else self._text(name)
                while key in out:
                    key += "'"
                out[key] = value if name in _OWN else self._masked(value, self.by_column.get(name, ()))
            return out
        if isinstance(found, list):
            return [self._masked(one, ()) for one in found]
        if isinstance(found, str):
            return self._text(found)
        return found

    def _text(self, text: str) -> str:
        for column, values in self.by_column.items():
            if column in text:
                for value in values:
                    text = re.sub(rf"({re.escape(column)}\s*=\s*){re.escape(value)}(?!\w)", rf"\1{MASK}", text)
        for value in self.texts:
            if value in text:
                text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", MASK, text)
        return text


def forget_figures(home: Location, digests: Collection[str], values: Values) -> None:
    """Take out of what runs kept with a snapshot what rows that are to be forgotten have left there.

    Parameters
    ----------
    home : Location
        Directory of the snapshot.
    digests : collection of str
        Of the versions that go: what runs on them came to stays, with the outcome and the time, and no figure; of a
        gate's predictions how many came out how, so that counters of them never go back.
    values : Values
        They are masked in what runs on other versions and files came to, and in the journal of an unfinished run.

    Notes
    -----
    A run that is changed gets another name, since names hold the digest of the file; its place in the order stays. It
    may be done again: what was done is then found done.
    """

    def _forgotten(run: Run) -> Run:
        details = values.masked(run.details)
        if run.step in _FIGURES and _names(details, digests):
            details = {name: value for name, value in details.items() if name in _KEPT} | {"figures": _WHY}
        return replace(run, subject=values.masked(run.subject), details=details)

    Ledger(home / FOLDER).rewrite(_forgotten)
    forget_values(home, values.masked)


def _names(details: dict[str, Any], digests: Collection[str]) -> bool:
    text = json.dumps(details)
    return any(digest in text for digest in digests)
