"""The command: runs what the arguments name, and returns its exit status."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from moslabels.base.errors import MosLabelsError, internal_error, is_from_outside
from moslabels.base.imports import leave_out_numpy
from moslabels.base.signals import Terminated, ending
from moslabels.command.commands import COMMANDS, command_parser
from moslabels.command.streams import UnwrittenError, say, write_out

_OBJECTS_BEFORE_A_SEARCH = 100_000


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Return its exit status: 0 done, 1 a table failed, 2 wrong usage, 130 interrupted (Ctrl-C), 143
    and 129 ended by SIGTERM and SIGHUP.
    """
    _open_what_is_closed()
    try:
        with ending():
            return _status(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt as error:
        _say_end("moslabels: interrupted", error)
        return 130
    except Terminated as error:
        _say_end(f"moslabels: ended by {error}", error)
        return 128 + error.number
    finally:
        _settle()


def run() -> NoReturn:
    """Run the command as a process of its own, which ends with the exit status of :func:`main`.

    The process ends at once: streams are written and all files are closed by then, and to take down Python, DuckDB and
    Arrow piece by piece costs as much as a small table.
    """
    gc.set_threshold(_OBJECTS_BEFORE_A_SEARCH)  # Almost all objects that are made while the program loads stay.
    if not any(argument.startswith("--engine") for argument in sys.argv):  # Engines hand arrays of numpy to pyarrow.
        leave_out_numpy()
    os._exit(main())


def _status(arguments: list[str]) -> int:
    parsed = argparse.Namespace()
    parser = command_parser(arguments)
    try:
        parsed = parser.parse_args(arguments)
        if parsed.version:
            write_out(_versions())
            return 0
        if parsed.name is None:
            say(f"{parser.format_help()}\nmoslabels: a command is required")
            return 2
        return COMMANDS[parsed.name].run(parsed, arguments)
    except MosLabelsError as error:
        say(f"moslabels: {error}")
        return error.exit_status
    except UnwrittenError as error:
        if not error.is_reader_gone:
            say(f"moslabels: {error}")
        return 1
    except Exception as error:
        if is_from_outside(error):
            raise
        if isinstance(error, OSError) and error.errno is not None:
            where = f"{error.filename}: " if error.filename else ""
            say(f"moslabels: {where}{error.strerror or error}")
        else:
            if getattr(parsed, "verbose", False):
                say("".join(traceback.format_exception(error)).rstrip())
            say(f"moslabels: {internal_error(error)}")
        return 1


def _open_what_is_closed() -> None:
    """Open the null device for each standard stream that is closed, so that no file of a run takes its number."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # It takes the lowest that is free.


def _settle() -> None:
    """Write what streams still hold. Give up one that takes no more, or Python ends with a status of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                nothing = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nothing, stream.fileno())
                os.close(nothing)


def _say_end(text: str, error: BaseException) -> None:
    say("\n".join([text, *(f"  {note}" for note in getattr(error, "__notes__", ()))]))


def _versions() -> str:
    from moslabels.evidence.provenance import versions

    loaded = versions()
    return (
        f"moslabels {loaded['moslabels']} (duckdb {loaded['duckdb']}, pyarrow {loaded['pyarrow']}, "
        f"Python {loaded['python']})\n"
    )
