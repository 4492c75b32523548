"""The recipes of public corpora: each labels rows of its shape, and what init finds in the same files is not wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from helpers.command import moslabels
from helpers.corpora import label_files, recipes, table_of, write_recipe
from helpers.tables import read_table

RECIPES = {recipe["name"]: recipe for recipe in recipes()}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipes as one batch, each in a folder of its own; the folder above them."""
    root = tmp_path_factory.mktemp("corpora")
    tables = []
    for number, recipe in enumerate(RECIPES.values()):
        write_recipe(recipe, root / str(number))
        tables.append(table_of(recipe, "features.csv", "out.csv", folder=str(number)))
    (root / "manifest.json").write_text(json.dumps({"tables": tables}), encoding="utf-8")
    moslabels("batch", "manifest.json", "--report-json", "report.json", cwd=root)
    return root


def scores(table: Path) -> list[float | None]:
    return [float(row["mos"]) if row["mos"] else None for row in read_table(table)]


def test_each_recipe_labels(labelled: Path) -> None:
    found = {name: scores(labelled / str(number) / "out.csv") for number, name in enumerate(RECIPES)}
    assert found == {name: pytest.approx(recipe["mos"]) for name, recipe in RECIPES.items()}


@pytest.mark.sampled
@pytest.mark.parametrize("name", RECIPES)
def test_what_is_found_is_right_or_asks_or_is_refused(tmp_path: Path, name: str) -> None:
    recipe: dict[str, Any] = RECIPES[name]
    write_recipe(recipe, tmp_path)
    labels = [argument for file in label_files(recipe) for argument in ("--labels", file)]
    if moslabels("init", "--features", "features.csv", *labels, cwd=tmp_path).returncode:
        return
    (table,) = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))["tables"]
    done = moslabels("batch", "manifest.json", "--report-json", "report.json", cwd=tmp_path)
    if done.returncode == 0:
        assert table.get("confirm") or scores(tmp_path / table["out"]) == pytest.approx(recipe["mos"]), table


def test_the_corpora_are_many_and_of_each_kind() -> None:
    assert len(RECIPES) >= 25
    assert {recipe["of"] for recipe in RECIPES.values()} == {"image", "speech", "video"}
