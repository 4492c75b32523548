"""The recipes of public corpora: examples/corpora/recipes.toml as tables that can be labelled, and as a page."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from helpers.paths import ROOT
from helpers.tables import write_table
from helpers.workbooks import write_workbook

RECIPES = ROOT / "examples" / "corpora" / "recipes.toml"

Recipe = dict[str, Any]


def groups() -> list[Recipe]:
    """Return the groups of recipes, each with the trap that its corpora have in common."""
    found: list[Recipe] = tomllib.loads(RECIPES.read_text(encoding="utf-8"))["group"]
    return found


def recipes() -> Iterator[Recipe]:
    for group in groups():
        yield from group["corpus"]


def label_files(recipe: Recipe) -> list[str]:
    """Return the files that the recipe labels with: those that its lines make, or those of the corpus."""
    return [recipe["made"]] if "made" in recipe else list(recipe["labels"])


def table_of(recipe: Recipe, features: str, out: str, folder: str = "") -> dict[str, Any]:
    """Return the recipe as a table of a manifest, whose files are in a folder below it."""
    name = "-".join(re.findall(r"[a-z0-9]+", recipe["name"].lower()))
    entry = {"feature_key_column": recipe["column"], **recipe["entry"]}
    labels = [placed(label, folder) for label in entry.pop("labels", label_files(recipe))]
    return {"id": name, "features": placed(features, folder), "labels": labels, "out": placed(out, folder), **entry}


def placed(label: Any, folder: str) -> Any:
    """Return the path, or the entry of a label file with its path, below a folder."""
    if isinstance(label, dict):
        return {**label, "path": placed(label["path"], folder)}
    return f"{folder}/{label}" if folder else label


def write_sheet(path: Path, text: str) -> None:
    """Write CSV as the sheet MOS of a workbook, its numbers as numbers."""
    rows = csv.reader(text.strip().splitlines())
    write_workbook(path, {"MOS": ([number(cell) for cell in row] for row in rows)})


def write_mat(path: Path, text: str) -> None:
    """Write the columns of CSV as variables of a MATLAB file."""
    from numpy import array
    from scipy.io import savemat

    header, *rows = csv.reader(text.strip().splitlines())
    columns = zip(*([number(cell) for cell in row] for row in rows), strict=True)
    savemat(path, {name: array(column, "f8" if isinstance(column[0], float) else "O") for name, column in
                   zip(header, columns, strict=True)})  # fmt: skip


def number(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell


WRITERS = {".xlsx": write_sheet, ".mat": write_mat}


def write_recipe(recipe: Recipe, folder: Path) -> None:
    """Write the features and the label files of a recipe, and run its SQL there."""
    rows = [{recipe["column"]: key, "sharpness": 10 + 3.5 * row} for row, key in enumerate(recipe["keys"])]
    write_table(folder / "features.csv", rows)
    for name, text in recipe["labels"].items():
        WRITERS.get(Path(name).suffix, write_table)(folder / name, text)
    if "sql" in recipe:
        with duckdb.connect() as connection:
            connection.execute("SET file_search_path = $folder", {"folder": str(folder)})
            connection.execute(recipe["sql"].replace(f"TO '{recipe['made']}'", f"TO '{folder / recipe['made']}'"))


def facts() -> list[list[str]]:
    """Return a row of facts for each corpus."""
    members = ("name", "of", "file", "format", "id", "score", "scale")
    return [[recipe[member] for member in members] for recipe in recipes()]


def sections() -> Iterator[str]:
    """Yield a part of the page for each group: what its corpora need, and their entries."""
    for group in groups():
        yield f"## {group['title']}"
        yield group["text"].strip()
        yield "\n".join(line for recipe in group["corpus"] for line in trap(recipe))
        yield fenced("json", "\n".join(entry(recipe) for recipe in group["corpus"]))


def trap(recipe: Recipe) -> Iterator[str]:
    yield f"- **{recipe['name']}**: {' '.join(recipe['traps'].split())}"
    if "python" in recipe:
        yield f"  `{recipe['python']}`"
    if "sql" in recipe:
        yield from (f"  {line}" for line in fenced("sql", recipe["sql"].strip()).splitlines())


def entry(recipe: Recipe) -> str:
    table = table_of(recipe, "", "")
    return json.dumps({name: value for name, value in table.items() if name not in ("features", "out")})


def fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"
