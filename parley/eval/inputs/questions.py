"""Question files with answers, as WebQuestions, TriviaQA, Llama Questions and AlpacaEval are published; a voice speaks the questions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parley.clock import Clock
from parley.data.voices import Voice
from parley.dialogue import Kind, Segment, Speaker
from parley.eval.inputs.item import Failed, Item, Spoken, audible
from parley.eval.inputs.tables import Entry, entries

WEB, TRIVIA, LLAMA, ALPACA = "web_questions", "trivia_qa", "llama_questions", "alpaca_eval"
DESCRIPTION = re.compile(r'\(description (?:"((?:[^"\\]|\\.)*)"|([^()]*))\)')  # of WebQuestions' (list (description ...) ...)


@dataclass(frozen=True)
class Question:
    """`text` as it is written. Without an id of its own it is named by its place."""

    id: str
    task: str
    text: str
    references: tuple[str, ...]


def read_questions(path: Path, clock: Clock, voice: Voice) -> Iterator[Item | Failed]:
    """Every question is spoken once, which gives its times; the sound is made again where it is played."""
    for number, entry in enumerate(entries(path), 1):
        if isinstance(entry, Failed):
            yield entry
            continue
        name = f"{path.name}:{number}"
        try:
            question = parse(entry)
            name = question.id or name
            environment = Spoken(voice_text(question.text), voice, clock.input_rate)
            heard = audible(environment())
        except ValueError as error:
            yield Failed(name, str(error))
            continue
        assert heard, name
        event = Segment(Speaker.USER, Kind.QUESTION, question.text, *heard, voice=str(voice))
        yield Item(name, question.task, clock.input_rate, environment, (event,), question.references)


def parse(entry: Entry) -> Question:
    """One entry of any of the published formats; where they are from: docs/metrics.md."""
    match entry:
        case {"utterance": text, "targetValue": str(values)}:
            task, references = WEB, [re.sub(r"\\(.)", r"\1", quoted) or bare for quoted, bare in DESCRIPTION.findall(values)]
        case {"question": text, "answers": answers}:
            task, references = WEB, answers.split(";") if isinstance(answers, str) else [answers]
        case {"Question": text, "Answer": {"Value": value, **more}}:
            task, references = TRIVIA, [value, more.get("Aliases"), more.get("NormalizedAliases")]
        case {"question": text, "answer": {"value": value, **more}}:
            task, references = TRIVIA, [value, more.get("aliases"), more.get("normalized_aliases")]
        case {"question": text, "answer_normalized_value": value, "answer_normalized_aliases": str(aliases)}:
            task, references = TRIVIA, [value, *aliases.split(",")]
        case {"Questions": text, "Answer": answer} | {"question": text, "answer": answer}:
            task, references = LLAMA, [answer]
        case {"instruction": text, **more}:
            task, references = ALPACA, [more["output"]] if "output" in more else None
        case _:
            raise ValueError(f"is no question of a known format: it has {', '.join(map(str, entry)) or 'nothing'}")
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"the question is {text!r}; need its words")
    name = str(entry.get("QuestionId") or entry.get("question_id") or "")
    if references is None:  # instructions alone: the judge reads only question and answer
        return Question(name, task, text.strip(), ())
    right = alternatives(references)
    if not right:
        raise ValueError("there is no reference answer; add one, or leave the question out")
    return Question(name, task, text.strip(), right)


def alternatives(references: list[Any]) -> tuple[str, ...]:
    """Texts and lists of texts: each once, without the empty ones."""
    flat = [each for part in references for each in (part if isinstance(part, list) else [part])]
    texts = [str(each).strip() for each in flat if isinstance(each, str | int | float)]
    return tuple(dict.fromkeys(text for text in texts if text))


# ---- what a voice is given ---------------------------------------------------------------------------------------------------

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth"}
CURRENCIES = {"$": "dollar", "£": "pound", "€": "euro"}
SIGNS = {"&": "and", "%": "percent", "+": "plus", "=": "equals", "@": "at", "°": "degrees"}
QUOTES = str.maketrans({"‘": "'", "’": "'", "—": ",", "…": ","})
MONEY = re.compile(r"([$£€])\s?([\d,]*\d(?:\.\d+)?)((?: (?:hundred|thousand|million|billion|trillion))?)", re.IGNORECASE)
NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(st\b|nd\b|rd\b|th\b|s\b)?", re.IGNORECASE)


def voice_text(text: str) -> str:
    """Plain words for a voice: numbers and signs written out, so that all engines say the same, and no capitals except in acronyms.

    ValueError when nothing remains to be said.
    """
    text = text.translate(QUOTES)
    text = MONEY.sub(lambda found: f"{found[2]}{found[3]} {CURRENCIES[found[1]]}{'' if found[2] + found[3] == '1' else 's'}", text)
    text = NUMBER.sub(lambda found: f" {number_words(found[1], found[2] or '', (found[3] or '').lower())} ", text)
    for sign, word in SIGNS.items():
        text = text.replace(sign, f" {word} ")
    text = re.sub(r"[^\w\s.,;:?!']|_", " ", text)
    shouted = text.upper() == text
    words = [word if word.removesuffix("'s").isupper() and len(word) > 1 and not shouted else word.lower() for word in text.split()]
    spoken = re.sub(r" +(?='s\b|[.,;:?!](?:\s|$))", "", " ".join(words)).lstrip(" .,;:?!'")
    if not re.search(r"\w", spoken):
        raise ValueError(f"the question {text!r} has no words that a voice could say")
    return spoken


def number_words(whole: str, fraction: str, ending: str) -> str:
    """A number, a year ("1905"), an ordinal ("21st") or a decade ("1990s") in words."""
    digits = whole.replace(",", "")
    if len(digits) > 15 or len(digits) > 1 and digits.startswith("0"):
        words = " ".join(ONES[int(digit)] for digit in digits)
    elif whole == digits and len(digits) == 4 and not fraction and ending in ("", "s"):
        words = year(int(digits))
    else:
        words = cardinal(int(digits))
    if fraction:
        return f"{words} point {' '.join(ONES[int(digit)] for digit in fraction[1:])}"
    match ending:
        case "":
            return words
        case "s":
            return f"{words[:-1]}ies" if words.endswith("y") else f"{words}{'es' if words.endswith('x') else 's'}"
        case _:
            before, last = words[: -len(words.split()[-1])], words.split()[-1]
            return before + (ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"))


def year(number: int) -> str:
    """1905 as nineteen oh five; outside 1100 to 2099, and from 2000 to 2009, as any number."""
    century, rest = divmod(number, 100)
    if not 11 <= century <= 20 or century == 20 and rest < 10:
        return cardinal(number)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def cardinal(number: int) -> str:
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10 - 2] + (f" {ONES[number % 10]}" if number % 10 else "")
    size, name = next((size, name) for size, name in SCALES if number >= size)
    return f"{cardinal(number // size)} {name}" + (f" {cardinal(number % size)}" if number % size else "")
