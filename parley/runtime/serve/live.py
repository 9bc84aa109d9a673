"""`/v1/live/sessions`: the OpenAI Live protocol, the native one. There are no turns: output goes on while input comes, silence too."""

import time

import numpy as np

from parley.runtime.serve.call import Call, Json, Protocol
from parley.runtime.serve.host import Beat
from parley.runtime.serve.limits import Refused
from parley.runtime.serve.wire import Format, check_voice, fields_of, one_of, parse_format
from parley.runtime.session import AUDIBLE, State

RATES = (16000, 24000)
USAGE_BLOCKS = 125  # how often the client is told how much it used
FIELDS: dict[str, type] = {
    "model": str,
    "audio": dict,
    "client": dict,
    "delegation": dict,
    "input": list,
    "instructions": str,
    "safety_identifier": str,
    "store": bool,
    "triggers": list,
}
UPDATE: dict[str, type] = {"delegation": dict, "triggers": list}  # what may change later
IGNORED = ("input", "instructions", "store", "triggers", "client", "delegation")  # taken without effect, which the client is told
OWNERS: dict[str, dict[str, type]] = {"client": {}, "responses": {"responses": dict}, "decisions": {"decisions": dict}}  # of tasks
UNSUPPORTED = (
    "session.instructions.append",
    "session.thinking.append",
    "session.commentary.append",
    "session.output_audio.fixture.play",
    "response.item.create",
    "response.create",
)


def check_delegation(value: Json | None) -> None:
    """To whom it may be, since this model delegates nothing."""
    if value is not None:
        where = "session.delegation"
        owner = one_of(value.get("type"), OWNERS, f"{where}.type")
        fields_of(value, {"type": str, "acknowledgement_delay_ms": int, **OWNERS[owner]}, where)


