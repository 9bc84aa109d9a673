"""A dialogue as data: two time-aligned streams and who said what, when, in samples."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

YIELD_S = 1.5  # to yield is to decide to listen within so long of the first sample of what is said into the answer


class Speaker(StrEnum):
    USER = "user"
    AGENT = "agent"
    OTHER = "other"  # a third person in the room


class Kind(StrEnum):
    QUESTION = "question"
    ANSWER = "answer"
    INTERRUPTION = "interruption"  # direct: asks the assistant to stop, or asks something new while it speaks
    BACKCHANNEL = "backchannel"
    CHAT = "chat"  # speech that is not addressed to the assistant


@dataclass(frozen=True)
class Segment:
    """One stretch of speech. `start` and `end` are samples: the first audible one, and one past the last."""

    speaker: Speaker
    kind: Kind
    text: str
    start: int
    end: int
    voice: str = ""
    interrupted: bool = False  # an answer that was cut at `end` by a barge-in
    pauses: tuple[tuple[int, int], ...] = ()  # silences inside the segment, in samples
    keywords: tuple[str, ...] = ()  # what a right answer to this question must contain


@dataclass(frozen=True)
class Dialogue:
    """`environment` is all that the microphone hears except the assistant's echo; `assistant` is what was really played.

    Both are float32 in [-1, 1], the same length, at `rate` samples a second.
    """

    id: str
    rate: int
    environment: np.ndarray  # (samples,)
    assistant: np.ndarray  # (samples,)
    segments: tuple[Segment, ...] = field(default=())

    def said_by(self, speaker: Speaker) -> list[Segment]:
        return [segment for segment in self.segments if segment.speaker == speaker]
