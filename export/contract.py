"""What every exported model takes and gives, and what it says about itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from edge_iqa.views import ViewSpec

INPUT = "views"
OUTPUTS = ("scores", "embedding")

SCHEMA = 1
"""Version of the metadata inside an ONNX file."""


@dataclass(frozen=True)
class ModelInfo:
    """What a model is, apart from its weights.

    Attributes:
        spec: how its views are cut.
        attributes: names of the scores after the overall one.
        embedding: D, length of the embedding.
        student_sha256: hash of the checkpoint that it was exported from.
    """

    spec: ViewSpec
    attributes: tuple[str, ...]
    embedding: int
    student_sha256: str

    def to_metadata(self) -> dict[str, str]:
        """As strings, for a file format that holds nothing else; what is not text is JSON."""
        return {
            "edge_iqa.schema": str(SCHEMA),
            "edge_iqa.views": json.dumps(asdict(self.spec), sort_keys=True),
            "edge_iqa.attributes": json.dumps(list(self.attributes)),
            "edge_iqa.embedding": str(self.embedding),
            "edge_iqa.student_sha256": self.student_sha256,
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> ModelInfo:
        """Read what `to_metadata` wrote.

        Raises:
            KeyError, ValueError, TypeError: something is missing, or is not what it should be.
        """
        if metadata["edge_iqa.schema"] != str(SCHEMA):
            raise ValueError(f"expected schema {SCHEMA}, got {metadata['edge_iqa.schema']!r}")
        return cls(
            ViewSpec(**json.loads(metadata["edge_iqa.views"])),
            tuple(json.loads(metadata["edge_iqa.attributes"])),
            int(metadata["edge_iqa.embedding"]),
            metadata["edge_iqa.student_sha256"],
        )


class OnePhoto(nn.Module):
    """A model for batches, turned into one for a single photo with named outputs.

    Args:
        net: uint8 (B, V, S, S, 3) → scores (B, 1+A), embedding (B, D).
    """

    def __init__(self, net: Callable[[Tensor], tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        self.net = net

    def forward(self, views: Tensor) -> dict[str, Tensor]:
        """Score one photo: uint8 (V, S, S, 3) → scores (1, 1+A), embedding (1, D)."""
        scores, embedding = self.net(views.unsqueeze(0))
        return dict(zip(OUTPUTS, (scores, embedding), strict=True))


def make_example(spec: ViewSpec) -> Tensor:
    """Views to trace a model with: every byte value, so that nothing folds to a constant."""
    count = torch.arange(spec.count * spec.size_px * spec.size_px * 3)
    return (count % 256).to(torch.uint8).reshape(spec.shape)
