"""Contract 2: a manifest is right, or every problem is reported at once, with its JSON path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from moslabels import MosLabelsError, UsageError, load_manifest, run_batch
from moslabels.spec.problems import Members

GOOD = {"id": "t", "features": "f.parquet", "labels": ["l.csv"], "out": "o.parquet"}


TWO_COLUMNS = {"feature_key_column": ["a", "b"], "label_key_column": ["a", "b"]}


def problems_of(folder: Path, document: Any) -> list[str]:
    path = folder / "manifest.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_manifest(path)
    assert [entry.name for entry in folder.iterdir()] == ["manifest.json"]  # Nothing has been written.
    return list(caught.value.problems)


def table(**changes: Any) -> dict[str, Any]:
    return {"tables": [{**GOOD, **changes}]}


def of_two(defaults: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A manifest of defaults and two tables, the first of them changed."""
    return {"defaults": defaults, "tables": [{**GOOD, **changes}, {**GOOD, "id": "u", "out": "u.csv"}]}


ONE_PROBLEM = [
    # the root
    ([], "must be an object with a list of tables, not []"),
    ({}, "tables: must be a non-empty list"),
    ({"tables": []}, "tables: must be a non-empty list, not []"),
    ({"tables": {}}, "tables: must be a non-empty list, not {}"),
    ({"tables": ["x"]}, 'tables[0]: must be an object, not "x"'),
    ({**table(), "tabels": []}, 'tabels: is unknown; did you mean "tables"?; a comment begins with _'),
    ({**table(), "defaults": []}, "defaults: must be an object, not []"),
    ({**table(), "defaults": {"min_match": 1}}, 'defaults.min_match: is unknown; did you mean "min_match_rate"?'),
    ({**table(), "defaults": {"features": "x"}}, "defaults.features: is unknown"),
    ({**table(), "defaults": {"overwrite": 1}}, "defaults.overwrite: must be true or false, not 1"),
    # a table
    ({"tables": [{k: v for k, v in GOOD.items() if k != "out"}]}, "tables[0].out: is missing"),
    (table(id=""), 'tables[0].id: must be a non-empty text, not ""'),
    (table(id=3), "tables[0].id: must be a non-empty text, not 3"),
    (table(features=None), "tables[0].features: must be a path, not null"),
    (table(labels="l.csv"), 'tables[0].labels: must be a list of paths, such as ["l.csv"], not "l.csv"'),
    (table(labels=[]), "tables[0].labels: must name one label table at least"),
    (table(labels=[3]), 'tables[0].labels[0]: must be a path, or an object with a "path", not 3'),
    (table(labels=[{}]), 'tables[0].labels[0]: must be a path, or an object with a "path", not {}'),
    (table(labels=[{"path": "l.csv", "min_match_rate": 1}]), "tables[0].labels[0].min_match_rate: is unknown"),
    (table(labels=[{"path": "l.csv", "mos_scale": "1-"}]), "tables[0].labels[0].mos_scale: must be one of"),
    (table(features="f.ods"), 'tables[0].features: "f.ods" has the suffix ".ods"'),
    (table(features="f.txt"), 'tables[0].features: "f.txt" has the suffix ".txt"'),
    (table(labels=["l.doc"]), 'tables[0].labels[0]: "l.doc" has the suffix ".doc"'),
    (table(out="o"), 'tables[0].out: "o" has no suffix, and a table is one file: .parquet'),
    (table(_note="x"), "tables[0]._note: is unknown"),
    (table(Out="x"), 'tables[0].Out: is unknown; did you mean "out"?'),
    # options
    (table(min_match_rate=1.5), "tables[0].min_match_rate: must be a number from 0 to 1, not 1.5"),
    (table(min_match_rate=True), "tables[0].min_match_rate: must be a number from 0 to 1, not true"),
    (table(min_match_rate="0.9"), 'tables[0].min_match_rate: must be a number from 0 to 1, not "0.9"'),
    (table(min_match_rate=None), "tables[0].min_match_rate: must be a number from 0 to 1, not null"),
    (
        table(key_normalize="steam"),
        'tables[0].key_normalize: must be one of auto, raw, basename, stem, not "steam"; did you mean "stem"?',
    ),
    (
        table(feature_key_column=3),
        "tables[0].feature_key_column: must be the name of a column, or a non-empty list of them, not 3",
    ),
    (table(feature_key_regex="(?=a)"), "tables[0].feature_key_regex: is not an RE2 pattern: '(?=a)'"),
    (table(status_column="mos"), "tables[0].status_column: must not be the name of another label column"),
    (table(mos_scale={"worst": 1}), 'tables[0].mos_scale: must hold the numbers "worst" and "best"'),
    (table(mos_scale={"worst": 1, "best": 1}), "tables[0].mos_scale: must have a worst that differs"),
    (table(mos_scale={"worst": True, "best": 5}), 'tables[0].mos_scale: must hold the numbers "worst" and "best"'),
    (table(out_of_range="skip"), "tables[0].out_of_range: must be one of error, clip"),
    (table(missing_mos=None), "tables[0].missing_mos: must be one of error, skip, not null"),
    (table(missing_values=""), "tables[0].missing_values: must be a list of texts"),
    (table(missing_values=[1]), "tables[0].missing_values: must be a list of texts"),
    (table(confirm="the scale"), "tables[0].confirm: must be a list of non-empty texts"),
    (
        table(examples=["a"]),
        'tables[0].examples: must be an object of values and their keys, such as {"x_960.mp4": "x"',
    ),
    (table(examples={"a": 3}), "tables[0].examples: must hold a key as a non-empty text, as a list of these for"),
    (
        table(examples={"a": ""}),
        "tables[0].examples: must hold a key as a non-empty text, as a list of these for a key",
    ),
    (table(examples={"a": ["b"]}), 'or null for none, not ["b"] for "a"'),
    (table(examples={"a": ["b", 3]}), 'or null for none, not ["b", 3] for "a"'),
    (
        table(examples={"a": ["b", "c"]}),
        'tables[0].examples: the key of "a" must be a text, or null for none, not ["b"',
    ),
    (
        table(examples={'["a", "b"]': ["c", "d", "e"]}, **TWO_COLUMNS),
        'tables[0].examples: the key of "[\\"a\\", \\"b\\"]" must be a list of 2 texts, or null for none, not ["c"',
    ),
    *(
        (
            table(examples={value: None}, **TWO_COLUMNS),
            f'tables[0].examples: {json.dumps(value)} must be a JSON list of texts, ["…", "…"]: the key columns',
        )
        for value in ("a", '["a"]', '["a", 1]', '["a", "b"')
    ),
    (
        {"defaults": {"examples": {"a": ["b", "c"]}}, "tables": [GOOD]},
        'defaults.examples: the key of "a" must be a text, or null for none, not ["b", "c"]',
    ),
    (table(confirm=[" "]), "tables[0].confirm: must be a list of non-empty texts"),
    (table(mos_tolerance=-1), "tables[0].mos_tolerance: must be a number from 0"),
    (table(extras="split"), "tables[0].extras: must be a list of columns or an object"),
    (table(extras=["mos"]), 'tables[0].extras: must not write the column "mos"'),
    (table(extras={"a": "x", "b": "X"}), 'tables[0].extras: must not write two columns named "X"'),
    (table(label_csv={"header": 1}), 'tables[0].label_csv: "header" must be true or false'),
    (table(label_csv={"delimiter": ""}), 'tables[0].label_csv: "delimiter" must be a text of 1 to 4 bytes'),
    *(
        (table(mos_scale=scale), "tables[0].mos_scale: must be one of auto, 1-5, 0-100, per-value, another scale as")
        for scale in (
            "-3-3",
            "1--5",
            "1-5-9",
            "01-05",
            "1,5-5",
            "1e1-2",
            "0 - 10",
            "0–10",
            "٠-٥",
            "1-5\n",
            "1" * 5000 + "-5",
        )
    ),
    (table(mos_scale="10-10"), "tables[0].mos_scale: must have a worst that differs from its best"),
    (table(label_csv=""), "tables[0].label_csv: must be a text of 1 to 4 bytes"),
    (table(label_csv=["a"]), 'tables[0].label_csv: must be an object, or a delimiter such as ";", not ["a"]'),
    (table(label_csv={"column_names": []}), '"column_names" must be a list of the names of all columns'),
    (table(label_csv={"column_names": "key"}), '"column_names" must be a list of the names of all columns'),
    (table(label_csv={"column_names": ["a", "b", "a"]}), '"column_names" must not name "a" twice'),
    (table(label_csv={"column_names": ["a"], "header": True}), "are those of a file without a header"),
    (table(label_csv={"delimiter": '"'}), 'tables[0].label_csv: "delimiter" must hold no quote'),
    (
        table(feature_csv={"encoding": "utf8"}),
        'tables[0].feature_csv: "encoding" must be one of utf-8, utf-16, latin-1',
    ),
    (table(feature_csv={"quote": "x"}), 'tables[0].feature_csv: has no member "quote"'),
    (table(label_csv={"headr": 1, "delimiter": ""}), 'did you mean "header"?; "delimiter" must be a text'),
    (table(mos_scale={"worst": 0, "best": 10**500}), 'tables[0].mos_scale: must hold the numbers "worst" and "best"'),
    (table(out="o\0.csv"), 'tables[0].out: "o\\u0000.csv" holds a NUL character'),
    (table(audit_json="o\0"), 'tables[0].audit_json: "o\\u0000" holds a NUL character'),
    (table(labels=["l\0.csv"]), 'tables[0].labels[0]: "l\\u0000.csv" holds a NUL character'),
    (table(status_column="\ud800"), 'tables[0].status_column: "\\ud800" holds half of a character'),
    (table(missing_values=["\ud800"]), "tables[0].missing_values[0]: "),
    (table(audit_json=".o.parquet.moslabels-staged"), "is where tables[0].out is staged"),
    # options that clash in the defaults are said there, once
    (of_two({"status_column": "mos"}), 'defaults.status_column: must not be the name of another label column, "mos"'),
    (of_two({"status_column": "mos"}, extras=["a"]), "defaults.status_column: must not be the name"),
    (of_two({"label_key_column": ["a", "b"]}), "defaults.label_key_column: names 2 columns and feature_key_column 1"),
    (
        of_two({"label_key_column": ["a", "b"]}, labels=["l.csv", {"path": "m.csv", "mos_scale": "1-5"}]),
        "defaults.label_key_column: names 2 columns and feature_key_column 1",
    ),
    (of_two({"feature_key_regex": ["a", "b"]}), "defaults.feature_key_regex: has 2 patterns for 1 key columns"),
    (of_two({"label_key_regex": ["a", "b"]}), "defaults.label_key_regex: has 2 patterns for 1 key columns"),
    # and at the table where a table is needed for the clash
    (
        {**table(status_column="mos"), "defaults": {"status_column": "mos"}},
        "tables[0].status_column: must not be the name of another label column",
    ),
    (
        {**table(extras={"a": "x"}), "defaults": {"status_column": "x"}},
        "tables[0].status_column: must not be the name of another label column",
    ),
    (
        {**table(feature_key_column=["a", "b"]), "defaults": {"label_key_column": "a"}},
        "tables[0].label_key_column: names 1 column and feature_key_column 2",
    ),
    # paths
    (table(out="f.parquet"), "is also tables[0].features"),
    (table(out="./x/../l.csv"), "is also tables[0].labels[0]"),
    (table(audit_json="o.parquet"), "is also tables[0].out"),
    (table(audit_json="manifest.json"), "is also the manifest"),
    ({"tables": [GOOD, {**GOOD, "id": "u"}]}, "tables[1].out: "),
    ({"tables": [GOOD, {**GOOD, "out": "p.csv"}]}, 'tables[1].id: "t" is also the id of tables[0]'),
    ({"tables": [GOOD, {**GOOD, "id": "u", "out": "u.csv", "features": "o.parquet"}]}, "is also tables[1].features"),
    # members given twice
    ('{"tables": [], "tables": [%s]}' % json.dumps(GOOD), "tables: is given twice"),
    ('{"tables": [{"id": "a", %s]}' % json.dumps(GOOD)[1:], "tables[0].id: is given twice"),
    (
        '{"defaults": {"extras": {"a": "b", "a": "c"}}, "tables": [%s]}' % json.dumps(GOOD),
        "defaults.extras.a: is given twice",
    ),
]


