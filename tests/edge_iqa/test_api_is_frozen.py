"""The public API changes only on purpose: here, and in the changelog."""

from __future__ import annotations

import importlib.metadata
import inspect

import pytest

import edge_iqa

EXPORTED = [
    "Best",
    "Buffer",
    "CameraError",
    "Category",
    "EdgeIqaError",
    "Failure",
    "Feed",
    "FixedPhoto",
    "Frame",
    "FrameError",
    "FrameReport",
    "Gallery",
    "Inspector",
    "Issue",
    "Match",
    "Report",
    "Verdict",
    "Watch",
    "__version__",
]

SIGNATURES = {
    "open": "(bundle: 'str | os.PathLike[str] | None' = None, backend: 'str | None' = None, "
    "threads: 'int | None' = None, lang: 'str' = 'en') -> 'Inspector'",
    "inspect": "(self, photo: 'Photo', policy: 'str | os.PathLike[str] | Policy | None' = None, "
    "override: 'str | None' = None) -> 'Report'",
    "inspect_many": "(self, photos: 'Iterable[Photo]', jobs: 'int | None' = None, "
    "policy: 'str | os.PathLike[str] | Policy | None' = None, override: 'str | None' = None) "
    "-> 'Iterator[Report | Failure]'",
    "fix": "(self, photo: 'Photo', policy: 'str | os.PathLike[str] | Policy | None' = None) -> 'FixedPhoto'",
    "watch": "(self, source: 'FrameSource', budget_ms: 'float' = 33.0, "
    "policy: 'str | os.PathLike[str] | Policy | None' = None, *, drop: 'bool | None' = None, lost: 'str' = 'raise', "
    "stall_s: 'float' = 2.0, on_event: 'OnEvent | None' = None) -> 'Watch'",
    "self_test": "(self) -> 'list[GoldenResult]'",
    "close": "(self) -> 'None'",
}


def test_exported_names_are_these_and_sorted() -> None:
    assert edge_iqa.__all__ == EXPORTED == sorted(EXPORTED)


@pytest.mark.parametrize("name", EXPORTED)
def test_exported_name_is_there_and_listed(name: str) -> None:
    assert getattr(edge_iqa, name) is getattr(edge_iqa, name)
    assert name in dir(edge_iqa)


def test_other_names_are_missing_as_in_any_module() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Inspectr'"):
        edge_iqa.Inspectr  # noqa: B018


def test_inspector_is_used_as_before() -> None:
    public = {name for name in vars(edge_iqa.Inspector) if not name.startswith("_")}
    assert public == {*SIGNATURES, "bundle", "backend", "words"}
    for name, signature in SIGNATURES.items():
        assert str(inspect.signature(getattr(edge_iqa.Inspector, name))) == signature


GALLERY_SIGNATURES = {
    "open": "(path: 'str | os.PathLike[str]', inspector: 'Inspector') -> 'Gallery'",
    "add": "(self, photo: 'Photo | Fingerprint', name: 'str | None' = None) -> 'str'",
    "find": "(self, photo: 'Photo | Fingerprint', k: 'int' = 10, *, mirrored: 'bool' = False) -> 'list[Match]'",
    "get": "(self, name: 'str') -> 'Fingerprint'",
    "gather": "(self, photo: 'Fingerprint', count: 'int' = 50) -> 'list[tuple[str, Fingerprint, float]]'",
    "fingerprint": "(self, photo: 'Photo | Fingerprint') -> 'Fingerprint'",
    "remove": "(self, name: 'str') -> 'None'",
    "save": "(self, path: 'str | os.PathLike[str] | None' = None, *, overwrite: 'bool' = False) -> 'Path'",
    "begin": "(path: 'str | os.PathLike[str]', inspector: 'Inspector') -> 'Gallery'",
}


def test_gallery_is_used_as_before() -> None:
    public = {name for name in vars(edge_iqa.Gallery) if not name.startswith("_")}
    assert public == {*GALLERY_SIGNATURES, "dimension", "is_changed"}
    for name, signature in GALLERY_SIGNATURES.items():
        assert str(inspect.signature(getattr(edge_iqa.Gallery, name))) == signature


def test_every_error_is_an_edge_iqa_error() -> None:
    from edge_iqa import errors

    for name, error in vars(errors).items():
        if isinstance(error, type):
            assert issubclass(error, edge_iqa.EdgeIqaError), name


def test_version_is_that_of_the_installed_package() -> None:
    try:
        installed = importlib.metadata.version("edge-iqa")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("edge-iqa runs from a checkout that is not installed")
    assert installed == edge_iqa.__version__
