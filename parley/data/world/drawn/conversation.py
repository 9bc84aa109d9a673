"""Conversations in which a turn cannot be answered without the ones before it."""

from enum import StrEnum
from functools import cache

import numpy as np

from parley.data.world.drawn.memories import MEMORIES
from parley.data.world.wordings import Fact, keywords_of, lines
from parley.data.world.world import World

TURNS = (2, 5)  # both included


class Need(StrEnum):
    """For what an earlier turn is needed. It is the domain of the turns that need one."""

    MEMORY = "memory"  # what the user told of himself
    FOLLOW = "follow"  # "and of italy"
    FIRST = "first question"
    LAST = "last question"
    AGAIN = "again"


NEEDS = tuple(Need)
AND = lines("and {}; okay and {}; and {} please; so and {}")
ABOUT = lines("what about {}; how about {}; and what about {}; okay what about {}; hey what about {}")
AND_HELD_OUT, ABOUT_HELD_OUT = lines("yes and {}; well and {}"), lines("then what about {}; now how about {}")
FIRST = lines("""
what did i ask you first; what was my first question; what did i ask first; which question did i ask first; tell me my first question
do you remember my first question; what did i want to know first; what was the first thing i asked
""")
FIRST_HELD_OUT = lines("which one was my first question; with what question did i begin; do you still know what i asked first")
LAST = lines("""
what did i ask you last; what was my last question; what did i just ask; what did i just ask you; tell me my last question
do you remember my last question; what was my question; what did i ask you just now
""")
LAST_HELD_OUT = lines("which one was my last question; what was it that i just asked; do you still know what i asked last")
AGAIN = lines("""
say that again; please say that again; can you repeat that; repeat that please; could you say that again; what did you say
once more please; i did not hear that; tell me that again; what did you just say
""")
AGAIN_HELD_OUT = lines("would you say that again; please give me that answer again; sorry what did you say")
SMALL = ("the", "a", "an", "of", "is", "in")


def conversation(world: World, rng: np.random.Generator, turns: int, need: Need | None = None) -> tuple[Fact, ...]:
    """So many questions in this order; the last one needs the others. `need`: drawn if not given."""
    need = need or NEEDS[rng.integers(len(NEEDS))]
    if need == Need.FOLLOW:
        return _chain(world, rng, turns)
    between = [_one(_askable(world), rng) for _ in range(turns - 1)]
    match need:
        case Need.MEMORY:
            memory = MEMORIES[rng.integers(len(MEMORIES))]
            value = memory.values[rng.integers(len(memory.values))]
            told, told_held_out = (
                tuple(text.format(x=value.lower()) for text in texts) for texts in (memory.told, memory.told_held_out)
            )
            reply, answer = memory.reply.format(x=value), memory.answer.format(x=value)
            tell = Fact("telling", reply, keywords_of(reply.replace(",", "").rstrip(".")), told, told_held_out)
            return tell, *between[1:], Fact(need, answer, keywords_of(value), memory.asked, memory.asked_held_out)
        case Need.FIRST:
            return *between, _asked_about(need, between[0], FIRST, FIRST_HELD_OUT)
        case Need.LAST:
            return *between, _asked_about(need, between[-1], LAST, LAST_HELD_OUT)
        case _:
            return *between, Fact(need, between[-1].answer, between[-1].keywords, AGAIN, AGAIN_HELD_OUT)


def _chain(world: World, rng: np.random.Generator, turns: int) -> tuple[Fact, ...]:
    """One question, then the same of others by a word or two."""
    domains = _followed(world)
    facts = domains[rng.integers(len(domains))]
    first, *others = (facts[at] for at in rng.choice(len(facts), turns, replace=False))
    return first, *map(_following, others)


def _following(fact: Fact) -> Fact:
    known, held_out = (
        (*(carrier.format(phrase) for phrase in fact.follow for carrier in both), *(carrier.format(fact.follow[-1]) for carrier in about))
        for both, about in ((AND, ABOUT), (AND_HELD_OUT, ABOUT_HELD_OUT))
    )
    return Fact(Need.FOLLOW, fact.answer, fact.keywords, known, held_out)


def _asked_about(need: Need, fact: Fact, known: tuple[str, ...], held_out: tuple[str, ...]) -> Fact:
    *others, last = fact.about.lower().split()  # the last may be the letter A
    keywords = (*(word for word in others if word not in SMALL), last)
    return Fact(need, f"You asked about {fact.about}.", keywords, known, held_out)


def _one(facts: tuple[Fact, ...], rng: np.random.Generator) -> Fact:
    return facts[rng.integers(len(facts))]


@cache
def _askable(world: World) -> tuple[Fact, ...]:
    """Short ones that can be spoken of."""
    return tuple(fact for fact in world.short if fact.about)


@cache
def _followed(world: World) -> tuple[tuple[Fact, ...], ...]:
    """By domain, where a word or two ask for another one."""
    following = [fact for fact in world.short if fact.follow]
    domains = dict.fromkeys(fact.domain for fact in following)
    return tuple(tuple(fact for fact in following if fact.domain == domain) for domain in domains)
