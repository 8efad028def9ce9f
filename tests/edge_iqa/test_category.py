"""The category of a report is the likeliest one, with the confidence that softmax gives it."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_iqa import Inspector, backends
from edge_iqa.backends.base import Backend, Outputs, Signature, to_outputs
from edge_iqa.bundle import Bundle
from edge_iqa.category import choose_category
from edge_iqa.errors import BackendError

NAMES = ("shoe", "mug", "lamp")


def softmax(logits: list[float]) -> list[float]:
    """By its definition, in exact fractions of powers: no shift by the maximum."""
    powers = [Fraction(math.exp(value)) for value in logits]
    return [float(power / sum(powers)) for power in powers]


@given(st.lists(st.floats(-300, 300, width=32), min_size=1, max_size=40))
def test_confidence_is_the_largest_of_the_softmax(logits: list[float]) -> None:
    names = [f"category {index}" for index in range(len(logits))]
    found = choose_category(np.array(logits, np.float32), names)
    assert found is not None
    assert found.confidence == pytest.approx(max(softmax(logits)), rel=1e-9)
    assert logits[names.index(found.name)] == max(logits)


@pytest.mark.parametrize("scale", [1e4, 1e30, 3e38])
def test_huge_logits_leave_a_number(scale: float) -> None:
    found = choose_category(np.array([-scale, scale, 0], np.float32), NAMES)
    assert found is not None
    assert (found.name, found.confidence) == ("mug", 1.0)


def test_no_categories_are_no_category() -> None:
    assert choose_category(np.zeros(0, np.float32), ()) is None


@pytest.mark.parametrize("shape", [(2,), (4,), (0,), (1, 3)])
def test_other_logits_than_names_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected logits of shape \(3,\)"):
        choose_category(np.zeros(shape, np.float32), NAMES)


class Classifying:
    """A backend that gives three logits beside what another one gives."""

    def __init__(self, inner: Backend, logits: list[float]) -> None:
        self.inner = inner
        self.logits = np.array(logits, np.float32)
        self.name, self.version, self.threads = inner.name, inner.version, inner.threads
        self.signature: Signature = dataclasses.replace(inner.signature, category=len(logits))

    def run(self, views: NDArray[np.uint8]) -> Outputs:
        return dataclasses.replace(self.inner.run(views), category=self.logits)

    def close(self) -> None:
        self.inner.close()


@pytest.mark.parametrize("runtime", sorted(backends.available()))
def test_report_names_the_category_of_the_bundle(
    runtime: str, edit_manifest: Callable[..., Path], photo_paths: list[Path]
) -> None:
    bundle = Bundle.open(edit_manifest(lambda manifest: manifest["outputs"].update(categories=list(NAMES))))
    backend = Classifying(backends.open(bundle.model(runtime), runtime), [0.5, -1.0, 2.0])
    with Inspector(bundle, backend) as inspector:
        report = inspector.inspect(photo_paths[0])
    told = json.loads(report.to_json())["category"]
    assert report.category is not None
    assert told == {"name": "lamp", "confidence": report.category.confidence}
    assert told["confidence"] == pytest.approx(softmax([0.5, -1.0, 2.0])[2])


def test_logits_that_are_no_numbers_are_refused() -> None:
    outputs = {"scores": np.ones((1, 2)), "embedding": np.ones((1, 4)), "category": np.array([[0, np.nan]])}
    with pytest.raises(BackendError, match="not numbers"):
        to_outputs({name: value.astype(np.float32) for name, value in outputs.items()})
