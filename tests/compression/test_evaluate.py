"""What is said of a model is what loops over samples and pairs would say."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats

from compression import training
from compression.evaluate import compare_with_labels, compare_with_teacher, predict
from compression.labels import Sample
from compression.models import build
from compression.variants import Variant
from edge_iqa import image, views
from edge_iqa.views import ViewSpec

SPEC = ViewSpec(32, 1, 128)


def make_samples(photos: int = 6, seed: int = 0) -> list[Sample]:
    """Of each photo a clean copy, a hardly spoiled one, two spoiled ones and a mixture."""
    rng, samples = np.random.default_rng(seed), []
    for photo in range(photos):
        steps = [
            (),
            (("noise", 0.1),),
            (("jpeg", 0.15),),
            (("haze", 0.6),),
            (("noise", 0.05), ("defocus", 0.8)),
        ]
        for each in steps:
            target = np.round(rng.uniform(0, 1, 3), 1).astype(np.float32)
            samples.append(Sample(Path("x.jpg"), photo, Variant(each), target))
    return samples


def make_scores(count: int, seed: int = 1) -> np.ndarray:
    """Coarse, so that some are tied."""
    return np.round(np.random.default_rng(seed).uniform(0, 1, (count, 3)), 1)


@pytest.mark.parametrize("seed", range(3))
def test_comparison_with_labels_is_what_loops_say(seed: int) -> None:
    samples, scores = make_samples(seed=seed), make_scores(30, seed + 10)
    within, across = [], []
    for one, score in zip(samples, scores[:, 0], strict=True):
        for other, its_score in zip(samples, scores[:, 0], strict=True):
            worst = max((severity for _, severity in other.variant.steps), default=0)
            if one.photo == other.photo and one.variant.name == "clean" and worst >= 0.15:
                within.append(score > its_score)
            if one.photo != other.photo and one.target[0] - other.target[0] >= 0.3:
                across.append(score > its_score)
    errors = [abs(scores[i, j] - samples[i].target[j]) for i in range(30) for j in range(3)]
    targets = [sample.target[0] for sample in samples]
    found = compare_with_labels(scores, samples)
    assert len(within) == 6 * 3 and len(across) > 50
    assert found == {
        "objective": found["srcc_labels"],
        "srcc_labels": pytest.approx(stats.spearmanr(scores[:, 0], targets).statistic),
        "pair_order": pytest.approx(np.mean(within)),
        "across_order": pytest.approx(np.mean(across)),
        "mae": pytest.approx(np.mean(errors)),
    }


def test_what_stands_on_gray_is_held_against_the_clean_copy_on_gray() -> None:
    """A pair of scenes is one source with two clean copies; what is spoiled follows its own."""
    steps = [(), (("noise", 0.5),), (), (("jpeg", 0.5),)]
    samples = [Sample(Path("x"), 0, Variant(each), np.full(2, 0.5, np.float32)) for each in steps]
    white_above_gray = np.array([[0.9, 0.8, 0.6, 0.5]] * 2).T
    assert compare_with_labels(white_above_gray, samples)["pair_order"] == 1
    assert compare_with_labels(white_above_gray[[1, 0, 2, 3]], samples)["pair_order"] == 0.5


def test_the_labels_themselves_are_in_perfect_order_and_their_opposite_in_none() -> None:
    samples = [
        Sample(each.path, each.photo, each.variant, np.full(3, 1 - each.variant.severity, np.float32))
        for each in make_samples()
    ]
    truth = np.stack([sample.target for sample in samples]).astype(float)
    names = ("srcc_labels", "pair_order", "across_order")
    right, wrong = compare_with_labels(truth, samples), compare_with_labels(1 - truth, samples)
    assert [right[name] for name in names] == pytest.approx([1, 1, 1]) and right["mae"] == 0
    assert [wrong[name] for name in names] == pytest.approx([-1, 0, 0])


def test_ties_are_out_of_order() -> None:
    samples = make_samples()
    found = compare_with_labels(np.full((30, 3), 0.5), samples)
    assert (found["pair_order"], found["across_order"], found["srcc_labels"]) == (0, 0, 0)


def test_comparison_with_a_teacher_counts_the_scores_that_it_gives() -> None:
    """A server model knows the overall score alone."""
    ours, theirs = make_scores(30), make_scores(30, seed=2)
    agreement = pytest.approx(stats.spearmanr(ours[:, 0], theirs[:, 0]).statistic)
    for told in (3, 1):
        found = compare_with_teacher(ours, theirs[:, :told])
        assert found["objective"] == found["srcc_teacher"] == agreement
        assert found["mae_teacher"] == pytest.approx(np.abs(ours[:, :told] - theirs[:, :told]).mean())


def test_predictions_are_the_models_answers_one_by_one_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "fast_math", lambda device: nullcontext())
    samples = []
    for number in range(18):  # more than a batch
        path, rng = tmp_path / f"{number}.png", np.random.default_rng(number)
        Image.fromarray(rng.integers(0, 40 + 12 * number, (96, 128, 3), np.uint8)).save(path)
        samples.append(Sample(path, number, Variant(), np.zeros(3, np.float32)))
    torch.manual_seed(0)  # a ResNet: random MobileNets hardly react
    net = build("resnet18", ("sharpness", "noise"), 8, SPEC).train()
    found = predict(net, samples)
    assert found.shape == (18, 3) and not net.training
    assert np.ptp(found[:, 1:], axis=0).min() > 1e-3
    for sample, score in zip(samples, found, strict=True):
        cut = views.cut(image.read(sample.path, long_side_px=SPEC.long_side_px), SPEC)
        with torch.no_grad():
            expected = net(torch.from_numpy(cut[None])).scores[0].numpy()
        np.testing.assert_allclose(score, expected, atol=1e-5)
