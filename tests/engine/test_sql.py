"""The templates in sql/: each renders, declares its parameters, and refuses what is not quoted."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moslabels.base.errors import StatementError
from moslabels.engine import statements as rendering
from moslabels.engine.connection import Engine
from moslabels.engine.statements import Statement, parameters, quote_identifier, render, rules, sql_folder
from moslabels.labelling.extras import Extra
from moslabels.labelling.keys import Constant, Key
from moslabels.runs.views import VIEWS, View
from moslabels.sources.columns import Cell, Column, is_number_type
from moslabels.sources.opening import READERS
from moslabels.sources.parquet_parts import FORMAT as PARTS
from moslabels.sources.parquet_parts import PartsSource
from moslabels.sources.part import Part
from moslabels.sources.source import Source

TEMPLATES = sorted(str(path.relative_to(sql_folder()))[:-4] for path in sql_folder().rglob("*.sql"))
MACROS = [name for name in TEMPLATES if "{%- macro" in (sql_folder() / f"{name}.sql").read_text(encoding="utf-8")]
STATEMENTS = [name for name in TEMPLATES if name not in MACROS]
COLUMN = {
    "csv": Column('na"me', "column0"),
    "jsonl": Column('na"me', '/na"me', "JSON"),
    "parquet": Column('na"me', 'na"me', "FLOAT"),
}
HIDING = ((), ("FILE_INDEX",))
EXTRA = Extra("extra0", 'ex"tra', {0: COLUMN["csv"]}, "DECIMAL(10,2)")
STATED = Extra("extra1", 'ex"tra', {0: COLUMN["csv"]}, "BIGINT", "BIGINT", missing_values=("NA",))


def read(name: str) -> str:
    return (sql_folder() / f"{name}.sql").read_text(encoding="utf-8")


def made_key(cells: list[Cell], has_all: bool) -> Key:
    """A key of columns alone, or with all that a key may have."""
    if not has_all:
        return Key(tuple(cells), ("raw",), ("x",))
    return Key((*cells, Constant("key9", "corpus", "it's")), ("stem",), ("x",), "{0}'{1}{2}", folds=True)


def contexts() -> list[dict[str, Any]]:
    found = []
    of_parts = [PartsSource("f", "feature", PARTS, (Part("f", "f", counted=1),), every_name=names) for names in HIDING]
    for source, column in [
        *(
            (Source("f", "feature", READERS[reader], (Part("f", "f"),), (column,)), column)
            for reader, column in COLUMN.items()
        ),
        *((source, COLUMN["parquet"]) for source in of_parts),
        *((source, Column('na"me', 'na"me', partition=1)) for source in of_parts),
    ]:
        cells = source.cells({"key": column, "mos": column})
        for extras, keys in (([], cells[:1]), ([EXTRA, STATED], cells)):
            found.append(
                {
                    "source": source,
                    "cells": cells,
                    "cell": cells[0],
                    "keys": keys,
                    "key": made_key(keys, bool(extras)),
                    "extra": extras[1] if extras else EXTRA,
                    "extras": extras,
                    "present": extras,
                    "typed_extras": extras,
                    "stated_extras": extras[1:],
                    "row_type": "UINTEGER",
                    "has_mos_100": bool(extras),
                    "scores": source.cells({"mos": column, **({"mos_100": column} if extras else {})}),
                    "any_mos_100": bool(extras),
                    "any_scale": not extras,
                    "is_first": not extras,
                    "any_row_scale": bool(extras),
                    "may_be_outside": bool(extras),
                    "is_one_file": not extras,
                    "is_of_used": not extras,
                    "memory": 160,
                    "threads": 4,
                    "has_repeats": bool(extras),
                    "has_scale": bool(extras),
                    "are_held": bool(extras),
                    "are_values": bool(extras),
                    "all_fit": not extras,
                    "has_clipped": bool(extras),
                    "parts": [1, 2],
                    "table": "in_memory_1",
                    "kept": "in_memory_2",
                    "views": [View(name, "a row per audit") for name in VIEWS],
                    "path": "f.duckdb",
                    "table_function": rendering.SqlText("read_csv"),
                    "out": "o.csv",
                    "clip": 'na"me',
                    "score": 'sco"re',
                    "pattern": "^S[0-9]+$",
                    "mark": "made here",
                    "is_exact": bool(extras),
                    "names": ["TimeZone"],
                    "feature_cells": cells,
                    "label_names": [
                        "mos",
                        "mos_raw_0_100",
                        'sta"tus',
                        "mos_label_source",
                        *(one.output for one in extras),
                    ],
                    "TEMP": rendering.SqlText("TEMP"),
                    "SCOPE": rendering.SqlText("SESSION"),
                    "folder": "spill",
                    "sides": ["feature", "label"] if extras else ["label"],
                    "has_near": bool(extras),
                    "has_doubtful": bool(extras),
                    "lengths_differ": True,
                    "has_scientific": bool(extras),
                }
            )
    return found


def rendered(name: str, context: dict[str, Any]) -> str:
    return rendering.environment().get_template(f"{name}.sql").render(context)


def test_every_folder_has_templates() -> None:
    folders = {
        "compile",
        "convert",
        "diff",
        "evidence",
        "explain",
        "labels",
        "match",
        "output",
        "parts",
        "patterns",
        "rules",
        "session",
        "sources",
        "suggest",
        "unmatched",
    }
    assert {name.split("/")[0] for name in TEMPLATES} == folders
    assert [rule.name for rule in rules()] == [name for name in TEMPLATES if name.startswith("rules/")]


def test_a_file_of_rules_reads_on_one_screen() -> None:
    names = [*(rule.name for rule in rules()), "unmatched/05_near_key"]
    lengths = {name: len(read(name).splitlines()) for name in names}
    assert len(lengths) == 7
    assert max(lengths.values()) <= 80


def test_a_pattern_and_a_list_of_types_are_written_once() -> None:
    """A second spelling would be changed alone."""
    patterns = r"regexp_\w+\([^']*('(?:[^']|'')+')|(LIKE '[^']+'|IN \('(?:CSV|FLOAT|DOUBLE)'[^)]*\))"
    texts = [re.sub(r"getvariable\('\w+'\)|--.*", "", read(name)) for name in TEMPLATES]
    found = Counter(match[1] or match[2] for text in texts for match in re.finditer(patterns, text))
    assert {pattern: count for pattern, count in found.items() if count > 1} == {}


def test_fragments_are_macros() -> None:
    """An include would depend on the variables of whoever includes it."""
    assert [name for name in TEMPLATES if re.search(r"{%-? *include", read(name))] == []


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_renders_and_says_what_it_is(name: str) -> None:
    text = read(name)
    assert text.startswith("-- "), "a header comment says what the statement returns"
    source_parameters = {"path", "columns", "delimiter", "header", "blank_lines", "pointers", "compression"} | {
        "also",
        "padding",
        "cell",
        "paths",
        "path_1",
        "offsets",
        "partitions",
    }
    declared = set(re.findall(r"\$([a-z_]+)", " ".join(re.findall(r"^-- .*$", text, re.MULTILINE))))
    if "those of the file" in text or "those of the parts" in text:
        declared |= source_parameters
    for context in contexts():
        used = set(parameters(rendered(name, context)))
        own = used - source_parameters if not name.startswith("sources/") else used
        assert own <= declared, f"{name} uses {own - declared} and does not declare it"
        if not name.startswith("sources/"):
            assert (declared - source_parameters) <= used, f"{name} declares {declared - used} and does not use it"


@pytest.mark.parametrize("name", MACROS)
def test_a_file_of_macros_is_no_statement_and_says_what_each_returns(name: str) -> None:
    text = read(name)
    assert rendering.environment().get_template(f"{name}.sql").render() == ""
    assert text.startswith("{#- ")
    macros = re.findall(r"^{%- macro", text, re.MULTILINE)
    assert len(re.findall(r"^{#- |^{%- macro (?:rows|cell_text|cell_type)\(", text, re.MULTILINE)) >= len(macros)


@pytest.mark.parametrize("name", [name for name in STATEMENTS if not name.startswith(("rules/", "sources/"))])
def test_no_data_reaches_the_text(name: str) -> None:
    for context in contexts():
        assert 'na"me' not in rendered(name, context)
        assert 'ex"tra' not in rendered(name, context)


UNQUOTED = [
    "{{ name }}",
    "{{ 3 }}",
    "{{ name | ident ~ name }}",
    "{{ missing }}",
    "{{ missing | ident }}",
    "{{ none }}",
    "{{ [name] }}",
]


@pytest.mark.parametrize("template", UNQUOTED)
def test_what_is_not_quoted_is_refused(template: str) -> None:
    with pytest.raises((TypeError, jinja2.UndefinedError)):
        rendering.environment().from_string(template).render(name="x")


def test_filters_of_jinja_that_pass_text_are_not_there() -> None:
    with pytest.raises(jinja2.TemplateAssertionError):
        rendering.environment().from_string("{{ name | upper }}")


@pytest.mark.parametrize("name", ["INTEGER); DROP TABLE labels; --", "int", "", "DECIMAL(10,2", "VARCHAR 'x'"])
def test_a_type_name_is_a_type_name(name: str) -> None:
    with pytest.raises(ValueError, match="not a type name"):
        rendering.type_name(name)


def test_names_that_cannot_be_quoted() -> None:
    for name in ("", "a\0b"):
        with pytest.raises(ValueError, match="not a name that SQL can have"):
            quote_identifier(name)


NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=30) | st.text(
    st.sampled_from("\"'`;-/*\\$ {}%\n[].a"), min_size=1, max_size=12
)


@pytest.fixture(scope="module")
def engine():
    with Engine() as engine:
        yield engine


@given(NAMES)
def test_identifiers_round_trip_through_the_engine(engine: Engine, name: str) -> None:
    row = engine.row(Statement("test", f"SELECT 1 AS {quote_identifier(name)}"))
    assert row == {name: 1}


@given(NAMES)
def test_texts_round_trip_through_the_engine(engine: Engine, text: str) -> None:
    literal = rendering.quote_text(text)
    assert engine.row(Statement("test", f"SELECT {literal} AS literal, $value AS bound", {"value": text})) == {
        "literal": text,
        "bound": text,
    }


@given(NAMES)
def test_parameters_are_not_found_inside_of_names_and_texts(name: str) -> None:
    sql = f"-- $comment\nSELECT {quote_identifier(name + '$x')}, {rendering.quote_text(name + '$y')}, $value"
    assert parameters(sql) == ["value"]


def test_a_failing_statement_is_named(engine: Engine) -> None:
    with pytest.raises(StatementError, match=r"sql/match/32_unused_label_keys\.sql failed: .*label_keys") as caught:
        engine.rows(render("match/32_unused_label_keys"))
    assert caught.value.statement == "match/32_unused_label_keys"
    assert "SELECT" in caught.value.sql


def test_a_statement_that_fails_while_it_streams_is_named(engine: Engine) -> None:
    sql = "SELECT CAST(CASE WHEN range = 900000 THEN 'x' ELSE '1' END AS INTEGER) AS x FROM range(1000000)"
    with pytest.raises(StatementError, match=r"sql/test\.sql failed: Conversion Error"):
        engine.table(Statement("test", sql))


def test_one_package_imports_duckdb_and_two_modules_jinja() -> None:
    package = Path(rendering.__file__).parents[1]
    importers: dict[str, list[str]] = {"duckdb": [], "jinja2": []}
    for path in sorted(package.rglob("*.py")):
        for name in importers:
            if re.search(rf"^\s*(import|from) {name}\b", path.read_text(encoding="utf-8"), re.MULTILINE):
                importers[name].append(path.relative_to(package).as_posix())
    assert {path.split("/")[0] for path in importers["duckdb"]} == {"engine"}
    assert importers["jinja2"] == ["engine/statements.py", "evidence/page_template.py"]


def test_types_of_numbers_are_those_of_python() -> None:
    """``sources/columns`` and ``sql/rules/1_text`` each have a pattern of them."""
    with Engine() as engine:
        types = {row["type"] for row in engine.rows(Statement("test", "SELECT type_name AS type FROM duckdb_types()"))}
        names = [*sorted(name.upper() for name in types), "DECIMAL(18,3)", "DECIMAL(4,0)"]
        names += [f"{name}{end}" for name in ("DECIMAL(18,3)", "DOUBLE", "BIGINT") for end in ("[]", "[3]")]
        names += ["STRUCT(a DECIMAL(4,1))", "MAP(BIGINT, DOUBLE)", "ENUM('DECIMAL(1)')", "CSV"]
        of_sql = Statement(
            "test",
            "SELECT list(is_number_type(type) ORDER BY place) AS found "
            "FROM (SELECT unnest($names) AS type, generate_subscripts($names, 1) AS place)",
            {"names": names},
        )
        found = engine.row(of_sql)["found"]
    assert [name for name, is_number in zip(names, found, strict=True) if is_number != is_number_type(name)] == []
    assert {"DOUBLE", "DECIMAL(18,3)"} <= {name for name, is_number in zip(names, found, strict=True) if is_number}
