"""How much the scores lose by each convolution in int8: measured in the runtime, as a table and a plot.

Each is made int8 alone, all others float. The other way round, each float alone in an int8 model,
tells next to nothing: two layers share the tensor between them, and where int8 spoils that, neither
helps without the other; what a small one costs drowns in what all the others cost. (Of the default
student's 54, two stood out that way, and the other 52 lay within the noise of their sum.) The mean over
photos orders them: the 99th percentile of few photos is one photo's whim.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from compression.progress import track
from export.console import show_table

_SHOWN = 10


class Loss(Protocol):
    """What int8 costs over some photos."""

    @property
    def mean(self) -> float: ...
    @property
    def p99(self) -> float: ...


@dataclass(frozen=True)
class Sensitivity:
    """What one convolution costs when it alone is int8.

    Attributes:
        layer: its place in the order in which they run.
        name: what it is: kernel and channels.
        mean, p99: over photos, of the largest difference among the scores.
    """

    layer: int
    name: str
    mean: float
    p99: float


def measure_layers(layers: Sequence[str], measure: Callable[[Collection[int]], Loss]) -> list[Sensitivity]:
    """Measure each convolution alone in int8.

    Args:
        layers: how each is called.
        measure: places of those that stay float → loss of the model with all others in int8.
    """
    everything = range(len(layers))
    found = []
    for layer in track(everything, len(layers), "sensitivity of each layer"):
        loss = measure([other for other in everything if other != layer])
        found.append(Sensitivity(layer, layers[layer], loss.mean, loss.p99))
    return found


def to_json(measured: Mapping[str, Sequence[Sensitivity]]) -> dict[str, Any]:
    """As plain JSON values, by runtime."""
    return {runtime: [asdict(each) for each in layers] for runtime, layers in measured.items()}


def show(measured: Mapping[str, Sequence[Sensitivity]], float_layers: Mapping[str, Collection[int]]) -> None:
    """Print the worst ten of each runtime."""
    for runtime, layers in measured.items():
        worst = sorted(layers, key=lambda each: -each.mean)[:_SHOWN]
        rows = [
            (
                str(each.layer),
                each.name,
                f"{each.mean:.4f}",
                f"{each.p99:.4f}",
                "float" if each.layer in float_layers[runtime] else "int8",
            )
            for each in worst
        ]
        title = f"{runtime}: what each convolution loses when it alone is int8, the worst {len(rows)}"
        show_table(title, ("layer", "convolution", "mean", "p99", "taken"), rows)


def plot(
    path: Path,
    measured: Mapping[str, Sequence[Sensitivity]],
    float_layers: Mapping[str, Collection[int]],
) -> Path:
    """Draw the loss of every layer, those that stayed float in another color."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.2 * len(measured)), layout="constrained")
    for axes, (runtime, layers) in zip(
        figure.subplots(len(measured), squeeze=False)[:, 0], measured.items(), strict=True
    ):
        places = [each.layer for each in layers]
        colors = ["C1" if each.layer in float_layers[runtime] else "C0" for each in layers]
        axes.bar(places, [each.mean for each in layers], color=colors)
        for each in sorted(layers, key=lambda each: -each.mean)[:_SHOWN]:
            axes.annotate(
                each.name,
                (each.layer, each.mean),
                rotation=90,
                fontsize=7,
                ha="center",
                xytext=(0, 3),
                textcoords="offset points",
            )
        axes.set(
            title=f"{runtime}: each convolution alone in int8; orange stayed float",
            xlabel="convolution, in the order they run",
            ylabel="mean score difference",
        )
        axes.margins(x=0.01, y=0.65)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path
