"""The recipes of examples/sql that are asked of a labelled table, in plain DuckDB, against pandas."""

from __future__ import annotations

import re
from decimal import Decimal
from math import inf, nan
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from helpers.paths import ROOT
from helpers.tables import write_table
from moslabels import materialize

RECIPES = ROOT / "examples" / "sql"
NAMES = sorted(
    path.stem for path in RECIPES.glob("*.sql") if "SET VARIABLE labelled" in path.read_text(encoding="utf-8")
)
FEATURES = ["feature_correlation", "feature_coverage", "feature_redundancy"]
MOS = [1.25, 2.5, 2.5, 3.75, 4.0, 4.5, 1.0, 3.0]


def ask(name: str, labelled: object, **variables: object) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        for variable, value in {"labelled": labelled, **variables}.items():
            connection.execute(f"SET VARIABLE {variable} = $value", {"value": value})
        answer = connection.sql((RECIPES / f"{name}.sql").read_text(encoding="utf-8"))
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.fetchall()]


def labelled(folder: Path, features: dict[str, Any], mos: list[float | None] = MOS, **options: Any) -> str:
    """A table that moslabels wrote, a row per clip; where mos is None the clip has no label."""
    keys = [f"c{number}" for number in range(len(mos))]
    write_table(folder / "f.parquet", pa.table({"key": keys, **features}))
    labels = [{"key": key, "mos": score} for key, score in zip(keys, mos, strict=True) if score is not None]
    write_table(folder / "l.csv", labels)
    out = folder / "labelled.parquet"
    materialize(folder / "f.parquet", [folder / "l.csv"], out, min_match_rate=0, mos_scale="1-5", **options)
    return str(out)


def expected(values: pd.DataFrame, mos: pd.Series, method: Any) -> dict[str, float | None]:
    """What pandas says, of the rows with a finite value; None where it says NaN."""
    found = values.replace([inf, -inf], nan).assign(mos=mos).corr(method)["mos"].drop("mos").round(4)
    return {name: None if pd.isna(value) else value for name, value in found.items()}


ODD: dict[str, Any] = {
    "plain": [3.0, 1.5, 4.0, 4.5, 2.0, 7.0, 0.25, 5.0],
    "ties": pa.array([1, 1, 2, 2, 2, 9, 1, 9], pa.int16()),
    "single": pa.array([0.1, 0.7, 0.2, 0.9, 0.3, 0.8, 0.4, 0.6], pa.float32()),
    "gaps": [nan, 2.0, inf, None, 5.0, 4.0, -inf, 3.0],
    "huge": [1e200, 3e200, 2e200, 5e200, 4e200, 7e200, 6e200, 8e200],
    "tiny": [1e-200, 3e-200, 2e-200, 5e-200, 4e-200, 7e-200, 6e-200, 8e-200],
    "one_huge": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 1e300],
    "constant": [0.1] * 8,
    "flag": [True, False, True, True, False, True, False, False],
    "price": [Decimal(f"{number}.50") for number in (3, 1, 4, 1, 5, 9, 2, 6)],
    'a "b"; --.*': [8, 7, 6, 5, 4, 3, 2, 1],
    "feature": [2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0],
    "value": [1, 3, 2, 5, 4, 7, 6, 8],
}
NO_FEATURES: dict[str, Any] = {
    "text": ["1", "2", "3", "4", "5", "6", "7", "8"],
    "list": [[1.0]] * 8,
    "nothing": pa.array([nan, None] * 4, pa.float64()),
}


