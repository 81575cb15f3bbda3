"""Audits: how much a buffer whose searches have a budget misses, and the budget that follows by `effort-1`.

Now and then a new row and one that is held are searched for exactly. What the new row's search missed shows at once
when a budget is far too small; what the held row's list lacks is what counts, but follows a change of budget only as
rows are replaced. By `effort-1` a budget grows on either, and shrinks only if both leave room; the rule that goes by
what searches need is in `resampler.buffer.effort`.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.buffer.graph import alive
from resampler.kernels.jit import entry, inner
from resampler.kernels.random import bounded, draw

MIN_BUDGET = 128
SHARE_WHILE_FILLING, SHARE = 256, 128  # audits while all rows of a buffer are replaced
MIN_BETWEEN = 16  # rows from one audit to the next, at least
AUDITS = 128  # after which less effort may be tried
# Shares of what lists may miss. A budget grows if kept lists miss more than TOO_MUCH, and shrinks if they miss less
# than LITTLE: the gap is wider than chance. While a buffer fills, searches become harder, and kept lists show it too
# late.
TOO_MUCH, LITTLE = 0.7, 0.45
NEW_WHILE_FILLING, NEW = 0.45, 1.5


@entry
def choose_audits(cursor, capacity, control, slots):
    """Write the slots of the rows to be audited, a new one and a held one each time; return how many slots."""
    oldest, held = cursor["oldest"], cursor["held"]
    n = 0
    while n + 2 <= slots.shape[0] and control["next_audit"] < control["inserted"]:
        age = control["inserted"] - 1 - control["next_audit"]
        word, _, _, _ = draw(np.uint64(0), np.int64(0), control["next_audit"], np.int64(0))
        share = SHARE_WHILE_FILLING if control["next_audit"] < 2 * capacity else SHARE
        control["next_audit"] += max(MIN_BETWEEN, capacity // share)
        if age < held:
            slots[n] = (oldest + held - 1 - age) % capacity
            slots[n + 1] = (oldest + bounded(word, held)) % capacity
            n += 2
    return n


@entry
def judge(rows, lists, control, k, slots, found, stamps):
    """Compare the first `k` entries of the rows chosen with exact searches, and fit the budget to what was missed."""
    for i in range(0, slots.shape[0], 2):
        control["missed"] += count_missed(rows, lists, slots[i], min(k, found[i]), stamps[i])
        control["missed_kept"] += count_missed(rows, lists, slots[i + 1], min(k, found[i + 1]), stamps[i + 1])
        control["audited"] += 1
        fit_budget(control, k, rows.X.shape[0])


@entry
def count_lacking(rows, lists, k, slots, found, stamps):
    """Return how many of the rows' true neighbours their lists lack."""
    lacking = np.int64(0)
    for i in range(slots.shape[0]):
        lacking += count_missed(rows, lists, slots[i], min(k, found[i]), stamps[i])
    return lacking


@inner
def count_missed(rows, lists, slot, k, nearest):
    """Return how many of the `k` nearest rows are not among the first `k` of a list; 0 if it has run short.

    Such a list is searched for when it is read.
    """
    oldest, held = rows.cursor["oldest"], rows.cursor["held"]
    seen = np.int64(0)
    hits = np.int64(0)
    for i in range(lists.count[slot]):
        stamp = lists.stamps[slot, i]
        if seen < k and alive(stamp, oldest, held, rows.X.shape[0]):
            seen += 1
            for j in range(k):
                hits += nearest[j] == stamp
    return k - hits if seen == k else np.int64(0)


@inner
def fit_budget(control, k, capacity):
    """Change the budget if the audits since its last change say so."""
    tolerated = (1 - control["recall"]) * AUDITS * k
    new = tolerated * (NEW_WHILE_FILLING if control["inserted"] < 2 * capacity else NEW)
    if control["missed"] > new or control["missed_kept"] > TOO_MUCH * tolerated:
        audited = control["audited"]
        share = 1 if 8 * audited < AUDITS else 2 if 4 * audited < AUDITS else 4  # the sooner, the more
        control["budget"] = min(control["budget"] + control["budget"] // share, max(capacity, MIN_BUDGET))
    elif control["audited"] < AUDITS:
        return
    elif control["missed"] < 0.7 * new and control["missed_kept"] < LITTLE * tolerated:
        control["budget"] = max(control["budget"] - control["budget"] // 8, MIN_BUDGET)
    control["audited"] = 0
    control["missed"] = 0
    control["missed_kept"] = 0
