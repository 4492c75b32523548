"""The examples for engines: the job of KubeRay is well formed and runs a command that exists; the notebook compiles."""

from __future__ import annotations

from typing import Any

import pytest

from helpers.paths import ROOT
from moslabels.command.commands import command_parser

ENGINES = ROOT / "examples" / "engines"


@pytest.fixture(scope="module")
def job() -> Any:
    yaml = pytest.importorskip("yaml", reason="needs PyYAML: pip install -e '.[integrations]'")
    return yaml.safe_load((ENGINES / "rayjob.yaml").read_text(encoding="utf-8"))


@pytest.mark.integration
def test_all_machines_of_the_job_are_alike(job: Any) -> None:
    cluster = job["spec"]["rayClusterSpec"]
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    pods = [group["template"]["spec"] for group in groups]
    assert len({pod["containers"][0]["image"] for pod in pods}) == 1
    assert all(pod["volumes"] == pods[0]["volumes"] for pod in pods)
    assert all(pod["containers"][0]["volumeMounts"] == [{"name": "data", "mountPath": "/data"}] for pod in pods)
    assert cluster["headGroupSpec"]["rayStartParams"] == {"num-cpus": "0"}


@pytest.mark.integration
def test_the_job_runs_a_command_that_exists(job: Any) -> None:
    program, *arguments = job["spec"]["entrypoint"].split()
    assert program == "moslabels"
    parsed = command_parser().parse_args(arguments)
    assert (parsed.engine, parsed.address) == ("ray", None)


def test_the_notebook_compiles() -> None:
    path = ENGINES / "spark_notebook.py"
    text = path.read_text(encoding="utf-8")
    compile(text, str(path), "exec", dont_inherit=True)
    assert text.count("# COMMAND ----------") == 4
