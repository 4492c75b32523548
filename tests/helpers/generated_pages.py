"""Pages of the guide and other files that are made from the code: ``make pages`` writes them."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jinja2

from helpers.corpora import facts, sections
from helpers.generated_types import types_module
from moslabels import CODES
from moslabels.cli import main
from moslabels.engine.statements import sql_folder
from moslabels.evidence import audit_fields
from moslabels.evidence.audit_fields import AUDIT_FIELDS
from moslabels.evidence.field import Column, Field
from moslabels.evidence.json_schema import schema_text
from moslabels.evidence.table_fields import TABLE_FIELDS

GUIDE = Path(__file__).parents[2] / "examples" / "guide"
NOTE = "<!-- Made from the code by `make pages`: change the code, not this page. -->\n"

Schema = Mapping[str, Any]


def published_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema that ``moslabels schema KIND`` prints."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        main(["schema", kind])
    schema: dict[str, Any] = json.loads(printed.getvalue())
    return schema


def options_page() -> str:
    """Return the page that lists every option of a table."""
    manifest = published_schema("manifest")["properties"]
    table = manifest["tables"]["items"]["properties"]
    _, label = table["labels"]["items"]["anyOf"]
    options = manifest["defaults"]["properties"]
    rows = [
        [
            f"`{name}`" + (" •" if name in label["properties"] else ""),
            " or ".join(kind(choice) for choice in choices(schema)),
            f"`{json.dumps(schema['default'])}`" if "default" in schema else "not set",
            schema["description"],
        ]
        for name, schema in options.items()
    ]
    members = [
        [f"`{name}`", kind(schema), schema["description"]] for name, schema in table.items() if name not in options
    ]
    return page(
        "Options",
        "Options stand in `defaults` of a manifest or in a table; the table wins. Those marked • may also stand in an\n"
        "entry of `labels`, for that file alone. On the command line each is a flag with dashes\n"
        "(`--min-match-rate 0.9`); in Python, a keyword. `moslabels options` prints them too.\n"
        "[Keys and scores](keys.md) explains them by example.",
        markdown_table(["option", "values", "default", "what it does"], rows),
        "## Members of a table that are not options",
        markdown_table(["member", "values", "what it is"], members),
    )


def codes_page() -> str:
    """Return the page that lists every error code."""
    return page(
        "Error codes",
        "What an error is about, for programs: `MosLabelsError.code` in Python, `error_code` of a table in a report.",
        markdown_table(["code", "meaning"], [[f"`{code}`", says] for code, says in CODES.items()]),
    )


def audit_page() -> str:
    """Return the page that lists every field of an audit and of a report."""
    audit, report = published_schema("audit"), published_schema("report")
    header = ["field", "holds", "meaning"]
    return page(
        "Fields of audits and reports",
        "Audits and reports are JSON with sorted keys. `name[]` is an item of a list; `name?` is a field that is not\n"
        "always there. Later versions may add fields, so a reader must ignore those that it does not know.\n"
        "`moslabels schema audit` and `moslabels schema report` print the same as JSON Schema.",
        "## Audit",
        markdown_table(header, list(fields(audit))),
        "## Report",
        "`diagnosis` and `run_provenance` have the fields that they have in an audit.",
        markdown_table(header, list(fields(report, folded=("diagnosis", "run_provenance")))),
    )


def corpora_page() -> str:
    """Return the page of recipes for the label files of public corpora."""
    return page(
        "Label files of public corpora",
        "The facts of each label file as it is published, and the entry of a manifest that reads it. Add `features`\n"
        "and `out`, and put your own `feature_key_column`. A test runs each entry on made-up rows of the same shape\n"
        "([recipes.toml](../corpora/recipes.toml)). Look at your copy before you trust a fact: corpora change.",
        markdown_table(["corpus", "of", "label file", "format", "id", "score", "scale"], facts()),
        *sections(),
    )


def audits_view() -> str:
    """Return the SQL of the view of audits, whose columns are those of the fields."""
    first = [
        Column("path", "VARCHAR", "", "file of the audit"),
        Column("modified", "TIMESTAMP", "", "when it was last written, in UTC, as the file system says"),
    ]
    return view("audits_view.sql", first, AUDIT_FIELDS)


def report_tables_view() -> str:
    """Return the SQL of the view of the tables of reports, whose columns are those of the fields."""
    first = [
        Column("path", "VARCHAR", "", "file of the report"),
        Column("modified", "TIMESTAMP", "", "when it was last written, in UTC, as the file system says"),
        Column("position", "BIGINT", "", "place of the table in the report, from 1"),
    ]
    return view("report_tables_view.sql", first, TABLE_FIELDS)


def types() -> str:
    """Return the module of the types of audits and reports."""
    return types_module(published_schema("audit"), published_schema("report"))


def view(template: str, first: Sequence[Column], listed: Sequence[Field]) -> str:
    columns = [*first, *(column for field in listed for column in field.view_columns)]
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), undefined=jinja2.StrictUndefined
    )
    widths = {f"{name}s": max(len(getattr(column, name)) for column in columns) for name in ("name", "type")}
    return templates.get_template(template).render(columns=columns, **widths) + "\n"


FILES: Mapping[Path, Callable[[], str]] = {
    GUIDE.parent / "manifest.schema.json": partial(schema_text, "manifest"),
    sql_folder() / "evidence" / "views" / "audits.sql": audits_view,
    sql_folder() / "evidence" / "views" / "report_tables.sql": report_tables_view,
    Path(audit_fields.__file__).with_name("types.py"): types,
}
PAGES: Mapping[str, Callable[[], str]] = {
    "options.md": options_page,
    "codes.md": codes_page,
    "audit.md": audit_page,
    "corpora.md": corpora_page,
}


def page(title: str, *parts: str) -> str:
    return "\n".join([f"# {title}\n", NOTE, *(f"{part.rstrip()}\n" for part in parts)])


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def fields(schema: Schema, before: str = "", folded: Sequence[str] = ()) -> Iterator[list[str]]:
    """Yield [field, what it holds, meaning] for each member of an object, and for the members of that unless folded."""
    for name, member in schema["properties"].items():
        path = f"{before}{name}" + ("" if name in schema.get("required", ()) else "?")
        yield [f"`{path}`", kind(member), member.get("description", "")]
        if name in (*folded, "config", "mos_scale"):  # Options have a page of their own.
            continue
        for inner, mark in ((object_of(member), "."), (object_of(item_of(member)), "[].")):
            if inner is not None:
                yield from fields(inner, f"{path}{mark}", folded)


def choices(schema: Schema) -> list[Schema]:
    """Return what a schema allows, without null; a condition counts as what it leads to."""
    if "anyOf" in schema:
        return [choice for one in schema["anyOf"] for choice in choices(one)]
    if "then" in schema:
        return choices(schema["then"])
    return [] if schema.get("type") == "null" else [schema]


def object_of(schema: Schema | None) -> Schema | None:
    found = [choice for choice in choices(schema or {}) if choice.get("properties")]
    return found[0] if found else None


def item_of(schema: Schema) -> Schema | None:
    found = [choice["items"] for choice in choices(schema) if "items" in choice]
    return found[0] if found else None


def kind(schema: Schema, *, several: bool = False) -> str:
    """Return in words what values a schema allows, in the plural if they are several."""
    words = [kind_of_one(choice, "s" if several else "") for choice in choices(schema)]
    is_nullable = any(choice.get("type") == "null" for choice in schema.get("anyOf", ()))
    return " or ".join(dict.fromkeys([*words, *(["null"] if is_nullable else [])]))


def kind_of_one(schema: Schema, s: str) -> str:
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    match schema.get("type"):
        case "array":
            return f"list of {kind(schema['items'], several=True)}"
        case "object":
            return f"object{s}"
        case "integer":
            return f"whole number{s}"
        case "number" if "maximum" in schema:
            return f"number{s} from {schema['minimum']} to {schema['maximum']}"
        case "number":
            return f"number{s}"
        case "boolean":
            return "true or false"
        case "string" if "[0-9a-f]" in schema.get("pattern", ""):
            return "sha256"
        case "string":
            return f"text{s}"
        case other:
            raise ValueError(f"no words for the type {other}")


if __name__ == "__main__":
    for name, make in PAGES.items():
        (GUIDE / name).write_text(make(), encoding="utf-8")
    for path, made in FILES.items():
        path.write_text(made(), encoding="utf-8")
