import gc
from contextlib import suppress

from resampler.collector import without_collector


def test_the_collector_is_off_within_the_block_and_as_before_behind_it():
    assert gc.isenabled()
    with suppress(KeyError), without_collector():
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled()
    gc.disable()
    try:
        with without_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
