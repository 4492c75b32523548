"""Types of what suggest, explain, verify and diff return, for type checkers. Each is a dict of JSON values."""

from typing import Any, Literal, NotRequired, TypedDict


class Suggestion(TypedDict):
    """A rule that was found, with what it was ranked by."""

    options: dict[str, Any]
    labels: list[Any]
    match_rate: float
    key_rate: float
    matched_feature_keys: int
    total_feature_keys: int
    input_rows: int
    labels_loaded: int
    label_rows_used: int
    label_rows_with_score: int
    key_collisions: int
    label_key_collisions: int
    conflicts: int
    contradictions_of_files: int
    duplicate_labels: int
    matched_values: str
    bits: float
    examples: list[dict[str, Any]]
    confirm: list[str]
    manifest: dict[str, Any]


class Suggestions(TypedDict):
    """Rules that join two tables, the best first, and what was looked at."""

    schema: str
    features: str
    labels: list[str]
    read: list[dict[str, Any]]
    scores: list[dict[str, Any]]
    tried: dict[str, Any]
    suggestions: list[Suggestion]
    left_out: list[str]


class Step(TypedDict):
    """How the value of one column becomes a part of the key."""

    column: str
    value: str
    type: str
    key_normalize: str
    regex: str | None
    fault: str | None
    text: str | None
    trimmed: str | None
    normalised: str | None
    extracted: str | None
    joined: NotRequired[str | None]
    folded: NotRequired[str | None]


class MetLabel(TypedDict):
    """A label: where it is, and its score."""

    key: str
    file: str
    row: int
    raw_value: str | None
    mos_text: str
    mos: float
    mos_raw_0_100: float


class NearLabel(TypedDict):
    """A label whose key is near."""

    key: str
    file: str
    row: int
    raw_value: str | None


class Explanation(TypedDict):
    """How a value becomes a key, and the label that it meets."""

    features: str
    steps: list[Step]
    key: str | None
    label: MetLabel | None
    nearest: list[NearLabel]
    template: NotRequired[str]
    wanted: NotRequired[str | list[str] | None]


class Claim(TypedDict):
    """Something that evidence claims and that is otherwise."""

    what: str
    claimed: Any
    found: Any


class VerifiedFile(TypedDict):
    """What was checked of one file."""

    path: str
    kind: str
    status: Literal["ok", "differs", "unknown"]
    differences: list[Claim]
    unknown: list[str]
    changed_inputs: list[str]
    missing: list[str]
    notes: list[str]


class Verification(TypedDict):
    """What was checked of evidence."""

    status: Literal["ok", "differs", "unknown"]
    files: list[VerifiedFile]
    outside: list[str]


class Clips(TypedDict):
    """How many clips there are, and the first of them."""

    count: int
    sample: list[str]


class NewScore(TypedDict):
    """A clip with another score."""

    key: str
    old: float
    new: float
    change: float


class NewScores(TypedDict):
    """The clips with another score."""

    count: int
    mean_change: float | None
    mean_absolute_change: float | None
    largest: list[NewScore]


class Parts(TypedDict):
    """How many parts there are, and the paths of the first of them."""

    count: int
    sample: list[str]


class ChangedPart(TypedDict):
    """A part with other features, rows or labels. The clips are those in it."""

    path: str
    features_changed: bool
    old_rows: int
    new_rows: int
    old_matched_rows: int
    new_matched_rows: int
    gained: int
    lost: int
    changed: int


class ChangedParts(TypedDict):
    """How many parts changed, and the first of them."""

    count: int
    sample: list[ChangedPart]


class PartsDifference(TypedDict):
    """What changed in the parts of a table. ``old`` and ``new`` say how many it has; None if it is one file."""

    old: int | None
    new: int | None
    added: Parts
    removed: Parts
    changed: ChangedParts
    same: int


class Change(TypedDict):
    """A part of the rule or of the inputs that changed."""

    what: str
    old: Any
    new: Any


class TableDifference(TypedDict):
    """What changed in one table."""

    id: str | None
    old: str
    new: str
    gained: Clips
    lost: Clips
    changed: NewScores
    same: int
    disjoint: bool
    parts: PartsDifference | None
    rule: list[Change]
    inputs: list[Change]


class Difference(TypedDict):
    """What changed between two runs."""

    same: bool
    tables: list[TableDifference]
    only_old: list[str]
    only_new: list[str]
    not_compared: list[str]
    outside: list[str]
