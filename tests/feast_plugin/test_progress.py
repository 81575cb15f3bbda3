"""What takes its time says so, on a terminal and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios

CODE = """
import time
from feast_plugin.progress import stage
with stage("reading") as step:
    time.sleep(1.2)
    step.rows = 1_234
assert 1.2 <= step.seconds < 60
"""


def test_a_terminal_shows_the_time_and_the_rows():
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    done = subprocess.Popen([sys.executable, "-c", CODE], stderr=theirs)
    assert done.wait() == 0
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    assert "reading: 00:00" in shown
    assert "reading: 00:01" in shown
    assert "1,234 rows" in shown
    assert "a second" in shown


def test_a_pipe_shows_nothing():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