class Live(Protocol):
    """`extra`: also sends `parley.state` and `parley.block`, and takes `parley.patience`, which the protocol does not know."""

    def __init__(self, call: Call, extra: bool = False) -> None:
        super().__init__(call)
        self.extra = extra
        self.config: Json = {}
        self.state = State.LISTENING
        self.blocks = 0
        self.closing: Json = {}  # the client's wish to end

    def command(self, event: Json) -> list[Json]:
        call, kind = self.call, event["type"]
        if kind == "session.start":
            return self.start(event)
        if not call.guest:
            raise Refused("session_not_started", "send session.start first")
        match kind:
            case "session.input_audio.append":
                call.hear(event.get("audio"))
                return []
            case "session.input_audio.mute" | "session.input_audio.unmute":
                call.muted = kind.endswith(".mute")
                return [self.reply(kind + "d", event)]
            case "session.update":
                return self.update(event)
            case "parley.patience" if self.extra:
                call.guest.patient = fields_of({"patient": event.get("patient")}, {"patient": bool}, "event").get("patient", False)
                return []
            case "session.close":
                self.closing = event
                call.hang_up("close_requested")
                return []
            case _ if kind in UNSUPPORTED:
                raise Refused("unsupported", f"this model takes no {kind}", "type")
            case _:
                raise Refused("unknown_event", f"there is no event {kind[:80]!r}", "type")

    def start(self, event: Json) -> list[Json]:
        if self.call.guest:
            raise Refused("session_already_started", "the session goes on already")
        config = fields_of(event.get("session"), FIELDS, "session")
        if "model" not in config:
            raise Refused("invalid_value", "session.model is the name of a model", "session.model")
        audio = fields_of(config.get("audio"), {"format": dict, "output": dict}, "session.audio")
        wanted = fields_of(audio.get("format"), {"type": str, "rate": int}, "session.audio.format")
        format = parse_format(wanted, RATES, "session.audio.format") if "format" in audio else Format()
        voice = fields_of(audio.get("output"), {"voice": object}, "session.audio.output").get("voice", "default")
        check_voice(voice, "session.audio.output.voice")
        check_delegation(config.get("delegation"))
        self.call.seat()
        self.call.speaks(format, format)
        expires = int(time.time() + 60 * self.call.limits.max_minutes)
        self.config = {"id": self.call.id, "model": config["model"], "status": "active", "expires_at": expires}
        self.config["audio"] = {"format": format.as_json(), "output": {"voice": voice}}
        started = {**self.reply("session.started", event), "session": self.config}
        return [started, *self.ignored(config), *(self.told_state(0, False) if self.extra else [])]

    def update(self, event: Json) -> list[Json]:
        wanted = fields_of(event.get("session"), UPDATE, "session")
        check_delegation(wanted.get("delegation"))
        return [{**self.reply("session.updated", event), "session": self.config}, *self.ignored(wanted)]

    def ignored(self, wanted: Json) -> list[Json]:
        """Tells what was taken without effect. To delegate to the client is what holds where nothing is said."""
        names = [name for name in IGNORED if wanted.get(name) and wanted[name] != {"type": "client"}]
        return [{**self.call.event("info"), "code": "ignored", "message": f"this model takes no {name}"} for name in names]

    def reply(self, kind: str, event: Json) -> Json:
        """Acknowledges a command by the id that the client gave it."""
        head = self.call.event(kind)
        return {**head, "client_event_id": event["event_id"]} if isinstance(event.get("event_id"), str) else head

    def beat(self, beat: Beat) -> list[Json]:
        moment, block_ms = beat.moment, self.call.clock.block_ms
        self.blocks = moment.block + 1
        now_ms = self.blocks * block_ms  # when what was made begins to play
        events: list[Json] = []
        if self.extra and moment.state != self.state:
            self.state = moment.state
            audible = np.flatnonzero(np.abs(moment.playing) > AUDIBLE) if moment.state == State.SPEAKING else np.zeros(1, int)
            offset_ms = int(audible[0]) * 1000 // self.call.clock.output_rate if len(audible) else 0
            events += self.told_state(now_ms + offset_ms, moment.interrupted)
        events.append({"type": "session.output_audio.delta", "delta": self.call.encode(moment.playing)})
        if moment.words:
            head = self.call.event("session.output_transcript.delta")
            events.append({**head, "delta": moment.words, "start_ms": now_ms, "end_ms": now_ms + block_ms})
        if self.extra:
            compute_ms, wait_ms = (round(1000 * seconds, 2) for seconds in (moment.compute_s, beat.waited_s))
            events.append({**self.call.event("parley.block"), "block": moment.block, "compute_ms": compute_ms, "wait_ms": wait_ms})
        if self.blocks % USAGE_BLOCKS == 0:
            events.append({**self.call.event("session.usage.updated"), "usage": self.usage()})
        return events

    def told_state(self, at_ms: int, interrupted: bool) -> list[Json]:
        return [{**self.call.event("parley.state"), "state": str(self.state), "at_ms": at_ms, "interrupted": interrupted}]

    def usage(self) -> Json:
        return {"seconds": self.call.clock.seconds(self.blocks)}

    def dropped(self, seconds: float) -> list[Json]:
        message = f"the server was late and did not hear {1000 * seconds:.0f} ms"
        return [{**self.call.event("info"), "code": "audio_dropped", "message": message}]

    def draining(self) -> list[Json]:
        message = f"the server stops in at most {self.call.limits.drain_s:g} s"
        return [{**self.call.event("info"), "code": "draining", "message": message}]

    def error(self, refused: Refused, event: Json) -> list[Json]:
        error = refused.as_json()
        if isinstance(event.get("event_id"), str):
            error["client_event_id"] = event["event_id"]
        return [{**self.call.event("error"), "error": error}]

    def ended(self, reason: str) -> list[Json]:
        return [{**self.reply("session.closed", self.closing), "reason": reason, "usage": self.usage(), "session": self.config}]
