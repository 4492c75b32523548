"""Contract 9: exit statuses, streams, flags."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from helpers.command import ENVIRONMENT, moslabels, process, python
from helpers.tables import write_table
from moslabels.cli import main
from moslabels.command.commands import command_parser
from moslabels.spec.options import FIELDS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_table(tmp_path / "f.jsonl", [{"key": "a"}, {"key": "b"}])
    write_table(tmp_path / "l.csv", [{"key": "a", "mos": 3}, {"key": "b", "mos": 60}])
    table = {"features": "f.jsonl", "labels": [{"path": "l.csv", "mos_scale": "per-value"}]}
    manifest = {
        "tables": [
            {**table, "id": "good", "out": "good.csv"},
            {**table, "id": "bad", "out": "bad.csv", "labels": ["none.csv"]},
        ]
    }
    (tmp_path / "both.json").write_text(json.dumps(manifest))
    (tmp_path / "good.json").write_text(json.dumps({"tables": manifest["tables"][:1]}))
    return tmp_path


def test_all_labelled(folder: Path) -> None:
    done = process("batch", "good.json", "--report-json", "r.json", "--report-md", "r.md", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "good: ok: match rate 1.000, 2 of 2 rows labelled -> good.csv\n1 of 1 tables labelled\n"
    assert json.loads((folder / "r.json").read_text())["run_provenance"]["argv"][:2] == ["batch", "good.json"]
    assert "| good | ok | 1.000 | 2 | 0 | `good.csv` |" in (folder / "r.md").read_text()


def test_the_report_goes_to_standard_output_where_no_file_is_named(folder: Path) -> None:
    done = moslabels("batch", "good.json", cwd=folder)
    assert json.loads(done.stdout)["status"] == "ok"


def test_a_failed_table(folder: Path) -> None:
    done = process("batch", "both.json", "--report-json", "r.json", cwd=folder)
    assert done.returncode == 1
    assert "bad: error: none.csv: there is no such file\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert (folder / "good.csv").exists()
    assert [table["status"] for table in json.loads((folder / "r.json").read_text())["tables"]] == ["ok", "error"]


def test_fail_fast(folder: Path) -> None:
    manifest = json.loads((folder / "both.json").read_text())
    manifest["tables"].reverse()
    (folder / "both.json").write_text(json.dumps(manifest))
    done = moslabels("batch", "both.json", "--fail-fast", cwd=folder)
    assert done.returncode == 1
    assert "0 of 2 tables labelled, 1 not run" in done.stderr
    assert not (folder / "good.csv").exists()


WRONG = [
    (["batch"], "MANIFEST"),
    (["batch", "none.json"], "there is no such manifest"),
    (["batch", "good.json", "--report-json", "f.jsonl"], "is also tables[0].features"),
    (["materialize", "--features", "f.jsonl", "--labels", "l.csv"], "--out"),
    (
        ["materialize", "--features", "f.jsonl", "--labels", "l.csv", "--out", "o.csv", "--min-match-rate", "x"],
        "not a number",
    ),
    (
        ["materialize", "--features", "f.jsonl", "--labels", "l.csv", "--out", "o.csv", "--min-match-rate", "2"],
        "from 0 to 1",
    ),
    (["materialize", "--features", "f.jsonl", "--labels", "l.csv", "--out", "o.csv", "--mos-scale", "{"], "not JSON"),
    (["materialize", "--features", "f.jsonl", "--labels", "{", "--out", "o.csv"], "not JSON"),
    (["materialize", "--features", "f.jsonl", "--labels", "l.csv", "--out", "f.jsonl"], "is also features"),
]


@pytest.mark.parametrize(("arguments", "found"), WRONG)
def test_wrong_usage(folder: Path, arguments: list[str], found: str) -> None:
    before = sorted(folder.iterdir())
    done = moslabels(*arguments, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert found in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(folder.iterdir()) == before


def test_materialize(folder: Path) -> None:
    label = json.dumps({"path": "l.csv", "mos_scale": "per-value"})
    done = moslabels("materialize", "--features", "f.jsonl", "--labels", label, "--out", "o.csv", cwd=folder)
    assert done.returncode == 0
    assert json.loads(done.stdout)["matched_rows"] == 2
    assert done.stderr == "match rate 1.000, 2 of 2 rows labelled -> o.csv\n"
    done = moslabels(
        "materialize",
        "--features",
        "f.jsonl",
        "--labels",
        "l.csv",
        "--out",
        "o.csv",
        "--audit-json",
        "a.json",
        cwd=folder,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith('moslabels: l.csv: column "mos": the scale of the scores cannot be told')


VALUES = {
    "min_match_rate": "0.5",
    "warn_match_rate": "0.6",
    "mos_tolerance": "0.1",
    "key_normalize": "raw",
    "out_of_range": "clip",
    "max_clipped": "0.1",
    "missing_mos": "skip",
    "mos_scale": '{"worst": 0, "best": 100}',
    "missing_values": '["NA"]',
    "extras": "[]",
    "label_csv": '{"delimiter": ","}',
    "feature_csv": '{"header": true}',
    "feature_key_column": "key",
    "label_key_column": "key",
    "label_mos_column": "mos",
    "feature_key_regex": "(.)",
    "label_key_regex": "(.)",
    "match_rate_by": "key",
    "status_column": "state",
    "overwrite": None,
    "examples": '{"a": "a", "": null}',
    "confirm": '["the scale"]',
}


# What cannot stand beside those above.
OTHER_VALUES = {
    "mos_scale_column": "scale",
    "feature_key_column": ["corpus", "key"],
    "label_key_column": ["corpus", "key"],
    "feature_key_template": "{0}/{1}",
    "label_key_template": "{0}/{1}",
    "key_constants": {"corpus": "C"},
    "key_case": "fold",
}


def test_every_option_is_a_flag(folder: Path) -> None:
    assert {*VALUES, *OTHER_VALUES, "partitions"} == set(FIELDS)
    flags = [
        text for name, value in VALUES.items() for text in (f"--{name.replace('_', '-')}", value) if text is not None
    ]
    done = moslabels("materialize", "--features", "f.jsonl", "--labels", "l.csv", "--out", "o.csv", *flags, cwd=folder)
    assert done.returncode == 0, done.stderr
    args = json.loads(done.stdout)["run_provenance"]["args"]
    assert (args["min_match_rate"], args["overwrite"], args["missing_values"]) == (0.5, True, ["NA"])
    assert args["mos_scale"] == {"worst": 0, "best": 100}


def test_every_other_option_is_a_flag(tmp_path: Path) -> None:
    write_table(tmp_path / "f.csv", [{"corpus": "c", "key": "a"}])
    write_table(tmp_path / "l.csv", [{"key": "a", "mos": 50, "scale": "0-100"}])
    given = [
        (name, json.dumps(one) if isinstance(one, dict) else one)
        for name, value in OTHER_VALUES.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    flags = [text for name, value in given for text in (f"--{name.replace('_', '-')}", value)]
    done = moslabels("materialize", "--features", "f.csv", "--labels", "l.csv", "--out", "o.csv", *flags, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    args = json.loads(done.stdout)["run_provenance"]["args"]
    assert {name: args[name] for name in OTHER_VALUES} == OTHER_VALUES


def test_options_of_many_parts_are_flags(tmp_path: Path) -> None:
    write_table(tmp_path / "f" / "corpus=c" / "p.parquet", [{"key": "a"}])
    write_table(tmp_path / "l.csv", [{"corpus": "c", "key": "a", "mos": 3}])
    keys = [
        text for side in ("feature", "label") for name in ("corpus", "key") for text in (f"--{side}-key-column", name)
    ]
    flags = ["--partitions", "corpus", "--workers", "2", *keys]
    for number, features in enumerate(("f", '{"glob": "f/*/*"}', '["f/corpus=c/p.parquet"]')):
        out = f"o{number}"
        done = moslabels("materialize", "--features", features, "--labels", "l.csv", "--out", out, *flags, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        args = json.loads(done.stdout)["run_provenance"]["args"]
        assert (args["partitions"], args["workers"]) == ("corpus", 2)


def test_a_terminal_that_speaks_ascii(folder: Path) -> None:
    (folder / "f.jsonl").rename(folder / "é.jsonl")
    environment = {**ENVIRONMENT, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "moslabels", "materialize", "--features", "é.jsonl", "--labels", "l.csv"]
    command += ["--mos-scale", "per-value", "--out", "é.csv"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode("utf-8"))["output"] == "é.csv"


def test_a_path_that_is_not_utf_8(folder: Path) -> None:
    done = process("materialize", "--features", "f.jsonl", "--labels", "l.csv", "--out", b"o\xff.csv", cwd=folder)
    assert done.returncode == 2
    assert "bytes that are not UTF-8" in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_while_duckdb_works(folder: Path) -> None:
    code = (
        "import os, signal, sys, threading, moslabels.cli, moslabels.engine.connection as e\n"
        "from moslabels.engine.statements import Statement\n"
        "def slow(self, *args):\n"
        "    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "    sql = 'SELECT sum(sin(range)) FROM range(9000000000)'\n"
        "    return self.rows(Statement('slow', sql))\n"
        "e.Engine.row = slow\n"
        "sys.exit(moslabels.cli.main(['batch', 'both.json']))"
    )
    done = python("-c", code, cwd=folder)
    assert done.returncode == 130
    assert done.stderr == "moslabels: interrupted\n"
    assert [table["status"] for table in json.loads(done.stdout)["tables"]] == ["error", "not-run"]
    assert not (folder / "good.csv").exists()


def test_a_reader_that_leaves_early(folder: Path) -> None:
    command = f'"{sys.executable}" -m moslabels batch good.json | head -c 1'
    done = subprocess.run(command, shell=True, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.stdout == "{"
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_ctrl_c_is_130(folder: Path) -> None:
    code = (
        "import sys, moslabels.runs.batch, moslabels.cli\n"
        "def stop(*args, **kwargs): raise KeyboardInterrupt\n"
        "moslabels.runs.batch.run_batch = stop\n"
        "sys.exit(moslabels.cli.main(['batch', 'good.json']))"
    )
    done = python("-c", code, cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "moslabels: interrupted\n")


NO_LOCKS = """
import sys
sys.modules["fcntl"] = None
from moslabels import MosLabelsError, join, load_manifest, materialize, run_batch
from moslabels.cli import main
for arguments in (
    ["--version"],
    ["schema", "audit"],
    ["batch", "both.json", "--report-json", "r.json"],
    ["batch", "both.json", "--dry-run"],
    ["materialize", "--features", "f.jsonl", "--labels", "l.csv", "--out", "new/o.csv", "--audit-json", "a.json",
     "--mos-scale", "per-value"],
    ["suggest", "--features", "f.jsonl", "--labels", "l.csv"],
    ["explain", "--manifest", "both.json", "--table", "good", "a"],
    ["sql", "*.audit.json", "--db", "x.duckdb"],
):
    print(arguments[0].strip("-"), main(arguments), file=sys.stderr)
