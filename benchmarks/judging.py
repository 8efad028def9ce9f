"""Students as int8 models, judged on the same renderings in the device's runtime."""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.ablations import judge
from compression.answers import Answers
from compression.artifacts import export_models, make_quantizer
from compression.calibration import cut_variants
from compression.data import Photo, hash_file, hash_photos, read_photos, select
from compression.dataset import add_scenes, label_photos
from compression.equalize import equalize
from compression.evaluate import predict
from compression.labels import Sample
from compression.models import ATTRIBUTES
from compression.models.heads import QualityNet
from compression.models.weights import load, load_teacher
from compression.progress import track
from edge_iqa import backends, image, views
from edge_iqa.errors import DataError
from edge_iqa.files import write_bytes
from export import parity

METHOD = "min_max"


@dataclass(frozen=True)
class Student:
    """A checkpoint and its name, as the folder has it."""

    name: str
    path: Path
    sha256: str


@dataclass(frozen=True, eq=False)
class Ground:
    """What all students are judged on.

    Attributes:
        samples: renderings of `photos`, labelled.
        teacher: float (n,), the teacher's overall scores of them.
        key: tells this ground, the calibration and the runtime from others.
    """

    photos: Sequence[Photo]
    samples: Sequence[Sample]
    teacher: NDArray[np.floating[Any]]
    calibration: Sequence[Photo]
    key: dict[str, Any]


def find_students(folder: Path, shipped: Sequence[str] = ()) -> list[Student]:
    """Students below a folder, by name.

    Raises:
        DataError: none, two of one name, or none of a name in `shipped`.
    """
    found = {}
    for path in sorted(folder.rglob("*.safetensors")):
        relative = path.relative_to(folder)
        name = str(
            relative.parent if path.stem == "student" and relative.parent.name else relative.with_suffix("")
        )
        if name in found:
            raise DataError(f"{path}: {found[name].path} has the same name")
        found[name] = Student(name, path, hash_file(path))
    if not found:
        raise DataError(f"{folder}: expected NAME.safetensors or NAME/student.safetensors, found none")
    if absent := set(shipped) - set(found):
        raise DataError(f"--ship {min(absent)}: expected one of {', '.join(found)}")
    return list(found.values())


def make_ground(options: argparse.Namespace) -> Ground:
    """Render and label the test photos, and ask the teacher."""
    everything = read_photos(options.data)
    photos = select(everything, "test", options.limit)
    if not photos:
        raise DataError(f"{options.data}: no photo in split 'test'; give more photos, or a `split` column")
    photos = [*photos, *add_scenes(photos, "test", options.scenes, options.cache)]
    prepared = label_photos(photos, ATTRIBUTES, options.cache, every_fault=True)
    samples = [sample for each in prepared for sample in each]
    calibration = select(everything, "train", options.calibrate)
    if not samples or not calibration:
        raise DataError(f"{options.data}: expected readable photos of both train and test")
    teacher, teacher_sha256 = load_teacher(options.teacher)
    key = {
        "test_sha256": hash_photos(photos),
        "photos": len(photos),
        "renderings": len(samples),
        "renderings_sha256": _hash_samples(samples),
        "calibration_sha256": hash_photos(calibration),
        "teacher_sha256": teacher_sha256,
        "runtime": backends.available()[options.runtime],
        "method": METHOD,
    }
    ask = Answers(teacher, (teacher_sha256, 0.0, 1.0), options.cache, exact=True)
    told = predict(teacher, samples, ask)[:, 0]
    return Ground(photos, samples, told, calibration, key)


def _hash_samples(samples: Sequence[Sample]) -> str:
    """Tells renderings and labels from those that other faults or other rules would give."""
    told = "\n".join(f"{sample.path.name} {sample.target.tolist()}" for sample in samples)
    return hashlib.sha256(told.encode()).hexdigest()


def find_judged(path: Path, key: Mapping[str, Any]) -> dict[str, Any]:
    """Students, by hash, that an earlier run judged on the same ground."""
    try:
        before = json.loads(path.read_text())
        return dict(before["students"]) if before["key"] == key else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def judge_student(student: Student, ground: Ground, options: argparse.Namespace) -> dict[str, Any]:
    """Quantize one student and score every rendering in the device's runtime."""
    net, _ = load(student.path)
    content = quantize(net, student.sha256, ground, options)
    write_bytes(model_path(student, ground, options), content)
    model = parity.from_file(f"model.int8.{options.runtime}", content)
    scores = np.zeros(len(ground.samples))
    for at, sample in enumerate(track(ground.samples, len(ground.samples), "renderings")):
        frame = image.read(sample.path, long_side_px=net.spec.long_side_px)
        scores[at] = model(views.cut(frame, net.spec))["scores"][0]
    return {
        "architecture": net.architecture,
        "width": net.width,
        "views": list(net.spec.shape),
        "parameters": sum(each.numel() for each in net.parameters()),
        "file_bytes": len(content),
        **judge(scores, ground.teacher, ground.samples, ground.photos),
    }


def quantize(net: QualityNet, sha256: str, ground: Ground, options: argparse.Namespace) -> bytes:
    """A student as int8, every convolution of it."""
    chosen = cut_variants(ground.calibration, net.spec, options.cache)
    seen = list(track(chosen, len(ground.calibration), "calibration"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = export_models(equalize(net, seen), sha256, folder, "evened")
        quantizer = make_quantizer(options.runtime, files[f"model.evened.{options.runtime}"], seen, folder)
        return quantizer.quantize(METHOD)


def model_path(student: Student, ground: Ground, options: argparse.Namespace) -> Path:
    """Where a student's int8 model lies between runs."""
    folder: Path = options.runs
    return folder / f"{student.sha256[:16]}-{_digest(ground.key)}.int8.{options.runtime}"


def _digest(key: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:8]
