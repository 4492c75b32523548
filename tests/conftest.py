"""Fixtures of all tests."""

from __future__ import annotations

import signal
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

pytest.register_assert_rewrite("helpers")

from helpers.job import Job
from helpers.schemas import schema_of
from moslabels.engine.databases import kept
from moslabels.evidence import audit, report

hypothesis.settings.register_profile("no clock", deadline=None)
hypothesis.settings.load_profile("no clock")

SAMPLE = 3
"""A run by default has every third case of a test that is marked as sampled."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every", type=int, default=1, help="run each N-th test; which ones, the version of Python says")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark as ``long`` the cases that a run leaves out. Of all other tests, leave out what ``--every`` says.

    Which ones, the version of Python says. Three versions that follow one another have all cases, and CI runs three.
    """
    every, minor = config.getoption("every"), sys.version_info.minor
    items[:] = [
        item
        for item in items
        if item.get_closest_marker("sampled") or (zlib.crc32(item.nodeid.encode()) + minor) % every == 0
    ]
    seen: Counter[str] = Counter()
    for item in items:
        if item.get_closest_marker("sampled"):
            name = item.nodeid.partition("[")[0]
            if (seen[name] + zlib.crc32(name.encode()) + minor) % SAMPLE:
                item.add_marker(pytest.mark.long)
            seen[name] += 1


@pytest.fixture(autouse=True, scope="session")
def ctrl_c_ends_what_tests_start() -> None:
    """A shell that runs the suite in the background lets it ignore Ctrl-C, and with it what the tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def every_document_is_valid() -> Iterator[None]:
    """Every audit and every report that a test has made validates against its published schema."""
    patched = pytest.MonkeyPatch()
    for module, schema in ((audit, schema_of("audit")), (report, schema_of("report"))):

        def build_valid(*arguments: Any, build: Any = module.build, schema: Any = schema, **keywords: Any) -> Any:
            document = build(*arguments, **keywords)
            schema.validate(document)
            return document

        patched.setattr(module, "build", build_valid)
    yield
    patched.undo()


@pytest.fixture(autouse=True, scope="session")
def one_database() -> Iterator[None]:
    """The runs of a process share one database, as the tables of a batch do."""
    with kept():
        yield


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


@pytest.fixture
def mos_of(job: Job) -> Callable[..., dict[str, Any]]:
    """Label one row per key given, and return the mos of each."""

    def run(keys: Iterable[Any], labels: Any, **options: Any) -> dict[str, Any]:
        options.setdefault("min_match_rate", 0)
        rows = job.run([{"key": key} for key in keys], labels, **options)
        return {row["key"]: row["mos"] for row in rows}

    return run
