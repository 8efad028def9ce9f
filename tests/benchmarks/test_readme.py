"""The README says what the results say."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.readme import BEGIN, END, insert, main

ROOT = Path(__file__).resolve().parents[2]


def test_the_readmes_figures_are_those_of_the_results() -> None:
    assert main(["--check"]) == 0, "run python benchmarks/readme.py"


def test_only_what_is_between_the_marks_is_replaced() -> None:
    assert insert(f"a{BEGIN}old{END}b", "new") == f"a{BEGIN}\n\nnew\n{END}b"
    with pytest.raises(ValueError, match="expected the marks"):
        insert("no marks", "new")


def test_every_file_that_the_readme_links_to_is_there() -> None:
    import re

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert len(links) > 8
    assert [link for link in links if not (ROOT / link).exists()] == []
