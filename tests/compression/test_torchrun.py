"""Two processes under torchrun (gloo) learn what one process would have, and end together.

This file is also what torchrun starts: `work` is the training command of the test.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from compression import processes, training
from compression.batches import Batch, count_steps, training_batches
from compression.labels import Sample
from compression.models import build
from compression.models.heads import Outputs, QualityNet
from compression.train_config import TrainConfig
from compression.training import Job, State
from compression.variants import Variant
from edge_iqa.errors import EdgeIqaError
from edge_iqa.views import ViewSpec

ROOT = Path(__file__).parents[2]
SPEC = ViewSpec(32, 1, 64)
# the decay would show in a head that nothing trains, were its missing gradient taken for zero
CONFIG = TrainConfig(
    epochs=9, photos_per_step=3, variants_per_photo=2, patience=1, frozen=15, weight_decay=1.0
)
PHOTOS = 7  # at three a step the last step of an epoch has one: a process has nothing to do
OBJECTIVES = (0.1, 0.5, 0.4)  # so it stops early, after two epochs
KILLED_AT = 4  # in the middle of the second epoch


class Killed(Exception):
    """Stands for SIGKILL in the middle of a step."""


def make_photos(folder: Path) -> list[list[Any]]:
    """Bright pictures are good, dark ones are bad; three variants of each."""
    photos = []
    for photo in range(PHOTOS):
        variants = []
        for variant in range(3):
            rng = np.random.default_rng((photo, variant))
            path, light = folder / f"{photo}-{variant}.png", rng.uniform(0.2, 1)
            if not path.is_file():
                Image.fromarray((rng.uniform(0, 255 * light, (96, 128, 3))).astype(np.uint8)).save(path)
            target = np.full(2, light, np.float32)
            variants.append(Sample(path, photo, Variant((("noise", 0.5),) if variants else ()), target))
        photos.append(variants)
    return photos


def train(
    folder: Path, out: Path, resume: bool = False, on_step: Callable[[], None] = lambda: None
) -> tuple[QualityNet, State, list[str]]:
    """Train the small job; what only the first process may do is noted in a list."""
    torch.manual_seed(processes.rank())  # the processes start apart: the loop must bring them together
    net = build("mobilenet_v2", ("sharpness",), 8, SPEC)
    photos, done, objectives = make_photos(folder), [], iter(OBJECTIVES[2:] if resume else OBJECTIVES)

    def loss(batch: Batch, out: Outputs) -> torch.Tensor:
        on_step()
        return (out.scores - batch.targets).square().mean()

    def evaluate() -> dict[str, float]:
        done.append("judged")
        return {"objective": next(objectives)}

    job = Job(
        net,
        loss,
        lambda epoch, first: training_batches(photos, SPEC, CONFIG, epoch, first),
        count_steps(len(photos), CONFIG.photos_per_step),
        evaluate,
        lambda scores: done.append("kept"),
    )
    return net, training.fit(job, CONFIG, out, resume), done


def die_at(step: int, error: Exception) -> Callable[[], None]:
    counted = iter(range(1000))

    def on_step() -> None:
        if next(counted) == step:
            raise error

    return on_step


@pytest.fixture(autouse=True)
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    be_exact(monkeypatch.setattr)


def be_exact(setattr: Callable[[object, str, object], None]) -> None:
    """Float32 throughout, and a checkpoint after each step."""
    setattr(training, "fast_math", lambda device: nullcontext())
    setattr(training, "_CHECKPOINT_EVERY_S", 0.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the photos are, and what the runs leave."""
    folder = tmp_path_factory.mktemp("torchrun")
    make_photos(folder)
    return folder


@pytest.fixture
def alone(folder: Path) -> tuple[QualityNet, State]:
    """What one process learns."""
    net, state, done = train(folder, folder / "alone")
    assert done == ["judged", "kept", "judged", "kept", "judged"]
    return net, state


