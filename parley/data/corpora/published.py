"""Published corpora of text, from local files in their own formats: every entry becomes a script of a question and its answer."""

import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from parley.data.corpora.entries import Entry, Failed
from parley.data.corpora.questions import alternatives, parse
from parley.data.corpora.recorded import flac
from parley.data.corpora.script import Clip, Script, Turn, agent, user

KEYWORDS = 4  # a reference of so many words or fewer is looked for in an answer
ARTICLES = ("a", "an", "the")
Begun = set[tuple[str, str, str]]  # the conversations whose first round has been read: file, split, index
YES_NO = {"YES": "Yes.", "NO": "No.", 1: "Yes.", 0: "No."}  # of Natural Questions; numbers on the Hugging Face Hub


def asked(name: str, text: Any, references: list[Any], answer: Any = None) -> Script:
    """One question, its right answers, and what is said, the first of them if nothing else is given. ValueError for what is no text."""
    right = alternatives(references)
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"the question is {text!r}; need its words")
    if not (answer or right):
        raise ValueError("there is no answer to it")
    words = [word for word in re.findall(r"[\w']+", right[0].lower()) if word not in ARTICLES] if right else []
    said = agent(answer or right[0])
    return Script(name, "qa", (user(text, tuple(words) if len(words) <= KEYWORDS else ()), said), right)


def question(entry: Entry, name: str) -> Script:
    """WebQuestions, TriviaQA, and whatever else is a question with its answers."""
    found = parse(entry)
    return asked(found.id or name, found.text, list(found.references))


def alpaca(entry: Entry, name: str) -> Script:
    """`alpaca_data.json`: an instruction, perhaps with an input."""
    match entry:
        case {"instruction": str(instruction), "output": str(output), **more}:
            given = str(more.get("input") or "").strip()
            return asked(name, f"{instruction.strip()}\n{given}".strip(), [], output.strip())
        case _:
            raise ValueError(f"is no entry of Alpaca: it has {', '.join(entry) or 'nothing'}")


def squad(entry: Entry, name: str, context: bool) -> Iterator[Script | Failed]:
    """The whole file of SQuAD 1.1 or 2.0, or one row of a table with its columns. `context`: the user reads the paragraph out first."""
    match entry:
        case {"data": [*articles]}:
            parts = [part for article in articles for part in article["paragraphs"]]
            rows = [{**each, "context": part.get("context")} for part in parts for each in part["qas"]]
        case {"question": _, "answers": {"text": [*texts]}}:
            rows = [{**entry, "answers": texts}]
        case _:
            yield Failed(name, f"is no SQuAD: it has {', '.join(entry) or 'nothing'}")
            return
    for row in rows:
        own = str(row.get("id") or name)
        try:
            text = f"{row['context'].strip()}\n{row['question'].strip()}" if context else row["question"]
            yield asked(own, text, [answer if isinstance(answer, str) else answer["text"] for answer in row["answers"]])
        except (KeyError, TypeError, AttributeError) as error:
            yield Failed(own, f"is no question of SQuAD ({type(error).__name__}: {error})")
        except ValueError as error:
            yield Failed(own, str(error))


def natural_question(entry: Entry, name: str) -> Script:
    """Natural Questions: the open form, the simplified one, the original with its document tokens, or the columns of the Hub."""
    match entry:
        case {"question": {"text": text}, "annotations": {"short_answers": [*listed], **more}}:
            said = [answer for each in listed for answer in each["text"]]
            yes_no = [YES_NO[each] for each in more.get("yes_no_answer", ()) if each in YES_NO]
            return asked(str(entry.get("id") or name), text, [*said, *yes_no])
        case {"question": text, "answer": [*answers]}:
            return asked(name, text, answers)
        case {"question_text": text, "annotations": [*annotations], **more}:
            match more:
                case {"document_text": str(document)}:
                    tokens = document.split(" ")
                case {"document_tokens": [*listed]}:
                    tokens = [each["token"] for each in listed]
                case _:
                    raise ValueError("is of Natural Questions, but has no document; need document_text or document_tokens")
            spans = [(span["start_token"], span["end_token"]) for each in annotations for span in each["short_answers"]]
            yes_no = [YES_NO[each["yes_no_answer"]] for each in annotations if each.get("yes_no_answer") in YES_NO]
            return asked(str(more.get("example_id") or name), text, [*(" ".join(tokens[start:end]) for start, end in spans), *yes_no])
        case _:
            raise ValueError(f"is no entry of Natural Questions: it has {', '.join(entry) or 'nothing'}")


