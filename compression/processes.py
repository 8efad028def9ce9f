"""Several processes that train one model, as `torchrun` starts them: who am I, wait, agree, average.

Started without torchrun there is one process, the first, and all of this does nothing. Gradients are
averaged by one plain all-reduce a step: the loop calls backbone, heads and loss one by one, and a
process that has no photo in a step still has to take part, which a wrapped module allows neither of.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn

from compression.progress import console
from edge_iqa.errors import EdgeIqaError

T = TypeVar("T")

_STEP_TIMEOUT = timedelta(minutes=10)
"""For what all processes reach at about the same time. One that died is noticed at once; this is for
one that hangs."""
_PATIENT_TIMEOUT = timedelta(days=7)
"""For what the first process does alone while the others wait: rendering a large data set, judging."""

_patient: distributed.ProcessGroup | None = None
"""The group with the long timeout; on the CPU whatever the device, where waiting costs nothing."""


def count() -> int:
    """How many processes train together."""
    return _read("WORLD_SIZE", 1)


def rank() -> int:
    """Which of them this one is, from 0 up."""
    return _read("RANK", 0) if count() > 1 else 0


def is_first() -> bool:
    """Whether this process prints, judges and writes."""
    return rank() == 0


def pick_device() -> torch.device:
    """CUDA where torch finds it, each process on a GPU of its own; else the CPU.

    Raises:
        ValueError: torchrun started more processes on this machine than it has GPUs.
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    if count() == 1:
        return torch.device("cuda")
    local, gpus = _read("LOCAL_RANK", 0), torch.cuda.device_count()
    if local >= gpus:
        raise ValueError(
            f"expected at most one process a GPU, got process {local + 1} on a machine with {gpus}; "
            f"give torchrun --nproc-per-node {gpus}"
        )
    return torch.device("cuda", local)


@contextmanager
def joined() -> Iterator[None]:
    """Join the other processes for the time of a `with` (or, as a decorator, of a function).

    All but the first are silent. Leave an error of the body uncaught inside: the first of them ends
    the process, and with it the waiting of all others.
    """
    global _patient
    if count() == 1:
        yield
        return
    device = pick_device()
    on_gpu = device.type == "cuda"
    if on_gpu:
        torch.cuda.set_device(device)
    with _together():
        distributed.init_process_group(
            "nccl" if on_gpu else "gloo", timeout=_STEP_TIMEOUT, device_id=device if on_gpu else None
        )
        _patient = distributed.new_group(backend="gloo", timeout=_PATIENT_TIMEOUT)
    console.quiet = not is_first()
    done = False
    try:
        yield
        barrier()
        done = True
    finally:
        console.quiet = False
        distributed.destroy_process_group(_patient)
        _patient = None
        if done or not on_gpu:  # NCCL would wait here for processes that know of no error
            distributed.destroy_process_group()


def barrier() -> None:
    """Wait until every process is here, for days if need be."""
    if count() > 1:
        with _together():
            distributed.barrier(_patient)


@contextmanager
def first_prepares() -> Iterator[None]:
    """Let the first process run the body, then all others, which find its results in the cache."""
    if not is_first():
        barrier()
    yield
    if is_first():
        barrier()
    barrier()


def on_first(work: Callable[[], T]) -> T:
    """Run `work` in the first process only; its answer (picklable) goes to all."""
    if count() == 1:
        return work()
    answer = [work()] if is_first() else [None]
    with _together():
        distributed.broadcast_object_list(answer, 0, group=_patient)
    return answer[0]  # type: ignore[return-value]


def copy_from_first(net: nn.Module) -> None:
    """Give the net of every process the weights and buffers of the first one's."""
    if count() > 1:
        with torch.no_grad(), _together():
            for tensor in [*net.parameters(), *net.buffers()]:
                distributed.broadcast(tensor, 0)


def average_gradients(parameters: Iterable[nn.Parameter], loss: Tensor, samples: int) -> Tensor:
    """Give every process the gradients that one process would have had from the whole batch.

    They are equal where the loss is a mean over samples. A loss over pairs of samples sees, with
    several processes, the pairs within each share.

    Args:
        parameters: their `grad` is replaced; one without a gradient in any process is left without.
        loss: scalar, of this process's share.
        samples: size of the share, its weight in the mean; 0 where there was none, with any loss.

    Returns:
        The loss of the whole batch.
    """
    if count() == 1:
        return loss
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    zero = torch.zeros_like(loss)
    flags = torch.tensor([parameter.grad is not None for parameter in trained]).to(loss)
    parts = [zero.expand(each.numel()) if each.grad is None else each.grad.flatten() for each in trained]
    summed = torch.cat([*parts, (loss if samples else zero).reshape(1), zero.reshape(1) + 1]) * samples
    flat = torch.cat([summed, flags])
    with _together():
        distributed.all_reduce(flat)
        *means, mean_loss, total, known = flat.split([*map(len, parts), 1, 1, len(flags)])
    for parameter, mean, is_known in zip(trained, means, known.tolist(), strict=True):
        parameter.grad = (mean / total).view_as(parameter) if is_known else None
    return (mean_loss / total)[0]


@contextmanager
def _together() -> Iterator[None]:
    """Tell in one sentence that the others are gone; torch tells it as an error of a socket."""
    try:
        yield
    except RuntimeError as error:
        raise EdgeIqaError(
            f"process {rank()} lost the others: one of them ended or did not answer in time, and its own message "
            f"says why; the same command with --resume goes on ({str(error).splitlines()[0]})"
        ) from error


def _read(name: str, default: int) -> int:
    value = os.environ.get(name, str(default))
    if not value.isascii() or not value.isdigit():
        raise ValueError(f"{name}: expected a whole number, as torchrun sets it, got {value!r}")
    return int(value)
