"""What every exported model takes and gives, and what it says about itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from edge_iqa.views import ViewSpec

INPUT = "views"
OUTPUTS = ("scores", "embedding", "category")
"""In the order that a net returns them; a model without categories has no `category`."""

SCHEMA = 1
"""Version of the metadata inside a model file."""

_PREFIX = "edge_iqa."
_NEEDED = ("schema", "views", "attributes", "embedding")
_INPUT_MEANING = (
    "views of one photo, RGB, 0-255, the whole photo first; mean and deviation are inside the model"
)
_MEANINGS = (
    "0-1, higher is better: overall quality, then the attributes in order",
    "unit length; the dot product of two is their likeness",
    "logits of the categories in order",
)


@dataclass(frozen=True)
class ModelInfo:
    """What a model is, apart from its weights.

    Attributes:
        spec: how its views are cut.
        attributes: names of the scores after the overall one.
        embedding: D, length of the embedding.
        student_sha256: hash of the checkpoint that it was exported from.
        categories: what a product can be, in the order of the logits; none drops that output.
    """

    spec: ViewSpec
    attributes: tuple[str, ...]
    embedding: int
    student_sha256: str
    categories: tuple[str, ...] = ()

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """Output → shape; all are float32."""
        lengths = zip(OUTPUTS, (1 + len(self.attributes), self.embedding, len(self.categories)), strict=True)
        return {name: (1, length) for name, length in lengths if length or name != "category"}

    def to_fields(self) -> dict[str, Any]:
        """As plain JSON values; `input` and `outputs` follow from the rest, and are there for who has no manifest."""
        meanings = dict(zip(OUTPUTS, _MEANINGS, strict=True))
        return {
            "schema": SCHEMA,
            "views": asdict(self.spec),
            "attributes": list(self.attributes),
            "embedding": self.embedding,
            "categories": list(self.categories),
            "student_sha256": self.student_sha256,
            "input": {
                "name": INPUT,
                "shape": list(self.spec.shape),
                "type": "uint8",
                "meaning": _INPUT_MEANING,
            },
            "outputs": [
                {"name": name, "shape": list(shape), "type": "float32", "meaning": meanings[name]}
                for name, shape in self.shapes.items()
            ],
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> ModelInfo:
        """Read what `to_fields` gave; files from before there were categories have none.

        Raises:
            KeyError, ValueError, TypeError: something is missing, or is not what it should be.
        """
        if fields["schema"] != SCHEMA:
            raise ValueError(f"expected schema {SCHEMA}, got {fields['schema']!r}")
        return cls(
            ViewSpec(**fields["views"]),
            tuple(fields["attributes"]),
            int(fields["embedding"]),
            str(fields["student_sha256"]),
            tuple(fields.get("categories", [])),
        )

    def to_metadata(self) -> dict[str, str]:
        """As strings, for a file format that holds nothing else; what is not text is JSON."""
        return {
            _PREFIX + key: value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            for key, value in self.to_fields().items()
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> ModelInfo:
        """Read what `to_metadata` wrote.

        Raises:
            KeyError, ValueError, TypeError: something is missing, or is not what it should be.
        """
        told = {key: metadata[_PREFIX + key] for key in _NEEDED}
        told |= {"categories": metadata.get(_PREFIX + "categories", "[]")}
        fields = {key: json.loads(value) for key, value in told.items()}
        return cls.from_fields({**fields, "student_sha256": metadata[_PREFIX + "student_sha256"]})


class OnePhoto(nn.Module):
    """A model for batches, turned into one for a single photo with named outputs.

    Args:
        net: uint8 (B, V, S, S, 3) → scores (B, 1+A), embedding (B, D), category (B, C).
    """

    def __init__(self, net: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]) -> None:
        super().__init__()
        self.net = net

    def forward(self, views: Tensor) -> dict[str, Tensor]:
        """Score one photo: uint8 (V, S, S, 3) → scores (1, 1+A), embedding (1, D), category (1, C) if C > 0."""
        outputs = dict(zip(OUTPUTS, self.net(views.unsqueeze(0)), strict=True))
        if outputs["category"].shape[1] == 0:
            del outputs["category"]
        return outputs


def make_example(spec: ViewSpec) -> Tensor:
    """Views to trace a model with: every byte value, so that nothing folds to a constant."""
    count = torch.arange(spec.count * spec.size_px * spec.size_px * 3)
    return (count % 256).to(torch.uint8).reshape(spec.shape)
