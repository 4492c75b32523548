"""suggest, explain, verify and diff as functions; what results look like in a shell and in a notebook."""

from __future__ import annotations

import copy
import json
import pickle
import re
import types
import typing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import moslabels
from helpers.command import moslabels as command
from helpers.tables import write_table
from moslabels import GateError, UsageError, join, materialize, run_batch

HOSTILE = "<script>alert('x')</script>\"&\x1b[31m\u202e.csv"
CLIPS = [{"file_name": f"clips/A{n:05}7{n}.mp4", "si": n / 3} for n in range(6)]
LABELS = [{"clip": f"A{n:05}7{n}", "mos": 1.5 + n / 2} for n in range(6)]
RULE: dict[str, Any] = {"key_normalize": "stem", "label_key_column": "clip"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "f.csv", CLIPS)
    write_table(tmp_path / HOSTILE, LABELS)
    return tmp_path


def results() -> dict[str, Any]:
    """One result of each kind, with a hostile name in each."""
    audit = materialize("f.csv", [HOSTILE], "o.csv", "a.json", **RULE)
    write_table(Path("other.csv"), [{**row, "mos": 1.25} for row in LABELS])
    materialize("f.csv", ["other.csv"], "p.csv", "b.json", **RULE)
    tables = [{"id": HOSTILE, "features": "f.csv", "labels": [HOSTILE], "out": "q.csv", "min_match_rate": 1, **RULE}]
    tables.append({**tables[0], "id": "fails", "out": "r.csv", "labels": ["gone.csv"]})
    Path("m.json").write_text(json.dumps({"tables": tables}))
    materialize("f.csv", [HOSTILE], "s.csv", "s.json", **RULE)
    Path("s.json").write_text(json.dumps({**json.loads(Path("s.json").read_text()), "matched_rows": 5}))
    return {
        "audit": audit,
        "joined": join(pa.table({"key": [HOSTILE, "b"]}), pa.table({"key": [HOSTILE, "b"], "mos": [2, 3]})),
        "report": run_batch("m.json"),
        "suggestions": moslabels.suggest("f.csv", HOSTILE),
        "explanation": moslabels.explain(CLIPS[2]["file_name"], "f.csv", HOSTILE, **RULE)[0],
        "verification": moslabels.verify("s.json"),
        "difference": moslabels.diff("a.json", "b.json"),
    }


SHORT = {
    "audit": "<moslabels audit of o.csv: match rate 1.000, 6 of 6 rows labelled>",
    "joined": "<moslabels table of 2 rows and 5 columns: "
    "<moslabels audit of features: match rate 1.000, 2 of 2 rows labelled>>",
    "report": "<moslabels report of m.json: 1 of 2 tables failed>",
    "suggestions": f"<moslabels rules for f.csv and {HOSTILE}: 2 found; the first matches 1.000 of the keys>",
    "explanation": f"<moslabels key of clips/A0000272.mp4: A0000272 meets row 3 of {HOSTILE}, mos 2.5>",
    "verification": "<moslabels check of 1 file: something differs>",
    "difference": "<moslabels comparison: something changed>",
}


