"""Records that are pickled without their last fields while these have their defaults, as before there were such."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Record = TypeVar("_Record")


def pickled_briefly(rules: dict[str, Any]) -> Callable[[type[_Record]], type[_Record]]:
    """Have a record pickled by `declared` and read again by `restore`.

    Parameters
    ----------
    rules : dict of str to object
        Its last fields and their defaults.

    Returns
    -------
    callable
        Decorates a dataclass from above: before Python 3.11.4 a frozen one with slots takes no methods of its own for
        that (it writes every field, and reads no fewer).
    """

    def _decorate(record: type[_Record]) -> type[_Record]:
        methods: dict[str, Any] = {"__getstate__": lambda self: declared(self, rules), "__setstate__": restore}
        for name, method in methods.items():
            setattr(record, name, method)
        return record

    return _decorate


def declared(record: Any, rules: dict[str, Any]) -> list[Any]:
    """Return a record's fields for pickling, without the last ones if all have their defaults.

    Contracts that declare neither nulls nor grids keep the bytes that they had before there were such.

    Parameters
    ----------
    record : dataclass
        With slots.
    rules : dict of str to object
        Its last fields and their defaults.

    Returns
    -------
    list
        The values, in order.
    """
    values = [getattr(record, each.name) for each in fields(record)]
    return values[: -len(rules)] if values[-len(rules) :] == list(rules.values()) else values


def restore(record: Any, state: list[Any]) -> None:
    """Set a record's fields to what `declared` returned, the others to their defaults.

    Parameters
    ----------
    record : dataclass
        With slots, and without values.
    state : list
        From `declared`.
    """
    for place, each in enumerate(fields(record)):
        object.__setattr__(record, each.name, state[place] if place < len(state) else each.default)
