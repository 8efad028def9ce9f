"""A bundle on disk: a folder whose every file is listed in its manifest and hashes to what it says."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from edge_iqa import manifest as manifests
from edge_iqa.errors import BundleError
from edge_iqa.manifest import FileEntry, Manifest

DEFAULT = Path(__file__).parent / "bundles" / "default"
"""The bundle that ships in the wheel."""

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Bundle:
    """A bundle that was found whole and unaltered when it was opened.

    Attributes:
        path: its folder.
        manifest: what it holds.
        manifest_sha256: hash of `manifest.json`; it stands for the whole bundle, as all other hashes
            are listed there.
    """

    path: Path
    manifest: Manifest
    manifest_sha256: str

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None = None) -> Bundle:
        """Open a bundle and check every file of it before anything but the manifest is parsed.

        Args:
            path: its folder; the one in the wheel where none is given.

        Raises:
            BundleError: a file is missing, altered, not listed, a link or outside the folder, or the
                manifest is not what `edge_iqa.manifest` reads.
            TypeError: `path` is none.
        """
        if path is not None and not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"bundle: expected the path of a folder, or None, got {type(path).__name__}")
        folder = DEFAULT if path is None else Path(path)
        try:
            if not folder.is_dir():
                raise BundleError(f"{folder}: expected the folder of a bundle, and there is none")
            data = _read_manifest_bytes(folder)
            manifest = manifests.read_manifest(data, str(folder / manifests.FILE_NAME))
            _check_folder(folder, manifest)
        except OSError as error:
            reason = error.strerror or error
            raise BundleError(f"{folder}: the bundle could not be read ({reason})") from error
        return cls(folder, manifest, hashlib.sha256(data).hexdigest())

    @property
    def name(self) -> str:
        """Its name, such as `default`."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """Its version, such as `0.1.0`."""
        return self.manifest.version

    @property
    def label(self) -> str:
        """Name and version in one, such as `default-0.1.0`."""
        return f"{self.name}-{self.version}"

    @property
    def experimental(self) -> bool:
        """True where the models were held to looser bounds than a release needs."""
        return self.manifest.experimental

    @property
    def models(self) -> tuple[FileEntry, ...]:
        """Its model files; `runtime` and `precision` are set on each."""
        return tuple(entry for entry in self.manifest.files if entry.runtime is not None)

    @property
    def judging_sha256(self) -> str:
        """Hash of what scores photos: views, outputs, thresholds and the models in use.

        Two bundles of one value give every photo the same scores in the same time, whatever else their manifests
        tell; so figures that were measured with the one hold for the other.
        """
        manifest = self.manifest
        hashes = {entry.path: entry.sha256 for entry in manifest.files}
        parts = {
            "views": asdict(manifest.views),
            "outputs": asdict(manifest.outputs),
            "thresholds": asdict(manifest.thresholds),
            "in_use": {runtime: hashes[path] for runtime, path in manifest.in_use.items()},
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def read(self, path: str) -> bytes:
        """Read one listed file; the bytes that come back are the ones that were hashed.

        Raises:
            BundleError: it is not listed, or was altered since the bundle was opened.
        """
        entry = next((entry for entry in self.manifest.files if entry.path == path), None)
        if entry is None:
            raise BundleError(f"{self.path}: {path!r} is not a file of this bundle")
        try:
            data = (self.path / path).read_bytes()
        except OSError as error:
            raise BundleError(f"{self.path / path}: could not be read ({error.strerror or error})") from error
        _compare(self.path / path, entry, len(data), hashlib.sha256(data).hexdigest())
        return data

    def model(self, runtime: str, precision: str | None = None) -> bytes:
        """Read a model.

        Args:
            runtime: `onnx` or `tflite`.
            precision: such as `int8` or `fp32`; the model in use where none is given.

        Raises:
            BundleError: the bundle has no such model, or it was altered.
        """
        path = self.manifest.in_use.get(runtime)
        if precision is not None:
            kind = (runtime, precision)
            path = next(
                (entry.path for entry in self.models if (entry.runtime, entry.precision) == kind), None
            )
        if path is None:
            held = ", ".join(f"{entry.runtime} {entry.precision}" for entry in self.models)
            raise BundleError(f"{self.path}: expected one of {held}, got {runtime} {precision or ''}")
        return self.read(path)


def _read_manifest_bytes(folder: Path) -> bytes:
    path = folder / manifests.FILE_NAME
    if path.is_symlink() or not path.is_file():
        raise BundleError(f"{path}: expected a manifest (a plain file, no link), so this is no bundle")
    with path.open("rb") as stream:
        data = stream.read(manifests.MAX_BYTES + 1)
    if len(data) > manifests.MAX_BYTES:
        limit = manifests.MAX_BYTES
        raise BundleError(f"{path}: expected a manifest of at most {limit} bytes, and it is larger")
    return data


def _check_folder(folder: Path, manifest: Manifest) -> None:
    """Compare the folder with the list, both ways, and then every hash."""
    found = _walk(folder)
    found.discard(manifests.FILE_NAME)
    listed = {entry.path for entry in manifest.files}
    if missing := sorted(listed - found):
        raise BundleError(f"{folder / missing[0]}: listed in the manifest and missing; get the bundle again")
    if added := sorted(found - listed):
        raise BundleError(
            f"{folder / added[0]}: not listed in the manifest; remove it, or pack the bundle again"
        )
    for entry in manifest.files:
        size, sha256 = _hash(folder / entry.path, entry.size_bytes)
        _compare(folder / entry.path, entry, size, sha256)


def _walk(folder: Path, prefix: str = "") -> set[str]:
    """Paths of all plain files, relative to the bundle; anything else but a folder is refused."""
    found: set[str] = set()
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                raise BundleError(f"{entry.path}: a link; a bundle holds plain files only")
            if entry.is_dir(follow_symlinks=False):
                found |= _walk(Path(entry.path), f"{prefix}{entry.name}/")
            elif entry.is_file(follow_symlinks=False):
                found.add(prefix + entry.name)
            else:
                raise BundleError(f"{entry.path}: neither a plain file nor a folder")
    return found


def _hash(path: Path, expected_bytes: int) -> tuple[int, str]:
    """Size and SHA-256, in bounded memory; reading stops where the file is longer than expected."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while size <= expected_bytes and (chunk := stream.read(_CHUNK_BYTES)):
            digest.update(chunk)
            size += len(chunk)
    return size, digest.hexdigest()


def _compare(path: Path, entry: FileEntry, size: int, sha256: str) -> None:
    if size != entry.size_bytes:
        came = "fewer" if size < entry.size_bytes else "more"
        raise BundleError(
            f"{path}: expected {entry.size_bytes} bytes, got {came}; "
            "the file was altered; get the bundle again"
        )
    if sha256 != entry.sha256:
        raise BundleError(
            f"{path}: expected the hash {entry.sha256}, got {sha256}; "
            "the file was altered; get the bundle again"
        )
