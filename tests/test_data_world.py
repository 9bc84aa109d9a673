"""What is said: the facts of both worlds, their wordings, what is drawn, and what is kept apart for evaluation."""

import re
from collections import Counter
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from parley.data import mixing
from parley.data.mixing import MIXES, MixConfig, mix
from parley.data.spoken.voice_text import cardinal
from parley.data.voices import HELD_OUT_ENGINE_VOICES, HELD_OUT_VOICES, TRAINING_VOICES, Voice, assistant_speech
from parley.data.world.drawn import conversation as talks
from parley.data.world.drawn.conversation import NEEDS, Need, conversation
from parley.data.world.drawn.hesitation import HESITATIONS, HESITATIONS_EVAL, hesitant
from parley.data.world.drawn.memories import MEMORIES
from parley.data.world.drawn.repeat import VOCABULARY, held_out, repetition
from parley.data.world.drawn.unknown import ANSWER, HELD_OUT_QUESTIONS, QUESTIONS, unknown
from parley.data.world.first.domains import DOMAINS
from parley.data.world.full import numbers
from parley.data.world.full.numbers import DAYS, LETTERS, MONTHS
from parley.data.world.full.places import PLACES
from parley.data.world.full.things import THINGS
from parley.data.world.sentences import answers, assistant_sentences
from parley.data.world.wordings import Wordings, lines
from parley.data.world.world import FULL, STORIES, WORLDS, all_questions, answer_to, facts, questions, world

FIRST_TEXTS = "5bc17f58124851ad"
FIRST_DIALOGUES = "6615c0aad8b06122"
G20_AND_EU = """
argentina australia austria belgium brazil bulgaria canada china croatia cyprus denmark estonia finland france germany greece hungary
india indonesia ireland italy japan latvia lithuania luxembourg malta mexico poland portugal romania russia slovakia slovenia spain
sweden turkey
""".split() + """
saudi arabia; south africa; south korea; the united kingdom; the united states; the czech republic; the netherlands
""".strip().split("; ")
TESTED = {"first": (150, 7), "full": (1500, 8)}  # facts, known wordings of each


def answers_by_question(name: str) -> dict[str, str]:
    return {text: fact.answer for fact in facts(name) for text in fact.known}


def digest(what: object) -> str:
    return sha256(repr(what).encode()).hexdigest()[:16]


@pytest.fixture(scope="module")
def asked() -> dict[str, str]:
    return answers_by_question(FULL)


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_is_large_enough(name):
    enough, wordings = TESTED[name]
    domains = Counter(fact.domain for fact in facts(name))
    assert len(facts(name)) >= enough and len(domains) >= 8
    assert all(len(set(fact.known)) >= wordings and len(set(fact.held_out)) >= 2 for fact in facts(name))
    stories = [fact.answer.split() for fact in world(name).stories]
    assert len(stories) >= 14 and all(22 <= len(words) <= 41 for words in stories)


def test_the_first_world_is_the_same_everywhere(monkeypatch):
    """Byte for byte: texts, order, and every random draw of a dialogue."""
    said = [(fact.domain, fact.answer, fact.keywords, fact.known, fact.held_out) for fact in facts("first")]
    first = world("first")
    splits = [(split.training, split.evaluation) for split in (first.interruptions, first.backchannels, first.chat)]
    assert digest((said, splits, assistant_sentences("first"))) == FIRST_TEXTS
    monkeypatch.setattr(mixing, "said", lambda text, voice: np.full(960 * len(text), 0.25, np.float32))
    drawn = []
    for name in ("stage1", "stage2"):
        for index in range(60):
            voices, evaluation = (Voice("a", "b"), Voice("c", "d")), index % 3 == 1
            config = MixConfig(MIXES[name], voices, held_out_phrasings=index % 2 == 1, evaluation_events=evaluation)
            dialogue = mix(config, "x", np.random.default_rng([5, index]), lambda text: np.full(960 * len(text), 0.25, np.float32))
            drawn.append((len(dialogue.environment), [(s.speaker, s.kind, s.text, s.start, s.end, s.pauses) for s in dialogue.segments]))
    assert digest(drawn) == FIRST_DIALOGUES


