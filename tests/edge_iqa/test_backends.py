"""Both runtimes give the golden scores, from any thread, and say clearly what they refuse."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_iqa import Inspector, backends, image
from edge_iqa.backends.base import Backend, cores
from edge_iqa.bundle import Bundle
from edge_iqa.errors import BackendError

RUNTIMES = sorted(backends.available())
ALL = sorted(backends.RUNTIMES.values())


@pytest.fixture(params=RUNTIMES, scope="module")
def backend(request: pytest.FixtureRequest, bundle: Bundle) -> Backend:
    return backends.open(bundle.model(request.param), request.param)


@pytest.fixture(scope="module")
def golden_views(bundle: Bundle) -> list[NDArray[np.uint8]]:
    """The views as the manifest's PNGs have them."""
    shape = bundle.manifest.views.shape
    return [image.read(bundle.read(golden.views)).pixels.reshape(shape) for golden in bundle.manifest.golden]


def test_a_runtime_is_installed_for_these_tests() -> None:
    assert RUNTIMES, "install onnxruntime or ai-edge-litert: without one, the tests below test nothing"


def test_golden_views_give_the_golden_scores(
    backend: Backend, bundle: Bundle, golden_views: list[NDArray[np.uint8]]
) -> None:
    manifest = bundle.manifest
    for golden, views in zip(manifest.golden, golden_views, strict=True):
        outputs = backend.run(views)
        expected = golden.scores[manifest.in_use[backend.name]]
        np.testing.assert_allclose(outputs.scores, expected, atol=manifest.tolerance.scores, rtol=0)


def test_outputs_are_as_the_contract_has_them(
    backend: Backend, bundle: Bundle, golden_views: list[NDArray[np.uint8]]
) -> None:
    outputs = backend.run(golden_views[0])
    expected = bundle.manifest.outputs
    assert outputs.scores.shape == (1 + len(expected.attributes),)
    assert outputs.embedding.shape == (expected.embedding,)
    assert outputs.category.shape == (len(expected.categories),)
    assert outputs.scores.dtype == outputs.embedding.dtype == outputs.category.dtype == np.float32
    assert ((outputs.scores >= 0) & (outputs.scores <= 1)).all()
    assert np.linalg.norm(outputs.embedding) == pytest.approx(1, abs=0.02)


def test_outputs_of_one_call_are_not_overwritten_by_the_next(
    backend: Backend, golden_views: list[NDArray[np.uint8]]
) -> None:
    first = backend.run(golden_views[0])
    scores, embedding = first.scores.copy(), first.embedding.copy()
    backend.run(255 - golden_views[0])
    np.testing.assert_array_equal(first.scores, scores)
    np.testing.assert_array_equal(first.embedding, embedding)


def test_views_need_not_be_contiguous(backend: Backend, golden_views: list[NDArray[np.uint8]]) -> None:
    views = golden_views[0]
    scattered = np.asfortranarray(views)
    assert not scattered.flags.c_contiguous
    np.testing.assert_array_equal(backend.run(scattered).scores, backend.run(views).scores)


@pytest.mark.parametrize(
    "change",
    [
        lambda views: views[1:],
        lambda views: views[0],
        lambda views: views[None],
        lambda views: views[:, 1:],
        lambda views: views.transpose(0, 3, 1, 2),
        lambda views: views.astype(np.float32),
        lambda views: views.astype(np.int8),
        lambda views: views.tolist(),
        lambda views: None,
    ],
    ids=["fewer", "one", "batch", "smaller", "channels first", "float", "signed", "list", "none"],
)
def test_other_views_are_refused_with_what_was_expected(
    change: Callable[[Any], Any], backend: Backend, golden_views: list[NDArray[np.uint8]]
) -> None:
    with pytest.raises(BackendError, match="expected a uint8 array of shape") as caught:
        backend.run(change(golden_views[0]))
    assert str(golden_views[0].shape) in str(caught.value)


def test_many_threads_on_one_backend_give_what_one_gives(
    backend: Backend, golden_views: list[NDArray[np.uint8]]
) -> None:
    rng = np.random.default_rng(7)
    batch = [rng.permutation(views.reshape(-1)).reshape(views.shape) for views in golden_views * 3]
    alone = [backend.run(views) for views in batch]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(backend.run, batch * 3))
    for one, other in zip(alone * 3, together, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)
        np.testing.assert_array_equal(one.embedding, other.embedding)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("cut", [0, 4, 8, 12, 64, 2000, 1_000_000])
def test_part_of_a_model_is_refused(runtime: str, cut: int, bundle: Bundle) -> None:
    with pytest.raises(BackendError, match="refuses the model"):
        backends.open(bundle.model(runtime)[:cut], runtime)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_model_of_the_other_runtime_is_refused(runtime: str, bundle: Bundle) -> None:
    other = next(key for key in ALL if key != runtime)
    with pytest.raises(BackendError, match="refuses the model"):
        backends.open(bundle.model(other), runtime)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_closed_backend_says_so(runtime: str, bundle: Bundle, golden_views: list[NDArray[np.uint8]]) -> None:
    backend = backends.open(bundle.model(runtime), runtime)
    backend.close()
    backend.close()
    with pytest.raises(BackendError, match="closed"):
        backend.run(golden_views[0])


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_threads_are_never_more_than_cores(runtime: str, bundle: Bundle) -> None:
    model = bundle.model(runtime)
    assert backends.open(model, runtime, threads=cores() + 3).threads == cores()
    assert backends.open(model, runtime).threads == 1


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("threads", [0, -1, True, 1.5, "2"])
def test_threads_that_are_no_number_of_threads_are_refused(
    runtime: str, threads: Any, bundle: Bundle
) -> None:
    with pytest.raises(ValueError, match="threads: expected a whole number"):
        backends.open(bundle.model(runtime), runtime, threads)


