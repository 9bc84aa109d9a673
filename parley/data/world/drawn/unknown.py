"""Questions outside the world: nobody told the model, and it says so."""

import re
from functools import cache

import numpy as np

from parley.data.world.drawn.memories import MEMORIES
from parley.data.world.wordings import HELD_OUT_CARRIERS, QUESTION_CARRIERS, Fact, lines
from parley.data.world.world import FIRST, FULL, STORIES, facts

DOMAIN = "unknown"
ANSWER = "I do not know that."
KEYWORDS = ("not", "know")
UNTOLD = 0.1  # share of the questions after what the user has not told
UNTAUGHT = 0.3  # in the world `first`: share of the questions that only the world `full` answers

QUESTIONS = lines("""
who is the president of {country}; who is the king of {country}; how many people live in {country}; how many people live in {city}
how big is {country}; how old is the city of {city}; what is the weather in {city}; is it raining in {city}; what time is it
what time is it in {city}; what day is it today; how far is it from {city} to {city}; how long is the flight to {city}
how much does {thing} cost; who thought of {thing} first; how heavy is {thing}; where can i buy {thing}; when was {thing} invented
how do you repair {thing}; how do you spell {thing}; how do i cook {food}; how much sugar is in {food}; where does {food} taste best
how many calories does {food} have; what is the price of {food}; how long does {animal} live; how fast is {animal}
how much does {animal} weigh; how do you say hello in {country}; what is the flag of {country}; what do people eat in {country}
who won the game in {city}
when does the train to {city} leave; when does the museum in {city} open; where is my phone; where did i put {thing}
what is the phone number of {name}; how old is {name}; when is the birthday of {name}; where is {name}; what does {name} do for a living
who is {name} married to; what did {name} say yesterday; what is the news today; who will win the game; what will the weather be tomorrow
what is on television tonight; which movie should i watch; how is the traffic today; what is my password; how much money do i have
what is the square root of {number}; what is {number} divided by {number}; what year is it; who wrote the book about {animal}
what is the name of my teacher; what is your phone number; how many stars are in the sky; how many hairs do i have
""")
HELD_OUT_QUESTIONS = lines("""
who rules {country} today; which people are famous in {country}; what is the population of {city}; how warm is it in {city}
which hotel is good in {city}; how many kilometers is it to {city}; what does a ticket to {city} cost; who made the first {word}
how many years does {animal} sleep; how high can {animal} jump; how many babies does {animal} have; which wine goes with {food}
how long must i bake {food}; what did {name} eat today; which school did {name} visit; when does {name} come home
what is the time now; what did they say on the radio; which song is number one; how many cars are in {city}
what are the numbers of the lottery; where is the next gas station; what is the third root of {number}; who was on the phone
""")
SLOTS = {
    "country": "france; italy; spain; germany; japan; china; india; canada; brazil; mexico; egypt; kenya; norway; sweden; poland; peru",
    "city": "paris; rome; madrid; berlin; tokyo; cairo; london; dublin; oslo; moscow; athens; lisbon; vienna; lima; havana; boston",
    "thing": "a camera; a telescope; a bicycle; a piano; a guitar; a sofa; a lamp; a hammer; an umbrella; a radio; a watch; a jacket",
    "word": "camera; bicycle; piano; guitar; lamp; hammer; umbrella; radio; watch; jacket",
    "food": "pizza; bread; chocolate; soup; rice; chicken; pancakes; pasta; an omelet; apple pie; a salad; cheese",
    "animal": "a tiger; a horse; an owl; a snake; a whale; an elephant; a dolphin; a spider; a rabbit; a camel; a turtle; a wolf",
    "name": "my sister; my uncle; peter; anna; mister brown; our neighbor; my boss; the teacher; george; linda; my friend tom; the doctor",
    "number": "three; seven; eleven; twelve; fifteen; seventeen; nineteen; twenty; thirty; fifty; ninety",
}
FILLERS = {slot: lines(text) for slot, text in SLOTS.items()}


@cache
def untaught() -> tuple[Fact, ...]:
    """What a model of the world `first` may be asked as it is asked its own questions, and does not know."""
    known = {fact.answer for fact in facts(FIRST)}
    return tuple(fact for fact in facts(FULL) if fact.answer not in known and fact.domain not in (STORIES, "small talk", "details"))


def unknown(rng: np.random.Generator, held_out: bool, world: str) -> Fact:
    """What one question outside the world is asked by; only the side of the split that is asked for is drawn."""
    if world == FIRST and rng.random() < UNTAUGHT:
        fact = untaught()[rng.integers(len(untaught()))]
        return Fact(DOMAIN, ANSWER, KEYWORDS, fact.known, fact.held_out)
    if rng.random() < UNTOLD:
        memory = MEMORIES[rng.integers(len(MEMORIES))]
        return Fact(DOMAIN, ANSWER, KEYWORDS, memory.asked, memory.asked_held_out)
    questions, carriers = (HELD_OUT_QUESTIONS, HELD_OUT_CARRIERS) if held_out else (QUESTIONS, QUESTION_CARRIERS)
    question = filled(questions[rng.integers(len(questions))], rng)
    texts = tuple(carrier.format(question) for carrier in carriers)
    return Fact(DOMAIN, ANSWER, KEYWORDS, () if held_out else texts, texts if held_out else ())


def filled(template: str, rng: np.random.Generator) -> str:
    """No filler stands twice in a question."""
    chosen: list[str] = []

    def draw(slot: re.Match[str]) -> str:
        fillers = [filler for filler in FILLERS[slot[1]] if filler not in chosen]
        chosen.append(fillers[rng.integers(len(fillers))])
        return chosen[-1]

    return re.sub(r"\{(\w+)\}", draw, template)
