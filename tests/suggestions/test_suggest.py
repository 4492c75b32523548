"""suggest: for every shape of key, the first rule labels every clip, beside a row counter that matches better."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from helpers.tables import Rows, read_table, write_table
from moslabels import materialize, run_batch
from moslabels.base.errors import TableError, UsageError
from moslabels.base.settings import Settings
from moslabels.cli import main
from moslabels.spec.options import option_problem
from moslabels.suggestions.search import suggest
from moslabels.suggestions.text import suggestion_text
from moslabels.suggestions.ways import ways

CLIPS = 120
HAS_LISTS = option_problem("feature_key_column", ["a", "b"]) is None


@dataclass
class Shape:
    """Two tables of one shape. ``label`` tells which clip a label row is about, ``clip`` which a feature row is of.

    Both return the identity of a clip, from what stands in the tables, independently of any rule.
    """

    name: str
    feature: Callable[[int, random.Random], dict[str, Any]]
    label: Callable[[int, random.Random], dict[str, Any]]
    mos: str = "mos"
    clips: int = CLIPS
    counters: tuple[str, str] = ("index", "index")
    features_name: str = "features.parquet"
    labels_name: str = "labels.csv"
    arguments: dict[str, Any] = field(default_factory=dict)
    write_labels: Callable[[Rows], Any] | None = None
    expected: dict[str, Any] = field(default_factory=dict)
    no_label: tuple[int, ...] = ()
    count: Callable[[int], Any] = int


def ids(n: int, digits: int = 10) -> int:
    """A number of some digits that says nothing of n."""
    return int(hashlib.sha256(b"%d" % n).hexdigest(), 16) % (9 * 10 ** (digits - 1)) + 10 ** (digits - 1)


def hexes(n: int) -> str:
    """32 hex digits; every tenth begins with 0."""
    text = hashlib.md5(b"%d" % n, usedforsecurity=False).hexdigest()
    return "0" + text[1:] if n % 10 == 0 else text


def one_to_five(n: int, _: random.Random) -> float:
    return round(1.2 + 3.4 * ((n * 37) % 101) / 101 + n / 10_000, 4)


def out_of_100(n: int) -> float:
    return round(6.2 + 88 * ((n * 37) % 101) / 101 + n / 10_000, 4)


WORDS = "Animation Sports Gaming Vlog LyricVideo NewsClip".split()


def word(n: int) -> str:
    return WORDS[n % len(WORDS)]


def lsvq(n: int) -> str:
    """Base names repeat from folder to folder, and some have dots."""
    folder = ("yfcc-batch1", "yfcc-batch12", "ia-batch3")[n % 3]
    stem = str(700 + n // 3) if n % 4 else f"Clip.{n // 3}.v2"
    return f"{folder}/{stem}"


def avt(n: int) -> tuple[int, str]:
    """(test, clip): a name means another clip in every test."""
    contents = "bigbuckbunny cutting_orange_tuil vegetables water_netflix fr_041".split()
    name = f"{contents[n // 3 % 5]}_{(360, 720, 1080, 2160)[n // 15 % 4]}p_59.94fps_{('h264', 'hevc')[n // 60 % 2]}"
    return n % 3 + 1, name


def bvi(n: int) -> str:
    return f"{word(n)}{n // 24}_1920x1080_60fps_HEVC_QP{22 + 5 * (n // 6 % 4)}.yuv"


def live(n: int) -> str:
    return f"{'ABCD'[n % 4]}{n // 4 + 1:03d}"


SHAPES = [
    Shape(
        "KoNViD-1k: ids beyond 2^31 on both sides",
        lambda n, r: {"flickr_id": ids(n), "nb_frames": r.choice([192, 240])},
        lambda n, r: {"flickr_id": ids(n), "mos": one_to_five(n, r), "width": 960, "nb_frames": r.choice([192, 240])},
        expected={"feature_key_column": "flickr_id", "label_key_column": "flickr_id"},
    ),
    Shape(
        "KoNViD-1k: ids of 5 to 11 digits",
        lambda n, _: {"clip": ids(n, 5 + n % 7)},
        lambda n, r: {"flickr_id": ids(n, 5 + n % 7), "MOS": one_to_five(n, r)},
        mos="MOS",
    ),
    Shape(
        "KoNViD-1k: the id is in a file name",
        lambda n, _: {"flickr_id": ids(n)},
        lambda n, r: {"file_name": f"{ids(n)}_original_centercrop_960x540_8s.mp4", "MOS": one_to_five(n, r)},
        mos="MOS",
    ),
    Shape(
        "KoNViD-1k: a 1 in the folder's name",
        lambda n, _: {"path": f"KoNViD_1k_videos/{ids(n)}.mp4", "width": 960, "height": 540},
        lambda n, r: {"flickr_id": ids(n), "mos": one_to_five(n, r)},
        features_name="features.csv",
    ),
    Shape(
        "KoNViD-1k: an id stored as float, against text",
        lambda n, _: {"video": float(ids(n)), "fps": 29.97},
        lambda n, r: {"id_text": f"vid {ids(n)}", "mos": one_to_five(n, r)},
        labels_name="labels.jsonl",
    ),
    Shape(
        "an id written as float in CSV",
        lambda n, _: {"video": str(float(ids(n)))},
        lambda n, r: {"flickr_id": ids(n), "mos": one_to_five(n, r)},
        features_name="features.csv",
    ),
    Shape(
        "KoNViD-150k: another score beside the score",
        lambda n, _: {"src": f"/data/k150kb/orig_{ids(n, 8)}_540_5s.npy", "frames": 150},
        lambda n, r: {
            "video_name": f"orig_{ids(n, 8)}_540_5s.avi",
            "raw_mos": round(one_to_five(n, r) + 0.05, 4),
            "mos": one_to_five(n, r),
            "n_ratings": r.randrange(80, 120),
        },
        expected={"label_mos_column": "mos"},
    ),
    Shape(
        "CHUG: hex names, some that begin with 0, and contents that repeat",
        lambda n, _: {"Video": hexes(n), "resolution": "360p", "content_name": f"IMG_{n // 7}.mp4", "height": 360},
        lambda n, r: {
            "Video": hexes(n),
            "mos_j": out_of_100(n),
            "sos_j": round(r.uniform(2, 9), 4),
            "name": f"360p_0.2M_#IMG_{n // 7}.mp4",
            "content_name": f"IMG_{n // 7}.mp4",
            "height": 360,
        },
        mos="mos_j",
        expected={"feature_key_column": "Video", "label_mos_column": "mos_j", "mos_scale": "0-100"},
    ),
    Shape(
        "CHUG: the hex name is in a path",
        lambda n, _: {"file": f"s3/chug_2024/{hexes(n)}.mp4"},
        lambda n, r: {"Video": hexes(n), "mos_j": out_of_100(n), "sos_j": round(r.uniform(2, 9), 4)},
        mos="mos_j",
    ),
    Shape(
        "YouTube-UGC: scores of chunks beside the whole, NaN as text",
        lambda n, _: {"vid": f"{word(n)}_1080P-{hexes(n)[:4]}", "category": word(n)},
        lambda n, r: {
            "vid": f"{word(n)}_1080P-{hexes(n)[:4]}",
            "category": word(n),
            "MOSChunk00": r.choice(["NaN", "3.1", "2.75"]),
            "MOSChunk05": round(r.uniform(1, 5), 3),
            "stdFull": round(r.uniform(0.2, 1), 3),
            "MOSFull": one_to_five(n, r),
        },
        mos="MOSFull",
        expected={"label_mos_column": "MOSFull"},
    ),
    Shape(
        "LIVE-VQC: with the extension and without",
        lambda n, _: {"key": live(n)},
        lambda n, _: {"File": live(n) + ".mp4", "MOS": out_of_100(n)},
        mos="MOS",
        expected={"mos_scale": "0-100"},
    ),
    Shape(
        "LIVE-VQC: nine names that the labels have without NEW",
        lambda n, _: {"File": live(n) + ("NEW.mp4" if n < 9 else ".mp4")},
        lambda n, _: {"File": live(n), "MOS": out_of_100(n)},
        mos="MOS",
    ),
    Shape(
        "LSVQ: base names repeat from folder to folder",
        lambda n, r: {"name": lsvq(n), "frame_number": r.randrange(150, 160)},
        lambda n, _: {"name": lsvq(n), "height": 540, "mos": 2.4 if n < 2 else out_of_100(n)},
        expected={"key_normalize": "raw", "mos_scale": "0-100"},
    ),
    Shape(
        "LSVQ: the folder is in a longer path, with an extension",
        lambda n, _: {"path": f"/data/lsvq/{lsvq(n)}.mp4"},
        lambda n, _: {"name": lsvq(n), "mos": 2.4 if n < 2 else out_of_100(n)},
    ),
    Shape(
        "BVI: differential scores, some below 0",
        lambda n, _: {"path": f"[path to dataset]/HEVC/{bvi(n)}", "asset_id": n},
        lambda n, _: {"content": word(n), "content_id": n % 6, "dmos": -2.5 + n * 0.7, "video_file": bvi(n)},
        mos="dmos",
        clips=96,
        expected={"mos_scale": {"worst": 100, "best": 0}, "out_of_range": "clip"},
    ),
    Shape(
        "AVT-VQDB: names with a dot that no extension follows",
        lambda n, _: {"video": avt(n * 3)[1] + ".mp4"},
        lambda n, r: {"video_name": avt(n * 3)[1], "MOS": one_to_five(n, r)},
        mos="MOS",
        clips=40,
    ),
    Shape(
        "AVT-VQDB: the key is the test and the clip",
        lambda n, _: {"test": avt(n)[0], "video": avt(n)[1] + ".mp4", "fps": 60},
        lambda n, r: {"test": avt(n)[0], "video_name": avt(n)[1] + ".mp4", "MOS": one_to_five(n, r)},
        mos="MOS",
        expected={"feature_key_column": ["video", "test"], "label_key_column": ["video_name", "test"]},
    ),
    Shape(
        "CHUG: the key is the content and the bit ladder",
        lambda n, _: {"file": f"out/IMG_{n // 4}.npy", "bitladder": f"{(360, 720, 1080, 2160)[n % 4]}p", "height": 1},
        lambda n, _: {
            "content_name": f"IMG_{n // 4}",
            "bitladder": f"{(360, 720, 1080, 2160)[n % 4]}p",
            "mos_j": out_of_100(n),
        },
        mos="mos_j",
    ),
    Shape(
        "an export without a header, comma and blank, carriage returns",
        lambda n, _: {"name": f"C:\\features\\clip{n % 7}\\{live(n)}.npy"},
        lambda n, r: {"column0": f"{live(n)}.mp4", "column1": -1, "column2": -1, "column3": one_to_five(n, r)},
        mos="column3",
        counters=("index", ""),
        labels_name="labels.txt",
        arguments={"label_csv": {"header": False, "delimiter": ", "}},
        write_labels=lambda rows: "".join(", ".join(map(str, row.values())) + "\r\n" for row in rows),
        expected={"label_csv": {"header": False, "delimiter": ", "}, "label_mos_column": "column3"},
    ),
    Shape(
        "an export with a byte order mark and a first column without a name",
        lambda n, _: {"file_name": f"C:\\data\\{live(n)}.npy"},
        lambda n, r: {"stimulus": live(n), "mos": one_to_five(n, r)},
        counters=("Unnamed: 0", ""),
        write_labels=lambda rows: (
            "\ufeff,stimulus,mos\n" + "".join(f"{n},{row['stimulus']},{row['mos']}\n" for n, row in enumerate(rows))
        ),
    ),
    Shape(
        "texts in the place of a score",
        lambda n, _: {"id": f"clip-{hexes(n)[:12]}"},
        lambda n, r: {"name": f"clip-{hexes(n)[:12]}", "mos": "NA" if n < 3 else one_to_five(n, r)},
        counters=("row", "row"),
        expected={"missing_mos": "skip", "missing_values": ["NA"]},
        no_label=(0, 1, 2),
    ),
    Shape(
        "measurements that match better than the names",
        lambda n, _: {"video": f"{word(n)}-{hexes(n)[:6]}", "bitrate": 500_000 + 1000 * n, "si": f"{n / 7:.3f}"},
        lambda n, r: {
            "stimulus": f"{word(n)}-{hexes(n)[:6]}" if n >= 4 else f"lost {n}",
            "bitrate": 500_000 + 1000 * n,
            "si": f"{n / 7:.3f}",
            "mos": one_to_five(n, r),
        },
        features_name="features.csv",
        no_label=(0, 1, 2, 3),
    ),
    Shape(
        "names that count, with another name around the number",
        lambda n, _: {"clip": f"frames/video_{n + 1:04d}/all.npy"},
        lambda n, r: {"stimulus": f"video_{n + 1:04d}", "mos": one_to_five(n, r)},
    ),
    Shape(
        "counters with a word around them, and three names without a label",
        lambda n, _: {"clip": hexes(n)},
        lambda n, r: {"clip": hexes(n) if n >= 3 else f"lost {n}", "mos": one_to_five(n, r) if n else 1.5},
        counters=("name", "name"),
        count=lambda n: f"row_{n}",
        clips=100,
        no_label=(0, 1, 2),
    ),
    Shape(
        "counters written as floats",
        lambda n, _: {"clip": f"{hexes(n)}.npy"},
        lambda n, r: {"video": hexes(n), "mos": one_to_five(n, r)},
        counters=("id", "id"),
        count=float,
        features_name="features.csv",
    ),
    Shape(
        "a UUID between other words",
        lambda n, _: {"uri": f"gs://bucket/v1/{uuid(n)}-features.npz"},
        lambda n, r: {"asset": f"asset:{uuid(n)}", "mos": one_to_five(n, r)},
        features_name="features.jsonl",
    ),
]


def uuid(n: int) -> str:
    text = hexes(n + 1)
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def tables(shape: Shape, folder: Path) -> tuple[Path, Path, dict[int, float | None]]:
    """Write both tables, the labels shuffled, each with a counter; the score of each feature row."""
    rng = random.Random(shape.name)
    feature_rows = [shape.feature(n, rng) for n in range(shape.clips)]
    label_rows = [shape.label(n, rng) for n in range(shape.clips)]
    scores = {n: row[shape.mos] for n, row in enumerate(label_rows)}
    order = list(range(shape.clips))
    rng.shuffle(order)
    label_rows = [label_rows[n] for n in order]
    for rows, counter in ((feature_rows, shape.counters[0]), (label_rows, shape.counters[1])):
        if counter:
            rows[:] = [{counter: shape.count(n), **row} for n, row in enumerate(rows)]
    feature_rows = [{**row, "brightness": rng.random(), "blocks": rng.randrange(300)} for row in feature_rows]
    features = write_table(folder / shape.features_name, feature_rows)
    labels = write_table(
        folder / shape.labels_name, shape.write_labels(label_rows) if shape.write_labels else label_rows
    )
    return features, labels, {n: None if n in shape.no_label else score for n, score in scores.items()}


def given_score(row: dict[str, Any], shape: Shape, options: dict[str, Any]) -> float | None:
    """The score of an output row on the scale on which it was given."""
    if row["mos_label_status"] != "ok":
        return None
    scale = options["mos_scale"]
    if isinstance(scale, dict):
        worst, best = scale["worst"], scale["best"]
        return float(worst + (float(row["mos"]) - 1) / 4 * (best - worst))
    return float(row["mos"] if scale == "1-5" else row["mos_raw_0_100"])


@pytest.mark.sampled
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_the_first_suggestion_labels_every_clip(shape: Shape, tmp_path: Path) -> None:
    features, labels, scores = tables(shape, tmp_path)
    document = suggest(features, [labels], **shape.arguments)
    first = document["suggestions"][0]
    text = suggestion_text(document)
    assert {name: first["options"].get(name) for name in shape.expected} == shape.expected, text
    assert first["conflicts"] == first["key_collisions"] == first["label_key_collisions"] == 0, text
    labelled = sum(score is not None for score in scores.values())
    if isinstance(first["options"]["feature_key_column"], list) and not HAS_LISTS:
        assert first["matched_feature_keys"] == first["total_feature_keys"] == shape.clips
        return
    out = tmp_path / "out.jsonl"
    audit = materialize(features, first["labels"], out, **{**first["options"], "min_match_rate": 0.9})
    assert audit["matched_rows"] == labelled, text
    # What was measured is what is done, but for labels without a score, which are counted as labels in no place.
    assert audit["match_rate"] == first["match_rate"]
    assert audit["labels_loaded"] == first["labels_loaded"]
    low = 0.0 if "out_of_range" in first["options"] else -100.0
    for n, row in enumerate(read_table(out)):
        score = scores[n]
        found = given_score(row, shape, first["options"])
        assert found == (pytest.approx(max(low, score), abs=1e-9) if score is not None else None), (n, text)


@pytest.mark.sampled
@pytest.mark.parametrize("times", [4, pytest.param(24, marks=pytest.mark.long)])
def test_threads_change_nothing(tmp_path: Path, times: int) -> None:
    """DuckDB 1.5 lost the rows of a join at random: by a filter pushed below the grouping of what it probes."""
    features, labels, _ = tables(next(shape for shape in SHAPES if "byte order mark" in shape.name), tmp_path)
    alone = suggest(features, [labels], settings=Settings(threads=1))
    assert alone["suggestions"]
    with ThreadPoolExecutor(4) as pool:
        many = pool.map(lambda _: suggest(features, [labels], settings=Settings(threads=4)), range(times))
        assert all(found == alone for found in many)


@pytest.mark.parametrize("shape", SHAPES[:1], ids=lambda shape: shape.name)
def test_counters_come_last_however_well_they_match(shape: Shape, tmp_path: Path) -> None:
    features, labels, _ = tables(shape, tmp_path)
    found = suggest(features, [labels], **shape.arguments)["suggestions"]
    kinds = [suggestion["matched_values"] for suggestion in found]
    assert kinds[0] == "identifier"
    counter = next(s for s in found if s["options"]["feature_key_column"] == shape.counters[0])
    assert counter["match_rate"] == 1
    assert counter["matched_values"] == "number"
    assert any("counters" in note for note in counter["confirm"])
    assert kinds == sorted(kinds, key=["identifier", "numbered name", "number", "category"].index)


def test_many_frames_of_a_clip(tmp_path: Path) -> None:
    rows = [{"frame": f, "clip": f"{ids(n)}.mp4", "y": f / 3} for n in range(60) for f in range(30)]
    features = write_table(tmp_path / "f.parquet", rows)
    labels = [{"id": ids(n), "mos": one_to_five(n, random.Random(0))} for n in range(60)]
    random.Random(1).shuffle(labels)
    first = suggest(features, [write_table(tmp_path / "l.csv", labels)])["suggestions"][0]
    assert first["options"]["feature_key_column"] == "clip"
    assert (first["match_rate"], first["input_rows"], first["total_feature_keys"]) == (1, 1800, 60)


def two_releases(folder: Path) -> tuple[Path, list[Path]]:
    numbers = range(80)
    features = write_table(folder / "f.parquet", [{"index": n, "clip": f"{ids(n)}.npy"} for n in numbers])
    exact = [{"flickr_id": ids(n), "mos": 1 + 4 * n / 81} for n in numbers]
    rounded = [{"file_name": f"{ids(n)}_540p.mp4", "MOS": round(1 + 4 * n / 81, 4)} for n in numbers]
    random.Random(2).shuffle(rounded)
    return features, [write_table(folder / "a.csv", exact), write_table(folder / "b.csv", rounded)]


def test_label_files_with_columns_of_their_own(tmp_path: Path) -> None:
    features, labels = two_releases(tmp_path)
    first = suggest(features, labels)["suggestions"][0]
    assert [label["label_key_column"] for label in first["labels"]] == ["flickr_id", "file_name"]
    assert first["options"]["mos_tolerance"] == 1e-4
    assert first["duplicate_labels"] == 80
    audit = materialize(features, first["labels"], tmp_path / "out.csv", **first["options"])
    assert audit["match_rate"] == 1
    assert audit["duplicate_labels"] == 80


def test_scores_that_contradict_are_counted_as_conflicts(tmp_path: Path) -> None:
    features = write_table(tmp_path / "f.csv", [{"clip": hexes(n)} for n in range(50)])
    rows = [{"clip": hexes(n), "mos": 1 + n / 20} for n in range(50)] + [{"clip": hexes(3), "mos": 4.5}]
    first = suggest(features, [write_table(tmp_path / "l.csv", rows)])["suggestions"][0]
    assert (first["conflicts"], first["duplicate_labels"], first["match_rate"]) == (1, 1, 1)
    assert any("1 keys have scores that differ" in note for note in first["confirm"])


def test_nothing_in_common(tmp_path: Path) -> None:
    features = write_table(tmp_path / "f.csv", [{"clip": hexes(n)} for n in range(50)])
    labels = write_table(tmp_path / "l.csv", [{"name": f"other {ids(n)}", "mos": 1 + n / 20} for n in range(50)])
    document = suggest(features, [labels])
    assert document["suggestions"] == []
    assert 'no join rule found: "clip" of' in suggestion_text(document)


SCORES: list[tuple[str, list[float], Any, str]] = [
    ("mos", [1.5, 2.5, 4.9], "1-5", ""),
    ("mos", [3.5, 62.5, 94.25], "0-100", "1 of 3 scores are at most 5"),
    ("mos", [0.25, 2.5, 4.9], {"worst": 0, "best": 5}, "confirm the bounds"),
    ("mos", [0.25, 0.5, 0.75], {"worst": 0, "best": 1}, "confirm the bounds"),
    ("mos", [2.25, 8.5, 7.75], None, "no usual scale has. No scale is proposed"),
    ("DMOS", [20.5, 31.5, 79.8], {"worst": 100, "best": 0}, "cannot tell the direction"),
    ("score", [-5.5, 31.5, 79.8], None, "1 of 3 are a little beyond 0-100"),
    ("jod", [1.5, 2.5, 4.9], "1-5", "chosen by its numbers"),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "values", "scale", "note"), SCORES)
def test_the_scale_and_what_numbers_cannot_tell(
    name: str, values: list[float], scale: Any, note: str, tmp_path: Path
) -> None:
    features = write_table(tmp_path / "f.csv", [{"clip": hexes(n)} for n in range(3)])
    labels = write_table(tmp_path / "l.csv", [{"clip": hexes(n), name: value} for n, value in enumerate(values)])
    document = suggest(features, [labels])
    score = document["scores"][0]
    assert score["options"].get("mos_scale") == scale
    assert note in " ".join(score["confirm"])
    assert bool(note) == bool(score["confirm"])
    # What is to be confirmed stays in the entry until it is deleted there.
    assert document["suggestions"][0]["manifest"].get("confirm", []) == score["confirm"]


@pytest.mark.parametrize(
    ("values", "end"),
    [([2.25, 8.5, 7.75], "0 that are not numbers"), ([1.5, 2.5, 4.9], '0 that are not numbers; mos_scale "1-5"')],
)
def test_scores_in_words(values: list[float], end: str, tmp_path: Path) -> None:
    features = write_table(tmp_path / "f.csv", [{"clip": hexes(n)} for n in range(3)])
    labels = write_table(tmp_path / "l.csv", [{"clip": hexes(n), "mos": value} for n, value in enumerate(values)])
    line = next(line for line in suggestion_text(suggest(features, [labels])).splitlines() if "scores: column" in line)
    assert line.endswith(f", {end}")


@pytest.mark.sampled
@pytest.mark.parametrize("values", [[6.1, 9.5, 7.75], [2.25, 8.5, 7.75]])
def test_a_table_without_a_known_scale_says_so_until_that_is_confirmed(values: list[float], tmp_path: Path) -> None:
    features = write_table(tmp_path / "f.csv", [{"clip": hexes(n)} for n in range(3)])
    labels = write_table(tmp_path / "l.csv", [{"clip": hexes(n), "mos": value} for n, value in enumerate(values)])
    entry = suggest(features, [labels])["suggestions"][0]["manifest"]
    assert "mos_scale" not in entry
    manifest = write_table(tmp_path / "manifest.json", json.dumps({"tables": [entry]}))
    table = run_batch(manifest)["tables"][0]
    said = " ".join([table.get("error") or "", *table["warnings"]])
    assert "to confirm: the scores lie between" in said
    assert "which no usual scale has. No scale is proposed: write the bounds" in said


def test_no_scores(tmp_path: Path) -> None:
    features = write_table(tmp_path / "f.csv", [{"clip": "a"}, {"clip": "b"}])
    labels = write_table(tmp_path / "l.csv", [{"clip": "a", "width": 3}, {"clip": "b", "width": 4}])
    with pytest.raises(TableError, match="no score column found"):
        suggest(features, [labels])


WRONG: list[tuple[str, list[str], dict[str, Any], str]] = [
    ("f.ods", ["l.csv"], {}, 'features: "f.ods" has the suffix'),
    ("f.csv", [], {}, "labels: must name one label table"),
    ("f.csv", ["l.csv"], {"label_csv": {"delimeter": ";"}}, "did you mean"),
]


@pytest.mark.parametrize(("features", "labels", "given", "message"), WRONG)
def test_wrong_arguments(features: str, labels: list[str], given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        suggest(features, labels, **given)


def test_names_and_values_cannot_steer_a_terminal(tmp_path: Path) -> None:
    evil = "clip\x1b[2J\u202e"
    rows = [{evil: f"\x1b[31m{hexes(n)}", "mos": 1 + n / 20} for n in range(30)]
    features = pa.table({evil: [row[evil] for row in rows]})
    document = suggest(write_table(tmp_path / "f.parquet", features), [write_table(tmp_path / "l.jsonl", rows)])
    assert document["suggestions"][0]["options"]["feature_key_column"] == evil
    text = suggestion_text(document)
    assert "\x1b" not in text
    assert "\u202e" not in text
    entry = json.loads(text[text.index("{\n") :])
    assert entry["feature_key_column"] == evil


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> None:
    monkeypatch.chdir(tmp_path)
    features, labels = two_releases(tmp_path)
    arguments = ["suggest", "--features", features.name, "--labels", labels[0].name]
    assert main([*arguments, "--json"]) == 0
    document = json.loads(capfdbinary.readouterr().out)
    assert document["suggestions"][0]["options"]["label_key_column"] == "flickr_id"
    assert main([*arguments, "--threads", "1", "--label-csv", '{"delimiter": ","}']) == 0
    text = capfdbinary.readouterr().out.decode()
    entry = json.loads(text[text.index("{\n") :])
    assert entry == {**document["suggestions"][0]["manifest"], "label_csv": {"delimiter": ","}}
    write_table(tmp_path / "other.csv", [{"name": "x y", "mos": 1.5}, {"name": "z w", "mos": 2.5}])
    assert main(["suggest", "--features", features.name, "--labels", "other.csv"]) == 1
    none = capfdbinary.readouterr()
    assert none.err == b""
    assert b"no join rule found" in none.out


def test_the_entry_is_one_of_a_manifest(tmp_path: Path) -> None:
    from moslabels import load_manifest, run_batch

    features, labels = two_releases(tmp_path)
    entry = suggest(features, labels)["suggestions"][0]["manifest"]
    manifest = write_table(tmp_path / "manifest.json", json.dumps({"tables": [entry]}))
    load_manifest(manifest)
    assert run_batch(manifest)["status"] == "ok"


PATTERNS: list[tuple[list[str], str, set[str]]] = [
    (["orig_10007436115_540_5s.avi", "orig_3001_540_5s.avi"], "10007436115", {"([0-9]{4,})"}),
    (["KoNViD_1k_videos/3339962845.mp4", "KoNViD_1k_videos/8171831850.mp4"], "3339962845", {"([0-9]{6,})"}),
    ([f"a-{hexes(1)}-x.mp4", f"bb-{hexes(2)}-x.mp4"], hexes(1), {"([0-9a-f]{32})"}),
    (["A001.mp4", "A012NEW.mp4", "B003.mp4"], "A001", {"^([A-Z][0-9]{3})"}),
    (["a_59.94fps_h264.mp4", "b_59.94fps_h264"], "a_59.94fps_h264", {r"^(.+?)(?:\.(?i:mp4))?$"}),
    (["clip_0042.y4m", "clip_0007.y4m"], "42", {"0*([1-9][0-9]*)"}),
]


@pytest.mark.parametrize(("texts", "key", "regexes"), PATTERNS)
def test_patterns_are_derived_from_the_values(texts: list[str], key: str, regexes: set[str]) -> None:
    found = {way.regex for same in ways(texts) for way in same if way.key(texts[0]) == key}
    assert regexes <= found
