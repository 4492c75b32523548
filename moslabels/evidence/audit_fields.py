"""The fields of an audit, each listed once: JSON Schema, columns in the view ``audits``, and meaning.

``moslabels schema``, the page of the guide and the view come from this list. ``make pages`` writes the page and the
view. Tests hold :func:`moslabels.evidence.audit.build` against it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from moslabels.evidence import audit
from moslabels.evidence.field import STATISTICS_COLUMNS, Column, Field
from moslabels.evidence.schema_parts import (
    CONFIG,
    COUNT,
    DIAGNOSIS,
    FEATURES,
    GROUPS,
    JOINED,
    LABEL_FILE,
    ONE_OR_LIST,
    PATH,
    PROVENANCE,
    RATE,
    SAMPLE,
    SHA256,
    STATISTICS,
    TEXT,
    list_of,
    object_of,
    options_of,
    or_null,
)
from moslabels.labelling.aliases import LIKENESS
from moslabels.spec.options import FIELDS


def _count(name: str, says: str) -> Field:
    return Field(name, COUNT, says, "BIGINT")


def _histogram(name: str, says: str, *, is_required: bool = False) -> Field:
    return Field(name, list_of(COUNT, minItems=20, maxItems=20), says, is_required=is_required)


def _sample(name: str, says: str, of_column: str) -> Field:
    """Return a field that holds a count of keys and a sample of them. The view has the count."""
    return Field(name, SAMPLE, says, columns=[Column(name, "BIGINT", f"$.{name}.count", of_column)])


VERSIONS: Mapping[str, str] = {
    "moslabels": "version of moslabels",
    "duckdb": "version of DuckDB",
    "pyarrow": "version of Arrow",
    "python": "version of Python",
}


AUDIT_FIELDS: Sequence[Field] = (
    Field("schema", {"const": audit.SCHEMA}, "name of the schema of this document", "VARCHAR"),
    Field("feature_table", PATH, "path of the features", "VARCHAR"),
    Field(
        "features",
        FEATURES,
        "features of many parts as they were given: a folder, a pattern or a list; feature_table is then the folder "
        "above all parts",
        is_required=False,
    ),
    Field(
        "parts",
        list_of(
            object_of(
                {
                    "path": TEXT,
                    "rows": COUNT,
                    "rows_without_key": COUNT,
                    "matched_rows": COUNT,
                    "features_sha256": SHA256,
                    "sha256": or_null(SHA256),
                    "bytes": or_null(COUNT),
                }
            )
        ),
        "the parts of a table of many parts, each by its path below feature_table and below output; output_sha256 is "
        "then the sha256 of what sha256sum prints of them, sorted; sha256 and bytes are null if it is in memory",
        is_required=False,
    ),
    Field("output", or_null(PATH), "path of the labelled table; null if it is in memory", "VARCHAR"),
    Field(
        "feature_key_column",
        ONE_OR_LIST,
        "key column of the features; a list if several are the key together",
        "VARCHAR",
    ),
    Field(
        "label_key_column",
        ONE_OR_LIST,
        "key column of the first label file; a list if several are the key together",
        "VARCHAR",
    ),
    Field("label_mos_column", TEXT, "score column of the first label file", "VARCHAR"),
    Field(
        "key_normalize",
        options_of(FIELDS)["key_normalize"],
        "how keys are normalised, as it was set",
        "VARCHAR",
    ),
    Field(
        "feature_key_regex",
        ONE_OR_LIST,
        "pattern of the feature keys; empty for none",
        "VARCHAR",
    ),
    Field("label_key_regex", ONE_OR_LIST, "pattern of the label keys; empty for none", "VARCHAR"),
    Field(
        "feature_key_template",
        TEXT,
        "template that made one text of the key columns of the features",
        "VARCHAR",
        is_required=False,
    ),
    Field(
        "key_case",
        options_of(FIELDS)["key_case"],
        "whether keys were compared as they are (exact) or without regard to case (fold)",
        "VARCHAR",
        is_required=False,
    ),
    Field("min_match_rate", RATE, "least match rate that was asked for", "DOUBLE"),
    Field("match_rate", RATE, "distinct feature keys with a label / distinct feature keys", "DOUBLE"),
    _count("input_rows", "rows of the features"),
    _count("output_rows", "rows of the labelled table"),
    _count("matched_rows", "rows of the features with a label"),
    _count("missing_rows", "rows of the features without a label"),
    _count("rows_without_key", "rows that have no key"),
    _count("total_feature_keys", "distinct feature keys"),
    _count("matched_feature_keys", "distinct feature keys with a label"),
    _sample(
        "unmatched_feature_keys",
        "feature keys without a label: how many, and the first 20",
        "feature keys without a label; some of them are in unmatched_keys",
    ),
    _sample(
        "key_collisions",
        "feature keys that several different values became: how many, and the first 20",
        "feature keys that several different values became",
    ),
    _count("labels_loaded", "distinct keys that have a label"),
    _sample(
        "unused_label_keys",
        "labels that no feature has: how many, and the first 20",
        "labels that no feature has; some of them are in unused_labels",
    ),
    Field(
        "label_sources",
        list_of(PATH, minItems=1),
        "paths of the label files, as given",
        columns=[
            Column(
                "label_sources",
                "VARCHAR[]",
                "$.label_sources",
                "paths of the label files; more of each is in label_sources",
            )
        ],
    ),
    Field("label_files", list_of(LABEL_FILE, minItems=1), "a label file each: how it was read"),
    Field(
        "extra_columns",
        list_of(object_of({"output": TEXT, "path": PATH, "column": TEXT})),
        "the columns of label files that are carried over, each with its name in the output",
        "JSON",
        is_required=False,
    ),
    Field(
        "columns_left_out",
        list_of(object_of({"path": PATH, "column": TEXT, "looks_like": {"enum": list(LIKENESS)}, "why": TEXT})),
        "columns of label files that look like the spread or number of votes, or a score, and are not carried over",
        "JSON",
        is_required=False,
    ),
    _count("label_rows_without_key", "rows of the labels that have no key"),
    _count("duplicate_labels", "rows of the labels that repeat what another says"),
    _count("missing_mos_rows", "rows of the labels without a score, skipped"),
    _count("clipped_mos_rows", "scores outside of their scale, clipped"),
    _count("nulled_numbers", "NaN and infinite numbers that became null in JSON or CSV"),
    Field(
        "mos_stats",
        STATISTICS,
        "scores of the labelled rows, on 1-5; null if there are none",
        columns=STATISTICS_COLUMNS,
    ),
    Field(
        "mos_stats_by_key",
        STATISTICS,
        "the same of the distinct feature keys with a label, each once however many rows it has",
        is_required=False,
    ),
    _histogram(
        "mos_histogram",
        "labelled rows by mos in 20 bins of 0.2 from 1 to 5, each with its lower edge, the last with 5 too; on 0-100 a "
        "bin is 5 wide",
        is_required=True,
    ),
    _histogram("mos_histogram_by_key", "distinct feature keys with a label, in the same bins"),
    _histogram("clipped_histogram", "labelled rows whose score was clipped to its scale, in the same bins"),
    _histogram("clipped_histogram_by_key", "distinct feature keys whose score was clipped, in the same bins"),
    Field(
        "joined_sample",
        list_of(JOINED, maxItems=3),
        "the first labelled rows, each of another key, with the label beside the features",
        is_required=False,
    ),
    Field("output_sha256", or_null(SHA256), "sha256 of the labelled table", "VARCHAR"),
    Field("output_bytes", or_null(COUNT), "size of the labelled table", "BIGINT"),
    Field("warnings", list_of(TEXT), "what was said and stopped nothing", "VARCHAR[]"),
    Field(
        "match_rate_by",
        or_null(GROUPS),
        "match rates by the values of a feature column; null if none was asked for",
        "JSON",
    ),
    Field("diagnosis", or_null(DIAGNOSIS), "why keys did not meet; null if all did", "JSON"),
    Field(
        "config",
        CONFIG,
        "the options that were given, with their values",
    ),
    Field(
        "run_provenance",
        PROVENANCE,
        "what ran, on which files; or the block that the caller handed in",
        columns=[
            Column(f"{name}_version", "VARCHAR", f"$.run_provenance.versions.{name}", says)
            for name, says in VERSIONS.items()
        ],
    ),
    Field(
        "unmatched",
        or_null(object_of({"path": PATH, "sha256": SHA256, "bytes": COUNT})),
        "the file of the keys that did not meet",
        is_required=False,
    ),
)
