"""What a teacher said of views, kept on disk: the next student that sees the same is taught without it.

Batches depend on photos, settings and seed alone (`batches.training_batches`), so that students of one
recipe see the same views and one teacher's pass, often half of the work, serves them all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from compression.models.heads import Outputs, QualityNet
from compression.models.server import ServerTeacher
from compression.training import has_fast_math, run_backbone
from edge_iqa.files import write_bytes


class Answers:
    """Asks a teacher, once for each batch of views.

    Args:
        teacher: as it judges; not trained.
        key: tells it from every other teacher: its hash, and what else its answers depend on.
        cache: folder; a file of less than 1 KB a view set lies there, named by the hash of the views.
        exact: in float32, for what a student is judged by; else as fast as the machine can, in bfloat16 where it
            has that, which moves scores by up to 0.002.
    """

    def __init__(
        self, teacher: QualityNet | ServerTeacher, key: Sequence[object], cache: Path, exact: bool = False
    ) -> None:
        self._teacher = teacher
        self._exact = exact
        self._key = tuple(key)
        self._folder = cache / "answers"

    def __call__(self, views: Tensor) -> Outputs:
        """Say what the teacher says of views, uint8 (B, V, S, S, 3), without gradients.

        Raises:
            OutputError: the cache cannot be written.
        """
        path = self._find(views)
        kept = _read(path)
        if kept is None:
            with torch.no_grad():
                look = self._teacher.look if self._exact else partial(run_backbone, self._teacher)
                kept = self._teacher.judge(look(views))
            tensors = {name: value.float().cpu().contiguous() for name, value in kept._asdict().items()}
            write_bytes(path, safetensors.torch.save(tensors))
        return Outputs(*(value.float().to(views.device) for value in kept))

    def _find(self, views: Tensor) -> Path:
        rounded = not self._exact and has_fast_math(views.device)
        key = (*self._key, "bfloat16") if rounded else self._key
        seen = hashlib.blake2b(repr(key).encode() + repr(tuple(views.shape)).encode(), digest_size=20)
        seen.update(views.cpu().contiguous().numpy().data)
        name = seen.hexdigest()
        return self._folder / name[:2] / f"{name}.safetensors"


def _read(path: Path) -> Outputs | None:
    """What is kept; None where there is nothing, or nothing whole."""
    try:
        tensors = safetensors.torch.load_file(path)
        return Outputs(*(tensors[name] for name in Outputs._fields))
    except (OSError, KeyError, safetensors.SafetensorError):
        return None
