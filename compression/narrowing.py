"""Around a cut: before it, what channels are worth and how far they spread; after it, weights are fitted anew."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from torch import Tensor

from compression.batches import Batch, count_steps, fit_views, training_batches, widest
from compression.dataset import make_dataset
from compression.models import ATTRIBUTES
from compression.models.heads import Outputs, QualityNet
from compression.norms import carry_statistics, measure_statistics
from compression.objective import Weights
from compression.progress import console, track
from compression.repair import repair
from compression.train_config import TrainConfig
from edge_iqa.views import ViewSpec

_LOOK_STEPS = 12
"""Batches that tell what a channel is worth, and how far it spreads."""
_REPAIR_BATCHES = 6
"""Of these, so many to fit the layers on that lost inputs: each layer is one more pass over them."""


class Seen:
    """Photos that a student is shown around a cut, and what its teacher says of them.

    They are batches of an early epoch, with small views: a quarter of the time, as the healing begins with them;
    fitted on views of full size, a student kept its order no better.

    Args:
        net: before the cut; its batch norms, folded in our weights, get true statistics.
        spec: views of the teacher.
        ask: asks it.
        options: `data` and `cache`.
    """

    def __init__(
        self,
        net: QualityNet,
        spec: ViewSpec,
        ask: Callable[[Tensor], Outputs],
        options: argparse.Namespace,
    ) -> None:
        self._spec, self._ask = spec, ask
        self._batches = _cut_batches(net, spec, options)
        self._views = [fit_views(batch.views, net.spec) for batch in self._batches]
        carry_statistics(net, track(self._views, len(self._views), "how far channels spread"))

    def look(self, net: QualityNet) -> None:
        """Sum the gradients of the loss of distillation, without changing a weight."""
        weights = Weights()
        net.requires_grad_(True).eval().zero_grad()
        for batch in track(self._batches, len(self._batches), "what channels are worth"):
            aim = self._ask(fit_views(batch.views, self._spec))
            weights.total(batch, net(fit_views(batch.views, net.spec)), aim).backward()

    def mend(self, net: QualityNet, before: QualityNet) -> None:
        """Measure the statistics of a cut student, and fit what stays to what was there."""
        views = self._views
        measure_statistics(net, track(views, len(views), "how far they spread after the cut"))
        with console.status("fitting what stays to what was there"):
            repair(net, before, views[:_REPAIR_BATCHES])


def _cut_batches(net: QualityNet, seen: ViewSpec, options: argparse.Namespace) -> list[Batch]:
    config = TrainConfig(epochs=2, small_epochs=1)
    spec = widest(net.spec, seen)
    limits = (config.photos_per_step * _LOOK_STEPS, 1)
    data = make_dataset(options.data, ATTRIBUTES, options.cache, limits, (0, 0), net.categories)
    batches = training_batches(data.train, spec, config, 0)
    return list(track(batches, count_steps(len(data.train), config.photos_per_step), "views"))