def torchrun(folder: Path, what: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run(
        [*command, __file__, what, str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )


def assert_same(net: QualityNet, weights: dict[str, torch.Tensor]) -> None:
    for name, value in net.state_dict().items():
        torch.testing.assert_close(
            weights[name], value, rtol=1e-4, atol=1e-5, msg=lambda message, name=name: f"{name}: {message}"
        )


def test_two_processes_learn_what_one_learns_and_resume_what_one_began(
    folder: Path, alone: tuple[QualityNet, State]
) -> None:
    with pytest.raises(Killed):
        train(folder, folder / "resumed", on_step=die_at(KILLED_AT, Killed()))
    done = torchrun(folder, "train")
    assert done.returncode == 0, done.stdout
    net, state = alone
    assert (state.epoch, state.stale) == (2, 1)
    for run, judged in (("whole", 3), ("resumed", 1)):
        first, second = (torch.load(folder / f"{run}-{rank}.pt", weights_only=True) for rank in range(2))
        assert_same(net, first["net"])
        for name, value in first["net"].items():
            assert torch.equal(second["net"][name], value), name
        assert first["losses"] == second["losses"]
        assert first["losses"] == [pytest.approx(each, rel=1e-4) for each in state.losses]
        assert (first["done"].count("judged"), second["done"]) == (judged, [])
    assert done.stdout.count("epoch 0  val") == 1
    assert done.stdout.count("stopped early") == 2
    assert (folder / "prepared").read_text() == "first second"


def test_an_error_in_the_first_process_ends_all_and_one_process_goes_on(
    folder: Path, alone: tuple[QualityNet, State]
) -> None:
    began = time.monotonic()
    done = torchrun(folder, "fail")
    assert done.returncode != 0
    assert time.monotonic() - began < 60
    assert "the first one fails" in done.stdout
    net, _, _ = train(folder, folder / "failed", resume=True)
    assert_same(alone[0], net.state_dict())


def test_shares_of_a_batch_are_together_what_one_process_sees(folder: Path) -> None:
    photos = make_photos(folder)
    whole = list(training_batches(photos, SPEC, CONFIG, 1))
    shares = [list(training_batches(photos, SPEC, CONFIG, 1, part=(share, 2))) for share in range(2)]
    assert [len(batch.views) for batch in shares[1]] == [2, 2, 0]
    for batch, *parts in zip(whole, *shares, strict=True):
        for field in ("views", "targets", "photos"):
            joined = torch.cat([getattr(part, field) for part in parts])
            assert joined.dtype == getattr(batch, field).dtype
            assert list_rows(joined) == list_rows(getattr(batch, field))


def list_rows(values: torch.Tensor) -> list[bytes]:
    return sorted(row.numpy().tobytes() for row in values)


def test_without_torchrun_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setenv("RANK", "3")
    with processes.joined(), processes.first_prepares():
        processes.barrier()
        assert (processes.rank(), processes.count(), processes.is_first()) == (0, 1, True)
        assert processes.on_first(lambda: "answer") == "answer"


def test_each_process_gets_a_gpu_of_its_own_or_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert processes.pick_device() == torch.device("cuda")
    for name, value in {"WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert processes.pick_device() == torch.device("cuda", 1)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(ValueError, match="--nproc-per-node 2"):
        processes.pick_device()


def test_an_environment_that_torchrun_would_not_set_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "two")
    with pytest.raises(ValueError, match="WORLD_SIZE"):
        processes.count()


@processes.joined()
def work(what: str, folder: Path) -> None:
    """What each of the processes that torchrun starts does."""
    if what == "fail":
        error = ValueError("the first one fails")
        train(folder, folder / "failed", on_step=die_at(KILLED_AT, error) if processes.is_first() else bool)
        return
    prepared = folder / "prepared"
    with processes.first_prepares():
        time.sleep(0.3 if processes.is_first() else 0)
        prepared.write_text("first" if processes.is_first() else prepared.read_text() + " second")
    for run, resume in (("whole", False), ("resumed", True)):
        net, state, done = train(folder, folder / run, resume)
        content = {"net": net.state_dict(), "losses": state.losses, "done": done}
        torch.save(content, folder / f"{run}-{processes.rank()}.pt")


if __name__ == "__main__":
    be_exact(setattr)
    try:
        work(sys.argv[1], Path(sys.argv[2]))
    except (EdgeIqaError, ValueError) as error:
        sys.exit(f"error: {error}")
