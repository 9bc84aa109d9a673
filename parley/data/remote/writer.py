"""A large language model writes scripts, with the prompts of SALMONN-omni (arXiv:2505.17060), appendix B."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from enum import StrEnum
from hashlib import sha256
from itertools import islice
from pathlib import Path

from rich.progress import Progress

from parley.data.corpora.entries import Failed
from parley.data.corpora.read import write_failed
from parley.data.corpora.script import Script, Turn, agent, from_line, read_scripts, to_line, user
from parley.data.filling import claim
from parley.data.remote.chat import chat
from parley.data.remote.endpoint import Asker, Endpoint, Failure, Reason
from parley.dialogue import Kind, Speaker

# B.1, B.2 and the two of B.3, word for word.
ANSWER = (
    "Please answer the following question {question} in a conversational style. Keep your response concise, to the point, and within "
    "300 tokens."
)
DIALOGUE = (
    "Based on the topic: {topic}. Write the transcript of a conversation between two people A and B. Use short turns. The conversation "
    "should be in spoken form (especially the numbers or dates should be in spoken form) and doesn't include *xxx* or [xxx] or (xxx)."
)
CONVERSATION = "The following is a conversation between A and B.\n\n{conversation}\n\n"
RELATED = CONVERSATION + (
    "Please ask B a question based on the conversation. This question needs to be strongly related to what B said. The question should be "
    "concise, short and in spoken form. Please only output your response."
)
UNRELATED = CONVERSATION + (
    "Please ask a question that is completely unrelated to the current conversation. Words from the conversation and words that may be "
    "related to the conversation should not appear in the question. The question should be concise, short and in spoken form. Please only "
    "output your response."
)
STOPS = (  # the paper has ten of GPT-4o and does not print the prompt
    "Write {number} different short sentences with which a listener interrupts a voice assistant that is speaking, to make it stop, like "
    '"Please stop talking right now." One on each line, without numbers, and nothing else.'
)
GREETING = "Say hello."
NUMBER_OF_STOPS = 10
KEY_VARIABLE = "PARLEY_WRITER_KEY"
IS_DOWN = "the endpoint is down, run the same command again to go on"
LONG_ANSWER = 12  # words; only such an answer is interrupted
LONGEST_ANSWER, LONGEST_QUESTION = 400, 40  # words, generously: what is longer is not what was asked for
STAGE_DIRECTION = re.compile(r"\*[^*]*\*|\[[^\]]*\]|\([^)]*\)")
LINE = re.compile(r"[\s*#>-]*(?:Person |Speaker )?([AB])[\s*]*:[\s*]*(.*)")


class Task(StrEnum):
    ANSWERS = "answers"  # B.1: every first question gets a spoken answer
    DIALOGUES = "dialogues"  # B.2: a dialogue of many turns about what the first question asks
    INTERRUPTIONS = "interruptions"  # B.3: a related question into a long answer, which it ends, and its answer
    DISTRACTORS = "distractors"  # B.3: an unrelated question of somebody else into a long answer, which goes on
    STOPS = "stops"  # sentences that ask the assistant to stop, into a long answer


def writing_endpoint(url: str, model: str, temperature: float | None = None) -> Endpoint:
    """Its key is in `PARLEY_WRITER_KEY`."""
    return Endpoint(url, model, KEY_VARIABLE, temperature)


class Writer:
    """One task for many scripts. ValueError at once where the endpoint cannot even be asked."""

    def __init__(self, task: Task, endpoint: Endpoint) -> None:
        self.task, self.asker, self.stops = task, Asker(endpoint), tuple[str, ...]()
        if task == Task.STOPS:
            stops = chat(self.asker, STOPS.format(number=NUMBER_OF_STOPS), several_lines)
            if isinstance(stops, Failure):
                raise ValueError(stops.detail)
            self.stops = stops

    def write(self, number: int, script: Script) -> Script | Failure:
        """What becomes of script `number`."""
        match self.task:
            case Task.ANSWERS:
                question = next((at for at, turn in enumerate(script.turns, 1) if turn.kind == Kind.QUESTION), None)
                if question is None:
                    return Failure(Reason.EMPTY, "there is no question in it")
                answer = self.answered(script.asked())
                return answer if isinstance(answer, Failure) else replace(script, turns=(*script.turns[:question], answer))
            case Task.DIALOGUES:
                turns = chat(self.asker, DIALOGUE.format(topic=script.asked().rstrip(".?! ")), transcript)
                return turns if isinstance(turns, Failure) else Script(named_for(self.task, script), "dialogue", turns)
            case Task.INTERRUPTIONS | Task.DISTRACTORS | Task.STOPS:
                return self.overlapped(number, script)

    def went_down(self) -> str:
        """Why nothing is answered any more, "" where it is: the last that was asked got no answer, and neither does a greeting."""
        greeted = chat(self.asker, GREETING, str) if self.asker.is_waiting else ""
        return greeted.detail if isinstance(greeted, Failure) and greeted.reason != Reason.NONSENSE else ""

    def answered(self, question: str) -> Turn | Failure:
        return chat(self.asker, ANSWER.format(question=question), agent_turn)

    def overlapped(self, number: int, script: Script) -> Script | Failure:
        """The script up to its first long answer, into which something is said."""
        until = next((at for at, turn in enumerate(script.turns, 1) if is_long(turn)), None)
        if until is None:
            return Failure(Reason.EMPTY, f"it has no answer of {LONG_ANSWER} words or more to speak into")
        before, name = script.turns[:until], named_for(self.task, script)
        if self.task == Task.STOPS:
            stop = Turn(Speaker.USER, self.stops[number % len(self.stops)], Kind.INTERRUPTION)
            return Script(name, self.task, (*before, stop))
        conversation = "\n".join(f"{'B' if turn.speaker == Speaker.AGENT else 'A'}: {turn.text}" for turn in before)
        prompt = RELATED if self.task == Task.INTERRUPTIONS else UNRELATED
        asked = chat(self.asker, prompt.format(conversation=conversation), one_line)
        if isinstance(asked, Failure):
            return asked
        if self.task == Task.DISTRACTORS:
            return Script(name, self.task, (*before, Turn(Speaker.OTHER, asked, Kind.CHAT)))
        answer = self.answered(asked)
        question = Turn(Speaker.USER, asked, Kind.INTERRUPTION)
        return answer if isinstance(answer, Failure) else Script(name, self.task, (*before, question, answer))


def is_long(turn: Turn) -> bool:
    return turn.speaker == Speaker.AGENT and len(turn.text.split()) >= LONG_ANSWER


# ---- what a model answers -----------------------------------------------------------------------------------------------------


def nonsense(wanted: str, text: str) -> Failure:
    return Failure(Reason.NONSENSE, f"the model answered no {wanted}: {' '.join(text.split())[:80]!r}")


def plain_words(text: str) -> str:
    """Without the marks of formatted text and without stage directions."""
    words = " ".join(re.sub(r"[*_#`]", "", STAGE_DIRECTION.sub(" ", text.replace("**", ""))).split())
    return re.sub(r" (?=[.,;:?!])", "", words).strip("\" '")


def agent_turn(text: str) -> Turn | Failure:
    said = plain_words(text)
    fits = re.search(r"\w", said) and len(said.split()) <= LONGEST_ANSWER
    return agent(said) if fits else nonsense("answer that can be spoken", text)


def one_line(text: str) -> str | Failure:
    lines = [line for line in text.splitlines() if line.strip()]
    said = plain_words(lines[0].removeprefix("A:")) if len(lines) == 1 else ""
    return said if re.search(r"\w", said) and len(said.split()) <= LONGEST_QUESTION else nonsense("single question", text)


def several_lines(text: str) -> tuple[str, ...] | Failure:
    lines = [plain_words(re.sub(r"^\s*(?:\d+[.)]|-)\s*", "", line)) for line in text.splitlines()]
    said = tuple(dict.fromkeys(line for line in lines if re.search(r"\w", line)))
    fit = len(said) > 1 and all(len(line.split()) <= LONGEST_QUESTION for line in said)
    return said if fit else nonsense("list of sentences", text)


def transcript(text: str) -> tuple[Turn, ...] | Failure:
    """The lines of A, who is the user, and B in turn; B has the last word."""
    turns: list[tuple[str, str]] = []
    for line in text.splitlines():
        found = LINE.fullmatch(line)
        said = plain_words(found[2]) if found else ""
        if found and said and turns and turns[-1][0] == found[1]:
            turns[-1] = (found[1], f"{turns[-1][1]} {said}")
        elif found and said and (turns or found[1] == "A"):
            turns.append((found[1], said))
    turns = turns[: len(turns) // 2 * 2]
    return tuple(user(said) if who == "A" else agent(said) for who, said in turns) or nonsense("conversation between A and B", text)


# ---- files --------------------------------------------------------------------------------------------------------------------


def write_with(
    task: Task, endpoint: Endpoint, source: Path, out: Path, limit: int | None = None, parallel: int = 4
) -> tuple[int, list[Failed]]:
    """Writes what becomes of the scripts in `source`, or of the first `limit`, into `out`. A run that was stopped goes on.

    How many scripts `out` holds, and what failed, which is also beside it. ValueError where the endpoint does not answer any more.
    """
    writer, part = Writer(task, endpoint), out.with_name(f"{out.name}.part")
    scripts, note = list(islice(read_scripts(source), limit)), out.with_name(f"{out.name}.part.json")
    failed = [script for script in scripts if isinstance(script, Failed)]
    wanted = {"task": task, "model": endpoint.model, "temperature": endpoint.temperature, "source": sha256(source.read_bytes()).hexdigest()}
    claim(note, wanted, f"{part} was begun", f"name another file, or delete it and {note}")
    done = finished(part)
    todo = [(at, script) for at, script in enumerate(scripts) if isinstance(script, Script) and named_for(task, script) not in done]
    count = len(done)
    with part.open("ab") as file, ThreadPoolExecutor(parallel) as pool, Progress() as progress:
        answers = pool.map(lambda each: written(writer, *each), todo)
        try:
            for (_, script), made in progress.track(zip(todo, answers), len(todo), description="scripts"):
                if isinstance(made, Script):
                    file.write(to_line(made).encode())
                    file.flush()
                    count += 1
                else:
                    failed.append(Failed(script.id, made.detail))
                if writer.asker.is_down:
                    raise ValueError(f"{failed[-1].reason}; {IS_DOWN}")
        finally:  # whatever ends it, nothing more is asked and paid for
            pool.shutdown(wait=False, cancel_futures=True)
    if count and (reason := writer.went_down()):
        raise ValueError(f"{reason}; {IS_DOWN}")
    note.unlink()
    if not count:
        part.unlink()
        raise ValueError(f"no script can be written; {f'the first reason: {failed[0].reason}' if failed else f'{source} is empty'}")
    write_failed(failed, out)
    part.replace(out)
    return count, failed


def written(writer: Writer, number: int, script: Script) -> Script | Failure:
    try:
        return writer.write(number, script)
    except ValueError as error:  # what it answered makes no script
        return Failure(Reason.NONSENSE, str(error))


def named_for(task: Task, script: Script) -> str:
    """The id of what becomes of it."""
    return script.id if task == Task.ANSWERS else f"{script.id}-{task}"


def finished(part: Path) -> set[str]:
    """The ids of the scripts that an earlier run has written; a line that it could not end is cut off."""
    if not part.exists():
        return set()
    content = part.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        part.write_bytes(whole)
    return {from_line(line).id for line in whole.splitlines()}
