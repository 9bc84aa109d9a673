"""What people say to each other in the world `full`, where nobody asks the assistant for anything: chat of the world `first` and more."""

from itertools import product

from parley.data.world import asides
from parley.data.world.wordings import lines


def said(*parts: str) -> tuple[str, ...]:
    """Every phrase of each part with every one of the others."""
    return tuple(" ".join(words) for words in product(*map(lines, parts)))


CHAT_TRAIN = (
    *asides.CHAT_TRAIN,
    *said(
        "anna; peter; mom; dad; honey; my dear; guys; grandma",
        """
        did you feed the dog; are you ready to go; where are my shoes; have you seen the paper; can you pass me the butter
        shall we order some food; when does the bus leave; who is at the door; please turn off the light in the hall
        do you want to come along; put your coat on; come and help me here
        """,
    ),
    *said(
        "i think that; you know; he told me that; they said",
        """
        the train was full of people; the movie starts in an hour; the new car makes a strange noise; the kids are at school
        the weather is nice for a walk; somebody took the last chair; the shop closes at six; we need new windows
        """,
        "today; i guess; for sure; don't you think so",
    ),
)

CHAT_EVAL = (
    *asides.CHAT_EVAL,
    *said(
        "tom; aunt mary; uncle george; my best friend",
        """
        did you lock the car; are we ready for dinner; where are the apples; have you called the doctor
        please look after the kids; when are you going to the movie; who took my chair; come and look at the garden
        do you want some of the soup; help me with the windows please
        """,
    ),
    *said(
        "i heard that; she said",
        """
        the kids are late for school; the car needs a new window; the walk was very nice; our train leaves at noon
        the shop has closed today
        """,
        "i think; again",
    ),
)
