"""The sliding window of class counts, and the plan that it makes: which rows to keep, how many to emit.

All decisions depend on the order of the rows alone, never on how they are cut into batches.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from resampler.kernels.jit import entry, inline
from resampler.kernels.random import KEEP, QUOTA, REFERRAL, draw, poisson

# What an operation's count says; any other count emits that many rows.
INSERT = 0  # the class keeps the row
REFER = -1  # the row, of another class, enters the sample that the class is compared with
ASSESS = -2  # the row of this slot of the class is weighed anew
NOWHERE = -1  # place in the output of an operation that emits nothing

# Ids of a stream's rows ascend within a range of those that share their highest bits (`stream.formats.identity`): the
# first row of a batch is in another than the rows behind it.
RANGE_SHIFT, RANGES = 61, 4


class Policy(NamedTuple):
    """What the plan is made by: see `resampler.online.OnlineResampler`.

    Parameters
    ----------
    undersample : float
        Minority : majority that dropping majority rows reaches first; 0 drops none.
    poisson : bool
        Quotas are drawn, not counted.
    arrival : bool
        A class is paid behind its own rows alone.
    ahead : bool
        A class is paid behind any row, and an advance behind its own.
    advance : float
        Of what a row of a class stands for, what is paid ahead behind it.
    compare : bool
        Minority classes are compared with a sample of the other classes.
    enough : int
        Rows of a class before synthetic ones are made of it.
    capacity, burst, warmup : int
        As there.
    seed : uint64
        Keys every draw.
    paused : bool
        No class is owed anything, and nothing is emitted.
    """

    undersample: float
    poisson: bool
    arrival: bool
    ahead: bool
    advance: float
    compare: bool
    enough: int
    capacity: int
    burst: int
    warmup: int
    seed: np.uint64
    paused: bool = False


class Quotas(NamedTuple):
    """How many rows each class is to have.

    Parameters
    ----------
    ratio : ndarray of shape (max_classes,), float64
        Class : largest class after augmentation, by class code.
    cost : ndarray of shape (max_classes,), float64
        Rows of the class after augmentation for each real one, at most; 0 sets no such limit.
    """

    ratio: np.ndarray
    cost: np.ndarray


class Window(NamedTuple):
    """Counts over the last `window` rows, and what each class is owed.

    Parameters
    ----------
    labels : ndarray of shape (max_classes,), int64
        Label of each class code, in order of first appearance.
    n_classes : ndarray of shape (1,), int64
        How many codes are in use.
    codes : ndarray of shape (window,), int16
        Class code of each row in the window.
    real : ndarray of shape (max_classes,), int64
        Rows of each class in the window.
    credit : ndarray of shape (max_classes,), float64
        Synthetic rows that each class is owed.
    stored : ndarray of shape (max_classes,), int64
        Rows in each class's minority buffer.
    seen : ndarray of shape (1,), int64
        Rows since the beginning.
    seen_real, seen_synthetic, seen_dropped : ndarray of shape (max_classes,), int64
        Rows of each class since the beginning.
    """

    labels: np.ndarray
    n_classes: np.ndarray
    codes: np.ndarray
    real: np.ndarray
    credit: np.ndarray
    stored: np.ndarray
    seen: np.ndarray
    seen_real: np.ndarray
    seen_synthetic: np.ndarray
    seen_dropped: np.ndarray


@entry
def follow(row_ids, highest):
    """Raise the highest id of each range by ids that ascend in each from there; return False where they do not.

    A range is that of ids with equal highest bits, as many as number the ranges.
    """
    for i in range(row_ids.shape[0]):
        if row_ids[i] < 0:
            return False
        k = row_ids[i] >> RANGE_SHIFT
        if row_ids[i] <= highest[k]:
            return False
        highest[k] = row_ids[i]
    return True


@entry
def encode(window, y, codes):
    """Write the class code of each label, taking in new ones.

    Returns the number of classes, or -1 with nothing changed if there would be more than `labels` can hold.
    """
    known = window.n_classes[0]
    n = known
    for i in range(y.shape[0]):
        code = 0
        while code < n and window.labels[code] != y[i]:
            code += 1
        if code == n:
            if n == window.labels.shape[0]:
                window.labels[known:] = 0
                return -1
            window.labels[n] = y[i]
            n += 1
        codes[i] = code
    window.n_classes[0] = n
    return n


@entry
def plan(window, policy, quotas, codes, row_ids, streams, op_class, op_row, op_count, op_out, position):
    """Pass rows through the window and list what to do, in order.

    `streams[c]` keys the draws of class c. An operation is (class, row of the batch, count, place in the output).
    `position[i]` is real row i's own place in the output; with all bits flipped, thus negative, if under-sampling
    leaves it out. Synthetic rows stand behind the row that caused them.

    Returns the number of operations and of output rows.
    """
    n_classes = window.n_classes[0]
    n_ops = 0
    n_out = 0
    size = window.codes.shape[0]
    at = window.seen[0] % size
    for i in range(codes.shape[0]):
        code = codes[i]
        keep, largest = take_in(window, policy, code, at)
        at = at + 1 if at + 1 < size else 0  # a remainder for each row would be a division
        share = passing(window, policy, largest)
        position[i] = n_out
        if share < 1 and window.real[code] == largest and drawn(policy, streams[code], row_ids[i], KEEP) >= share:
            position[i] = ~n_out
            window.seen_dropped[code] += 1
        else:
            n_out += 1
        if keep:
            n_ops = put_down(op_class, op_row, op_count, op_out, n_ops, code, i, INSERT, NOWHERE)
        rows = min(window.seen[0], size)
        for c in range(n_classes):
            if window.seen_real[c] == 0:  # a class that this batch is yet to bring
                continue
            if policy.compare and c != code and 0 < window.real[c] < largest:
                # As many rows of other classes as of the class itself, so that both samples span the same time.
                word = drawn(policy, streams[c], row_ids[i], REFERRAL)
                if word * (rows - window.real[c]) < window.real[c]:
                    n_ops = put_down(op_class, op_row, op_count, op_out, n_ops, c, i, REFER, NOWHERE)
            if policy.paused:
                continue
            own = c == code and keep
            count = pay(window, policy, quotas, streams[c], row_ids[i], c, own, share, largest, rows)
            if count > 0:
                n_ops = put_down(op_class, op_row, op_count, op_out, n_ops, c, i, count, n_out)
                n_out += count
    return n_ops, n_out


@inline
def put_down(op_class, op_row, op_count, op_out, n, c, i, count, place):
    """Write operation n; return the number of the next."""
    op_class[n] = c
    op_row[n] = i
    op_count[n] = count
    op_out[n] = place
    return n + 1


@inline
def take_in(window, policy, code, at):
    """Count a row of a class in place `at` of the window, that of the oldest.

    Returns whether its buffer keeps it, and how many rows the largest class has.
    """
    if window.seen[0] >= window.codes.shape[0]:
        window.real[window.codes[at]] -= 1
    largest = np.int64(0)
    for c in range(window.n_classes[0]):
        largest = max(largest, window.real[c])
    # The majority needs no buffer, but the first rows of a stream do not know yet what they are.
    keep = window.real[code] < largest or window.stored[code] < policy.enough
    window.codes[at] = code
    window.real[code] += 1
    window.seen[0] += 1
    window.seen_real[code] += 1
    if keep:
        window.stored[code] = min(window.stored[code] + 1, policy.capacity)
    return keep, max(largest, window.real[code])


@inline
def passing(window, policy, largest):
    """Return the share of the majority's rows that under-sampling lets pass."""
    if policy.undersample <= 0:
        return 1.0
    # A minority too small to be interpolated thins the majority no further: an absent one would erase it.
    minority = max(runner_up(window.real, window.n_classes[0], largest), policy.enough)
    return min(1.0, minority / (policy.undersample * largest))


