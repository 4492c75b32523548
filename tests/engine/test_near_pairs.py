"""Near pairs: most labels are left out early, and no pair is lost by it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import pytest

from moslabels.engine.connection import Engine
from moslabels.engine.statements import Statement, environment, render
from moslabels.labelling.alike import alike_pattern, has_one_number

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


def alike(chance: random.Random, key: str) -> set[str]:
    """Return keys with other digits than a key, as far as its pattern takes them."""
    pattern = re.compile(alike_pattern(key) or "")

    def other(run: re.Match[str]) -> str:
        digits = "".join(chance.choices("0012", k=max(1, len(run[0]) + chance.randint(-1, 1))))
        return chance.choice((run[0], digits))

    return {key} | {found for _ in range(600) if pattern.fullmatch(found := re.sub("[0-9]+", other, key))}


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


def pairs(engine: Engine, features: set[str], labels: set[str], pattern: str | None = None) -> list[tuple[str, ...]]:
    """Return the near pairs of the engine: the difference, the feature key, the label key."""
    make_table(engine, "label_keys", "key", labels)
    make_table(engine, "feature_keys", "key, NULL AS label_id", features)
    engine.run(Statement("test", "DROP TABLE IF EXISTS near_pairs"))
    engine.run(render("unmatched/07_near_pairs", {"pattern": pattern}, keys=["key"]))
    rows = engine.rows(Statement("test", "FROM near_pairs"))
    return sorted((row["difference"], row["key"], row["label_key"]) for row in rows)


@pytest.mark.parametrize("bits", [PLAIN, PLAIN + ODD], ids=["plain", "odd"])
@pytest.mark.parametrize("seed", range(8))
def test_no_pair_is_lost_by_leaving_labels_out(engine: Engine, bits: list[str], seed: int) -> None:
    features, labels = keys_of(random.Random(seed), bits)
    if seed % 4:  # With an odd key, no label is left out.
        features = {key for key, (*_, is_odd) in coarse(engine, features).items() if not is_odd}
    left = nears(engine, features | labels)
    expected = {
        (difference, feature, label)
        for place, difference in enumerate(DIFFERENCES)
        for feature in features
        for label in labels
        if left[feature][place] == left[label][place]
    }
    assert len(expected) > 10  # So many that a wrong rule shows.
    assert sorted(expected) == pairs(engine, features, labels)


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


ALIKE = [
    *(
        "clip_0035.mp4",
        "clip_35.mp4",
        "10053703034",
        "a01b2c3",
        "a.01",
        "v2b.012b3 x.h264",
        "A-1 x07",
        "0x12",
        "1.",
        "b1.",
    ),
    *("10_x_20", "x_01-a_02.mp4", "e10", "12e", "x.a0 b_1", "abc", "1e5 a"),
]


@pytest.mark.parametrize("key", ALIKE)
def test_alike_keys_are_not_near(engine: Engine, key: str) -> None:
    keys = alike(random.Random(1), key)
    assert len(keys) > 3 or key == "abc"
    left = nears(engine, keys)
    for place, difference in enumerate(DIFFERENCES):
        assert len({near[place] for near in left.values()}) == len(keys), difference


@pytest.mark.parametrize("key", ["clip_0035.mp4", "0123", "x007.m4a", "A-b_0012 c.h264", "001x"])
def test_alike_keys_of_one_number_have_nothing_that_tells_the_sides_apart(engine: Engine, key: str) -> None:
    assert has_one_number(key)
    of_one_length = sorted(one for one in alike(random.Random(1), key) if len(one) == len(key))
    assert len(of_one_length) > 6
    make_table(engine, "feature_keys", "key, NULL AS label_id", set(of_one_length[::2]))
    make_table(engine, "label_keys", "key, 1 AS label_id", set(of_one_length[1::2]))
    engine.run(render("unmatched/06_key_parts"))
    likely = engine.rows(render("unmatched/12_likely_parts", sides=["feature", "label"], has_near=False))
    assert all(row["is_shared"] for row in likely)


@pytest.mark.parametrize("key", ["s12x345", "abc", "1a.01", "A-1 x07"])
def test_keys_of_no_number_or_several(key: str) -> None:
    assert not has_one_number(key)


@pytest.mark.parametrize(
    "key",
    [
        "1_23",
        "a1.-2b",
        "x.1.2",
        "1e5",
        "1.5e07",
        "x.mp4.mp4",
        "x.abc123",
        "d/1",
        "1,000",
        "%201",
        "é1",
        "'1'",
        "a+1",
        "",
    ],
)
def test_keys_that_might_be_near_are_not_alike(key: str) -> None:
    assert alike_pattern(key) is None


@pytest.mark.parametrize("seed", range(4))
def test_labels_that_are_like_the_unmatched_keys_are_in_no_pair(engine: Engine, seed: int) -> None:
    chance = random.Random(seed)
    keys = sorted(alike(chance, "clip_0035.mp4"))
    features, labels = set(keys[::2]), set(keys[1::2])
    labels |= {key.upper() for key in keys[::4]} | {key.replace("_0", "-") for key in keys[::6]} | {'"x"', "y"}
    found = pairs(engine, features, labels - features)
    assert len(found) > 10
    assert found == pairs(engine, features, labels - features, alike_pattern(keys[0]))
