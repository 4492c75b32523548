"""Writing to standard output, for programs, and to standard error, for people."""

from __future__ import annotations

import sys
from contextlib import suppress

from moslabels.base.text import visible, visible_text


class UnwrittenError(Exception):
    """Standard output did not take the text. ``is_reader_gone`` is true if the program that reads it has ended."""

    def __init__(self, reason: str, is_reader_gone: bool = False) -> None:
        super().__init__(f"standard output: {reason}")
        self.is_reader_gone = is_reader_gone


def write_out(text: str) -> None:
    """Write to standard output in UTF-8, as JSON requires, whatever the terminal's encoding. Raise UnwrittenError.

    On a terminal, control and format characters are spelled out.
    """
    stream = sys.stdout
    if stream is None:
        raise UnwrittenError("is closed")
    try:
        if stream.isatty():
            text = visible_text(text)
        stream.flush()
        if hasattr(stream, "buffer"):  # The text may have a path with bytes that are not text.
            stream.buffer.write(text.encode("utf-8", "backslashreplace"))
        else:
            stream.write(text)
        stream.flush()
    except BrokenPipeError as error:
        raise UnwrittenError("its reader has left", is_reader_gone=True) from error
    except OSError as error:
        raise UnwrittenError(error.strerror or str(error)) from error
    except ValueError as error:  # Python has closed it.
        raise UnwrittenError(str(error)) from error


def say(text: str) -> None:
    """Write a message to standard error if it takes one, with invisible characters spelled out for terminals."""
    stream = sys.stderr
    if stream is None:
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    with suppress(OSError, ValueError):  # A log that is full, closed or without a reader does not stop a table.
        stream.write(visible_lines(text).encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()


def visible_lines(text: str) -> str:
    """Return a text of lines with all other invisible characters spelled out."""
    return "\n".join(map(visible, text.split("\n")))
