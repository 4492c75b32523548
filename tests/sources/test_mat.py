"""Variables of MATLAB files, as labels and as features."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers.job import Job
from moslabels import MosLabelsError

np = pytest.importorskip("numpy")
scipy_io = pytest.importorskip("scipy.io")
h5py = pytest.importorskip("h5py")

NAMES = ["a.mp4", "bü.mp4", "c.mp4"]
SCORES = [1.5, 2.0, 4.25]
EXPECTED = dict(zip(NAMES, SCORES, strict=True))


def cells(texts: list[Any]) -> Any:
    return np.array(texts, dtype=object)


def old(path: Path, **variables: Any) -> Path:
    scipy_io.savemat(path, variables)
    return path


def new(path: Path, **variables: Any) -> Path:
    """Write a file as MATLAB writes version 7.3: HDF5, in which cells refer to arrays of characters."""
    with h5py.File(path, "w", userblock_size=512) as file:
        kept = file.create_group("#refs#")

        def characters(text: str, parent: Any, name: str) -> Any:
            codes = np.frombuffer(text.encode("utf-16-le"), "<u2").reshape(-1, 1)
            made = parent.create_dataset(name, data=codes if len(codes) else np.zeros(2, "u8"))
            made.attrs["MATLAB_class"] = np.bytes_("char")
            if not len(codes):
                made.attrs["MATLAB_empty"] = 1
            return made

        def write(parent: Any, name: str, value: Any) -> None:
            if isinstance(value, dict):
                group = parent.create_group(name)
                group.attrs["MATLAB_class"] = np.bytes_("struct")
                for field, inner in value.items():
                    write(group, field, inner)
            elif value.dtype == object:
                made = [characters(text, kept, f"r{len(kept)}").ref for text in value.reshape(-1)]
                item = parent.create_dataset(name, data=np.array([made], dtype=h5py.ref_dtype), dtype=h5py.ref_dtype)
                item.attrs["MATLAB_class"] = np.bytes_("cell")
            else:
                item = parent.create_dataset(name, data=value.reshape(1, -1) if value.ndim == 1 else value.T)
                item.attrs["MATLAB_class"] = np.bytes_("double")

        for name, value in variables.items():
            write(file, name, value)
    return path


SHAPES: dict[str, dict[str, Any]] = {
    "vectors": {"names": cells(NAMES), "mos": np.array(SCORES)},
    "columns": {"names": cells(NAMES).reshape(-1, 1), "mos": np.array(SCORES).reshape(-1, 1)},
    "a struct": {"data": {"names": cells(NAMES), "mos": np.array(SCORES)}},
    "a matrix, a scalar and a short vector beside": {
        "names": cells(NAMES), "mos": np.array(SCORES), "raw": np.ones((3, 5)), "n": np.array([3.0]), "s": np.ones(7),
    },
}  # fmt: skip


@pytest.mark.sampled
@pytest.mark.parametrize("write", [old, new], ids=["version 5", "version 7.3"])
@pytest.mark.parametrize("name", SHAPES)
def test_what_a_file_holds(job: Job, name: str, write: Callable[..., Path]) -> None:
    labels = write(job.folder / "l.mat", **SHAPES[name])
    options = {"label_key_column": "names", "label_mos_column": "mos"}
    rows = job.run([{"key": key} for key in [*NAMES, "d"]], labels, min_match_rate=0, **options)
    assert {row["key"]: row["mos"] for row in rows} == {**EXPECTED, "d": None}


def test_structs_in_a_row_and_rows_of_a_char_matrix(job: Job) -> None:
    structs = np.array([("a", 3.5), ("b", 4.5)], dtype=[("key", object), ("mos", object)])
    for variables in ({"data": structs}, {"key": np.array(["a", "b"]), "mos": np.array([3.5, 4.5])}):
        labels = old(job.folder / "l.mat", **variables)
        assert [row["mos"] for row in job.run([{"key": "a"}, {"key": "b"}], labels)] == [3.5, 4.5]


def test_nan_is_a_missing_score(job: Job) -> None:
    labels = old(job.folder / "l.mat", key=cells(["a", "b"]), mos=np.array([3.0, float("nan")]))
    with pytest.raises(MosLabelsError, match="l.mat: row 2: .*has no score: null in row 2"):
        job.run([{"key": "a"}], labels)
    assert job.run([{"key": "a"}], labels, missing_mos="skip")[0]["mos"] == 3


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "scores alone": ({"mos": np.array(SCORES)}, 'holds no two variables of one length .* its vectors are "mos"; write'),
    "two tables": (
        {"names": cells(NAMES), "mos": np.array(SCORES), "a": np.ones(2), "b": np.ones(2)},
        "holds several tables, .*: .*.[23] values each.; .*.[23] values each.; write the ones .*to_csv",
    ),
    "two structs": (
        {name: {"names": cells(NAMES), "mos": np.array(SCORES)} for name in ("lab1", "lab2")},
        'holds several tables, .* of "lab1" .* of "lab2"',
    ),
}


@pytest.mark.parametrize("write", [old, new], ids=["version 5", "version 7.3"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(job: Job, name: str, write: Callable[..., Path]) -> None:
    variables, says = REFUSED[name]
    with pytest.raises(MosLabelsError, match=f"l.mat: {says}"):
        job.run([{"key": "a"}], write(job.folder / "l.mat", **variables))


DAMAGED = {
    "text": b"name,mos\na,3\n",
    "version 5": b"MATLAB 5.0 MAT-file" + bytes(105) + b"\x00\x01IM" + b"\xff" * 64,
    "version 7.3": bytes(512) + b"\x89HDF\r\n\x1a\n" + b"\xff" * 64,
    "nothing": b"",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file(job: Job, name: str) -> None:
    (job.folder / "l.mat").write_bytes(DAMAGED[name])
    with pytest.raises(MosLabelsError, match="l.mat: cannot be read as a MATLAB file: "):
        job.run([{"key": "a"}], job.folder / "l.mat")


def linked(file: Any) -> None:
    file["mos"] = h5py.ExternalLink("other.mat", "/mos")


def linked_by_name(file: Any) -> None:
    file["mos"] = h5py.SoftLink("/key")


def stored_elsewhere(file: Any) -> None:
    file.create_dataset("mos", (3,), "f8", external=[("other.bin", 0, 24)])


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource("other.mat", "mos", (3,))
    file.create_virtual_dataset("mos", layout)


@pytest.mark.parametrize("write", [linked, linked_by_name, stored_elsewhere, virtual], ids=lambda made: made.__name__)
def test_a_file_never_names_another_that_is_opened(
    job: Job, monkeypatch: pytest.MonkeyPatch, write: Callable[[Any], None]
) -> None:
    monkeypatch.chdir(job.folder)
    new(Path("other.mat"), mos=np.array(SCORES))
    np.array(SCORES).tofile("other.bin")
    with h5py.File(new(Path("l.mat"), key=np.array([1.0, 2.0, 3.0])), "a") as file:
        write(file)
    with pytest.raises(MosLabelsError, match='l.mat: holds no two variables .* its vectors are "key"'):
        job.run([{"key": "1"}], Path("l.mat"))


@pytest.mark.parametrize("write", [old, new], ids=["version 5", "version 7.3"])
def test_features(job: Job, write: Callable[..., Path]) -> None:
    features = write(job.folder / "f.mat", names=cells(NAMES), x=np.array([0.5, 1.0, 2.0]))
    found = job.run(features, [{"key": "c.mp4", "mos": 3}], feature_key_column="names", min_match_rate=0)
    assert [(row["names"], row["x"], row["mos"]) for row in found] == [
        ("a.mp4", 0.5, None), ("bü.mp4", 1.0, None), ("c.mp4", 2.0, 3),
    ]  # fmt: skip


@pytest.mark.parametrize(("reader", "write"), [("scipy.io", old), ("h5py", new)])
def test_the_reader_is_missing(
    job: Job, monkeypatch: pytest.MonkeyPatch, reader: str, write: Callable[..., Path]
) -> None:
    labels = write(job.folder / "l.mat", key=cells(NAMES), mos=np.array(SCORES))
    monkeypatch.setitem(sys.modules, reader, None)
    with pytest.raises(MosLabelsError, match=r"l.mat: is a MATLAB file, .* pip install 'moslabels\[mat\]'$"):
        job.run([{"key": "a"}], labels)