"""


@pytest.mark.sampled
def test_a_system_without_locks_of_files(folder: Path) -> None:
    """Every command does what it does with them, and leaves the same bytes and no lock file."""
    (folder / "a.audit.json").write_text('{"schema": "mos-label-materializer-audit-v1"}')
    with_locks = folder.with_name("with")
    shutil.copytree(folder, with_locks)
    done = python("-c", NO_LOCKS, cwd=folder)
    other = python("-c", NO_LOCKS.replace('sys.modules["fcntl"] = None', ""), cwd=with_locks)
    assert (done.stdout, done.stderr) == (other.stdout, other.stderr)
    says = [line for line in done.stderr.splitlines() if re.fullmatch("[a-z]+ [0-9]", line)]
    statuses = ("version 0", "schema 0", "batch 1", "batch 1", "materialize 0", "suggest 0", "explain 0", "sql 0")
    assert says == [*statuses], done.stderr
    assert tree(folder) == tree(with_locks)
    assert not [name for name in tree(folder) if "moslabels" in name]


def tree(folder: Path) -> dict[str, bytes]:
    """The bytes of each file below a folder; of a database, which holds when it was written, none."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() if path.suffix != ".duckdb" else b"" for path in paths}


def test_the_manifest_by_its_flag_is_the_manifest_by_its_place(folder: Path) -> None:
    reports = []
    (folder / "good.json").rename(folder / "m.json")
    for arguments in (["m.json"], ["--manifest", "m.json"], ["--manifest=m.json"]):
        done = moslabels("batch", *arguments, "--report-json", "r.json", cwd=folder)
        assert done.returncode == 0, done.stderr
        report = json.loads((folder / "r.json").read_text())
        argv = report["run_provenance"].pop("argv")
        assert argv == ["batch", *arguments, "--report-json", "r.json"]
        reports.append((report, done.stderr))
    assert reports[0] == reports[1] == reports[2]
    for arguments, problem in (
        (["m.json", "--manifest", "m.json"], "MANIFEST and --manifest are the same: give one"),
        ([], "the following arguments are required: MANIFEST"),
    ):
        done = moslabels("batch", *arguments, cwd=folder)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"moslabels: the arguments are wrong; see moslabels batch --help:\n  {problem}\n"