@pytest.mark.parametrize(("document", "problem"), ONE_PROBLEM)
def test_one_problem(tmp_path: Path, document: Any, problem: str) -> None:
    problems = problems_of(tmp_path, document)
    assert len(problems) == 1
    assert problem in problems[0]


def test_a_problem_hides_no_other(tmp_path: Path) -> None:
    bad = {**GOOD, "min_match_rate": 2}
    problems = problems_of(tmp_path, {"tables": [bad, {**GOOD, "audit_json": "l.csv"}]})
    assert [problem.split(": ")[0] for problem in problems] == [
        "tables[0].min_match_rate",
        "tables[1].id",
        "tables[1].out",
        "tables[1].audit_json",
    ]


NEVER_WARNS = [
    # defaults, table, where the problem is, the two rates; None: both are right
    ({}, {"warn_match_rate": 0.96}, None),
    ({}, {"warn_match_rate": None}, None),
    ({"warn_match_rate": 0.5}, {"min_match_rate": 0.4}, None),
    ({}, {"warn_match_rate": 0.5}, ("tables[0].warn_match_rate", "0.5", "0.95")),
    ({}, {"min_match_rate": 1, "warn_match_rate": 1}, ("tables[0].warn_match_rate", "1", "1")),
    ({"warn_match_rate": 0.5}, {}, ("defaults.warn_match_rate", "0.5", "0.95")),
    ({"warn_match_rate": 0.98}, {"min_match_rate": 0.99}, ("tables[0].warn_match_rate", "0.98", "0.99")),
]


