"""Does an exported model give what the torch model gives? Every output, on real views."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from edge_iqa import backends
from edge_iqa.errors import GateError
from export.contract import OUTPUTS, OnePhoto

BOUND = 1e-4
"""Largest difference that float arithmetic in another order may make."""

Floats = NDArray[np.floating[Any]]
Model = Callable[[NDArray[np.uint8]], dict[str, Floats]]
"""Views of one photo → outputs by name, without the batch axis."""


@dataclass(frozen=True)
class Difference:
    """How far one output of one model is from torch's: largest and mean absolute difference."""

    model: str
    output: str
    worst: float
    mean: float


@dataclass(frozen=True)
class Parity:
    """Differences of all outputs of all models over `n` photos."""

    n: int
    bound: float
    differences: tuple[Difference, ...]

    @property
    def worst(self) -> float:
        """The largest of all differences."""
        return max(difference.worst for difference in self.differences)

    @property
    def passed(self) -> bool:
        """Whether every difference stays within the bound; one that is no number does not."""
        return all(difference.worst <= self.bound for difference in self.differences)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values, with `worst` and `passed`."""
        return {**asdict(self), "worst": self.worst, "passed": self.passed}


def compare(
    net: torch.nn.Module,
    models: Mapping[str, bytes],
    views: Iterable[NDArray[np.uint8]],
    bound: float = BOUND,
) -> Parity:
    """Run photos through torch and through each exported model, as the device would.

    Args:
        net: uint8 (B, V, S, S, 3) → scores, embedding, category; left in evaluation mode.
        models: file name, ending in `.onnx` or `.tflite` → content.
        views: uint8 (V, S, S, 3) of each photo.

    Raises:
        GateError: there was nothing to compare, or a model has other outputs than torch.
        BackendError: a runtime refuses a model.
    """
    reference = from_torch(net)
    candidates = {name: from_file(name, content) for name, content in models.items()}
    gaps: dict[tuple[str, str], list[Floats]] = {}
    count = 0
    for each in views:
        count += 1
        expected = reference(each)
        for name, run in candidates.items():
            outputs = run(each)
            _check_shapes(name, outputs, expected)
            for output in expected:
                gap = np.abs(_to_range(output, outputs[output]) - _to_range(output, expected[output]))
                gaps.setdefault((name, output), []).append(gap)
    if not gaps:
        raise GateError("parity: expected at least one model and one photo to compare on")
    differences = tuple(
        Difference(*key, worst=float(np.max(values)), mean=float(np.mean(values)))
        for key, values in gaps.items()
    )
    return Parity(count, bound, differences)


def _to_range(output: str, values: Floats) -> Floats:
    """Values within -1 to 1, as the bound has them: of the category its probabilities, not its logits."""
    if output != "category":
        return values
    shares = np.exp(values - values.max())
    return np.asarray(shares / shares.sum(), np.float32)


def check(parity: Parity) -> None:
    """Let a parity that holds pass.

    Raises:
        GateError: names the outputs beyond the bound.
    """
    if not parity.passed:
        beyond = [each for each in parity.differences if not each.worst <= parity.bound]
        listed = ", ".join(f"{each.output} of {each.model} by {each.worst:.2g}" for each in beyond)
        raise GateError(f"parity: expected differences from torch of at most {parity.bound:g}, got {listed}")


def from_torch(net: torch.nn.Module) -> Model:
    """A torch model as a function of one photo's views."""
    one = OnePhoto(net).eval()

    def run(views: NDArray[np.uint8]) -> dict[str, Floats]:
        with torch.inference_mode():
            return {name: value[0].numpy() for name, value in one(torch.from_numpy(views)).items()}

    return run


def from_file(name: str, content: bytes, threads: int | None = None) -> Model:
    """An exported model as a function of one photo's views, run by the device's own backend.

    Raises:
        BackendError: the runtime refuses it.
    """
    backend = backends.open(content, name.rpartition(".")[2], threads)

    def run(views: NDArray[np.uint8]) -> dict[str, Floats]:
        outputs = backend.run(views)
        values = zip(OUTPUTS, (outputs.scores, outputs.embedding, outputs.category), strict=True)
        return {output: value for output, value in values if value.size}

    return run


def _check_shapes(name: str, outputs: Mapping[str, Floats], expected: Mapping[str, Floats]) -> None:
    shapes = [{output: value.shape for output, value in each.items()} for each in (expected, outputs)]
    if shapes[0] != shapes[1]:
        raise GateError(f"parity: {name}: expected the outputs of torch, {shapes[0]}, got {shapes[1]}")