def ultrachat(entry: Entry, name: str, rounds: int, audio: Path, begun: Begun) -> Iterator[Script | Failed]:
    """A whole conversation, or a row with a recorded question, as in UltraChat-300K of SLAM-Omni. ValueError for `rounds` of such rows."""
    if "question_audio" not in entry:
        try:
            yield conversation(entry, name, rounds)
        except ValueError as error:
            yield Failed(name, str(error))
        return
    if rounds > 1:
        raise ValueError(f"{name}: of recorded questions only the first round is read; leave out --rounds")
    yield from voice_assistant(entry, name, audio, begun)


def conversation(entry: Entry, name: str, rounds: int) -> Script:
    """UltraChat (`data`, user and assistant in turn) or UltraChat 200k (`messages` with roles); the first `rounds` of it."""
    match entry:
        case {"data": [*texts]}:
            roles = ["user", "assistant"] * len(texts)
        case {"messages": [*messages]}:
            said = [each for each in messages if each["role"] != "system"]
            roles, texts = [each["role"] for each in said], [each["content"] for each in said]
        case _:
            raise ValueError(f"is no entry of UltraChat: it has {', '.join(entry) or 'nothing'}")
    texts = texts[: min(2 * rounds, len(texts) // 2 * 2)]
    if not texts or roles[: len(texts)] != ["user", "assistant"] * (len(texts) // 2) or not all(isinstance(text, str) for text in texts):
        raise ValueError("is no conversation in which user and assistant take turns")
    turns: list[Turn] = [agent(text) if number % 2 else user(text) for number, text in enumerate(texts)]
    own = f"{name.rpartition(':')[0]}-{entry['id']}" if entry.get("id") else str(entry.get("prompt_id") or name)  # its files count from 0
    return Script(own, "qa" if rounds == 1 else "dialogue", tuple(turns))


def voice_assistant(entry: Entry, name: str, audio: Path, begun: Begun) -> Iterator[Script | Failed]:
    """VoiceAssistant-400K, also as SLAM-Omni has it: the first round of every conversation that is not in `begun` yet, its recorded
    question in the folder `audio`."""
    match entry:
        case {"question": text, "answer": answer, "question_audio": sound, **more}:
            split, index, turn = (str(more.get(part) or "") for part in ("split_name", "index", "round"))
            at = (name.rpartition(":")[0], split, index or name)
            if at in begun or turn.isdecimal() and int(turn) > 1:
                return
            begun.add(at)
            try:
                own = "-".join(part for part in (split, index) if part) if index else name
                script = asked(own, text.rpartition("<USER>:")[2] if isinstance(text, str) else text, [], str(answer or ""))
                clip = Clip(str(kept(recorded, audio))) if (recorded := recorded_in(sound)) else None
                yield Script(script.id, script.task, (replace(script.turns[0], clip=clip), *script.turns[1:]))
            except ValueError as error:
                yield Failed(name, str(error))
        case _:
            yield Failed(name, f"is no row of VoiceAssistant-400K: it has {', '.join(entry) or 'nothing'}")


def recorded_in(sound: Any) -> bytes:
    """What a column of audio holds, its samples as FLAC; nothing where there is no recording."""
    match sound:
        case {"bytes": bytes(recorded)}:
            return recorded
        case {"array": [float() | int(), *_] as samples, "sampling_rate": int(rate)} if rate > 0:
            return flac(np.array(samples, np.float32), rate)
        case None | {"bytes": None} | {"array": None}:
            return b""
        case _:
            raise ValueError(f"the audio is {str(sound)[:60]!r}; need the bytes of a recording, or an array of samples and their rate")


def kept(sound: bytes, folder: Path) -> Path:
    """The file for `sound` in `folder`, named by what is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{sha256(sound).hexdigest()[:24]}{'.flac' if sound[:4] == b'fLaC' else '.wav'}"
    if not file.exists():
        part = file.with_suffix(".part")
        part.write_bytes(sound)
        part.replace(file)
    return file.resolve()
