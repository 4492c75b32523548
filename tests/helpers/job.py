"""Label a small table in a folder of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.tables import Rows, read_table, write_table
from moslabels import materialize


class Job:
    """A feature table and label tables in a folder of their own, and what came of labelling them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.audit: dict[str, Any] = {}
        self.out = folder / "out.jsonl"

    def run(
        self,
        features: Any,
        labels: Any,
        *,
        features_name: str = "features.jsonl",
        labels_name: str = "labels.jsonl",
        out_name: str | None = None,
        **options: Any,
    ) -> Rows:
        """Label, and return the rows of the output. ``labels`` is the content of a file, or of several by name."""
        files: Mapping[str, Any] = labels if isinstance(labels, Mapping) else {labels_name: labels}
        paths = [self._file(name, content) for name, content in files.items()]
        source = self._file(features_name, features)
        self.out = self.folder / (out_name or "out.jsonl")
        self.audit = materialize(source, paths, self.out, **options)
        return read_table(self.out)

    def _file(self, name: str, content: Any) -> Path:
        """Return the path of a file that holds a content. A path is that of a file that is there."""
        return content if isinstance(content, Path) else write_table(self.folder / name, content)
