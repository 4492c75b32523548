"""Label tables of small parts by a Ray cluster of two nodes, and count the bytes that leave the driver.

    .venv/bin/pip install -e '.[ray]'
    .venv/bin/python tests/benchmarks/ray_nodes.py [--parts 50,2000] [--ways package,session]

Driver and nodes run on this machine, each with a network and a host name of its own: namespaces of Linux, which end
with this process. The driver's node does no tasks, so that all requests go through its network interface. The bytes are
those that the interface sent and received while the command ran, with what Ray says to its nodes anyway.

Prints a line of JSON for each table: whether the parts are the bytes of a run without Ray, which hosts labelled, and
the bytes sent and received. ``package`` is a run of the command: each node gets the code of the driver. ``session`` is
one in a session of the caller, for which moslabels is installed on the nodes.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tables import Case, write_features, write_labels

_OWN = ["unshare", "--user", "--map-root-user", "--mount", "--net", "--uts", "--pid", "--fork", "--mount-proc"]
_DRIVER, _NODES = "10.77.0.1", ("10.77.0.2", "10.77.0.3")
_PORT = 6379
_OF_RAY = "/dev/shm"
"""A tmpfs of each host. Ray's sockets need a short path."""
_SESSION = """
import sys, ray
ray.init(sys.argv[1], log_to_driver=False, logging_level="CRITICAL")
from moslabels.cli import main
sys.exit(main(sys.argv[2:]))
"""


class Host:
    """A machine by its network, name and folder for Ray: a process that holds them, and a plug of the switch."""

    def __init__(self, name: str, address: str) -> None:
        self.address = address
        # Nodes that share a folder would not fetch the code of the driver each. A line says that all is there.
        own = f"hostname {name} && mount -t tmpfs ray {_OF_RAY} && echo && exec sleep infinity"
        command = ["unshare", "--net", "--uts", "--mount", "sh", "-c", own]
        self._holder = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._holder.stdout is not None
        self._holder.stdout.readline()
        plug = f"to-{name}"
        _ip(f"link add {plug} type veth peer name eth0 netns {self._holder.pid}")
        _ip(f"link set {plug} master switch up")
        for command in ("link set lo up", f"address add {address}/24 dev eth0", "link set eth0 up"):
            self.run("ip", *command.split())

    def run(self, *command: str | Path) -> None:
        inside = ["nsenter", "--target", str(self._holder.pid), "--net", "--uts", "--mount", "--", *map(str, command)]
        done = subprocess.run(inside, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(inside)}\n{done.stdout}{done.stderr}")

    def start_ray(self, *arguments: str) -> None:
        """Start a node of a cluster here."""
        start = (sys.executable, "-m", "ray.scripts.scripts", "start", "--disable-usage-stats")
        self.run(*start, f"--node-ip-address={self.address}", *arguments)

    def counters(self) -> tuple[int, int]:
        """Return how many bytes the interface has sent and received."""
        for line in Path("/proc", str(self._holder.pid), "net", "dev").read_text().splitlines():
            name, _, numbers = line.partition(":")
            if name.strip() == "eth0":
                received, sent = (int(numbers.split()[place]) for place in (0, 8))
                return sent, received
        raise AssertionError


def _ip(command: str) -> None:
    subprocess.run(["ip", *command.split()], check=True)


def cluster() -> Host:
    """Start a cluster. Return the host of its driver."""
    _ip("link add switch type bridge")
    _ip("link set switch up")
    driver = Host("driver", _DRIVER)
    of_head = ("--include-dashboard=false", f"--temp-dir={_OF_RAY}/ray")
    driver.start_ray("--head", f"--port={_PORT}", "--num-cpus=0", *of_head)
    for number, address in enumerate(_NODES, 1):
        Host(f"node-{number}", address).start_ray(f"--address={_DRIVER}:{_PORT}", "--num-cpus=1")
    return driver


def measured(driver: Host, folder: Path, parts: int, wanted: Sequence[str]) -> dict[str, Any]:
    write_features(folder / "features", Case(240 * parts, clips=80 * parts, label_rows=78 * parts, parts=parts))
    write_labels(folder / "labels.csv", Case(0, clips=80 * parts, label_rows=78 * parts))
    inputs = ["materialize", "--quiet", "--features", folder / "features", "--labels", folder / "labels.csv"]
    driver.run(sys.executable, "-m", "moslabels", *inputs, "--out", folder / "expected")
    address = f"{_DRIVER}:{_PORT}"
    ways = {
        "package": [sys.executable, "-m", "moslabels", *inputs, "--engine", "ray", "--address", address],
        "session": [sys.executable, "-c", _SESSION, address, *inputs, "--engine", "ray"],
    }
    found: dict[str, Any] = {"parts": parts}
    for way in wanted:
        before, start = driver.counters(), time.perf_counter()
        driver.run(*ways[way], "--out", folder / way, "--audit-json", folder / f"{way}.json")
        sent, received = (now - then for now, then in zip(driver.counters(), before, strict=True))
        args = json.loads((folder / f"{way}.json").read_text())["run_provenance"]["args"]
        found[way] = {
            "equal": _same(folder / "expected", folder / way),
            "hosts": args["hosts"],
            "sent": sent,
            "received": received,
            "sent_a_part": round(sent / parts),
            "received_a_part": round(received / parts),
            "seconds": round(time.perf_counter() - start, 1),
        }
    return found


def _same(one: Path, other: Path) -> bool:
    """Return whether two folders hold the same files with the same bytes."""
    names, of_other = (
        sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        for folder in (one, other)
    )
    return names == of_other and filecmp.cmpfiles(one, other, names, shallow=False)[0] == names


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parts", default="50,2000")
    parser.add_argument("--ways", default="package,session")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if not parsed.inside:
        with tempfile.TemporaryDirectory() as folder:
            # All processes end with the first, and so do the networks.
            command = [*_OWN, "--kill-child", sys.executable, __file__, "--inside", *sys.argv[1:]]
            token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": os.urandom(16).hex()}
            done = subprocess.run(command, env={**os.environ, **token, "TMPDIR": folder}, check=False)
            raise SystemExit(done.returncode)
    folder = Path(tempfile.gettempdir())
    driver = cluster()
    for parts in map(int, parsed.parts.split(",")):
        print(json.dumps(measured(driver, folder / str(parts), parts, parsed.ways.split(","))), flush=True)


if __name__ == "__main__":
    main()
