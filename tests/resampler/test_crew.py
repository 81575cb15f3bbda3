"""Work is shared: all of it is done, what holds the same is done in turn, and errors come back."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from resampler.crew import Crew


@pytest.mark.parametrize("size", [1, 2, 5])
def test_items_and_what_they_return_are_done_once(size):
    done = []

    def halve(span, worker):
        assert 0 <= worker < size
        first, last = span
        if last - first == 1:
            done.append(first)
            return None
        middle = (first + last) // 2
        return [(first, middle), (middle, last)]

    with Crew(size) as crew:
        crew.share([(0, 9), (9, 40)], halve)
        crew.share([], halve)
    assert sorted(done) == list(range(40))


def test_items_that_hold_the_same_are_not_done_at_once():
    pairs = [(a, b) for a in range(6) for b in range(a, 6)]
    held, done, guard = set(), [], threading.Lock()

    def hold(pair, _):
        with guard:
            assert held.isdisjoint(pair)
            held.update(pair)
        time.sleep(0.001)
        with guard:
            held.difference_update(pair)
            done.append(pair)

    with Crew(4) as crew:
        crew.share(pairs, hold, set)
    assert sorted(done) == pairs


@pytest.mark.parametrize("size", [1, 3])
def test_what_a_task_raises_is_raised(size):
    begun = []

    def fail(item, _):
        begun.append(item)
        if item == 2:
            raise ValueError("of item 2")
        time.sleep(0.001)

    with Crew(size) as crew, pytest.raises(ValueError, match="of item 2"):
        crew.share(range(1000), fail)
    assert len(begun) < 1000


def test_nothing_is_begun_behind_an_error_not_even_what_others_return():
    begun, failed = [], threading.Event()

    def fail(item, _):
        begun.append(item)
        if item == "fails":
            failed.set()
            raise ValueError(item)
        failed.wait()
        time.sleep(0.01)
        return ["never"]

    with Crew(2) as crew, pytest.raises(ValueError, match="fails"):
        crew.share(["returns more", "fails"], fail)
    assert "never" not in begun


def test_an_interrupted_caller_ends_the_work_of_others():
    main, begun = threading.main_thread(), []

    def holds(item):
        if threading.current_thread() is main and item > 2:
            raise KeyboardInterrupt  # as between two pieces, or while it waits
        return ()

    def work(item, _):
        begun.append(item)
        time.sleep(0.001)

    with Crew(2) as crew, pytest.raises(KeyboardInterrupt):
        crew.share(range(10_000), work, holds)
    assert len(begun) < 10_000


def test_a_caller_that_is_interrupted_as_it_begins_ends_the_work_of_others(monkeypatch):
    begun, submit = [], ThreadPoolExecutor.submit

    def interrupted(pool, *call):
        if begun:
            raise KeyboardInterrupt
        future = submit(pool, *call)
        while not begun:
            time.sleep(0.001)
        return future

    def work(item, _):
        begun.append(item)
        time.sleep(0.001)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", interrupted)
    with Crew(3) as crew, pytest.raises(KeyboardInterrupt):
        crew.share(range(1_000), work)
    assert len(begun) < 1_000
