"""Parts that are labelled already: by a run that was killed, or by one before whose output they still are."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from moslabels.base.errors import ignored
from moslabels.evidence import embedded
from moslabels.evidence.strict_json import DocumentError
from moslabels.files import platform
from moslabels.files.records import file_sha256
from moslabels.files.regular import open_regular
from moslabels.files.watched import file_state, size_and_time


@dataclass(frozen=True)
class KnownPart:
    """A part that an earlier run labelled: its file, and the hashes of its features and of itself.

    ``hashed_at`` are size and time of its file if the driver has found that it has that hash. ``are_features_hashed``
    says that the features have theirs.
    """

    path: str
    features_sha256: str
    sha256: str
    hashed_at: tuple[int, ...] | None = None
    are_features_hashed: bool = False


def known_part(members: Mapping[str, Any]) -> KnownPart:
    """Return a known part from the members of a message."""
    hashed_at = members["hashed_at"]
    return KnownPart(**{**members, "hashed_at": hashed_at and tuple(hashed_at)})


def state_of(known: KnownPart) -> tuple[int, ...] | None:
    """Return the :func:`file_state` of a part that an earlier run labelled; None if the run did not write that file."""
    state = file_state(known.path)
    if state is None or size_and_time(state) == known.hashed_at:
        return state
    with ignored(OSError, ValueError):
        return state if file_sha256(known.path) == known.sha256 else None
    return None


def is_as_labelled_now(known: KnownPart, features: str, evidence: str) -> bool:
    """Return whether labelling a file of features now would write the bytes of a part that was labelled before.

    ``evidence`` is what would stand in the new part if the features have the hash that is known. The bytes depend on
    the features and on what the evidence says: the labels by their hashes, options, versions, the path of the features,
    which holds the values of partitions, and the counts.
    """
    with ignored(OSError, ValueError, DocumentError, pa.ArrowException):
        with open_regular(known.path) as stream:
            if embedded.read(stream) != json.loads(evidence):
                return False
        return known.are_features_hashed or file_sha256(features) == known.features_sha256
    return False


def take_by_link(known: KnownPart, state: tuple[int, ...], folder: str, name: str) -> str:
    """Give the file of a part a second name in a folder. Return why that is refused, or an empty text.

    Its contents were checked when it had this state. Nobody writes through either name: a new version of a part is a
    new file.
    """
    system = platform.system
    above, target = system.open_folder(os.path.dirname(known.path)), system.open_folder(folder)
    # Two attempts at one part must not meet, so each has a name of its own until the link is made.
    own = f"link-{os.urandom(8).hex()}"
    try:
        system.link(above, os.path.basename(known.path), target, own)
        if file_state(os.path.join(folder, own)) != state:
            system.remove(target, own)
            return "it was replaced meanwhile"
        system.replace(target, own, name)
        with suppress(FileNotFoundError):
            system.remove(target, own)  # Replacing a link to the same file does nothing.
        return ""
    except OSError as error:
        return error.strerror or str(error)
    finally:
        system.release(above, target)
