"""Questions with answers, as WebQuestions, TriviaQA, Llama Questions and AlpacaEval are published."""

import ast
import re
from dataclasses import dataclass
from typing import Any

from parley.data.corpora.entries import Entry

WEB, TRIVIA, LLAMA, ALPACA = "web_questions", "trivia_qa", "llama_questions", "alpaca_eval"
WITHHELD = "<unk>"  # every answer of TriviaQA's test questions on the Hugging Face Hub
DESCRIPTION = re.compile(r'\(description (?:"((?:[^"\\]|\\.)*)"|([^()]*))\)')  # of WebQuestions' (list (description ...) ...)


@dataclass(frozen=True)
class Question:
    """`text` as it is written. Without an id of its own it is named by its place."""

    id: str
    task: str
    text: str
    references: tuple[str, ...]


def parse(entry: Entry) -> Question:
    """One entry of any of the published formats; where they are from: docs/evaluation.md."""
    match entry:
        case {"utterance": text, "targetValue": str(values)}:
            task, references = WEB, [re.sub(r"\\(.)", r"\1", quoted) or bare for quoted, bare in DESCRIPTION.findall(values)]
        case {"question": text, "answers": answers}:
            task, references = WEB, listed(answers) or answers.split(";") if isinstance(answers, str) else [answers]
        case {"Question": text, "Answer": {"Value": value, **more}}:
            task, references = TRIVIA, [value, more.get("Aliases"), more.get("NormalizedAliases")]
        case {"question": text, "answer": {"value": value, **more}}:
            task, references = TRIVIA, [value, more.get("aliases"), more.get("normalized_aliases")]
        case {"question": text, "answer_normalized_value": value, "answer_normalized_aliases": str(aliases)}:
            task, references = TRIVIA, [value, *aliases.split(",")]
        case {"Questions": text, "Answer": answer} | {"question": text, "answer": answer}:
            task, references = LLAMA, [answer]
        case {"instruction": text, **more} | {"prompt": text, "audio": _, **more}:
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


def listed(answers: str) -> list[str] | None:
    """The texts in a list as Python writes it, which a table is left with that was saved as CSV; None where it is none."""
    try:
        found = ast.literal_eval(answers) if answers.lstrip().startswith("[") else None
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return [str(each) for each in found] if isinstance(found, list) else None


def alternatives(references: list[Any]) -> tuple[str, ...]:
    """Texts and lists of texts: each once, without the empty ones and those that are withheld."""
    flat = [each for part in references for each in (part if isinstance(part, list) else [part])]
    texts = [str(each).strip() for each in flat if isinstance(each, str | int | float)]
    return tuple(dict.fromkeys(text for text in texts if text not in ("", WITHHELD)))
