"""Writes a bundle whole or not at all: put together in a hidden folder beside its place, run there, renamed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from edge_iqa import Inspector
from edge_iqa.backends import NAMES
from edge_iqa.bundle import Bundle
from edge_iqa.errors import BundleError, GateError, OutputError
from edge_iqa.manifest import FILE_NAME, Manifest, read_manifest
from export.assemble import Packing


def write_bundle(packing: Packing, folder: Path, replace: bool = False) -> Path:
    """Write a bundle whole or not at all, after it has passed its self-test in a hidden folder beside.

    A bundle of the same bytes that stands there already is left as it is.

    Raises:
        GateError: the self-test failed on a golden photo.
        OutputError: another bundle is there and may not be replaced, or the place cannot be written.
    """
    there = _read_manifest(folder)
    if there == packing.manifest_bytes and _is_whole(folder):
        return folder
    check_free(folder, packing.manifest["name"] if replace else None)
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        whole = temporary / "new"
        for path, content in (*packing.files.items(), (FILE_NAME, packing.manifest_bytes)):
            (whole / path).parent.mkdir(parents=True, exist_ok=True)
            (whole / path).write_bytes(content)
        self_test(whole)
        if os.path.lexists(folder):
            folder.rename(temporary / "old")
        whole.rename(folder)
    except OSError as error:
        raise OutputError(
            f"{folder}: could not be written ({error.strerror or error}); free some space or choose another folder"
        ) from error
    finally:
        if temporary is not None:
            _clear(temporary, folder)
    return folder


def check_free(folder: Path, name: str | None = None) -> None:
    """Refuse a place that a bundle must not take.

    Args:
        name: of bundles that may be replaced there, if the folder holds nothing else; None: nothing may be.

    Raises:
        OutputError: something else is there.
    """
    if os.path.lexists(folder) and not (name is not None and _may_go(folder, name)):
        raise OutputError(
            f"{folder}: something else is there; raise --version, choose another place, or, if it is a bundle "
            f"{f'named {name} ' if name else ''}and holds nothing else, give --replace"
        )


def check_place(folder: Path) -> None:
    """Refuse a place for a bundle that no bundle of any name could take.

    Raises:
        OutputError: a file stands there or above it, or a folder that holds something else.
    """
    above = next(each for each in (folder, *folder.absolute().parents) if os.path.lexists(each))
    if not above.is_dir():
        raise OutputError(f"{folder}: {above} is no folder; choose another place")
    if os.path.lexists(folder):
        manifest = _open_manifest(folder)
        check_free(folder, "" if manifest is None else manifest.name)


def is_whole_bundle(folder: Path) -> bool:
    """Whether a bundle with all its models stands there, not the short one of a package."""
    manifest = _open_manifest(folder)
    return manifest is not None and manifest.full_bundle_sha256 is None


def self_test(folder: Path) -> None:
    """Open a bundle with each of its runtimes as a device would, and run its golden photos.

    Raises:
        GateError: a golden photo did not come out as recorded, or the bundle does not open.
    """
    try:
        in_use = json.loads((folder / FILE_NAME).read_bytes())["in_use"]
        for runtime in in_use:
            with Inspector.open(folder, backend=NAMES[runtime]) as inspector:
                failed = [each for each in inspector.self_test() if not each.passed]
            if failed:
                raise GateError(f"golden: {failed[0].photo} came out otherwise with {runtime}: {failed[0]}")
    except BundleError as error:
        raise GateError(f"self-test: the bundle does not open: {error}") from error


def _may_go(folder: Path, name: str) -> bool:
    """Only a bundle of that name with no file of other origin, or an empty folder, is ever replaced.

    A mistyped path must not cost anybody's files, and many a folder holds a file called manifest.json.
    """
    if folder.is_symlink() or not folder.is_dir():
        return False
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    if not present:
        return True
    manifest = _open_manifest(folder)
    return (
        manifest is not None
        and manifest.name == name
        and present <= {FILE_NAME, *(file.path for file in manifest.files)}
    )


def _open_manifest(folder: Path) -> Manifest | None:
    try:
        return read_manifest((folder / FILE_NAME).read_bytes())
    except (OSError, BundleError):
        return None


def _read_manifest(folder: Path) -> bytes | None:
    try:
        return (folder / FILE_NAME).read_bytes()
    except OSError:
        return None


def _is_whole(folder: Path) -> bool:
    try:
        Bundle.open(folder)
    except BundleError:
        return False
    return True


def _clear(temporary: Path, folder: Path) -> None:
    """Remove the hidden folder; what stood at the bundle's place goes back if nothing new got there."""
    with contextlib.suppress(OSError):
        if not os.path.lexists(folder) and (temporary / "old").is_dir():
            (temporary / "old").rename(folder)
    shutil.rmtree(temporary, ignore_errors=True)
