"""Rooms, echo and lines: nothing moves in time, everything comes from the seed, and what is off changes nothing."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from parley.clock import Clock
from parley.data.channel.channel import Channel, ChannelConfig, delayed, draw_channel, telephoned
from parley.data.channel.room import in_room, responses
from parley.data.corpora.script import Clip, Script, Turn, agent, user
from parley.data.mixing import MixConfig
from parley.data.spoken import play as playing
from parley.data.spoken.play import play
from parley.data.voices import Voice
from parley.dialogue import Dialogue, Kind, Speaker

RATE, BLOCK = 16000, Clock().samples_in
ALL = ChannelConfig(room_share=1.0, echo_share=1.0, low_pass_share=1.0, telephone_share=1.0)


def burst(samples: int = 4000) -> np.ndarray:
    return (0.4 * np.sin(np.arange(samples) * 0.2)).astype(np.float32)


@pytest.fixture
def voiced(monkeypatch: pytest.MonkeyPatch):
    """60 ms of sound a letter, in place of all voices."""
    monkeypatch.setattr(playing, "speak", lambda text, voice: burst(960 * len(text)))


OFF = ChannelConfig()


def played(script: Script, channel: ChannelConfig = OFF, seed: int = 0) -> Dialogue:
    config = MixConfig({}, (Voice("espeak", "en-us"), Voice("espeak", "en+f2")), quiet=1.0, channel=channel)
    return play(config, script, "d", np.random.default_rng(seed), lambda text: burst(960 * len(text)))


STORY = agent("this is a story without an end that goes on and on and on and on")
SCRIPT = Script(
    "s",
    "x",
    (
        user("what is red"),
        agent("blood is"),
        user("tell me more"),
        STORY,
        Turn(Speaker.USER, "uh huh", Kind.BACKCHANNEL),
        Turn(Speaker.OTHER, "where is it", Kind.CHAT),
        user("and now"),
        STORY,
        Turn(Speaker.USER, "why", Kind.INTERRUPTION, ("sea",)),
        agent("the sea"),
        user("bye"),
    ),
)


@pytest.mark.parametrize("seed", range(4))
def test_a_script_is_spoken_in_its_order_with_exact_times(voiced: None, seed: int):
    dialogue = played(SCRIPT, seed=seed)
    said = {segment.text + str(segment.kind): segment for segment in dialogue.segments}
    assert len(dialogue.segments) == len(SCRIPT.turns) and len(dialogue.environment) == len(dialogue.assistant)
    for segment in dialogue.segments:
        stream = dialogue.assistant if segment.speaker == Speaker.AGENT else dialogue.environment
        assert all(np.abs(stream[edge : edge + 20]).max() > 0.01 for edge in (segment.start, segment.end - 20))
    first, whole, cut, last = dialogue.said_by(Speaker.AGENT)
    for text in ("uh huhbackchannel", "where is itchat"):
        assert whole.start < said[text].start < whole.end
    stop = said["whyinterruption"]
    assert cut.interrupted and cut.start < stop.start < cut.end < stop.start + RATE and not whole.interrupted and stop.keywords == ("sea",)
    assert cut.end % BLOCK == 0 and not dialogue.assistant[cut.end : last.start].any()
    for question, answer in (("what is redquestion", first), ("whyinterruption", last)):
        decided = (answer.start // BLOCK - 5) * BLOCK
        assert answer.start % BLOCK == 0 and decided < said[question].end + 3840 <= decided + BLOCK
    assert said["byequestion"].start >= last.end


def test_what_cannot_be_spoken_is_said(voiced: None, tmp_path):
    huge = Script("h", "x", (user("word " * 250_000), agent("yes")))  # some four hours
    with pytest.raises(ValueError, match="its turns last .* but a dialogue at most 180 s"):
        played(huge)
    with pytest.raises(ValueError, match="holds only silence|cannot be read"):
        played(Script("c", "x", (user("hello", clip=Clip(str(tmp_path / "no.wav"))), agent("hello"))))
    soundfile.write(tmp_path / "nan.wav", np.where(np.arange(8000) == 4000, np.nan, 0.1), RATE, subtype="FLOAT")
    with pytest.raises(ValueError, match="nan.wav: has samples that are no numbers; write the file again"):
        played(Script("c", "x", (user("hello", clip=Clip(str(tmp_path / "nan.wav"))), agent("hello"))))
    with pytest.raises(ValueError, match="its turns last 14400 s"):
        played(Script("c", "x", (user("hello", clip=Clip("four-hours.wav", 0.0, 14400.0)), agent("hello"))))
    short = Script("i", "x", (user("what"), agent("so"), Turn(Speaker.USER, "stop", Kind.INTERRUPTION)))
    with pytest.raises(ValueError, match="'so' is too short for the interruption"):
        played(short)
    with pytest.raises(ValueError, match="no words that a voice could say"):
        played(Script("q", "x", (user("?!"), agent("so"))))


def test_a_channel_moves_nothing_in_time_and_comes_from_the_seed(voiced: None):
    plain, heard, again = played(SCRIPT), played(SCRIPT, ALL), played(SCRIPT, ALL)
    assert plain.segments == heard.segments and np.array_equal(plain.assistant, heard.assistant)
    assert np.array_equal(heard.environment, again.environment) and heard.environment.dtype == np.float32
    assert np.abs(heard.environment - plain.environment).max() > 0.05
    for config in (ChannelConfig(room_share=1.0), ChannelConfig(telephone_share=1.0), ChannelConfig(low_pass_share=1.0)):
        loud = np.abs(played(SCRIPT, config).environment)
        first = min(segment.start for segment in plain.segments)
        assert loud[first : first + 80].max() > 0.02 and loud[: first - 80].max(initial=0.0) < 0.005
    assert not np.array_equal(heard.environment, played(SCRIPT, ALL, seed=1).environment[: len(heard.environment)])


def test_what_is_off_draws_nothing_and_one_part_does_not_change_another():
    rng, same = np.random.default_rng(3), np.random.default_rng(3)
    assert draw_channel(ChannelConfig(), RATE, rng) == Channel(RATE) and rng.random() == same.random()
    one, all_of_it = (draw_channel(config, RATE, np.random.default_rng(3)) for config in (ChannelConfig(echo_share=1.0), ALL))
    assert one.echo == all_of_it.echo and one.rooms is None and one.law is None and all_of_it.law in ("ULAW", "ALAW")
    with pytest.raises(ValueError, match="-share is 1.5; give a share of the dialogues, from 0 to 1"):
        ChannelConfig(room_share=1.5)


def test_a_room_begins_with_the_direct_sound_has_a_tail_and_the_same_bits_everywhere():
    pyroomacoustics = pytest.importorskip("pyroomacoustics")
    made = []
    for threads in (1, 4):  # of this machine, as that library counts them
        pyroomacoustics.constants.set("num_threads", threads)
        made.append(responses(3, (0.2, 0.5), RATE, np.random.default_rng(0)))
    assert all(np.array_equal(one, other) for one, other in zip(*made, strict=True))
    for response in made[0]:
        assert abs(response[0]) > 0.1 and np.sum(np.square(response)) == pytest.approx(1.0, rel=1e-4)
        tail = in_room(np.eye(1, 100, dtype=np.float32)[0], response)
        assert 0.0 < np.abs(tail[1600:]).max() < np.abs(tail[:1600]).max()


def test_an_echo_is_the_assistant_later_and_softer():
    environment, assistant = np.zeros(RATE, np.float32), delayed(burst(), 1000, RATE)
    heard = Channel(RATE, echo=(0.5, 320)).sent(environment, assistant)
    np.testing.assert_allclose(heard, 0.5 * delayed(burst(), 1320, RATE), atol=1e-6)
    assert len(Channel(RATE, echo=(0.5, RATE)).sent(environment, assistant)) == RATE


@pytest.mark.parametrize("law", ["ULAW", "ALAW"])
def test_a_telephone_keeps_what_is_below_its_band_and_nothing_above(law: str):
    time = np.arange(RATE) / RATE
    low, high = ((0.4 * np.sin(2 * np.pi * hertz * time)).astype(np.float32) for hertz in (1000.0, 6000.0))
    heard = telephoned(low, RATE, law)
    assert len(heard) == RATE and np.abs(heard - low)[800:-800].max() < 0.03  # 8 bits, at zero delay
    assert np.abs(telephoned(high, RATE, law))[800:-800].max() < 0.01


def test_a_low_pass_takes_the_treble_and_leaves_the_time():
    time = np.arange(RATE) / RATE
    low, high = ((0.4 * np.sin(2 * np.pi * hertz * time)).astype(np.float32) for hertz in (500.0, 6000.0))
    muffled = replace(Channel(RATE), low_pass_hz=2000.0)
    np.testing.assert_allclose(muffled.sent(low, low)[800:-800], low[800:-800], atol=0.01)
    assert np.abs(muffled.sent(high, high))[800:-800].max() < 0.001
