"""The checks of labels: for each a statement of ``sql/labels/checks/``, its code, and the words for what it finds."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from moslabels.base.text import apart, counted, short, shown
from moslabels.engine.connection import Engine
from moslabels.labelling.findings import Check, Finding, Row, bad_key
from moslabels.labelling.label_inputs import LabelInput, LabelInputs
from moslabels.sources.columns import is_number_type


def check(engine: Engine, table: str, inputs: LabelInputs, counts: Sequence[Row]) -> None:
    """Run the checks of a table whose counts are not 0. Raise TableError for the first that finds something.

    The table is ``label_rows``, ``extras``, ``label_scores`` or ``labels``.
    """
    for one in CHECKS[table]:
        values = {"tolerance": inputs.tolerance}
        extras = {"stated_extras": inputs.stated_extras, "typed_extras": inputs.extras}
        one.run(engine, inputs, inputs.paths, counts, values, **extras)


def _bad_keys(inputs: LabelInputs, rows: Sequence[Row]) -> Finding:
    file = inputs.files[rows[0]["file"]]
    return bad_key(file.path, file.key.columns, "label", rows[0])


def _bad_scores(inputs: LabelInputs, rows: Sequence[Row]) -> Finding:
    first = rows[0]
    column = inputs.files[first["file"]].scores(first)
    if not (is_number_type(column.type) or column.type in ("VARCHAR", "JSON")):  # what mos_number in sql/rules/ takes
        advice = f"the column is of type {short(column.type)}, which holds no scores: convert it to numbers or text"
    elif inputs.files[first["file"]].source.has_comma:
        advice = 'label_csv says "decimal": ",": a number has no point, and a comma before its fraction alone'
    elif re.fullmatch(r"[+-]?[0-9]+,[0-9]+", first["mos_text"].strip()):
        advice = 'set label_csv {"decimal": ","}, or write them with a decimal point'
    else:
        advice = 'correct them, or list texts that mean no score in missing_values and set missing_mos "skip"'
    problem = counted(first["total"], "score is not a finite number", "scores are not finite numbers")
    return _of_column(inputs, rows, column.name, f"{problem}: {_places(inputs, rows)}; {advice}")


def _missing_scores(inputs: LabelInputs, rows: Sequence[Row]) -> Finding:
    first = rows[0]
    problem = counted(first["total"], "label has no score", "labels have no score")
    advice = 'correct them, or set missing_mos "skip" to leave them out'
    column = inputs.files[first["file"]].scores(first).name
    return _of_column(inputs, rows, column, f"{problem}: {_places(inputs, rows)}; {advice}")


def _bad_row_scales(inputs: LabelInputs, rows: Sequence[Row]) -> Finding:
    column = inputs.files[rows[0]["file"]].scale
    assert column is not None
    problem = counted(rows[0]["total"], "label has no scale that is known", "labels have no scale that is known")
    advice = 'write each as "1-5", "0-100" or worst..best, such as "100..0"'
    return _of_column(inputs, rows, column.name, f"{problem}: {_places(inputs, rows, 'scale_text')}; {advice}")


def _mixed_scale(inputs: LabelInputs, rows: Sequence[Row]) -> Finding:
    (found,) = rows
    file = inputs.files[found["file"]]
    few, side = (found["high"], "above 5") if found["high"] < found["low"] else (found["low"], "at most 5")
    fewer = ", ".join(f"{shown(score['mos_text'])} in row {score['row']}" for score in found["fewer"])
    more = f" and {few - len(found['fewer'])} more" if few > len(found["fewer"]) else ""
    alone = "which stands alone and may be a typing error" if few == 1 else f"of {found['low'] + found['high']} scores"
    return Finding(
        f"{file.path}: column {shown(file.mos.name)}: the scale of the scores cannot be told: {found['low']} are at "
        f'most 5 and {found["high"]} above; set mos_scale to "1-5", "0-100", {{"worst": …, "best": …}} or "per-value", '
        f"set mos_scale_column if a column says the scale of each row, or correct them; {_distribution(found)}; "
        f"{side}: {fewer}{more}, {alone}",
        file.path,
        file.mos.name,
    )


def _bad_extras(inputs: LabelInputs, rows: Sequence[Row]) -> Finding:
    first = rows[0]
    extra = inputs.stated_extras[first["extra"]]
    column = extra.columns[first["file"]].name
    found = _places(inputs, [row for row in rows if row["extra"] == first["extra"]], "text")
    values = counted(first["total"], "value does not fit", "values do not fit")
    other = json.dumps({column: {"as": extra.output, "type": "VARCHAR"}}, ensure_ascii=False)
    return _of_column(
        inputs,
        rows,
        column,
        f"{values} {extra.stated}, the type of the extra {shown(extra.output)}: {found}; correct them, leave the "
        f"column out of extras, or state another type there, such as {short(other)}",
    )


def _out_of_range(inputs: LabelInputs, rows: Sequence[Row]) -> Finding:
    first = rows[0]
    file = inputs.files[first["file"]]
    total, share, limit = first["total"], first["total"] / first["scores"], file.label.options.max_clipped
    said, most = apart(share, limit)
    outside = counted(total, "score is outside of its scale", "scores are outside of their scale")
    of_row = f" in row {first['row']}" if file.scale is not None else ""
    problem = f"{outside} ({first['worst']:g} worst, {first['best']:g} best{of_row}): {_places(inputs, rows)}"
    advice = "correct them, set mos_scale to the bounds that the scores are on"
    if first["out_of_range"] == "clip":
        problem += f'; out_of_range "clip" would change {said} of the labels, and max_clipped is {most}'
        advice += ", or raise max_clipped if so many are meant to be at an end"
    elif share > limit:
        problem += f"; these are {said} of the labels, more than may be clipped (max_clipped is {most})"
    else:
        advice = 'correct them, set mos_scale, or set out_of_range "clip"'
    return Finding(
        f"{file.path}: row {first['row']}: {problem}; {_distribution(first)}; {advice}{_of_deviations(file, first)}",
        file.path,
        file.scores(first).name,
        first["row"],
    )


def _distribution(row: Row) -> str:
    """Return where scores lie."""
    quartiles = ", ".join(f"{quartile:g}" for quartile in row["quartiles"])
    return f"least {row['least']:g}, quartiles {quartiles}, greatest {row['greatest']:g}"


def _of_deviations(file: LabelInput, row: Row) -> str:
    """Return how to map z-scores, if the scores may be some: a few units around 0, and nothing says DMOS."""
    lower, _, upper = row["quartiles"]
    is_around_0 = lower < 0 < upper and max(-row["least"], row["greatest"]) <= 10
    if not is_around_0 or row["worst"] > row["best"] or "dmos" in f"{file.path} {file.scores(row).name}".lower():
        return ""
    return '; z-scores have no bounds: {"worst": -3, "best": 3} puts 3 standard deviations at the ends'


def _contradictions(inputs: LabelInputs, rows: Sequence[Row]) -> Finding:
    first = rows[0]
    file = inputs.files[first["file"]]
    assert file.mos_100 is not None
    examples = ", ".join(
        f"{shown(row['mos_text'])} (mos {row['mos']:.6g}) and {shown(row['mos_100_text'])} "
        f"(mos {row['other_mos']:.6g}) in row {row['row']}"
        for row in rows
        if row["file"] == first["file"]
    )
    scale = first["scale"] if first["scale"] != "linear" else shown(file.label.options.mos_scale)
    scale = "the scale of their row" if file.scale is not None else scale
    contradict = counted(first["total"], "label contradicts itself", "labels contradict themselves")
    return Finding(
        f"{file.path}: row {first['row']}: {contradict} in columns {shown(file.mos.name)} (taken to be on {scale}) and "
        f"{shown(file.mos_100.name)}: {examples}; they differ by up to {first['greatest_difference']:.6g} on 1-5, and "
        f"mos_tolerance is {inputs.tolerance:g}: correct them, name the column that is right with label_mos_column, or "
        "raise mos_tolerance where only the rounding differs",
        file.path,
        file.mos.name,
        first["row"],
    )


def _no_labels(inputs: LabelInputs, rows: Sequence[Row]) -> Finding:
    (found,) = rows
    return Finding(
        f"no MOS labels loaded: of {found['rows']} rows in {', '.join(inputs.paths)}, {found['rows_without_key']} have "
        "no key and the others no score; check label_key_column, label_key_regex and label_mos_column",
        inputs.paths[0],
    )


def _with_outputs(inputs: LabelInputs, row: Row) -> Row:
    """Return a row of a check with the columns that differ by their names in the output."""
    names = {extra.value: extra.output for extra in inputs.extras}
    return {**row, "columns": [names.get(column, column) for column in row["columns"]]}


def _conflicts(inputs: LabelInputs, rows: Sequence[Row]) -> Finding:
    def place(row: Row, which: str) -> str:
        path = inputs.paths[row[f"{which}file"]]
        return f"{path} row {row[f'{which}row']} says {shown(row[f'{which}mos_text'])} (mos {row[f'{which}mos']:.6g})"

    examples = "; ".join(
        f"{shown(row['key'])}: {place(row, 'first_')}, {place(row, '')}, which differ in {', '.join(row['columns'])}"
        for row in rows[:3]
    )
    first = rows[0]
    file = inputs.files[first["file"]]
    return Finding(
        f"conflicting MOS labels for {first['keys']} keys: {examples}; remove the stale labels, make the key tell the "
        "clips apart, or raise mos_tolerance where only the rounding differs"
        + ('; key_case "fold" makes one key of names that differ in case alone' if file.key.folds else "")
        + (f"; {file.inferred}" if file.inferred else ""),
        file.path,
        file.mos.name if first["columns"][0] == "mos" else first["columns"][0],
        first["row"],
    )


def _of_column(inputs: LabelInputs, rows: Sequence[Row], column: str, problem: str) -> Finding:
    path, row = inputs.paths[rows[0]["file"]], rows[0]["row"]
    return Finding(f"{path}: row {row}: column {shown(column)}: {problem}", path, column, row)


def _places(inputs: LabelInputs, rows: Sequence[Row], text: str = "mos_text") -> str:
    """Return scores with their rows, and with their files if these are others than that of the first row."""
    others = {number: f"{path} " for number, path in enumerate(inputs.paths) if number != rows[0]["file"]}
    return ", ".join(f"{shown(row[text])} in {others.get(row['file'], '')}row {row['row']}" for row in rows)


CHECKS: dict[str, tuple[Check[LabelInputs], ...]] = {
    "label_rows": (
        Check("labels/checks/22_bad_keys", "bad-key", "bad_keys", _bad_keys),
        Check("labels/checks/23_bad_scores", "bad-score", "bad_scores", _bad_scores),
        Check("labels/checks/24_missing_scores", "missing-score", "missing_scores", _missing_scores),
        Check("labels/checks/25_bad_row_scales", "bad-scale", "bad_row_scales", _bad_row_scales),
        Check("labels/checks/32_mixed_scale", "mixed-scale", "mixed_scales", _mixed_scale),
    ),
    "extras": (Check("labels/checks/33_bad_extras", "bad-extra", "stated_extras", _bad_extras),),
    "label_scores": (
        Check("labels/checks/41_out_of_range", "out-of-range", "out_of_range", _out_of_range),
        Check("labels/checks/42_contradictions", "conflict", "contradictions", _contradictions),
    ),
    "labels": (
        Check("labels/checks/51_no_labels", "no-labels", "no_labels", _no_labels),
        Check("labels/checks/52_conflicts", "conflict", "repeats", _conflicts, _with_outputs),
    ),
}
"""The checks by the table that they are of, in their order. A new check is a statement, a count and a row.

The counts are those of ``labels/31_label_files`` and ``labels/41_score_counts``, of extras, labels and repeats.
"""
