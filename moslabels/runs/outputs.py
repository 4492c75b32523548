"""The outputs of one table: staged one by one, and published together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from moslabels.base.signals import held, hold
from moslabels.evidence.audit import Output
from moslabels.files.places import Place
from moslabels.files.publish import publish
from moslabels.files.staged import StagedFile


@dataclass(frozen=True)
class Outputs:
    """The places of the outputs, what checks that no input changed, and what ends the staged files."""

    places: Mapping[str, Place]
    check_inputs: Callable[[], None]
    is_dry: bool
    files: ExitStack

    def stage(self, target: str) -> StagedFile:
        """Begin a file that will be published at ``target``."""
        with held():
            return self.files.enter_context(StagedFile(self.places[target]))

    def publish(self, *staged: StagedFile, first: Callable[[], None] = lambda: None) -> None:
        """Put files at their targets, if no input changed meanwhile. ``first`` puts what must be there before them."""
        self.check_inputs()
        for file in staged:
            file.finish()
        if not self.is_dry:
            hold()  # No interruption from here on: a published table is done, and the report must say so.
            first()
            publish(*staged)

    @property
    def warnings(self) -> list[str]:
        """Return a text about each file that a killed run left behind."""
        return [warning for place in self.places.values() for warning in place.left]


def record_of(staged: StagedFile) -> Output:
    """Return the record of a file that is written, under the path that was given for it."""
    return Output(staged.given, staged.sha256, staged.size)
