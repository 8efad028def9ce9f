"""The models of a bundle by file name; float ones, which a bundle may leave out, from the student it came from."""

from __future__ import annotations

import tempfile
from pathlib import Path

from compression.artifacts import export_models
from compression.data import hash_file
from compression.models.weights import load
from edge_iqa.bundle import Bundle
from edge_iqa.errors import DataError
from edge_iqa.manifest import RUNTIMES


def read_models(bundle: Bundle, student: Path) -> dict[str, bytes]:
    """File name, such as `model.int8.onnx` → content, float and int8 for both runtimes.

    Args:
        student: the checkpoint that the bundle was made from, exported where the bundle lacks float files.

    Raises:
        CheckpointError: the student cannot be read.
        DataError: the student is another one than the bundle's, or the bundle has no int8 model.
    """
    files = {f"model.{entry.precision}.{entry.runtime}": bundle.read(entry.path) for entry in bundle.models}
    if absent := [runtime for runtime in RUNTIMES if f"model.int8.{runtime}" not in files]:
        raise DataError(f"{bundle.path}: expected an int8 model for {absent[0]}, and there is none")
    if any(f"model.fp32.{runtime}" not in files for runtime in RUNTIMES):
        files |= _export(bundle, student)
    return files


def check_student(bundle: Bundle, student: Path) -> str:
    """The hash of a student, which must be the one that the bundle was made from.

    Raises:
        DataError: there is no file, or it is another one.
    """
    if not student.is_file():
        raise DataError(f"{student}: expected the student that {bundle.label} was made from, found no file")
    sha256, wanted = hash_file(student), bundle.manifest.lineage.student_sha256
    if sha256 != wanted:
        raise DataError(
            f"{student}: {bundle.label} was made from the student {wanted}; this one is {sha256}. "
            "Give its own with --student"
        )
    return sha256


def _export(bundle: Bundle, student: Path) -> dict[str, bytes]:
    sha256 = check_student(bundle, student)
    with tempfile.TemporaryDirectory() as folder:
        return export_models(load(student)[0], sha256, Path(folder), "fp32")
