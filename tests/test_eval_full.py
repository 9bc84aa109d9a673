"""What only a model of the world `full` is measured on: its scenes, and how they are judged."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from parley.clock import Clock
from parley.data.voices import HELD_OUT_ENGINE_VOICES, TRAINING_VOICES, available
from parley.data.world.drawn.conversation import NEEDS
from parley.data.world.drawn.hesitation import HESITATIONS_EVAL
from parley.data.world.drawn.unknown import ANSWER
from parley.data.world.world import FULL, STORIES, facts, world
from parley.dialogue import Kind, Speaker
from parley.eval import scenarios, suites
from parley.eval.metrics.statistics import ratio, share
from parley.eval.report.lines import TABLE, rows
from parley.eval.scenarios import Condition, asked_in, scene
from parley.eval.suites import SUITES, Plan, Suite
from parley.eval.values import answered, needing, refused, repeat_errors
from parley.models.duplex import BlockOutput, DuplexModel

CLOCK = Clock()
RATE = CLOCK.input_rate
LEAST_WORDS = 2


class Refusing(DuplexModel):
    """Says "I do not know that." 0.4 s after it heard somebody, in a tone of 2 s. One row."""

    clock = CLOCK
    world = FULL
    words = (" I", " do", " not", " know", " that", ".")

    def init_state(self, rows: int) -> Tensor:
        return torch.zeros(rows, 3, dtype=torch.long)  # heard, quiet blocks, blocks since the decision

    def step(self, environment: Tensor, state: Tensor, active: Tensor, directive: Tensor | None = None) -> BlockOutput:
        heard, quiet, age = state.unbind(1)
        loud = environment.abs().amax(1) > 0.1
        quiet, heard = torch.where(loud, 0, quiet + 1), heard | (loud & (age == 0))
        start, stop = (age == 0) & (heard > 0) & (quiet >= 5), age >= 36
        age = torch.where(start, 1, torch.where(stop | (age == 0), 0, age + 1))
        state.copy_(torch.where(active[:, None], torch.stack([heard * ~start, quiet, age], 1), state))
        word = (age > 1) & (age <= 1 + len(self.words))
        token = torch.where(start | stop, 1, torch.where(word, age, 0))
        sounding = (age > 5) & (age <= 30)
        return BlockOutput(sounding[:, None] * 0.1 * torch.ones(CLOCK.samples_out), token, age > 0, (start | stop).float())

    def loss(self, batch: None) -> dict[str, Tensor]:
        raise NotImplementedError

    def piece(self, token: int) -> str:
        return self.words[token - 2] if token >= 2 else ""


def of_full(suite: Suite = Suite.FULL) -> list[Condition]:
    return [condition for condition in SUITES[suite] if condition.full]


@pytest.mark.parametrize("condition", of_full(), ids=lambda condition: condition.name)
def test_scenes_hold_voices_and_phrasings_out_together(condition):
    if condition.held_out_engine and HELD_OUT_ENGINE_VOICES[0] not in available(HELD_OUT_ENGINE_VOICES):
        pytest.skip("no voice of the engine that is held out")
    training = {(voice.engine, voice.name) for voice in TRAINING_VOICES}
    for index in (1, 4):
        one, again = (scene(condition, 3, index, CLOCK, FULL) for _ in range(2))
        assert all(np.array_equal(a.pcm, b.pcm) and a.segment == b.segment for a, b in zip(one.cues, again.cues, strict=True))
        assert not training & {tuple(cue.segment.voice.split(":")[:2]) for cue in one.cues}
        asked, said = asked_in(condition, 3, index, FULL), [cue.segment for cue in one.cues]
        known = {text for fact in asked for text in fact.known}
        assert not known & {segment.text for segment in said}
        if condition == scenarios.HESITANT:
            assert any(f" {word} " in said[0].text for word in HESITATIONS_EVAL)
        elif asked:
            assert said[0].text in asked[0].held_out
        if condition.paused:
            ((start, end),) = said[0].pauses
            assert 0.3 * RATE <= end - start <= 1.2 * RATE + 1
        if condition.asked == scenarios.Asked.CONVERSATION:
            assert [segment.text in fact.held_out for segment, fact in zip(said, asked, strict=True)] == [True] * len(asked)


def test_other_peoples_talk_asks_for_nothing():
    for index in range(3):
        said = [cue.segment for cue in scene(scenarios.TALK, 0, index, CLOCK, FULL).cues]
        assert len(said) == 1 + index and {(segment.speaker, segment.kind) for segment in said} == {(Speaker.OTHER, Kind.CHAT)}
        assert {segment.text for segment in said} <= set(world(FULL).chat.evaluation)


def test_a_related_question_is_about_the_long_answer():
    details = set()
    for index in range(0, 2 * len(facts(FULL)), 2):
        story, detail = asked_in(scenarios.RELATED, 1, index, FULL)
        assert story.domain == STORIES and detail.of_story == story.about
        details.add(detail.answer + detail.known[0])
    assert len(details) == sum(bool(fact.of_story) for fact in facts(FULL))


def test_what_does_not_concern_a_related_answer_is_a_third_speakers_question():
    for index in (1, 5):
        story, other = asked_in(scenarios.RELATED, 1, index, FULL)
        event = scene(scenarios.RELATED, 1, index, CLOCK, FULL).cues[1].segment
        assert not other.of_story and story.domain == STORIES and event.text in other.held_out
        assert (event.speaker, event.kind) == (Speaker.OTHER, Kind.CHAT)
    assert len(scene(scenarios.RELATED, 1, 3, CLOCK, FULL).cues) == 1


def test_conversations_have_every_length_and_every_need_equally_often():
    asked = [asked_in(scenarios.CONVERSATION, 0, index, FULL) for index in range(40)]
    cells = [(len(each), each[-1].domain) for each in asked]
    assert {cells.count((turns, need)) for turns in range(2, 6) for need in NEEDS} == {2}


@pytest.mark.parametrize("condition", [scenarios.NEW, scenarios.REPEAT, scenarios.UNKNOWN, scenarios.CONVERSATION])
def test_a_thousand_items_can_be_drawn(condition):
    texts = {tuple(fact.held_out for fact in asked_in(condition, 0, index, FULL)) for index in range(1000)}
    assert len(texts) >= (200 if condition == scenarios.UNKNOWN else 950)


def test_a_model_that_refuses_everything_is_right_only_outside_the_world():
    conditions = (scenarios.NEW, scenarios.UNKNOWN, scenarios.TALK, scenarios.REPEAT, scenarios.CONVERSATION)
    played = {condition: list(suites.play(Refusing(), condition, 0, range(2), rows=1)) for condition in conditions}
    assert [outcome["answers"][-1]["text"] for outcome in played[scenarios.UNKNOWN]] == [ANSWER] * 2
    assert all(share([refused(outcome) for outcome in played[condition]]) == 1.0 for condition in (scenarios.UNKNOWN, scenarios.NEW))
    assert [answered(outcome) for outcome in played[scenarios.TALK]] == [True, True]
    for outcome in played[scenarios.REPEAT]:
        errors, count = repeat_errors(outcome)
        assert count >= LEAST_WORDS and errors >= count and not outcome["correct"]
    assert ratio([needing(outcome) for outcome in played[scenarios.CONVERSATION]]) == 0.0
    assert [turn["needs"] for turn in played[scenarios.CONVERSATION][0]["turns"]][-1] == NEEDS[0]
    table = {(row.line.title, row.line.condition): row for row in rows(TABLE, played, (0,))}
    assert table["questions outside the world refused", scenarios.UNKNOWN].met is True
    assert table["questions of the world refused", scenarios.NEW].met is False


def test_a_model_of_the_first_world_is_not_asked_for_the_full_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    first, full = (replace_world(name) for name in ("first", FULL))
    monkeypatch.setattr(suites, "find_model", Path)
    monkeypatch.setattr(suites, "loaded", lambda *_: first)
    assert not any(condition.full for condition in suites.conditions_of(Plan(Suite.ALL, "any")))
    with pytest.raises(ValueError, match="any was trained on the world 'first'; the suite full asks for the world 'full'"):
        suites.conditions_of(Plan(Suite.FULL, "any"))
    monkeypatch.setattr(suites, "loaded", lambda *_: full)
    assert set(of_full()) <= set(suites.conditions_of(Plan(Suite.ALL, "any")))


def replace_world(name: str) -> Refusing:
    model = Refusing()
    model.world = name
    return model
