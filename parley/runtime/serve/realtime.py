"""`/v1/realtime`: the OpenAI Realtime protocol (GA), for the clients that exist. Every stretch of the model's speech becomes one response.

A backchannel sends nothing, since clients stop playing at `speech_started`; yielding sends it, and a cancelled response. What the user says
while the model is silent is told by it too.
"""

import time
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from parley.runtime.serve.call import Call, Json, Protocol
from parley.runtime.serve.host import Beat
from parley.runtime.serve.limits import Refused
from parley.runtime.serve.metrics import Heard
from parley.runtime.serve.wire import Format, check_voice, fields_of, one_of, parse_format
from parley.runtime.session import AUDIBLE, Moment, words_in

RATES = (24000,)
COAST_S = 15.0  # after a commit or a request to respond, silence goes on so long for a client that sends no more
ANSWER_S = 8.0  # after what came before a request to respond; the response of a model that does not speak by then is incomplete
TURN_BLOCKS = 3  # so long a sound is somebody's turn
KEPT_ITEMS = 64  # that can still be retrieved or truncated
ROOT = "root"  # before all items
NO_TOKENS = {"total_tokens": 0, "input_tokens": 0, "output_tokens": 0, "input_token_details": {}, "output_token_details": {}}
TURNS = {"type": "semantic_vad", "eagerness": "auto"}  # the name that comes nearest: the model decides
DETECTORS: dict[str, dict[str, type]] = {  # what is repeated of a client's wish
    "semantic_vad": {"type": str, "eagerness": str},
    "server_vad": {"type": str, "threshold": float, "prefix_padding_ms": int, "silence_duration_ms": int, "idle_timeout_ms": int},
}
EAGERNESS = ("low", "medium", "high", "auto")
SESSION: dict[str, type] = {"audio": dict, "instructions": str, "tools": list, "output_modalities": list}
RESPONSE: dict[str, type] = {"metadata": dict, "output_modalities": list, "conversation": str}
MODALITIES = (["audio"], ["text"])
OF_BETA = {  # fields of the protocol's beta, and what they are called now
    "input_audio_format": "audio.input.format",
    "output_audio_format": "audio.output.format",
    "turn_detection": "audio.input.turn_detection",
    "modalities": "output_modalities",
}
SIDES: dict[str, dict[str, type]] = {
    "input": {"format": object, "turn_detection": dict, "transcription": dict, "noise_reduction": dict},
    "output": {"format": object, "voice": object, "speed": float},
}
ITEMS: dict[str, dict[str, type]] = {
    "message": {"type": str, "role": str, "content": list},
    "function_call": {"type": str, "call_id": str, "name": str, "arguments": str},
    "function_call_output": {"type": str, "call_id": str, "output": str},
}
PARTS = {"user": ("text", "audio", "image"), "assistant": ("text", "audio"), "system": ("text",)}


def name_in(event: Json, field: str) -> str:
    """The name of an item."""
    if not isinstance(event.get(field), str):
        raise Refused("invalid_value", f"{field} is the name of an item", field)
    return event[field]


def modalities(wanted: Any, where: str) -> list[str]:
    if wanted not in MODALITIES:
        raise Refused("invalid_value", f'{where} is ["audio"] or ["text"]', where)
    return wanted


def kept(item: Any) -> Json:
    """What is taken over of an item that a client makes. Refused names what it lacks."""
    kind = one_of(fields_of(item, {"type": str}, "item", strict=False).get("type"), ITEMS, "item.type")
    found = fields_of(item, ITEMS[kind], "item", strict=False)
    if missing := [name for name in ITEMS[kind] if name not in found]:
        raise Refused("invalid_value", f"item.{missing[0]} is missing", f"item.{missing[0]}")
    if kind == "message":
        role = one_of(found["role"], PARTS, "item.role")
        found["content"] = [kept_part(part, role, f"item.content[{number}]") for number, part in enumerate(found["content"])]
    return found