@pytest.mark.parametrize("command", ["batch", "materialize"])
def test_short_flags(command: str) -> None:
    arguments = {"batch": ["m.json"], "materialize": ["--features", "f", "--labels", "l", "--out", "o"]}[command]
    for short, name in (("-q", "quiet"), ("-v", "verbose")):
        parsed = command_parser().parse_args([command, *arguments, short])
        assert vars(parsed) == vars(command_parser().parse_args([command, *arguments, f"--{name}"]))
        assert getattr(parsed, name) is True


def test_root_leaves_the_process_in_its_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    (folder / "below").mkdir()
    for arguments in (["verify", "none.json", "--root", "below"], ["verify", "both.json", "--root", "below", "--json"]):
        assert main(arguments) == 2
        assert os.getcwd() == str(folder)


STREAMS = {
    # how the shell starts the command, and the stream whose reader has left -> the last line on standard error
    "no standard error": ("2>&-", None, None),
    "a full log": ("2>/dev/full", None, None),
    "a log without a reader": ("", "stderr", None),
    "no standard output": (">&-", None, "moslabels: standard output: is closed"),
    "a full disk": (">/dev/full", None, "moslabels: standard output: No space left on device"),
    "an output without a reader": ("", "stdout", "1 of 2 tables labelled"),
    "no stream at all": ("<&- >&- 2>&-", None, None),
}


