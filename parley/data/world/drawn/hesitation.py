"""What people say while they look for the next word, in the middle of a question."""

from collections.abc import Callable

import numpy as np

from parley.data.world.wordings import lines

HESITATIONS = lines("um; uh; er; let me see; let me think; well; hmm; how do you say; i mean; what was it; uh let me see; um well")
HESITATIONS_EVAL = lines("uhm; erm; well let me see; hmm let me think; what is the word; uh i mean")


def unfinished(words: list[str], asks: Callable[[str], str]) -> list[int]:
    """Before which of its words a question is still to be asked. `asks`: the answer that a text alone asks for, or "".

    Not where what came before asks something already, as in "what is the capital of france | please"; nor, where that is the same, later:
    "what is the capital of france thank | you".
    """
    whole, places = asks(" ".join(words)), []
    for at in range(1, len(words)):
        asked = asks(" ".join(words[:at]))
        if asked and asked == whole:
            break
        places += [] if asked else [at]
    return places


def hesitant(text: str, asks: Callable[[str], str], rng: np.random.Generator, evaluation: bool) -> tuple[str, str]:
    """(what is said up to a hesitation, the rest of the question). There is none where the question is never `unfinished`."""
    words = text.split()
    places = unfinished(words, asks)
    if not places:
        return text, ""
    place = places[rng.integers(len(places))]
    said = HESITATIONS_EVAL if evaluation else HESITATIONS
    return " ".join([*words[:place], said[rng.integers(len(said))]]), " ".join(words[place:])
