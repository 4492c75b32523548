"""The files for contributors agree with each other and with the package."""

from __future__ import annotations

import re

from helpers.paths import ROOT
from moslabels import __version__


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_version_is_one() -> None:
    cited = dict(re.findall(r"^(\S+): (.*)$", text_of("CITATION.cff"), re.MULTILINE))
    releases = re.findall(r"^## \[(\d.*?)\] - (\d{4}-\d\d-\d\d)$", text_of("CHANGELOG.md"), re.MULTILINE)
    assert releases[0] == (cited["version"], cited["date-released"])
    assert cited["version"] == __version__


def test_the_changelog_has_the_sections_of_keep_a_changelog() -> None:
    sections = set(re.findall(r"^### (.*)$", text_of("CHANGELOG.md"), re.MULTILINE))
    assert sections <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_targets_named_are_in_the_makefile() -> None:
    targets = set(re.findall(r"^(\w+):", text_of("Makefile"), re.MULTILINE))
    named = re.findall(r"(?:`|^    )make ([\w ]+)", text_of("CONTRIBUTING.md"), re.MULTILINE)
    assert named
    assert {target for line in named for target in line.split()} <= targets


def test_ci_and_the_hook_run_the_same_checks() -> None:
    for name in (".ci/run", ".pre-commit-config.yaml", "Makefile"):
        assert re.search(r"(^|\s)\.ci/check$", text_of(name), re.MULTILINE), name


def test_the_places_named_are_there() -> None:
    places = re.findall(r"`([\w/.]+/[\w.]*)`", text_of("CONTRIBUTING.md"))
    assert len(places) > 5
    for place in places:
        assert (ROOT / place).exists() or (ROOT / "moslabels" / place).exists(), place
