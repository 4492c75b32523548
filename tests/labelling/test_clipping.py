"""How many labels may be clipped to their scale, and what is said where there are more."""

from __future__ import annotations

import re

import pytest

from helpers.job import Job
from moslabels import MosLabelsError

FEATURES = [{"key": "k0"}]


def labels(scores: list[object], column: str = "mos", start: int = 0) -> list[dict]:
    return [{"key": f"k{start + place}", column: score} for place, score in enumerate(scores)]


def refusal(job: Job, files: object, **options: object) -> str:
    with pytest.raises(MosLabelsError) as caught:
        job.run(FEATURES, files, **options)
    assert caught.value.code == "out-of-range"
    assert not job.out.exists()
    return str(caught.value)


GOOD = [1 + place % 40 / 10 for place in range(19)]
LIMITS = [
    # scores, max_clipped, how many are clipped; None: refused
    ([*GOOD, 5.2], None, 1),
    ([*GOOD, 5.2, 0.9], None, None),
    (GOOD, 0, 0),
    ([*GOOD, 5.2], 0, None),
    ([5.2], 1, 1),
    ([5.2, 3, 3], 1 / 3, 1),
    ([5.2, 3, 3], 1 / 3 - 1e-9, None),
    ([5.2, None, None, None], 0.5, None),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("scores", "limit", "clipped"), LIMITS)
def test_the_limit_is_exact(job: Job, scores: list, limit: float | None, clipped: int | None) -> None:
    options = {"mos_scale": "1-5", "out_of_range": "clip", "missing_mos": "skip"}
    if limit is not None:
        options["max_clipped"] = limit
    if clipped is None:
        assert "max_clipped" in refusal(job, labels(scores), **options)
    else:
        job.run(FEATURES, labels(scores), **options)
        assert job.audit["clipped_mos_rows"] == clipped


Z_SCORES = [round(-1.5 + place * 0.0021, 4) for place in range(1380)]


def test_z_scores_are_not_clipped_to_half_of_them(job: Job) -> None:
    said = refusal(job, labels(Z_SCORES), mos_scale={"worst": 0, "best": 5}, out_of_range="clip")
    assert 'out_of_range "clip" would change 0.518 of the labels, and max_clipped is 0.050' in said
    assert "least -1.5, quartiles -0.776025, -0.05205, 0.671925, greatest 1.3959" in said
    assert said.endswith('; z-scores have no bounds: {"worst": -3, "best": 3} puts 3 standard deviations at the ends')
    assert "raise max_clipped" in said
    job.run(FEATURES, labels(Z_SCORES), mos_scale={"worst": -3, "best": 3})
    assert job.audit["clipped_mos_rows"] == 0


NO_Z_SCORES = [
    # scores, options, column, file
    (Z_SCORES, {"mos_scale": {"worst": 5, "best": 0}}, "mos", "labels.csv"),
    (Z_SCORES, {"mos_scale": {"worst": 0, "best": 5}}, "DMOS", "labels.csv"),
    (Z_SCORES, {"mos_scale": {"worst": 0, "best": 5}}, "mos", "lab_dmos.csv"),
    ([-20, *GOOD, 40], {"mos_scale": {"worst": 0, "best": 5}}, "mos", "labels.csv"),
    ([-1, -0.5, *GOOD], {"mos_scale": {"worst": 0, "best": 5}}, "mos", "labels.csv"),
]


@pytest.mark.parametrize(("scores", "options", "column", "file"), NO_Z_SCORES)
def test_other_scores_below_0_are_not_told_to_be_z_scores(
    job: Job, scores: list, options: dict, column: str, file: str
) -> None:
    said = refusal(job, {file: labels(scores, column)}, label_mos_column=column, **options)
    assert "greatest" in said
    assert "z-scores" not in said


def test_clip_is_recommended_only_below_the_limit(job: Job) -> None:
    few = refusal(job, labels([*GOOD, 9999]), mos_scale="1-5")
    assert few.endswith(
        'least 1, quartiles 1.475, 1.95, 2.425, greatest 9999; correct them, set mos_scale, or set out_of_range "clip"'
    )
    many = refusal(job, labels([*GOOD, 5.2, 5.3]), mos_scale="1-5")
    assert "these are 0.095 of the labels, more than may be clipped (max_clipped is 0.050)" in many
    assert '"clip"' not in many
    assert "raise" not in many
    assert "least 1, quartiles 1.5, 2, 2.5, greatest 5.3; correct them, set mos_scale to the bounds that" in many


def test_each_file_is_judged_by_itself_and_may_have_its_own_limit(job: Job) -> None:
    many = {"a.jsonl": labels(GOOD * 10), "b.jsonl": labels([0.5, 3, 4], start=1000)}
    said = refusal(job, many, mos_scale="1-5", out_of_range="clip")
    assert re.match(r"\S*b\.jsonl: row 1: 1 score is outside", said)
    assert "0.333 of the labels" in said


def test_the_second_score_of_a_label_is_told_where_it_lies(job: Job) -> None:
    both = [{"key": f"k{place}", "mos": 3, "mos_raw_0_100": score} for place, score in enumerate([50, 130, 140])]
    said = refusal(job, both, out_of_range="clip")
    assert '"130" in row 2, "140" in row 3' in said
    assert "least 50, quartiles 90, 130, 135, greatest 140" in said


@pytest.mark.parametrize("wrong", [-0.1, 1.5, "0.1", True])
def test_a_limit_is_a_share(job: Job, wrong: object) -> None:
    with pytest.raises(MosLabelsError, match="max_clipped: must be a number from 0 to 1"):
        job.run(FEATURES, labels([3]), max_clipped=wrong)
