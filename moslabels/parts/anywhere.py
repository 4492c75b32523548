"""What engines call in their workers, which may lack moslabels."""

from __future__ import annotations

from collections.abc import Callable


def anywhere() -> Callable[[bytes], bytes]:
    """Return ``worker.answer`` as a function that pickles by value, and so arrives where it cannot be imported.

    A worker that cannot import moslabels says so in its answer, with the name of its host.
    """

    def answer_anywhere(request: bytes) -> bytes:
        # All that it needs is imported here, since nothing of this module comes along.
        try:
            from moslabels.parts.worker import answer
        except ImportError as error:
            import json
            import socket

            head = json.dumps({"host": socket.gethostname(), "missing": str(error)}).encode("utf-8")
            return len(head).to_bytes(8, "little") + head
        return answer(request)

    return answer_anywhere