def with_streams(folder: Path, case: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    redirection, without_reader, _ = STREAMS[case]
    reader, writer = os.pipe()
    os.close(reader)
    streams: dict[str, int] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if without_reader:
        streams[without_reader] = writer
    shell = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "moslabels", *arguments]
    try:
        return subprocess.run(shell, cwd=folder, env=ENVIRONMENT, text=True, check=False, timeout=60, **streams)  # type: ignore[call-overload]
    finally:
        os.close(writer)


@pytest.mark.sampled
@pytest.mark.parametrize("case", STREAMS)
def test_streams_that_take_nothing_stop_nothing(folder: Path, case: str) -> None:
    done = with_streams(folder, case, "batch", "both.json", "--report-md", "r.md", "-v")
    assert done.returncode == 1
    assert (
        (folder / "good.csv").read_text().startswith("key,mos,mos_raw_0_100,mos_label_status,mos_label_source\na,3.0,")
    )
    assert "| bad | error |" in (folder / "r.md").read_text()
    assert "Traceback" not in f"{done.stdout}{done.stderr}"
    last = STREAMS[case][2]
    if last is not None:
        assert done.stderr.splitlines()[-1] == last
    elif "stream" not in case:
        assert json.loads(done.stdout)["summary"]["tables"] == 2


@pytest.mark.sampled
@pytest.mark.parametrize(("case", "status"), [("a full log", 0), ("a full disk", 1), ("no stream at all", 1)])
def test_the_status_says_whether_a_program_got_its_answer(folder: Path, case: str, status: int) -> None:
    assert with_streams(folder, case, "batch", "good.json").returncode == status
    assert (folder / "good.csv").exists()
    assert with_streams(folder, case, "batch", "good.json", "--report-json", "r.json").returncode == 0


class Closed(io.StringIO):
    """A stream that Python has closed, as far as writing goes."""

    def write(self, _: str) -> int:
        raise ValueError("I/O operation on closed file")

    def isatty(self) -> bool:
        raise ValueError("I/O operation on closed file")


@pytest.mark.sampled
@pytest.mark.parametrize("stream", [None, Closed()], ids=["none, as under pythonw", "closed"])
@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_streams_of_another_kind(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, stream: Any) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, name, stream)
    assert main(["materialize", "--features", "f.jsonl", "--labels", '{"path": "l.csv", "mos_scale": "per-value"}',
                 "--out", "o.csv"]) == (1 if name == "stdout" else 0)  # fmt: skip
    assert (folder / "o.csv").exists()
    assert main(["batch", "good.json", "--report-json", "r.json"]) == 0
    assert (folder / "r.json").exists()


