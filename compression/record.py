"""What a run leaves behind for people and programs: a curve as PNG, a record as JSON."""

from __future__ import annotations

import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from compression.train_config import TrainConfig
from compression.training import State
from edge_iqa.files import write_json


def write_record(out: Path, command: str, config: TrainConfig, state: State, about: dict[str, Any]) -> Path:
    """Write `run.json`: settings, data, every loss and evaluation, versions, time spent.

    Args:
        about: what the command adds: data set and its hash, teacher, start, files written.

    Raises:
        OutputError: the folder cannot be written.
    """
    return write_json(
        out / "run.json",
        {
            "command": command,
            "config": asdict(config),
            **about,
            "seconds": round(state.seconds, 1),
            "epochs_run": state.epoch,
            "stopped_early": state.epoch < config.epochs,
            "evaluations": state.evaluations,
            "losses": [[round(epoch, 4), round(loss, 6)] for epoch, loss in state.losses],
            "versions": {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "numpy": np.__version__,
            },
        },
    )


def plot_curve(path: Path, title: str, state: State, shown: tuple[str, ...]) -> Path:
    """Draw training loss and validation figures over epochs.

    Args:
        shown: names of evaluations to draw, all between 0 and 1.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    if state.losses:
        epochs, losses = np.array(state.losses).T
        width = max(1, min(20, len(losses) // 5))
        smooth = np.convolve(losses, np.ones(width) / width, "valid")
        left.plot(epochs, losses, color="0.8", linewidth=0.8, label="each step")
        left.plot(epochs[width - 1 :], smooth, color="C0", label=f"mean of {width} steps")
        left.legend()
    left.set(xlabel="epoch", ylabel="training loss", title=title)
    for name in shown:
        values = [scores[name] for scores in state.evaluations]
        right.plot([scores["epoch"] for scores in state.evaluations], values, marker="o", label=name)
    right.set(xlabel="epoch", title="on val", ylim=(None, 1.0))
    right.grid(alpha=0.3)
    right.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path
