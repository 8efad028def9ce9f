"""What several tests of the device part need: the bundle of the wheel, a copy to tamper with, photos."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_iqa import Inspector, image
from edge_iqa.bundle import DEFAULT, Bundle

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return Bundle.open()


@pytest.fixture(scope="session")
def inspector() -> Iterator[Inspector]:
    with Inspector.open() as opened:
        yield opened


@pytest.fixture
def bundle_copy(tmp_path: Path) -> Path:
    """A copy of the wheel's bundle, to be tampered with."""
    return Path(shutil.copytree(DEFAULT, tmp_path / "bundle"))


@pytest.fixture
def edit_manifest(bundle_copy: Path) -> Callable[[Edit], Path]:
    """Changes the manifest of the copy, as one who packs a bundle could; gives the copy's folder."""

    def edit(change: Edit) -> Path:
        path = bundle_copy / "manifest.json"
        manifest = json.loads(path.read_text())
        change(manifest)
        path.write_text(json.dumps(manifest))
        return bundle_copy

    return edit


@pytest.fixture(scope="session")
def photo_paths() -> list[Path]:
    """The golden photos of the wheel's bundle: real files, and different from each other."""
    return [DEFAULT / golden.photo for golden in Bundle.open().manifest.golden]


@pytest.fixture(scope="session")
def good_photo(bundle: Bundle) -> NDArray[np.uint8]:
    """RGB pixels of a golden photo that is accepted."""
    accepted = [golden.photo for golden in bundle.manifest.golden if golden.verdict == "accept"]
    assert accepted, "the default bundle needs a golden photo that is accepted"
    return image.read(bundle.read(accepted[0])).pixels
