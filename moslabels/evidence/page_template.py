"""HTML from the templates in ``pages/``. Everything in ``{{ }}`` is escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from moslabels.base.text import visible

PAGES = Path(__file__).parent / "pages"
"""The folder of the templates."""


def _page_text(value: Any) -> Any:
    """Return what a page shows of a value: visible text, which Jinja then escapes, or a whole number.

    Raise TypeError for every other value.
    """
    if hasattr(value, "__html__"):  # What a macro of the template made.
        return value
    if isinstance(value, str):
        return visible(value)
    if type(value) is int:
        return value
    raise TypeError(f"no text for a page: {value!r}")


@cache
def page_environment() -> jinja2.Environment:
    """Return the Jinja environment of ``pages/``. It escapes everything that it shows."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGES),
        undefined=jinja2.StrictUndefined,
        finalize=_page_text,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters = {"count": "{:,}".format, "length": len}
    return made


def render_page(name: str, **context: Any) -> str:
    """Return the HTML of ``pages/<name>.html``. Values of the context become text, never markup."""
    return page_environment().get_template(f"{name}.html").render(context)
