"""The one training loop: progress, checkpoints, resume after a kill at any moment, early stopping.

Under `torchrun` several processes run it together (`compression.processes`): each takes its share of
every batch, the first alone judges, prints and writes.
"""

from __future__ import annotations

import io
import json
import math
import pickle
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from compression import processes
from compression.batches import Batch, fit_views
from compression.models import REGISTRY
from compression.models.heads import Outputs, QualityNet
from compression.models.server import ServerTeacher
from compression.progress import console, progress_bar
from compression.train_config import TrainConfig
from edge_iqa.errors import CheckpointError
from edge_iqa.files import write_bytes

Scores = dict[str, float]
"""What an evaluation says, by name; `objective` is what early stopping wants high."""


@dataclass(eq=False)
class State:
    """Where a run stands; all that a checkpoint holds besides weights and optimizer."""

    epoch: int = 0
    step: int = 0
    best: float = -math.inf
    stale: int = 0
    seconds: float = 0.0
    losses: list[list[float]] = field(default_factory=list)
    evaluations: list[Scores] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Job:
    """What the loop trains, on what, and how it is judged.

    Attributes:
        net: trained in place.
        loss: batch, what the net says of it → scalar, a mean over samples.
        batches: (epoch, first step) → batches of that epoch from that step on; with several processes
            this one's share of each, which may be empty.
        steps: steps an epoch.
        evaluate: judges the net on `val`; must return `objective`.
        keep: writes the model that did best so far.
        about: data, start, teacher, weights: what makes a run this one; a resumed run must agree.
    """

    net: QualityNet
    loss: Callable[[Batch, Outputs], Tensor]
    batches: Callable[[int, int], Iterator[Batch]]
    steps: int
    evaluate: Callable[[], Scores]
    keep: Callable[[Scores], object]
    about: Mapping[str, Any] = field(default_factory=dict)


_CHECKPOINT = "checkpoint.pt"
_CHECKPOINT_EVERY_S = 45.0
_TELL_EVERY = 25


def fit(job: Job, config: TrainConfig, out: Path, resume: bool = False) -> State:
    """Train until the epochs are done or `val` stops improving.

    Args:
        out: folder of the run; gets `checkpoint.pt` while the run lasts.
        resume: go on from that checkpoint where there is one, with any number of processes.

    Returns:
        The state at the end: losses (epoch with fraction, value) and evaluations, the first before
        any step.

    Raises:
        CheckpointError: the checkpoint is damaged or belongs to a run with other settings.
        OutputError: `out` cannot be written.
    """
    job.net.backbone.to(memory_format=torch.channels_last)  # faster on a CPU
    _freeze(job.net, config)
    optimizer = _make_optimizer(job.net, config)
    state = State()
    checkpoint = processes.on_first(lambda: _read_checkpoint(out)) if resume else None
    if checkpoint is not None:
        state = _restore(job, optimizer, config, out, checkpoint)
        console.print(f"resumed at epoch {state.epoch + 1}, step {state.step} of {job.steps}")
    processes.copy_from_first(job.net)
    if not state.evaluations:
        _judge(job, state)
    saved = began = time.monotonic() - state.seconds
    total = config.epochs * job.steps
    with progress_bar() as bar:
        task = bar.add_task("train", total=total, completed=state.epoch * job.steps + state.step, note="")
        while state.epoch < config.epochs and state.stale < config.patience:
            for batch in job.batches(state.epoch, state.step):
                loss = _step(job, batch, optimizer, config, state.epoch * job.steps + state.step, total)
                state.step += 1
                state.losses.append([state.epoch + state.step / job.steps, loss])
                state.seconds = time.monotonic() - began
                bar.update(task, advance=1, note=f"loss {_recent(state):.4f}")
                _tell(state, job.steps, total)
                if time.monotonic() - saved > _CHECKPOINT_EVERY_S:
                    saved = time.monotonic()
                    _save(job, optimizer, config, state, out)
            state.epoch, state.step = state.epoch + 1, 0
            _judge(job, state)
            _save(job, optimizer, config, state, out)
    if state.epoch < config.epochs:
        console.print(f"stopped early: no better on val for {config.patience} epochs")
    return state


def finish(out: Path) -> None:
    """Remove the checkpoint of a run whose results are written."""
    (out / _CHECKPOINT).unlink(missing_ok=True)


def run_backbone(net: QualityNet | ServerTeacher, views: Tensor) -> Tensor:
    """Features of a batch of views, in bfloat16 where the machine has fast bfloat16 (half the time)."""
    with fast_math(views.device):
        return net.look(views)


