"""The page in a real Chromium: somebody talks with the shipped model, and what the loudspeaker gets is the right answer."""

import json
import os
from pathlib import Path

import numpy as np
import soundfile
from conftest import PATIENCE_S, RECORDINGS, Question, node, spoken
from websockets.sync.client import connect


def loudspeaker(folder: Path, rate: int) -> tuple[np.ndarray, int]:
    pcm = np.frombuffer((folder / "played.raw").read_bytes(), "<i2")
    return pcm.astype(np.float32) / 32768, rate


def check_answer(found: dict, folder: Path, question: Question) -> None:
    """The right answer, in words on the page and in sound at the loudspeaker; the downloads tell the same."""
    assert found["complaints"] == [] and found["foreign"] == []
    assert question.is_answered_by("".join(text for who, text in found["log"] if who == "model")), found["log"]
    assert question.is_heard_in(*loudspeaker(folder, found["rate"]))
    assert found["figures"]["response"].endswith(" ms") and found["figures"]["connection"].strip() == "Connected"

    both, rate = soundfile.read(folder / "dialogue.wav", dtype="float32")  # (frames, 2)
    assert rate == found["rate"] and both.shape[1] == 2
    assert np.abs(both[:, 0]).max() > 0.05, "the user is not on the left"
    assert question.is_heard_in(both[:, 1], rate)

    *events, last = [json.loads(line) for line in (folder / "timeline.jsonl").read_text().splitlines()]
    assert question.is_answered_by("".join(event["text"] for event in events if event["event"] == "words" and event["who"] == "model"))
    states = [event["state"] for event in events if event["event"] == "state"]
    assert states[:2] == ["thinking", "speaking"] and states[-1] == "listening"
    assert len(last["summary"]["response_ms"]) >= 1 and abs(last["summary"]["seconds"] - len(both) / rate) < 1


def test_spoken_questions_are_answered_aloud(server: str, questions: list[Question], tmp_path: Path):
    """Two of three: a fake microphone changes rates by rough means and may lose frames, and the model is not always right."""
    right = []
    for question in questions:
        folder = tmp_path / question.name
        folder.mkdir()
        found = node("page.mjs", "microphone", server, folder, spoken(question, folder))
        if question.is_answered_by("".join(text for who, text in found["log"] if who == "model")):
            check_answer(found, folder, question)
            right.append(question.name)
        if len(right) == 2:
            return
    raise AssertionError(f"of {[question.name for question in questions]} only {right} were answered rightly")


def test_a_recorded_question_is_answered_without_a_microphone(server: str, question: Question, tmp_path: Path):
    found = node("page.mjs", "recording", server, tmp_path, question.file)
    check_answer(found, tmp_path, question)
    assert found["log"][0][0] == "user"  # its words are known, and shown


def test_a_broken_line_comes_back_by_itself(server: str, question: Question, tmp_path: Path):
    found = node("page.mjs", "reconnect", server, tmp_path, spoken(question, tmp_path))
    assert found["seen"] == ["Reconnecting", "Connecting", "Connected"] and found["lines"] == 2 and found["state"] == "listening"


def test_a_full_server_is_told_with_a_retry(serve, tmp_path: Path):
    alone = serve("--sessions", "1")
    with connect(alone.replace("http", "ws") + "/v1/live/sessions", open_timeout=PATIENCE_S) as first:
        first.send(json.dumps({"type": "session.start", "session": {"model": "tiny"}}))
        assert json.loads(first.recv(timeout=PATIENCE_S))["type"] == "session.started"
        found = node("page.mjs", "full", alone, tmp_path)
    assert found["title"] == "All places are taken" and "Trying again in" in found["advice"] and found["action"] == "Try now"


def test_a_refused_microphone_is_told(server: str, tmp_path: Path):
    found = node("page.mjs", "refused", server, tmp_path)
    assert found["title"] == "The microphone was refused" and found["state"] == "idle" and found["complaints"] == []


STATES = {  # the big word, the message below it
    "idle": ("Talk with it", None),
    "asking": ("May it hear you?", None),
    "refused": ("Talk with it", "The microphone was refused"),
    "listening": ("Listening", None),
    "thinking": ("Thinking", None),
    "speaking": ("Speaking", None),
    "yielded": ("Listening", None),
    "paused": ("Paused", "Paused: tap to go on"),
    "over": ("Goodbye", None),
    "reconnecting": ("Reconnecting", "The line broke"),
    "full": ("One moment", "All places are taken"),
    "insecure": ("Talk with it", "The browser gives no sound to this address"),
    "key-asked": ("Talk with it", "The server asks for a key"),
}


def test_every_state_is_shown_whole_at_both_widths_and_the_keyboard_is_enough(tmp_path: Path):
    """`PARLEY_SHOTS=folder` keeps the pictures of each state, wide and narrow, light and dark."""
    folder = Path(os.environ.get("PARLEY_SHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    found = node("states.mjs", folder, RECORDINGS)
    shown = {name: [(each["state"], each["message"]) for each in shots] for name, shots in found["shots"].items()}
    assert shown == {name: [seen, seen] for name, seen in STATES.items()}
    assert found["flaws"] == [] and found["complaints"] == []
    names = {f"{name}-{size}-{paper}.png" for name in STATES for size in ("wide", "narrow") for paper in ("light", "dark")}
    assert names <= {file.name for file in folder.iterdir()}

    keyboard = found["keyboard"]
    assert keyboard["idle"] == ["talk", "loudspeaker", "soon", "question", "ask"]
    assert keyboard["talking"] == ["talk", "mute", "loudspeaker", "soon", "question", "ask", "save-wav", "save-timeline"]
    assert (keyboard["muted"], keyboard["unmuted"], keyboard["device"], keyboard["answers"]) == ("true", "false", "headset", "later")
    assert keyboard["escaped"] == "listening", "Escape in the list of recordings ended the conversation"
