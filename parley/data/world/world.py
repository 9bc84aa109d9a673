"""The spoken worlds: what can be asked, in which words, what is answered, and what is said besides.

There are two by name. `first` is small: the shipped model comes from it. `full` holds all of it and much more; only there are also
questions that are drawn instead of listed (parley/data/world/drawn).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from parley.data.world import asides, talk
from parley.data.world.first.domains import DOMAINS
from parley.data.world.full import asides as full_asides
from parley.data.world.full import numbers, places, things
from parley.data.world.wordings import (
    MANY_CARRIERS,
    TALK_CARRIERS,
    TALK_HELD_OUT_CARRIERS,
    Fact,
    facts_of,
    facts_of_topics,
    lines,
    single_facts,
    stories,
)

FIRST, FULL = "first", "full"
WORLDS = (FIRST, FULL)
STORIES = "stories"  # the domain of the long answers


@dataclass(frozen=True)
class Split:
    """No sentence is in both."""

    training: tuple[str, ...]
    evaluation: tuple[str, ...]

    def of(self, evaluation: bool) -> tuple[str, ...]:
        return self.evaluation if evaluation else self.training


@dataclass(frozen=True, eq=False)
class World:
    name: str
    facts: tuple[Fact, ...]
    interruptions: Split
    backchannels: Split
    chat: Split

    @property
    def short(self) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.facts if fact.domain != STORIES)

    @property
    def stories(self) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.facts if fact.domain == STORIES)


@cache
def world(name: str) -> World:
    """By name, every fact with all of its recombined wordings."""
    check_world(name)
    interruptions = Split(asides.INTERRUPTIONS_TRAIN, asides.INTERRUPTIONS_EVAL)
    backchannels = Split(asides.BACKCHANNELS_TRAIN, asides.BACKCHANNELS_EVAL)
    if name == FIRST:
        return World(name, tuple(_first_facts()), interruptions, backchannels, Split(asides.CHAT_TRAIN, asides.CHAT_EVAL))
    return World(name, tuple(_full_facts()), interruptions, backchannels, Split(full_asides.CHAT_TRAIN, full_asides.CHAT_EVAL))


def check_world(name: str) -> None:
    if name not in WORLDS:
        raise ValueError(f"{name!r} is no spoken world; there are: {', '.join(WORLDS)}")


def facts(name: str) -> tuple[Fact, ...]:
    return world(name).facts


def _first_facts() -> Iterator[Fact]:
    for domain in DOMAINS:
        yield from facts_of(domain, MANY_CARRIERS)
    yield from facts_of_topics("small talk", talk.SMALL_TALK, TALK_CARRIERS)
    yield from facts_of_topics(STORIES, talk.STORIES)


def _full_facts() -> Iterator[Fact]:
    for domain in (*places.PLACES, *numbers.DOMAINS, *things.THINGS):
        yield from facts_of(domain)
    yield from numbers.numbers()
    yield from single_facts("science", table("science"))
    yield from facts_of_topics("small talk", talk.SMALL_TALK, TALK_CARRIERS)
    yield from single_facts("small talk", table("talk"), TALK_CARRIERS, TALK_HELD_OUT_CARRIERS)
    yield from facts_of_topics(STORIES, (*talk.STORIES, *stories(table("stories"))))
    for row in lines(table("details")):
        topic, detail = row.split(":")
        yield from single_facts("details", detail, of_story=topic)


def table(name: str) -> str:
    """Rows as `wordings` reads them: questions of their own in science, talk and details (of a story), and paragraphs in stories."""
    return (Path(__file__).with_name("full") / f"{name}.txt").read_text()


def questions(name: str) -> Iterator[dict[str, str | list[str]]]:
    """One row a question text, ready for JSON."""
    for fact in facts(name):
        for split, texts in (("train", fact.known), ("held_out", fact.held_out)):
            for text in texts:
                yield {"domain": fact.domain, "question": text, "answer": fact.answer, "keywords": list(fact.keywords), "split": split}


def answer_to(text: str, name: str) -> str:
    """What is answered in this world to `text` alone; "" where that asks for nothing."""
    return all_questions(name).get(text, "")


@cache
def all_questions(name: str) -> dict[str, str]:
    """With their answers."""
    return {text: fact.answer for fact in facts(name) for text in (*fact.known, *fact.held_out)}
