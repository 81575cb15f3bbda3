"""The PyTorch dataset in PyTorch's own loaders: `make test-torch`, as PyTorch is too large to install with the rest."""

import numpy as np
import pytest

from stream import Feed
from stream.adapters import iterable_dataset, loader_batches
from stream.redis.keys import shard_keys

data = pytest.importorskip("torch.utils.data", reason="needs PyTorch: make test-torch")


def test_loaders_share_the_shards_and_say_where_they_are(server, client, name, make_rows, add_text, run_worker):
    for i, keys in enumerate(shard_keys(name, 3)):
        add_text(client, keys.input, *make_rows(300, seed=i))
    run_worker(name, shards=3)

    def make(shards, cursors=None):
        return Feed(server.url, name, shards=3, only=shards, cursors=cursors, idle_s=0.01)

    whole = list(data.DataLoader(iterable_dataset(make, 3), batch_size=None))
    for (X, y), (batch, _) in zip(whole, loader_batches(make, 3), strict=True):
        np.testing.assert_array_equal(X.numpy(), batch.X)
        np.testing.assert_array_equal(y.numpy(), batch.y)
    places = {}
    loader = data.DataLoader(iterable_dataset(make, 3, cursors=True), batch_size=None, num_workers=2)
    first = []
    for i, (X, _, cursors) in enumerate(loader):
        first.append(X)
        places |= cursors
        if i == 20:
            break
    rest = list(data.DataLoader(iterable_dataset(lambda s: make(s, places), 3), batch_size=None))
    assert sorted(X.numpy().tobytes() for X, _ in whole) == sorted(
        X.numpy().tobytes() for X in [*first, *(X for X, _ in rest)]
    )
