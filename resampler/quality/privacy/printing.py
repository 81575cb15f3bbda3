"""An audit of privacy for people: what it comes to, a sentence an attack, then what would lower it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from resampler.printing import aligned, plural
from resampler.quality.privacy.attacks.catalog import ATTACKS
from resampler.quality.privacy.attempt import advantage
from resampler.quality.privacy.recovery import FALSE_POSITIVES, Inference, Naming, Recovery
from resampler.quality.statistics import percent
from resampler.quality.verdict import NO, PASS, UNKNOWN

if TYPE_CHECKING:
    from resampler.quality.privacy.attempt import Attempt, Result
    from resampler.quality.privacy.audit import ClassRows, PrivacyAudit
    from resampler.quality.privacy.recovery import Share
    from resampler.quality.privacy.what_if import Lowered

WIDTH = 100
_SAYS = {PASS: "is kept", NO: "is broken", UNKNOWN: "cannot be told"}
MORE_OF_THE_SAME = "larger groups (--group-size), or fewer synthetic rows; the rows are hardened already"
NO_GUARANTEE = (
    "These attacks are what was tried, not all that can be: that they find nothing is no guarantee (docs/privacy.md)."
)


def in_words(found: PrivacyAudit, subject: str, *, hardened: bool = False) -> list[str]:
    """Write what came of an audit.

    Parameters
    ----------
    found : PrivacyAudit
        To be written.
    subject : str
        What was audited: ``fraud version 3``, a file.
    hardened : bool
        Whether its rows are hardened already, so that the method is no remedy.

    Returns
    -------
    list of str
        Lines of at most 100 characters.
    """
    lines = _filled(f"{headline(found)}: {subject}.")
    for rows in found.classes:
        lines += ["", *_filled(_of_class(rows))]
        for one in (of for of in found.attempts if of.label == rows.name):
            lines += _filled(f"- {sentence(one)}", hanging="  ")
            ruled = one.rule(found.rules)
            for said in ruled:
                if said.verdict != PASS:
                    lines += _filled(
                        f"  limit {said.rule} {said.limit:g} {_SAYS[said.verdict]}: {said.value:.3g}, {said.why}",
                        hanging="    ",
                    )
            if any(said.verdict == NO for said in ruled):
                remedy = MORE_OF_THE_SAME if hardened else ATTACKS[one.attack].remedy
                lines += _filled(f"  what lowers it: {remedy}", hanging="    ")
        lines += _lowered([of for of in found.lowered if of.label == rows.name])
    lines.append("")
    for note in (*found.notes, NO_GUARANTEE):
        lines += _filled(note)
    return lines


def headline(found: PrivacyAudit) -> str:
    """Say what an audit comes to, in as few words as can be.

    Parameters
    ----------
    found : PrivacyAudit
        With all its attacks.

    Returns
    -------
    str
        Without a full stop.
    """
    ruled = found.ruled()
    broken = list(dict.fromkeys(one.attack for one, said in ruled if said.verdict == NO))
    if broken:
        most = f"{', '.join(broken[:4])}{f' and {len(broken) - 4} more' if len(broken) > 4 else ''}"
        return f"{plural(len(broken), 'attack breaks a limit', 'attacks break a limit')} ({most})"
    if found.outcome == UNKNOWN:
        if not ruled:
            return "No attack was run, so nothing is told"
        n = len({id(one) for one, said in ruled if said.verdict == UNKNOWN})
        return (
            f"No limit is broken, and not enough to tell: {plural(n, 'attack')} without rows to judge by"
            if n
            else ("No limit is broken, and not all attacks were run")
        )
    return f"Within the limits: {plural(len({one.attack for one, _ in ruled}), 'attack')}"


def sentence(one: Attempt) -> str:
    """Say what an attack came to.

    Parameters
    ----------
    one : Attempt
        On a class.

    Returns
    -------
    str
        A sentence.
    """
    result = one.result
    if isinstance(result, Recovery):
        return f"{one.attack}: {_of_rows(result)}"
    if isinstance(result, Inference):
        return f"{one.attack}: {_of_membership(result, one.held_out)}"
    if isinstance(result, Naming):
        return f"{one.attack}: {_of_names(result)}"
    if one.state == "late":
        return f"{one.attack}: not run, for time was up."
    return f"{one.attack}: nothing to attack with. It needs {ATTACKS[one.attack].knows}."


def _of_rows(result: Recovery) -> str:
    near, exact = result.near, result.exact
    held_out = result.near_control
    if not near.count:
        return f"rebuilt none of {near.of:,} real rows; at 95 % confidence at most {percent(near.interval[1])}."
    said = f"rebuilt {exact.count:,} of {exact.of:,} real rows exactly ({_share(exact)}), {near.count:,} nearly"
    if not held_out.of:
        control = "No row was held out, so chance is not known"
    else:
        _, low, _ = advantage(near, held_out)
        word = "" if low > 0 else ", so it is not told from chance"
        control = f"Of {plural(held_out.of, 'held-out row')} it found {held_out.count:,} nearly{word}"
    return f"{said}. {control}. {percent(result.hits.share)} of its {plural(result.hits.of, 'guess', 'guesses')} hit."


def _of_membership(result: Inference, held_out: int) -> str:
    low, high = result.auc_interval
    area = f"AUC {result.auc:.2f} ({low:.2f} to {high:.2f})"
    told = result.tpr
    at = (
        f"{100 * FALSE_POSITIVES:g} % false alarms"
        if held_out >= 1 / FALSE_POSITIVES
        else (f"no false alarm among {plural(held_out, 'held-out row')}")
    )
    if not held_out:
        return "no row was held out, so nothing can be told."
    if low <= 0.5:
        return f"not told from chance: {area}; at {at} {_share(told)} of the real rows."
    return f"tells real rows from held-out ones: {area}; at {at} {told.count:,} of {told.of:,} ({_share(told)})."


def _of_names(result: Naming) -> str:
    named, chance = result.named, result.chance
    if not named.count:
        return f"named the base of none of {named.of:,} synthetic rows; at most {percent(named.interval[1])}."
    return (
        f"named the base of {named.count:,} of {named.of:,} synthetic rows ({_share(named)}); chance names "
        f"{chance.count:,}. Of {result.claims.of:,} names given {result.claims.count:,} were right."
    )


def _share(share: Share) -> str:
    low, high = share.interval
    return f"{percent(share.share)}, {percent(low)} to {percent(high)}"


def _of_class(rows: ClassRows) -> str:
    copies = rows.copies
    most = "" if copies.most is None else f", of one {copies.most:,}"
    return (
        f"Class {rows.name}: {plural(rows.synthetic, 'synthetic row')} of {plural(rows.real, 'real one')}, "
        f"{copies.mean:.3g} each{most}; control: {plural(rows.held_out, 'held-out row')}."
    )


def _lowered(found: list[Lowered]) -> list[str]:
    if not found:
        return []
    rows = [
        (one.option, now.attack, _brief(was.result), _brief(now.result))
        for one in found
        for was, now in zip(one.before, one.after, strict=False)
    ]
    table = aligned(rows, ("option", "attack", "as it is", "under it"))
    why = [line for one in found if one.why for line in _filled(f"  {one.option}: {one.why}", hanging="  ")]
    head = "  What would lower it, measured on the same real rows, resampled in memory:"
    return [head, *(f"  {line}" for line in table), *why]


def _brief(result: Result | None) -> str:
    if isinstance(result, Recovery):
        return f"exact {percent(result.exact.share)}, near {percent(result.near.share)}"
    if isinstance(result, Inference):
        return f"AUC {result.auc:.2f}, TPR {percent(result.tpr.share)}"
    return "nothing to attack with" if result is None else percent(result.named.share)


def _filled(text: str, hanging: str = "") -> list[str]:
    lead = text[: len(text) - len(text.lstrip())]
    return textwrap.wrap(
        text, WIDTH, initial_indent=lead, subsequent_indent=lead + hanging, break_on_hyphens=False
    ) or [""]