def test_the_full_world_holds_the_first_one(asked):
    for fact in facts("first"):
        assert {asked[text] for text in fact.known if text in asked} == {fact.answer}  # it has fewer carriers


@pytest.mark.parametrize("name", WORLDS)
def test_held_out_phrasings_are_never_trained_on(name):
    known = {text for fact in facts(name) for text in fact.known}
    assert not any(text in known for fact in facts(name) for text in fact.held_out)


def test_held_out_cores_are_never_trained_on_for_anything_else():
    def cores(wordings: Wordings) -> set[str]:
        return {core for text in (wordings.questions, wordings.clauses, wordings.orders) for core in lines(text)}

    domains = (*DOMAINS, *PLACES, *numbers.DOMAINS, *THINGS)
    known, held = (set().union(*(cores(wordings) for wordings in of)) for of in zip(*((d.known, d.held_out) for d in domains)))
    assert len(known) > 1000 and len(held) > 90 and not known & held


@pytest.mark.parametrize("name", WORLDS)
def test_the_docs_tell_how_many_question_texts_there_are(name):
    count = sum(len(fact.known) + len(fact.held_out) for fact in facts(name))
    (row,) = [line for line in Path("docs/data.md").read_text().splitlines() if line.startswith(f"| `{name}` |")]
    assert f" {round(count, -3):,} question texts" in row and f" {len(facts(name)):,} facts" in row


@pytest.mark.parametrize("name", WORLDS)
def test_a_question_text_has_one_answer(name):
    answered: dict[str, object] = {}
    for row in questions(name):
        assert answered.setdefault(str(row["question"]), row["answer"]) == row["answer"], row


@pytest.mark.parametrize("name", WORLDS)
def test_texts_are_plain_and_answers_contain_their_keywords(name):
    for fact in facts(name):
        assert fact.keywords and all(re.search(rf"\b{word}\b", fact.answer.lower()) for word in fact.keywords), fact.answer
        assert re.fullmatch(r"[A-Z][A-Za-z,.? ]+[.?]", fact.answer), fact.answer
        assert all(re.fullmatch(r"[a-z']+( [a-z']+)*", text) for text in (*fact.known, *fact.held_out)), fact.known[0]
        assert fact.domain == STORIES or len(fact.answer.split()) <= 10


def test_the_full_world_has_the_capitals_of_g20_and_eu_and_forty_more(asked):
    capitals = [fact for fact in facts(FULL) if fact.domain == "capitals"]
    assert all(f"what is the capital of {country}" in asked for country in G20_AND_EU) and len(G20_AND_EU) == 43
    assert len(capitals) >= len(G20_AND_EU) + 40
    assert len({fact.keywords for fact in capitals}) == len(capitals) - 1  # london alone has two countries


def test_arithmetic_is_right_by_computation(asked):
    for a in range(21):
        for b in range(21):
            x, y = cardinal(a), cardinal(b)
            assert asked[f"what is {x} plus {y}"] == f"It is {cardinal(a + b)}."
            assert asked[f"what is {x} times {y}"] == f"It is {cardinal(a * b)}."
            assert asked.get(f"what is {x} minus {y}") == (f"It is {cardinal(a - b)}." if a >= b else None)


def test_order_is_right_by_computation(asked):
    numbers = [cardinal(number) for number in range(51)]
    spoken = {"A": "the letter ay"} | {letter: f"the letter {letter.lower()}" for letter in LETTERS[1:]}
    pairs = [*(("number", *pair) for pair in pairwise(numbers)), *(("letter", *pair) for pair in pairwise(LETTERS))]
    pairs += [(z, *pair) for z, names in (("day", DAYS), ("month", MONTHS)) for pair in pairwise([*names, names[0]])]
    for z, one, after in pairs:
        x, y = (spoken[name] if z == "letter" else name.lower() for name in (one, after))
        assert asked[f"what {z} comes after {x}"] == f"After {one} comes {after}."
        assert asked[f"what {z} comes before {y}"] == f"Before {after} comes {one}."


