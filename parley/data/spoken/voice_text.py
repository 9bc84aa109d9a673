"""What a voice is given: plain words, so that all engines say the same."""

import re

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth"}
CURRENCIES = {"$": "dollar", "£": "pound", "€": "euro"}
SIGNS = {"&": "and", "%": "percent", "+": "plus", "=": "equals", "@": "at", "°": "degrees"}
BETWEEN_NUMBERS = (  # a sign, with blanks or without
    (re.compile(r"(?<=\d)\s*[×*]\s*(?=\d)|(?<=\d) x (?=\d)"), " times "),
    (re.compile(r"(?<=\d)\s*÷\s*(?=\d)|(?<=\d) / (?=\d)"), " divided by "),
    (re.compile(r"(?<=\d)\s*\^\s*(?=\d)"), " to the power of "),
    (re.compile(r"(?<=\d) - (?=\d)|(?<![\w-])-(?=\d)|\s*−\s*(?=\d)"), " minus "),
    (re.compile(r"(?<![-\d])(\d+(?:\.\d+)?)(?:-| ?– ?)(\d+(?:\.\d+)?)(?![-\d])"), r"\1 to \2"),  # no date
)
QUOTES = str.maketrans({"‘": "'", "’": "'", "—": ",", "…": ","})
MONEY = re.compile(r"([$£€])\s?([\d,]*\d(?:\.\d+)?)((?: (?:hundred|thousand|million|billion|trillion))?)", re.IGNORECASE)
NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(st\b|nd\b|rd\b|th\b|s\b)?", re.IGNORECASE)


def voice_text(text: str) -> str:
    """Plain words for a voice: numbers and signs written out, so that all engines say the same, and no capitals except in acronyms.

    ValueError when nothing remains to be said.
    """
    text = text.translate(QUOTES)
    text = MONEY.sub(lambda found: f"{found[2]}{found[3]} {CURRENCIES[found[1]]}{'' if found[2] + found[3] == '1' else 's'}", text)
    for sign, word in BETWEEN_NUMBERS:
        text = sign.sub(word, text)
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
