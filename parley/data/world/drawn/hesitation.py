"""What people say while they look for the next word, in the middle of a question."""

from collections.abc import Callable

import numpy as np

from parley.data.world.wordings import lines

HESITATIONS = lines("um; uh; er; let me see; let me think; well; hmm; how do you say; i mean; what was it; uh let me see; um well")
HESITATIONS_EVAL = lines("uhm; erm; well let me see; hmm let me think; what is the word; uh i mean")


def hesitant(text: str, asks: Callable[[str], bool], rng: np.random.Generator, evaluation: bool) -> tuple[str, str]:
    """(what is said up to a hesitation, the rest of the question). There is none where what came before `asks` something already."""
    words = text.split()
    places = [at for at in range(1, len(words)) if not asks(" ".join(words[:at]))]
    if not places:
        return text, ""
    place = places[rng.integers(len(places))]
    said = HESITATIONS_EVAL if evaluation else HESITATIONS
    return " ".join([*words[:place], said[rng.integers(len(said))]]), " ".join(words[place:])