def test_correlation(tmp_path: Path) -> None:
    rows = ask("feature_correlation", labelled(tmp_path, {**ODD, **NO_FEATURES}))
    values = pd.DataFrame({name: pd.Series(pa.array(value).to_pylist(), dtype=float) for name, value in ODD.items()})
    mos = pd.Series(MOS)
    spearman = expected(values, mos, "spearman")
    pearson = expected(values.assign(huge=values["huge"] / 1e200, tiny=values["tiny"] * 1e200), mos, "pearson")
    pearson["one_huge"] = expected(values.assign(one_huge=[0] * 7 + [1]), mos, "pearson")["one_huge"]
    assert {row["feature"]: row["pearson"] for row in rows} == pearson
    assert {row["feature"]: row["spearman"] for row in rows} == spearman
    assert {row["feature"]: row["clips"] for row in rows} == {name: 4 if name == "gaps" else 8 for name in ODD}
    strength = [-1 if row["spearman"] is None else abs(row["spearman"]) for row in rows]
    assert strength == sorted(strength, reverse=True)
    assert pearson["constant"] is None


def test_correlation_leaves_out_clips_without_a_label_and_label_columns(tmp_path: Path) -> None:
    write_table(tmp_path / "f.jsonl", [{"key": key, "x": x} for key, x in (("a", 1), ("b", 2), ("c", 3), ("d", 99))])
    write_table(
        tmp_path / "l.csv", [{"key": key, "mos": mos, "n": mos * 10} for key, mos in (("a", 4), ("b", 3), ("c", 2))]
    )
    out = tmp_path / "o.parquet"
    materialize(tmp_path / "f.jsonl", [tmp_path / "l.csv"], out, min_match_rate=0, extras={"n": "ratings"})
    assert ask("feature_correlation", str(out)) == [{"feature": "x", "clips": 3, "pearson": -1, "spearman": -1}]


def test_a_constant_mos(tmp_path: Path) -> None:
    (row,) = ask("feature_correlation", labelled(tmp_path, {"x": [1, 2, 3]}, [2.0, 2.0, 2.0]))
    assert row == {"feature": "x", "clips": 3, "pearson": None, "spearman": None}


FRAMES = pa.table(
    {
        "file_name": [f"{clip}.mp4" for clip in "aaabbbbbbbbbbcc"],
        "shot": [1] * 3 + [2] * 10 + [1] * 2,
        "x": [1.0, nan, 3.0, *range(10), 7.0, 9.0],
        "constant": [0.1] * 15,
        "split": ["train"] * 2 + ["test"] * 11 + ["train"] * 2,
    }
)


@pytest.fixture
def frames(tmp_path: Path) -> str:
    """Clips of 3, 10 and 2 frames; one of them in two splits."""
    write_table(tmp_path / "f.parquet", FRAMES)
    write_table(tmp_path / "l.csv", [{"key": key, "mos": mos} for key, mos in (("a", 1.5), ("b", 3.25), ("c", 4))])
    materialize(tmp_path / "f.parquet", [tmp_path / "l.csv"], tmp_path / "o.parquet", key_normalize="stem")
    return str(tmp_path / "o.parquet")


def test_a_clip_of_several_frames_counts_once(frames: str) -> None:
    by_feature = {row["feature"]: row for row in ask("feature_correlation", frames)}
    r = round(pd.Series([2.0, 4.5, 8.0]).corr(pd.Series([1.5, 3.25, 4.0])), 4)
    assert by_feature["x"] == {"feature": "x", "clips": 3, "pearson": r, "spearman": 1}
    # Three times 0.1 is not 0.3: the means would differ in the last bit, and that noise would correlate.
    assert by_feature["constant"] == {"feature": "constant", "clips": 3, "pearson": None, "spearman": None}
    assert [row["clips"] for row in ask("mos_balance", frames)] == [2, 2]
    assert ask("feature_redundancy", frames) == []


def test_another_column_may_name_the_clip(frames: str) -> None:
    rows = {row["feature"]: row["clips"] for row in ask("feature_correlation", frames, clip="split")}
    assert rows == {"x": 4, "shot": 4, "constant": 4}  # A clip of two labels is two.


