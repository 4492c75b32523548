"""Label tables of many parts by each engine, and count what its processes take.

    .venv/bin/pip install -e '.[long,ray]'
    .venv/bin/python tests/benchmarks/engines.py [--engines local:1,ray:2,sail:2] [--cases '2,000;64'] [--folder FOLDER]

Prints a table in Markdown: seconds of the wall, seconds of the processors, and peak memory in MB of the driver and of
the largest other process, of one run each. The processes of an engine are those that the driver starts, and the server
of Sail or of Spark Connect ("connect"), which runs already. "one part" is a table of small parts, and so what it takes
to start. The cluster of two Ray nodes is in ray_nodes.py.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tables import PARTS_CASES, Case, write_features, write_labels

ONE_PART = "one part"
CASES = {ONE_PART: Case(240, clips=80, label_rows=78, parts=2), **PARTS_CASES}
_TICKS = os.sysconf("SC_CLK_TCK")
_SAIL = "from pysail.spark import SparkConnectServer as S; S('127.0.0.1', {}).start(background=False)"
_CONNECT = "org.apache.spark.sql.connect.service.SparkConnectServer"


class Used:
    """What processes have taken so far: seconds of the processors and peak memory in kB by process."""

    def __init__(self, *roots: int) -> None:
        self._roots = roots
        self.seconds: dict[int, float] = {}
        self.peaks: dict[int, int] = {}

    def look(self) -> None:
        for process in self._processes():
            try:
                stat = Path("/proc", str(process), "stat").read_text().rpartition(")")[2].split()
                status = Path("/proc", str(process), "status").read_text()
            except OSError:  # It has ended.
                continue
            self.seconds[process] = (int(stat[11]) + int(stat[12])) / _TICKS
            for line in status.splitlines():
                if line.startswith("VmHWM"):
                    self.peaks[process] = int(line.split()[1])

    def _processes(self) -> Iterator[int]:
        children: dict[int, list[int]] = {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                stat = Path("/proc", name, "stat").read_text()
            except OSError:
                continue
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(name))
        left = list(self._roots)
        while left:
            process = left.pop()
            left.extend(children.get(process, []))
            yield process


def _server(engine: str, workers: str, port: int) -> list[str] | None:
    """Return the command of the server that an engine needs, if it needs one."""
    if engine == "sail":
        return [sys.executable, "-c", _SAIL.format(port)]
    if engine == "connect":
        submit = Path(sys.executable).with_name("spark-submit")
        where = ["--conf", f"spark.connect.grpc.binding.port={port}", "--master", f"local[{workers}]"]
        return [str(submit), "--class", _CONNECT, *where, "spark-internal"]
    return None


@contextmanager
def server(engine: str, workers: str, port: int) -> Iterator[list[int]]:
    """Run the server that an engine needs. Yield the number of its process."""
    command = _server(engine, workers, port)
    if command is None:
        yield []
        return
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as started:
        try:
            while not _answers(port):
                if started.poll() is not None:
                    raise SystemExit(f"the server of {engine} ended: {' '.join(command)}")
                time.sleep(0.1)
            yield [started.pid]
        finally:
            started.kill()


def _answers(port: int) -> bool:
    with socket.socket() as tried:
        return not tried.connect_ex(("127.0.0.1", port))


def measured(engine: str, workers: str, folder: Path, port: int = 50599) -> str:
    out = folder / "out"
    if out.exists():
        shutil.rmtree(out)
    name = "spark" if engine in ("sail", "connect") else engine
    of_server = f"sc://127.0.0.1:{port}"
    where = {"sail": of_server, "connect": of_server, "spark": f"local[{workers}]", "ray": "local"}.get(engine)
    arguments = ["--features", folder / "features", "--labels", folder / "labels.csv", "--out", out]
    arguments += ["--workers", workers, "--engine", name, *(["--address", where] if where else [])]
    command = [sys.executable, "-m", "moslabels", "materialize", *arguments, "--quiet"]
    with server(engine, workers, port) as roots:
        before = Used(*roots)
        before.look()
        start = time.perf_counter()
        with subprocess.Popen([*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as driver:
            used = Used(driver.pid, *roots)
            while driver.poll() is None:
                used.look()
                time.sleep(0.05)
            assert driver.stderr is not None
            said = driver.stderr.read()
        seconds = time.perf_counter() - start
    if driver.returncode:
        raise SystemExit(said.decode())
    cpu = sum(used.seconds.values()) - sum(before.seconds.values())
    others = [peak for process, peak in used.peaks.items() if process != driver.pid]
    largest = max(others, default=0) // 1000
    return f"{seconds:.1f}, {cpu:.1f}, {used.peaks[driver.pid] // 1000}, {largest or '-'}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--engines", default="local:1,local:2,ray:1,ray:2,spark:1,spark:2,connect:2,sail:1,sail:2")
    parser.add_argument("--cases", default=";".join(CASES), help="how the names of cases begin, with ; between them")
    parser.add_argument("--folder", type=Path)
    parsed = parser.parse_args()
    names = [name for name in CASES if name.startswith(tuple(parsed.cases.split(";")))]
    with tempfile.TemporaryDirectory() as temporary:
        folder = parsed.folder or Path(temporary)
        for name in names:
            if not (folder / name / "labels.csv").exists():
                write_features(folder / name / "features", CASES[name])
                write_labels(folder / name / "labels.csv", CASES[name])
        print(f"| engine, workers | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
        for pair in parsed.engines.split(","):
            engine, workers = pair.split(":")
            cells = [measured(engine, workers, folder / name) for name in names]
            print(f"| {engine}, {workers} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
