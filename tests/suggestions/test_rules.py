"""suggest and init: which rule comes first where several match, and which label files belong to a table."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from helpers.command import moslabels
from helpers.tables import Rows, read_table, write_table
from moslabels import run_batch
from moslabels.suggestions.search import suggest
from moslabels.suggestions.ways import ways


def digest(n: int, salt: str = "") -> str:
    """A name that says nothing of n."""
    return hashlib.sha256(f"{salt}{n}".encode()).hexdigest()[:9]


def score(*of: int) -> float:
    """A score that only the clip and its second tell."""
    return round(1.2 + int(hashlib.sha256(repr(of).encode()).hexdigest()[:6], 16) % 3600 / 1000, 3)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def first(features: Rows, *labels: Rows) -> dict[str, Any]:
    """The first suggestion for rows of both sides."""
    write_table(Path("f.csv"), features)
    paths = [write_table(Path(f"{'abc'[n]}.csv"), rows) for n, rows in enumerate(labels)]
    found: dict[str, Any] = suggest("f.csv", paths)["suggestions"][0]
    return found


def columns(found: dict[str, Any], side: str) -> Any:
    return found["options"][f"{side}_key_column"]


@pytest.mark.parametrize("names", [("second", "second"), ("t", "sample_index")])
def test_clip_and_second_beside_a_frame_rate_that_looks_like_a_second(folder: Path, names: tuple[str, str]) -> None:
    """Each rate is a second of each clip, so the wrong pair matches better; it leaves nearly all scores over."""
    rates = (24, 25, 30)
    features = [
        {"clip": f"{digest(n)}.mp4", "framerate": rates[n % 3], names[0]: second}
        for n in range(24)
        for second in range(41)
    ]
    labels = [
        {"video": digest(n), names[1]: second, "mos": score(n, second)} for n in range(24) for second in range(40)
    ]
    found = first(features, labels)
    assert columns(found, "feature") == ["clip", names[0]]
    assert columns(found, "label") == ["video", names[1]]
    assert found["label_rows_used"] == found["label_rows_with_score"] == 960


def test_a_category_and_a_counter_never_outrank_a_column_that_matches_all(folder: Path) -> None:
    words = ("Sports", "Gaming", "Vlog", "Animation")
    features = [{"clip_id": n + 1, "category": words[n % 4], "shot": n // 4} for n in range(80)]
    labels = [{"clip_id": n + 1, "category": words[n % 4], "shot": n // 4, "mos": score(n)} for n in range(80)]
    found = first(features, labels[::-1])
    assert (columns(found, "feature"), columns(found, "label")) == ("clip_id", "clip_id")


IDS: list[tuple[str, str, list[int]]] = [
    ("clip_id", "clip_id", list(range(1, 61))),
    ("video", "video_id", list(range(1, 61))),
    ("stim", "item", list(range(3000, 3600, 10))),
    ("stim", "item", list(range(412, 472))),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("feature", "label", "ids"), IDS)
def test_ids_in_arithmetic_progression_are_ids(folder: Path, feature: str, label: str, ids: list[int]) -> None:
    """Row counters on both sides, and labels in another order: the counters would give each clip another's score."""
    features = [{"index": n, feature: key} for n, key in enumerate(ids)]
    shuffled = [ids[(n * 23) % 60] for n in range(60)]
    found = first(features, [{"index": n, label: key, "mos": score(key)} for n, key in enumerate(shuffled)])
    assert (columns(found, "feature"), columns(found, "label")) == (feature, label)
    assert found["matched_values"] == "identifier"


def test_names_that_say_more_come_before_ids_that_count(folder: Path) -> None:
    """Both sides number their clips, each in its own order, and two names have no label."""
    features = [{"clip_id": n + 1, "clip": digest(n)} for n in range(60)]
    order = [(n * 23) % 60 for n in range(60)]
    labels = [
        {"clip_id": n + 1, "name": digest(key + (key < 2) * 100), "mos": score(key)} for n, key in enumerate(order)
    ]
    found = first(features, labels)
    assert (columns(found, "feature"), columns(found, "label")) == ("clip", "name")


def test_rows_that_are_counted_are_no_ids(folder: Path) -> None:
    features = [{"n": n, "blocks": 100 + n} for n in range(60)]
    found = first(features, [{"n": n, "mos": score(n)} for n in range(60)])
    assert found["matched_values"] == "number"
    assert any("they overlap whatever they stand for" in note for note in found["manifest"]["confirm"])


