"""Takes the least important channels out of a model (torch-pruning; Fang et al. 2023, arXiv:2301.12900)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping

import torch
import torch_pruning as tp
from torch import nn

from compression.models.heads import QualityNet

IMPORTANCE = ("magnitude", "taylor")
"""magnitude: norm of a channel's weights (Li et al. 2017, arXiv:1608.08710). taylor: what the loss would
change without it, to first order (Molchanov et al. 2019, arXiv:1906.10771); needs gradients."""

SCOPES = ("global", "layer")
"""global: channels of all layers compete. layer: every layer gives the same share."""

_MULTIPLE = 8
"""Channels stay a multiple of it: the vector units of phones compute eight or sixteen at once."""
_MOST = 0.9
"""No layer loses more than this share of its channels: one that is nearly gone blocks all behind it."""
_STEPS = 80
_ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.Hardswish, nn.SiLU)


def cut(
    net: QualityNet,
    share: float,
    importance: str = "magnitude",
    scope: str = "global",
    *,
    of: str = "macs",
    first_block: int = 0,
    whole: float | None = None,
) -> float:
    """Remove channels, whole groups that depend on each other at once, until the model is small enough.

    Args:
        net: changed in place; with gradients where `importance` is taylor. Outputs keep their lengths.
        share: of the multiplications or weights of the whole model, how much may stay, 0-1.
        importance: one of `IMPORTANCE`.
        scope: one of `SCOPES`.
        of: one of `COUNTS`.
        first_block: blocks of the backbone before this one stay as they are. What tells quality is seen by
            the first blocks, most weights stand in the last ones (benchmarks/results/README.md).
        whole: what the whole model counts, where this one was cut before; None: this is it.

    Returns:
        The share that stayed, `share` at most. A model that is small enough already stays as it is.

    Raises:
        ValueError: an option that is not known, no gradients, or a share that cannot be reached.
    """
    for name, value, known in (
        ("importance", importance, IMPORTANCE),
        ("scope", scope, SCOPES),
        ("of", of, tuple(COUNTS)),
    ):
        if value not in known:
            raise ValueError(f"{name}: expected one of {', '.join(known)}, got {value!r}")
    if not 0 < share < 1:
        raise ValueError(f"{of}: expected a share between 0 and 1, got {share}")
    if importance == "taylor" and all(each.grad is None for each in net.parameters()):
        raise ValueError("importance taylor: the model has no gradients; run a loss backward first")
    count = COUNTS[of]
    whole = count(net) if whole is None else whole
    if (left := count(net) / whole) <= share:
        return left
    pruner = _make_pruner(net, importance, scope, first_block)
    for _ in range(_STEPS):
        pruner.step()
        left = count(net) / whole
        if left <= share:
            return left
    raise ValueError(
        f"asked for {share:.2f} of the {COUNTED[of]} of the whole student, where {left:.2f} is the least; "
        "ask for more, or distill a smaller architecture, or one with smaller or fewer views"
    )


def _make_pruner(net: QualityNet, importance: str, scope: str, first_block: int) -> tp.pruner.BasePruner:
    """Takes a little more out with each step."""
    views = torch.zeros((1, *net.spec.shape), dtype=torch.uint8)
    net.requires_grad_(True).eval()  # the library follows gradients from layer to layer
    chosen = (
        tp.importance.GroupTaylorImportance()
        if importance == "taylor"
        else tp.importance.GroupMagnitudeImportance(p=2)
    )
    return tp.pruner.BasePruner(
        net,
        views,
        chosen,
        pruning_ratio=_MOST,
        max_pruning_ratio=_MOST,
        iterative_steps=_STEPS,
        global_pruning=scope == "global",
        round_to=_MULTIPLE,
        ignored_layers=[*_keep(net), *_before(net, first_block)],
        forward_fn=lambda model, given: model(given),
    )


def count_macs(net: QualityNet) -> float:
    """Multiplications and additions of one photo, all views."""
    macs, _ = tp.utils.count_ops_and_params(net, torch.zeros((1, *net.spec.shape), dtype=torch.uint8))
    return float(macs)


def count_parameters(net: nn.Module) -> float:
    """Weights, all of them: a byte each in an int8 file."""
    return float(sum(each.numel() for each in net.parameters()))


COUNTS: Mapping[str, Callable[[QualityNet], float]] = {"macs": count_macs, "parameters": count_parameters}
"""What a cut may be measured by: time, or the size of the file."""
COUNTED = {"macs": "multiplications", "parameters": "weights"}


def _before(net: QualityNet, first_block: int) -> Iterator[nn.Module]:
    for block in list(net.backbone.children())[:first_block]:
        yield from block.modules()


def _keep(net: QualityNet) -> Iterable[nn.Module]:
    """Layers whose outputs all stay: the model's own, the tones, a hundredth of the work, and what blocks hand on."""
    yield from net.tones.modules()
    for layer, _ in handed_on(net.backbone):
        yield layer
    for head in (net.detail_head, net.rest_head):
        if head is not None:
            yield head.last
    yield net.embedding_head
    if net.category_head is not None:
        yield net.category_head


def handed_on(backbone: nn.Module) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d | None]]:
    """The first convolution, and those with batch norm and no activation behind; each with its batch norm.

    They give the few channels that every later block of a stage reads (Sandler et al. 2018,
    arXiv:1801.04381). Of half the multiplications taken out, order survives far better where these are let
    be (benchmarks/results/README.md).
    """
    modules = list(backbone.modules())
    first = True
    for layer, norm, then in itertools.zip_longest(modules, modules[1:], modules[2:]):
        if isinstance(layer, nn.Conv2d):
            behind = norm if isinstance(norm, nn.BatchNorm2d) else None
            if first or (behind is not None and not isinstance(then, _ACTIVATIONS)):
                yield layer, behind
            first = False
