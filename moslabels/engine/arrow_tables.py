"""The Arrow tables that the statements of a session read, by the names that these read them by."""

from __future__ import annotations

import pyarrow as pa

from moslabels.engine.sessions import Connection
from moslabels.engine.statements import quote_identifier


class ArrowTables:
    """Arrow tables of a session. DuckDB gets one by :meth:`register`, or with the first statement that names it."""

    def __init__(self, session: Connection) -> None:
        self._session = session
        self._unread: dict[str, pa.Table] = {}
        self.count = 0

    def add(self, table: pa.Table) -> str:
        """Return the name of another table."""
        name = _name(self.count)
        self.count += 1
        self._unread[name] = table
        return name

    def register(self, name: str) -> None:
        """Let statements read a table. If DuckDB refuses it, none can."""
        self._session.register(name, self._unread.pop(name))

    def register_for(self, sql: str) -> None:
        """Let a statement read the tables that it is the first to name."""
        for name in [name for name in self._unread if quote_identifier(name) in sql]:
            self._session.register(name, self._unread[name])
            del self._unread[name]  # Not before: the statement may run again with more memory.

    def since(self, count: int) -> list[str]:
        """Return the names of the tables after the first ``count`` that DuckDB has, and forget the others."""
        names = [_name(number) for number in range(count, self.count)]
        self.count = count
        return [name for name in names if self._unread.pop(name, None) is None]

    def unregister(self, name: str) -> None:
        self._session.unregister(name)


def _name(number: int) -> str:
    return f"in_memory_{number + 1}"