def test_files_that_contradict_each_other_are_told_as_that(folder: Path) -> None:
    features = [{"clip": f"{digest(n)}.mp4", "n": n} for n in range(50)]
    one = [{"name": digest(n), "n": n, "mos": score(n)} for n in range(48)]
    other = [{"name": digest(n), "n": n, "mos": score(n, 1)} for n in range(50)]
    found = first(features, one, other)
    assert (columns(found, "feature"), columns(found, "label"), found["match_rate"]) == ("clip", "name", 1)
    assert found["contradictions_of_files"] == 48
    told = found["manifest"]["confirm"]
    assert any("a.csv and b.csv score the same clips differently: 48 of the 48 keys" in note for note in told), told
    report = run_batch(write_table(Path("m.json"), json.dumps({"tables": [found["manifest"]]})))
    assert report["tables"][0]["error_code"] == "conflict"
    assert any("score the same clips differently" in warning for warning in report["tables"][0]["warnings"])


def corpus(name: str, clips: int) -> tuple[Rows, Rows]:
    """Features and labels of a corpus, each with a row counter."""
    features = [{"row": n, "path": f"{name}/{digest(n, name)}.mp4"} for n in range(clips)]
    order = [(n * 7) % clips for n in range(clips)]
    return features, [{"row": n, "name": digest(key, name), "mos": score(key)} for n, key in enumerate(order)]


def test_a_file_that_is_unrelated_hides_no_rule(folder: Path) -> None:
    features, labels = corpus("one", 50)
    write_table(Path("f.csv"), features)
    write_table(Path("l.csv"), labels)
    write_table(Path("x.csv"), [{"stimulus": f"zz {digest(n, 'x')}", "MOS": score(n)} for n in range(40)])
    document = suggest("f.csv", ["x.csv", "l.csv"])
    found = document["suggestions"][0]
    assert (columns(found, "feature"), columns(found, "label"), found["match_rate"]) == ("path", "name", 1)
    assert found["manifest"]["labels"] == ["l.csv"]
    assert document["left_out"] == ["x.csv"]
    done = moslabels("suggest", "--features", "f.csv", "--labels", "x.csv", "--labels", "l.csv", cwd=folder)
    assert done.returncode == 0
    assert "x.csv: is left out: no rule joins it with f.csv\n" in done.stdout


def test_init_pairs_tables_and_label_files(folder: Path) -> None:
    for name, clips in (("one", 50), ("two", 45)):
        features, labels = corpus(name, clips)
        write_table(Path(f"{name}.csv"), features)
        write_table(Path(f"{name}_labels.csv"), labels)
    write_table(Path("more.csv"), [{"name": digest(n, "one"), "mos": score(n)} for n in range(20)])
    write_table(Path("x.csv"), [{"stimulus": f"zz {digest(n, 'x')}", "MOS": score(n)} for n in range(40)])
    files = [f"--labels={path}" for path in ("two_labels.csv", "x.csv", "one_labels.csv", "more.csv")]
    done = moslabels("init", "--features", "one.csv", "--features", "two.csv", *files, cwd=folder)
    assert done.returncode == 0, done.stderr
    document = json.loads(Path("manifest.json").read_text(encoding="utf-8"))
    assert [table["labels"] for table in document["tables"]] == [["one_labels.csv", "more.csv"], ["two_labels.csv"]]
    assert "x.csv: no rule joins it with a table, and no table has it" in done.stderr
    report = run_batch("manifest.json")
    assert [table["summary"]["match_rate"] for table in report["tables"]] == [1, 1]
    assert [row["mos"] for row in read_table(Path("two_mos.csv"))] == [str(score(n)) for n in range(45)]


def test_exit_status(folder: Path) -> None:
    features, labels = corpus("one", 30)
    write_table(Path("one.csv"), features)
    write_table(Path("l.csv"), labels)
    write_table(Path("x.csv"), [{"stimulus": f"zz {digest(n, 'x')}", "MOS": score(n)} for n in range(40)])
    write_table(Path("none.csv"), [{"name": digest(n, "one"), "MOS": ""} for n in range(40)])
    for path, status in (("l.csv", 0), ("x.csv", 1), ("none.csv", 1)):
        assert moslabels("suggest", "--features", "one.csv", "--labels", path, cwd=folder).returncode == status
        out = ("--out", f"{path}.json")
        assert moslabels("init", "--features", "one.csv", "--labels", path, *out, cwd=folder).returncode == status


