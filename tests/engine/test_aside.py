"""Calls that other threads make: what becomes of them when a process forks or ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from moslabels.engine.aside import Call, OneThread, aside


def ran(script: str) -> str:
    """What a script prints. Its warnings of forks beside threads are not asked for."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_short_calls_of_the_main_thread_are_made_by_one_other() -> None:
    made = {aside(threading.get_ident) for _ in range(3)}
    assert len(made) == 1
    assert threading.get_ident() not in made
    with pytest.raises(KeyError, match="mine"):
        aside(lambda: {}["mine"])


def test_calls_are_made_in_order_and_the_thread_ends() -> None:
    thread, made = OneThread(), []
    calls = [thread.hand_over(lambda number=number: made.append(number)) for number in range(100)]  # type: ignore[misc]
    thread.end()
    assert made == [*range(100)]
    assert all(call.has_ended(0) for call in calls)


def test_a_call_that_is_abandoned_before_it_begins_is_never_made() -> None:
    call: Call[None] = Call(lambda: pytest.fail("it was made"))
    assert call.abandon()
    call.make()
    assert call.has_ended(0)
    begun = Call(lambda: 3)
    begun.make()
    assert not begun.abandon()
    assert begun.future.result() == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_waits_for_no_call_of_its_parent_and_makes_its_own() -> None:
    script = """
import os, sys, threading
from moslabels.engine.aside import OneThread, aside
begun, leave = threading.Event(), threading.Event()
aside(lambda: None)
OneThread().hand_over(lambda: begun.set() or leave.wait())
begun.wait()
child = os.fork()
if not child:
    sys.exit(aside(lambda: 3))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
leave.set()
"""
    assert ran(script) == "3\n"


def test_what_is_at_work_when_the_interpreter_ends_is_waited_for() -> None:
    script = """
import threading, time
from moslabels.engine.aside import OneThread
begun = threading.Event()
OneThread().hand_over(lambda: [begun.set(), time.sleep(0.3), print("done", flush=True)])
begun.wait()
"""
    assert ran(script) == "done\n"
