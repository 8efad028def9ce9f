"""Embeddings of real photos and their copies, kept on disk between runs: they take the model minutes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import copies
from compression.data import Photo, hash_photos
from compression.progress import track
from edge_iqa import Inspector, image, views
from edge_iqa.files import write_bytes

Vectors = NDArray[np.float32]


def embed_copies(inspector: Inspector, photos: Sequence[Photo], rounds: int, cache: Path) -> Vectors:
    """Embeddings of photos as they are and of their copies.

    Args:
        photos: real photos.
        rounds: copies of each, of all kinds in turn; the photo itself comes first.
        cache: folder that keeps what was made, by photos, rounds, bundle and the code of the copies.

    Returns:
        float32 (len(photos) * (1 + rounds), D), unit length; photo by photo.
    """
    made_by = hashlib.sha256(
        b"".join(Path(file).read_bytes() for file in (copies.__file__, __file__))
    ).hexdigest()
    key = (
        f"{hash_photos(photos)} {rounds} {inspector.bundle.judging_sha256} {inspector.backend.name} {made_by}"
    )
    path = cache / f"vectors-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npy"
    if path.is_file():
        found: Vectors = np.load(path, allow_pickle=False)
        return found
    made = track(_embed(inspector, photos, rounds), len(photos) * (1 + rounds), "embeddings")
    vectors = np.array(list(made), np.float32)
    data = io.BytesIO()
    np.save(data, vectors)
    write_bytes(path, data.getbuffer())  # whole or not at all: half a file would be taken for all of it
    return vectors


def _embed(inspector: Inspector, photos: Sequence[Photo], rounds: int) -> Iterator[Vectors]:
    kinds = list(copies.COPIES.values())
    for number, photo in enumerate(photos):
        pixels = image.read(photo.path).pixels
        yield embed(inspector, pixels)
        for turn in range(rounds):
            rng = np.random.default_rng((number, turn, 7))
            yield embed(inspector, kinds[(number + turn) % len(kinds)](pixels, rng))


def embed(inspector: Inspector, photo: bytes | NDArray[np.uint8]) -> Vectors:
    """The embedding alone: what `Inspector.inspect` gives, without its measurements."""
    frame = image.read(photo)
    return inspector.backend.run(views.cut(frame, inspector.bundle.manifest.views)).embedding
