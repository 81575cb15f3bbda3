"""Feeds for learners: thin, so that what is guaranteed stays in sight.

=======================  =====================================================================================
`partial_fit`            commits behind each batch: at least once; exactly once if the caller saves the cursors
                         with the model and gives them back to `Feed`
`learn_many`             the same, for river
`loader_batches`         what one of several loader processes reads; commits nothing, as loaders read ahead: each epoch
                         begins where its feeds are asked to; exactly once if the caller saves the cursors that come
                         with the batches
`iterable_dataset`       the same as a PyTorch dataset (``cursors=True`` gives the cursors)
=======================  =====================================================================================
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from resampler.errors import InvalidInputError, MissingExtraError
from resampler.notices import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from resampler.provenance import MicroBatch
    from resampler.quality import ClassWindow
    from stream.feed.feed import Feed


def partial_fit(
    estimator: Any,
    feed: Feed,
    classes: Sequence[int],
    *,
    save: Callable[[Any, dict[str, str]], object] | None = None,
    window: ClassWindow | None = None,
) -> int:
    """Train a scikit-learn estimator on a feed until it ends.

    Parameters
    ----------
    estimator : object
        Has ``partial_fit(X, y, classes=...)``.
    feed : Feed
        Where batches come from; it ends if it was made with `idle_s`.
    classes : sequence of int
        All classes there can be.
    save : callable, optional
        Called with the estimator and the feed's cursors behind each batch, before the commit. If it stores both in
        one step, a trainer that starts from them sees every batch exactly once.
    window : ClassWindow, optional
        Counts the rows of each batch, real and synthetic, before `save` is called; it corrects the probabilities of the
        estimator. Save it in the same step.

    Returns
    -------
    int
        Rows seen.

    Warns
    -----
    UserWarning
        If `window` counts rows of a stream that is under-sampled: a feed does not hand out what was left out.
    """
    rows = 0
    for batch in feed:
        estimator.partial_fit(batch.X, batch.y, classes=classes)
        rows += len(batch)
        if window is not None:
            _count(window, batch, feed)
        if save:
            save(estimator, feed.cursors)
        feed.commit()
    return rows


def _count(window: ClassWindow, batch: MicroBatch, feed: Feed) -> None:
    if feed.undersample is not None and not sum(window.trained.values()):
        warn(
            f"the stream is under-sampled (to {feed.undersample}) and the feed hands out no row that was left out, so "
            "that the window's real shares are those of what is left: count real rows by class elsewhere, such as by "
            "`resampler stream status`, and use correct_prior",
            UserWarning,
        )
    window.update(batch)


def learn_many(model: Any, feed: Feed, names: Sequence[str], *, window: ClassWindow | None = None) -> int:
    """Train a river model on a feed until it ends.

    Parameters
    ----------
    model : object
        Has ``learn_many(X, y)``, X a DataFrame.
    feed : Feed
        Where batches come from.
    names : sequence of str
        Feature names, in the contract's order.
    window : ClassWindow, optional
        As in `partial_fit`, counted before the commit.

    Returns
    -------
    int
        Rows seen.

    Raises
    ------
    MissingExtraError
        If pandas, which river's mini-batches need, is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingExtraError("river's learn_many needs pandas: pip install pandas") from error
    rows = 0
    for batch in feed:
        model.learn_many(pd.DataFrame(batch.X, columns=list(names)), pd.Series(batch.y))
        if window is not None:
            _count(window, batch, feed)
        feed.commit()
        rows += len(batch)
    return rows


def loader_batches(
    make_feed: Callable[[tuple[int, ...]], Feed], shards: int = 1, worker: int = 0, n_workers: int = 1
) -> Iterator[tuple[MicroBatch, dict[str, str]]]:
    """Read what falls to one of several loader processes.

    Parameters
    ----------
    make_feed : callable
        Makes the feed of some shards; called here, as a connection cannot be shared between processes.
    shards : int
        How many there are.
    worker, n_workers : int
        This process is number `worker` of `n_workers`, from 0: it reads the shards worker, worker + n_workers, ...

    Yields
    ------
    batch : MicroBatch
        The next rows.
    cursors : dict of str to str
        The feed's cursors behind them. Merged over all batches trained on, and saved with the model in one step, they
        are what `Feed` takes to go on exactly there.

    Raises
    ------
    InvalidInputError
        If `worker` is not from 0 to n_workers - 1.
    """
    if not 0 <= worker < n_workers:
        raise InvalidInputError(f"worker must be from 0 to n_workers - 1 = {n_workers - 1}, got {worker}")
    mine = tuple(range(worker, shards, n_workers))
    if not mine:
        return
    with make_feed(mine) as feed:
        for batch in feed:
            yield batch, feed.cursors


def iterable_dataset(make_feed: Callable[[tuple[int, ...]], Feed], shards: int = 1, *, cursors: bool = False) -> Any:
    """Make a PyTorch `IterableDataset` of ``(X, y)`` tensors, a batch each.

    Parameters
    ----------
    make_feed : callable
        Makes the feed of some shards; called in each loader worker, as a connection cannot be shared.
    shards : int
        How many there are; loader workers share them out as `loader_batches` says.
    cursors : bool
        Give ``(X, y, cursors)``, the cursors of `loader_batches`.

    Returns
    -------
    torch.utils.data.IterableDataset
        For a `DataLoader` with ``batch_size=None``.

    Raises
    ------
    MissingExtraError
        If PyTorch is not installed.
    """
    try:
        torch = importlib.import_module("torch")
        data = importlib.import_module("torch.utils.data")
    except ImportError as error:
        raise MissingExtraError("the PyTorch adapter needs torch: pip install torch") from error

    class FeedDataset(data.IterableDataset):  # type: ignore[misc, name-defined]
        """The batches of the shards that fall to this loader worker."""

        def __iter__(self) -> Iterator[tuple[Any, ...]]:
            info = data.get_worker_info()
            worker, n_workers = (info.id, info.num_workers) if info else (0, 1)
            for batch, places in loader_batches(make_feed, shards, worker, n_workers):
                tensors = _tensors(torch, batch)
                yield (*tensors, places) if cursors else tensors

    return FeedDataset()


def _tensors(torch: Any, batch: MicroBatch) -> tuple[Any, Any]:
    # Copies: the batch is a read-only view of the bytes that Redis sent, which tensors may not be.
    return torch.from_numpy(batch.X.copy()), torch.from_numpy(batch.y.copy())
