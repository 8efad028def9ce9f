"""Two runs of `edge-iqa inspect --json` agree as far as their verdicts do."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "compare_verdicts", ROOT / "scripts" / "compare_verdicts.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(path: Path, verdicts: dict[str, str], folder: str = "photos") -> str:
    lines = [
        json.dumps({"file": f"{folder}/{name}", "verdict": verdict, "score": 50.0})
        for name, verdict in verdicts.items()
    ]
    path.write_text("\n".join(lines))
    return str(path)


def test_share_of_the_same_verdicts_decides(script, tmp_path, capsys):
    same = {f"{number}.jpg": "accept" for number in range(100)}
    one = write(tmp_path / "a", same)
    two = write(tmp_path / "b", {**same, "7.jpg": "retake"}, folder="elsewhere")
    assert script.main([one, two, "--at-least", "0.99"]) == 0
    assert script.main([one, two, "--at-least", "0.995"]) == 1
    said = capsys.readouterr().out
    assert "7.jpg: accept (50.0) or retake (50.0)" in said
    assert "0.9900 of 100 photos" in said


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "at least one"),
        ("not json", "expected the output of `edge-iqa inspect --json`"),
        (json.dumps({"file": "b.jpg", "verdict": "accept", "score": 1}), "on one side alone"),
        (json.dumps({"file": "a.jpg", "error": {"message": "truncated"}}), "truncated"),
        (
            "\n".join([json.dumps({"file": "a.jpg", "verdict": "accept", "score": 1})] * 2),
            "two photos have one name",
        ),
    ],
    ids=["nothing", "no JSON", "other photos", "an error", "twice"],
)
def test_runs_that_cannot_be_compared_are_refused(script, tmp_path, capsys, content, told):
    one = write(tmp_path / "a", {"a.jpg": "accept"})
    (tmp_path / "b").write_text(content)
    assert script.main([one, str(tmp_path / "b")]) == 2
    assert told in capsys.readouterr().err
