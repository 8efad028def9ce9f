"""Photos that were seen, and the answer whether another one is among them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge_iqa.bundle import Bundle
from edge_iqa.errors import GalleryError, OutputError
from edge_iqa.gallery import store
from edge_iqa.gallery.fingerprint import Fingerprint, make_fingerprint
from edge_iqa.gallery.judging import judge
from edge_iqa.gallery.match import ORDER, Match
from edge_iqa.gallery.shelf import Shelf
from edge_iqa.gallery.store import Mark, Model
from edge_iqa.table import make_printable

if TYPE_CHECKING:
    from edge_iqa.image import Photo
    from edge_iqa.inspector import Inspector

CANDIDATES = 50
"""Photos with the nearest embeddings that are laid onto the one asked for."""
_HASH_CANDIDATES, _HASH_BITS = 10, 8
"""Photos whose perceptual hash is nearly the same are tried too, whatever their embeddings say."""


class Gallery:
    """Photos by name. May be used from several threads at once; it is a file only where `save` makes it one."""

    def __init__(self, inspector: Inspector) -> None:
        """An empty gallery.

        Args:
            inspector: makes the fingerprints. Needed as long as photos are added or looked for.
        """
        self._inspector = inspector
        self._model = describe_model(inspector.bundle)
        self._shelf = Shelf(inspector.bundle.manifest.outputs.embedding)
        self._path: Path | None = None
        self._is_changed = False
        self._mark: Mark | None = None
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: str | os.PathLike[str], inspector: Inspector) -> Gallery:
        """Open a gallery that was saved.

        Raises:
            GalleryError: there is none, it is no gallery, damaged, or made with another model than the inspector's.
        """
        gallery = cls(inspector)
        gallery._path = Path(path)
        content, model, gallery._mark = store.read(gallery._path)
        expected = gallery._model
        if model.sha256 != expected.sha256 or content.vectors.shape[1] != gallery.dimension:
            raise GalleryError(
                f"{gallery._path}: made with the bundle {_tell(model)}, and the one in use is "
                f"{_tell(expected)}: their embeddings cannot be compared; open that bundle, "
                "or begin a new gallery and add the photos again"
            )
        gallery._shelf = Shelf.from_content(content)
        return gallery

    @classmethod
    def begin(cls, path: str | os.PathLike[str], inspector: Inspector) -> Gallery:
        """An empty gallery whose file will be `path`, where none is yet; `save` refuses one that came in between."""
        gallery = cls(inspector)
        gallery._path = Path(path)
        return gallery

    @property
    def is_changed(self) -> bool:
        """Whether photos were added or removed since it was opened, begun or saved."""
        return self._is_changed

    @property
    def dimension(self) -> int:
        """D, of embeddings."""
        return self._inspector.bundle.manifest.outputs.embedding

    def __len__(self) -> int:
        return len(self._shelf)

    def __iter__(self) -> Iterator[str]:
        """Names, in the order in which they were added."""
        with self._lock:
            return iter(self._shelf)

    def __contains__(self, name: object) -> bool:
        return name in self._shelf

    def __repr__(self) -> str:
        return f"Gallery({len(self)} photos, {self._model.bundle}, {self._path})"

    def fingerprint(self, photo: Photo | Fingerprint) -> Fingerprint:
        """Take the fingerprint of a photo; one that was taken already is given back.

        Raises:
            PhotoError, BackendError: as `Inspector.inspect`.
            GalleryError: it was taken with a model of another size, or its embedding is not of unit length.
        """
        taken = photo if isinstance(photo, Fingerprint) else make_fingerprint(self._inspector, photo)
        if taken.embedding.shape != (self.dimension,):
            raise GalleryError(
                f"fingerprint: expected an embedding of {self.dimension} numbers, got {taken.embedding.shape}; "
                "take it with the inspector of this gallery"
            )
        length = float(np.linalg.norm(taken.embedding))
        if not abs(length - 1) < 0.005:  # not a number is neither
            raise GalleryError(
                f"fingerprint: expected an embedding of unit length, got {length:.3g}; take it with `make_fingerprint`"
            )
        return taken

    def add(self, photo: Photo | Fingerprint, name: str | None = None) -> str:
        """Add a photo. Whether it is in the gallery already under another name, `find` says.

        Args:
            photo: as `Inspector.inspect` takes it, or its fingerprint.
            name: what `find` is to call it; None takes the path as it was given.

        Returns:
            The name.

        Raises:
            PhotoError, BackendError: as `Inspector.inspect`.
            GalleryError: the name is taken, or there is none.
        """
        if name is None and isinstance(photo, (str, os.PathLike)):
            name = os.fsdecode(photo)
        if not isinstance(name, str) or not name:
            raise GalleryError("name: expected a text for a photo that has no path; give add(photo, name)")
        self._check_free(name)
        taken = self.fingerprint(photo)
        with self._lock:
            self._check_free(name)
            self._shelf.add(name, taken)
            self._is_changed = True
        return name

    def get(self, name: str) -> Fingerprint:
        """The fingerprint of a photo of this gallery.

        Raises:
            GalleryError: there is no photo of this name.
        """
        with self._lock:
            self._check_there(name)
            return self._shelf.get(name)

    def find(self, photo: Photo | Fingerprint, k: int = 10, *, mirrored: bool = False) -> list[Match]:
        """Which photos of the gallery this one is a copy of, or shows the same product as.

        Args:
            photo: as `Inspector.inspect` takes it, or its fingerprint.
            k: most matches that are given.
            mirrored: also find copies that have left and right changed.

        Returns:
            Exact ones first, then near ones, then other views of what is most likely the same product; the nearest
            first within each. Empty where the photo is not in the gallery.

        Raises:
            PhotoError, BackendError: as `Inspector.inspect`.
            ValueError: `k` is not a whole number from 1 up.
        """
        if isinstance(k, bool) or not isinstance(k, int) or k < 1:
            raise ValueError(f"k: expected a whole number from 1 up, got {k!r}")
        taken = self.fingerprint(photo)
        candidates = self.gather(taken, max(k, CANDIDATES))
        turned = taken.mirror() if mirrored else None
        judged = (judge(name, taken, turned, stored, distance) for name, stored, distance in candidates)
        found = [match for match in judged if match is not None]
        return sorted(found, key=lambda match: (ORDER[match.kind], match.distance, match.name))[:k]

    def gather(self, photo: Fingerprint, count: int = CANDIDATES) -> list[tuple[str, Fingerprint, float]]:
        """Photos that may be what this one is, for `find` to judge: name, fingerprint, distance of the embeddings.

        The `count` nearest by embedding, those whose perceptual hash is nearly the same, and exact ones.
        """
        with self._lock:
            found = self._shelf.find_near(photo, count)
            found += self._shelf.find_by_hash(photo, _HASH_CANDIDATES, _HASH_BITS)
            found += [(name, self._shelf.get(name), 0.0) for name in self._shelf.find_exact(photo)]
        return list({each[0]: each for each in found}.values())

    def remove(self, name: str) -> None:
        """Take a photo out.

        Raises:
            GalleryError: there is no photo of this name.
        """
        with self._lock:
            self._check_there(name)
            self._shelf.remove(name)
            self._is_changed = True

    def save(self, path: str | os.PathLike[str] | None = None, *, overwrite: bool = False) -> Path:
        """Write the gallery, whole or not at all: a kill at any moment leaves the old file or the new one.

        Args:
            path: where to; None: where it was opened, begun, or saved last. A link is followed.
            overwrite: replace whatever file stands there, with all photos that it knows.

        Raises:
            GalleryError: it has no file and no path is given; the file was changed by others since; or another file
                stands at the path: photos would be lost.
            OutputError: it cannot be written.
        """
        with self._lock:
            target = self._path if path is None else Path(path)
            if target is None:
                raise GalleryError("path: expected one, as this gallery has no file yet; give save(path)")
            place = _resolve(target)
            own = self._mark if self._path is not None and place == _resolve(self._path) else None
            with store.hold(place):
                mark = store.look(place)
                if not overwrite and mark not in (None, own):
                    raise _refuse(target, own)
                may_replace = overwrite or mark is not None
                try:
                    self._mark = store.write(place, self._shelf.pack(), self._model, replace=may_replace)
                except OutputError as error:
                    if not may_replace and store.look(place) is not None:  # it came a moment ago
                        raise _refuse(target, own) from error
                    raise
            self._path, self._is_changed = target, False
            return target

    def _check_free(self, name: str) -> None:
        if name in self._shelf:
            raise GalleryError(
                f"{name}: the gallery has a photo of this name; remove it first, or choose another"
            )

    def _check_there(self, name: str) -> None:
        if name not in self._shelf:
            raise GalleryError(f"{name}: the gallery has no photo of this name; it holds {len(self)} others")


def _tell(model: Model) -> str:
    """For a message; whoever wrote the file may have put anything there."""
    return make_printable(f"{model.bundle[:80]} ({model.sha256[:12]})")


def _resolve(path: Path) -> Path:
    """Where a path leads, links followed; what cannot be followed is left for writing to refuse."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):  # ValueError: a zero byte
        return path


def _refuse(target: Path, own: Mark | None) -> GalleryError:
    if own is not None:
        return GalleryError(
            f"{target}: changed by another program since it was opened, and saving would lose what that "
            "added; open it again, or save under another name"
        )
    return GalleryError(
        f"{target}: there is a file already, which this gallery was not opened from, and saving would lose what that "
        "holds; open that, save under another name, or give save(path, overwrite=True)"
    )


def describe_model(bundle: Bundle) -> Model:
    """What embeddings depend on: how views are cut, the models in use, and the size."""
    manifest = bundle.manifest
    hashes = {entry.path: entry.sha256 for entry in manifest.files}
    parts = {
        "views": dataclasses.asdict(manifest.views),
        "embedding": manifest.outputs.embedding,
        "in_use": {runtime: hashes[path] for runtime, path in manifest.in_use.items()},
    }
    return Model(bundle.label, hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest())
