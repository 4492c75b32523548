"""The engines that may label the parts of a table, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LOCAL = "local"
"""The engine that needs no other program: processes on this machine."""


@dataclass(frozen=True)
class EngineEntry:
    """An engine of another package: the class of its adapter, the package, and the extra that installs it.

    The class is called with the address (or None), the settings and the progress of the run. ``workers`` of the
    settings are the most tasks at a time. It raises TableError if it cannot begin.
    """

    adapter: str
    package: str
    extra: str


ENGINES: Mapping[str, EngineEntry] = {
    "ray": EngineEntry("moslabels.parts.on_ray.OnRay", "ray", "ray"),
    "spark": EngineEntry("moslabels.parts.on_spark.OnSpark", "pyspark", "spark"),
}
"""The engines but for ``local``."""
