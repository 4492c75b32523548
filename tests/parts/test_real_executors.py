"""Parts that real executors label: those of Dask, submitit and MPI."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from helpers.many import OPTIONS, files, write_parts
from moslabels import materialize

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore")]


@contextmanager
def dask(_: Path) -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client.get_executor()


@contextmanager
def submitit(folder: Path) -> Iterator[Any]:
    executor = pytest.importorskip("submitit").AutoExecutor(folder=folder / "logs", cluster="local")
    executor.update_parameters(timeout_min=5)
    yield executor


EXECUTORS: dict[str, Callable[[Path], Any]] = {"distributed": dask, "submitit": submitit}


@pytest.mark.parametrize("package", list(EXECUTORS))
def test_an_executor_labels_the_same_bytes(tmp_path: Path, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    write_parts(tmp_path)
    monkeypatch.chdir(tmp_path)
    materialize("features", "labels.csv", "here", **OPTIONS)
    with EXECUTORS[package](tmp_path) as executor:
        audit = materialize("features", "labels.csv", "there", executor=executor, **OPTIONS)
    assert files(tmp_path / "there") == files(tmp_path / "here")
    assert package in audit["run_provenance"]["args"]["executor"]


MPI = """
from mpi4py.futures import MPIPoolExecutor
from helpers.many import OPTIONS
from moslabels import materialize

if __name__ == "__main__":
    with MPIPoolExecutor() as executor:
        materialize("features", "labels.csv", "there", executor=executor, **OPTIONS)
"""


def test_processes_of_mpi_label_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        importlib.import_module("mpi4py.MPI")
    except (ImportError, RuntimeError):
        pytest.skip("needs mpi4py with an MPI library")
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    mpiexec = shutil.which("mpiexec", path=programs)
    assert mpiexec is not None
    write_parts(tmp_path)
    monkeypatch.chdir(tmp_path)
    materialize("features", "labels.csv", "here", **OPTIONS)
    (tmp_path / "run.py").write_text(MPI)
    command = [mpiexec, "-n", "3", sys.executable, "-m", "mpi4py.futures", "run.py"]
    as_root = dict.fromkeys(("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"), "1")
    crowded = {"PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe"}
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **as_root, **crowded}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "there") == files(tmp_path / "here")