@inline
def drawn(policy, stream, row_id, purpose):
    """Return a number from 0 to below 1 that a row is keyed to."""
    word, _, _, _ = draw(policy.seed, stream, row_id, purpose)
    return np.float64(word) * 2.0**-32


@inline
def pay(window, policy, quotas, stream, row_id, c, own, share, largest, rows):
    """Owe a class its part behind a row, `own` if its buffer keeps that; return how many rows it is paid.

    With every row, each class is owed what its share of the window lacks of its ratio x the largest class's share, or
    of its cost x its own share where that is less; of the `largest` rows of the largest class a `share` passes.
    Counting what was emitted and topping it up would be exact at every row, but each burst would come back as an
    echo when it leaves the window, for ever. On arrival, a class is paid when a row of it comes that its buffer keeps,
    and what it is owed until then is kept. Ahead, such a row is paid at least `advance` of what it stands for (what the
    class lacks, over its rows) even if the class is owed less, and what is paid too early is then owed less: no class
    owes more than a window can hold. While the policy is paused, what a class was owed before stays as it was:
    rows that pass meanwhile owe nothing, and there is no burst behind them.
    """
    size = window.codes.shape[0]
    target = quotas.ratio[c] * share * largest
    if quotas.cost[c] > 0:
        target = min(target, quotas.cost[c] * window.real[c])
    lacking = max(0.0, target - window.real[c])
    owed = lacking / rows if lacking > 0 else 0.0  # most often nothing is, and a division takes long
    if policy.poisson:
        _, word, _, _ = draw(policy.seed, stream, row_id, QUOTA)
        owed = poisson(word, owed)
    carried = policy.arrival or policy.ahead or not policy.poisson
    if carried:
        # No class is owed more than a window can hold, however long it had too few rows to emit.
        window.credit[c] = min(window.credit[c] + owed, quotas.ratio[c] * size)
        if policy.arrival and not own:
            return 0
        owed = window.credit[c]
    if policy.ahead and own:
        owed = max(owed, min(policy.advance * lacking / window.real[c], window.credit[c] + quotas.ratio[c] * size))
    count = min(int(owed), policy.burst)
    if count <= 0 or window.stored[c] < policy.enough or window.seen[0] <= policy.warmup:
        return 0
    if carried:
        window.credit[c] -= count
    window.seen_synthetic[c] += count
    return count


@entry
def runner_up(counts, n, largest):
    """Return the second largest count."""
    second = 0
    seen = False
    for c in range(n):
        if counts[c] == largest and not seen:
            seen = True
        else:
            second = max(second, counts[c])
    return second
