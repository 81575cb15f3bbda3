import pytest

from resampler.errors import InvalidInputError
from stream.redis.keys import ShardKeys, shard_keys


def _slot(key):
    from redis.crc import key_slot

    return key_slot(key.encode())


@pytest.mark.parametrize("stream", ["fraud", "{a}b", "a{", "{}x", "a}b", "{a"])
@pytest.mark.parametrize("shards", [1, 3])
def test_keys_of_a_shard_share_its_slot(stream, shards):
    for keys in shard_keys(stream, shards):
        names = [keys.output, keys.dead, keys.checkpoint, keys.snapshot, keys.lease, keys.forget, keys.feeds]
        assert len(set(names)) == len(names)
        if "}" not in stream or "{a}" in stream:
            assert {_slot(key) for key in names} == {_slot(keys.input)}


def test_names():
    assert ShardKeys("fraud").output == "{fraud}:out"
    assert [keys.input for keys in shard_keys("fraud", 2)] == ["fraud.0", "fraud.1"]


def test_refuses():
    with pytest.raises(InvalidInputError, match="must not be empty"):
        shard_keys("")
    with pytest.raises(InvalidInputError, match="at least 1, got 0"):
        shard_keys("x", 0)