@pytest.mark.parametrize(("defaults", "options", "found"), NEVER_WARNS)
def test_a_warn_match_rate_that_would_never_warn(
    tmp_path: Path, defaults: dict[str, Any], options: dict[str, Any], found: tuple[str, str, str] | None
) -> None:
    document = {"defaults": defaults, "tables": [{**GOOD, **options}]}
    if found is None:
        (tmp_path / "m.json").write_text(json.dumps(document))
        assert load_manifest(tmp_path / "m.json").tables[0].options.warn_match_rate == {**defaults, **options}.get(
            "warn_match_rate"
        )
        return
    where, warn, least = found
    assert problems_of(tmp_path, document) == [
        f"{where}: {warn} must be greater than min_match_rate, {least}: at or below it, it would never warn"
    ]


def test_all_problems_together(tmp_path: Path) -> None:
    problems = problems_of(
        tmp_path,
        {
            "defaults": {"min_match_rat": 0.9, "key_normalize": 3},
            "tables": [{"id": "a", "labels": [], "out": "o.xls"}, {**GOOD, "overwrit": True, "min_match_rate": 2}],
        },
    )
    found = [problem.split(": ")[0] for problem in problems]
    assert found == [
        "defaults.min_match_rat",
        "defaults.key_normalize",
        "tables[0].features",
        "tables[0].out",
        "tables[0].labels",
        "tables[1].overwrit",
        "tables[1].min_match_rate",
    ]


