"""What each field of an audit and of a report means: the descriptions in their JSON Schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MEANINGS: Mapping[str, str] = {
    "schema": "name of the schema of this document",
    # What was joined, by which rule
    "feature_table": "path of the features",
    "output": "path of the labelled table; null if it is in memory",
    "feature_key_column": "key column of the features; a list if several are the key together",
    "label_key_column": "key column of the first label file; a list if several are the key together",
    "label_mos_column": "score column of the first label file",
    "feature_key_regex": "pattern of the feature keys; empty for none",
    "label_key_regex": "pattern of the label keys; empty for none",
    "min_match_rate": "least match rate that was asked for",
    "config": "the options that were given, with their values",
    "label_sources": "paths of the label files, as given",
    "label_files": "a label file each: how it was read",
    "label_files.path": "path of the label file",
    "label_files.key_column": "its key column; a list if several are the key together",
    "label_files.mos_column": "its score column",
    "label_files.mos_raw_column": "its column of scores on 0-100, if it has both scores",
    "label_files.key_normalize": "how its keys are normalised",
    "label_files.key_regex": "pattern of its keys; empty for none",
    "label_files.rows": "its rows",
    "label_files.source": "its path as given, which mos_label_source holds",
    # Counts
    "input_rows": "rows of the features",
    "output_rows": "rows of the labelled table",
    "rows_without_key": "rows that have no key",
    "total_feature_keys": "distinct feature keys",
    "matched_feature_keys": "distinct feature keys with a label",
    "match_rate": "distinct feature keys with a label / distinct feature keys",
    "matched_rows": "rows of the features with a label",
    "missing_rows": "rows of the features without a label",
    "labels_loaded": "distinct keys that have a label",
    "label_rows_without_key": "rows of the labels that have no key",
    "duplicate_labels": "rows of the labels that repeat what another says",
    "missing_mos_rows": "rows of the labels without a score, skipped",
    "clipped_mos_rows": "scores outside of their scale, clipped",
    "nulled_numbers": "NaN and infinite numbers that became null in JSON or CSV",
    "unmatched_feature_keys": "feature keys without a label: how many, and the first 20",
    "unused_label_keys": "labels that no feature has: how many, and the first 20",
    "key_collisions": "feature keys that several different values became: how many, and the first 20",
    "count": "how many",
    "sample": "the first of them",
    # Scores
    "mos_stats": "scores of the labelled rows, on 1-5; null if there are none",
    "mos_stats.min": "least",
    "mos_stats.max": "greatest",
    "mos_stats.mean": "mean",
    "mos_stats.q1": "first quartile",
    "mos_stats.median": "median",
    "mos_stats.q3": "third quartile",
    # Keys that did not meet
    "diagnosis": "why keys did not meet; null if all did",
    "sample.key": "the key",
    "sample.raw_value": "the value that the key was made from",
    "sample.file": "the file that has it",
    "sample.row": "its first row there, from 1",
    "values_without_key": "values that have no key",
    "values_without_key.raw_value": "the value",
    "values_without_key.file": "the file that has it",
    "values_without_key.row": "its first row there, from 1",
    "values_without_key.rows": "how many rows have it",
    "near_misses": "keys that would meet a label if a difference were ignored",
    "near_misses.difference": "what would have to be ignored",
    "near_misses.keys": "how many keys would meet exactly one label",
    "near_misses.ambiguous": "how many keys would meet several labels",
    "near_misses.feature_extension": "the extension of the feature keys, if that is the difference",
    "near_misses.label_extension": "the extension of the label keys, if that is the difference",
    "near_misses.examples": "the first of them",
    "examples.key": "a feature key",
    "examples.label_key": "the label key that it would meet",
    "near_misses.advice": "what to set",
    "match_rate_by": "match rates by the values of a feature column; null if none was asked for",
    "match_rate_by.column": "the feature column",
    "match_rate_by.groups": "a value of that column each",
    "groups.value": "the value",
    # What was written, by what
    "output_sha256": "sha256 of the labelled table",
    "output_bytes": "size of the labelled table",
    "warnings": "what was said and stopped nothing",
    "unmatched.path": "path of that file",
    "unmatched.sha256": "its sha256",
    "unmatched.bytes": "its size",
    "run_provenance": "what ran, on which files; or the block that the caller handed in",
    "entrypoint": "the file of the command",
    "argv": "the arguments of the command; empty if Python called",
    "args": "the arguments by name",
    "inputs": "the files that were read",
    "inputs.manifest": "the manifest; null if there was none",
    "inputs.features": "the features; a list in a report",
    "inputs.labels": "the label files",
    "path": "its path",
    "exists": "whether it was there",
    "kind": "what it was",
    "sha256": "its sha256; null if it is not a file",
    "outputs": "the files that were to be written; null for none",
    "outputs.out": "the labelled table; null in a report",
    "outputs.audit_json": "the audit; null in a report",
    "outputs.report_json": "the report as JSON",
    "outputs.report_md": "the report as Markdown",
    "outputs.report_html": "the report as a page",
    "outputs.unmatched": "the keys that did not meet",
    "versions": "the versions that the bytes depend on",
    "versions.moslabels": "version of moslabels",
    "versions.duckdb": "version of DuckDB",
    "versions.pyarrow": "version of Arrow",
    "versions.python": "version of Python",
    # A report
    "status": "whether all tables are labelled",
    "manifest": "path of the manifest",
    "summary": "counts of the labelled tables together",
    "summary.tables": "how many tables the manifest lists",
    "summary.failed_tables": "how many of them failed",
    "tables": "a table of the manifest each",
    "tables.id": "its id",
    "tables.features": "path of its features",
    "tables.labels": "paths of its label files",
    "tables.out": "path of its labelled table",
    "tables.audit_json": "path of its audit; null for none",
    "tables.status": "what became of it",
    "tables.summary": "its counts, if it is labelled",
    "tables.error": "why it failed",
    "tables.error_code": "the code of that error",
    "tables.unmatched": "path of the file of its keys that did not meet",
}
"""Meaning by name; ``parent.name`` is for the fields of that parent alone."""


_AS_IS = ("properties", "if", "allOf")
"""Members of a schema that are not walked: members have a loop of their own, and conditions describe nothing."""


def with_meanings(schema: Any, parent: str = "") -> Any:
    """Return a schema whose members have descriptions, also those of its members; what has one keeps it."""
    if isinstance(schema, list):
        return [with_meanings(item, parent) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    described = {name: value if name in _AS_IS else with_meanings(value, parent) for name, value in schema.items()}
    if isinstance(members := schema.get("properties"), Mapping):
        described["properties"] = {name: _described(parent, name, member) for name, member in members.items()}
    return described


def _described(parent: str, name: str, member: Any) -> Any:
    meaning = MEANINGS.get(f"{parent}.{name}", MEANINGS.get(name))
    # The options describe themselves.
    found = member if name == "config" else with_meanings(member, name)
    return found if meaning is None or not isinstance(found, Mapping) else {"description": meaning, **found}
