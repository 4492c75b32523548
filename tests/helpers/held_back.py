"""A function that waits where a test wants it to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class HeldBack:
    """Stands in for a function: says that it was ``entered``, and goes on when it may ``leave``."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.entered, self.leave = threading.Event(), threading.Event()

    def __call__(self, *arguments: Any) -> Any:
        self.entered.set()
        assert self.leave.wait(60)
        return self._function(*arguments)