NO_JSON = [  # The words and the places are the same whatever Python reads the text.
    ("", "it ends too early at line 1, column 1"),
    ('{"tables": [\n', "it ends too early at line 2, column 1"),
    ('{"tables": [1,]}', '",]}" is out of place at line 1, column 14; a comma is one too many'),
    ('{"tables": [1,\n\n ]}', '"," is out of place at line 1, column 14; a comma is one too many'),
    ('{"a": 1,\n}', '"," is out of place at line 1, column 8; a comma is one too many'),
    ("[1,,2]", '",2]" is out of place at line 1, column 4; a comma is one too many'),
    ('{"a": 1 "b": 2}', r'"\"b\": 2}" is out of place at line 1, column 9'),
    ('{"a": "x\ny"}', r'"\n" is out of place at line 1, column 9'),
    ('{"a": "x', r'"\"x" is out of place at line 1, column 7'),
    ('{"tables": NaN', "it ends too early"),
    (b'{"a": "\xff"}', "byte 8 of it is not UTF-8"),
    ("9" * 5000, "a number has too many digits"),
]


@pytest.mark.parametrize(("text", "fault"), NO_JSON, ids=[str(text)[:20] for text, _ in NO_JSON])
def test_no_json(tmp_path: Path, text: str | bytes, fault: str) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UsageError) as caught:
        load_manifest(path)
    assert str(caught.value).startswith(f"{path}: the manifest is not JSON: {fault}")


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such manifest"):
        load_manifest(tmp_path / "m.json")


def test_what_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(
        "\ufeff"
        + json.dumps(
            {
                "$schema": "https://example.org/schema.json",
                "_comment": ["anything"],
                "defaults": {"min_match_rate": 1, "feature_key_column": None, "label_key_regex": ""},
                "tables": [{**GOOD, "audit_json": None, "labels": ["l.csv", {"path": "m.csv", "mos_scale": "0-100"}]}],
            }
        ),
        encoding="utf-8",
    )
    (spec,) = load_manifest(path).tables
    assert (spec.id, spec.audit_json, spec.options.min_match_rate, spec.options.label_key_regex) == ("t", None, 1, None)
    assert [label.options.mos_scale for label in spec.labels] == ["auto", "0-100"]
    assert spec.config == {"min_match_rate": 1, "feature_key_column": None, "label_key_regex": None}


def test_the_table_wins_over_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(
        json.dumps(
            {"defaults": {"mos_tolerance": 1, "key_normalize": "stem"}, "tables": [{**GOOD, "mos_tolerance": 2}]}
        )
    )
    (spec,) = load_manifest(path).tables
    assert (spec.options.mos_tolerance, spec.options.key_normalize) == (2, "stem")


