"""Torch → TFLite, for LiteRT (Android, iOS, Linux) and the older tflite-runtime."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from pathlib import Path

from torch import nn

from edge_iqa.errors import GateError
from edge_iqa.files import write_bytes
from export.contract import INPUT, ModelInfo, OnePhoto, make_example
from export.metadata import write_metadata
from export.operators import check_operators

SIGNATURE_KEY = "serving_default"


def export_tflite(net: nn.Module, info: ModelInfo, path: Path) -> Path:
    """Write a model as TFLite, batch norm folded into the convolutions. Same model, same bytes.

    Args:
        net: uint8 (B, V, S, S, 3) → scores (B, 1+A), embedding (B, D), category (B, C); left in
            evaluation mode.
        info: what its signature must be; goes into the file's metadata.
        path: gets the signature `serving_default`: input `views` uint8 (V, S, S, 3), outputs
            `scores` (1, 1+A), `embedding` (1, D) and, where C > 0, `category` (1, C), float32. A
            signature sorts its outputs: read them by name.

    Raises:
        GateError: the model came out other than the contract, or with an operator that a phone may lack.
        OutputError: the file cannot be written.
    """
    os.environ["LITERT_TORCH_SHOW_PROGRESS"] = "n"
    # a keyword argument and a dict of outputs: the converter takes their names over
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")  # the converter's own, on its use of torch
        import litert_torch

        model = litert_torch.convert(OnePhoto(net).eval(), sample_kwargs={INPUT: make_example(info.spec)})
    content = write_metadata(model.model_content(), info)
    _check(content, info, path.name)
    check_operators(path.name, content)
    return write_bytes(path, content)


def _check(content: bytes, info: ModelInfo, name: str) -> None:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_content=content).get_signature_runner(SIGNATURE_KEY)
    details = {**runner.get_input_details(), **runner.get_output_details()}
    found = {
        key: (value["dtype"].__name__, tuple(map(int, value["shape"]))) for key, value in details.items()
    }
    expected = {
        INPUT: ("uint8", info.spec.shape),
        **{output: ("float32", shape) for output, shape in info.shapes.items()},
    }
    if found != expected:
        raise GateError(f"{name}: expected inputs and outputs {expected}, got {found}")
