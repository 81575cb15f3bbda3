import subprocess
import sys

import pytest

ENDS = """
import atexit, gc
atexit.register(lambda: print(gc.get_freeze_count() > 0))
from resampler.ending import ending_quickly
with ending_quickly():
    pass
"""
LEAVES = """
import atexit, sys, threading
from resampler.ending import ending_quickly, leave

atexit.register(lambda: print("the interpreter's own end"))
thread = threading.Thread(target=threading.Event().wait, daemon=True)
thread.start()
with ending_quickly():
    leave([thread])
    print("said")
    sys.exit({code})
"""


def test_a_process_ends_with_nothing_to_look_through():
    done = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


@pytest.mark.parametrize("code", [0, 3])
def test_a_process_ends_at_once_where_a_thread_is_left(code):
    done = subprocess.run([sys.executable, "-c", LEAVES.format(code=code)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, "said\n")


INTERRUPTED = """
import atexit, signal, sys, threading
from resampler.ending import ending_quickly, leave

atexit.register(lambda: print("the interpreter's own end"))
thread = threading.Thread(target=threading.Event().wait, daemon=True)
thread.start()
signal.signal(signal.SIGALRM, lambda *_: sys.exit(0))
with ending_quickly():
    leave([thread])
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    thread.join(60)
"""


def test_a_thread_that_is_joined_as_a_signal_comes_is_left_all_the_same():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
