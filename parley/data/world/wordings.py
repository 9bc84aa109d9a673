"""How questions are worded: cores by their grammar in the carriers that fit it, so that few lines give many questions.

A domain is a table of facts and the cores in which people ask for them. `known` cores and carriers are trained on, `held_out` ones never:
those are the held-out phrasings of every evaluation. Tables are texts: what is separated by semicolons or line ends is a row.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

FACT_ROW = re.compile(r"(?P<known>[^/=]+)/(?P<held_out>[^/=]+)=(?P<answer>[^=]+)=(?P<keywords>[^=]+)")


@cache
def lines(text: str) -> tuple[str, ...]:
    """The phrases of a text, separated by semicolons or line ends."""
    return tuple(phrase.strip() for phrase in text.replace("\n", ";").split(";") if phrase.strip())


@dataclass(frozen=True)
class Wordings:
    """Cores by their grammar, separated by semicolons; `{x}` is what they ask about and `{z}` its class ("day", "an hour")."""

    questions: str  # "what is the capital of {x}"
    clauses: str  # "what the capital of {x} is"
    orders: str  # "name the capital of {x}"


CARRIERS = Wordings(  # by the grammar of the core that fits
    questions="""
    {}; hey {}; so {}; okay {}; tell me {}; {} please; excuse me {}; i have a question {}; well {}; alright {}; and {}; let me ask you {}
    """,
    clauses="""
    can you tell me {}; could you tell me {}; please tell me {}; do you know {}; i would like to know {}; tell me {}; i want to know {}
    can you tell me {} please; do you happen to know {}; please say {}; could you please say {}; i wonder {}; would you tell me {}
    i want to ask you {}; do you remember {}
    """,
    orders="""
    {}; please {}; can you {}; could you {}; {} please; could you please {}; hey {}; i want you to {}; so {}; would you please {}
    """,
)
MANY_CARRIERS = Wordings(  # for a world of few facts
    questions=CARRIERS.questions
    + """
    um {}; oh {}; yes {}; right {}; good {}; great {}; fine {}; thanks {}; quick question {}; just one thing {}; one thing {}; say {}
    you {}; by the way {}; just tell me {}; next {}; then {}; maybe you know {}; do you know this {}; i am curious {}
    i was wondering {}; hi {}; i do not know this {}; help me {}; this is for you {}; a question for you {}; let us see {}
    sorry {}; {} my friend; {} do you know; {} can you tell me; {} tell me; {} thank you; {} right now; {} i wonder; um okay {}
    okay so {}; my friend {}
    """,
    clauses=CARRIERS.clauses
    + """
    i was wondering {}; i need to know {}; i forgot {}; can you say {}; let me know {}; i am curious {}; do you have an idea {}
    would you know {}; i have to know {}; it would be nice to know {}; maybe you know {}; i do not know {}
    help me i want to know {}; i always wanted to know {}; somebody asked me {}; my son asks {}; my teacher asked me {}
    will you tell me {}; you could tell me {}; are you able to tell me {}; i hope you know {}; can you remember {}; so tell me {}
    hey tell me {}; tell me please {}; {} do you know; {} can you tell me; {} i would like to know; {} that is my question
    """,
    orders=CARRIERS.orders
    + """
    just {}; {} for me; {} if you can; i need you to {}; i would like you to {}; can you please {}; could you {} for me; okay {}
    try to {}; will you {}; well {}; go on and {}; would you {}; and {}; um {}; you should {}; you have to {}; please just {}
    then {}; {} quickly
    """,
)
HELD_OUT_CARRIERS = lines("{}; now {}; listen {}; one more question {}; here is my question {}; hello {}")
TALK_CARRIERS = lines("""
{}; hey {}; so {}; okay {}; well {}; oh {}; hello {}; {} my friend; um {}; yes {}; alright {}; right {}; good {}; now {}; then {}
{} parley; {} computer; {} then; {} now; {} dear friend; okay so {}; oh well {}
""")
TALK_HELD_OUT_CARRIERS = lines("{}; and {}; hi {}; ah {}")


def recombine(wordings: Wordings, x: str, z: str = "", carriers: Wordings = CARRIERS) -> tuple[str, ...]:
    """Every core in every carrier that fits its grammar, without repetitions."""
    texts = [
        before + asked + after
        for cores, fitting in (
            (wordings.questions, carriers.questions),
            (wordings.clauses, carriers.clauses),
            (wordings.orders, carriers.orders),
        )
        for asked in (core.format(x=x, z=z) for core in lines(cores))
        for before, after in around(lines(fitting))
    ]
    return tuple(dict.fromkeys(texts))


@cache
def around(carriers: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """What each says before and after the core."""
    return tuple((carrier.partition("{}")[0], carrier.partition("{}")[2]) for carrier in carriers)


@dataclass(frozen=True)
class Fact:
    """One answer and all that asks for it. Texts have no digits; questions have lower case letters only."""

    domain: str
    answer: str
    keywords: tuple[str, ...]  # lower case; a right answer contains them all, one that stands twice there twice
    known: tuple[str, ...]
    held_out: tuple[str, ...]
    about: str = ""  # what is asked for, "the capital of France"; for a story, its topic
    follow: tuple[str, ...] = ()  # what asks for it after another question of its domain, "of france"
    of_story: str = ""  # the topic of the story that it is a detail of


@dataclass(frozen=True)
class Domain:
    """Rows of `table` are `x = y` or `x = y = z`; a right answer contains the words of y."""

    name: str
    table: str
    answer: str
    known: Wordings
    held_out: Wordings
    about: str = ""
    follow: str = ""  # phrases, separated by semicolons


def facts_of(domain: Domain, carriers: Wordings = CARRIERS) -> Iterator[Fact]:
    for row in lines(domain.table):
        x, y, z = ([part.strip() for part in row.split("=")] + [""])[:3]
        known, held_out = recombine(domain.known, x.lower(), z, carriers), recombine(domain.held_out, x.lower(), z)
        about, follow = domain.about.format(x=x, z=z), tuple(phrase.format(x=x.lower(), z=z) for phrase in lines(domain.follow))
        answer, keywords = domain.answer.format(x=x, y=y, z=z), keywords_of(y)
        said = answer.lower().strip(".").split()
        twice = tuple(word for word in keywords if said.count(word) > keywords.count(word))  # "South Africa is in Africa."
        yield Fact(domain.name, answer, (*keywords, *twice), known, held_out, about, follow)


def keywords_of(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.lower().split() if word not in ("a", "an", "the"))


def single_facts(
    domain: str,
    table: str,
    carriers: tuple[str, ...] = lines(CARRIERS.questions),
    held_out_carriers: tuple[str, ...] = HELD_OUT_CARRIERS,
    of_story: str = "",
) -> Iterator[Fact]:
    """Facts with questions of their own: rows `known question, known question / held-out question = answer = keywords`."""
    for row in lines(table):
        parts = FACT_ROW.fullmatch(row)
        assert parts, row
        known, held_out = (
            tuple(carrier.format(question.strip()) for question in parts[split].split(",") for carrier in carriers_of)
            for split, carriers_of in (("known", carriers), ("held_out", held_out_carriers))
        )
        yield Fact(domain, parts["answer"].strip(), tuple(parts["keywords"].split()), known, held_out, of_story=of_story)


@dataclass(frozen=True)
class Topic:
    """An answer with the words that a right one must contain, and the wordings that ask for it."""

    answer: str
    keywords: str  # separated by blanks, lower case
    known: tuple[str, ...]
    held_out: tuple[str, ...]
    name: str = ""


STORIES_KNOWN = Wordings(
    questions="""
    what do you know about {x}; what can you say about {x}; what is interesting about {x}; what should i know about {x}
    what is the story of {x}; do you know something about {x}
    """,
    clauses="something about {x}; more about {x}; a story about {x}; all about {x}",
    orders="""
    tell me about {x}; talk about {x}; explain {x} to me; tell me a story about {x}; tell me something about {x}
    give me a talk about {x}; teach me about {x}
    """,
)
STORIES_HELD_OUT = Wordings(
    questions="what have you learned about {x}; is there something you can tell me about {x}",
    clauses="what there is to know about {x}",
    orders="let me hear something about {x}",
)


def stories(text: str) -> tuple[Topic, ...]:
    """Paragraphs whose first line is `topic = keywords` and whose other lines are a long answer about it."""
    told = []
    for paragraph in text.strip().split("\n\n"):
        head, *answer = (line.strip() for line in paragraph.strip().splitlines())
        topic, keywords = head.split(" = ")
        known, held_out = (recombine(wordings, topic) for wordings in (STORIES_KNOWN, STORIES_HELD_OUT))
        told.append(Topic(" ".join(answer), keywords, known, held_out, topic))
    return tuple(told)


def facts_of_topics(domain: str, topics: tuple[Topic, ...], carriers: tuple[str, ...] = ("{}",)) -> Iterator[Fact]:
    for topic in topics:
        carried = (carrier.format(text) for text in topic.known for carrier in carriers)
        known = dict.fromkeys(text for text in carried if text not in topic.held_out)
        yield Fact(domain, topic.answer, tuple(topic.keywords.split()), tuple(known), topic.held_out, topic.name)
