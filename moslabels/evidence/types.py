"""Types of audits and reports for type checkers. Made from the list of fields by `make pages`."""

from typing import Any, Literal, NotRequired, TypedDict


class Keys(TypedDict):
    """What ``sample`` holds, or an item of it."""

    count: int
    sample: list[str]


class MosScale(TypedDict):
    """What ``best`` holds, or an item of it."""

    worst: float
    best: float


class LabelFile(TypedDict):
    """What ``key_constants`` holds, or an item of it."""

    path: str
    key_column: str | list[str]
    mos_column: str
    key_normalize: str | list[str]
    key_regex: str | list[str]
    mos_scale: Literal["per-row"] | Literal["auto", "1-5", "0-100", "per-value"] | str | MosScale
    rows: int
    rows_without_key: int
    config: dict[str, Any]
    source: str
    mos_raw_column: NotRequired[str]
    mos_scale_column: NotRequired[str]
    key_template: NotRequired[str]
    key_constants: NotRequired[dict[str, str]]


class MosStats(TypedDict):
    """What ``mean`` holds, or an item of it."""

    min: float | None
    q1: float | None
    median: float | None
    q3: float | None
    max: float | None
    mean: float | None


class Group(TypedDict):
    """What ``match_rate`` holds, or an item of it."""

    value: str | None
    input_rows: int
    rows_without_key: int
    total_feature_keys: int
    matched_feature_keys: int
    match_rate: float


class MatchRateBy(TypedDict):
    """What ``groups`` holds, or an item of it."""

    column: str
    groups: list[Group]


class Sample(TypedDict):
    """What ``row`` holds, or an item of it."""

    key: str
    raw_value: str | None
    file: str
    row: int


class DiagnosisKeys(TypedDict):
    """What ``sample`` holds, or an item of it."""

    count: int
    sample: list[Sample]


class ValueWithoutKey(TypedDict):
    """What ``rows`` holds, or an item of it."""

    raw_value: str | None
    file: str
    row: int
    rows: int


class Example(TypedDict):
    """What ``label_key`` holds, or an item of it."""

    key: str
    label_key: str


class Colliding(TypedDict):
    """What ``label_key`` holds, or an item of it."""

    count: int
    keys: list[str]
    label_key: str


class NearMiss(TypedDict):
    """What ``colliding`` holds, or an item of it."""

    difference: str
    keys: int
    ambiguous: int
    feature_extension: str | None
    label_extension: str | None
    examples: list[Example]
    advice: str
    colliding: NotRequired[Colliding]


class Part(TypedDict):
    """What ``total`` holds, or an item of it."""

    side: Literal["feature", "label"]
    place: Literal["begin", "end"]
    part: str
    keys: int
    total: int


class InCommon(TypedDict):
    """What ``options`` holds, or an item of it."""

    parts: list[Part]
    would_meet: int
    options: dict[str, Any]


class Diagnosis(TypedDict):
    """What ``in_common`` holds, or an item of it."""

    input_rows: int
    rows_without_key: int
    total_feature_keys: int
    matched_feature_keys: int
    labels_loaded: int
    unmatched_feature_keys: DiagnosisKeys
    unused_label_keys: DiagnosisKeys
    values_without_key: list[ValueWithoutKey]
    near_misses: list[NearMiss]
    in_common: NotRequired[InCommon]


class Features(TypedDict):
    """What ``glob`` holds, or an item of it."""

    glob: str


class AuditPart(TypedDict):
    """What ``bytes`` holds, or an item of it."""

    path: str
    rows: int
    rows_without_key: int
    matched_rows: int
    features_sha256: str
    sha256: str | None
    bytes: int | None


class ExtraColumn(TypedDict):
    """What ``column`` holds, or an item of it."""

    output: str
    path: str
    column: str


class ColumnLeftOut(TypedDict):
    """What ``why`` holds, or an item of it."""

    path: str
    column: str
    looks_like: Literal["spread", "votes", "score"]
    why: str


class JoinedSample(TypedDict):
    """What ``feature_file`` holds, or an item of it."""

    row: int
    raw_value: str | None
    key: str
    label_file: str
    label_row: int
    label_value: str | None
    mos_text: str
    mos: float
    mos_raw_0_100: float
    feature_file: NotRequired[str]


