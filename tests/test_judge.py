"""The judge, against an endpoint of its own on this machine that answers well, badly, late or never; and the rule of words by hand."""

import json
import logging
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from parley.data.remote import endpoint as remote
from parley.data.remote.endpoint import PATIENCE
from parley.eval.judge import (
    Endpoint,
    Exchange,
    Failure,
    Judge,
    Label,
    Overlap,
    Reason,
    Score,
    keyword_recall,
    rate,
    rule_score,
    token_f1,
    with_verdicts_of,
)
from parley.eval.metrics.full_duplex_bench import Behaviour

KEY = "sk-very-secret-123"


class Server(ThreadingHTTPServer):
    """Does what the response under judgement says."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, dict[str, str], dict]] = []
        self.released = threading.Event()
        self.tried = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, *_: object) -> None:
        """Nobody waits for the rest of a drip."""

    def asked(self) -> int:
        return len(self.requests)


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, dict(self.headers), body))
        do = body["messages"][0]["content"].rsplit("]\n\n", 1)[-1].split("\n\nA")[0]
        what, _, more = do.partition(" ")
        match what:
            case "say":
                self.reply(200, json.dumps({"choices": [{"message": {"content": more}}]}))
            case "null":
                self.reply(200, json.dumps({"choices": [{"message": {"content": None}, "finish_reason": "length"}]}))
            case "page":
                self.reply(200, "<html>\nwelcome</html>")
            case "none":
                self.reply(200, json.dumps({"choices": []}))
            case "status":
                self.reply(int(more), f"error; you sent {self.headers['Authorization']}")
            case "busy":  # once
                if self.server.asked() == 1:
                    self.reply(429, "busy", {"Retry-After": "7"})
                else:
                    self.reply(200, json.dumps({"choices": [{"message": {"content": "3"}}]}))
            case "sleep":
                self.server.released.wait(30)
            case "drip":  # blanks that keep the line open for 30 s
                self.send_response(200)
                self.end_headers()
                for _ in range(600):
                    if not self.server.released.wait(0.05):
                        self.wfile.write(b" ")
            case "hang":
                self.connection.shutdown(socket.SHUT_RDWR)
            case "The":  # answers to the question that it is tried with
                self.reply(self.server.tried, json.dumps({"choices": [{"message": {"content": "5"}}]}))

    def reply(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        data = text.encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("PARLEY_JUDGE_KEY", KEY)
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


def endpoint(url: str, timeout_s: float = 5.0, tries: int = 3, backoff_s: float = 0.0) -> Endpoint:
    return Endpoint(url, timeout_s=timeout_s, tries=tries, backoff_s=backoff_s)


def exchange(response: str) -> Exchange:
    return Exchange("What is the capital of France?", response)


def test_every_answer_is_rated_by_the_rubric(server: Server):
    made = Judge(endpoint(server.url + "/"))
    assert list(made.verdicts([exchange(f"say {i}") for i in (5, 1, 3, 2, 4)])) == [Score(float(i)) for i in (5, 1, 3, 2, 4)]
    path, headers, body = server.requests[0]
    assert path == "/v1/chat/completions" and headers["Authorization"] == f"Bearer {KEY}"
    assert body["model"] == "gpt-4.1-2025-04-14" and body["temperature"] == 0 and len(body["messages"]) == 1
    prompt = body["messages"][0]["content"]
    assert prompt.startswith("I need your help to evaluate the performance of several models in the speech interaction scenario.")
    assert "\n\n2 points: The response contains major inaccuracies or flaws in reasoning, even if it appears somewhat related" in prompt
    assert "\n\n[Instruction]\n\nWhat is the capital of France?\n\n[Response]\n\nsay " in prompt
    assert prompt.endswith("please output the score only without anything else. You don't need to provide any explanations.")


def test_placeholders_in_a_text_are_text(server: Server):
    assert Judge(endpoint(server.url)).score(Exchange("Say {response} and {instruction}.", "say 4")) == Score(4.0)
    prompt = server.requests[0][2]["messages"][0]["content"]
    assert "[Instruction]\n\nSay {response} and {instruction}.\n\n[Response]\n\nsay 4\n\n" in prompt


@pytest.mark.parametrize(("said", "score"), [("4", 4.0), (" 5\n", 5.0), ("1 point", 1.0), ("3 points.", 3.0), ("2.", 2.0)])
def test_a_score_is_a_score(server: Server, said: str, score: float):
    assert Judge(endpoint(server.url)).score(exchange(f"say {said}")) == Score(score)


NONSENSE = ["say 0", "say 6", "say 45", "say 4.5", "say 4/5", "say Score: 4", "say four", "say", "null", "page", "none"]


@pytest.mark.parametrize("said", NONSENSE)
def test_anything_else_is_nonsense_and_is_asked_once(server: Server, said: str):
    verdict = Judge(endpoint(server.url)).score(exchange(said))
    assert isinstance(verdict, Failure) and verdict.reason == Reason.NONSENSE and "\n" not in verdict.detail
    assert server.asked() == 1  # to ask until it pleases would choose among the judge's answers


def test_an_item_fails_with_its_reason_and_the_rest_goes_on(server: Server):
    said = ["say 5", "say well", "status 500", "sleep", "drip", "hang", "status 400", "say 2"]
    verdicts = list(Judge(endpoint(server.url, timeout_s=3, tries=1)).verdicts([exchange(what) for what in said]))
    assert (verdicts[0], verdicts[-1]) == (Score(5.0), Score(2.0))
    failed = verdicts[1:-1]
    reasons = [verdict.reason for verdict in failed if isinstance(verdict, Failure)]
    assert reasons == [Reason.NONSENSE, Reason.HTTP, Reason.TIMEOUT, Reason.TIMEOUT, Reason.UNREACHABLE, Reason.HTTP]
    details = [verdict.detail for verdict in failed if isinstance(verdict, Failure)]
    assert details[0] == "gpt-4.1-2025-04-14 answered no score from 1 to 5: well"
    assert details[1].startswith(f"{server.url}: HTTP 500: error") and details[2] == f"{server.url}: no answer within 3 s"
    assert all("\n" not in detail for detail in details)


def test_an_endpoint_that_refuses_to_be_asked_is_told_before_the_work_begins(server: Server):
    """With the temperature in the request, and without it where that is asked for; an endpoint that is down may be up later."""
    Judge(endpoint(server.url)).check()
    Judge(replace(endpoint(server.url), temperature=None)).check()
    assert ["temperature" in body for _, _, body in server.requests] == [True, False]
    server.tried = 400
    with pytest.raises(ValueError, match="refuses to be asked: .* HTTP 400: .*; set --judge-model, or --judge-temperature None"):
        Judge(endpoint(server.url)).check()
    server.tried = 503
    Judge(endpoint(server.url, tries=1)).check()


def test_what_was_judged_is_there_before_the_rest_is(server: Server):
    coming = Judge(endpoint(server.url)).verdicts([exchange("say 5"), exchange("sleep"), exchange("say 1")])
    assert next(coming) == Score(5.0) and not server.released.is_set()
    server.released.set()
    assert isinstance(next(coming), Failure) and next(coming) == Score(1.0)


def test_waits_double_and_follow_the_endpoint(server: Server, monkeypatch: pytest.MonkeyPatch):
    waits: list[float] = []
    monkeypatch.setattr(remote.time, "sleep", waits.append)
    assert Judge(endpoint(server.url, backoff_s=0.5)).score(exchange("busy")) == Score(3.0)
    assert waits == [7.0] and server.asked() == 2
    waits.clear()
    assert isinstance(Judge(endpoint(server.url, tries=4, backoff_s=0.5)).score(exchange("status 503")), Failure)
    assert waits == [0.5, 1.0, 2.0] and server.asked() == 2 + 4
    assert isinstance(Judge(endpoint(server.url)).score(exchange("status 404")), Failure)
    assert server.asked() == 2 + 4 + 1  # a later try would not find it either


def test_an_endpoint_that_is_down_is_only_probed(server: Server, monkeypatch: pytest.MonkeyPatch):
    """Eight items of three tries each, all in the first minute; then one try a minute, until one is answered."""
    now = 0.0
    monkeypatch.setattr(remote, "time", SimpleNamespace(monotonic=lambda: now, sleep=lambda seconds: None))
    made = Judge(endpoint(server.url, tries=3))
    verdicts = [made.score(exchange("status 500")) for _ in range(PATIENCE + 2)]
    assert server.asked() == 3 * PATIENCE
    assert [verdict.reason for verdict in verdicts if isinstance(verdict, Failure)] == [Reason.HTTP] * PATIENCE + [Reason.DOWN] * 2
    assert verdicts[-1] == Failure(Reason.DOWN, f"{server.url}: not asked, since 8 items in a row got no answer")
    now = 60.0
    probe, other = (made.score(exchange("status 500")) for _ in range(2))
    assert isinstance(probe, Failure) and probe.reason == Reason.HTTP and isinstance(other, Failure) and other.reason == Reason.DOWN
    assert server.asked() == 3 * PATIENCE + 1
    now = 119.0
    assert isinstance(early := made.score(exchange("say 4")), Failure) and early.reason == Reason.DOWN
    now = 120.0
    assert made.score(exchange("say 4")) == Score(4.0)  # it is back
    made.score(exchange("status 500"))
    assert server.asked() == 3 * PATIENCE + 1 + 1 + 3


def test_an_endpoint_that_hangs_does_not_hold_up_a_hundred_items(server: Server):
    """Four at a time wait for each of three tries: the first eight, and at most three that had begun before the eighth was over."""
    verdicts = list(Judge(endpoint(server.url, timeout_s=0.5)).verdicts([exchange("sleep")] * 100))
    reasons = Counter(verdict.reason for verdict in verdicts if isinstance(verdict, Failure))
    assert reasons.keys() == {Reason.TIMEOUT, Reason.DOWN} and PATIENCE <= reasons[Reason.TIMEOUT] < PATIENCE + 4
    assert server.asked() <= 3 * (PATIENCE + 3)


def test_nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        verdicts = list(Judge(endpoint(url)).verdicts([exchange("say 5")] * 3))
    assert all(isinstance(verdict, Failure) and verdict.reason == Reason.UNREACHABLE for verdict in verdicts) and len(verdicts) == 3


def test_the_key_is_never_shown(server: Server, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    made = Judge(endpoint(server.url, tries=1))
    verdict = made.score(exchange("status 401"))
    assert verdict == Failure(Reason.HTTP, f"{server.url}: HTTP 401: error; you sent Bearer ***")
    assert KEY not in caplog.text + repr(made.endpoint) + repr(made)


def test_a_missing_key_is_named_where_one_is_asked_for(server: Server, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PARLEY_JUDGE_KEY")
    verdict = Judge(endpoint(server.url)).score(exchange("status 401"))
    assert isinstance(verdict, Failure) and "HTTP 401 (no key in PARLEY_JUDGE_KEY)" in verdict.detail
    assert "Authorization" not in server.requests[0][1]


def test_empty_texts_are_not_asked_about(server: Server):
    made = Judge(endpoint(server.url))
    assert made.score(Exchange("What is red?", " ")) == Score(1.0)  # it "entirely fails to address the user's request"
    assert made.score(Exchange(" ", "say 5")) == Failure(Reason.EMPTY, "the instruction is empty")
    assert server.asked() == 0


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("api.openai.com/v1", "'api.openai.com/v1' is no endpoint's URL"),
        ("ftp://host/v1", "is no endpoint's URL"),
        ("https://user:sk-1@host/v1", "put the key into the variable PARLEY_JUDGE_KEY instead"),
        ("https://host/v1?key=sk-1", "is no endpoint's URL"),
    ],
)
def test_a_wrong_url_is_said(url: str, complaint: str):
    with pytest.raises(ValueError, match=complaint) as error:
        Endpoint(url)
    assert "user:sk-1" not in str(error.value)


def test_wrong_settings_are_said(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ValueError, match="0 tries"):
        Endpoint("http://host/v1", tries=0)
    with pytest.raises(ValueError, match="is no endpoint's URL"):
        Judge(Endpoint("http://host:port/v1"))
    monkeypatch.setenv("PARLEY_JUDGE_KEY", "sk-1\nsk-2")
    with pytest.raises(ValueError, match="PARLEY_JUDGE_KEY has characters that a key cannot have") as error:
        Judge(Endpoint("http://host/v1"))
    assert "sk-1" not in str(error.value)
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(ValueError, match=r"^httpx2 is missing; pip install -e '.\[data\]'$"):
        Judge(Endpoint("http://host/v1"))


def overlap(after: str, certain: str | None = None) -> Overlap:
    return Overlap("Any books?", "Stop, please.", "there is the", after, "there is the library", certain)


def test_what_the_assistant_did_is_told_by_one_label(server: Server):
    made = Judge(endpoint(server.url))
    said = ["say C_RESPOND", "say C_RESUME.", "say  C_UNCERTAIN_HANDLING", "say C_UNKNOWN", "say it may be C_RESUME", "say 4"]
    *labels, vague, score = made.verdicts([overlap(what) for what in said])
    assert labels == [*map(Label, Behaviour)]
    assert vague == Failure(Reason.NONSENSE, "gpt-4.1-2025-04-14 answered no behaviour: it may be C_RESUME")
    assert isinstance(score, Failure) and server.asked() == 6
    prompt = server.requests[0][2]["messages"][0]["content"]
    assert "\n\n[Question]\n\nAny books?\n\n[What the assistant says when nothing is said into it]\n\nthere is the library\n\n" in prompt
    assert "[What it had said of that]\n\nthere is the\n\n[What was said into it]\n\nStop, please.\n\n[What the" in prompt
    assert prompt.endswith("Answer with one of C_RESPOND, C_RESUME, C_UNCERTAIN_HANDLING, C_UNKNOWN and nothing else.")
    assert made.behaviour(overlap("", certain="C_UNKNOWN")) == Label("C_UNKNOWN") and server.asked() == 6  # no judge is needed


def test_a_dialogue_is_asked_about_once_a_judge(server: Server):
    """Both texts of an exchange and an overlap; the one that fails is asked about again."""
    spoken = {"question": "q", "said": "s", "before": "b", "after": "say C_RESPOND", "clean": "c"}
    outcome = {"exchange": {"instruction": "q", "text": "say 5", "heard": "say well"}, "overlap": spoken, "behaviour": None}
    assert len([*rate(Judge(endpoint(server.url)), [outcome])]) == 3
    judge = {"judge": Endpoint.model, "url": server.url}
    assert outcome["judged"] == {"behaviour": judge | {"value": "C_RESPOND"}}
    assert outcome["gpt_score"]["text"] == judge | {"value": 5.0} and "reason" in outcome["gpt_score"]["heard"]
    assert len([*rate(Judge(endpoint(server.url)), [outcome])]) == 1 and server.asked() == 4
    elsewhere = endpoint(f"{server.url}/other")
    for other in (None, elsewhere):  # of a model of the same name: its verdicts and failures are others
        assert with_verdicts_of(other, outcome) == outcome | {"gpt_score": {}, "judged": {}}
    assert with_verdicts_of(endpoint(server.url), outcome) == outcome
    assert len([*rate(Judge(elsewhere), [outcome])]) == 3


def test_keyword_recall_finds_words_in_a_row():
    assert keyword_recall("It's a Blue whale, the largest of all.", ("blue whale", "largest")) == 1.0
    assert keyword_recall("A whale that is blue.", ("blue whale", "whale")) == 1 / 2
    assert keyword_recall("There are twenty-three.", ("23",)) == 1.0
    assert keyword_recall("Parisians.", ("Paris",)) == 0.0  # words, not letters
    assert keyword_recall("", ("Paris",)) == 0.0
    assert keyword_recall("Paris.", ()) is None and keyword_recall("Paris.", ("Mhm.",)) is None


def test_token_f1_of_the_best_reference():
    # capital of france is paris (5 words without the article) against paris: 2 * 1 / (1 + 5)
    assert token_f1("Paris.", ("The capital of France is Paris.",)) == pytest.approx(2 / 6)
    assert token_f1("Paris.", ("The capital of France is Paris.", "paris")) == 1.0
    assert token_f1("red red blue", ("red green",)) == pytest.approx(2 / 5)  # a word counts as often as it is in both
    assert token_f1("", ("Paris",)) == 0.0 and token_f1("Paris", ("", "um")) is None


def test_the_rule_is_the_mean_of_what_there_is():
    asked = "What is the capital of France?"
    both = Exchange(asked, "Paris.", ("The capital of France is Paris.",), ("paris",))
    assert rule_score(both) == Score(pytest.approx((1 + 2 / 6) / 2))
    assert rule_score(Exchange(asked, "Paris.", ("The capital of France is Paris.",))) == Score(pytest.approx(2 / 6))
    assert rule_score(Exchange(asked, "London.", (), ("paris",))) == Score(0.0)
    nothing = rule_score(Exchange(asked, "Paris.", ("",), ()))
    assert nothing == Failure(Reason.EMPTY, "no reference and no keyword has a word in it")
