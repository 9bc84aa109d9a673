"""A language model and a speech server on this machine, which answer well, badly or not at all."""

import errno
import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile

from parley.data import voices
from parley.data.build import BuildConfig, build
from parley.data.corpora.script import Script, Turn, agent, read_scripts, to_line, user
from parley.data.manifest import read_cuts
from parley.data.remote import endpoint as remote
from parley.data.remote import speech, writer
from parley.data.remote.endpoint import Endpoint, Failure, Reason
from parley.data.remote.writer import KEY_VARIABLE, Task, Writer, one_line, several_lines, transcript, write_with
from parley.data.voices import PEAK, Voice, speak
from parley.dialogue import Kind, Speaker

LONG = "It is a very long story about the sea and all of the ships that sailed on it."
STOPS = "1. Please stop talking.\n2. That is enough.\n"


class Server(ThreadingHTTPServer):
    """Every POST is answered by `reply(path, body)`: a status and bytes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.asked: list[tuple[str, dict]] = []
        self.reply: Callable[[str, dict], tuple[int, bytes]] = lambda path, body: (500, b"")


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, body))
        status, content = self.server.reply(self.path, body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setattr(remote.time, "sleep", lambda _: None)
    made = Server()
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def says(answer: Callable[[str], str]) -> Callable[[str, dict], tuple[int, bytes]]:
    """A chat model that answers a prompt."""

    def reply(path: str, body: dict) -> tuple[int, bytes]:
        assert path == "/v1/chat/completions" and body["model"] == "llama"
        return 200, json.dumps({"choices": [{"message": {"content": answer(body["messages"][0]["content"])}}]}).encode()

    return reply


def model(prompt: str) -> str:
    if prompt.startswith("Please answer"):
        return "**Well**, it is Paris (laughs)."
    if prompt.startswith("Based on the topic: What is red."):
        return "Here it is:\n\n**A:** What is red?\nB: Blood.\nB: And roses.\nA: Why?\nB: Iron.\nA: Ah."
    if "completely unrelated" in prompt:
        return '"Where are my keys?"'
    return STOPS if prompt.startswith("Write 10") else "And which ships?"


def endpoint(url: str) -> Endpoint:
    return Endpoint(url, "llama", KEY_VARIABLE)


def source(folder: Path, *scripts: Script) -> Path:
    path = folder / "source.jsonl"
    path.write_text("".join(map(to_line, scripts)))
    return path


SHORT = Script("a", "qa", (user("What is red?", ("blood",)), agent("Blood.")), ("blood",))
TOLD = Script("b", "qa", (user("Tell me about the sea."), agent(LONG)))
ASKED = "Please answer the following question {} in a conversational style. Keep your response concise, to the point, "
ASKED += "and within 300 tokens."


def test_answers_dialogues_and_what_is_said_into_answers(server: Server, tmp_path: Path):
    server.reply = says(model)
    writer = Writer(Task.ANSWERS, endpoint(server.url))
    assert writer.write(0, SHORT) == Script("a", "qa", (SHORT.turns[0], agent("Well, it is Paris.")), ("blood",))
    assert server.asked[0][1]["messages"][0]["content"] == ASKED.format("What is red?")
    dialogue = Writer(Task.DIALOGUES, endpoint(server.url)).write(0, SHORT)
    turns = (user("What is red?"), agent("Blood. And roses."), user("Why?"), agent("Iron."))
    assert dialogue == Script("a-dialogues", "dialogue", turns)
    related = Writer(Task.INTERRUPTIONS, endpoint(server.url)).write(0, TOLD)
    question = Turn(Speaker.USER, "And which ships?", Kind.INTERRUPTION)
    assert related == Script("b-interruptions", "interruptions", (*TOLD.turns, question, agent("Well, it is Paris.")))
    prompt = server.asked[-2][1]["messages"][0]["content"]
    assert prompt.startswith(f"The following is a conversation between A and B.\n\nA: Tell me about the sea.\nB: {LONG}\n\nPlease ask B a")
    unrelated = Writer(Task.DISTRACTORS, endpoint(server.url)).write(0, TOLD)
    assert isinstance(unrelated, Script) and unrelated.turns[2] == Turn(Speaker.OTHER, "Where are my keys?", Kind.CHAT)
    stops = Writer(Task.STOPS, endpoint(server.url))
    made = [stops.write(number, TOLD) for number in range(3)]
    assert [each.turns[2].text for each in made if isinstance(each, Script)] == [stops.stops[0], stops.stops[1], stops.stops[0]]
    assert stops.stops == ("Please stop talking.", "That is enough.")
    assert isinstance(stops.write(0, SHORT), Failure)


def test_an_answer_follows_its_question_though_others_chat_before_it(server: Server, tmp_path: Path):
    server.reply = says(model)
    chat, later = Turn(Speaker.OTHER, "Well, well.", Kind.CHAT), user("And what is blue?")
    path = source(tmp_path, Script("c", "qa", (chat, user("What is red?"), agent("Blood."), later)), SHORT)
    assert write_with(Task.ANSWERS, endpoint(server.url), path, tmp_path / "out.jsonl") == (2, [])
    chatted, _ = read_scripts(tmp_path / "out.jsonl")
    assert isinstance(chatted, Script) and chatted.turns == (chat, user("What is red?"), agent("Well, it is Paris."))
    assert server.asked[0][1]["messages"][0]["content"] == ASKED.format("What is red?")
    only_chat = Writer(Task.ANSWERS, endpoint(server.url)).write(0, Script("d", "chat", (chat,)))
    assert isinstance(only_chat, Failure) and only_chat.detail == "there is no question in it"


def test_a_run_that_was_stopped_goes_on_without_asking_twice(server: Server, tmp_path: Path):
    server.reply = says(model)
    path, out = source(tmp_path, SHORT, TOLD), tmp_path / "out.jsonl"
    whole = Script("a", "qa", (SHORT.turns[0], agent("Before.")))
    (tmp_path / "out.jsonl.part").write_text(to_line(whole) + '{"id": "b", "tur')
    assert write_with(Task.ANSWERS, endpoint(server.url), path, out) == (2, [])
    assert [script.turns[1].text for script in read_scripts(out) if isinstance(script, Script)] == ["Before.", "Well, it is Paris."]
    assert len(server.asked) == 1 and not (tmp_path / "out.jsonl.part").exists()


def test_a_run_with_other_settings_does_not_go_on_with_what_was_begun(server: Server, tmp_path: Path):
    server.reply = lambda path, body: (401, b"closed") if len(server.asked) > 1 else says(model)(path, body)
    scripts = [Script(f"{number}", "qa", (user(f"What is {number}?"), agent("Blood."))) for number in range(12)]
    path, out = source(tmp_path, *scripts), tmp_path / "new" / "out.jsonl"
    with pytest.raises(ValueError, match="the endpoint is down"):
        write_with(Task.ANSWERS, endpoint(server.url), path, out, parallel=1)
    begun = (tmp_path / "new" / "out.jsonl.part").read_bytes()
    assert begun.count(b"\n") == 1
    server.reply = says(model)
    (tmp_path / "other").mkdir()
    others = (Task.DIALOGUES, endpoint(server.url), path), (Task.ANSWERS, replace(endpoint(server.url), model="gpt"), path)
    for other in (*others, (Task.ANSWERS, endpoint(server.url), source(tmp_path / "other", SHORT))):
        with pytest.raises(ValueError, match="out.jsonl.part was begun with other settings .* see .*out.jsonl.part.json.; name another"):
            write_with(*other, out)
        assert (tmp_path / "new" / "out.jsonl.part").read_bytes() == begun
    assert write_with(Task.ANSWERS, endpoint(server.url), path, out) == (12, [])
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out.jsonl"]


def test_nonsense_is_named_and_the_rest_goes_on(server: Server, tmp_path: Path):
    server.reply = says(lambda prompt: "!!!" if "red" in prompt else "Water.")
    count, failed = write_with(Task.ANSWERS, endpoint(server.url), source(tmp_path, SHORT, TOLD), tmp_path / "out.jsonl")
    assert count == 1 and [(each.id, each.reason) for each in failed] == [("a", "the model answered no answer that can be spoken: '!!!'")]
    assert json.loads((tmp_path / "out.failed.jsonl").read_text())["id"] == "a"
    server.reply = lambda path, body: (200, b"<html>\nhello</html>")
    with pytest.raises(ValueError, match="no script can be written; the first reason: .*no chat completion: <html> hello</html>"):
        write_with(Task.ANSWERS, endpoint(server.url), source(tmp_path, SHORT), tmp_path / "none.jsonl")


@pytest.mark.parametrize("text", ["", "I cannot.\nSorry.", "why " * 41, "..."])
def test_what_is_no_question(text: str):
    assert isinstance(one_line(text), Failure)


@pytest.mark.parametrize("text", ["", "I am sorry.", "A: Hello?", "B: Hello.\nB: Hi."])
def test_what_is_no_conversation_and_no_list(text: str):
    assert isinstance(transcript(text), Failure) and isinstance(several_lines(text.replace("\n", " ")), Failure)


def test_an_endpoint_that_is_down_ends_the_run_with_one_line_and_keeps_what_there_is(server: Server, tmp_path: Path):
    path = source(tmp_path, *(Script(f"s{number}", "qa", (user(f"q {number}"), agent("a"))) for number in range(20)))
    answers = iter(["One.", "Two."])
    server.reply = lambda path, body: says(lambda _: next(answers))(path, body) if len(server.asked) < 3 else (503, b"down\nfor today")
    with pytest.raises(ValueError) as error:
        write_with(Task.ANSWERS, endpoint(server.url), path, tmp_path / "out.jsonl", parallel=1)
    assert str(error.value).startswith(f"{server.url}: HTTP 503: down for today; the endpoint is down") and "\n" not in str(error.value)
    assert len((tmp_path / "out.jsonl.part").read_text().splitlines()) == 2 and not (tmp_path / "out.jsonl").exists()


def test_an_endpoint_that_goes_down_in_the_last_items_leaves_them_for_the_next_run(server: Server, tmp_path: Path):
    scripts = [Script(f"s{number}", "qa", (user(f"q {number}"), agent("a"))) for number in range(5)]
    chat = Script("c", "chat", (Turn(Speaker.OTHER, "Well.", Kind.CHAT),))  # nothing is asked for it
    path, out = source(tmp_path, *scripts, chat), tmp_path / "out.jsonl"
    server.reply = lambda path, body: says(model)(path, body) if len(server.asked) < 4 else (503, b"down")
    with pytest.raises(ValueError, match="HTTP 503: down; the endpoint is down, run the same command again to go on"):
        write_with(Task.ANSWERS, endpoint(server.url), path, out, parallel=1)
    assert not out.exists() and not out.with_suffix(".failed.jsonl").exists()
    server.reply, asked = says(model), len(server.asked)
    count, failed = write_with(Task.ANSWERS, endpoint(server.url), path, out, parallel=1)
    assert count == 5 and [each.id for each in failed] == ["c"] and len(server.asked) == asked + 2


def test_a_last_item_that_alone_is_refused_does_not_hold_the_run(server: Server, tmp_path: Path):
    server.reply = lambda path, body: (400, b"no") if "sea" in body["messages"][0]["content"] else says(model)(path, body)
    count, failed = write_with(Task.ANSWERS, endpoint(server.url), source(tmp_path, SHORT, TOLD), tmp_path / "out.jsonl")
    assert count == 1 and [each.id for each in failed] == ["b"] and "HTTP 400: no" in failed[0].reason


def test_items_that_are_refused_one_after_the_other_do_not_make_an_endpoint_that_is_down(server: Server, tmp_path: Path):
    scripts = [Script(f"s{number}", "qa", (user(f"q {number}"), agent("a"))) for number in range(20)]
    server.reply = lambda path, body: says(model)(path, body) if len(server.asked) > 19 else (400, b"filtered")
    count, failed = write_with(Task.ANSWERS, endpoint(server.url), source(tmp_path, *scripts), tmp_path / "out.jsonl", parallel=1)
    assert (count, len(failed)) == (1, 19) and "HTTP 400: filtered" in failed[0].reason


def test_what_ends_a_run_ends_its_requests_too(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    scripts = [Script(f"s{number}", "qa", (user(f"q {number}"), agent("a"))) for number in range(60)]
    server.reply = says(model)

    def full(script: Script) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writer, "to_line", full)
    with pytest.raises(OSError, match="No space left"):
        write_with(Task.ANSWERS, endpoint(server.url), source(tmp_path, *scripts), tmp_path / "out.jsonl", parallel=1)
    assert len(server.asked) < 30


def test_half_a_character_is_no_answer_that_can_be_written(server: Server, tmp_path: Path):
    server.reply = says(lambda prompt: "Paris \ud83d" if "red" in prompt else "Water.")
    count, (failed,) = write_with(Task.ANSWERS, endpoint(server.url), source(tmp_path, SHORT, TOLD), tmp_path / "out.jsonl")
    assert count == 1 and failed.id == "a" and "half a character" in failed.reason


def test_an_answer_without_text_is_nonsense(server: Server, tmp_path: Path):
    refused = {"choices": [{"message": {"role": "assistant", "content": None, "refusal": "I cannot."}}]}
    server.reply = lambda path, body: (200, json.dumps(refused).encode())
    made = Writer(Task.ANSWERS, endpoint(server.url)).write(0, SHORT)
    assert isinstance(made, Failure) and made.reason == Reason.NONSENSE and "a chat completion without text" in made.detail


def test_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(remote.time, "sleep", lambda _: None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(ValueError, match=f"{url}: .*"):
            write_with(Task.STOPS, endpoint(url), source(tmp_path, TOLD), tmp_path / "out.jsonl")
    with pytest.raises(ValueError, match="is no endpoint's URL"):
        endpoint("localhost")


# ---- voices -------------------------------------------------------------------------------------------------------------------


def sound(seconds: float, level: float, rate: int = 24000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, level * np.sin(np.arange(round(seconds * rate)) / 9), rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def test_a_speech_server_is_a_voice(server: Server):
    server.reply = lambda path, body: (200, sound(0.5, 0.6))
    said = speak("Hello.", Voice("server", f"{server.url} kokoro ann", rate=1.2))
    assert abs(len(said) - 8000) < 40 and np.abs(said).max() == pytest.approx(PEAK)
    wanted = {"model": "kokoro", "input": "Hello.", "voice": "ann", "response_format": "wav", "speed": 1.2}
    assert server.asked == [("/v1/audio/speech", wanted)]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ((200, b"no such voice"), "answered no sound: no such voice"),
        ((404, b"nothing here"), "HTTP 404: nothing here"),
        ((200, sound(0.5, 0.0)), "gave only silence for 'Hello.'"),
        ((200, sound(0.0, 0.0)), "gave only silence for 'Hello.'"),
    ],
)
def test_what_a_speech_server_does_wrong_is_said(server: Server, reply: tuple[int, bytes], reason: str):
    server.reply = lambda path, body: reply
    with pytest.raises(ValueError, match=reason):
        speak("Hello.", Voice("server", f"{server.url} kokoro ann"))


def test_a_speech_server_that_goes_down_ends_the_build_with_one_line_and_leaves_its_shard_for_the_next_run(server: Server, tmp_path: Path):
    scripts = [Script(f"{number}", "qa", (user(f"Say {number}."), agent(f"It is {number}."))) for number in range(6)]
    voice = f"server:{server.url} kokoro ann"
    config = BuildConfig(scripts=source(tmp_path, *scripts), voice=(voice,), assistant=voice, shard=2)
    server.reply = lambda path, body: (200, sound(0.5, 0.6)) if len(server.asked) <= 6 else (401, b"closed")
    with pytest.raises(ValueError, match="HTTP 401.*closed; start the server and run the same command again") as raised:
        build(tmp_path / "out", config)
    assert "\n" not in str(raised.value) and [path.name for path in (tmp_path / "out").glob("shard-*")] == ["shard-00000.jsonl"]
    voices._helper.cache_clear()
    server.reply = lambda path, body: (200, sound(0.5, 0.6))
    build(tmp_path / "out", config)
    assert len(list(read_cuts(tmp_path / "out"))) == 6 and not (tmp_path / "out" / "failed.jsonl").exists()


def test_a_speech_server_that_hangs_is_left(server: Server, monkeypatch: pytest.MonkeyPatch):
    waiting = threading.Event()
    server.reply = lambda path, body: (200, b"" if waiting.wait(20) else b"")
    monkeypatch.setattr(speech, "TIMEOUT_S", 0.2)
    with pytest.raises(ValueError, match="no answer within 0.2 s"):
        speech.spoken_by(f"{server.url} kokoro ann", "Hello.", 1.0)
    waiting.set()
    with pytest.raises(ValueError, match="is not URL MODEL VOICE"):
        speech.spoken_by("kokoro", "Hello.", 1.0)
