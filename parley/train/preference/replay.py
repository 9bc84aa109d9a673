"""Built dialogues through the engine that serves: the people say what was recorded, the model answers with its own words and voice.

Each answer is made to begin where the reference's does, so that what is said into it meets it, and no other is begun; when it is given
up is the model's decision, unless a `Hold` says where the `<shift>` belongs. A course ends with its dialogue, or where the model still
speaks when the next answer is due.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from parley.clock import Clock
from parley.dialogue import Dialogue
from parley.llm.layout import Turn
from parley.models.duplex import Directive
from parley.runtime.engine import BlockEvent, Engine
from parley.runtime.session import CUT_BLOCKS, Answer, Session, at_rate

Echo = tuple[float, np.ndarray | None]  # factor and response (samples,), as a `Session` takes them


@dataclass(frozen=True)
class Hold:
    """The answer `turn` is given up in block `until`, or, if that is None or the answer is over before, by itself after its end."""

    turn: int
    until: int | None


@dataclass(frozen=True)
class Course:
    """What came of one dialogue. `tokens`: one a block."""

    dialogue: Dialogue
    turns: Sequence[Turn]
    echo: Echo
    tokens: tuple[int, ...]
    played: np.ndarray  # (blocks * samples_in,) at the input rate
    answers: tuple[Answer, ...]


class Replay:
    """One dialogue while it is played."""

    def __init__(self, dialogue: Dialogue, turns: Sequence[Turn], echo: Echo, clock: Clock, hold: Hold | None = None) -> None:
        self.dialogue, self.turns, self.echo, self.clock, self.hold = dialogue, turns, echo, clock, hold
        self.session = Session(clock, *echo)
        self.blocks = clock.blocks(len(dialogue.environment))
        self.tokens: list[int] = []
        self.played: list[np.ndarray] = []
        self.speaking = self.wording = False  # wording: its last token was a word piece, or the `<shift>` before the first

    @property
    def over(self) -> bool:
        due = len(self.session.answers) < len(self.turns) and self.turns[len(self.session.answers)].shift == self.session.blocks
        return self.session.blocks == self.blocks or self.speaking and due

    def block(self) -> np.ndarray:
        """(samples_in,): the next block of the environment, echo included."""
        start = self.session.blocks * self.clock.samples_in
        pcm = self.dialogue.environment[start : start + self.clock.samples_in]
        self.session.hear(np.pad(pcm, (0, self.clock.samples_in - len(pcm))))
        return self.session.take()

    @property
    def directive(self) -> Directive:
        """For the token at the end of the block given last."""
        now, given = self.session.blocks, len(self.session.answers)
        if not self.speaking:
            return Directive.SHIFT if given < len(self.turns) and self.turns[given].shift == now else Directive.STAY
        if self.hold is None or self.hold.turn != given - 1 or self.finished():
            return Directive.FREE
        return Directive.SHIFT if now == self.hold.until else Directive.STAY

    def finished(self) -> bool:
        """The answer's words are over, and it has been silent for a while."""
        answer, now = self.session.answers[-1], (self.session.blocks + 1) * self.clock.samples_out
        return not self.wording and answer.onset >= 0 and now - answer.end >= CUT_BLOCKS * self.clock.samples_out

    def follow(self, event: BlockEvent) -> None:
        began = event.speaking and not self.speaking
        moment = self.session.accept(event)
        self.speaking, self.wording = event.speaking, event.speaking and (began or event.text != "" and self.wording)
        self.tokens.append(event.token)
        self.played.append(at_rate(moment.played, self.clock.output_rate, self.clock.input_rate))

    def course(self) -> Course:
        answers = tuple(self.session.answers)
        return Course(self.dialogue, self.turns, self.echo, tuple(self.tokens), np.concatenate(self.played), answers)


def replay(engine: Engine, replays: Iterable[Replay]) -> Iterator[tuple[int, Course]]:
    """Plays them, as many at a time as the engine has rows; gives the number of each and its course as soon as it is over."""
    coming = enumerate(replays)

    def opened(count: int) -> dict[int, tuple[int, Replay]]:
        return {engine.open(): one for one in islice(coming, count)}

    rows = opened(engine.rows)
    while rows:
        blocks = {row: one.block() for row, (_, one) in rows.items()}
        events = engine.tick(blocks, {row: one.directive for row, (_, one) in rows.items()})
        for row, event in events.items():
            number, one = rows[row]
            one.follow(event)
            if one.over:
                yield number, one.course()
                del rows[row]
                engine.close(row)
        rows |= opened(engine.rows - len(rows))
