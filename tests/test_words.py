"""The word error rate against edits that were counted by hand."""

import sys

import pytest

from parley.eval.metrics.statistics import ratio
from parley.eval.metrics.words import WordEdits, normalised, normaliser, word_edits, word_errors, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's a Blue... WHALE!", "it is a blue whale"),
        ("Um, twenty-three [laughs] colours", "23 colors"),
        ("That makes four.", "that makes 4"),
        ("Mhm.", ""),
        ("", ""),
        ("One two three.", "123"),  # consecutive digits are one word
    ],
)
def test_texts_are_normalised_as_whisper_does(text: str, expected: str):
    assert normalised(text) == expected


@pytest.mark.parametrize(
    ("reference", "hypothesis", "edits"),
    [
        ("The capital is Paris.", "the capital is paris", WordEdits(0, 0, 0, 4)),
        ("That makes four.", "that makes for", WordEdits(1, 0, 0, 3)),  # 4 -> for
        ("That makes four.", "that makes 4", WordEdits(0, 0, 0, 3)),
        ("red green blue", "green blue black", WordEdits(0, 1, 1, 3)),  # red is missing, black too much
        ("red green blue", "red grey", WordEdits(1, 1, 0, 3)),
        ("red", "", WordEdits(0, 1, 0, 1)),
        ("", "two words", WordEdits(0, 0, 2, 0)),
        ("Mhm.", "um", WordEdits(0, 0, 0, 0)),  # both normalise to nothing
    ],
)
def test_edits_are_counted_by_kind(reference: str, hypothesis: str, edits: WordEdits):
    assert word_edits(reference, hypothesis) == edits
    assert word_errors(reference, hypothesis) == (edits.substitutions + edits.deletions + edits.insertions, edits.words)


def test_a_rate_is_errors_over_words_of_all_texts_together():
    pairs = [word_errors("one red house", "a red house"), word_errors("yes", "yes"), word_errors("", "no no")]
    assert pairs == [(1, 3), (0, 1), (2, 0)]
    assert ratio(pairs) == 3 / 4


def test_plain_words_keep_numbers_as_they_were_said():
    assert words("That's four, Paris!") == ["that's", "four", "paris"]


@pytest.mark.parametrize(("module", "package"), [("jiwer", "jiwer"), ("whisper_normalizer.english", "whisper-normalizer")])
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, module: str, package: str):
    monkeypatch.setitem(sys.modules, module, None)
    normaliser.cache_clear()
    with pytest.raises(ValueError, match=rf"^{package} is missing; pip install -e '.\[eval\]'$"):
        word_errors("yes", "yes")
