"""What the assistant says: the answers of a world, and other sentences from its words, on which the assistant's voice is trained too."""

import numpy as np

from parley.data.world.drawn.conversation import Need, conversation
from parley.data.world.drawn.memories import MEMORIES
from parley.data.world.drawn.repeat import repetition
from parley.data.world.drawn.unknown import ANSWER
from parley.data.world.wordings import lines
from parley.data.world.world import FULL, facts, world

DRAWN = 1000  # answers of each kind that is drawn

SENTENCES = lines("""
    {animal} is near {place}.; I saw {animal} in {country}.; {color} is a nice color.; The {thing} is {color} and {quality}.
    We met {job} on {day}.; In {month} it is {quality} in {country}.; There are {number} people in the {room}.
    {number} and {number2} are numbers.; My {thing} was made in {country}.; On {day} I will travel to {city}.
    {job} from {city} has {number} children.; Please give {animal} some water.; It was a {quality} day in {month}.
    The {room} is {quality}, but the {thing} is {quality2}.; From {city} to {city2} it takes {number} hours.
    Can you see the {color} {thing}?; {animal} never sleeps in the {room}.; They have {number} {color} birds.
""")

SENTENCE_WORDS = {
    "animal": lines(
        """
        a dog; a cat; a cow; a sheep; a duck; a pig; a horse; an owl; a snake; a lion; a mouse; a bee; an elephant; a spider
        a tiger; a whale
        """
    ),
    "place": lines(
        """
        the river; the sea; the mountain; the school; the hospital; the bridge; the castle; the farm; the library; the old theater
        the road
        """
    ),
    "country": lines(
        """
        France; Germany; Spain; Italy; England; Japan; China; Egypt; Norway; Poland; Canada; Brazil; Mexico; Kenya; Peru; Turkey
        Russia
        """
    ),
    "city": lines(
        """
        Paris; Berlin; Madrid; Rome; London; Dublin; Moscow; Tokyo; Cairo; Athens; Lisbon; Oslo; Stockholm; Warsaw; Budapest
        Havana; Bern
        """
    ),
    "color": lines("red; green; blue; yellow; black; white; brown; orange; pink; gray"),
    "thing": lines(
        """
        hammer; umbrella; broom; spoon; camera; telescope; towel; oven; table; guitar; piano; bicycle; candle; sweater; board; paper
        """
    ),
    "quality": lines(
        """
        hot; cold; big; small; old; young; wet; dry; loud; quiet; clean; dirty; long; short; beautiful; strong; heavy; soft; empty
        """
    ),
    "job": lines("a teacher; a doctor; a farmer; a cook; a judge; a sailor; a miner; an actor; a waiter; a librarian"),
    "day": lines("Monday; Tuesday; Wednesday; Thursday; Friday; Saturday; Sunday"),
    "month": lines("January; February; March; April; May; June; July; August; September; October; November; December"),
    "number": lines(
        """
        two; three; four; five; six; seven; eight; nine; ten; eleven; twelve; sixty; one hundred; twenty four; twenty six; fifty
        """
    ),
    "room": lines("kitchen; house; garden; court; ship; restaurant; mine; room; hive; tower; valley"),
}


def answers(name: str, seed: int = 0) -> list[str]:
    """Those of all facts, one each; and all that may be told, and a sample of what is drawn."""
    listed = [fact.answer for fact in facts(name)]
    if name != FULL:
        return [*listed, ANSWER]
    rng = np.random.default_rng(seed)
    repeated = [repetition(rng, unseen=False).answer for _ in range(DRAWN)]
    told = [text.format(x=value) for memory in MEMORIES for value in memory.values for text in (memory.reply, memory.answer)]
    asked = [conversation(world(name), rng, 2, Need.FIRST)[-1].answer for _ in range(DRAWN)]
    return [*listed, ANSWER, *told, *repeated, *asked]


def assistant_sentences(name: str, sentences: int = 2000, seed: int = 0) -> list[str]:
    """All answers of the world, then `sentences` other plain ones from its words: what the assistant's voice is trained on."""
    rng = np.random.default_rng(seed)
    words = SENTENCE_WORDS | {f"{name}2": SENTENCE_WORDS[name] for name in ("number", "quality", "city")}
    said = dict.fromkeys(answers(name))
    wanted = len(said) + sentences
    while len(said) < wanted:
        text = SENTENCES[rng.integers(len(SENTENCES))].format_map(
            {name: options[rng.integers(len(options))] for name, options in words.items()}
        )
        said[text[0].upper() + text[1:]] = None
    return list(said)
