"""A data set made ready for training: what is added to the photos, and how it is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compression.dataset import make_dataset
from compression.models import ATTRIBUTES
from compression.scenes import stock


def test_a_pair_of_scenes_is_one_source_with_two_clean_copies(
    photos_csv: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(stock, "WEB", ((120, 160),))
    monkeypatch.setattr(stock, "PHONE", ((120, 160),))
    data = make_dataset(photos_csv, ATTRIBUTES, tmp_path / "cache", scenes=(4, 0))
    assert (data.scenes, data.pairs) == ((4, 0), (1, 0))
    assert data.describe()["photos"] == (len(data.train) - 4 - data.enlarged[0] - 1, len(data.val))
    counts = [sum(not sample.variant.steps for sample in source) for source in data.train]
    assert counts == [1] * (len(data.train) - 1) + [2]
    pair = data.train[-1]
    assert len({sample.photo for sample in pair}) == 1 and len({sample.path for sample in pair}) == len(pair)
    first, second = (sample.target for sample in pair if not sample.variant.steps)
    assert np.array_equal(first, second), "the ground takes nothing from a drawn thing"
    everything = [sample.photo for source in data.train for sample in source]
    assert sorted(set(everything)) == sorted({source[0].photo for source in data.train})
