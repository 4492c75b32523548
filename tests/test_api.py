"""What `import moslabels` gives."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

import moslabels
from helpers.tables import write_table
from moslabels.spec.options import FIELDS, OptionKeywords, Options

ORDERS = list(permutations(["materialize", "load_manifest", "run_batch"]))


def test_names_are_functions_in_whatever_order_they_are_imported() -> None:
    """In one process of its own, which forgets the package before each order."""
    code = "import sys\n"
    for names in ORDERS:
        code += (
            "for name in [*sys.modules]:\n"
            "    if name.partition('.')[0] == 'moslabels':\n"
            "        del sys.modules[name]\n"
            f"from moslabels import {', '.join(names)}\nimport moslabels\n"
            f"assert all(map(callable, ({', '.join(names)}))), {names}\n"
            f"assert callable(moslabels.materialize) and callable(moslabels.run_batch), {names}\n"
        )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_all_is_there_and_nothing_else_is_promised() -> None:
    assert all(hasattr(moslabels, name) for name in moslabels.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        moslabels.nonsense  # noqa: B018
    assert issubclass(moslabels.MosLabelsError, ValueError)


def test_completion_offers_the_public_names_alone() -> None:
    code = (
        "import moslabels, moslabels.runs.ask, moslabels.suggestions.search\nprint(dir(moslabels), moslabels.suggest)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True, text=True
    )
    assert done.stdout.startswith(f"{sorted(moslabels.__all__)} <function suggest")


def test_the_call_that_the_contract_shows(tmp_path: Path) -> None:
    features, labels = (write_table(tmp_path / name, [{"key": "a", "mos": 3}]) for name in ("f.csv", "l.csv"))
    features.write_text("clip\na\n")
    written = tmp_path / "a.json"
    audit = moslabels.materialize(features, [labels], tmp_path / "o.csv", written, feature_key_column="clip")
    assert json.loads(written.read_text()) == audit


def as_keyword(kind: Any) -> Any:
    """The type of an option as a keyword: what its value is settled from."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType or origin is typing.Union:
        takes_text = str in inner
        kinds = [
            Sequence[typing.get_args(one)[0]] if takes_text and typing.get_origin(one) is tuple else as_keyword(one)
            for one in inner
        ]
        return typing.Union[tuple(kinds)]  # noqa: UP007
    if origin is tuple:
        return list[inner[0]] | kind  # A text alone is none.
    return Mapping[inner[0], as_keyword(inner[1])] if origin is dict else kind


SHORT = {"label_csv", "feature_csv", "missing_values", "partitions"}
"""Options that may also be given as a plain text."""


def test_the_keywords_are_those_of_the_options() -> None:
    options, keywords = typing.get_type_hints(Options), typing.get_type_hints(OptionKeywords)
    assert list(keywords) == list(FIELDS)
    wanted = {name: as_keyword(options[name]) for name in FIELDS}
    assert keywords == {name: str | kind if name in SHORT else kind for name, kind in wanted.items()}
    for function in (moslabels.materialize, moslabels.join, moslabels.labeller):
        parameters = inspect.signature(function).parameters
        assert [name for name in parameters if name in FIELDS] == list(FIELDS)
        assert not [one for one in parameters.values() if one.kind is one.VAR_KEYWORD]


TYPED = """
from typing import Any
from moslabels import Audit, Options, Progress, Report, TableEntry, join, labeller, materialize, run_batch

names: list[str] = ["a", "b"]
config: dict[str, Any] = {}
audit: Audit = materialize("f", ["l"], "o", min_match_rate=0.9, feature_key_column=names, threads=2)
materialize("f", ["l"], "o", feature_key_regex=names, label_csv={"header": False}, match_rate_by=None, overwrite=True)
join("f", "l", mos_scale={"worst": 100, "best": 0}, extras={"a": "b"}, missing_values=["NA"], **config).to_pandas()
rate: float = audit["match_rate"]
file: str = audit["label_files"][0]["mos_column"]
report: Report = run_batch("m.json", on_table=lambda entry: print(entry["status"], entry.get("error")))
entry: TableEntry = report["tables"][0]
options: Options = {"min_match_rate": 0.9}
join("f", "l", **options).audit["matched_rows"] + 1
audit["match_rat"]  # wrong
join("f", "l").audit["matched_row"]  # wrong
report["tables"][0]["stat"]  # wrong
audit["match_rate"] + "%"  # wrong
wrong: Options = {"min_match_rat": 0.9}  # wrong
materialize("f", ["l"], "o", min_match_rat=0.9)  # wrong
join("f", "l", min_match_rat=0.9)  # wrong
materialize("f", ["l"], "o", min_match_rate="0.9")  # wrong
join("f", "l", mos_scale=5)  # wrong
join([1], "l")  # wrong
join("f", "l", missing_values=3)  # wrong
join("f", "l", extras=3)  # wrong
labeller("l", **options).join("f").audit["match_rat"]  # wrong
labeller("l", min_match_rat=0.9)  # wrong
total: int = labeller("l").batches([], schema=None).audit["input_rows"]
labeller("l").batches([]).audit["match_rat"]  # wrong
labeller("l").batches(5)  # wrong
labeller("l").batches([], schem=None)  # wrong
class Steps(Progress):
    def step(self, name: str, total: int = 0, unit: str = "rows", done: int = 0) -> None: print(name)
class Half:
    def table(self, name: str, number: int, count: int) -> None: ...
materialize("f", ["l"], "o", progress=Steps(), timings="t.json", skip_unchanged=True)
run_batch("m.json", tables=["a"], on_table=lambda entry: print(entry["timings"]["steps"][0]["seconds"] + 1))
run_batch("m.json", progress=Half())  # wrong
run_batch("m.json", on_table=lambda entry: print(entry["timings"]["second"]))  # wrong
"""


def test_a_type_checker_finds_wrong_keywords(tmp_path: Path) -> None:
    mypy = pytest.importorskip("mypy.api")
    script = tmp_path / "script.py"
    script.write_text(TYPED)
    modules = ["__init__.py", "base/errors.py", "base/progress.py", "runs/join.py", "runs/table.py", "runs/timings.py"]
    modules += [
        "spec/options.py",
        "runs/joined.py",
        "runs/labelled_batches.py",
        "runs/labeller.py",
        "runs/batch.py",
        "runs/ask.py",
        "runs/arguments.py",
        "runs/result_types.py",
        "evidence/timing_types.py",
        "evidence/types.py",
        "sources/record_batches.py",
        "sources/taken_over.py",
    ]
    package = [str(Path(moslabels.__file__).parent / name) for name in modules]
    # The other modules are not looked at: the signatures are in these.
    flags = ["--config-file=", "--strict", "--follow-imports=skip", f"--cache-dir={tmp_path / 'cache'}"]
    said, problem, _ = mypy.run([*flags, str(script), *package])
    wrong = [number for number, line in enumerate(TYPED.splitlines(), start=1) if line.endswith("# wrong")]
    found = re.findall(r"^.*script\.py:([0-9]+): error", said, re.MULTILINE)
    assert ([int(number) for number in found], problem) == (wrong, "")
