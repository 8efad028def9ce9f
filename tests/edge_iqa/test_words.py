"""Every code has words in every language, and a catalog that lacks some is refused with file, line and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge_iqa import toml
from edge_iqa.causes import UNCHECKED
from edge_iqa.codes import CAUSES, CODES, SCORE_CODES
from edge_iqa.errors import WordsError
from edge_iqa.words import FOLDER, SENTENCES, Words, join, list_languages, open_words, read_words

README = Path(__file__).resolve().parents[2] / "edge_iqa" / "README.md"
ENGLISH = (FOLDER / "en.toml").read_text(encoding="utf-8")


def _read(text: str) -> Words:
    return read_words(toml.parse(text.encode(), "xx.toml", WordsError), "xx")


def test_english_and_chinese_come_along() -> None:
    assert list_languages() == ["en", "zh"]


@pytest.mark.parametrize("lang", list_languages())
def test_every_code_has_one_sentence_of_what_and_one_of_advice(lang: str) -> None:
    words = open_words(lang)
    assert set(words.causes) == set(CODES) and set(words.sentences) == set(SENTENCES)
    stop = "." if lang == "en" else "\u3002"
    for said in words.causes.values():
        assert said.what.endswith(stop) and said.what.count(stop) == 1
        assert said.advice.endswith(stop) and said.advice.count(stop) == 1
    whats = [said.what for said in words.causes.values()]
    assert len(set(whats)) == len(whats), "two codes that sound alike cannot be told apart"


def test_chinese_is_chinese_and_its_stops_are_wide() -> None:
    for said in open_words("zh").causes.values():
        for text in (said.what, said.advice):
            assert re.search("[\u4e00-\u9fff]", text) and not re.search("[,;:!?.]", text)


@pytest.mark.parametrize("lang", ["tlh", "E N", "", "../words/en", "en.toml"])
def test_a_language_that_is_not_there_is_told_which_are(lang: str) -> None:
    with pytest.raises(WordsError, match=re.escape(f"expected one of the languages en, zh, got {lang!r}")):
        open_words(lang)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace("[NOISE]", "[NOISY]"), r"xx.toml:\d+: NOISY: expected one of the keys"),
        (lambda text: re.sub(r"\[NOISE\]\n.*\n.*\n", "", text), "the field 'NOISE' is missing"),
        (lambda text: re.sub(r"(\[NOISE\]\n)what.*\n", r"\1", text), "NOISE: the field 'what' is missing"),
        (lambda text: text.replace('"The photo is grainy."', '""'), "NOISE.what: expected text"),
        (
            lambda text: text.replace('"The photo is grainy."', '"  "'),
            "NOISE.what: expected one line of text",
        ),
        (
            lambda text: text.replace('"The photo is grainy."', '"two\\nlines"'),
            "NOISE.what: expected one line",
        ),
        (lambda text: text.replace('"The photo is grainy."', "3"), "NOISE.what: expected text, got 3"),
        (lambda text: text.replace("review = ", "reviews = "), "sentences.reviews: expected one of the keys"),
        (lambda text: re.sub(r"review = .*\n", "", text), "sentences: the field 'review' is missing"),
    ],
)
def test_a_catalog_with_a_slip_is_refused_where_it_is(change, says: str) -> None:
    _read(ENGLISH)
    with pytest.raises(WordsError, match=says):
        _read(change(ENGLISH))


def test_sentences_are_joined_as_their_language_is_written() -> None:
    assert join(("One.", "Two.")) == "One. Two."
    assert join(("\u4e00\u3002", "\u4e8c\u3002")) == "\u4e00\u3002\u4e8c\u3002"
    assert join(()) == ""


def test_the_table_of_codes_in_the_readme_is_that_of_the_code() -> None:
    lines = README.read_text(encoding="utf-8").partition("| code | score | repaired |")[2].splitlines()[2:]
    rows = {}
    for line in lines:
        if not line.startswith("|"):
            break
        code, score, repaired, about = (cell.strip() for cell in line.strip("|").split("|"))
        rows[code.strip("`")] = (score.strip("`"), repaired, about)
    assert rows == {name: (code.attribute or "", code.fixable, code.about) for name, code in CODES.items()}


def test_every_code_that_scores_or_rules_raise_is_in_the_table_and_no_other() -> None:
    raised = {code for causes in CAUSES.values() for code in (causes.low, causes.high) if code}
    by_scores = {*SCORE_CODES.values(), "TOO_DARK", "TOO_BRIGHT", "EMPTY"}
    assert raised | by_scores | {UNCHECKED} == set(CODES)
