"""The guide: every page shows what its commands print, and names all that there is."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import moslabels as package
from helpers.command import moslabels
from helpers.generated_pages import PAGES as GENERATED
from helpers.pages import blocks, run_page
from helpers.paths import ROOT
from moslabels.runs.views import VIEWS
from moslabels.spec.formats import FORMATS
from moslabels.spec.names import KEY_NAMES, MOS_NAMES
from moslabels.spec.options import FIELDS, LABEL_FIELDS

GUIDE = ROOT / "examples" / "guide"
PAGES = sorted(path.name for path in GUIDE.glob("*.md"))
WITH_LINKS = sorted(path.relative_to(ROOT) for path in (*ROOT.glob("*.md"), *ROOT.glob("[es]*/**/*.md")))


def text_of(page: str) -> str:
    return (GUIDE / page).read_text(encoding="utf-8")


FLAGS = [line for page in PAGES for line in re.findall(r"^    moslabels (.*)$", text_of(page), re.MULTILINE)]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_its_commands_print(copy: Path, page: str, capsys: pytest.CaptureFixture[str]) -> None:
    run_page(blocks(copy / "guide" / page), capsys)


@pytest.mark.parametrize("page", GENERATED)
def test_a_page_made_from_the_code_is_current(page: str) -> None:
    assert text_of(page) == GENERATED[page](), "run: make pages"


@pytest.mark.parametrize("page", WITH_LINKS, ids=str)
def test_links_lead_to_files(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)", (ROOT / page).read_text(encoding="utf-8")):
        assert "://" in link or (ROOT / page.parent / link).exists(), link


def test_the_index_lists_every_page() -> None:
    assert set(re.findall(r"^\| \[\w+\]\((.*?)\) \|", text_of("README.md"), re.MULTILINE)) == {*PAGES} - {"README.md"}


@pytest.mark.parametrize("line", FLAGS)
def test_the_flags_shown_are_there(line: str) -> None:
    name, rest = line.split(" ", 1)
    done = moslabels(name, "--help", cwd=ROOT)
    assert done.returncode == 0
    assert set(re.findall(r"--[a-z-]+|(?<= )-[a-z]\b", rest)) <= set(re.findall(r"--[a-z-]+|-[a-z]\b", done.stdout))


def test_the_names_of_the_package_are_all_there() -> None:
    shown = dict(re.findall(r"^\| `(\w+)(\(.*?\))?` \|", text_of("python.md"), re.MULTILINE))
    assert set(shown) == set(package.__all__)
    for name, arguments in shown.items():
        if arguments:
            parameters = inspect.signature(getattr(package, name)).parameters
            named = re.findall(r"(?<!\*)\b(\w+)(?:=|,|\))", arguments.replace("**options", ""))
            assert set(named) - {"None", "False"} <= set(parameters)


@pytest.mark.parametrize("name", [name for name in package.__all__ if name != "CODES"])
def test_what_is_public_says_what_it_does(name: str) -> None:
    value = getattr(package, name)
    members = vars(value).items() if inspect.isclass(value) else ()
    for named in (value, *(member for called, member in members if callable(member) and not called.startswith("_"))):
        assert inspect.getdoc(named)


def test_the_error_shown_is_caught(capsys: pytest.CaptureFixture[str]) -> None:
    code, *_ = [text for language, text in blocks(GUIDE / "python.md") if language == "python"]
    exec(compile(code.replace("[3.42, 2.08]", "[3.42, 28]"), "python.md", "exec"), {})
    assert capsys.readouterr().out.startswith("mixed-scale labels mos None labels: column")


def test_the_options_are_all_there() -> None:
    shown = dict(re.findall(r"^\| `(\w+)`( •)? \|", text_of("options.md").split("\n## ")[0], re.MULTILINE))
    assert set(shown) == set(FIELDS)
    assert {name for name, mark in shown.items() if mark} == set(LABEL_FIELDS)


def test_the_codes_are_all_there() -> None:
    assert re.findall(r"^\| `([a-z-]+)` \|", text_of("codes.md"), re.MULTILINE) == list(package.CODES)


def test_every_field_has_a_meaning() -> None:
    rows = re.findall(r"^\| `(.*?)` \| .*? \| (.*?) ?\|$", text_of("audit.md"), re.MULTILINE)
    assert len(rows) > 150
    assert [field for field, meaning in rows if not meaning] == []


def test_the_names_and_suffixes_are_all_there() -> None:
    assert {*KEY_NAMES, *MOS_NAMES} <= set(re.findall(r"\w+", text_of("keys.md")))
    assert {*FORMATS} <= set(re.findall(r"[\w.]+", text_of("formats.md")))


def test_the_views_and_recipes_are_all_there() -> None:
    page = text_of("sql.md")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(VIEWS)
    assert {path.stem for path in (ROOT / "examples" / "sql").glob("*.sql")} <= set(re.findall(r"`(\w+)`", page))
