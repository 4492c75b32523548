"""Near pairs: most labels are left out early, and no pair is lost by it."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from moslabels.engine.connection import Engine
from moslabels.engine.statements import Statement, environment, render

PLAIN = ["a", "A", "b", "0", "00", "1", "10", "_", ".", "-", " ", "/", "\\", ".mp4", ".MP4", ".avi", ".0", "d/", "x264"]
ODD = ["%20", "%2F", '"', "'", "é", "e\u0301", "\ufeff", "\uff11", "+", ",", "1e10", "1.5e+07", "e5", "12345"]
DIFFERENCES = [
    *("case", "extension", "an extension given twice", "folder", "leading zeros", "separators", "quotes"),
    *("invisible characters", "the form of characters", "the form of numbers", "Unicode form", "several of these"),
    "URL codes",
]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        engine.run(render("unmatched/05_near_key"))
        yield engine


def keys_of(chance: random.Random, bits: list[str]) -> tuple[set[str], set[str]]:
    """Return feature keys without a label, made from label keys by a change or some, and the label keys."""
    labels = {"".join(chance.choices(bits, k=chance.randint(1, 6))) for _ in range(200)}
    features = set()
    for key in sorted(labels):
        for _ in range(chance.choice((0, 1, 1, 2))):
            place = chance.randint(0, len(key))
            key = key[:place] + chance.choice(bits) + key[place + chance.choice((0, 0, 1)) :]
        features.add(chance.choice((key, key, key.upper(), f"{key}.mp4", f"d/{key}")) or "z")
    return features - labels, labels


def make_table(engine: Engine, name: str, columns: str, keys: set[str]) -> None:
    text = (
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {columns} FROM (SELECT unnest(CAST($keys AS VARCHAR[])) AS key)"
    )
    engine.run(Statement("test", text, {"keys": sorted(keys)}))


def nears(engine: Engine, keys: set[str]) -> dict[str, list[str]]:
    """Return what is left of each key without each difference."""
    make_table(engine, "some_keys", "'one' AS side, key", keys)
    text = "{% from 'unmatched/near.sql' import with_nears %}{{ with_nears('some_keys', ['key']) }}"
    rows = engine.rows(Statement("test", environment().from_string(text).render()))
    return {row["key"]: row["nears"] for row in rows}


def coarse(engine: Engine, keys: set[str]) -> dict[str, tuple[str, str, bool]]:
    """Return what each key may meet others by, and whether it is odd, so that it may meet others too."""
    make_table(engine, "some_keys", "key", keys)
    text = "{% from 'unmatched/near.sql' import with_coarse %}{{ with_coarse('some_keys') }}"
    rows = engine.rows(Statement("test", environment().from_string(text).render()))
    return {row["key"]: (row["whole"], row["bare"], row["is_odd"]) for row in rows}


@pytest.mark.parametrize("bits", [PLAIN, PLAIN + ODD], ids=["plain", "odd"])
@pytest.mark.parametrize("seed", range(8))
def test_no_pair_is_lost_by_leaving_labels_out(engine: Engine, bits: list[str], seed: int) -> None:
    features, labels = keys_of(random.Random(seed), bits)
    if seed % 4:  # With an odd key, no label is left out.
        features = {key for key, (*_, is_odd) in coarse(engine, features).items() if not is_odd}
    left = nears(engine, features | labels)
    make_table(engine, "label_keys", "key", labels)
    make_table(engine, "feature_keys", "key, NULL AS label_id", features)
    engine.run(Statement("test", "DROP TABLE IF EXISTS near_pairs"))
    engine.run(render("unmatched/07_near_pairs", keys=["key"]))
    found = engine.rows(Statement("test", "FROM near_pairs"))
    expected = {
        (difference, feature, label)
        for place, difference in enumerate(DIFFERENCES)
        for feature in features
        for label in labels
        if left[feature][place] == left[label][place]
    }
    assert len(expected) > 10  # So many that a wrong rule shows.
    assert sorted(expected) == sorted((row["difference"], row["key"], row["label_key"]) for row in found)


def test_a_label_that_is_near_to_no_key_is_left_out(engine: Engine) -> None:
    """What is left of it is not made, which took most of the time."""
    keys = {"clip_0012.mp4", "Clip-12", "d/clip_13.mp4", "12,000", "x.mp4.mp4", "_.mp4"}
    assert coarse(engine, keys) == {
        "clip_0012.mp4": ("clip12mp4", "clip12", False),
        "Clip-12": ("clip12", "clip12", False),
        "d/clip_13.mp4": ("clip13mp4", "clip13", False),
        "12,000": ("12,", "12,", True),
        "x.mp4.mp4": ("xmp4mp4", "xmp4", True),
        "_.mp4": ("mp4", "", True),
    }
