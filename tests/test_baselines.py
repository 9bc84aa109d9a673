"""The baselines: forced turns, the detector's bookkeeping, the echo canceller, on timelines whose values are computed by hand."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest
import torch
from torch import Tensor

from parley.clock import Clock
from parley.data.voices import Voice, assistant_speech, speak
from parley.dialogue import Kind, Segment, Speaker
from parley.eval import baselines
from parley.eval.baselines import (
    CONTEXT,
    MEMORY,
    TAPS,
    WINDOW,
    Baseline,
    Bound,
    Cascade,
    CascadeConfig,
    EchoCanceller,
    VoiceActivity,
    baseline,
    silero,
)
from parley.eval.metrics.turn_taking import Ending, barge_in
from parley.eval.rollout import After, Cue, Scene, Trace, rollout
from parley.llm.tokens import Tokens
from parley.models.duplex import BlockOutput, Directive, DuplexModel
from parley.models.salmonn_omni import SalmonnOmni
from parley.runtime.engine import Engine
from parley.streaming import reset_rows, tensors
from tests.test_salmonn_omni import build, tokens  # noqa: F401  (tokens is a fixture)

BLOCK, RATE = 1280, 16000
CPU = torch.device("cpu")
BOTH = torch.tensor([True, True])
USER = Voice("espeak", "en-us+m8")


@pytest.fixture(scope="module")
def model(tokens: Tokens) -> SalmonnOmni:  # noqa: F811
    return build(tokens)


@pytest.fixture(scope="module")
def eager(tokens: Tokens) -> SalmonnOmni:  # noqa: F811
    """Wants to `<shift>` in every block; where that is forbidden it takes `<think>`, so that its answers are one word piece long."""
    model = build(tokens)
    step = model.backbone.step

    def wanting(embeddings: Tensor, state: object, active: Tensor) -> tuple[Tensor, Tensor]:
        logits, hidden = step(embeddings, state, active)
        wanted = torch.zeros_like(logits)
        wanted[:, model.tokens.shift], wanted[:, model.tokens.think] = 20.0, 10.0
        return wanted, hidden

    model.backbone.step = wanting
    return model


def loud(windows: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    """A detector by the level. Its memory counts the windows."""
    return (windows[:, CONTEXT:].abs().amax(1) > 0.05).float(), memory + 1


def sound(blocks: int, *stretches: tuple[int, int]) -> Tensor:
    """Silence (samples,) with the level 0.2 in each [start, end)."""
    pcm = torch.zeros(blocks * BLOCK)
    for start, end in stretches:
        pcm[start:end] = 0.2
    return pcm


@dataclass
class Played:
    token: Tensor  # (rows, blocks)
    speaking: Tensor  # (rows, blocks)
    probability: Tensor  # (rows, blocks)
    made: Tensor  # (rows, samples)


@torch.inference_mode()
def play(model: DuplexModel, environment: Tensor, state: object = None, active: Tensor | None = None) -> Played:
    """`environment` (rows, samples)."""
    rows = len(environment)
    state = model.init_state(rows) if state is None else state
    active = torch.ones(rows, dtype=torch.bool) if active is None else active
    outputs = [model.step(block, state, active) for block in environment.split(BLOCK, dim=1)]

    def stacked(value: Callable[[BlockOutput], Tensor]) -> Tensor:
        return torch.stack([value(output) for output in outputs], 1)

    made = torch.cat([output.assistant for output in outputs], 1)
    return Played(stacked(lambda x: x.token), stacked(lambda x: x.speaking), stacked(lambda x: x.shift_probability), made)


def shifts(model: SalmonnOmni, played: Played, row: int = 0) -> list[int]:
    return (played.token[row] == model.tokens.shift).nonzero().flatten().tolist()


def last_sound(played: Played, row: int = 0) -> int:
    """The last block whose step made sound."""
    return int(played.made[row].view(-1, BLOCK).abs().amax(1).nonzero().max())


# The directive.


@torch.inference_mode()
def test_a_free_directive_is_none(model: SalmonnOmni):
    environment = 0.1 * torch.randn(3, 25 * BLOCK, generator=torch.Generator().manual_seed(5))
    states, outputs = [model.init_state(3) for _ in range(2)], []
    everyone, free = torch.ones(3, dtype=torch.bool), torch.zeros(3, dtype=torch.long)
    for block in environment.split(BLOCK, dim=1):
        outputs.append((model.step(block, states[0], everyone), model.step(block, states[1], everyone, free)))
    assert any((plain.token == model.tokens.shift).any() for plain, _ in outputs)
    for plain, told in outputs:
        assert all(torch.equal(plain.__dict__[name], told.__dict__[name]) for name in plain.__dict__)
    assert all(torch.equal(a, b) for a, b in zip(tensors(states[0]), tensors(states[1])))


@torch.inference_mode()
def test_a_directive_is_obeyed_by_each_row_and_never_against_the_grammar(eager: SalmonnOmni):
    """Row 0 must shift always: a word has to follow each shift to speaking, so the pattern is shift, word, shift. Row 1 must stay."""
    state, seen = eager.init_state(3), []
    directive = torch.tensor([Directive.SHIFT, Directive.STAY, Directive.FREE])
    for _ in range(9):
        seen.append(eager.step(torch.zeros(3, BLOCK), state, torch.ones(3, dtype=torch.bool), directive).token)
    must, stay, free = torch.stack(seen, 1).tolist()
    shift = eager.tokens.shift
    assert [token == shift for token in must] == [True, False, True] * 3
    assert all(eager.piece(token) for token in must[1::3])
    assert stay == [eager.tokens.think] * 9
    assert free == must  # it wants to


# Sanity bounds.


def test_always_speaks_from_block_0_and_never_speaks_nothing():
    always, never = Bound(Clock(), speaks=True), Bound(Clock(), speaks=False)
    said, silent = play(always, sound(6, (0, 6 * BLOCK))[None]), play(never, sound(6, (0, 6 * BLOCK))[None])
    assert said.speaking.all() and not silent.speaking.any()
    assert [always.piece(token) for token in said.token[0].tolist()] == ["", *[" la"] * 5]
    assert "".join(never.piece(token) for token in silent.token[0].tolist()) == ""
    blocks = said.made.view(6, BLOCK)
    assert blocks.abs().amax(1).min() > 0.09 and silent.made.abs().max() == 0
    step = said.made[0].diff().abs()
    assert step[BLOCK - 1 :: BLOCK].max() <= step[: BLOCK - 1].max()  # no jump from one block to the next
    assert said.probability[0].tolist() == [1, 0, 0, 0, 0, 0] and silent.probability.max() == 0


def test_the_bounds_are_played_by_the_engine(model: SalmonnOmni):
    traces = {name: run(baseline(name, model), scene(0.0))[0] for name in (Baseline.ALWAYS, Baseline.NEVER)}
    (answer,) = traces[Baseline.ALWAYS].answers
    assert (answer.shift, answer.onset, answer.back) == (BLOCK, BLOCK + 2, None)  # 0.1 sin(2 pi n / 64) exceeds 0.01 from n = 2 on
    assert traces[Baseline.NEVER].answers == ()


def scene(echo: float, name: str = "scene") -> Scene:
    pcm = sound(10, (0, 10 * BLOCK)).numpy()
    cue = Cue(Segment(Speaker.USER, Kind.QUESTION, "words", 0, len(pcm)), pcm, After.CUE, 2 * BLOCK)
    return Scene(name, np.zeros(80 * BLOCK, dtype=np.float32), (cue,), echo, 40 * BLOCK)


def run(model: DuplexModel, *scenes: Scene, rows: int = 1) -> list[Trace]:
    return list(rollout(Engine(model, rows), scenes))


# The cascade's turns.


def test_the_end_point_comes_the_silence_after_the_speech_and_nowhere_else(eager: SalmonnOmni):
    """Speech ends at 16000, in window 31, which ends at 16384. 16 silent windows (>= 0.5 s) end at 24576, in block 19."""
    played = play(Cascade(eager, CascadeConfig(), loud), sound(80, (5120, 16000))[None])
    start, back = shifts(eager, played)
    assert start == 19
    assert 0 <= (start + 1) * BLOCK - 16000 - 0.5 * RATE <= BLOCK + WINDOW
    assert back == last_sound(played) + 1 + eager.config.layout.linger  # what a step makes sounds in the next block
    assert played.speaking[0].nonzero().flatten().tolist() == list(range(start, back))
    assert played.probability[0].nonzero().flatten().tolist() == [start, back]


@pytest.mark.parametrize(("silence_s", "block"), [(0.25, 15), (1.0, 25)])
def test_the_silence_can_be_configured(eager: SalmonnOmni, silence_s: float, block: int):
    """8 windows after 16384 end at 20480 = the end of block 15; 32 of them at 32768, in block 25."""
    played = play(Cascade(eager, CascadeConfig(silence_s), loud), sound(28, (5120, 16000))[None])
    assert shifts(eager, played) == [block]


def test_a_pause_that_is_too_short_and_a_click_end_no_turn(eager: SalmonnOmni):
    """Pause: windows 32 to 45, 14 of the 16 that it takes. Click: 1 window, less than the 0.1 s (4 windows) that begin a turn."""
    speech = sound(45, (5120, 16384), (46 * WINDOW, 30000))  # ends in window 58; 59 + 16 windows = 38400 = the end of block 29
    played = play(Cascade(eager, CascadeConfig(), loud), torch.stack([speech, sound(45, (5120, 5200))]))
    assert shifts(eager, played)[0] == 29
    assert shifts(eager, played, row=1) == []


def test_speech_for_long_enough_interrupts_and_is_answered_then(eager: SalmonnOmni):
    """Speaking from block 19 on. Speech again from 26624 = window 52: the 7th window (>= 0.2 s) ends at 30208, in block 23.

    It ends at 40960 = window 80; 80 + 16 windows end at 49152, in block 38.
    """
    played = play(Cascade(eager, CascadeConfig(), loud), sound(42, (5120, 16000), (26624, 40960))[None])
    assert shifts(eager, played) == [19, 23, 38]


def test_a_short_noise_while_speaking_neither_interrupts_nor_is_answered(eager: SalmonnOmni):
    """5 windows are 0.16 s, less than 0.2 s, but more than the 0.1 s of a turn."""
    cascade = Cascade(eager, CascadeConfig(), loud)
    played = play(cascade, sound(90, (5120, 16000), (26624, 26624 + 5 * WINDOW))[None])
    start, back = shifts(eager, played)
    assert start == 19 and back == last_sound(played) + 5
    longer = play(cascade, sound(90, (5120, 16000), (26624, 26624 + 7 * WINDOW))[None])
    assert shifts(eager, longer)[1] == 23


def test_an_interruption_before_the_first_word_waits_for_the_word(eager: SalmonnOmni):
    """The shift to speaking comes with block 15 (0.25 s), which ends with window 39. The next two windows are speech; one interrupts, but
    block 16 has to hold a word, so it is block 17."""
    config = CascadeConfig(silence_s=0.25, interruption_s=0.03)
    played = play(Cascade(eager, config, loud), sound(19, (5120, 16000), (16 * BLOCK, 19 * BLOCK))[None])
    assert shifts(eager, played) == [15, 17]
    assert eager.piece(int(played.token[0, 16]))


@torch.inference_mode()
def test_rows_in_different_phases_do_not_matter_to_each_other(model: SalmonnOmni):
    """Row 1 sits out every third block and hears other things; each row goes as it does alone, and an inactive one is bit-equal."""
    cascade = Cascade(model, CascadeConfig(taps=TAPS), loud)
    streams = [sound(45, (5120, 16000), (36000, 50000)), sound(45, (700, 9000))]
    streams = [stream + 0.01 * torch.randn(len(stream), generator=torch.Generator().manual_seed(5)) for stream in streams]
    alone = [play(cascade, stream[None]) for stream in streams]
    state, taken, seen = cascade.init_state(2), [0, 0], [[], []]
    for turn in range(45):
        active = torch.tensor([True, turn % 3 != 2])
        block = torch.stack([stream[at * BLOCK :][:BLOCK] for stream, at in zip(streams, taken)])
        before = [tensor[1].clone() for tensor in tensors(state)]
        output = cascade.step(block, state, active)
        if not active[1]:
            assert all(torch.equal(old, new[1]) for old, new in zip(before, tensors(state)))
        for row in active.nonzero().flatten().tolist():
            seen[row].append((int(output.token[row]), bool(output.speaking[row])))
            taken[row] += 1
    assert taken == [45, 30]
    for row in range(2):
        assert seen[row] == list(zip(alone[row].token[0].tolist(), alone[row].speaking[0].tolist()))[: taken[row]]
        assert len(shifts(model, alone[row])) >= 1


@torch.inference_mode()
def test_a_reset_row_is_fresh(eager: SalmonnOmni):
    cascade = Cascade(eager, CascadeConfig(taps=TAPS), loud)
    environment, state = sound(23, (5120, 16000), (27000, 29440)).expand(2, -1), cascade.init_state(2)
    first = play(cascade, environment, state)  # ends in the middle of a window, of speech and of an answer
    reset_rows(state, [1])
    again = play(cascade, environment, state)
    assert shifts(eager, again, row=1) == shifts(eager, first, row=1) == [19]
    assert shifts(eager, again, row=0)[0] < 19
    assert torch.equal(again.made[1], first.made[1])


# The detector.


@torch.inference_mode()
def test_every_sample_is_judged_once_after_its_context():
    given = []

    def watching(windows: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        given.append((windows.clone(), memory.clone()))
        return loud(windows, memory)

    voice = VoiceActivity(watching, 0.5, 0.35)
    state, pcm = voice.init_state(1, CPU), torch.arange(1.0, 4 * BLOCK + 1)
    for block in pcm.split(BLOCK):
        voice.step(block[None], state, torch.tensor([True]))
    assert len(given) == 4 * BLOCK // WINDOW == 10
    padded = torch.cat([torch.zeros(CONTEXT), pcm])
    for number, (window, memory) in enumerate(given):
        assert torch.equal(window[0], padded[number * WINDOW :][: CONTEXT + WINDOW])
        assert torch.equal(memory[0], torch.full(MEMORY, float(number)))


@torch.inference_mode()
def test_speech_begins_at_one_probability_and_ends_at_a_lower_one():
    script = iter([0.4, 0.5, 0.4, 0.35, 0.34, 0.4, 0.9, 0.9, 0.9, 0.1])

    def scripted(windows: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        return torch.tensor([next(script)]), memory

    voice = VoiceActivity(scripted, 0.5, 0.35)
    state, longest, left = voice.init_state(1, CPU), [], []
    for _ in range(4):
        longest.append(int(voice.step(torch.zeros(1, BLOCK), state, torch.tensor([True]))) // WINDOW)
        left.append((int(state.voiced) // WINDOW, int(state.silent) // WINDOW))
    # windows of the blocks: [0.4 0.5] [0.4 0.35 0.34] [0.4 0.9] [0.9 0.9 0.1]
    assert longest == [1, 3, 1, 3]
    assert left == [(1, 0), (0, 1), (1, 0), (0, 1)]


def question() -> np.ndarray:
    return speak("what is the capital of france", USER)


def test_silero_ends_the_turn_of_real_speech(eager: SalmonnOmni):
    """The end of the speech is where `speak` has its last audible sample, 160 samples before the end of the array."""
    speech = question()
    late, end = 3333, 16000 + len(speech) - 160
    environment = torch.zeros(2, 60 * BLOCK)
    environment[0, 16000 : 16000 + len(speech)] = torch.from_numpy(speech)
    environment[1, 16000 + late : 16000 + late + len(speech)] = torch.from_numpy(speech)
    played = play(Cascade(eager, CascadeConfig(), silero()), environment)
    for row, stop in ((0, end), (1, end + late)):
        first = shifts(eager, played, row)[0]
        assert 0 <= (first + 1) * BLOCK - stop - 0.5 * RATE <= BLOCK + WINDOW


@torch.inference_mode()
def test_silero_keeps_nothing_between_rows_or_calls():
    """A row that is fed alone, beside another, and by turns with another hears the same."""
    voice = VoiceActivity(silero(), 0.5, 0.35)
    speech = torch.from_numpy(question())[: 16 * BLOCK]
    other = 0.3 * torch.randn(16 * BLOCK, generator=torch.Generator().manual_seed(1))

    def verdicts(streams: Tensor, row: int, by_turns: bool) -> tuple[list[int], Tensor]:
        state, seen = voice.init_state(len(streams), CPU), []
        for block in streams.split(BLOCK, dim=1):
            if by_turns:
                voice.step(block, state, torch.arange(len(streams)) != row)
            active = torch.arange(len(streams)) == row if by_turns else torch.ones(len(streams), dtype=torch.bool)
            seen.append(int(voice.step(block, state, active)[row]))
        return seen, state.memory[row]

    alone = verdicts(speech[None], 0, False)
    assert max(alone[0]) > 0.5 * RATE
    for seen, memory in (verdicts(torch.stack([other, speech]), 1, False), verdicts(torch.stack([speech, other]), 0, True)):
        assert seen == alone[0]
        torch.testing.assert_close(memory, alone[1], atol=1e-5, rtol=0)


# The echo canceller.


def path(played: Tensor, factor: float, delay: int) -> Tensor:
    return factor * torch.cat([torch.zeros(delay), played])[: len(played)]


def longest_run(environment: Tensor, played: Tensor, taps: int, start: int = 0) -> int:
    """Unbroken speech in samples that silero hears from block `start` on."""
    voice, canceller, active = VoiceActivity(silero(), 0.5, 0.35), EchoCanceller(taps), torch.tensor([True])
    states, runs = (voice.init_state(1, CPU), canceller.init_state(1, CPU)), []
    for heard, said in zip(environment.split(BLOCK), played.split(BLOCK)):
        runs.append(int(voice.step(canceller.step(heard[None], said[None], states[1], active), states[0], active)))
    return max(runs[start:])


@torch.inference_mode()
@pytest.mark.parametrize(("factor", "delay"), [(1.0, 0), (0.1, 0), (0.7, 20)])
def test_an_echo_is_no_speech_but_a_speaker_on_top_of_it_is(factor: float, delay: int):
    answer, words = assistant_speech("paris is the capital of france and it is a big city"), speak("please stop talking", USER)
    played, user = torch.zeros(45 * BLOCK), torch.zeros(45 * BLOCK)
    said = torch.tensor(answer)[: 30 * BLOCK]
    played[5 * BLOCK : 5 * BLOCK + len(said)] = said
    user[18 * BLOCK : 18 * BLOCK + len(words)] = 0.5 * torch.from_numpy(words)
    echo, wanted = path(played, factor, delay), 0.2 * RATE
    assert longest_run(echo, played, 0) > wanted
    assert longest_run(echo, played, TAPS) == 0
    assert longest_run(echo + user, played, TAPS, 18) > wanted
    assert longest_run(echo + user, played, TAPS, 0) == longest_run(echo + user, played, TAPS, 18)  # nothing before the user speaks


@torch.inference_mode()
def test_what_the_canceller_leaves_is_the_user():
    played, user = 0.1 * torch.randn(2, 20 * BLOCK, generator=torch.Generator().manual_seed(2))
    environment = torch.stack([path(played, 0.8, 3) + user, user])
    reference = torch.stack([played, torch.zeros_like(played)])
    canceller = EchoCanceller(TAPS)
    state, left = canceller.init_state(2, CPU), []
    for heard, said in zip(environment.split(BLOCK, 1), reference.split(BLOCK, 1)):
        left.append(canceller.step(heard, said, state, BOTH))
    wrong = (torch.cat(left, 1) - user).square().mean(1) / user.square().mean()
    assert wrong[0] < TAPS / BLOCK  # each of the taps explains one part in BLOCK of a stranger, at worst with one block of memory
    assert wrong[1] == 0


def test_the_plain_cascade_interrupts_itself_and_the_fair_arm_does_not(eager: SalmonnOmni):
    """Closed loop with the echo of what is really played. The question ends with window 29; 30 + 16 windows end in block 18."""

    def quiet_too(windows: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        return (windows[:, CONTEXT:].abs().amax(1) > 0.002).float(), memory

    def played(taps: int) -> list[Trace]:
        """Without and with echo."""
        traces = run(Cascade(eager, CascadeConfig(taps=taps), quiet_too), scene(0.0, "alone"), scene(1.0, "echo"), rows=2)
        return sorted(traces, key=lambda trace: trace.id)

    def answers(traces: list[Trace]) -> list[list[tuple[int, bool]]]:
        return [[(answer.shift, answer.interrupted) for answer in trace.answers] for trace in traces]

    fair, plain = played(TAPS), played(0)
    assert answers(fair) == [[(19 * BLOCK, False)]] * 2
    alone, echo = answers(plain)
    assert alone == [(19 * BLOCK, False)]
    assert len(echo) > 1 and echo[0] == (19 * BLOCK, True)
    assert [barge_in(trace).ending for trace in (*fair, *plain)] == [Ending.ENDED_BEFORE] * 3 + [Ending.STOPPED_BEFORE]


# By name, and bad input.


def test_baselines_by_name(model: SalmonnOmni):
    plain, fair = (baseline(name, model, CascadeConfig(silence_s=0.7)) for name in (Baseline.CASCADE, Baseline.CANCELLED))
    assert isinstance(plain, Cascade) and isinstance(fair, Cascade)
    assert (plain.config.taps, fair.config.taps) == (0, TAPS)
    assert plain.config.silence_s == fair.config.silence_s == 0.7
    assert plain.model is model


@pytest.mark.parametrize("name", ["silence_s", "turn_s", "interruption_s"])
def test_times_must_be_positive(name: str):
    with pytest.raises(ValueError, match="give more than 0"):
        CascadeConfig(**{name: 0.0})


@pytest.mark.parametrize("wrong", [{"enter": 1.0}, {"leave": 0.6}, {"leave": 0.0}, {"taps": -1}])
def test_probabilities_and_taps_must_make_sense(wrong: dict):
    with pytest.raises(ValueError, match="0 < leave <= enter < 1"):
        CascadeConfig(**wrong)


def test_a_model_at_another_rate_is_refused(tokens: Tokens):  # noqa: F811
    model = build(tokens)
    model.clock = Clock(input_rate=8000, output_rate=8000)
    with pytest.raises(ValueError, match="hears 8000 samples a second, the VAD needs 16000"):
        Cascade(model, CascadeConfig(), loud)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    def missing(name: str):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(baselines, "distribution", missing)
    with pytest.raises(ValueError, match="pip install -e"):
        silero()
