"""Find join rules in the values of a feature table and its label tables. No rule is applied.

A rule is what a manifest can say: a key column on each side, a normalisation for both, a pattern for each. The search
has three steps:

1. Columns. A column that is constant, mostly empty or holds fractional numbers is not a key. Likely names come first,
   then text, then whole numbers. The name of a column, then its numbers, tell whether it holds the scores
   (``scores.py``).
2. Screening, on samples (``samples.py``). Some ways to make a key of each column are derived from its values
   (``ways.py``), each side by itself; the distinct keys of each are made once, and all pairs are counted in one join.
3. Measuring, on all rows (``measurements.py``). The most promising rules are run by the macros that ``materialize``
   runs. Where no pair of columns tells the clips apart, a second and a third pair join it: a key of several columns.

Rules are ranked by, in this order:

- what the matched values say. ``identifier``: text with letters that is more than a number with a name around it, or
  whole numbers of five digits and more, so sparse that a made-up one would meet a label less than once in 64 times.
  ``numbered name``: a constant text and a number that counts (``clip_17``). ``number``: counters and measurements,
  which overlap however little they mean. ``category``: most of its keys have several scores. Identifiers that label
  less than half of the values rank with the numbered names.
- the share of the feature values that get a label which nothing speaks against, less the share of those that get one
  where a key collides or conflicts: a rule that maps two clips to one key is worse than one that misses both. To it is
  added half of the share of the scores that are used: the second of a score beside a number that looks like one matches
  too, and leaves most scores over. Files that contradict each other do not count here: any rule has that.
- how few collisions and conflicts there are.
- the bits by which the matched values are rarer than chance, in steps of 4 up to 16.
- simplicity: likely names, the same name on both sides, no pattern, no normalisation, one column; the number of keys.

If keys as they are give no rule that matches nearly all of them, the search is done again without regard to case. Its
rules are taken if they match more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from moslabels.base.errors import TableError, os_error
from moslabels.base.progress import SILENT, Progress
from moslabels.base.settings import DEFAULTS, Settings
from moslabels.base.signals import held, released
from moslabels.base.text import shown
from moslabels.engine.connection import Engine
from moslabels.engine.statements import render
from moslabels.files.workspace import Workspace
from moslabels.sources.opening import open_table
from moslabels.sources.source import Source
from moslabels.spec.entry import text_features
from moslabels.spec.features import PartsSpec, is_of_parts, read_parts
from moslabels.spec.formats import format_problem
from moslabels.spec.options import option_problem, settled
from moslabels.spec.paths import path_problem
from moslabels.spec.problems import Problems
from moslabels.suggestions.dialects import FoundDialect, find_dialect
from moslabels.suggestions.likeness import pair_cost
from moslabels.suggestions.many_parts import MOST_ROWS, ListedParts, look_at_parts, open_listed, unfit_columns
from moslabels.suggestions.measurements import Measurements
from moslabels.suggestions.model import FEATURES, KINDS, LEAST_RATE, Inputs, Measured, Part, share
from moslabels.suggestions.rules import shares_column, single_rules, spelled
from moslabels.suggestions.samples import Samples, overlaps, sample
from moslabels.suggestions.scores import Score
from moslabels.suggestions.suggestion import suggestion

SCHEMA = "mos-label-suggestions-v1"
_SHOWN = 5
_MOST = 0.95  # of the feature keys: a rule that matches fewer may do so for the case of its keys
_COMPOSITE = 8  # rules of several columns that are measured, per round


def suggest(
    features: Any,
    labels: Sequence[str | os.PathLike[str]],
    *,
    settings: Settings = DEFAULTS,
    feature_csv: str | Mapping[str, Any] | None = None,
    label_csv: str | Mapping[str, Any] | None = None,
    is_one_of_many: bool = False,
    progress: Progress = SILENT,
    most_rows: int = MOST_ROWS,
) -> dict[str, Any]:
    """Return the best join rules as a document: ``suggestions`` (the best first), ``scores`` and what was ``tried``.

    ``features`` is a path, or a folder, a pattern or a list: a table of many parts. Its columns are compared by some of
    the parts. Rules are measured on all of them, or on parts of ``most_rows`` rows, which is then to be confirmed.

    Each suggestion holds the manifest's ``options``, its ``labels`` (paths, or objects with options of their own), the
    counts that it was ranked by, and a whole ``manifest`` entry. Raises UsageError or TableError.

    Label files that have nothing to do with the features are ``left_out`` if with them no rule tells clips apart. If
    the features are one table of many, which share the label files, they are left out in any case.
    """
    paths = [os.fspath(path) for path in labels]
    dialects = {"feature_csv": feature_csv, "label_csv": label_csv}
    given: dict[str, Any] = {name: {} if value is None else value for name, value in dialects.items()}
    parts_spec = _check_arguments(features, paths, given)
    read_as = settled(given)

    # A file is looked at once, in however many searches it takes part.
    dialect_of = cache(lambda path, role: find_dialect(path, read_as[f"{role}_csv"]))
    path = os.fspath(features) if parts_spec is None else parts_spec.root
    try:
        parts = look_at_parts(parts_spec, paths) if parts_spec is not None else None
    except OSError as error:
        raise os_error(error) from error
    job = _Job(path, dialect_of, read_as, settings, progress, parts, most_rows)

    @cache
    def search(*of_paths: str) -> dict[str, Any]:
        exact = _searched(job, of_paths)
        if _tells(exact) and exact["suggestions"][0]["match_rate"] >= _MOST:
            return exact
        folded = _searched(job, of_paths, folds=True)
        return folded if _tells(folded) and (not _tells(exact) or _clean(folded) > _clean(exact)) else exact

    document = None if is_one_of_many and len(paths) > 1 else search(*paths)
    if len(paths) > 1 and (document is None or not _tells(document)):
        related = [path for path in paths if _tells(search(path))]
        if related and len(related) < len(paths):
            left_out = [path for path in paths if path not in related]
            return {**search(*related), "left_out": left_out}
    return {**(document or search(*paths)), "left_out": []}


def _tells(document: Mapping[str, Any]) -> bool:
    """Return whether the best rule that was found tells clips apart."""
    suggestions = document["suggestions"]
    return bool(suggestions) and suggestions[0]["matched_values"] in KINDS[1:]


def _clean(document: Mapping[str, Any]) -> float:
    """Return the share of the feature keys that the best rule matches, without those that several values became."""
    best = document["suggestions"][0]
    clean = best["matched_feature_keys"] - best["key_collisions"] - best["label_key_collisions"]
    return share(clean, best["total_feature_keys"])


@dataclass(frozen=True)
class _Job:
    """What all searches for one feature table share."""

    features: str
    dialect_of: Callable[[str, str], FoundDialect | None]
    read_as: Mapping[str, Mapping[str, Any]]
    settings: Settings
    progress: Progress
    parts: ListedParts | None
    most_rows: int


def _searched(job: _Job, paths: Sequence[str], *, folds: bool = False) -> dict[str, Any]:
    """Return the document of one search, of features and all of some label files."""
    settings, progress = job.settings, job.progress
    try:
        with (
            held(),
            Workspace(settings.temp_dir) as workspace,
            Engine(settings, workspace.folder, progress=progress) as engine,
            released(),
        ):
            progress.step("reading")
            parts = open_listed(engine, job.parts, job.most_rows) if job.parts is not None else None
            of_features = job.dialect_of(job.features, "feature") if parts is None else None
            of_labels = [job.dialect_of(path, "label") for path in paths]
            if parts is not None:
                source: Source = parts.measured
            else:
                feature_csv = of_features.options if of_features else job.read_as["feature_csv"]
                source = open_table(engine, workspace, job.features, "feature", feature_csv)
            label_sources = [
                open_table(engine, workspace, path, "label", dialect.options if dialect else job.read_as["label_csv"])
                for path, dialect in zip(paths, of_labels, strict=True)
            ]
            if folds:
                engine.run_once(render("session/case_foldings"))
            return _document(Inputs(engine, source, tuple(label_sources), of_features, tuple(of_labels), folds, parts))
    except OSError as error:
        raise os_error(error) from error


def _check_arguments(features: Any, labels: Sequence[str], given: Mapping[str, Any]) -> PartsSpec | None:
    """Return what names the parts if the features have many. Raise UsageError if an argument is wrong."""
    problems = Problems(
        f"{name}: {problem}" for name, value in given.items() if (problem := option_problem(name, value))
    )
    tables = [("labels", path, "labels") for path in labels]
    parts = None
    if is_of_parts(text_features(features), None):
        parts = read_parts(text_features(features), "features", None, problems)
        if given["feature_csv"]:
            problems.add("feature_csv", "must stand beside one CSV file: a table of many parts is Parquet")
    else:
        tables.insert(0, ("features", os.fspath(features), "features"))
    for name, path, role in tables:
        if problem := path_problem(path) or format_problem(path, role):
            problems.add(name, f"{shown(path)} {problem}")
    if not labels:
        problems.add("labels", "must name one label table at least")
    problems.raise_if_any("the arguments are wrong:")
    return parts


def _document(inputs: Inputs) -> dict[str, Any]:
    progress = inputs.engine.progress
    progress.step("comparing columns")
    samples = sample(inputs)
    pairs, left_out = _readable(inputs, overlaps(inputs, samples))
    left_out = {**samples.unfit, **left_out}
    measurements = Measurements(inputs, samples.scores)
    rules = single_rules(pairs, max(score.numbers["rows"] for score in samples.scores))
    progress.step("trying rules", len(rules), "rules")
    measurements.load_features([rule.parts[0].feature for rule in rules])
    for number, rule in enumerate(rules, start=1):
        measurements.measure(rule)
        progress.advance(number)
    _measure_composites(measurements, pairs)
    files = zip(inputs.labels, samples.scores, strict=True)
    return {
        "schema": SCHEMA,
        "features": inputs.features.path,
        "labels": [source.path for source in inputs.labels],
        "read": [*_read(inputs, samples.scores, left_out)],
        "scores": [score.document(source.path) for source, score in files],
        "tried": _tried(samples, len(pairs), len(measurements.measured)),
        "suggestions": [
            suggestion(inputs, samples.scores, measured, measurements) for measured in _best(measurements.measured)
        ],
    }


def _readable(
    inputs: Inputs, pairs: list[tuple[Part, float]]
) -> tuple[list[tuple[Part, float]], Mapping[str, TableError]]:
    """Return the pairs whose feature columns can be read in all parts, and why others cannot."""
    if inputs.parts is None:
        return pairs, {}
    unfit = unfit_columns(
        inputs.parts.measured, {part.feature.place: part.feature.column for part, _ in pairs}.values()
    )
    return [(part, rate) for part, rate in pairs if part.feature.column.name not in unfit], unfit


def _measure_composites(measurements: Measurements, pairs: Sequence[tuple[Part, float]]) -> None:
    """Measure a pair of columns together with others if alone it does not tell the clips apart."""
    others = sorted(
        (
            (-round(rate, 2), sum(pair_cost(part.feature, label) for label in part.labels), number)
            for number, (part, rate) in enumerate(pairs)
            if rate >= 0.9 and not part.feature.is_counter and not any(label.is_counter for label in part.labels)
        )
    )
    bases = list(measurements.measured)
    for _ in range(2):
        if not bases or any(m.worth >= 0.95 and m.kind in KINDS[1:] for m in measurements.measured):
            return
        # A base that matches: its conflicts are what a further column may resolve.
        bases = sorted(
            (m for m in bases if m.match_rate >= 0.5 and m.counts["own_conflicts"] and m.kind != "number"),
            key=lambda m: (-round(m.match_rate, 2), -m.counts["matched_keys"], m.rule.cost),
        )
        found: list[Measured] = []
        seen: set[frozenset[Any]] = {frozenset(part.columns for part in m.rule.parts) for m in measurements.measured}
        for base in bases[:4]:
            for _, _, number in others:
                part = pairs[number][0]
                columns = frozenset((*(p.columns for p in base.rule.parts), part.columns))
                if len(found) >= _COMPOSITE or columns in seen or shares_column(base.rule, part):
                    continue
                rule = spelled(tuple(sorted((*base.rule.parts, part), key=lambda part: part.feature.is_numeric)))
                if rule is None:
                    continue
                seen.add(columns)
                if measured := measurements.measure(rule):
                    found.append(measured)
        bases = found


def _best(measured_rules: Sequence[Measured]) -> list[Measured]:
    """Return the rules to show, the best first: at most two with the same columns."""
    best: list[Measured] = []
    per_columns: dict[Any, int] = {}
    is_good = any(measured.worth > 0 for measured in measured_rules)
    for measured in sorted(measured_rules, key=lambda measured: measured.rank):
        columns = tuple(part.columns for part in measured.rule.parts)
        if measured.match_rate < LEAST_RATE or (is_good and measured.worth <= 0) or per_columns.get(columns, 0) >= 2:
            continue
        per_columns[columns] = per_columns.get(columns, 0) + 1
        best.append(measured)
    return best[:_SHOWN]


def _read(inputs: Inputs, scores: Sequence[Score], left_out: Mapping[str, TableError]) -> Iterator[dict[str, Any]]:
    """Yield how many parts and each CSV file are read, what speaks for that, and what became of their rows."""
    if inputs.parts is not None:
        yield inputs.parts.document(left_out.values())
    rows = [None, *(score.numbers["rows"] for score in scores)]
    sources = (inputs.features, *inputs.labels)
    dialects = (inputs.feature_dialect, *inputs.label_dialects)
    for source, dialect, count in zip(sources, dialects, rows, strict=True):
        if dialect is not None:
            yield dialect.document(source.path, source.role, count)


def _tried(samples: Samples, pairs: int, rules: int) -> dict[str, Any]:
    def columns(file: int) -> list[str]:
        return list(dict.fromkeys(c.column.name for c in samples.candidates if c.file == file))

    return {
        "feature_columns": columns(FEATURES),
        "label_columns": [columns(file) for file in range(len(samples.scores))],
        "pairs": pairs,
        "rules_measured": rules,
    }
