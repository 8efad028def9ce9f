"""One backbone for every view, one fusion, one set of heads: shared by all teachers and students."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edge_iqa.views import ViewSpec

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""ImageNet statistics (He et al. 2015 and torchvision's reference): the starting weights expect them."""

FROM_DETAILS = frozenset({"sharpness", "noise", "detail"})
"""Attributes that only crops at viewing scale can show; the others are seen in the whole photo."""

FUSIONS = ("split", "concat", "details", "whole")
"""How the views come together.

split: sharpness, noise and detail are read from the details, the other attributes from the whole.
concat: every attribute from both, joined. details, whole: every attribute from these alone.
"""

TONES_PX = 4
"""Side of the patches that the tones judge."""
_HIDDEN = 128
_SOUND = 2.0
"""Logit from which an attribute starts: most photos have most attributes sound, and a product of
undecided ones would start near zero."""


class Outputs(NamedTuple):
    """What a model says of a batch.

    Attributes:
        scores: float32 (B, 1+A) in [0, 1], overall first, higher is better.
        embedding: float32 (B, D), unit length.
        category: float32 (B, C), logits.
    """

    scores: Tensor
    embedding: Tensor
    category: Tensor


class QualityNet(nn.Module):
    """Raw views in, scores, an embedding and a category out.

    The overall score is the product of the attributes, as it is in the labels: a low score always has
    a cause, and each attribute is taught by its own label and by the overall one.

    Args:
        architecture: name in the registry, kept for checkpoints.
        backbone: maps (N, 3, S, S) to a feature map (N, F, h, w).
        features: F.
        attributes: names of the attributes after the overall score.
        embedding: D, length of the embedding.
        spec: how views are cut.
        categories: names of what a product can be; none drops that output.
        fusion: one of `FUSIONS`.
        width: multiplier of the backbone's channels, kept for checkpoints.
        tones_stride_px: how far apart the patches lie that the tones judge, `TONES_PX` or more: at twice
            that a quarter of the work, and the same weights.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        architecture: str,
        backbone: nn.Module,
        features: int,
        attributes: tuple[str, ...],
        embedding: int,
        spec: ViewSpec,
        categories: tuple[str, ...] = (),
        fusion: str = "split",
        width: float = 1.0,
        tones_stride_px: int = TONES_PX,
    ) -> None:
        super().__init__()
        if fusion not in FUSIONS:
            raise ValueError(f"fusion: expected one of {', '.join(FUSIONS)}, got {fusion!r}")
        if not spec.detail:
            fusion = "whole"
        self.architecture = architecture
        self.attributes = attributes
        self.embedding = embedding
        self.spec = spec
        self.categories = categories
        self.fusion = fusion
        self.width = width
        self.backbone = backbone
        self.tones = _Tones()
        self.spread_tones(tones_stride_px)
        features += _Tones.OUT
        sees = {"split": 2, "concat": 2, "details": 1, "whole": 1}[fusion] * features
        split = fusion == "split"
        local = [name for name in attributes if split and name in FROM_DETAILS]
        rest = [name for name in attributes if name not in local]
        self.detail_head = _TwoLayers(features, len(local)) if local else None
        self.rest_head = _TwoLayers(features if split else sees, len(rest)) if rest else None
        self.embedding_head = nn.Linear(sees, embedding)
        self.category_head = nn.Linear(sees, len(categories)) if categories else None
        self._runs = _find_runs(attributes, local, rest)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1) * 255, persistent=False)

    @property
    def tones_stride_px(self) -> int:
        """How far apart the patches lie that the tones judge."""
        return int(self.tones.first.stride[0])

    def spread_tones(self, stride_px: int) -> None:
        """Let the tones judge fewer patches. Their mean hardly changes, so trained weights stay good.

        Raises:
            ValueError: not from `TONES_PX` up to the view's side.
        """
        if not TONES_PX <= stride_px <= self.spec.size_px:
            raise ValueError(
                f"tones_stride_px: expected {TONES_PX} to {self.spec.size_px}, the view's side, got {stride_px}"
            )
        self.tones.first.stride = (stride_px, stride_px)

    def forward(self, views: Tensor) -> Outputs:
        """Score a batch.

        Args:
            views: uint8 (B, V, S, S, 3), RGB, 0-255; the global view first.
        """
        return self.judge(self.look(views))

    def look(self, views: Tensor) -> Tensor:
        """Run the backbone and the tones on every view: features float32 (B, V, F + 64).

        Training runs this part alone in bfloat16: scores need more digits than that.
        """
        batch, count = views.shape[:2]
        pixels = self.normalize(views)
        pooled = [part(pixels).mean((2, 3)).float() for part in (self.backbone, self.tones)]
        return torch.cat(pooled, 1).reshape(batch, count, -1)

    def normalize(self, views: Tensor) -> Tensor:
        """Views, uint8 (B, V, S, S, 3) → what the backbone is given, float32 (B * V, 3, S, S)."""
        pixels = views.flatten(0, 1).permute(0, 3, 1, 2).float()
        return (pixels - self.mean) / self.std

    def judge(self, features: Tensor) -> Outputs:
        """Turn the features (B, V, F + 64) of all views into scores, embedding and category."""
        whole, details = features[:, 0], features[:, 1:]
        if self.fusion == "whole":
            joined = whole
        elif self.fusion == "details":
            joined = details.mean(1)
        else:
            joined = torch.cat([whole, details.mean(1)], 1)
        told: dict[bool, Tensor] = {}
        if self.detail_head is not None:
            told[True] = self.detail_head(details)
        if self.rest_head is not None:
            told[False] = self.rest_head((whole if self.fusion == "split" else joined)[:, None])
        logits = torch.cat([told[local][:, start:stop] for local, start, stop in self._runs], 1)
        attributes = torch.sigmoid(logits)
        overall = attributes[:, :1]
        for index in range(1, len(self.attributes)):
            overall = overall * attributes[:, index : index + 1]
        return Outputs(
            torch.cat([overall, attributes], 1),
            F.normalize(self.embedding_head(joined), dim=1),
            joined[:, :0] if self.category_head is None else self.category_head(joined),
        )


def _find_runs(attributes: tuple[str, ...], local: list[str], rest: list[str]) -> list[tuple[bool, int, int]]:
    """Columns of the two heads' logits that give the attributes in their order, as few slices as can be.

    Slices and a concatenation, not an index: that would be a gather, which phones' delegates lack.

    Returns:
        (from the local head, first column, column behind the last) of each slice.
    """
    runs: list[tuple[bool, int, int]] = []
    for name in attributes:
        is_local = name in local
        at = (local if is_local else rest).index(name)
        if runs and runs[-1][0] == is_local and runs[-1][2] == at:
            runs[-1] = (is_local, runs[-1][1], at + 1)
        else:
            runs.append((is_local, at, at + 1))
    return runs


class _Tones(nn.Module):
    """A learned color histogram: small patches, each judged by itself, so that light and color can be
    read without the backbone, whose classes were trained not to mind them.

    Its mean over a view is what counts. In the beginning each of 32 ramps runs along one direction of
    color from one value on, as the bins of a soft histogram would.
    """

    OUT = 64
    _RAMPS = 32

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, self._RAMPS, TONES_PX, TONES_PX)
        self.last = nn.Conv2d(self._RAMPS, self.OUT, 1)
        direction = torch.randn(self._RAMPS, 3, 1, 1) / TONES_PX**2
        self.first.weight.data.copy_(direction.expand_as(self.first.weight))
        nn.init.uniform_(self.first.bias, -2, 2)  # type: ignore[arg-type]

    def forward(self, pixels: Tensor) -> Tensor:
        found: Tensor = F.relu6(self.last(F.relu6(self.first(pixels))))
        return found


class _TwoLayers(nn.Module):
    """Features of some views (B, v, F) → logits (B, out), the mean over views taken between the layers.

    After the ReLU each view has its own say: what one crop shows clearly is not averaged away.
    """

    def __init__(self, features: int, out: int) -> None:
        super().__init__()
        self.first = nn.Linear(features, _HIDDEN)
        self.last = nn.Linear(_HIDDEN, out)
        nn.init.constant_(self.last.bias, _SOUND)

    def forward(self, features: Tensor) -> Tensor:
        logits: Tensor = self.last(torch.relu(self.first(features)).mean(1))
        return logits