class Unmatched(TypedDict):
    """What ``bytes`` holds, or an item of it."""

    path: str
    sha256: str
    bytes: int


class Audit(TypedDict):
    """The audit of one labelled table."""

    schema: Literal["mos-label-materializer-audit-v1"]
    feature_table: str
    output: str | None
    feature_key_column: str | list[str]
    label_key_column: str | list[str]
    label_mos_column: str
    key_normalize: Literal["auto", "raw", "basename", "stem"]
    feature_key_regex: str | list[str]
    label_key_regex: str | list[str]
    min_match_rate: float
    match_rate: float
    input_rows: int
    output_rows: int
    matched_rows: int
    missing_rows: int
    rows_without_key: int
    total_feature_keys: int
    matched_feature_keys: int
    unmatched_feature_keys: Keys
    key_collisions: Keys
    labels_loaded: int
    unused_label_keys: Keys
    label_sources: list[str]
    label_files: list[LabelFile]
    label_rows_without_key: int
    duplicate_labels: int
    missing_mos_rows: int
    clipped_mos_rows: int
    nulled_numbers: int
    mos_stats: MosStats
    mos_histogram: list[int]
    output_sha256: str | None
    output_bytes: int | None
    warnings: list[str]
    match_rate_by: MatchRateBy | None
    diagnosis: Diagnosis | None
    config: dict[str, Any]
    run_provenance: dict[str, Any]
    features: NotRequired[str | Features | list[str | Features]]
    parts: NotRequired[list[AuditPart]]
    feature_key_template: NotRequired[str]
    key_case: NotRequired[Literal["exact", "fold"]]
    extra_columns: NotRequired[list[ExtraColumn]]
    columns_left_out: NotRequired[list[ColumnLeftOut]]
    mos_stats_by_key: NotRequired[MosStats]
    mos_histogram_by_key: NotRequired[list[int]]
    clipped_histogram: NotRequired[list[int]]
    clipped_histogram_by_key: NotRequired[list[int]]
    joined_sample: NotRequired[list[JoinedSample]]
    unmatched: NotRequired[Unmatched | None]


class Summary(TypedDict):
    """What ``labels_loaded`` holds, or an item of it."""

    input_rows: int
    output_rows: int
    matched_rows: int
    missing_rows: int
    match_rate: float
    labels_loaded: int


class TableEntry(TypedDict):
    """A table in a report."""

    id: str
    status: Literal["ok", "unchanged", "error", "not-run"]
    features: str
    labels: list[str]
    out: str
    audit_json: str | None
    config: dict[str, Any]
    error: NotRequired[str]
    error_code: NotRequired[str]
    found: NotRequired[list[dict[str, Any]]]
    output_sha256: NotRequired[str]
    summary: NotRequired[Summary]
    mos_stats: NotRequired[MosStats]
    warnings: NotRequired[list[str]]
    diagnosis: NotRequired[Diagnosis]
    feature_key_column: NotRequired[str | list[str]]
    unmatched: NotRequired[str]


class ReportSummary(TypedDict):
    """What ``missing_rows`` holds, or an item of it."""

    tables: int
    failed_tables: int
    input_rows: int
    output_rows: int
    matched_rows: int
    missing_rows: int


class Changes(TypedDict):
    """What ``new`` holds, or an item of it."""

    what: str
    old: str | float | list[str]
    new: str | float | list[str]


class Tables(TypedDict):
    """What ``changes`` holds, or an item of it."""

    id: str
    change: Literal["added", "gone", "changed", "same"]
    status: str
    changes: list[Changes]


class Comparison(TypedDict):
    """What ``outputs_not_compared`` holds, or an item of it."""

    report: str
    tables: list[Tables]
    outputs_not_compared: list[str]


class Report(TypedDict):
    """The report of a batch."""

    schema: Literal["mos-label-materializer-batch-v1"]
    status: Literal["ok", "failed"]
    manifest: str
    summary: ReportSummary
    tables: list[TableEntry]
    run_provenance: dict[str, Any]
    dry_run: NotRequired[bool]
    comparison: NotRequired[Comparison]
    manifest_tables: NotRequired[int]
