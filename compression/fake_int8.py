"""Compute in training what int8 will make of a student, so that it learns to live with it.

The convolutions are captured as a graph (torchao's PT2E), whose weights and activations are rounded to
int8 steps on the way forward, while gradients pass as if they were not (Jacob et al. 2018,
arXiv:1712.05877). The parameters keep their names, so what was learned goes back into an ordinary
student, which every quantizer then takes as it takes any other.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn
from torch.export import Dim
from torchao.quantization.pt2e import (
    FusedMovingAvgObsFakeQuantize,
    allow_exported_model_train_eval,
    disable_observer,
    enable_observer,
)
from torchao.quantization.pt2e.quantize_pt2e import prepare_qat_pt2e
from torchao.quantization.pt2e.quantizer.x86_inductor_quantizer import (
    X86InductorQuantizer,
    get_default_x86_inductor_quantization_config,
)

from compression.equalize import equalize
from compression.models.heads import QualityNet

_ANNOTATION = "quantization_annotation"
_CONVOLUTION, _SUM = torch.ops.aten.conv2d.default, torch.ops.aten.add.Tensor


class FakeInt8:
    """A student whose convolutions compute in steps of int8.

    It learns with its channel ranges evened out, as `make_artifacts` will even them: ranges and rounding
    are then those of the models to come.

    Args:
        net: any student; its convolutions are replaced in place.
        views: uint8 (V, S, S, 3) of photos, from which the ranges are found to start with.
    """

    def __init__(self, net: QualityNet, views: Iterable[NDArray[np.uint8]]) -> None:
        photos = list(views)
        self.net = net.cpu().eval()
        self._before = copy.deepcopy(net)
        evened = equalize(net, photos)
        net.backbone = _Rounded(evened.backbone, net.spec.size_px)
        net.tones = _Rounded(evened.tones, net.spec.size_px)  # type: ignore[assignment]
        _find_ranges(net.eval(), photos)

    @contextmanager
    def fixed_ranges(self) -> Iterator[None]:
        """Within it, what is computed moves no range: photos of `val` must not."""
        self.net.apply(disable_observer)
        try:
            yield
        finally:
            self.net.apply(enable_observer)

    def to_plain(self) -> QualityNet:
        """A copy in ordinary layers, with what was learned so far, on the CPU."""
        plain = copy.deepcopy(self._before)
        learned = {key: value.detach().cpu() for key, value in self.net.state_dict().items()}
        heads = {key: value for key, value in learned.items() if not key.startswith(("backbone.", "tones."))}
        plain.load_state_dict(heads, strict=False)
        for name, part in (("backbone", plain.backbone), ("tones", plain.tones)):
            start = f"{name}.graph."
            put_back(
                part, {key.removeprefix(start): learned[key] for key in learned if key.startswith(start)}
            )
        return plain


def put_back(module: nn.Module, learned: Mapping[str, Tensor]) -> None:
    """Put the weights of folded convolutions into a module that has its batch norms still.

    A batch norm that was folded keeps a place for the bias, and changes nothing else.

    Args:
        learned: parameters by name, in which the batch norms are missing.
    """
    modules = dict(module.named_modules())
    with torch.no_grad():
        for conv, norm in _find_norms(module):
            bias = learned[f"{conv}.bias"]
            layer = modules[norm]
            layer.running_mean.zero_()
            layer.running_var.fill_(1 - layer.eps)
            layer.weight.fill_(1)
            layer.bias.copy_(bias)
            if modules[conv].bias is not None:
                layer.bias.zero_()
        for name, parameter in module.named_parameters():
            if name in learned:
                parameter.copy_(learned[name])


def _find_norms(module: nn.Module) -> Iterator[tuple[str, str]]:
    """Names of each convolution and the batch norm behind it."""
    modules = dict(module.named_modules())
    for node in fx.symbolic_trace(module).graph.nodes:
        before = node.all_input_nodes[0] if node.all_input_nodes else None
        if isinstance(modules.get(str(node.target)), nn.BatchNorm2d) and before is not None:
            yield str(before.target), str(node.target)


def _find_ranges(net: QualityNet, photos: Iterable[NDArray[np.uint8]]) -> None:
    """Set every range to the least and the largest value over photos, as calibration does.

    The moving average of training would take hundreds of steps to get there, clipping all the while.
    """
    observers = [
        each.activation_post_process
        for each in net.modules()
        if isinstance(each, FusedMovingAvgObsFakeQuantize)
    ]
    usual = [each.averaging_constant for each in observers]
    seen = []
    for observer in observers:
        observer.averaging_constant = 1.0  # the latest photo alone
    with torch.no_grad():
        for photo in photos:
            net.look(torch.from_numpy(photo)[None])
            seen.append([(each.min_val.clone(), each.max_val.clone()) for each in observers])
        for observer, constant, ranges in zip(observers, usual, zip(*seen, strict=True), strict=True):
            observer.averaging_constant = constant
            observer.min_val.copy_(torch.stack([low for low, _ in ranges]).amin(0))
            observer.max_val.copy_(torch.stack([high for _, high in ranges]).amax(0))


class _Rounded(nn.Module):
    """A module as a graph that rounds weights and activations to int8 steps."""

    def __init__(self, module: nn.Module, side_px: int) -> None:
        super().__init__()
        pixels = torch.zeros(2, 3, side_px, side_px)
        shapes = ({0: Dim.AUTO, 2: Dim.AUTO, 3: Dim.AUTO},)
        captured = torch.export.export(module.eval(), (pixels,), dynamic_shapes=shapes)
        # the guards would refuse a batch of one view, which computes well
        prepared = prepare_qat_pt2e(captured.module(check_guards=False), _Quantizer())
        self.graph = allow_exported_model_train_eval(prepared)

    def forward(self, pixels: Tensor) -> Tensor:
        # bfloat16 has no more digits than int8: its rounding would hide the one to learn from
        with torch.autocast(pixels.device.type, enabled=False):
            found: Tensor = self.graph(pixels.float())
            return found


class _Quantizer(X86InductorQuantizer):
    """Rounds what the phone's runtimes round: all that X86's does, and the two things that it need not.

    That backend adds a convolution's exact sums to a residual, and gives its last output in float. Both
    runtimes here round the one before the sum and the other before the pooling.
    """

    def __init__(self) -> None:
        super().__init__()
        self._config = get_default_x86_inductor_quantization_config(is_qat=True)
        self.set_global(self._config)

    def annotate(self, model: fx.GraphModule) -> fx.GraphModule:
        model = super().annotate(model)
        for node in model.graph.nodes:
            annotation = node.meta.get(_ANNOTATION)
            read_by = {user.target for user in node.users}
            if annotation is not None and (
                (node.target is _CONVOLUTION and _SUM in read_by) or "output" in read_by
            ):
                annotation.output_qspec = self._config.output_activation
        return model
