"""What a layer has to do, counted in the units that a processor is paid in.

A runtime's time is a sum: multiplications at the rate of their kind; patches that are gathered, and values
that are written, around them; bytes of all that does not multiply; loops that are begun; layers that are
called. Each unit has one price on a machine, the same for all models: the prices are what is fitted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from export.layers import Layer

UNITS = {
    "dense_int8": "multiplications of dense and grouped int8 convolutions and products",
    "dense_fp32": "the same in float",
    "depthwise_int8": "multiplications of depthwise int8 convolutions",
    "depthwise_fp32": "the same in float",
    "gathered_int8": "values that dense int8 convolutions gather into patches, each as often as a window has it",
    "gathered_fp32": "the same in float",
    "made_int8": "values that int8 convolutions and products make",
    "made_fp32": "the same in float",
    "other_bytes": "bytes that layers without multiplications read and write",
    "loops": "inner loops of broadcasts: a mean and a deviation of 3 channels begin one for each pixel",
    "layers": "layers, whatever they do",
}


def count_work(layers: Sequence[Layer]) -> dict[str, int]:
    """Units of a model → how many of each."""
    work = Counter(dict.fromkeys(UNITS, 0))
    for layer in layers:
        work["layers"] += 1
        work["loops"] += layer.loops
        if layer.form is None or not layer.macs:
            work["other_bytes"] += layer.activation_bytes
            continue
        form, kind = layer.form, "int8" if layer.int8_macs else "fp32"
        made = layer.macs // form.each
        depthwise = form.inputs == 1 and form.groups > 1
        work[f"{'depthwise' if depthwise else 'dense'}_{kind}"] += layer.macs
        work[f"made_{kind}"] += made
        if not depthwise:
            work[f"gathered_{kind}"] += made // form.outputs * form.each * form.groups
    return dict(work)


def price(work: Mapping[str, int], prices: Mapping[str, float]) -> float:
    """Milliseconds that some work takes at these prices."""
    return sum(count * prices[unit] for unit, count in work.items())
