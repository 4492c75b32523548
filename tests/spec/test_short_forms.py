"""Values of options that may be written short: each means what its long form does, in the manifest and as a flag."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from helpers.tables import read_table, write_table
from moslabels import materialize
from moslabels.cli import main
from moslabels.suggestions.search import suggest

SHORT: list[tuple[str, Any, Any, str]] = [
    # option, short, long, the label file
    ("mos_scale", "0-10", {"worst": 0, "best": 10}, "key,mos\na,3.5\nb,10\n"),
    ("mos_scale", "100-0", {"worst": 100, "best": 0}, "key,mos\na,3.5\nb,10\n"),
    ("mos_scale", "0-1", {"worst": 0, "best": 1}, "key,mos\na,0.5\nb,1\n"),
    ("mos_scale", "5-1", {"worst": 5, "best": 1}, "key,mos\na,1\nb,4\n"),
    ("mos_scale", "0.5-5.5", {"worst": 0.5, "best": 5.5}, "key,mos\na,1\nb,4\n"),
    ("missing_values", "NA", ["NA"], "key,mos\na,3\nc,NA\nb,4\n"),
    ("label_csv", ";", {"delimiter": ";"}, "key;mos\na;3\nb;4\n"),
    ("label_csv", "||", {"delimiter": "||"}, "key||mos\na||3\nb||4\n"),
]


@pytest.mark.parametrize(("option", "short", "long", "labels"), SHORT, ids=[f"{case[0]} {case[1]}" for case in SHORT])
def test_a_short_form_is_its_long_form(tmp_path: Path, option: str, short: Any, long: Any, labels: str) -> None:
    write_table(tmp_path / "f.jsonl", [{"key": "a"}, {"key": "b"}])
    write_table(tmp_path / "l.csv", labels)
    table = {"id": "t", "features": "f.jsonl", "labels": ["l.csv"], "missing_mos": "skip"}
    found = []
    for name, value in (("short", short), ("long", long)):
        entry = {**table, "out": f"{name}.jsonl", "audit_json": f"{name}.json", option: value}
        manifest = write_table(tmp_path / f"{name}_manifest.json", json.dumps({"tables": [entry]}))
        assert main(["batch", str(manifest), "--quiet"]) == 0
        found.append([row["mos"] for row in read_table(tmp_path / f"{name}.jsonl")])
    assert found[0] == found[1]
    assert None not in found[0]
    paths = ["--features", str(tmp_path / "f.jsonl"), "--labels", str(tmp_path / "l.csv")]
    flags = [f"--{option.replace('_', '-')}", short, "--missing-mos", "skip", "--quiet"]
    assert main(["materialize", *paths, "--out", str(tmp_path / "flag.jsonl"), *flags]) == 0
    assert [row["mos"] for row in read_table(tmp_path / "flag.jsonl")] == found[0]
    assert main(["verify", str(tmp_path / "short.json")]) == 0


def test_suggest_takes_a_delimiter_and_proposes_it(tmp_path: Path) -> None:
    features = write_table(tmp_path / "f.jsonl", [{"key": f"clip{number}"} for number in range(9)])
    labels = write_table(tmp_path / "l.csv", "key;mos\n" + "".join(f"clip{n};{1 + n % 4}.5\n" for n in range(9)))
    found = suggest(features, [labels], label_csv=";")["suggestions"][0]
    assert found["options"]["label_csv"] == {"delimiter": ";"}
    materialize(features, [labels], tmp_path / "o.jsonl", **found["options"])
    with pytest.raises(ValueError, match="label_csv: must be a text of 1 to 4 bytes"):
        suggest(features, [labels], label_csv="")
