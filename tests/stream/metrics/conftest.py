"""What workers export, as a scraper reads it."""

from __future__ import annotations

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families


@pytest.fixture(scope="session")
def exported():
    """Return all samples of a worker: value by name and labels."""

    def read(worker):
        text = generate_latest(worker.metrics.registry).decode()
        return {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    return read


@pytest.fixture(scope="session")
def shown(exported):
    """Return a worker's series of one shard: the values by name and the labels beside stream and shard."""

    def read(worker, shard):
        found = {}
        for (name, *labels), value in exported(worker).items():
            named = dict(labels)
            if named.pop("shard", None) == shard:
                named.pop("stream")
                found[name, *named.values()] = value
        return found

    return read
