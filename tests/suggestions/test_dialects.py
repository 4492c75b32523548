"""suggest and init: how a CSV file is written is found from all of it and proposed; no label is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from helpers.command import moslabels
from helpers.tables import read_table, write_table
from moslabels import run_batch
from moslabels.suggestions.search import suggest

WORDS = ["koala", "wombat", "quoll", "numbat", "bilby", "emu", "dingo", "café", "lorikeet", "galah"]
SCORES = {name: round(1.5 + n * 0.31, 2) for n, name in enumerate(WORDS)}


def lines(delimiter: str, *, head: str = "", end: str = "\n", names: tuple[str, ...] = ("name", "mos")) -> str:
    header = [delimiter.join(names)] if head else []
    return "".join(line + end for line in [*header, *(f"{name}{delimiter}{score}" for name, score in SCORES.items())])


def padded(*, head: bool) -> bytes:
    rows = [("name", "mos")] if head else []
    return "".join(f"  {name:<12} {score}\n" for name, score in (*rows, *SCORES.items())).encode()


def commas(head: str) -> bytes:
    return (head + lines(";").replace(".", ",")).encode()


def table(header: str, last: str) -> bytes:
    return "".join(f"{line}\n" for line in (header, *(f"{n},{score},{last}" for n, score in SCORES.items()))).encode()


def bare(text: str) -> dict[str, Any]:
    return {"header": False, **({"delimiter": text} if text != "," else {})}


ROW_1 = 'row 1 reads like data: "koala", 1.5'
MERGED = {**bare("\t"), "merge_delimiters": True}
FOUND: list[tuple[str, str, bytes, dict[str, Any], list[str]]] = [
    ("no header", "l.csv", lines(",").encode(), bare(","), [ROW_1, "10 lines: 10 rows"]),
    ("no header, comma and blank", "l.txt", lines(", ").encode(), bare(", "), [ROW_1, "with a blank after each comma"]),
    ("no header, tab", "l.txt", lines("\t").encode(), bare("\t"), [ROW_1, "all records have 2 cells"]),
    ("no header, in a .tsv", "l.tsv", lines("\t").encode(), {"header": False}, [ROW_1]),
    ("padded by blanks", "l.txt", padded(head=False), bare("whitespace"), [ROW_1, "10 lines: 10 rows"]),
    ("padded, with names", "l.txt", padded(head=True), {"delimiter": "whitespace"}, ["a header and 10 rows"]),
    ("runs of tabs", "l.txt", lines("\t").replace("t\t", "t\t\t").encode(), MERGED, [ROW_1, 'runs of "\\t"']),
    ("always two tabs", "l.txt", lines("\t\t").encode(), MERGED, [ROW_1, 'runs of "\\t"']),
    ("decimal commas", "l.csv", commas(""), {**bare(";"), "decimal": ","}, ['numbers are written like "1,81"']),
    ("decimal commas, names", "l.csv", commas("name;mos\n"), {"delimiter": ";", "decimal": ","}, ["written like "]),
    ("no header, semicolon, CRLF", "l.csv", lines(";", end="\r\n").encode(), bare(";"), [ROW_1]),
    ("no header, bar, BOM", "l.csv", lines("|").encode("utf-8-sig"), bare("|"), [ROW_1]),
    ("a header", "l.csv", lines(",", head="yes").encode(), {}, ["11 lines: a header and 10 rows"]),
    ("a header, semicolon", "l.csv", lines(";", head="yes").encode(), {"delimiter": ";"}, ["a header and 10 rows"]),
    ("commas in a .tsv", "l.tsv", lines(",", head="yes").encode(), {"delimiter": ","}, ["all records have 2 cells"]),
    ("UTF-16", "l.csv", lines(",", head="yes").encode("utf-16"), {"encoding": "utf-16"}, ["byte order mark of UTF-16"]),
    (
        "latin-1",
        "l.csv",
        lines(",", head="yes").encode("latin-1"),
        {"encoding": "latin-1"},
        ["line 9 is not UTF-8", "café"],
    ),
    ("blank lines", "l.csv", ("\n" + lines(",", head="yes", end="\n\n")).encode(), {}, ["a header and 10 rows"]),
    ("a name with a comma", "l.csv", table('name,mos,"why, if"', '"a, b"'), {}, ["a header and 10 rows"]),
    ("a header that counts", "l.csv", table("name,mos,1,2,3", "7,8,9"), {}, ["a header and 10 rows"]),
    (
        "a number in the header",
        "l.csv",
        table("name,mos,2019", "7"),
        {},
        ["is row 1 a header, or a label? It is taken as a header"],
    ),
]


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("name", "content", "options", "said"), [case[1:] for case in FOUND], ids=[case[0] for case in FOUND]
)
def test_how_it_is_written(
    name: str, content: bytes, options: dict[str, Any], said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(Path("f.csv"), [{"clip": f"{name}.mp4", "y": 1.5} for name in WORDS])
    write_table(Path(name), content)
    document = suggest("f.csv", [name])
    entry = document["suggestions"][0]["manifest"]
    assert entry.get("label_csv", {}) == options
    (read,) = [read for read in document["read"] if read["path"] == name]
    told = [*read["evidence"], *read["confirm"]]
    assert all(any(text in one for one in told) for text in said), told
    assert set(read["confirm"]) <= set(entry.get("confirm", []))
    # No label is lost: the entry as it is printed labels every clip with its own score.
    assert run_batch(write_table(Path("m.json"), json.dumps({"tables": [entry]})))["status"] == "ok"
    labelled = {row["clip"].removesuffix(".mp4"): float(row["mos"]) for row in read_table(Path("f_mos.csv"))}
    assert labelled == SCORES


def test_features_without_a_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(Path("f.csv"), "".join(f"v/{name}.mp4;blue\n" for name in WORDS))
    write_table(Path("l.csv"), lines(",", head="yes"))
    document = suggest("f.csv", ["l.csv"])
    entry = document["suggestions"][0]["manifest"]
    assert entry["feature_csv"] == {"header": False, "delimiter": ";"}
    assert document["read"][0]["evidence"][-1] == 'header false: row 1 reads like data: "v/koala.mp4", "blue"'
    run_batch(write_table(Path("m.json"), json.dumps({"tables": [entry]})))
    first, *rows = Path("f_mos.csv").read_text(encoding="utf-8").splitlines()
    assert first.startswith("column0;column1;mos;")
    assert [row.split(";")[:3] for row in rows] == [[f"v/{name}.mp4", "blue", str(SCORES[name])] for name in WORDS]


def test_what_is_given_holds_and_the_rest_is_found(tmp_path: Path) -> None:
    features = write_table(tmp_path / "f.csv", [{"clip": name} for name in WORDS])
    labels = write_table(tmp_path / "l.csv", lines(";"))
    found = suggest(features, [labels], label_csv={"delimiter": ";"})["suggestions"][0]["options"]
    assert found["label_csv"] == {"delimiter": ";", "header": False}


def test_names_with_blanks_are_one_column(tmp_path: Path) -> None:
    features = write_table(tmp_path / "f.csv", "".join(f"My {name}.mp4\n" for name in WORDS))
    labels = write_table(tmp_path / "l.csv", "name,mos\n" + "".join(f"My {n}.mp4,{s}\n" for n, s in SCORES.items()))
    found = suggest(features, [labels])["suggestions"][0]["options"]
    assert (found["feature_csv"], found.get("label_csv")) == ({"header": False}, None)


def test_files_that_are_written_differently(tmp_path: Path) -> None:
    features = write_table(tmp_path / "f.csv", [{"clip": name} for name in WORDS])
    first = write_table(tmp_path / "a.csv", lines(";"))
    second = write_table(tmp_path / "b.csv", lines(",", head="yes"))
    labels = suggest(features, [first, second])["suggestions"][0]["labels"]
    assert labels[0]["label_csv"] == {"delimiter": ";", "header": False}
    assert "label_csv" not in labels[1]


def test_the_commands_say_it(tmp_path: Path) -> None:
    write_table(tmp_path / "f.csv", [{"clip": name} for name in WORDS])
    write_table(tmp_path / "l.csv", lines(","))
    done = moslabels("suggest", "--features", "f.csv", "--labels", "l.csv", cwd=tmp_path)
    said = f'l.csv: label_csv {{"header": false}}; header false: {ROW_1}; 10 lines: 10 rows'
    assert said in done.stdout
    done = moslabels("init", "--features", "f.csv", "--labels", "l.csv", cwd=tmp_path)
    assert done.returncode == 0
    document = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert document["tables"][0]["label_csv"] == {"header": False}
    assert said in document["_rules"]["f"]
    assert moslabels("batch", "manifest.json", cwd=tmp_path).returncode == 0