def test_defaults_that_no_table_keeps_clash_with_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    defaults = {"status_column": "split", "label_key_column": ["a", "b"]}
    path.write_text(json.dumps({"defaults": defaults, **table(extras=[], feature_key_column=["a", "b"])}))
    assert load_manifest(path).tables[0].options.status_column == "split"


@pytest.mark.parametrize(("base", "expected"), [(None, "sub/f.parquet"), ("elsewhere", "elsewhere/f.parquet")])
def test_paths_resolve_from_the_manifest_or_the_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str | None, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    Path("sub/m.json").write_text(json.dumps({"tables": [{**GOOD, "out": "/abs/o.csv"}]}))
    (spec,) = load_manifest("sub/m.json", base).tables
    assert (spec.features, spec.out) == (expected, "/abs/o.csv")
    assert spec.labels[0].given == "l.csv"


@pytest.mark.parametrize("report", ["report_json", "report_md", "report_html", "report_junit"])
@pytest.mark.parametrize("path", ["o.parquet", "f.parquet", "l.csv", "m.json"])
def test_a_report_is_no_other_file(tmp_path: Path, report: str, path: str) -> None:
    (tmp_path / "m.json").write_text(json.dumps(table()))
    with pytest.raises(UsageError, match=f"{report}: .* is also"):
        run_batch(tmp_path / "m.json", **{report: tmp_path / path})
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.json"]


@pytest.mark.parametrize("depth", [110, 600, 800, 900, 950, 985, 100_000])
@pytest.mark.parametrize("place", ["features", "labels", "extras", "_comment", "whole"])
def test_values_that_nest_deep(tmp_path: Path, place: str, depth: int) -> None:
    document: Any = {**table(), place: "DEEP"} if place == "_comment" else table(**{place: "DEEP"})
    text = json.dumps("DEEP" if place == "whole" else document).replace('"DEEP"', "[" * depth + "]" * depth)
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(UsageError, match="nests lists or objects more than 100 deep"):
        load_manifest(tmp_path / "m.json")


@pytest.mark.parametrize("option", ["extras", "label_csv", "mos_scale"])
def test_arguments_that_nest_deep(option: str) -> None:
    from moslabels import materialize

    deep: Any = []
    for _ in range(5_000):
        deep = [deep]
    endless: list[Any] = []
    endless.append(endless)
    for value in (deep, endless, {"a": deep}):
        with pytest.raises(UsageError, match="nests lists or objects more than 100 deep"):
            materialize("f.csv", ["l.csv"], "o.csv", **{option: value})
    with pytest.raises(UsageError, match="nests lists or objects more than 100 deep"):
        materialize("f.csv", deep, "o.csv")


def test_names_given_twice_are_found_without_comparing_all_pairs() -> None:
    compared = 0

    class Name(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return str.__eq__(self, other)

    members = Members([(Name(f"_{index % 999}"), index) for index in range(1000)])
    assert members.twice == ["_0"]
    assert compared < 10_000


ARGUMENTS = [
    ({"min_match": 1}, 'unknown option "min_match"; did you mean "min_match_rate"?'),
    ({"min_match_rate": 2}, "min_match_rate: must be a number from 0 to 1, not 2"),
    ({"run_provenance": {"a": float("nan")}}, "run_provenance must be an object of JSON values"),
    ({"run_provenance": {"a": {1}}}, "run_provenance must be an object of JSON values"),
    ({"status_column": "\ud800"}, "status_column: .* half of a character"),
    ({"audit_json": "l.csv"}, 'audit_json: "l.csv" is also labels\\[0\\]'),
]


@pytest.mark.parametrize(("options", "problem"), ARGUMENTS)
def test_arguments_of_materialize_are_checked_alike(options: dict, problem: str) -> None:
    from moslabels import materialize

    with pytest.raises(MosLabelsError, match=problem):
        materialize("f.csv", ["l.csv"], "o.csv", **options)


@pytest.mark.parametrize("labels", [None, 5, [], [None]])
def test_labels_that_are_none(labels: Any) -> None:
    from moslabels import materialize

    with pytest.raises(MosLabelsError, match="labels"):
        materialize("f.csv", labels, "o.csv")


def test_the_signature_of_materialize_shows_the_options() -> None:
    import inspect

    from moslabels import materialize

    parameters = inspect.signature(materialize).parameters
    assert list(parameters)[:4] == ["features", "label_paths", "out", "audit_json"]
    assert parameters["min_match_rate"].default == 0.95
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in list(parameters.values())[4:])