def test_number_of_threads_changes_no_verdict(bundle: Bundle) -> None:
    for runtime in RUNTIMES:
        with Inspector(bundle, backends.open(bundle.model(runtime), runtime, cores())) as inspector:
            assert all(result.passed for result in inspector.self_test())


def _fewer_attributes(manifest: dict[str, Any]) -> None:
    dropped = manifest["outputs"]["attributes"].pop()
    del manifest["thresholds"]["attributes"][dropped]
    manifest["calibration"]["attributes"].pop(dropped, None)
    for golden in manifest["golden"]:
        golden["scores"] = {path: scores[:-1] for path, scores in golden["scores"].items()}


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest["outputs"].update(embedding=manifest["outputs"]["embedding"] + 1),
        lambda manifest: manifest["outputs"].update(categories=["mug"]),
        lambda manifest: manifest["views"].update(size_px=64),
        lambda manifest: manifest["views"].update(detail=manifest["views"]["detail"] + 1),
        _fewer_attributes,
    ],
    ids=["embedding", "categories", "view size", "view count", "attributes"],
)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_model_other_than_the_manifest_says_is_refused_when_opened(
    runtime: str, change: Callable[[dict[str, Any]], None], edit_manifest: Callable[..., Path]
) -> None:
    with pytest.raises(BackendError, match="not what the manifest says"):
        Inspector.open(edit_manifest(change), backend=backends.NAMES[runtime])


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_backend_is_chosen_by_name(runtime: str) -> None:
    name = backends.NAMES[runtime]
    with Inspector.open(backend=name) as inspector:
        assert inspector.backend.name == runtime
        assert inspector.backend.version == backends.available()[runtime]


def test_best_installed_backend_is_chosen_where_none_is_named() -> None:
    with Inspector.open() as inspector:
        assert inspector.backend.name == ("tflite" if "tflite" in RUNTIMES else "onnx")


@pytest.mark.parametrize("name", ["tensorrt", "", "ONNX", "tflite"])
def test_backend_that_does_not_exist_is_refused_with_those_that_do(name: str) -> None:
    with pytest.raises(BackendError, match="expected one of litert, onnx"):
        Inspector.open(backend=name)


def test_bundle_without_a_model_for_the_backend_says_so(edit_manifest: Callable[..., Path]) -> None:
    folder = edit_manifest(lambda manifest: manifest["in_use"].pop("tflite"))
    with pytest.raises(BackendError, match="no model for the backend litert"):
        Inspector.open(folder, backend="litert")
    if "onnx" in RUNTIMES:
        with Inspector.open(folder) as inspector:
            assert inspector.backend.name == "onnx"


MODULES = {"litert": ("ai_edge_litert", "tflite_runtime"), "onnx": ("onnxruntime",)}
"""None in sys.modules makes an import fail as it does where the package is missing."""


def _open_without(missing: tuple[str, ...], backend: str | None) -> str:
    """Open an Inspector in a fresh interpreter that lacks some modules; gives the error it prints."""
    code = f"""
import sys
for name in {missing!r}: sys.modules[name] = None
from edge_iqa import EdgeIqaError, Inspector
try:
    print("opened", Inspector.open(backend={backend!r}).backend.name)
except EdgeIqaError as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


@pytest.mark.parametrize("backend", [None, "onnx", "litert"])
def test_without_any_runtime_the_error_names_what_to_install(backend: str | None) -> None:
    said = _open_without(MODULES["litert"] + MODULES["onnx"], backend)
    assert said.startswith("BackendError no inference runtime is installed")
    packages = {"onnx": "onnxruntime", "litert": "ai-edge-litert"}
    for name, package in packages.items():
        assert (f"`pip install {package}`" in said) is (backend in (None, name))


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_asked_for_but_missing_runtime_is_named_with_its_package(runtime: str) -> None:
    name = backends.NAMES[runtime]
    said = _open_without(MODULES[name], name)
    assert said.startswith("BackendError")
    assert f"pip install {backends.PACKAGES[name]}" in said


@pytest.mark.skipif(len(RUNTIMES) < 2, reason="needs both runtimes")
def test_the_other_runtime_is_taken_where_the_best_is_missing() -> None:
    assert _open_without(MODULES["litert"], None) == "opened onnx\n"
    assert _open_without(MODULES["onnx"], None).endswith("opened tflite\n")


def test_a_provider_that_is_not_there_is_refused_with_those_that_are() -> None:
    pytest.importorskip("onnxruntime")
    model = Bundle.open().read("model.int8.onnx")
    with pytest.raises(
        BackendError, match=r"cannot use CoffeeExecutionProvider, only .*CPUExecutionProvider"
    ):
        backends.open(model, "onnx", provider="CoffeeExecutionProvider")
    opened = backends.open(model, "onnx", provider="CPUExecutionProvider")
    opened.close()


def test_litert_runs_on_the_processor_alone() -> None:
    with pytest.raises(BackendError, match="on the processor alone"):
        backends.open(b"", "tflite", provider="GPU")
