"""A student, a teacher and photos so small that a whole way through the workshop takes seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from compression import models
from compression.fidelity import Fidelity
from compression.models.heads import QualityNet
from edge_iqa import image, views


class StandInReference:
    """Mean difference of pixels in the place of three metrics, which would take longer than all else here."""

    def __init__(self, pixels: np.ndarray, mask: np.ndarray | None = None) -> None:
        self._pixels = pixels.astype(np.float32)

    def compare(self, degraded: np.ndarray) -> Fidelity:
        lost = min(1.0, float(np.abs(degraded - self._pixels).mean()) / 64)
        return Fidelity(0.99 - 0.69 * lost, 0.05 + 0.45 * lost, 0.999 - 0.13 * lost ** (1 / 0.6))


def wobble(net: QualityNet) -> QualityNet:
    """The same net with a little noise on every weight."""
    torch.manual_seed(7)
    state = {
        key: value + 0.002 * value.std() * torch.randn_like(value)
        if value.is_floating_point() and value.numel() > 1
        else value
        for key, value in net.state_dict().items()
    }
    return with_state(net, state)


def with_state(net: QualityNet, state: dict[str, torch.Tensor]) -> QualityNet:
    other = models.build("tiny", net.attributes, net.embedding, net.spec, net.categories)
    other.load_state_dict(state)
    return other.eval()


def draw_data(folder: Path, net: QualityNet, draw_photo: Callable, counts: Mapping[str, int]) -> Path:
    """Drawn photos, rated in the order that the net gives them: it agrees with the labels from the start."""
    folder.mkdir()
    rng = np.random.default_rng(5)
    paths, scores = [], []
    splits = [split for split, count in counts.items() for _ in range(count)]
    for number in range(len(splits)):
        paths.append(folder / f"{number}.png")
        Image.fromarray(draw_photo(rng)).save(paths[-1])
        cut = views.cut(image.read(paths[-1]), net.spec)
        with torch.inference_mode():
            scores.append(float(net(torch.from_numpy(cut)[None]).scores[0, 0]))
    ratings = 0.2 + 0.8 * np.argsort(np.argsort(scores)) / len(scores)
    lines = [
        f"{path.name},{splits[number]},{number},{rating:.3f}"
        for number, (path, rating) in enumerate(zip(paths, ratings, strict=True))
    ]
    (folder / "photos.csv").write_text("\n".join(["path,split,group,label", *lines]))
    return folder / "photos.csv"