def test_opposites_agree_where_both_are_asked(asked):
    of = {fact.about.removeprefix("the opposite of "): fact.keywords[0] for fact in facts(FULL) if fact.domain == "opposites"}
    assert len(of) >= 60
    assert {word for word, other in of.items() if of.get(other, word) != word} <= {"tall", "heavy"}


def test_every_topic_of_the_full_world_is_there():
    domains = Counter(fact.domain for fact in facts(FULL))
    assert {"sums", "differences", "products", "after", "before", "colors", "sounds", "legs", "wheels", "units"} <= domains.keys()
    assert domains["small talk"] >= 30 and domains["science"] >= 60 and domains[STORIES] >= 30 and domains["details"] >= domains[STORIES]
    stories = {fact.about for fact in world(FULL).stories}
    assert {fact.of_story for fact in facts(FULL) if fact.of_story} == stories


def test_long_answers_are_worth_interrupting():
    for fact in sorted(world(FULL).stories, key=lambda fact: len(fact.answer))[:8]:
        assert len(assistant_speech(fact.answer)) >= 6 * 16000, fact.about


@pytest.mark.parametrize("name", WORLDS)
def test_events_for_evaluation_are_other_sentences_of_mostly_known_words(name):
    spoken = world(name)
    for split, enough, enough_held_out in ((spoken.interruptions, 60, 15), (spoken.backchannels, 60, 15), (spoken.chat, 150, 40)):
        train, evaluation = split.training, split.evaluation
        assert len(set(train)) == len(train) >= enough and len(set(evaluation)) == len(evaluation) >= enough_held_out
        assert not set(train) & set(evaluation)
        known = {word for text in train for word in text.split()}
        words = [word for text in evaluation for word in text.split()]
        assert sum(word in known for word in words) >= 0.95 * len(words)


@pytest.mark.parametrize("name", WORLDS)
def test_event_classes_share_no_sentence_with_each_other_or_with_a_question(name):
    spoken = world(name)
    classes = [set(split.training) | set(split.evaluation) for split in (spoken.interruptions, spoken.backchannels, spoken.chat)]
    assert not classes[0] & classes[1] and not classes[0] & classes[2] and not classes[1] & classes[2]
    assert not any(answer_to(text, name) for texts in classes for text in texts)


def test_repeated_words_of_evaluation_are_never_neighbours_in_training():
    rng = np.random.default_rng(0)
    for unseen in (True, False):
        for _ in range(200):
            fact = repetition(rng, unseen)
            words = fact.answer.lower().rstrip(".").split()
            assert tuple(words) == fact.keywords and 2 <= len(words) <= 6 and set(words) <= set(VOCABULARY)
            assert all(held_out(one, after) == unseen for one, after in pairwise(words))
            assert all(text.endswith(" ".join(words)) or "repeat" in text for text in fact.known)
    assert not set(fact.known) & set(fact.held_out) and len(fact.known) >= 8 and len(fact.held_out) >= 2
    assert len({repetition(rng, True).answer for _ in range(1000)}) > 950


def test_questions_outside_the_world_are_outside_of_it():
    rng = np.random.default_rng(0)
    texts = {split: set[str]() for split in (False, True)}
    for index in range(3000):
        fact = unknown(rng, index % 2 == 1, FULL)
        assert fact.answer == ANSWER
        texts[index % 2 == 1].update(fact.held_out if index % 2 else fact.known)
    assert not texts[False] & texts[True] and not (texts[False] | texts[True]) & all_questions(FULL).keys()
    assert not any("first plane" in text or "first phone" in text for text in texts[True])  # which it knows in other words
    assert len(texts[True]) >= 1000 and not set(QUESTIONS) & set(HELD_OUT_QUESTIONS)


def test_the_first_world_does_not_know_the_rest_of_the_full_one(asked):
    rng, own = np.random.default_rng(0), all_questions("first").keys()
    drawn = [unknown(rng, index % 2 == 1, "first") for index in range(1000)]
    texts = {text for fact in drawn for text in (*fact.known, *fact.held_out)}
    assert not texts & own and {fact.answer for fact in drawn} == {ANSWER}
    of_full = sum(bool(set(fact.known) & asked.keys()) for fact in drawn[::2])
    assert 0.2 < of_full / 500 < 0.4


