"""The synthesizer room: tokens and layout as documented, streaming equal to offline, rows that leave each other alone."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from parley.streaming import reset_rows, tensors
from parley.synthesizer.causal import CausalStack, StackConfig
from parley.synthesizer.flow import MelDecoder, MelDecoderConfig
from parley.synthesizer.speech_lm import FIRST, NO_TARGET, SOS, TASK, SpeechLM, SpeechLMConfig, interleave
from parley.synthesizer.synthesizer import Event, Synthesizer, SynthesizerConfig, SynthesizerState
from parley.synthesizer.tokenizer import FSQ, NONE, SpeechTokenizer, SpeechTokenizerConfig
from parley.synthesizer.vocoder import PIECES, Pitch, Vocoder, VocoderConfig

VOCABULARY, WIDTH = 40, 24
STACK = StackConfig(width=16, hidden=32, blocks=2, kernel=5)
LM = SpeechLMConfig(width=32, layers=2, heads=2, hidden=48, speech_tokens=1000, max_tokens=60, max_pieces=20, connector=24)
CONFIG = SynthesizerConfig(
    lm=LM,
    mel_decoder=MelDecoderConfig(token_stack=STACK, frame_stack=STACK),
    vocoder=VocoderConfig(stack=STACK),
)


@pytest.fixture
def synthesizer() -> Synthesizer:
    torch.manual_seed(0)
    model = Synthesizer(CONFIG, WIDTH, VOCABULARY).eval()
    with torch.no_grad():
        model.vocoder.filters.weight.normal_(0, 0.02)
        bias = model.vocoder.filters.bias.unflatten(0, (PIECES, -1))  # of a speech-like level and slope
        bias[:, [0, CONFIG.vocoder.harmonic]] = -4
        bias[:, [1, CONFIG.vocoder.harmonic + 1]] = 1
        model.lm.head.bias[-1] = -4  # random weights end too soon
    return model


def test_what_would_be_played_before_it_is_made_is_refused():
    with pytest.raises(ValueError, match="3 speech tokens a block are too few to play 2 and look ahead"):
        Synthesizer(replace(CONFIG, mel_decoder=replace(CONFIG.mel_decoder, lookahead=2)), WIDTH, VOCABULARY)
    with pytest.raises(ValueError, match="13 is not a multiple of 4"):
        Synthesizer(replace(CONFIG, lm=replace(LM, speech_per_block=13)), WIDTH, VOCABULARY)


def test_an_answer_is_learned_where_it_can_be_said_to_its_end():
    pieces = torch.tensor([1, 2, 20])
    assert LM.longest(pieces).tolist() == [37, 49, 60]
    for count, most in zip(pieces.tolist(), LM.longest(pieces).tolist()):
        assert LM.sayable(count, most) and not LM.sayable(count, most + 1)
    assert not LM.sayable(21, 10) and replace(LM, per_piece=25).sayable(1, 50)


# ---- tokens -----------------------------------------------------------------------------------------------------------------


def test_every_token_has_its_own_codes_and_comes_back_from_them():
    fsq = FSQ((8, 5, 5, 5))
    tokens = torch.arange(fsq.size)
    codes = fsq.codes(tokens)
    assert torch.equal(fsq.tokens(codes), tokens)
    assert codes.abs().max() <= 1 and len(codes.unique(dim=0)) == 1000
    assert torch.equal(fsq.codes(torch.tensor([NONE])), torch.zeros(1, 4))


def test_quantised_values_are_codes_and_the_gradient_passes():
    fsq = FSQ((8, 5, 5, 5))
    z = torch.linspace(-3, 3, 200).view(50, 4).requires_grad_()
    codes = fsq.quantise(z)
    assert_close(fsq.codes(fsq.tokens(codes)), codes.detach(), rtol=0, atol=1e-6)
    codes.sum().backward()
    assert (z.grad > 0).all()


def test_every_level_can_be_reached():
    codes = FSQ((8, 5)).quantise(torch.linspace(-9, 9, 2001)[:, None].expand(-1, 2))
    assert [len(codes[:, i].unique()) for i in range(2)] == [8, 5]


def test_the_tokenizer_gives_one_token_for_four_frames():
    tokens = SpeechTokenizer(SpeechTokenizerConfig(stack=STACK)).encode(torch.randn(2, 40, 80))
    assert tokens.shape == (2, 10) and tokens.min() >= 0 and tokens.max() < 1000


# ---- layout -----------------------------------------------------------------------------------------------------------------


def names(n_text: int, n_speech: int) -> tuple[list[str], list[str]]:
    """The layout in words: `t1`, `s1` count from one, `.` has no target."""
    source, target = interleave(n_text, n_speech)

    def name(place: int) -> str:
        if place < FIRST:
            return {SOS: "sos", TASK: "task"}[place]
        return f"t{place - FIRST + 1}" if place < FIRST + n_text else f"s{place - FIRST - n_text + 1}"

    goals = ["." if goal == NO_TARGET else "eos" if goal == n_speech else f"s{goal + 1}" for goal in target]
    return [name(place) for place in source], goals


def test_four_text_positions_alternate_with_twelve_speech_tokens():
    source, target = names(5, 14)
    speech = [f"s{i}" for i in range(1, 15)]
    assert source == ["sos", "t1", "t2", "t3", "t4", *speech[:12], "t5", "task", *speech[12:]]
    assert target == [".", ".", ".", ".", *speech[:12], ".", ".", "s13", "s14", "eos"]


def test_a_last_block_exists_even_without_text_left():
    source, target = names(4, 13)
    assert source[-2:] == ["task", "s13"] and target[-3:] == [".", "s13", "eos"]
    source, target = names(1, 2)
    assert source == ["sos", "t1", "task", "s1", "s2"] and target == [".", ".", "s1", "s2", "eos"]


def test_too_little_speech_makes_fewer_blocks():
    source, _ = names(8, 15)
    assert source == ["sos", "t1", "t2", "t3", "t4", *[f"s{i}" for i in range(1, 13)], "t5", "t6", "t7", "t8", "task", "s13", "s14", "s15"]


def test_padding_does_not_change_the_loss(synthesizer: Synthesizer):
    pieces, tokens = torch.randint(VOCABULARY, (2, 9)), torch.randint(1000, (2, 40))
    n_pieces, n_tokens = torch.tensor([9, 5]), torch.tensor([40, 17])
    together = synthesizer.loss(None, pieces, n_pieces, tokens, n_tokens)
    alone = [
        synthesizer.loss(None, pieces[i : i + 1, :p], n_pieces[i : i + 1], tokens[i : i + 1, :t], n_tokens[i : i + 1])
        for i, (p, t) in enumerate([(9, 40), (5, 17)])
    ]
    assert_close(together, (alone[0] * 41 + alone[1] * 18) / 59)


def test_hidden_states_reach_the_loss_only_through_connector_and_gate():
    torch.manual_seed(0)
    for gate in (True, False):
        lm = SpeechLM(replace(LM, gate=gate), WIDTH, VOCABULARY).eval()
        hidden, pieces = torch.randn(1, 6, WIDTH, requires_grad=True), torch.randint(VOCABULARY, (1, 6))
        lm.loss(lm.condition(hidden, pieces), torch.tensor([6]), torch.randint(1000, (1, 30)), torch.tensor([30])).backward()
        assert hidden.grad.abs().sum(-1).gt(0).all()
        assert (lm.pieces.weight.grad is not None) == gate


# ---- streaming --------------------------------------------------------------------------------------------------------------


def say(model: Synthesizer, state: SynthesizerState, n_pieces: int, blocks: int, row: int = 0, rows: int = 1) -> torch.Tensor:
    """Feeds `n_pieces` random word pieces and then the end of text to one row; (blocks, samples)."""
    generator = torch.Generator().manual_seed(n_pieces)
    active = torch.arange(rows) == row
    out = []
    for block in range(blocks):
        event = torch.full((rows,), Event.PIECE if block < n_pieces else Event.TEXT_ENDED)
        hidden = torch.randn(WIDTH, generator=generator).expand(rows, -1)
        piece = torch.randint(VOCABULARY, (1,), generator=generator).expand(rows)
        with torch.no_grad():
            out.append(model.step(hidden, piece, event, state, active)[row])
    return torch.stack(out)


@pytest.mark.parametrize("sizes", [[7, 1, 12], [1] * 20, [20]])
def test_a_causal_stack_gives_the_same_in_pieces(sizes: list[int]):
    stack = CausalStack(STACK)
    x = torch.randn(2, 20, 16)
    whole, _ = stack.advance(x, stack.init_state(2))
    state, parts = stack.init_state(2), []
    for part in x.split(sizes, dim=1):
        y, state = stack.advance(part, state)
        parts.append(y)
    assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("lookahead", [0, 1, 2])
def test_the_mel_decoder_looks_ahead_exactly_as_far_as_it_says(lookahead: int):
    decoder = MelDecoder(replace(CONFIG.mel_decoder, lookahead=lookahead))
    tokens = torch.randint(1000, (1, 20))
    other = tokens.clone()
    other[0, 10] = (other[0, 10] + 500) % 1000
    changed = (decoder(tokens) != decoder(other)).any(-1)[0].nonzero()[:, 0]
    assert changed.min() == 4 * (10 - lookahead)


def test_no_token_gives_silence():
    decoder = MelDecoder(CONFIG.mel_decoder)
    mel = decoder(torch.tensor([[5, 900, NONE, NONE]]))
    assert_close(mel[0, 8:], torch.full((8, 80), decoder.config.silence))
    assert_close(mel[:, :4], decoder(torch.tensor([[5, 900]]))[:, :4])


@pytest.mark.parametrize("sizes", [[8] * 25, [1] * 200, [3, 50, 7, 140]])
def test_the_vocoder_streams_the_offline_waveform(synthesizer: Synthesizer, sizes: list[int]):
    vocoder, active = synthesizer.vocoder, torch.ones(2, dtype=torch.bool)
    mel = torch.randn(2, 200, 80)
    with torch.no_grad():
        whole, state = vocoder(mel), vocoder.init_state(2)
        parts = torch.cat([vocoder.step(part, state, active) for part in mel.split(sizes, dim=1)], dim=1)
    assert whole.abs().max() > 0.01
    assert_close(parts, whole, rtol=0, atol=1e-4)


def test_the_pitch_of_a_row_is_the_same_bit_for_bit_among_any_number(synthesizer: Synthesizer):
    vocoder, mel = synthesizer.vocoder, 3 * torch.randn(64, 6, 8, 80)
    with torch.no_grad():
        for one in mel:
            whole = vocoder.analyse(one, vocoder.init_state(6).stack)[0].f0
            for count in (4, 5):
                assert torch.equal(vocoder.analyse(one[-count:], vocoder.init_state(count).stack)[0].f0, whole[-count:])


def test_the_pulse_train_has_the_pitch_that_is_asked_for_and_rests_where_unvoiced():
    vocoder = Vocoder(CONFIG.vocoder)
    f0 = torch.full((1, 100), 200.0)
    voiced = torch.ones(1, 100)
    voiced[:, 50:60] = -1
    pulses, _, _ = vocoder.pulse_train(Pitch(f0, voiced), vocoder.init_state(1))
    spectrum = torch.fft.rfft(pulses[0, :50].flatten()).abs()  # 2 Hz a bin
    assert (spectrum > spectrum.max() / 2).nonzero()[:3, 0].tolist() == [100, 200, 300]
    assert (pulses[0, 50:60] == 0).all() and pulses[0, 60].abs().max() > 1


def test_a_long_tone_keeps_its_phase():
    vocoder = Vocoder(CONFIG.vocoder)
    state = vocoder.init_state(1)
    pitch = Pitch(torch.full((1, 100), 123.4), torch.ones(1, 100))
    for _ in range(60):
        _, state.f0, state.phase = vocoder.pulse_train(pitch, state)
    assert abs(state.phase.item() - (60 * 123.4) % 1) < 1e-3  # one minute of it; 123.4 is a float32


def test_speech_starts_with_the_fourth_text_slot(synthesizer: Synthesizer):
    for n_pieces in (1, 3, 4, 9):
        pcm = say(synthesizer, synthesizer.init_state(1), n_pieces, 5)
        assert (pcm[:3] == 0).all() and pcm[3, :160].abs().max() > 1e-4


@pytest.mark.parametrize("n_pieces", [1, 4, 7, 20])
def test_streamed_speech_is_the_offline_speech_of_its_tokens(synthesizer: Synthesizer, n_pieces: int):
    state = synthesizer.init_state(1)
    pcm = say(synthesizer, state, n_pieces, 40).flatten()[3 * 1280 :]
    count = int(state.lm.count)
    assert count > 4 and not state.playing.any()
    offline = synthesizer.speak(state.lm.tokens[:, :count])[0]
    assert_close(pcm[: len(offline)], offline, rtol=0, atol=1e-4)
    assert (pcm[-(-count // 2) * 1280 :] == 0).all()


@pytest.mark.parametrize("n_pieces", [2, 4, 5, 12])
def test_streamed_tokens_are_those_of_the_whole_sequence(synthesizer: Synthesizer, n_pieces: int):
    """The cache, the schedule and the layout agree: the tokens that were streamed are what `forward` finds likeliest."""
    lm, generator = synthesizer.lm, torch.Generator().manual_seed(3)
    text = torch.randn(n_pieces, LM.width, generator=generator)
    state, active = lm.init_state(1), torch.ones(1, dtype=torch.bool)
    for slot in range(24):
        lm.step(text[min(slot, n_pieces - 1)][None], torch.tensor([slot < n_pieces]), state, active)
        assert state.count <= max(0, 3 * (slot - 2))
    count = int(state.count)
    source, target = interleave(n_pieces, count)
    table = torch.cat([lm.marks, text, lm.speech(state.tokens[0, :count])])
    logits = lm(table[torch.tensor(source)][None])[0, :, : LM.speech_tokens]
    found = [int(row.argmax()) for row, goal in zip(logits, target) if 0 <= goal < count]
    assert found == state.tokens[0, :count].tolist() and count >= 12


def test_a_flush_throws_away_what_was_not_played(synthesizer: Synthesizer):
    state, active = synthesizer.init_state(1), torch.ones(1, dtype=torch.bool)
    say(synthesizer, state, 6, 9)
    assert state.playing.all() and state.lm.count > state.played
    with torch.no_grad():
        cut = synthesizer.step(torch.zeros(1, WIDTH), torch.zeros(1, dtype=torch.long), torch.tensor([Event.FLUSH]), state, active)
        still = synthesizer.step(torch.zeros(1, WIDTH), torch.zeros(1, dtype=torch.long), torch.tensor([Event.NONE]), state, active)
    assert (cut[:, CONFIG.fade :] == 0).all() and (still == 0).all() and not state.playing.any()
    again = say(synthesizer, state, 6, 12)
    assert torch.equal(again, say(synthesizer, synthesizer.init_state(1), 6, 12))


def test_an_utterance_that_never_ends_is_cut(synthesizer: Synthesizer):
    with torch.no_grad():
        synthesizer.lm.head.bias[-1] = -100
    state = synthesizer.init_state(1)
    say(synthesizer, state, 20, 30)
    assert state.lm.done.all() and state.lm.count <= LM.max_tokens


def test_rows_in_different_phases_do_not_matter_to_each_other(synthesizer: Synthesizer):
    events = torch.tensor([[0, 1, 1, 1, 1, 1, 2, 2, 2, 3, 0, 1, 1, 2], [1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 0, 0, 1], [0] * 14])
    hidden, pieces = torch.randn(3, 14, WIDTH), torch.randint(VOCABULARY, (3, 14))

    def run(rows: list[int]) -> torch.Tensor:
        state, active = synthesizer.init_state(len(rows)), torch.ones(len(rows), dtype=torch.bool)
        with torch.no_grad():
            blocks = [synthesizer.step(hidden[rows, t], pieces[rows, t], events[rows, t], state, active) for t in range(14)]
        return torch.cat(blocks, dim=1)

    together = run([0, 1, 2])
    assert (together[2] == 0).all()
    for row in (0, 1):
        assert_close(together[row], run([row])[0], rtol=0, atol=1e-4)


def test_inactive_rows_stay_untouched_bit_for_bit(synthesizer: Synthesizer):
    state = synthesizer.init_state(2)
    say(synthesizer, state, 5, 7, row=0, rows=2)
    before = [tensor[0].clone() for tensor in tensors(state)]
    say(synthesizer, state, 9, 12, row=1, rows=2)
    assert all(torch.equal(old, new[0]) for old, new in zip(before, tensors(state)))
    reset_rows(state, [0])
    assert all((tensor[0] == 0).all() for tensor in tensors(state))
