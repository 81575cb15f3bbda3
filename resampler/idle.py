"""Why a stream makes no synthetic rows, class by class, in words with a remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resampler.quotas import targets

if TYPE_CHECKING:
    from collections.abc import Callable

    from resampler.kernels.online.window import Policy, Quotas, Window


class IdleReason(NamedTuple):
    """Why nothing is made, of a class or at all.

    Parameters
    ----------
    reason : {"no_rows", "paused", "warmup", "one_class", "too_few", "reached", "no_arrival", "below_one"}
        In one word.
    label : int or None
        The class's code; None where it is so of every class.
    words : str
        What it is, with figures and a remedy.
    """

    reason: str
    label: int | None
    words: str


def idle_reasons(window: Window, policy: Policy, quotas: Quotas, name_of: Callable[[int], str]) -> list[IdleReason]:
    """Say why no synthetic row stands behind the last row.

    Parameters
    ----------
    window : Window
        Behind the last row.
    policy : Policy
        What the plan is made by.
    quotas : Quotas
        How many rows each class is to have.
    name_of : callable
        Returns the name of a class, given its code.

    Returns
    -------
    list of IdleReason
        One for all classes, or one for each but the largest. A class between two rows says in how many the next one
        falls due; one that rows are made of as fast as `burst` allows has no reason.
    """
    n, seen = int(window.n_classes[0]), int(window.seen[0])
    if (everywhere := _of_all(window, policy, name_of)) is not None:
        return [everywhere]
    rows, real = min(seen, len(window.codes)), window.real[:n]
    wanted, kept = targets(window, policy, quotas)
    found = []
    for c in range(n):
        if c == int(real.argmax()):
            continue
        label, name = int(window.labels[c]), f"class {name_of(int(window.labels[c]))}"
        target = wanted[c]
        bound = 0 < target < quotas.ratio[c] * kept
        owed, credit = (target - real[c]) / rows, window.credit[c]
        if window.stored[c] < policy.enough:
            words = (
                f"{name} has {window.stored[c]} rows of the {policy.enough} that synthetic ones are made of: wait for "
                "more, or begin a stream with fewer k_neighbors"
            )
            found.append(IdleReason("too_few", label, words))
        elif policy.arrival and credit >= 1 and c not in window.codes[:rows]:
            words = (
                f"{name} is owed {int(credit)} rows and has had none in the last {rows}: under emit=arrival it is paid "
                "behind rows of its own; a stream begun with emit=owed pays at once"
            )
            found.append(IdleReason("no_arrival", label, words))
        elif owed <= 0:
            found.append(IdleReason("reached", label, _reached(name, real[c], kept, quotas, c, bound=bound)))
        elif credit < 1 and owed < 1:
            due = f"{int(np.ceil((1 - credit) / owed))}{' on average, as it is drawn' if policy.poisson else ''}"
            words = (
                f"{name} lacks {target - real[c]:.3g} rows of the last {rows}, so that the next row falls due in {due}"
                ": a stream begun with a higher ratio makes more"
            )
            found.append(IdleReason("below_one", label, words))
    return found


def _of_all(window: Window, policy: Policy, name_of: Callable[[int], str]) -> IdleReason | None:
    seen, n = int(window.seen[0]), int(window.n_classes[0])
    if not seen:
        return IdleReason("no_rows", None, "no row has come yet: look at the input and at the dead letters")
    if policy.paused:
        return IdleReason("paused", None, "paused: `resampler stream resume` lets it go on (OnlineResampler.paused)")
    if seen <= policy.warmup:
        words = (
            f"{seen} rows of the warm-up of {policy.warmup} have come: wait, or begin a stream with a shorter warmup"
        )
        return IdleReason("warmup", None, words)
    if n == 1:
        name = name_of(int(window.labels[0]))
        words = f"all {seen} rows are of class {name}: see that the label is the right column, and is known by now"
        return IdleReason("one_class", None, words)
    return None


def _reached(name: str, real: int, kept: float, quotas: Quotas, c: int, *, bound: bool) -> str:
    """Say that a class has what it is to have."""
    if bound or (not real and quotas.cost[c] > 0):
        return (
            f"{name} has had {real} rows in the window, and for each is to have {quotas.cost[c]:g} (its cost, else "
            "growth): a stream begun with a higher one makes more"
        )
    asked = quotas.ratio[c]
    remedy = "a stream begun with a higher ratio makes more" if asked < 1 else "the classes are balanced as they come"
    return (
        f"{name} has reached its ratio: {real / kept:.3g} of the largest class in the window, {asked:.3g} is asked "
        f"for; {remedy}"
    )
