"""The meaning of each field of an audit, a report and timings, for the descriptions in their JSON Schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moslabels.evidence.audit_fields import AUDIT_FIELDS, VERSIONS
from moslabels.evidence.table_fields import TABLE_FIELDS

MEANINGS: Mapping[str, str] = {
    **{field.name: field.says for field in AUDIT_FIELDS},
    **{f"versions.{name}": says for name, says in VERSIONS.items()},
    # What was joined, by which rule
    "label_files.path": "path of the label file",
    "label_files.key_column": "its key column; a list if several are the key together",
    "label_files.mos_column": "its score column",
    "label_files.mos_raw_column": "its column of scores on 0-100, if it has both scores",
    "label_files.mos_scale": "the scale of its scores; per-row if a column says that of each row",
    "label_files.mos_scale_column": "its column with the scale of each row, if mos_scale is per-row",
    "label_files.key_normalize": "how its keys are normalised",
    "label_files.key_template": "template that made one text of its key columns, if there was one",
    "label_files.key_constants": "parts of its key that the file has no column for",
    "label_files.key_regex": "pattern of its keys; empty for none",
    "label_files.rows": "its rows",
    "label_files.source": "its path as given, which mos_label_source holds",
    "extra_columns.output": "the extra, by its name in the output",
    "extra_columns.path": "path of the label file",
    "extra_columns.column": "the column that feeds it",
    "columns_left_out.path": "path of the label file",
    "columns_left_out.column": "the column",
    "columns_left_out.looks_like": "what it seems to hold, by its name",
    "columns_left_out.why": "why it is not carried over",
    "joined_sample.row": "the row of the features, from 1",
    "joined_sample.raw_value": "what its key columns hold; of several, their JSON list",
    "joined_sample.key": "the key that the rule made of it",
    "joined_sample.feature_file": "path of the part of its features, in a table of many parts",
    "joined_sample.label_file": "path of the label file",
    "joined_sample.label_row": "the row of the label there, from 1",
    "joined_sample.label_value": "what the key columns of the label hold",
    "joined_sample.mos_text": "the score as it stands in the label file",
    "joined_sample.mos": "the score on 1-5, as it is written",
    "joined_sample.mos_raw_0_100": "the score on 0-100, as it is written",
    # Counts
    "count": "how many",
    "sample": "the first of them",
    # Keys that did not meet
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
    "near_misses.colliding": "keys that would get a label which another key has or would get; absent if none",
    "colliding.count": "how many",
    "colliding.keys": "two keys that would get one label",
    "colliding.label_key": "the key of that label",
    "in_common": "what keys without a near miss begin or end with, and no key of the other side; absent if nothing",
    "in_common.parts": "a part each",
    "parts.side": "whose keys have it: unmatched keys of the features, or unused ones of the labels",
    "parts.place": "where they have it",
    "parts.part": "the text",
    "parts.keys": "how many of them have it",
    "parts.total": "how many they are",
    "in_common.would_meet": "how many unmatched keys would meet a label each without the parts",
    "in_common.options": "the options that leave the parts out; empty if none would meet a label",
    "parts.path": "its path below feature_table and below output",
    "parts.rows": "its rows",
    "parts.rows_without_key": "those that have no key",
    "parts.matched_rows": "those with a label",
    "parts.features_sha256": "sha256 of its features",
    "parts.sha256": "sha256 of the labelled part",
    "parts.bytes": "its size",
    "features.glob": "a pattern of paths",
    "match_rate_by.column": "the feature column",
    "match_rate_by.groups": "a value of that column each",
    "groups.value": "the value",
    # What was written, by what
    "unmatched.path": "path of that file",
    "unmatched.sha256": "its sha256",
    "unmatched.bytes": "its size",
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
    "outputs.report_junit": "the report as JUnit XML",
    "outputs.unmatched": "the keys that did not meet",
    "versions": "the versions that the bytes depend on",
    # A report
    "status": "whether all tables are labelled",
    "manifest": "path of the manifest",
    "summary": "counts of the labelled tables together",
    "summary.tables": "how many tables the report lists",
    "summary.failed_tables": "how many of them failed",
    "tables": "a table of the manifest each",
    "comparison": "what changed since the report that was given; absent if none was",
    "comparison.report": "path of that report",
    "comparison.tables": "a table of either report each",
    "comparison.tables.id": "its id",
    "comparison.outputs_not_compared": "ids of the tables of whose output that report has no sha256",
    "change": "whether it was added, is gone, changed, or is the same",
    "changes": "what changed of it",
    "changes.what": "the fact",
    "changes.old": "what it was",
    "changes.new": "what it is",
    "manifest_tables": "how many tables the manifest has, if some of them were chosen; else absent",
    "dry_run": "true if the run was a dry one, which wrote no table; else absent",
    **{f"tables.{field.name}": field.says for field in TABLE_FIELDS},
    # Timings
    "seconds": "how many seconds the run took",
    "tables.seconds": "how many seconds the table took",
    "steps": "its steps, in their order",
    "steps.step": "what was done",
    "steps.seconds": "how many seconds that took; the sum if it was done several times",
    "tables.rows": "rows of its features; null if it was not labelled now",
    "tables.bytes": "size of its features; null if it was not labelled now, or they are gone",
    "tables.rows_per_second": "rows by seconds; null if rows is",
    "tables.bytes_per_second": "bytes by seconds; null if bytes is",
    "tables.parts": "what became of its parts; null if it has none, or was not labelled now",
    "parts.labelled": "how many were labelled",
    "parts.resumed": "how many a run that was ended had labelled",
    "parts.linked": "how many are files of the old output",
}
"""Meanings by name of the field. ``parent.name`` holds only for the field of that parent."""


_AS_IS = ("properties", "if", "allOf")
"""Members of a schema that are not walked: members have a loop of their own, and conditions describe nothing."""


def with_meanings(schema: Any, parent: str = "") -> Any:
    """Return a schema with a description of each member, at every level. A member that has one keeps it."""
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
