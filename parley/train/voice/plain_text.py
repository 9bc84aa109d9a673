"""Plain English sentences for a synthesizer to learn from: templates and word salad over the word classes of `words.txt`.

They need to sound like English, not to be true: what counts is that every word meets many neighbours and every length occurs.
"""

from pathlib import Path

import numpy as np

WORDS = {
    line.split(":")[0]: tuple(line.split(":")[1].split())
    for line in Path(__file__).with_name("words.txt").read_text().splitlines()
}
TEMPLATES = (
    "the {noun} {go} {small} the {adjective} {noun}.",
    "{name} {verb} the {noun} and the {noun}.",
    "the {noun} of {place} is {adjective}.",
    "it is a {adjective} {noun}.",
    "{place} is {small} {place} and {place}.",
    "the {adjective} {noun} {go} {adverb}.",
    "{name} {verb} {number} {noun}s in {place}, {small} {name} {verb} the {noun}.",
    "{number} plus {number} is {number}.",
    "{number} and {number} makes {number} {noun}s.",
    "a {noun} has {number} {noun}s.",
    "after {calendar} comes {calendar}.",
    "in {calendar}, the {noun} is {adverb} {adjective}.",
    "the opposite of {adjective} is {adjective}.",
    "you can {small} find the {noun} near the {adjective} {noun}.",
    "{small} {adverb}, {name} {go} to {place} with a {adjective} {noun}.",
    "we {verb} the {noun} because it {verb} {small} {adjective} {noun}.",
    "{noun}, {noun} and {noun} are {adjective}.",
    "yes, the {noun} is {adjective}.",
    "no, {name} {go} {adverb}.",
    "i think that the {noun} {verb} a {noun}, but the {noun} {verb} a {adjective} {noun}.",
    "there are {number} {noun}s in a {noun}, and {number} {noun}s in a {adjective} {noun}.",
    "the {noun} is the {adjective} {noun} of the {noun}.",
    "{verb} {small} the {noun} {verb} the {noun} {adverb}, so the {adjective} {noun} {go} {small} {place}.",
    "{noun}.",
    "{adjective}.",
    "{name} {verb} it.",
    "{place}.",
    "it is {number}.",
)


def fill(template: str, rng: np.random.Generator) -> str:
    """Replaces every {class} by a word of that class."""
    parts = template.split("{")
    text = parts[0]
    for part in parts[1:]:
        name, rest = part.split("}")
        text += str(rng.choice(WORDS[name])) + rest
    return text


def salad(rng: np.random.Generator) -> str:
    """3 to 12 words of any class, so that no word leans on its grammar; half of them with a comma."""
    classes = list(WORDS)
    words = [str(rng.choice(WORDS[classes[rng.integers(len(classes))]])) for _ in range(rng.integers(3, 13))]
    if rng.random() < 0.5:
        words[len(words) // 2] += ","
    return " ".join(words) + "."


def plain_sentences(count: int, rng: np.random.Generator) -> list[str]:
    """`count` sentences of 1 to about 30 words, first letter capital, ASCII without digits."""
    sentences = []
    while len(sentences) < count:
        text = salad(rng) if rng.random() < 0.3 else fill(TEMPLATES[rng.integers(len(TEMPLATES))], rng)
        if rng.random() < 0.15:
            text += " " + fill(TEMPLATES[rng.integers(len(TEMPLATES))], rng).capitalize()
        sentences.append(text[0].upper() + text[1:])
    return sentences