def kept_part(part: Any, role: str, where: str) -> Json:
    found = fields_of(part, {"type": str, "text": str, "transcript": str, "audio": object}, where, strict=False)
    kind = one_of(found.get("type", "").rpartition("_")[2], PARTS[role], f"{where}.type")
    return {**found, "type": f"{'output' if role == 'assistant' else 'input'}_{kind}"}


@dataclass
class Response:
    """One stretch of speech: an item whose one part is audio with its transcript, or the words alone."""

    id: str
    item_id: str
    kind: str = "audio"  # | text
    metadata: Json | None = None  # the client's, of a response that it asked for
    asked: int = -1  # the block before which all is heard that came before it was asked for
    begun: bool = False  # the model speaks
    transcript: str = ""
    audible: bool = False  # its audio has begun
    cancelled: bool = False  # by the client
    played_ms: int | None = None  # of it, where the client has said so before its end

    @property
    def words(self) -> Json:
        """Under the name that they have in events and items."""
        return {"text" if self.kind == "text" else "transcript": self.transcript}

    @property
    def part(self) -> Json:
        """In the events about parts."""
        return {"type": self.kind, **self.words}


class Realtime(Protocol):
    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.formats = {"input": Format(), "output": Format()}
        self.session: Json = {
            "type": "realtime",
            "object": "realtime.session",
            "id": call.id,
            "model": call.model,
            "expires_at": int(time.time() + 60 * call.limits.max_minutes),
            "output_modalities": ["audio"],
            "instructions": "",
            "tools": [],
            "tool_choice": "auto",
            "audio": {
                "input": {"format": Format().as_json(), "turn_detection": self.turns({}), "transcription": None, "noise_reduction": None},
                "output": {"format": Format().as_json(), "voice": "default", "speed": 1.0},
            },
        }
        self.response: Response | None = None
        self.items: dict[str, Json] = {}  # by their names, in the order of the conversation
        self.answers: set[str] = set()  # the items that the model has said to their end
        self.user_item = ""  # the user's item that has begun
        self.stopped = 0  # the block before which the last one ended
        self.sound = Heard()
        self.numbers = 0
        self.block = 0  # of the session, that comes next
        self.fresh = False  # audio has come since the last commit
        self.stops = False  # the server does

    def opened(self) -> list[Json]:
        self.call.seat()
        return self.told("session.created")

    def told(self, kind: str) -> list[Json]:
        """The session as it is now."""
        return [{**self.call.event(kind), "session": deepcopy(self.session)}]

    @property
    def answering(self) -> bool:
        return self.response is not None and self.response.begun

    @property
    def detection(self) -> Json | None:
        """What was asked of turn detection; None: it is off."""
        return self.session["audio"]["input"]["turn_detection"]

    @property
    def by_hand(self) -> bool:
        """The client says when it is answered: it has switched turn detection off, or its right to begin a response."""
        return self.detection is None or not self.detection["create_response"]

    def name(self, kind: str) -> str:
        self.numbers += 1
        return f"{kind}_{self.call.id[-8:]}{self.numbers:04d}"

    # What the client sends.

    def command(self, event: Json) -> list[Json]:
        match event["type"]:
            case "session.update":
                return self.update(event.get("session"))
            case "input_audio_buffer.append":
                self.call.hear(event.get("audio"))
                self.fresh = True
                return []
            case "input_audio_buffer.commit":
                if not self.fresh:
                    raise Refused("input_audio_buffer_commit_empty", "no audio has come since the last commit")
                self.call.coast(COAST_S, done=True)
                return self.end_user_item() if self.user_item else self.commit()
            case "input_audio_buffer.clear":
                if self.call.guest:
                    self.call.guest.clear()
                self.fresh = False
                self.expect()
                return [self.call.event("input_audio_buffer.cleared")]
            case "response.create":
                return self.request(event.get("response"))
            case "response.cancel" | "output_audio_buffer.clear":
                return self.cancel(event)
            case "conversation.item.create":
                return self.create(event)
            case "conversation.item.retrieve" | "conversation.item.delete" | "conversation.item.truncate" as kind:
                return self.edit(kind.rpartition(".")[2], event)
            case kind:
                raise Refused("unknown_event", f"there is no event {kind[:80]!r}", "type")

    def turns(self, wanted: Json | None) -> Json | None:
        """What is said about turn detection: the client's words, but the model decides, and an interruption always works."""
        if wanted is None:
            return None
        where = "session.audio.input.turn_detection"
        kinds = DETECTORS.get(fields_of(wanted, {"type": str}, where, strict=False).get("type", ""))
        said = fields_of(wanted, kinds, where, strict=False) if kinds else TURNS
        one_of(said.get("eagerness", "auto"), EAGERNESS, f"{where}.eagerness")
        begins = fields_of(wanted, {"create_response": bool}, where, strict=False).get("create_response", True)
        return {**said, "create_response": begins, "interrupt_response": True}

    def update(self, wanted: Any) -> list[Json]:
        """Takes over what has an effect, and tells what holds now. Formats may change until the first audio."""
        if not isinstance(wanted, dict):
            raise Refused("invalid_value", "session is an object", "session")
        if old := next((name for name in OF_BETA if name in wanted), None):
            raise Refused("unknown_parameter", f"session.{old} is of the beta; write session.{OF_BETA[old]}", f"session.{old}")
        found = fields_of(wanted, SESSION, "session", strict=False)
        kind = modalities(found.get("output_modalities", self.session["output_modalities"]), "session.output_modalities")
        audio = fields_of(found.get("audio"), dict.fromkeys(SIDES, dict), "session.audio", strict=False)
        asked = {side: fields_of(audio.get(side), kinds, f"session.audio.{side}", strict=False) for side, kinds in SIDES.items()}
        check_voice(asked["output"].get("voice"), "session.audio.output.voice")
        formats, own = dict(self.formats), self.session["audio"]
        for side, fields in asked.items():
            if "format" in fields:
                formats[side] = parse_format(fields["format"], RATES, f"session.audio.{side}.format")
        off = audio.get("input", {}).get("turn_detection", "") is None
        turns = None if off else self.turns(asked["input"].get("turn_detection", own["input"]["turn_detection"]))
        if formats != self.formats:
            if self.call.guest and self.call.guest.received:
                raise Refused("invalid_value", "formats cannot change after the first audio", "session.audio")
            self.formats = formats
            self.call.speaks(formats["input"], formats["output"])
        own["input"]["turn_detection"], self.session["output_modalities"] = turns, kind
        self.hold()
        for side, format in formats.items():
            own[side]["format"] = format.as_json()
        return self.told("session.updated")

    def hold(self) -> None:
        """Who is answered by hand is so on request alone; who asks for little eagerness is waited for."""
        if self.call.guest and self.response is None:
            self.call.guest.hold, self.call.guest.bidden = self.by_hand, None
        if self.call.guest:
            self.call.guest.patient = (self.detection or {}).get("eagerness") == "low"

    def request(self, wanted: Any) -> list[Json]:
        """A response that the client asks for begins at once and goes on when the model speaks. By hand that is soon; else it decides."""
        if self.response:
            raise Refused("conversation_already_has_active_response", "a response is under way; wait for response.done")
        found = fields_of(wanted, RESPONSE, "response", strict=False)
        if found.get("conversation") == "none":
            raise Refused("unsupported", "there are no responses outside of the conversation here", "response.conversation")
        kind = modalities(found.get("output_modalities", self.session["output_modalities"]), "response.output_modalities")
        asked = self.call.guest.heard_out if self.call.guest else self.block
        self.response = Response(self.name("resp"), self.name("item"), kind[0], found.get("metadata"), asked)
        if self.call.guest and self.by_hand:
            self.call.guest.bid()
        self.call.coast(COAST_S, done=self.detection is None and not self.fresh)
        return self.created(self.response)

    def expect(self) -> None:
        """An answer is not to what was thrown away, and is due the sooner."""
        if self.response and self.call.guest:
            self.response.asked = min(self.response.asked, self.call.guest.heard_out)

    def cancel(self, event: Json) -> list[Json]:
        """The model must fall silent at the next block; that ends the response. One that names another comes too late for that one."""
        wanted = event.get("response_id")
        if self.response is None or self.call.guest is None or wanted not in (None, self.response.id):
            if event["type"] == "response.cancel":
                raise Refused("response_cancel_not_active", "Cancellation failed: no active response found")
            return []
        self.call.guest.hush = True
        if not self.response.begun:  # if it does in the pass that is under way, it falls silent in the next
            return self.give_up("cancelled", {"type": "cancelled", "reason": "client_cancelled"})
        self.response.cancelled = True
        self.call.coast(COAST_S)  # the next block may be a long time coming
        return []

    def create(self, event: Json) -> list[Json]:
        """What a user says in an item is heard; its words are kept, and the model does not know them."""
        item, after = event.get("item"), None
        name = fields_of(item, {"id": str}, "item", strict=False).get("id") or self.name("item")
        made = {**kept(item), "id": name, "object": "realtime.item", "status": "completed"}
        if name in self.items:
            raise Refused("item_create_duplicate_item_id", "there is such an item already", "item.id")
        if event.get("previous_item_id") is not None:
            after = name_in(event, "previous_item_id")
            if after != ROOT and after not in self.items:
                raise Refused("invalid_value", "there is no such item (any more)", "previous_item_id")
        sounds = [part.pop("audio") for part in made.get("content", ()) if "audio" in part]
        for sound in sounds if made.get("role") == "user" else ():
            self.call.hear(sound)
        return self.add(made, done=True, after=after)

    def edit(self, what: str, event: Json) -> list[Json]:
        name = name_in(event, "item_id")
        if what == "retrieve":
            if name not in self.items:
                raise Refused("item_retrieve_invalid_item_id", "there is no such item (any more)", "item_id")
            return [{**self.call.event("conversation.item.retrieved"), "item": self.items[name]}]
        if what == "delete":
            self.items.pop(name, None)
            return [{**self.call.event("conversation.item.deleted"), "item_id": name}]
        end_ms = event.get("audio_end_ms")
        if type(end_ms) is not int or end_ms < 0:
            raise Refused("invalid_value", "audio_end_ms is a whole number of milliseconds", "audio_end_ms")
        if name in self.answers and name in self.items:  # the client knows best what it has played
            part = self.items[name]["content"][0]
            if "transcript" in part:  # what is only read is not cut
                part["transcript"] = words_in(part["transcript"], end_ms / 1000)
        if self.response and self.response.item_id == name:
            self.response.played_ms = end_ms
        head = self.call.event("conversation.item.truncated")
        return [{**head, "item_id": name, "content_index": 0, "audio_end_ms": end_ms}]

    # What the model does.

    def beat(self, beat: Beat) -> list[Json]:
        moment = beat.moment
        self.block = moment.block + 1
        self.sound.note(moment)
        events = self.user_turn(moment)
        if moment.turned and moment.speaking:
            events += self.begin()
        response = self.response
        if response is None:
            return events
        if not response.begun:
            return events + (self.give_up("incomplete", None) if self.ms(self.block - response.asked) >= 1000 * ANSWER_S else [])
        if not moment.interrupted:  # of an answer that was cut, clients throw away what they have not played
            response.audible |= bool(np.any(np.abs(moment.playing) > AUDIBLE))
            if response.audible and response.kind == "audio":
                events.append({**self.part("response.output_audio.delta"), "delta": self.call.encode(moment.playing)})
        if moment.words:
            words = moment.words if response.transcript else moment.words.lstrip()
            response.transcript += words
            events.append({**self.part(f"response.{self.transcribed}.delta"), "delta": words})
        if not moment.speaking:
            events += self.finish(moment)
        return events

    def user_turn(self, moment: Moment) -> list[Json]:
        """What the user says while the model is silent, or has yielded to."""
        events: list[Json] = []
        if not self.user_item and not self.answering and not moment.turned and self.detection:
            began = max(self.sound.began, self.stopped)
            if self.sound.ended == self.block and self.block - began >= TURN_BLOCKS:
                events += self.begin_user_item(began)
        if self.user_item and (moment.turned or self.sound.over(self.block)):
            events += self.end_user_item()
        return events

    def ms(self, block: int) -> int:
        return max(0, block) * self.call.clock.block_ms

    @property
    def transcribed(self) -> str:
        """What the events are called that tell the response's words."""
        return "output_text" if self.response and self.response.kind == "text" else "output_audio_transcript"

    def part(self, kind: str) -> Json:
        """The head of an event about the response's part."""
        assert self.response
        where = {"response_id": self.response.id, "item_id": self.response.item_id, "output_index": 0, "content_index": 0}
        return {**self.call.event(kind), **where}

    def add(self, item: Json, done: bool, after: str | None = None) -> list[Json]:
        """A new item of the conversation: at its end, or after this one."""
        names = list(self.items)
        at = len(names) if after is None else 0 if after == ROOT else names.index(after) + 1
        names.insert(at, item["id"])
        self.items[item["id"]] = item
        self.items = {name: self.items[name] for name in names[-KEPT_ITEMS:]}
        self.answers.intersection_update(self.items)
        kinds = ("conversation.item.added", "conversation.item.done") if done else ("conversation.item.added",)
        return [self.about(kind, item) for kind in kinds]

    def about(self, kind: str, item: Json) -> Json:
        """An event that tells an item and its place."""
        names = list(self.items)
        before = names[names.index(item["id"]) - 1] if item["id"] in names[1:] else None
        return {**self.call.event(kind), "previous_item_id": before, "item": dict(item)}

    def begin_user_item(self, block: int) -> list[Json]:
        self.user_item = self.name("item")
        head = self.call.event("input_audio_buffer.speech_started")
        return [{**head, "audio_start_ms": self.ms(block), "item_id": self.user_item}]

    def end_user_item(self) -> list[Json]:
        """What is still said after it is another item."""
        self.stopped = self.sound.ended
        head = self.call.event("input_audio_buffer.speech_stopped")
        return [{**head, "audio_end_ms": self.ms(self.stopped), "item_id": self.user_item}, *self.commit()]

    def commit(self) -> list[Json]:
        """What the user said so far becomes an item; its words are not known."""
        name, self.user_item, self.fresh = self.user_item or self.name("item"), "", False
        head = self.call.event("input_audio_buffer.committed")
        content = [{"type": "input_audio", "transcript": None}]
        item = {"id": name, "object": "realtime.item", "type": "message", "role": "user", "status": "completed", "content": content}
        return [{**head, "previous_item_id": next(reversed(self.items), None), "item_id": name}, *self.add(item, done=True)]

    def item(self, response: Response, status: str) -> Json:
        content = [] if status == "in_progress" else [{"type": f"output_{response.kind}", **response.words}]
        head = {"id": response.item_id, "object": "realtime.item", "type": "message", "role": "assistant"}
        return {**head, "status": status, "content": content}

    def summary(self, response: Response, status: str, output: list[Json]) -> Json:
        audio = {"output": {"format": self.formats["output"].as_json(), "voice": "default"}}
        head = {"object": "realtime.response", "id": response.id, "status": status, "status_details": None, "output": output}
        more = {"output_modalities": [response.kind], "audio": audio, "metadata": response.metadata}
        return {**head, "conversation_id": "conv_" + self.call.id[-8:], **more}

    def created(self, response: Response) -> list[Json]:
        return [{**self.call.event("response.created"), "response": self.summary(response, "in_progress", [])}]

    def begin(self) -> list[Json]:
        """The model speaks: in the response that was asked for, or in a new one."""
        asked = self.response
        response = self.response = asked or Response(self.name("resp"), self.name("item"), self.session["output_modalities"][0])
        response.begun = True
        self.call.coast()
        about = {"response_id": response.id, "output_index": 0}
        return [
            *([] if asked else self.created(response)),
            {**self.call.event("response.output_item.added"), **about, "item": self.item(response, "in_progress")},
            *self.add(self.item(response, "in_progress"), done=False),
            {**self.part("response.content_part.added"), "part": response.part},
        ]

    def finish(self, moment: Moment) -> list[Json]:
        """The end of a response: as it should be, because the user interrupted, because the client wanted it, or before its time."""
        response = self.response
        assert response
        cut = moment.interrupted or response.cancelled
        yielded = cut and not response.cancelled and self.sound.lately(moment.block + 1, self.call.clock.block_ms)
        status = "cancelled" if yielded or response.cancelled else "incomplete" if cut else "completed"
        if cut and response.played_ms is not None and response.kind == "audio":
            response.transcript = words_in(response.transcript, response.played_ms / 1000)
        item = self.item(response, "incomplete" if cut else "completed")
        if response.item_id in self.items:  # else the client has deleted it
            self.items[response.item_id] = item
            self.answers.add(response.item_id)
        done = self.summary(response, status, [item])
        if status == "cancelled":
            done["status_details"] = {"type": "cancelled", "reason": "turn_detected" if yielded else "client_cancelled"}
        events = [
            *(self.begin_user_item(self.sound.began) if yielded and self.detection else []),
            *([self.part("response.output_audio.done")] if response.kind == "audio" else []),
            {**self.part(f"response.{self.transcribed}.done"), **response.words},
            {**self.part("response.content_part.done"), "part": response.part},
            {**self.call.event("response.output_item.done"), "response_id": response.id, "output_index": 0, "item": item},
            self.about("conversation.item.done", item),
            {**self.call.event("response.done"), "response": {**done, "usage": NO_TOKENS}},
        ]
        self.response = None
        self.hold()
        self.call.stop_coasting()
        return events

    def give_up(self, status: str, details: Json | None) -> list[Json]:
        """The end of a response that was asked for and in which the model has not spoken."""
        assert self.response
        done = {**self.summary(self.response, status, []), "status_details": details, "usage": NO_TOKENS}
        self.response = None
        self.hold()
        return [{**self.call.event("response.done"), "response": done}]

    def dropped(self, seconds: float) -> list[Json]:
        self.expect()
        return [{**self.call.event("input_audio_buffer.cleared"), "reason": "server_overloaded", "dropped_ms": round(1000 * seconds)}]

    def error(self, refused: Refused, event: Json) -> list[Json]:
        answered = event.get("event_id") if isinstance(event.get("event_id"), str) else None
        return [{**self.call.event("error"), "error": {**refused.as_json(), "event_id": answered}}]

    def draining(self) -> list[Json]:
        """There is no event for it; an error would end some clients at once."""
        self.stops = True
        self.session["expires_at"] = min(self.session["expires_at"], int(time.time() + self.call.limits.drain_s))
        return self.told("session.updated")

    def ended(self, reason: str) -> list[Json]:
        if reason == "expired":
            return self.error(Refused("session_expired", "the session has reached its longest time"), {})
        if reason == "remote_hangup" and self.stops:
            return self.error(Refused("draining", "this server stops; connect again", retry_s=5, kind="server_error"), {})
        return []
