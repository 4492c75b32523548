"""Lines of Python that write a CSV file of a table in a format that is not read."""

from __future__ import annotations

import os

_PICKLE = "opening it can run a program, so convert it only if you trust who made it"
_SHEET = "save the sheet as CSV"
_SHEET_LINES = (
    "import pandas",
    "table = pandas.read_excel({path!r}, dtype=str, keep_default_na=False)",
    "table.to_csv({csv!r}, index=False)",
)
_PICKLE_LINES = (
    "import pandas",
    "table = pandas.DataFrame(pandas.read_pickle({path!r}))",
    "table.reset_index().to_csv({csv!r}, index=False)",
)
_TORCH_LINES = (
    "import pandas, torch",
    "table = torch.load({path!r}, map_location='cpu', weights_only=True)",
    "pandas.DataFrame(table).reset_index().to_csv({csv!r}, index=False)",
)
_CONVERSIONS = {
    ".py": (
        "a program is not run to read a table; if it has a dict of scores by clip, say labels",
        (
            "import pandas, runpy",
            "labels = runpy.run_path({path!r})['labels']",
            "pandas.Series(labels, name='mos').rename_axis('clip').to_csv({csv!r})",
        ),
    ),
    ".pkl": (_PICKLE, _PICKLE_LINES),
    ".pickle": (_PICKLE, _PICKLE_LINES),
    ".pt": (_PICKLE, _TORCH_LINES),
    ".pth": (_PICKLE, _TORCH_LINES),
    ".xls": (_SHEET, _SHEET_LINES),
    ".npy": (
        "an array has no names of columns, so give them with column_names if need be",
        (
            "import numpy, pandas",
            "table = pandas.DataFrame(numpy.load({path!r}))",
            "table.to_csv({csv!r}, index=False)",
        ),
    ),
    ".npz": (
        "its arrays become columns if they have one length",
        (
            "import numpy, pandas",
            "arrays = numpy.load({path!r})",
            "pandas.DataFrame({{name: arrays[name] for name in arrays}}).to_csv({csv!r}, index=False)",
        ),
    ),
}


def conversion(path: str) -> str | None:
    """Return what to do with a table, and three lines of Python that write it as CSV; None if its format is unknown.

    The lines stand in one line, each after a semicolon, as ``python -c`` takes them.
    """
    stem, suffix = os.path.splitext(path)
    if suffix.lower() not in _CONVERSIONS:
        return None
    note, lines = _CONVERSIONS[suffix.lower()]
    return f"{note}: {'; '.join(lines).format(path=path, csv=f'{stem}.csv')}"
