"""What is said: the facts, their wordings, and what is kept apart for evaluation."""

import re
from collections import Counter

import pytest

from parley.data import phrases
from parley.data.scripts import all_texts, assistant_sentences, facts, is_question, questions
from parley.data.voices import HELD_OUT_ENGINE_VOICES, HELD_OUT_VOICES, TRAINING_VOICES

CLASSES = [
    (phrases.INTERRUPTIONS_TRAIN, phrases.INTERRUPTIONS_EVAL, 60, 15),
    (phrases.BACKCHANNELS_TRAIN, phrases.BACKCHANNELS_EVAL, 50, 15),
    (phrases.CHAT_TRAIN, phrases.CHAT_EVAL, 150, 40),
]


def test_the_world_is_large_enough():
    domains = Counter(fact.domain for fact in facts())
    assert len(facts()) >= 150 and len(domains) >= 8
    assert all(len(set(fact.known)) >= 7 and len(set(fact.held_out)) >= 2 for fact in facts())
    stories = [fact.answer.split() for fact in facts() if fact.domain == "stories"]
    assert len(stories) >= 14 and all(22 <= len(words) <= 41 for words in stories)


def test_held_out_phrasings_are_never_trained_on():
    known = {text for fact in facts() for text in fact.known}
    held_out = {text for fact in facts() for text in fact.held_out}
    assert not known & held_out


def test_a_question_text_has_one_answer():
    answers: dict[str, str] = {}
    for row in questions():
        assert answers.setdefault(row["question"], row["answer"]) == row["answer"], row


def test_texts_are_plain_and_answers_contain_their_keywords():
    for fact in facts():
        assert fact.keywords and all(re.search(rf"\b{word}\b", fact.answer.lower()) for word in fact.keywords), fact.answer
        assert re.fullmatch(r"[A-Za-z,.? ]+", fact.answer), fact.answer
        assert all(re.fullmatch(r"[a-z' ]+", text) for text in (*fact.known, *fact.held_out))


@pytest.mark.parametrize("train, evaluation, enough, enough_held_out", CLASSES)
def test_events_for_evaluation_are_other_sentences_of_mostly_known_words(train, evaluation, enough, enough_held_out):
    assert len(set(train)) == len(train) >= enough and len(set(evaluation)) == len(evaluation) >= enough_held_out
    assert not set(train) & set(evaluation)
    known = {word for text in train for word in text.split()}
    words = [word for text in evaluation for word in text.split()]
    assert sum(word in known for word in words) >= 0.95 * len(words)


def test_event_classes_share_no_sentence_with_each_other_or_with_a_question():
    classes = [set(train) | set(evaluation) for train, evaluation, *_ in CLASSES]
    assert not classes[0] & classes[1] and not classes[0] & classes[2] and not classes[1] & classes[2]
    assert not any(is_question(text) for texts in classes for text in texts)


def test_voices_for_evaluation_are_never_trained_on():
    names = [{(voice.engine, voice.name) for voice in voices} for voices in (TRAINING_VOICES, HELD_OUT_VOICES, HELD_OUT_ENGINE_VOICES)]
    assert not names[0] & names[1]
    assert not {engine for engine, _ in names[0] | names[1]} & {engine for engine, _ in names[2]}


def test_sentences_for_the_assistant_voice_are_many_and_always_the_same():
    sentences = assistant_sentences()
    assert sentences == assistant_sentences() and len(set(sentences)) == len(sentences) >= 1500
    assert {fact.answer for fact in facts()} <= set(sentences) <= set(all_texts())
