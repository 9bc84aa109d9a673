"""`repeat after me`: word sequences that are drawn. What is never said in training is fixed by the words, not by chance."""

from itertools import pairwise

import numpy as np

from parley.data.world.wordings import Fact, lines

DOMAIN = "repeat"
LENGTHS = (2, 6)  # words, both included
HELD_OUT = 4  # one in so many neighbouring pairs of words is heard in evaluation only

# No word sounds like another one that is written differently.
WORDS = """
able about across actor afternoon again almost alone always angry animal answer apple army artist autumn baby basket beautiful bedroom
before begin behind better bicycle bird birthday black blanket bottle bottom bridge bright bring broken brother brown bucket build
butter button cabin camera candle captain careful carpet castle center chapter cheese chicken children chimney circle city
clean clever climb clock cloud coffee cold color comfortable corner cotton country cousin crazy dance danger dark daughter decide
desert diamond dinner doctor dollar dragon dream drink drive dust early earth easy elephant empty engine evening every
exactly family famous farmer fast father feather festival field finger finish fish follow football forest forget fork
friend frozen funny garden gentle giant giraffe glass golden grandmother grape green guitar hammer happy harbor harvest heavy
helmet hidden history holiday honest honey hospital hungry hurry island jacket journey juice jump jungle kettle kitchen ladder
language large laugh leader leather lemon letter library listen little lonely lucky machine magic market marble
medicine melon member mirror modern monkey morning mother mountain museum music narrow nature necklace needle neighbor
never noisy nothing ocean office often olive open orange outside oven paint palace paper parade parrot party
pencil people pepper perfect piano picture pillow planet plastic pocket police potato present pretty prince promise pumpkin
puppy purple quickly quiet rabbit rainbow ready remember ribbon river rocket round sandwich scissors secret
seven shadow shoulder silver simple singer sister sleep slowly smart smoke sofa soldier special spider spoon spring square
stable station story strange strong student sugar summer sunday sweater table teacher telephone thirsty thunder ticket tiger
tiny together tomato tomorrow towel tower traffic travel tractor trumpet tunnel turtle umbrella uncle under valley velvet
village violin visit voice wagon wallet water wedding whisper window winter wonderful yellow yesterday young zebra
"""
CARRIERS = lines("""
repeat after me {}; say after me {}; please repeat after me {}; repeat these words {}; now repeat after me {}; can you repeat {}
please repeat {}; repeat the words {}; could you repeat after me {}; hey repeat after me {}
""")
HELD_OUT_CARRIERS = lines("can you say after me {}; please say these words {}; okay repeat the following {}")

VOCABULARY = tuple(dict.fromkeys(WORDS.split()))
PLACE = {word: place for place, word in enumerate(VOCABULARY)}


def held_out(one: str, after: str) -> bool:
    """Whether training never says `after` right after `one`."""
    return (PLACE[one] + PLACE[after]) % HELD_OUT == 0


def repetition(rng: np.random.Generator, unseen: bool) -> Fact:
    """`unseen`: every pair of neighbours is held out; else none is."""
    fewest, most = LENGTHS
    words = [VOCABULARY[rng.integers(len(VOCABULARY))]]
    for _ in range(int(rng.integers(fewest, most + 1)) - 1):
        following = [word for word in VOCABULARY if word not in words and held_out(words[-1], word) == unseen]
        words.append(following[rng.integers(len(following))])
    assert all(held_out(one, after) == unseen for one, after in pairwise(words)), words
    text = " ".join(words)
    known, others = (tuple(carrier.format(text) for carrier in carriers) for carriers in (CARRIERS, HELD_OUT_CARRIERS))
    return Fact(DOMAIN, f"{text.capitalize()}.", tuple(words), known, others)
