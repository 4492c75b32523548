"""The examples for job arrays: their commands label what a run labels."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.many import OPTIONS, files, write_parts
from helpers.paths import ROOT

EXAMPLES = ROOT / "examples" / "engines"
SBATCH, JOB = EXAMPLES / "shards.sbatch", EXAMPLES / "shards_job.yaml"
COMMANDS = {
    "Slurm": (["bash", str(SBATCH), "plan"], "SLURM_ARRAY_TASK_ID"),
    "Kubernetes": (json.loads(re.search(r"command: (\[.*\])", JOB.read_text())[1]), "JOB_COMPLETION_INDEX"),
}


def run(*command: str, cwd: Path, **more: str) -> None:
    programs = os.pathsep.join([str(cwd / "bin"), os.environ["PATH"]])
    environment = {**os.environ, "PATH": programs, "PYTHONPATH": os.pathsep.join(sys.path), **more}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("scheduler", list(COMMANDS))
def test_a_job_array_labels_what_a_run_labels(tmp_path: Path, scheduler: str) -> None:
    write_parts(tmp_path)
    table = {"id": "t", "features": "features", "labels": ["labels.csv"], "out": "out", **OPTIONS}
    (tmp_path / "manifest.json").write_text(json.dumps({"tables": [table]}))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "moslabels").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m moslabels "$@"\n')
    (tmp_path / "bin" / "moslabels").chmod(0o755)
    run("moslabels", "batch", "manifest.json", cwd=tmp_path)
    wanted = files(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    command, index = COMMANDS[scheduler]
    run("moslabels", "plan", "manifest.json", "--shards", "2", "--plan", "plan", cwd=tmp_path)
    for number in ("0", "1"):
        run(*command, cwd=tmp_path, **{index: number})
    run("moslabels", "commit", "plan", "--report-json", "report.json", cwd=tmp_path)
    assert files(tmp_path / "out") == wanted


def test_the_comments_of_the_examples_name_flags_that_are_there() -> None:
    from moslabels.command.commands import command_parser

    parser = command_parser()
    for path in (SBATCH, JOB):
        found = re.findall(r"moslabels (plan|commit) ([^\n\"]*)", path.read_text())
        assert {name for name, _ in found} == {"plan", "commit"}
        for name, arguments in found:
            parser.parse_args([name, *arguments.split()])


@pytest.mark.integration
def test_the_job_is_yaml_of_an_indexed_job() -> None:
    yaml = pytest.importorskip("yaml")
    job = yaml.safe_load(JOB.read_text())
    assert (job["kind"], job["spec"]["completionMode"]) == ("Job", "Indexed")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == COMMANDS["Kubernetes"][0]
    shards = re.search(r"--shards (\d+)", JOB.read_text())
    assert shards is not None
    assert job["spec"]["completions"] == int(shards[1])