def test_standard_output_of_a_caller_without_bytes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(["batch", "good.json"]) == 0
    assert json.loads(out.getvalue())["status"] == "ok"


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "ascii"])
def test_a_terminal_of_another_encoding(folder: Path, encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "moslabels", "verify", "caf\u00e9.json", "\u6620.json"], cwd=folder,
        env={**ENVIRONMENT, "PYTHONIOENCODING": encoding}, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_an_unforeseen_exception_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any) -> None:
        raise KeyError("no\nsuch thing")

    monkeypatch.chdir(folder)
    monkeypatch.setattr("moslabels.labelling.pipeline.match_features", fail)
    one = ["materialize", "--features", "f.jsonl", "--labels", "l.csv", "--out", "o.csv", "--mos-scale", "per-value"]
    for arguments in (one, ["batch", "good.json"]):
        assert main(arguments) == 1
        said = capsys.readouterr().err.splitlines()
        assert (
            len([line for line in said if "internal error: KeyError: 'no\\nsuch thing' (pipeline.py, line" in line])
            == 1
        )
        assert "Traceback" not in "".join(said)
        assert main([*arguments, "--verbose"]) == 1
        assert "Traceback (most recent call last):" in capsys.readouterr().err
    monkeypatch.setattr("moslabels.evidence.json_schema.schema_text", fail)
    assert main(["schema"]) == 1
    assert capsys.readouterr().err.startswith("moslabels: internal error: KeyError")


SLOW = """
import os, signal, sys, threading
from moslabels.labelling import pipeline
from moslabels.cli import main
from moslabels.engine.statements import Statement
real = pipeline.match_features
def slow(engine, *rest):
    if os.path.exists("good.csv"):
        threading.Timer(0.3, os.kill, (os.getpid(), SIGNAL)).start()
        engine.run(Statement("slow", "SELECT sum(sin(range)) FROM range(9000000000)"))
    return real(engine, *rest)
pipeline.match_features = slow
before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
status = main(["batch", "three.json", "--report-json", "r.json", "--temp-dir", "."])
assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
sys.exit(status)
"""
SIGNALS = {
    signal.SIGINT: (130, "moslabels: interrupted\n", "KeyboardInterrupt"),
    signal.SIGTERM: (143, "moslabels: ended by SIGTERM\n", "Terminated: SIGTERM"),
    signal.SIGHUP: (129, "moslabels: ended by SIGHUP\n", "Terminated: SIGHUP"),
}


@pytest.mark.sampled
@pytest.mark.parametrize("number", SIGNALS)
def test_signals_clean_up_and_leave_the_report(folder: Path, number: int) -> None:
    status, says, error = SIGNALS[signal.Signals(number)]
    document = json.loads((folder / "good.json").read_text())
    (table,) = document["tables"]
    document["tables"] = [table, {**table, "id": "two", "out": "two.csv"}, {**table, "id": "three", "out": "three.csv"}]
    (folder / "three.json").write_text(json.dumps(document))
    before = set(os.listdir(folder))
    code = SLOW.replace("SIGNAL", str(int(number)))
    # Whoever runs the tests may ignore hang-ups, as nohup does, and what they start then does so too.
    done = python("-c", f"import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)\n{code}", cwd=folder)
    assert done.returncode == status, done.stderr
    assert done.stderr == f"good: ok: match rate 1.000, 2 of 2 rows labelled -> good.csv\n{says}"
    report = json.loads((folder / "r.json").read_text())
    assert [table["status"] for table in report["tables"]] == ["ok", "error", "not-run"]
    assert report["tables"][1]["error"] == f"not finished: {error}"
    assert report["status"] == "failed"
    assert set(os.listdir(folder)) == before | {"good.csv", "r.json"}


def test_a_signal_that_is_ignored_stays_so(folder: Path) -> None:
    code = SLOW.replace("SIGNAL", str(int(signal.SIGHUP))).replace("9000000000", "3000").replace("0.3", "0")
    code = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{code}".replace("three.json", "good.json")
    (folder / "good.csv").write_text("old")
    done = python("-c", code, cwd=folder)
    assert (done.returncode, done.stdout) == (0, "")