@pytest.mark.parametrize("need", NEEDS)
@pytest.mark.parametrize("turns", range(talks.TURNS[0], talks.TURNS[1] + 1))
def test_the_last_turn_of_a_conversation_needs_the_others(need, turns, asked):
    for index in range(10):
        said = conversation(world(FULL), np.random.default_rng(index), turns, need)
        *before, last = said
        assert len(said) == turns and last.domain == need
        assert all(len(turn.known) >= 8 and len(turn.held_out) >= 2 and not set(turn.known) & set(turn.held_out) for turn in said)
        assert all(re.search(rf"\b{word}\b", turn.answer.lower()) for turn in said for word in turn.keywords)
        match need:
            case Need.MEMORY:
                told = [turn for turn in before if turn.domain == "telling"]
                assert told == before[:1] and set(last.keywords) <= set(told[0].known[0].split())
            case Need.FOLLOW:
                (_, *others), answered = said, {fact.answer for fact in facts(FULL) if fact.domain == said[0].domain}
                assert {turn.answer for turn in others} <= answered and {turn.domain for turn in others} == {Need.FOLLOW}
            case Need.FIRST:
                assert last.answer == f"You asked about {before[0].about}."
            case Need.LAST:
                assert last.answer == f"You asked about {before[-1].about}."
            case _:
                assert last.answer == before[-1].answer


def test_wordings_that_need_others_ask_nothing_alone():
    memories = [text for memory in MEMORIES for text in (*memory.told, *memory.told_held_out, *memory.asked, *memory.asked_held_out)]
    both = [(memory.asked, memory.asked_held_out) for memory in MEMORIES] + [(memory.told, memory.told_held_out) for memory in MEMORIES]
    both += [(talks.FIRST, talks.FIRST_HELD_OUT), (talks.LAST, talks.LAST_HELD_OUT), (talks.AGAIN, talks.AGAIN_HELD_OUT)]
    assert all(not set(known) & set(others) and len(known) >= 8 and len(others) >= 2 for known, others in both)
    others = [text for pair in both[-3:] for split in pair for text in split]
    assert not all_questions(FULL).keys() & {*memories, *others}
    spoken = world(FULL)
    asides = [text for split in (spoken.interruptions, spoken.backchannels, spoken.chat) for text in (*split.training, *split.evaluation)]
    assert not set(asides).intersection(others)


def test_a_hesitation_stands_inside_a_question_that_is_not_complete():
    rng, text = np.random.default_rng(0), "what is the capital of france please"
    assert not set(HESITATIONS) & set(HESITATIONS_EVAL)
    for evaluation, said in ((False, HESITATIONS), (True, HESITATIONS_EVAL)):
        for _ in range(40):
            before, rest = hesitant(text, lambda words: answer_to(words, FULL), rng, evaluation)
            word = next(word for word in sorted(said, key=len, reverse=True) if before.endswith(f" {word}"))
            assert f"{before.removesuffix(word)}{rest}" == text and rest != "please"


def test_a_world_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="'third' is no spoken world; there are: first, full"):
        world("third")


def test_voices_for_evaluation_are_never_trained_on():
    names = [{(voice.engine, voice.name) for voice in voices} for voices in (TRAINING_VOICES, HELD_OUT_VOICES, HELD_OUT_ENGINE_VOICES)]
    assert not names[0] & names[1]
    assert not {engine for engine, _ in names[0] | names[1]} & {engine for engine, _ in names[2]}


def test_sentences_for_the_assistant_voice_are_many_and_always_the_same():
    for name in WORLDS:
        sentences = assistant_sentences(name)
        assert sentences == assistant_sentences(name) and len(set(sentences)) == len(sentences) >= 1500
        assert set(answers(name)) <= set(sentences)
        assert {fact.answer for fact in facts(name)} <= set(answers(name))
    assert ANSWER in sentences
    words = {word for text in sentences for word in text.lower().rstrip(".").split()}
    assert set(VOCABULARY) <= words and {value.lower() for memory in MEMORIES for value in memory.values if " " not in value} <= words