class Texts(HTMLParser):
    """The texts and the tags of a page. Raise if a tag is left open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002
        self.tags.add(tag)
        if tag != "rect":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "rect":
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_results_are_short_in_a_shell_and_tables_in_a_notebook() -> None:
    for name, result in results().items():
        text = repr(result)
        assert "\n" not in text
        assert "\x1b" not in text
        assert text == SHORT[name].replace("\x1b", "\\u001b").replace("\u202e", "\\u202e")
        page = Texts(result._repr_html_())
        assert page.tags <= set("div style p b span svg rect table caption thead tbody tr th td bdi".split())
        assert "\x1b" not in "".join(page.texts)
        shown = HOSTILE.replace("\x1b", "\\u001b").replace("\u202e", "\\u202e")
        if name not in ("verification", "difference"):
            assert any(shown in text for text in page.texts), name
        if name == "report":
            assert page.texts.index("fails") < page.texts.index(shown)  # What failed comes first.


def test_results_are_dicts_of_json_values() -> None:
    found = results()
    audit = found["audit"]
    assert json.loads(json.dumps(audit)) == audit == json.loads(Path("a.json").read_text())
    assert isinstance(audit, dict)
    for result in (pickle.loads(pickle.dumps(audit)), copy.deepcopy(audit), found["joined"].audit):
        assert type(result) is type(audit)
    audit.pop("mos_stats")
    assert repr(audit) == repr(dict(audit))  # A repr never fails.


def fits(value: Any, kind: Any) -> bool:
    """Whether a value is of a type of annotations."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return True
    if typing.is_typeddict(kind):
        hints = typing.get_type_hints(kind)
        has_all = isinstance(value, dict) and set(kind.__required_keys__) <= set(value) <= set(hints)
        return has_all and all(fits(item, hints[name]) for name, item in value.items())
    if origin in (types.UnionType, typing.Union):
        return any(fits(value, one) for one in inner)
    if origin is typing.Literal:
        return value in inner
    if origin is list:
        return isinstance(value, list) and all(fits(item, inner[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(item, inner[1]) for item in value.values())
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, type(None) if kind is None else kind) and (kind is bool or not isinstance(value, bool))


def test_results_are_of_the_types_that_are_declared() -> None:
    found = results()
    kinds = {"audit": moslabels.Audit, "report": moslabels.Report, "suggestions": moslabels.Suggestions}
    kinds |= {"explanation": moslabels.Explanation, "verification": moslabels.Verification}
    for name, kind in {**kinds, "difference": moslabels.Difference}.items():
        assert fits(found[name], kind), name
        assert not fits({**found[name], "other": 1}, kind)
    assert fits(found["report"]["tables"][1], moslabels.TableEntry)


def test_the_functions_find_what_the_commands_print() -> None:
    found = results()
    rule = ["--key-normalize", "stem", "--label-key-column", "clip"]
    lines = {
        "suggestions": ["suggest", "--features", "f.csv", "--labels", HOSTILE, "--json"],
        "verification": ["verify", "s.json", "--json"],
        "difference": ["diff", "a.json", "b.json", "--json"],
    }
    for name, line in lines.items():
        assert json.loads(command(*line, cwd=Path.cwd()).stdout) == found[name]
    line = ["explain", CLIPS[2]["file_name"], "--features", "f.csv", "--labels", HOSTILE, *rule, "--json"]
    assert json.loads(command(*line, cwd=Path.cwd()).stdout)["values"] == [found["explanation"]]


def test_the_options_that_are_suggested_join_the_tables() -> None:
    best = moslabels.suggest(Path("f.csv"), [HOSTILE])["suggestions"][0]
    assert join("f.csv", best["labels"], **best["options"]).audit["match_rate"] == 1.0
    with pytest.raises(GateError):
        join("f.csv", HOSTILE, label_key_column="clip")


def test_tables_in_memory_are_explained_too() -> None:
    frames, scores = pa.Table.from_pylist(CLIPS), pa.Table.from_pylist(LABELS)
    (found,) = moslabels.explain(CLIPS[2]["file_name"], frames, scores, **RULE)
    assert found["label"] is not None
    assert (found["key"], found["label"]["mos"], found["label"]["file"]) == ("A0000272", 2.5, "labels")
    (missed,) = moslabels.explain(["clips/A0000299.mp4"], frames, scores, **RULE)
    assert missed["label"] is None
    assert missed["nearest"]


WRONG: dict[str, tuple[Any, str]] = {
    "an unknown option": (lambda: moslabels.explain("a", "f.csv", HOSTILE, min_match=1), "unknown option"),
    "a value that is a number": (lambda: moslabels.explain([1], "f.csv", HOSTILE), "values: must be texts"),  # type: ignore[list-item]
    "a table in memory": (lambda: moslabels.suggest(pa.table({"a": [1]}), HOSTILE), "features: must be a path"),
    "nothing to verify": (lambda: moslabels.verify([]), "verify needs one file"),
    "no path": (lambda: moslabels.diff("a.json", 7), "new: must be a path"),  # type: ignore[arg-type]
    "a wrong setting": (lambda: moslabels.verify("a.json", threads=0), "threads: must be a whole number"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments_are_refused(name: str) -> None:
    call, message = WRONG[name]
    with pytest.raises(UsageError, match=re.escape(message)):
        call()
