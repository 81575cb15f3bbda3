import gc
import subprocess
import sys
from contextlib import suppress

from resampler.collector import without_collector

ENDS = """
import atexit, gc, sys
atexit.register(lambda: print(gc.get_freeze_count() > 0))
from resampler.collector import end_quickly
end_quickly()
"""


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


def test_a_process_ends_with_nothing_to_look_through():
    done = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
