"""A backend that answers what another one answered first: a verdict without the time of its model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_iqa.backends.base import Backend, Outputs, Signature


class Recalled:
    """A `Backend` that asks another one once, and never again whatever the views are."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._outputs: Outputs | None = None

    @property
    def name(self) -> str:
        """That of the other backend, as are the rest."""
        return self._backend.name

    @property
    def version(self) -> str:
        return self._backend.version

    @property
    def threads(self) -> int:
        return self._backend.threads

    @property
    def signature(self) -> Signature:
        return self._backend.signature

    def run(self, views: NDArray[np.uint8]) -> Outputs:
        """Scores of the first photo that was asked about."""
        if self._outputs is None:
            self._outputs = self._backend.run(views)
        return self._outputs

    def close(self) -> None:
        """Nothing: the other backend is not ours to close."""
