"""The loop learns, stops early, and goes on after a kill as if nothing had happened."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from compression import training
from compression.batches import Batch
from compression.models import build
from compression.models.heads import Outputs, QualityNet
from compression.train_config import TrainConfig
from compression.training import Job
from edge_iqa.errors import CheckpointError
from edge_iqa.views import ViewSpec

STEPS = 4
CONFIG = TrainConfig(epochs=2, learning_rate=1e-3, frozen=14)


class Killed(Exception):
    """Stands for SIGKILL in the middle of a step."""


def make_net() -> QualityNet:
    torch.manual_seed(0)
    return build("mobilenet_v2", ("sharpness",), 8, ViewSpec(32, 1, 64))


def make_batch(epoch: int, step: int) -> Batch:
    """Bright pictures are good, dark ones are bad."""
    rng = torch.Generator().manual_seed(100 * epoch + step)
    light = torch.rand(6, generator=rng)
    views = (light[:, None, None, None, None] * 255).expand(6, 2, 32, 32, 3).to(torch.uint8)
    return Batch(views, light[:, None].repeat(1, 2), torch.arange(6), torch.full((6,), -1))


def make_job(net: QualityNet, die_at: int | None = None, objectives: Iterator[float] | None = None) -> Job:
    done = iter(range(10_000))

    def loss(batch: Batch, out: Outputs) -> Tensor:
        if next(done) == die_at:
            raise Killed
        return (out.scores - batch.targets).square().mean()

    def batches(epoch: int, first: int) -> Iterator[Batch]:
        return (make_batch(epoch, step) for step in range(first, STEPS))

    def evaluate() -> dict[str, float]:
        if objectives is not None:
            return {"objective": next(objectives)}
        batch = make_batch(99, 0)
        with torch.no_grad():
            error = (net(batch.views).scores - batch.targets).square().mean()
        return {"objective": -float(error)}

    return Job(net, loss, batches, STEPS, evaluate, lambda scores: None)


def test_training_lowers_the_error_on_val(tmp_path: Path) -> None:
    state = training.fit(make_job(make_net()), TrainConfig(epochs=3, learning_rate=3e-3, frozen=14), tmp_path)
    assert state.evaluations[-1]["objective"] > state.evaluations[0]["objective"]


def test_a_step_s_loss_is_the_mean_over_its_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the first step the weights are those of a fresh model: one sample at a time says the same."""
    monkeypatch.setattr(training, "fast_math", lambda device: nullcontext())
    net, batch = make_net().eval(), make_batch(0, 0)
    with torch.no_grad():
        scores = [net(batch.views[at : at + 1]).scores[0].double().numpy() for at in range(6)]
    errors = [((a - b.double().numpy()) ** 2).mean() for a, b in zip(scores, batch.targets, strict=True)]
    state = training.fit(make_job(make_net()), CONFIG, tmp_path)
    assert state.losses[0] == [1 / STEPS, pytest.approx(np.mean(errors), rel=1e-4)]


def test_a_batch_with_every_sample_twice_teaches_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "fast_math", lambda device: nullcontext())
    nets, losses = (make_net(), make_net()), []
    for net, times in zip(nets, (1, 2), strict=True):
        batch = repeat(make_batch(0, 0), times)
        once = replace(make_job(net), batches=lambda epoch, first, batch=batch: iter([batch]), steps=1)
        config = TrainConfig(epochs=1, frozen=14)
        losses.append(training.fit(once, config, tmp_path / str(times)).losses)
    assert losses[0] == [[1.0, pytest.approx(losses[1][0][1], rel=1e-5)]]
    for one, two in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)


def repeat(batch: Batch, times: int) -> Batch:
    return Batch(*(torch.cat([getattr(batch, each.name)] * times) for each in fields(batch)))


@pytest.mark.parametrize("die_at", [2, STEPS, STEPS + 3])
def test_a_killed_run_that_resumes_ends_with_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, die_at: int
) -> None:
    monkeypatch.setattr(training, "_CHECKPOINT_EVERY_S", 0.0)
    whole = make_net()
    expected = training.fit(make_job(whole), CONFIG, tmp_path / "whole")
    with pytest.raises(Killed):
        training.fit(make_job(make_net(), die_at), CONFIG, tmp_path / "killed")
    resumed = make_net()
    state = training.fit(make_job(resumed), CONFIG, tmp_path / "killed", resume=True)
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, rtol=1e-5, atol=1e-6)
    assert [epoch for epoch, _ in state.losses] == [epoch for epoch, _ in expected.losses]


def test_resume_with_other_settings_is_refused(tmp_path: Path) -> None:
    training.fit(make_job(make_net()), CONFIG, tmp_path)
    with pytest.raises(CheckpointError, match="other settings"):
        training.fit(make_job(make_net()), TrainConfig(epochs=9, frozen=14), tmp_path, resume=True)


def test_resume_with_another_teacher_or_other_data_is_refused(tmp_path: Path) -> None:
    """As long, as many steps, and all the same another run."""
    job = replace(make_job(make_net()), about={"teacher_sha256": "a", "photos": (4, 2)})
    training.fit(job, CONFIG, tmp_path)
    same = replace(make_job(make_net()), about=dict(job.about))
    assert training.fit(same, CONFIG, tmp_path, resume=True).epoch == CONFIG.epochs
    other = replace(make_job(make_net()), about={"teacher_sha256": "b", "photos": (4, 2)})
    with pytest.raises(CheckpointError, match="teacher_sha256 was a, is b"):
        training.fit(other, CONFIG, tmp_path, resume=True)


def test_a_checkpoint_that_is_a_pickle_of_code_is_never_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return (Path.touch, (str(marker),))

    with (tmp_path / "checkpoint.pt").open("wb") as stream:
        pickle.dump({"net": Evil()}, stream)
    with pytest.raises(CheckpointError, match="expected a checkpoint"):
        training.fit(make_job(make_net()), CONFIG, tmp_path, resume=True)
    assert not marker.exists()


def test_training_stops_when_val_gets_no_better(tmp_path: Path) -> None:
    objectives = iter([0.1, 0.5, 0.4, 0.3, 0.9])
    config = TrainConfig(epochs=9, patience=2, frozen=14)
    state = training.fit(make_job(make_net(), objectives=objectives), config, tmp_path)
    assert (state.epoch, state.best) == (3, 0.5)


def test_frozen_blocks_and_batch_norm_stay_as_they_were(tmp_path: Path) -> None:
    net = make_net()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    training.fit(make_job(net), CONFIG, tmp_path)
    changed = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert any(name.startswith("backbone.17.") for name in changed)
    assert not any(name.startswith(tuple(f"backbone.{i}." for i in range(14))) for name in changed)
    assert not any("running_" in name for name in changed)


@pytest.mark.parametrize("field", ["epochs", "photos_per_step", "variants_per_photo", "patience"])
def test_settings_that_cannot_be_are_refused(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        TrainConfig(**{field: 0})


@pytest.mark.parametrize("small_epochs", [-1, 2, 3])
def test_at_least_the_last_epoch_sees_the_models_own_views(small_epochs: int) -> None:
    with pytest.raises(ValueError, match=r"small_epochs: expected 0 to 1"):
        TrainConfig(epochs=2, small_epochs=small_epochs)