def fast_math(device: torch.device) -> AbstractContextManager[Any]:
    """Autocast to bfloat16 on CUDA, and on CPUs that compute it natively.

    No gradient scaler goes with it: bfloat16 reaches as far down as float32, so no gradient vanishes.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=has_fast_math(device))


def has_fast_math(device: torch.device) -> bool:
    """Whether `fast_math` rounds to bfloat16 there."""
    return bool(device.type == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _step(
    job: Job, batch: Batch, optimizer: torch.optim.Optimizer, config: TrainConfig, step: int, total: int
) -> float:
    share = _schedule(step, total)
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * share
    _train_mode(job.net, config)
    batch = batch.to(next(job.net.parameters()).device)
    optimizer.zero_grad()
    loss = torch.zeros((), device=batch.views.device)
    if len(batch.views):
        loss = job.loss(batch, job.net.judge(run_backbone(job.net, fit_views(batch.views, job.net.spec))))
        loss.backward()
    loss = processes.average_gradients(job.net.parameters(), loss.detach(), len(batch.views))
    nn.utils.clip_grad_norm_(job.net.parameters(), 1.0)
    optimizer.step()
    return float(loss)


def _schedule(step: int, total: int) -> float:
    """Linear warm-up over 5 % of the steps, then a cosine to zero."""
    warm = max(1, total // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


def _judge(job: Job, state: State) -> None:
    job.net.eval()
    scores = processes.on_first(lambda: {"epoch": float(state.epoch), **job.evaluate()})
    state.evaluations.append(scores)
    better = scores["objective"] > state.best
    state.stale = 0 if better else state.stale + 1
    if better:
        state.best = scores["objective"]
        if processes.is_first():
            job.keep(scores)
    shown = "  ".join(f"{name} {scores[name]:.4f}" for name in scores if name not in ("epoch", "objective"))
    console.print(f"epoch {state.epoch}  val: {shown}{'  (best)' if better else ''}")


def _tell(state: State, steps: int, total: int) -> None:
    """A line now and then where no bar is drawn: a log file should show that the run is alive."""
    done = state.epoch * steps + state.step
    if not console.is_terminal and len(state.losses) % _TELL_EVERY == 0:
        left_s = state.seconds / len(state.losses) * (total - done)
        console.print(f"step {done} of {total}  loss {_recent(state):.4f}  about {left_s / 60:.0f} min left")


def _freeze(net: QualityNet, config: TrainConfig) -> None:
    blocks = REGISTRY[net.architecture].frozen if config.frozen is None else config.frozen
    for index, block in enumerate(net.backbone.children()):
        block.requires_grad_(index >= blocks)


def _train_mode(net: QualityNet, config: TrainConfig) -> None:
    """Training mode, with batch norm as a fixed affine layer where the start was trained before.

    The starting weights carry it folded to identity and bias: batch statistics would undo what the
    weights know. And what is fixed here folds into the convolutions at export.
    """
    net.train()
    if not config.fixed_norm:
        return
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def _make_optimizer(net: QualityNet, config: TrainConfig) -> torch.optim.AdamW:
    backbone = [parameter for parameter in net.backbone.parameters() if parameter.requires_grad]
    known = {id(parameter) for parameter in net.backbone.parameters()}
    heads = [parameter for parameter in net.parameters() if id(parameter) not in known]
    groups = [
        {"params": backbone, "peak": config.learning_rate / 3},
        {"params": heads, "peak": config.learning_rate},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay)


def _save(job: Job, optimizer: torch.optim.Optimizer, config: TrainConfig, state: State, out: Path) -> None:
    if not processes.is_first():
        return
    buffer = io.BytesIO()
    content = {
        "net": job.net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "config": json.dumps(asdict(config), sort_keys=True),
        "about": json.dumps(job.about, sort_keys=True),
        "steps": job.steps,
        "state": asdict(state),
    }
    torch.save(content, buffer)
    write_bytes(out / _CHECKPOINT, buffer.getvalue())


def _read_checkpoint(out: Path) -> bytes | None:
    path = out / _CHECKPOINT
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise _unreadable(path, error) from error


def _restore(
    job: Job, optimizer: torch.optim.Optimizer, config: TrainConfig, out: Path, checkpoint: bytes
) -> State:
    path = out / _CHECKPOINT
    try:
        content = torch.load(io.BytesIO(checkpoint), map_location="cpu", weights_only=True)
        ours = json.dumps(asdict(config), sort_keys=True)
        if (content["config"], content["steps"]) != (ours, job.steps):
            raise CheckpointError(
                f"{path}: belongs to a run with other settings or photos ({content['config']}, "
                f"{content['steps']} steps an epoch; now {ours}, {job.steps}); "
                "repeat the command as it was, or choose another --out"
            )
        then, now = json.loads(content["about"]), json.loads(json.dumps(job.about))
        other = sorted(name for name in {*then, *now} if then.get(name) != now.get(name))
        if other:
            told = "; ".join(f"{name} was {then.get(name)}, is {now.get(name)}" for name in other)
            raise CheckpointError(f"{path}: belongs to another run ({told}); choose another --out")
        job.net.load_state_dict(content["net"])
        optimizer.load_state_dict(content["optimizer"])
        return State(**content["state"])
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{path}: expected a checkpoint of this command, could not read it ({error}); remove it to start anew"
    )


def _recent(state: State) -> float:
    last = [loss for _, loss in state.losses[-20:]]
    return sum(last) / len(last)