def test_the_key_is_no_feature(tmp_path: Path) -> None:
    features = [{"corpus": "k", "clip": clip, "x": clip * 2} for clip in (1, 2, 3)]
    labels = [{"corpus": "k", "clip": clip, "mos": clip + 1} for clip in (1, 2, 3)]
    write_table(tmp_path / "f.parquet", features)
    write_table(tmp_path / "l.csv", labels)
    key = ["corpus", "clip"]
    out = tmp_path / "o.parquet"
    materialize(tmp_path / "f.parquet", [tmp_path / "l.csv"], out, feature_key_column=key, label_key_column=key)
    assert [row["feature"] for row in ask("feature_correlation", str(out))] == ["x"]
    assert [row["feature"] for row in ask("feature_coverage", str(out))] == ["x"]


def test_coverage(tmp_path: Path) -> None:
    rows = ask("feature_coverage", labelled(tmp_path, {**ODD, **NO_FEATURES}, [*MOS[:-1], None]))
    by_feature = {row.pop("feature"): row for row in rows}
    assert set(by_feature) == {*ODD, "nothing"}
    assert rows[0] is by_feature["nothing"]
    whole = {"coverage": 1, "nulls": 0, "nans": 0, "infinite": 0}
    gaps = {"coverage": 0.5, "nulls": 1, "nans": 1, "infinite": 2}
    assert by_feature["gaps"] == {**gaps, "distinct_values": 4, "is_constant": False}
    nothing = {"coverage": 0, "nulls": 4, "nans": 4, "infinite": 0}
    assert by_feature["nothing"] == {**nothing, "distinct_values": 0, "is_constant": True}
    assert by_feature["constant"] == {**whole, "distinct_values": 1, "is_constant": True}
    assert by_feature["flag"] == {**whole, "distinct_values": 2, "is_constant": False}


def test_redundancy(tmp_path: Path) -> None:
    path = labelled(tmp_path, {**ODD, **NO_FEATURES, "opposite": [-2 * value for value in ODD["huge"]]})
    values = pd.DataFrame({name: pd.Series(pa.array(value).to_pylist(), dtype=float) for name, value in ODD.items()})
    values = values.assign(opposite=-2.0 * values["huge"] / 1e200, huge=values["huge"] / 1e200, one_huge=[0] * 7 + [1])
    values["tiny"] *= 1e200
    matrix = values.replace([inf, -inf], nan).corr(min_periods=3)
    for bound in (0.95, 0.5):
        pairs = {
            (one, other): round(matrix.loc[one, other], 4)
            for one in sorted(matrix)
            for other in sorted(matrix)
            if one < other and abs(matrix.loc[one, other]) > bound
        }
        rows = ask("feature_redundancy", path, **({} if bound == 0.95 else {"redundant": bound}))
        assert {(row["feature"], row["other"]): row["pearson"] for row in rows} == pairs
        assert pairs["huge", "opposite"] == -1


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([1.0, 2.0, None, None], [5.0, 3.0, 4.0, 9.0]),  # two clips are always on a line
        ([1.0, 1.0, 1.0, 2.0], [1.0, 2.0, 3.0, None]),  # constant where both have a value
    ],
)
def test_what_is_no_evidence_of_redundancy(tmp_path: Path, x: list[float | None], y: list[float | None]) -> None:
    assert ask("feature_redundancy", labelled(tmp_path, {"x": x, "y": y}, MOS[:4])) == []


def test_balance(tmp_path: Path) -> None:
    mos = [1.0, 1.999, 2.0, 3.0, 3.5, 4.0, 5.0, None]
    path = labelled(tmp_path, {"fold": ["a", "a", "a", "a", "a", "b", None, "a"]}, mos)
    rows = ask("mos_balance", path, split="fold")
    series = pd.Series(mos[:5])
    quartiles = dict(zip(("q1", "median", "q3"), series.quantile([0.25, 0.5, 0.75]).round(3), strict=True))
    moments = {"mean": round(series.mean(), 3), "std": round(series.std(), 3), "min": 1, "max": 3.5}
    counts = {"mos_1_to_2": 2, "mos_2_to_3": 1, "mos_3_to_4": 2, "mos_4_to_5": 0}
    assert rows[0] == {"split": "a", "clips": 5, **moments, **quartiles, **counts}
    assert [(row["split"], row["clips"], row["std"], row["mos_4_to_5"]) for row in rows[1:]] == [
        ("b", 1, None, 1),
        (None, 1, None, 1),
    ]