CASES: list[tuple[str, str]] = [("I{0}_1.bmp", "i{0}_1.bmp"), ("raw/V{0}.MP4", "v{0}"), ("STRASSE {0}", "straße {0}")]


@pytest.mark.parametrize(("feature", "label"), CASES)
def test_names_that_differ_by_case_alone(folder: Path, feature: str, label: str) -> None:
    """Row counters on both sides match too, and are wrong."""
    order = [(n * 23) % 60 for n in range(60)]
    features = [{"index": n, "clip": feature.format(f"{n // 10:02}_{n % 10:02}")} for n in range(60)]
    labels = [
        {"index": n, "name": label.format(f"{key // 10:02}_{key % 10:02}"), "mos": score(key)}
        for n, key in enumerate(order)
    ]
    found = first(features, labels)
    assert (columns(found, "feature"), columns(found, "label"), found["options"]["key_case"]) == (
        "clip",
        "name",
        "fold",
    )
    assert found["confirm"] == []
    assert run_batch(write_table(Path("m.json"), json.dumps({"tables": [found["manifest"]]})))["status"] == "ok"
    assert [row["mos"] for row in read_table(Path("f_mos.csv"))] == [str(score(n)) for n in range(60)]


def test_keys_that_collide_without_regard_to_case_are_to_be_confirmed(folder: Path) -> None:
    features = [{"clip": f"{digest(n)}.mp4".upper()} for n in range(50)] + [{"clip": f"{digest(0)}.mp4"}]
    found = first(features, [{"name": f"{digest(n)}.mp4", "mos": score(n)} for n in range(50)])
    assert found["options"]["key_case"] == "fold"
    assert any("1 keys come of several feature values each" in note for note in found["manifest"]["confirm"])


def test_case_counts_where_it_tells_clips_apart(folder: Path) -> None:
    """Fewer than half of the names have a label, and each has a namesake in the other case."""
    names = [text for n in range(40) for text in (f"{digest(n)}x", f"{digest(n)}x".upper())]
    labels = [{"name": name, "mos": score(n)} for n, name in enumerate(names[::2])]
    found = first([{"clip": name} for name in names], labels)
    assert (found["options"].get("key_case"), found["match_rate"], found["key_collisions"]) == (None, 0.5, 0)


PLAIN: list[tuple[str, str, str]] = [
    ("data/v{n:04}.mp4", "v{n:04}.mp4", "basename"),
    ("data/v{n:04}.mp4", "v{n:04}", "stem"),
    ("data/{id}_v.mp4", "{id}_v.mp4", "basename"),
    ("https://a.org/v/clip_{id}.mp4", "clip_{id}.mp4", "basename"),
    ("https://a.org/v/clip_{id}.npy", "clip_{id}.mp4", "stem"),
    ("clip_{id}.mp4", "clip_{id}.mp4", "raw"),
]


@pytest.mark.parametrize(("feature", "label", "normalize"), PLAIN)
def test_whole_names_come_before_parts_of_them(folder: Path, feature: str, label: str, normalize: str) -> None:
    def named(form: str, n: int) -> str:
        return form.format(n=n, id=10**10 + n * 7919 * 104_729 % 10**10)

    features = [{"path": named(feature, n)} for n in range(60)]
    found = first(features, [{"name": named(label, n), "mos": score(n)} for n in range(60)][::-1])
    assert (columns(found, "feature"), found["options"]["key_normalize"]) == ("path", normalize)
    assert not {"feature_key_regex", "label_key_regex"} & {*found["options"]}


MIDDLES: list[tuple[list[str], list[str]]] = [
    (["ugc-Animation_1080P-01b3-vod", "ugc-Sports_720P-77ff-live"], ["Animation_1080P-01b3", "Sports_720P-77ff"]),
    (["lab_a_b_c_x1", "lab_d_e_y", "lab_f_g_z"], ["a_b_c", "d_e", "f_g"]),
]


@pytest.mark.parametrize(("texts", "keys"), MIDDLES)
def test_the_part_between_the_first_and_the_last_separator(texts: list[str], keys: list[str]) -> None:
    found = [[way.key(text) for text in texts] for same in ways(texts) for way in same]
    assert keys in found
