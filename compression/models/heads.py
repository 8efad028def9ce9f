"""One backbone for every view, one fusion, one set of heads: shared by all teachers and students."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from edge_iqa.views import ViewSpec

_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)
"""ImageNet statistics (He et al. 2015 and torchvision's reference): the starting weights expect them."""


class QualityNet(nn.Module):
    """Raw views in, scores and an embedding out.

    The global view tells light and framing, the details tell sharpness, noise and compression; the
    heads see both: the global feature beside the mean of the detail features.

    Args:
        architecture: name in the registry, kept for checkpoints.
        backbone: maps (N, 3, S, S) to a feature map (N, F, h, w).
        features: F.
        attributes: names of the attributes after the overall score.
        embedding: D, length of the embedding.
        spec: how views are cut.
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
    ) -> None:
        super().__init__()
        self.architecture = architecture
        self.attributes = attributes
        self.embedding = embedding
        self.spec = spec
        self.backbone = backbone
        fused = features * (2 if spec.detail else 1)
        self.scores_head = nn.Sequential(
            nn.Linear(fused, 256), nn.ReLU(), nn.Linear(256, 1 + len(attributes))
        )
        self.embedding_head = nn.Linear(fused, embedding)
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1) * 255, persistent=False)

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Score a batch.

        Args:
            views: uint8 (B, V, S, S, 3), RGB, 0-255; the global view first.

        Returns:
            scores float32 (B, 1+A) in [0, 1], overall first, higher is better; embedding float32
            (B, D) of unit length.
        """
        return self.judge(self.fuse(views))

    def fuse(self, views: Tensor) -> Tensor:
        """Run the backbone on every view; return the global feature beside the mean detail feature.

        Training runs this part alone in bfloat16: scores need more digits than that.
        """
        batch, count = views.shape[:2]
        pixels = views.flatten(0, 1).permute(0, 3, 1, 2).float()
        maps = self.backbone((pixels - self.mean) / self.std)
        features = maps.mean((2, 3)).float().reshape(batch, count, -1)
        if count == 1:
            return features[:, 0]
        return torch.cat([features[:, 0], features[:, 1:].mean(1)], 1)

    def judge(self, fused: Tensor) -> tuple[Tensor, Tensor]:
        """Turn fused features (B, 2F) into scores and embedding."""
        return torch.sigmoid(self.scores_head(fused)), F.normalize(self.embedding_head(fused), dim=1)