def test_leakage(tmp_path: Path) -> None:
    content = ["one", "one", "one", "two", "two", None, None, "three"]
    split = ["test", "train", "train", "train", "train", "test", "train", None]
    path = labelled(tmp_path, {"scene": content, "split": split})
    leaks = [{"content": "one", "splits": 2, "clips": "test: 1, train: 2"}]
    assert ask("content_in_two_splits", path, content="scene") == leaks
    path = labelled(tmp_path, {"content": pa.array([7, 7] + [8] * 6), "fold": pa.array([0, 1] + [0] * 6)})
    assert ask("content_in_two_splits", path, split="fold") == [{"content": 7, "splits": 2, "clips": "0: 1, 1: 1"}]


def test_frames_of_one_clip_in_two_splits_leak(frames: str) -> None:
    rows = ask("content_in_two_splits", frames, content="file_name")
    assert rows == [{"content": "a.mp4", "splits": 2, "clips": "test: 1, train: 1"}]


@pytest.mark.parametrize("name", NAMES)
def test_several_tables_are_one(tmp_path: Path, name: str) -> None:
    whole = {"x": ODD["plain"], "y": ODD["plain"], "split": ["s"] * 4 + ["t"] * 4, "content": ["c"] * 8}
    paths = []
    for part, notes, numbers in (("run=1", {"note": ["x"] * 4}, slice(4)), ("run=2", {}, slice(4, 8))):
        (tmp_path / part).mkdir()
        features = {column: values[numbers] for column, values in whole.items()}
        paths.append(labelled(tmp_path / part, {**notes, **features}, MOS[numbers]))
    rows = ask(name, labelled(tmp_path, whole))
    assert rows
    assert ask(name, paths) == rows
    assert ask(name, str(tmp_path / "run*" / "labelled.parquet")) == rows


@pytest.mark.parametrize("name", NAMES)
def test_what_moslabels_did_not_write_is_refused(tmp_path: Path, name: str) -> None:
    write_table(tmp_path / "x.parquet", [{"key": "a", "mos": 3.0, "split": "s", "content": "c", "x": 1}])
    with pytest.raises(duckdb.Error, match=r"no Parquet file that moslabels wrote: .*x\.parquet"):
        ask(name, str(tmp_path / "x.parquet"))


@pytest.mark.parametrize("name", FEATURES)
def test_a_table_without_features_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(duckdb.Error, match="no column of numbers beside the key and the labels"):
        ask(name, labelled(tmp_path, {"text": ["a"] * 8}))


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(duckdb.Error, match="fold"):
        ask("mos_balance", labelled(tmp_path, {"x": [1] * 8}), split="fold")


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_says_what_it_returns_and_how_to_run_it(name: str) -> None:
    text = (RECIPES / f"{name}.sql").read_text(encoding="utf-8")
    header = text.split("\nSET VARIABLE")[0]
    assert "a row per" in header
    assert re.search(rf'^--     duckdb -c "SET VARIABLE labelled = .*" -f examples/sql/{name}\.sql$', header, re.M)


def test_the_recipes_make_keys_features_and_clips_alike() -> None:
    texts = {name: (RECIPES / f"{name}.sql").read_text(encoding="utf-8") for name in NAMES}
    assert len(NAMES) == 5

    def parts(pattern: str, names: list[str]) -> set[str]:
        return {part for name in names for part in re.findall(pattern, texts[name], re.M | re.S)}

    assert len(parts(r"^SET VARIABLE clip_columns.*?^\);", NAMES)) == 1
    assert len(parts(r"^SET VARIABLE features.*?^\);", FEATURES)) == 1
    assert len(parts(r"^WITH finite AS.*?GROUP BY ALL", ["feature_correlation", "feature_redundancy"])) == 1
