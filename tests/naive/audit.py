"""Naive loops of the audits: which rows, how much is missed, which budget follows."""

from __future__ import annotations

from naive.random import draw


def chosen(oldest, held, capacity, inserted, next_audit):
    """Slots of a new row and of a drawn one for each audit that is due, and the number of the next audit."""
    slots = []
    while next_audit < inserted:
        newest = oldest + held - 1
        new = newest - (inserted - 1 - next_audit)
        if new >= oldest:
            word = draw(0, 0, next_audit, 0)[0]
            slots += [new % capacity, (oldest + (word * held >> 32)) % capacity]
        next_audit += max(16, capacity // (256 if next_audit < 2 * capacity else 128))
    return slots, next_audit


def missed(naive, slot, nearest, k):
    """How many of the k nearest rows the first k living entries of a list lack; none if there are fewer of these."""
    entries = [int(s) for s in naive.lists.stamps[slot, : naive.lists.count[slot]] if naive.alive(int(s))][:k]
    return sum(int(s) not in entries for s in nearest[:k]) if len(entries) == k else 0


def fitted(budget, audited, new, kept, filling, recall, k, capacity):
    """The budget and the counts after an audit."""
    may = (1 - recall) * 128 * k
    haste = 1 if audited < 16 else 2 if audited < 32 else 4
    if kept > 0.7 * may or new > may * (0.45 if filling else 1.5):
        return min(budget + budget // haste, max(capacity, 128)), 0, 0, 0
    if audited < 128:
        return budget, audited, new, kept
    if kept < 0.45 * may and new < 0.7 * (may * (0.45 if filling else 1.5)):
        budget = max(128, budget - budget // 8)
    return budget, 0, 0, 0
