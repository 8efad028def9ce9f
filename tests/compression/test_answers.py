"""A teacher that was asked before is not asked again, and nobody is given another's answers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from compression.answers import Answers
from compression.models import build
from compression.models.heads import QualityNet
from edge_iqa.views import ViewSpec


@pytest.fixture
def teacher() -> QualityNet:
    torch.manual_seed(0)
    return build("mobilenet_v2", spec=ViewSpec(32, 1, 128), categories=("shoes", "bags"), width=0.35).eval()


@pytest.fixture
def views() -> Tensor:
    return torch.randint(
        0, 256, (3, 2, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    )


def test_kept_answers_are_the_teachers_own(teacher: QualityNet, views: Tensor, tmp_path: Path) -> None:
    with torch.no_grad():
        said = teacher(views)
    # exact: where a CPU computes in bfloat16, others are rounded
    first = Answers(teacher, ("a",), tmp_path, exact=True)(views)
    again = Answers(teacher, ("a",), tmp_path, exact=True)(views)
    for own, asked, kept in zip(said, first, again, strict=True):
        torch.testing.assert_close(asked, own, rtol=0, atol=1e-5)
        assert torch.equal(kept, asked)


def test_what_was_answered_is_not_asked_again(teacher: QualityNet, views: Tensor, tmp_path: Path) -> None:
    said = Answers(teacher, ("a",), tmp_path)(views)
    with torch.no_grad():
        for weights in teacher.parameters():
            weights.fill_(torch.nan)
    assert torch.equal(Answers(teacher, ("a",), tmp_path)(views).scores, said.scores)


@pytest.mark.parametrize("other", ["teacher", "one pixel", "order"])
def test_only_the_same_teacher_and_views_are_served(
    teacher: QualityNet, views: Tensor, tmp_path: Path, other: str
) -> None:
    said = Answers(teacher, ("a",), tmp_path)(views)
    with torch.no_grad():
        for weights in teacher.parameters():
            weights.zero_()
    key = ("b",) if other == "teacher" else ("a",)
    asked = views.clone()
    if other == "one pixel":
        asked[0, 0, 0, 0, 0] ^= 1
    if other == "order":
        asked = asked.flip(0)
    assert not torch.equal(Answers(teacher, key, tmp_path)(asked).scores, said.scores)


def test_a_damaged_file_is_answered_anew(teacher: QualityNet, views: Tensor, tmp_path: Path) -> None:
    said = Answers(teacher, ("a",), tmp_path)(views)
    (kept,) = tmp_path.rglob("*.safetensors")
    kept.write_bytes(kept.read_bytes()[:-40])
    assert torch.equal(Answers(teacher, ("a",), tmp_path)(views).scores, said.scores)


def test_what_a_student_is_judged_by_is_never_rounded(
    teacher: QualityNet, views: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine with fast bfloat16 both kinds of answers are kept, and not taken for each other."""
    with torch.no_grad():
        said = teacher(views).scores
    monkeypatch.setattr("compression.training.has_fast_math", lambda device: True)
    monkeypatch.setattr("compression.answers.has_fast_math", lambda device: True)
    rounded = Answers(teacher, ("a",), tmp_path)(views).scores
    exact = Answers(teacher, ("a",), tmp_path, exact=True)(views).scores
    torch.testing.assert_close(exact, said, rtol=0, atol=1e-6)
    assert not torch.equal(rounded, exact)
