"""The HTML report: what it shows, that no data becomes structure or reaches outside, and what a browser makes of it."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.command import moslabels
from helpers.tables import write_table
from moslabels import cli, run_batch
from moslabels.base.text import visible
from moslabels.evidence.cards import first_sentence
from moslabels.evidence.histogram import Histogram, short_count, step_of
from moslabels.evidence.links import Links
from moslabels.evidence.page import page
from moslabels.evidence.page_template import PAGES, page_environment
from moslabels.evidence.reports import MAKERS

VOID = ("meta", "br", "input")
HOSTILE = [
    "<script>alert(1)</script>",
    '"onload="alert(1)',
    "'><img src=x onerror=alert(1)>",
    "&amp;&lt;b&gt;",
    "]]><!-- -->",
    "</style></title></textarea>",
    "{{ 7 * 7 }}{% raw %}",
    "\u202etxet\u202c \x1b[31m\0\t",
    "مقاطع 12",
    "x" * 300,
]
Documents = tuple[dict[str, Any], list[dict[str, Any] | None]]


class Parsed(HTMLParser):
    """A page as a list of elements; a tag that is not closed, or closed twice, fails."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[dict[str, Any]] = []
        self.open: list[dict[str, Any]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = {"tag": tag, "attrs": dict(attrs), "text": "", "parents": [e["tag"] for e in self.open]}
        assert len(element["attrs"]) == len(attrs), "an attribute is there twice"
        self.elements.append(element)
        if tag in ("dd", "td"):
            self.handle_data(" ")
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element["text"] += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def all(self, tag: str, **attrs: str) -> list[dict[str, Any]]:
        wanted = {("class" if name == "kind" else name): value for name, value in attrs.items()}
        return [e for e in self.elements if e["tag"] == tag and wanted.items() <= e["attrs"].items()]

    @property
    def shape(self) -> list[tuple[Any, ...]]:
        return [(e["tag"], *e["parents"], *sorted(e["attrs"])) for e in self.elements]


def write_manifest(folder: Path, tables: list[dict[str, Any]], **defaults: Any) -> Path:
    return write_table(folder / "m.json", json.dumps({"defaults": defaults, "tables": tables}))


def batch_of_all_kinds(folder: Path) -> Path:
    """Tables that are labelled, whole and with keys left over; that fail at the gate, and before; and one not run."""
    rows = [{"key": f"k{n}.mp4", "corpus": "a" if n < 12 else None} for n in range(16) for _ in range(2)]
    write_table(folder / "f.jsonl", [*rows, {"key": None, "corpus": "a"}])
    write_table(folder / "l.csv", [{"key": f"k{n}.mp4", "mos": 1 + n / 4} for n in range(17)])
    write_table(folder / "part.csv", [{"key": f"k{n}.mp4", "mos": 50} for n in range(12)])
    write_table(folder / "other.csv", [{"key": f"K{n}.MP4", "mos": 30 + n} for n in range(4)])
    write_table(folder / "none.csv", [{"key": "z", "mos": 30}])
    table = {"features": "f.jsonl", "labels": ["l.csv"]}
    part = {**table, "labels": ["part.csv", {"path": "none.csv", "mos_scale": "0-100"}], "mos_scale": "0-100"}
    tables = [
        {**table, "id": "whole", "out": "whole.jsonl"},
        {**part, "id": "part", "out": "part.parquet", "min_match_rate": 0.5},
        {**part, "id": "low", "out": "low.jsonl"},
        {**table, "id": "case", "out": "case.csv", "labels": ["other.csv"], "mos_scale": "0-100"},
        {**table, "id": "by", "out": "by.csv", "match_rate_by": "corpus", "unmatched": "u.csv"},
        {**table, "id": "nothing", "out": "n.csv", "labels": ["none.csv"], "min_match_rate": 0, "mos_scale": "0-100"},
        {**table, "id": "stale", "out": "stale.csv", "labels": ["gone.csv"]},
    ]
    return write_manifest(folder, tables, min_match_rate=0.9)


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Documents:
    """The report and the audits of such a batch, as the page gets them."""
    folder = tmp_path_factory.mktemp("batch")
    found: list[Documents] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setitem(MAKERS, "report_html", lambda report, audits, _: found.append((report, list(audits))) or "")
        run_batch(batch_of_all_kinds(folder).name, report_html="r.html", argv=["batch", "m.json"])
    report, audits = found[0]
    unchanged = {**report["tables"][0], "id": "unchanged", "status": "unchanged", "warnings": ["one", "two"]}
    not_run = {**report["tables"][-1], "id": "not run", "status": "not-run"}
    del not_run["error"]
    report["tables"] += [unchanged, not_run]
    audits += [audits[0], None]
    report["summary"]["tables"] += 2
    statuses = "ok ok error error ok ok error unchanged not-run".split()
    assert [entry["status"] for entry in report["tables"]] == statuses
    return report, audits


@pytest.fixture(scope="module")
def text(documents: Documents) -> str:
    return page(*documents)


@pytest.fixture(scope="module")
def parsed(text: str) -> Parsed:
    return Parsed(text)


def needs_no_one(entry: dict[str, Any]) -> int:
    """Failed tables are shown first, then those that were not run. The others are in the order of the manifest."""
    return {"error": 0, "not-run": 1}.get(entry["status"], 2)


def section(parsed: Parsed, number: int) -> dict[str, Any]:
    (found,) = parsed.all("details", id=f"table-{number}")
    return found


def test_the_structure(parsed: Parsed, documents: Documents) -> None:
    assert [e["attrs"] for e in parsed.all("html")] == [{"lang": "en"}]
    assert [e["text"] for e in parsed.all("h1")] == ["3 of 9 tables failed ✕ failed"]
    assert parsed.all("meta", name="viewport")
    assert parsed.all("meta", name="color-scheme", content="light dark")
    ids = [e["attrs"]["id"] for e in parsed.elements if "id" in e["attrs"]]
    assert len(ids) == len(set(ids))
    for element in parsed.elements:
        attrs = element["attrs"]
        assert attrs.get("aria-labelledby", ids[0]) in ids
        link = attrs.get("href", f"#{ids[0]}")
        assert link[1:] in ids if link.startswith("#") else link.startswith(("./", "../")), link
        assert element["tag"] != "th" or attrs["scope"] in ("col", "row")
    tables = parsed.all("table")
    assert len(tables) == len(parsed.all("caption")) > 10
    assert all(e["text"].strip() for tag in ("caption", "summary", "h3", "h4") for e in parsed.all(tag))
    assert all(e["parents"][-1] == "table" for e in parsed.all("caption"))
    pictures = [e for e in parsed.all("svg") if e["attrs"].get("aria-hidden") != "true"]
    assert all(e["attrs"]["role"] == "img" for e in pictures)
    assert all({"aria-label", "aria-labelledby"} & e["attrs"].keys() for e in pictures)
    ids_of_tables = [table["id"] for table in documents[0]["tables"]]
    shown = [table["id"] for table in sorted(documents[0]["tables"], key=needs_no_one)]
    assert shown == ["low", "case", "stale", "not run", "whole", "part", "by", "nothing", "unchanged"]
    assert [e["text"].strip() for e in parsed.all("h3")] == [*shown, "Provenance of the run"]
    folded = [e["text"].strip() for e in parsed.all("summary") if len(e["parents"]) > 4]
    assert folded.count("Options") == folded.count("Files") == len(ids_of_tables)


NAMES = ["a b.parquet", "javascript:alert(1)", "//host/x", "https://host/x", "%2e%2e/#?&\"'<>", "ü/İ", "..", "x:y/z"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("page_path", ["r.html", "sub/deep/r.html", "../r.html", "/r.html"])
def test_a_link_leads_to_its_file_whatever_its_name(name: str, page_path: str) -> None:
    link = Links(page_path).to(name)
    assert link is not None
    assert link.startswith(("./", "../"))
    joined = urljoin(Path(page_path).absolute().as_uri(), link)
    assert joined.startswith("file:///")
    assert os.path.normpath(url2pathname(urlsplit(joined).path)) == os.path.abspath(name).replace("//", "/")


def test_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a page in a folder of its own. What was not written, or is not there, has no link."""
    assert (Links(None).to("a"), Links("r.html").to(""), Links("r.html").to("a\0b")) == (None, None, None)
    monkeypatch.chdir(tmp_path)
    small_batch(tmp_path)
    run_batch("m.json", report_html="sub/r.html", dry_run=True)
    inputs = ["../f.jsonl", "../f.jsonl", "../l.csv", "../m.json"]
    assert sorted(linked(Path("sub/r.html"))) == inputs
    run_batch("m.json", report_html="sub/r.html")
    assert sorted(linked(Path("sub/r.html"))) == ["../a.json", *inputs, "../o.jsonl"]
    for link in linked(Path("sub/r.html")):
        assert Path("sub", link).exists()


def linked(path: Path) -> list[str]:
    links = [e["attrs"]["href"] for e in Parsed(path.read_text(encoding="utf-8")).all("a")]
    return [link for link in links if not link.startswith("#")]


def test_nothing_refers_outside(parsed: Parsed, text: str) -> None:
    (policy,) = parsed.all("meta", **{"http-equiv": "Content-Security-Policy"})
    rules = dict(rule.strip().split(" ", 1) for rule in policy["attrs"]["content"].split(";"))
    assert rules == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "script-src": "'unsafe-inline'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert not re.search(r"https?:|url\(|@import|src=|//[a-z]", re.sub(r"(?m)^ *// .*$| // .*$", "", text))
    tags = {element["tag"] for element in parsed.elements}
    assert not tags & {"link", "img", "iframe", "object", "embed", "base", "form", "use", "image"}
    assert len(parsed.all("script")) == len(parsed.all("style")) == 1
    assert not [name for element in parsed.elements for name in element["attrs"] if name.startswith("on")]


def test_what_a_labelled_table_shows(parsed: Parsed) -> None:
    whole, part = section(parsed, 1)["text"], section(parsed, 2)["text"]
    counts = [re.sub(r"\s+", " ", e["text"]).strip() for e in parsed.all("dl")]
    assert "in 33 out 33 matched 32 missing a label 1 without a key 1 numbers written as null 0" in counts
    assert "distinct 16 with a label 16 without a label 0 of several values (collisions) 0" in counts
    assert any(text.startswith("loaded 17 used by no feature 1 duplicates 0") for text in counts)
    for unit in ("clips", "rows"):
        assert f"{unit} 1–5 1.00 1.94 2.88 2.88 3.81 4.75" in re.sub(r"\s+", " ", whole)
        assert f"{unit} 0–100 0.0 23.4 46.9 46.9 70.3 93.8" in re.sub(r"\s+", " ", whole)
    assert "Labels that no feature uses: 1" in whole
    assert "distinct 16 with a label 12 without a label 4 of several values (collisions) 0" in counts
    assert any(text.startswith("loaded 13 used by no feature 1 duplicates 0") for text in counts)
    assert re.search(r"Feature keys without a label, in f\.jsonl.*k12\.mp4.*25", part, re.DOTALL)
    assert re.search(r"Labels that no feature uses, in none\.csv.*z", part, re.DOTALL)
    assert "Feature values that yield no key" in part
    assert re.search(r"label files.*f\.jsonl.*part\.csv.*0 worst, 100 best.*none\.csv", part, re.DOTALL)
    assert re.search("output.*part.parquet.*sha256 [0-9a-f]{64}, [0-9,]+ bytes", part, re.DOTALL)
    assert re.search("features.*f.jsonl.*sha256 [0-9a-f]{64}", part, re.DOTALL)
    examples = re.sub(r"\s+", " ", whole.split("The first clips that got a label")[1])
    assert re.search(r"k0\.mp4 1 k0\.mp4 k0\.mp4 1 1(\.0)? 1 0 .*k2\.mp4 5 k2\.mp4 k2\.mp4 3 1\.5 1\.5 12\.5", examples)
    run = parsed.all("details", kind="table")[-1]["text"]
    assert re.search("argv moslabels batch m.json.*manifest m.json, sha256 [0-9a-f]{64}.*versions", run, re.DOTALL)
    by = section(parsed, 5)["text"]
    assert re.search(r"Match rate by corpus.*NULL.*4 of 4 keys.*\ba\b.*12 of 12 keys", by, re.DOTALL)
    assert "keys that did not meet" in by


def test_what_a_failed_table_shows(parsed: Parsed) -> None:
    low, case, stale, not_run = (section(parsed, number)["text"] for number in (3, 4, 7, 9))
    assert "MOS label match rate 0.750 below min_match_rate 0.900 (12/16 keys)" in low
    assert "to look for a rule: moslabels suggest --features f.jsonl" in low
    assert "4 of 16 unmatched keys differ from a label only by case" in case
    assert "set key_case" in case
    assert "not written by this run" in case
    assert "gone.csv: there is no such file" in stale
    assert "Not run" in not_run
    assert "2 warnings" in section(parsed, 8)["text"]


def test_conflicts_mixed_scales_and_clipped_scores_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"key": f"k{n:02}", "mos": 1 + n / 10} for n in range(40)]
    write_table(tmp_path / "f.csv", [{"key": row["key"]} for row in rows])
    write_table(
        tmp_path / "mixed.csv", [{**row, "mos": 30 * row["mos"] if n % 4 else row["mos"]} for n, row in enumerate(rows)]
    )
    write_table(tmp_path / "first.csv", rows)
    write_table(tmp_path / "other.csv", [{**row, "mos": 5} for row in rows[:25]])
    write_table(tmp_path / "out.csv", [{**row, "mos": 7 if n < 3 else row["mos"]} for n, row in enumerate(rows)])
    files = {"mixed": ["mixed.csv"], "conflict": ["first.csv", "other.csv"], "clipped": ["out.csv"]}
    tables = [
        {"id": name, "features": "f.csv", "labels": labels, "out": f"{name}.o.csv"} for name, labels in files.items()
    ]
    tables[2] |= {"mos_scale": "1-5", "out_of_range": "clip", "max_clipped": 0.1}
    run_batch(write_manifest(Path(), tables), report_html="r.html")
    parsed = Parsed(Path("r.html").read_text(encoding="utf-8"))
    mixed, conflict, clipped = (re.sub(r"\s+", " ", section(parsed, number)["text"]) for number in (1, 2, 3))
    assert re.search(
        r"Error: mixed-scale .*Histogram of 40 scores, from 1 to 147: 10 are at most 5 and 30 above\.", mixed
    )
    line = parsed.all("line", kind="five")[0]
    assert Histogram.left < float(line["attrs"]["x1"]) < Histogram.left + 40, "of about 0 to 150"
    assert conflict.count("first.csv") > 20, "not only the three of the message"
    assert re.search(
        r"Labels that differ, with both places .*k19 first\.csv 20 2\.9 2\.9 other\.csv 20 5 5 mos", conflict
    )
    assert '3 scores outside of their scale were clipped to its end (out_of_range is "clip"), such as "7"' in clipped
    assert "clipped to the scale: 3 clips" in clipped
    assert "4.8 up to 5.0 (95 up to 100): 5 clips, 3 of them clipped" in clipped
    drawn = parsed.all("rect", kind="clipped", x=Histogram.of(clipped_audit(), "clips").bars[19].x)
    assert len(drawn) == 1
    codes = [e["text"] for e in parsed.all("code") if "section" in e["parents"]]
    assert codes == ["min_match_rate", "mixed-scale", "conflict"]
    why = [e["text"] for e in parsed.all("small") if "section" in e["parents"] and "span" not in e["parents"]]
    assert why[0] == 'mixed.csv: column "mos": the scale of the scores cannot be told: 10 are at most 5 and 30 above'


def clipped_audit() -> dict[str, Any]:
    """An audit with the places of the bars, whatever they count."""
    statistics = dict.fromkeys(("min", "max", "mean", "median", "q1", "q3"), 3.0)
    return {"mos_histogram_by_key": [1] * 20, "mos_stats_by_key": statistics}


def test_a_first_sentence_ends_outside_of_quotes() -> None:
    assert first_sentence('f: "a; b" is 1; do this') == 'f: "a; b" is 1'
    assert first_sentence('f: "a\\"; b" is 1; do this') == 'f: "a\\"; b" is 1'
    assert first_sentence('an open " quote; do this') == 'an open " quote'
    assert first_sentence("all of it") == "all of it"


def part(path: str, rows: int, matched: int) -> dict[str, Any]:
    return {"path": path, "rows": rows, "rows_without_key": 0, "matched_rows": matched}


@pytest.mark.parametrize(
    ("parts", "says", "heights", "empty", "more"),
    [
        ([part("a/p.parquet", 4, 4), part("b.parquet", 4, 1)], "2 parts of 4 rows", ["100", "25"], [], ""),
        (
            [part("x.parquet", 0, 0), part("<b>.parquet", 1, 0), part("z.parquet", 9, 6)],
            "3 parts of 0 to 9 rows; 1 part has no row with a label",
            ["0", "0", "66.667"],
            ["<b>.parquet"],
            "",
        ),
        (
            [part(f"p{n:04}.parquet", 1, n % 40 > 0) for n in range(1000)],
            "1,000 parts of 1 row; 25 parts have no row with a label",
            ["80", *["100"] * 7] * 25,
            [f"p{40 * n:04}.parquet" for n in range(20)],
            "and 5 more, which the audit lists",
        ),
    ],
)
def test_the_parts_of_a_table_are_a_strip(
    documents: Documents, parts: list[dict[str, Any]], says: str, heights: list[str], empty: list[str], more: str
) -> None:
    report, (first, *others) = documents
    assert first is not None
    one = Parsed(page(report, [{**first, "parts": parts}, *others]))
    (figure,) = one.all("figure", kind="parts")
    assert one.all("figcaption", id="parts-1")[0]["text"].strip() == says
    bars = [bar["attrs"] for bar in one.all("rect", kind="part", width="1")]
    assert [(bar["x"], bar["height"]) for bar in bars] == [(str(n), height) for n, height in enumerate(heights)]
    names = re.sub(r"\s+", " ", figure["text"].partition("Parts without a label")[2]).strip()
    assert names == " ".join([*empty, *([more] if more else [])])
    marks = [int(mark["attrs"]["x"]) for mark in one.all("rect", kind="none")]
    assert marks == [
        index * len(heights) // len(parts) for index, p in enumerate(parts) if p["rows"] > p["matched_rows"] == 0
    ]


def test_an_audit_of_an_older_version_is_shown(documents: Documents) -> None:
    report, audits = documents
    newer = (
        "mos_stats_by_key",
        "mos_histogram_by_key",
        "clipped_histogram",
        "clipped_histogram_by_key",
        "joined_sample",
    )
    older = [audit and {name: value for name, value in audit.items() if name not in newer} for audit in audits]
    text = Parsed(page(report, older))
    units = [re.sub(r"\s+", " ", e["text"]) for e in text.all("svg") if e["attrs"].get("class") == "histogram"]
    assert len(units) == sum(bool(audit and audit["matched_rows"]) for audit in audits)
    assert all("labelled rows" in unit for unit in units)


def test_many_tables_are_folded_but_for_those_that_failed(documents: Documents) -> None:
    report, audits = documents
    many = {**report, "tables": report["tables"] * 3}
    parsed = Parsed(page(many, audits * 3))
    statuses = [entry["status"] for entry in many["tables"]]
    opened = ["open" in section(parsed, number)["attrs"] for number in range(1, len(statuses) + 1)]
    assert opened == [status == "error" for status in statuses]
    few = Parsed(page(report, audits))
    assert all("open" in section(few, number)["attrs"] for number in range(1, 10))


def test_the_bars_are_the_rates(parsed: Parsed, documents: Documents) -> None:
    report, audits = documents
    rows = [e for e in parsed.elements if "tbody" in e["parents"] and "section" in e["parents"]]
    parts = [float(e["attrs"]["width"][:-1]) for e in rows if e["attrs"].get("class") == "part"]
    marks = [float(e["attrs"]["x1"][:-1]) for e in rows if e["tag"] == "line"]
    rates, least = [], []
    for entry, audit in sorted(zip(report["tables"], audits, strict=True), key=lambda pair: needs_no_one(pair[0])):
        found = audit or entry.get("diagnosis")
        threshold = 100 * entry["config"]["min_match_rate"]
        if found:
            rates.append(100 * found["matched_feature_keys"] / found["total_feature_keys"])
            rates.append(100 - 100 * found["rows_without_key"] / found["input_rows"])
            least += [threshold, threshold]
    assert parts == pytest.approx(rates, abs=0.001)
    assert marks == pytest.approx(least, abs=0.001)
    low = [e["text"] for e in rows if e["attrs"].get("class") == "rate low"]
    assert [re.sub(r"\s+", " ", text).strip() for text in low] == ["0.750 < 0.900", "0.000 < 0.900"]
    labels = [e["attrs"]["aria-label"] for e in rows if e["tag"] == "svg"]
    assert "match rate 0.750, below 0.900" in labels
    assert "match rate 1.000, at least 0.900" in labels


@pytest.mark.parametrize(("unit", "suffix"), [("rows", ""), ("clips", "_by_key")])
def test_the_histogram(parsed: Parsed, documents: Documents, unit: str, suffix: str) -> None:
    audits = [audit for audit in documents[1] if audit and audit["matched_rows"]]
    pictures = [e for e in parsed.all("svg") if e["attrs"].get("class") == "histogram"]
    assert len(pictures) == 2 * len(audits)
    for audit in audits:
        found = Histogram.of(audit, unit)
        counts = [int(bar.says.split("): ")[1].split(" ")[0]) for bar in found.bars]
        assert counts == audit[f"mos_histogram{suffix}"]
        assert sum(counts) == audit["matched_rows" if unit == "rows" else "matched_feature_keys"]
        heights = [float(bar.height) for bar in found.bars]
        scale = max(heights) / max(counts)
        assert heights == pytest.approx([scale * count for count in counts], abs=0.001)
        feet = {round(float(bar.y) + float(bar.height), 2) for bar in found.bars}
        assert feet == {Histogram.bottom}
        assert all(Histogram.top <= float(bar.y) for bar in found.bars)
        (top,) = [float(y) for y, text in found.counts if text == "0"][:1]
        assert top == Histogram.bottom
        middles = [float(bar.x) + float(bar.width) / 2 for bar in found.bars]
        share = (middles[7] - Histogram.left) / (Histogram.right - Histogram.left)
        assert share == pytest.approx((2.5 - 1) / 4), "the bin from 2.4 to 2.6"
    whole = Histogram.of(audits[0], unit)
    assert [(mos, raw) for _, mos, raw in whole.scores] == [
        ("1", "0"),
        ("2", "25"),
        ("3", "50"),
        ("4", "75"),
        ("5", "100"),
    ]
    first = audits[0][f"mos_histogram{suffix}"][0]
    assert whole.bars[0].says == f"1.0 below 1.2 (0 below 5): {first} {unit}"
    assert whole.bars[19].says.startswith("4.8 up to 5.0 (95 up to 100): ")
    number = {"rows": 32, "clips": 16}[unit]
    assert f"Histogram of the mos of {number} labelled {unit}, from 1.00 to 4.75, mean 2.88, median 2.88." in whole.says


@pytest.mark.parametrize(
    ("most", "step"), [(1, 1), (4, 1), (5, 2), (8, 2), (9, 5), (20, 5), (21, 10), (1000, 500), (3_600_000_000, 10**9)]
)
def test_the_marks_of_the_counts(most: int, step: int) -> None:
    assert step_of(most) == step


def test_the_texts_of_the_counts_are_exact() -> None:
    found = [short_count(count) for count in (0, 5, 900, 1000, 1500, 20_000, 150_000, 2_000_000, 36_000_000_000)]
    assert found == ["0", "5", "900", "1k", "1.5k", "20k", "150k", "2M", "36G"]


def mapped(value: Any, change: Callable[[str], str], kept: tuple[str, ...] = ("schema", "status")) -> Any:
    """A document with every text changed, but for the members that say what kind it is."""
    if isinstance(value, dict):
        return {name: item if name in kept else mapped(item, change, kept) for name, item in value.items()}
    if isinstance(value, list):
        return [mapped(item, change, kept) for item in value]
    return change(value) if isinstance(value, str) and value else value


@cache
def plain_shape(text: str) -> list[tuple[Any, ...]]:
    return Parsed(text).shape


def stays_text(documents: Documents, hostile: str) -> None:
    path = "out/r.html" if Links("out/r.html").to(hostile) else None  # A name with a NUL has no link.
    found = Parsed(page(*mapped(list(documents), lambda text: hostile + text), path=path))
    assert found.shape == plain_shape(page(*mapped(list(documents), lambda text: "x" + text), path=path))
    links = [e["attrs"]["href"] for e in found.all("a")]
    assert (sum(link.startswith("../") for link in links) > 20) == (path is not None)
    assert all(re.fullmatch(r"#[a-z]+(-[0-9]+)?|\.\.?/[^:]*", link) for link in links), "no scheme, no host"
    headings = [e["text"].strip() for e in found.all("h3")][:-1]
    assert sorted(headings) == sorted(visible(hostile + entry["id"]).strip() for entry in documents[0]["tables"])
    everything = found.elements[0]["text"]
    assert visible(hostile + "k12.mp4") in everything
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", everything)


@pytest.mark.sampled
@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_texts_stay_texts(documents: Documents, hostile: str) -> None:
    stays_text(documents, hostile)


@pytest.mark.sampled
@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(), min_size=1) | st.text(st.sampled_from("<>\"'&;/!-={}%#x "), min_size=1))
def test_any_text_stays_text(documents: Documents, hostile: str) -> None:
    stays_text(documents, hostile.replace("\n", ""))


def test_what_no_page_can_show_is_an_error() -> None:
    template = page_environment().from_string("{{ shown }}")
    for context in ({"shown": 1.5}, {"shown": None}, {"shown": True}, {"shown": ["a"]}, {}):
        with pytest.raises(TypeError, match="no text for a page"):
            template.render(context)
    with pytest.raises(jinja2.TemplateAssertionError):
        page_environment().from_string("{{ '<b>' | safe }}")


def test_the_templates_mark_nothing_as_safe() -> None:
    for path in PAGES.iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe|autoescape|Markup|innerHTML|outerHTML|insertAdjacent|eval\(", text), path


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_contrast_in_both_schemes(text: str) -> None:
    light, dark = (
        dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in re.findall(r":root \{[^}]*--page[^}]*\}", text)
    )
    assert light.keys() == dark.keys()
    assert light["page"] != dark["page"]
    assert "@media screen and (prefers-color-scheme: dark)" in text, "paper is light"

    def contrast(one: str, other: str) -> float:
        low, high = sorted((luminance(one), luminance(other)))
        return (high + 0.05) / (low + 0.05)

    for colours in (light, dark):
        for behind in ("page", "surface"):
            for name in ("text", "quiet", "link", "ok", "error", "warning"):
                assert contrast(colours[name], colours[behind]) >= 4.5, (name, behind)
        for name in ("bar", "low", "clipped"):
            assert contrast(colours[name], colours["surface"]) >= 3, name
        assert contrast(colours["clipped"], colours["bar"]) >= 1.5, "beside each other"


def small_batch(folder: Path) -> Path:
    write_table(folder / "f.jsonl", [{"key": "a"}, {"key": "b"}])
    write_table(folder / "l.csv", [{"key": "a", "mos": 3}, {"key": "b", "mos": 4}])
    good = {"id": "good", "features": "f.jsonl", "labels": ["l.csv"], "out": "o.jsonl", "audit_json": "a.json"}
    return write_manifest(
        folder, [good, {**good, "id": "bad", "labels": ["n.csv"], "out": "b.csv", "audit_json": None}]
    )


def test_the_same_batch_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "report_html" not in json.dumps(run_batch(small_batch(Path())))
    run_batch("m.json", report_html="r.html")
    first = Path("r.html").read_bytes()
    run_batch("m.json", report_html="r.html")
    assert Path("r.html").read_bytes() == first


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    small_batch(tmp_path)
    before = {path.name for path in tmp_path.iterdir()}
    run = ["batch", "m.json", "--report-json", "r.json", "--report-html", "sub/r.html"]
    assert cli.main([*run, "--dry-run"]) == 1
    assert {path.name for path in tmp_path.iterdir()} == {*before, "r.json", "sub"}
    done = moslabels(*run, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    written = Parsed((tmp_path / "sub/r.html").read_text(encoding="utf-8"))
    assert "1 of 2 tables failed" in written.all("h1")[0]["text"]
    for name in ("r.json", "a.json"):
        block = json.loads((tmp_path / name).read_text())["run_provenance"]
        assert (block["outputs"]["report_html"], block["args"]["report_html"]) == ("sub/r.html", "sub/r.html")
    assert cli.main(["verify", "r.json"]) == 0
    query = "SELECT file FROM provenance_files WHERE role = 'report_html'"
    assert moslabels("sql", "a.json", "-c", query, "--format", "csv", cwd=tmp_path).stdout == "file\nsub/r.html\n"
    assert cli.main([*run, "--skip-unchanged"]) == 1
    again = Parsed((tmp_path / "sub/r.html").read_text(encoding="utf-8"))
    assert "= unchanged" in section(again, 1)["text"]
    assert len([e for e in again.all("svg") if e["attrs"].get("class") == "histogram"]) == 1
    assert "Each clip has one row" in again.elements[0]["text"]


@pytest.mark.parametrize(
    "block", [{}, {"inputs": 3, "argv": "x"}, {"inputs": [{"path": 1}], "argv": [1, None], "schema": "ai"}]
)
def test_a_provenance_block_of_the_callers_own(tmp_path: Path, block: dict[str, Any]) -> None:
    run_batch(small_batch(tmp_path), report_html=tmp_path / "r.html", run_provenance=block)
    assert "Provenance of the run" in (tmp_path / "r.html").read_text(encoding="utf-8")


# In a browser

# The page as it is, in a frame as wide as a phone, and a script beside it that does what a reader does.
READER = """<!DOCTYPE html><meta charset="utf-8">
<body><iframe style="width: 360px; height: 800px"></iframe><pre id="seen"></pre><script>
const frame = document.querySelector("iframe");
frame.addEventListener("load", () => {
  const page = frame.contentDocument, seen = {};
  const rows = () => [...page.querySelectorAll("#overview tbody tr")].filter((row) => row.getClientRects().length);
  const names = () => rows().map((row) => row.cells[0].textContent.trim());
  const head = (name) => [...page.querySelectorAll("#overview thead th")]
    .find((th) => th.textContent.replace(/[^A-Za-z ]/g, "").trim() === name);
  const click = (name) => { head(name).querySelector("button").click(); return [head(name).ariaSort, names()]; };
  const clickCell = (name) => { // In its middle, where no text may be.
    head(name).scrollIntoView({ block: "center", inline: "center" });
    const box = head(name).getBoundingClientRect();
    page.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2).click();
    return [head(name).ariaSort, names()];
  };
  const isSeen = (selector) => page.querySelector(selector).getClientRects().length > 0;
  const enter = (selector, value) => {
    const control = page.querySelector(selector);
    control.value = value;
    control.dispatchEvent(new Event("input"));
    const sections = page.querySelectorAll("details.table[id]:not([hidden])");
    return [names(), page.querySelector("output").textContent, sections.length];
  };
  try {
    seen.width = [page.documentElement.scrollWidth, page.documentElement.clientWidth];
    seen.counts = ["script", "img", "#overview tbody tr", "button"].map((name) => page.querySelectorAll(name).length);
    seen.requests = frame.contentWindow.performance.getEntriesByType("resource").length;
    seen.names = names();
    seen.headings = [...page.querySelectorAll("details.table[id] h3")].map((h) => h.textContent.trim());
    seen.byName = click("Table");
    seen.byNameDown = click("Table");
    seen.byRate = click("Match rate");
    seen.byRateDown = click("Match rate");
    seen.byRows = click("Rows");
    seen.byStatus = clickCell("Status");
    seen.byStatusDown = clickCell("Status");
    seen.byWarnings = clickCell("Warnings");
    seen.byWarningsDown = clickCell("Warnings");
    seen.sorted = page.querySelectorAll("#overview [aria-sort]").length;
    seen.typed = enter("input", "KE");
    seen.typedAndFailed = enter("select", "error");
    enter("input", "");
    seen.failed = enter("select", "error");
    seen.all = enter("select", "")[1];
    const warned = page.querySelector("input[type=checkbox]");
    warned.checked = true;
    seen.warned = [enter("input", "")[0], warned.parentElement.textContent.trim()];
    warned.checked = false;
    seen.controls = [...page.querySelectorAll("input, select")].filter((one) => one.labels.length !== 1).length;
    enter("input", "");
    const views = ["#table-1 .of-clips svg", "#table-1 .of-rows svg"];
    page.getElementById("table-1").open = true;
    seen.clips = views.map(isSeen);
    page.getElementById("rows-1").click();
    seen.rows = views.map(isSeen);
    page.getElementById("table-1").open = false;
    page.querySelectorAll("details.table").forEach((one) => (one.open = true));
    // A line of a command begins after a blank: each word is in one line.
    const words = [...page.querySelectorAll(".command span")].filter((one) => one.getClientRects().length);
    seen.words = [words.length > 10, words.filter((one) => one.getClientRects().length > 1).length];
    // What is wider than its place can be scrolled to, with the keyboard too, and a shade says so.
    const wide = [...page.querySelectorAll("main *:not(svg *)")].filter((one) =>
      one.clientWidth && one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== "visible");
    seen.wide = [wide.length > 5, wide.filter((one) => !one.classList.contains("scroll") || one.tabIndex !== 0 ||
      !getComputedStyle(one).backgroundAttachment.includes("local")).map((one) => one.outerHTML.slice(0, 99))];
    // On a wide page the statistics have room beside the counts, and a reason has that of counts that are not known.
    frame.style.width = "1280px";
    const places = (row) => [...row.cells].reduce((sum, cell) => sum + (cell.hidden ? 0 : cell.colSpan), 0);
    const lines = [...page.querySelectorAll("#overview tr")];
    seen.places = [...new Set(lines.flatMap((row) => [row.cells.length, places(row)]))];
    const reasons = [...page.querySelectorAll(".why[colspan] small")];
    const most = Math.max(...reasons.map((one) => one.offsetHeight / parseFloat(getComputedStyle(one).lineHeight)));
    seen.reasons = [reasons.length > 0, most < 3.5];
    const statistics = [...page.querySelectorAll("figcaption .scroll")].filter((one) => one.clientWidth);
    seen.statistics = [statistics.length > 0, statistics.filter((one) => one.scrollWidth > one.clientWidth + 1).length];
    frame.style.width = "360px";
    page.querySelectorAll("details.table").forEach((one) => (one.open = false));
    const target = page.getElementById("table-1");
    seen.folded = target.open;
    const link = page.querySelector('a[href="#table-1"]');
    link.addEventListener("click", (event) => event.preventDefault()); // In a frame it would lead to this page.
    link.click();
    seen.unfolded = target.open;
  } catch (error) { seen.error = String(error.stack); }
  document.getElementById("seen").textContent = JSON.stringify(seen);
}, { once: true });
frame.srcdoc = PAGE;
</script>"""


@pytest.fixture(scope="module")
def browser() -> str:
    """The path of a browser that starts."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium or Chrome is installed")
    try:
        started = subprocess.run([found, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"{found} does not start: {error}")
    if started.returncode != 0:
        pytest.skip(f"{found} does not start: {started.stderr.decode(errors='replace')[:200]}")
    return found


def dumped(browser: str, path: Path, folder: Path, *more: str) -> str:
    """The document as the browser has it once it is loaded. Nothing that was started stays."""
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-extensions --no-first-run --dump-dom"
    )
    arguments = [browser, *flags.split(), *more, f"--user-data-dir={folder / 'browser'}", path.as_uri()]
    with (folder / "dom.html").open("wb") as out:
        process = subprocess.Popen(arguments, stdout=out, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            process.wait(timeout=120)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return (folder / "dom.html").read_text(encoding="utf-8")


def test_in_a_browser(browser: str, documents: Documents, tmp_path: Path) -> None:
    report, audits = documents
    entries = [{**report["tables"][0], "id": name} for name in ("like 10", "like 2", *HOSTILE)]
    tables = [*report["tables"], *entries]
    text = page({**report, "tables": tables}, [*audits, *[audits[0]] * len(entries)])
    wrapper = READER.replace("PAGE", json.dumps(text).replace("<", "\\u003c"))
    (tmp_path / "reader.html").write_text(wrapper, encoding="utf-8")
    dom = dumped(browser, tmp_path / "reader.html", tmp_path)
    (found,) = re.findall(r'<pre id="seen">(.*?)</pre>', dom, re.DOTALL)
    seen = json.loads(html.unescape(found))
    assert "error" not in seen, seen
    names = [visible(table["id"]).strip() for table in tables]
    assert seen["width"][0] <= seen["width"][1] <= 360, "nothing makes the page itself scroll sideways"
    assert seen["counts"][:3] == [1, 0, len(tables)]
    assert seen["counts"][3] > 20
    assert seen["requests"] == 0
    in_order = [visible(table["id"]).strip() for table in sorted(tables, key=needs_no_one)]
    assert seen["names"] == seen["headings"] == in_order, "hostile texts are texts"
    direction, by_name = seen["byName"]
    assert direction == "ascending"
    assert sorted(by_name) == sorted(names)
    assert [name for name in by_name if name.startswith("like")] == ["like 2", "like 10"]
    own = [table["id"] for table in report["tables"]]
    assert [name for name in by_name if name in own] == sorted(own)
    assert seen["byNameDown"] == ["descending", by_name[::-1]]
    direction, by_rate = seen["byRate"]
    assert direction == "ascending"
    assert sorted(by_rate[:2]) == ["case", "nothing"]
    assert sorted(by_rate[2:4]) == ["low", "part"]
    assert sorted(by_rate[-2:]) == ["not run", "stale"], "what has no rate is last"
    assert sorted(seen["byRateDown"][1][-2:]) == ["not run", "stale"]
    assert sorted(seen["byRateDown"][1][-4:-2]) == ["case", "nothing"]
    assert sorted(seen["byRows"][1][-4:]) == ["case", "low", "not run", "stale"]
    assert seen["sorted"] == 1
    direction, by_status = seen["byStatus"]
    assert (direction, sorted(by_status[:3]), by_status[3]) == ("ascending", ["case", "low", "stale"], "not run")
    assert seen["byStatusDown"][0] == "descending"
    assert seen["byStatusDown"][1][0] == "unchanged"
    direction, by_warnings = seen["byWarnings"]
    counts = {visible(table["id"]).strip(): len(table.get("warnings", ())) for table in tables}
    assert (direction, by_warnings[0]) == ("descending", "unchanged")
    assert [counts[name] for name in by_warnings] == sorted(counts.values(), reverse=True)
    assert seen["byWarningsDown"][0] == "ascending"
    warned = [name for name in counts if counts[name]]
    assert sorted(seen["warned"][0]) == sorted(warned)
    assert seen["warned"][1] == f"with warnings ({len(warned)})"
    assert seen["controls"] == 0, "each control has a label"
    assert (seen["clips"], seen["rows"]) == ([True, False], [False, True])
    assert seen["words"] == [True, 0]
    assert seen["wide"] == [True, []]
    assert seen["statistics"] == [True, 0]
    assert seen["places"] == [9], "each row has a cell for each column, and fills the table"
    assert seen["reasons"] == [True, True]
    like = [name for name in by_name if "ke" in name.lower()]
    assert [sorted(seen["typed"][0]), *seen["typed"][1:]] == [
        sorted(like),
        f"{len(like)} of {len(tables)} tables",
        len(like),
    ]
    assert seen["typedAndFailed"] == [[], f"0 of {len(tables)} tables", 0]
    assert [sorted(seen["failed"][0]), seen["failed"][2]] == [["case", "low", "stale"], 3]
    assert seen["all"] == f"{len(tables)} of {len(tables)} tables"
    assert (seen["folded"], seen["unfolded"]) == (False, True)


AXE = """<style>.scroll { background: var(--surface) !important }</style><script>AXE_SOURCE</script><script>
axe.run().then((found) => {
  const seen = document.createElement("pre");
  seen.id = "seen";
  seen.textContent = JSON.stringify([found.violations.map((one) => [one.id, one.nodes[0].html]), found.passes.length]);
  document.body.append(seen);
});
</script></body>"""
"""Scans a page with axe-core. A shade over a text would hide the contrast of the text from it."""


def test_a_scan_for_accessibility_finds_nothing(browser: str, text: str, tmp_path: Path) -> None:
    spec = find_spec("axe_core_python")
    if spec is None or spec.origin is None:
        pytest.skip("axe-core is not installed; the extra dev has it")
    source = Path(spec.origin).with_name("axe.min.js").read_text(encoding="utf-8").replace("</script", "<\\/script")
    (tmp_path / "page.html").write_text(text.replace("</body>", AXE.replace("AXE_SOURCE", source)), encoding="utf-8")
    dom = dumped(browser, tmp_path / "page.html", tmp_path, "--virtual-time-budget=60000")
    (found,) = re.findall(r'<pre id="seen">(.*?)</pre>', dom, re.DOTALL)
    violations, passes = json.loads(html.unescape(found))
    assert violations == []
    assert passes > 30
