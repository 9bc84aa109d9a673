// The Live protocol over a WebSocket: continuous audio in, continuous audio out; connects again by itself when the line breaks.

import { decode, encode } from "./pcm.js";
import { Trouble } from "./troubles.js";

const BACKOFF_S = [0.5, 1, 2, 4, 8, 8, 8]; // between attempts, each a little random; then it gives up
const START_S = 15; // the server answers the first message within it
const SILENT_S = 3; // once it has begun, audio comes every block; so long without any means that the line is gone
const OFFLINE_S = 0.25; // the same after the browser says that it is offline, which a server on this machine survives
const ASLEEP_S = 1; // a timer that is late by more was asleep with its page
const CHOKED_S = 1; // of audio waits on this side of the line: it is too slow, and what comes is not sent
const WIRE_BYTES = 3; // a sample, in base64 and JSON
const FATAL = new Set([
  "server_full",
  "server_overloaded",
  "too_many_sessions",
  "draining",
  "idle_timeout",
  "engine_failure",
  "start_timeout",
]); // after any other error the session goes on

/**
 * Events, with their detail: `status` ({status, trouble?, retry_s?, attempt?, id?}; status is connecting, open, waiting or closed),
 * `audio` (Int16Array), `words` ({who, text, start_s, end_s}), `mode` ({state, interrupted, at_s}), `dropped` (the server threw input away, or
 * the line was too slow for it), `draining` (the server will stop soon).
 * Times are on the session's clock, seconds of input since it began; the first audio is played one block after it.
 */
export class Live extends EventTarget {
  constructor({ url, model, rate, key }) {
    super();
    this.url = url;
    this.model = model;
    this.rate = rate;
    this.key = key;
    this.attempt = 0;
    this.ended = false;
    this.opened = false; // at least once
    this.resting = false; // nothing is sent, so nothing comes
    this.choked = false; // the line takes no more
    this.patient = false; // the model waits longer before it answers
    this.online = () => this.retrying && this.connect();
    this.offline = () => this.sounding && this.expect(OFFLINE_S);
    window.addEventListener("online", this.online);
    window.addEventListener("offline", this.offline);
  }

  connect() {
    clearTimeout(this.timer);
    this.retrying = this.resting; // it waits for the sound
    if (this.resting) return;
    this.started = false;
    this.sounding = false; // audio has come
    this.trouble = null;
    this.retry_s = null;
    this.tell("connecting");
    let socket;
    try {
      socket = new WebSocket(this.url, this.key ? ["realtime", `openai-insecure-api-key.${this.key}`] : []);
    } catch (error) {
      return this.finish(new Trouble(error.name === "SyntaxError" ? "key" : "gone", error.message)); // a key that no subprotocol can hold
    }
    this.socket = socket;
    socket.onopen = () => {
      const audio = { format: { type: "audio/pcm", rate: this.rate } };
      this.post({ type: "session.start", session: { model: this.model, audio } });
    };
    socket.onmessage = ({ data }) => socket === this.socket && this.receive(JSON.parse(data));
    socket.onclose = () => socket === this.socket && this.lost();
    this.expect(START_S);
  }

  /** Whether the model shall wait longer before it answers, from now on. */
  wait(patient) {
    this.patient = patient;
    if (this.started && this.socket.readyState === WebSocket.OPEN) this.post({ type: "parley.patience", patient });
  }

  /** The next message of the server must come within `seconds`. */
  expect(seconds) {
    clearTimeout(this.timer);
    if (this.resting) return;
    const asleep_ms = performance.now() + 1000 * (seconds + ASLEEP_S);
    this.timer = setTimeout(() => {
      if (performance.now() > asleep_ms) return this.expect(seconds); // what came meanwhile has not been read yet
      this.socket.close();
      this.lost();
    }, 1000 * seconds);
  }

  /** While the page's sound rests nothing is expected and no session begun; afterwards at once. */
  rest(resting) {
    if (resting === this.resting || this.ended) return;
    this.resting = resting;
    clearTimeout(this.timer);
    if (resting) return;
    if (this.retrying) this.connect();
    else if (this.socket) this.expect(this.sounding ? SILENT_S : START_S);
  }

  post(event) {
    this.socket.send(JSON.stringify(event));
  }

  /** Samples (Int16Array) of the microphone; dropped while there is no session, and while the line is too slow: they would be heard too late. */
  send(samples) {
    if (!this.started || this.socket.readyState !== WebSocket.OPEN) return;
    const choked = this.socket.bufferedAmount > CHOKED_S * this.rate * WIRE_BYTES;
    if (choked && !this.choked) this.emit("dropped");
    this.choked = choked;
    if (!choked) this.post({ type: "session.input_audio.append", audio: encode(samples) });
  }

  receive(event) {
    switch (event.type) {
      case "session.started":
        this.started = this.opened = true;
        if (this.patient) this.wait(true);
        this.expect(START_S);
        this.tell("open", { id: event.session.id });
        break;
      case "session.output_audio.delta":
        this.sounding = true;
        this.attempt = 0; // only now: a session in which nothing is heard is no better than none
        this.expect(SILENT_S);
        this.emit("audio", decode(event.delta));
        break;
      case "session.output_transcript.delta":
      case "session.input_transcript.delta":
        this.emit("words", {
          who: event.type.startsWith("session.output") ? "model" : "user",
          text: event.delta,
          start_s: event.start_ms / 1000,
          end_s: event.end_ms / 1000,
        });
        break;
      case "parley.state":
        this.emit("mode", { state: event.state, interrupted: event.interrupted, at_s: event.at_ms / 1000 });
        break;
      case "info":
        if (event.code === "audio_dropped") this.emit("dropped");
        if (event.code === "draining") this.emit("draining");
        break;
      case "session.closed":
        if (event.reason === "expired") this.trouble = new Trouble("expired");
        break;
      case "error":
        if (!FATAL.has(event.error.code)) return console.warn(event.error.message);
        this.trouble = new Trouble(event.error.code, event.error.message);
        this.retry_s = event.error.retry_after_s ?? null;
    }
  }

  /** The socket is closed: for good, or until the next attempt. */
  lost() {
    clearTimeout(this.timer);
    this.socket = null;
    this.started = this.sounding = false;
    if (this.retry_s !== null) return this.retry(this.trouble, this.retry_s);
    if (this.trouble) return this.finish(this.trouble);
    if (this.attempt === BACKOFF_S.length || (this.attempt === 2 && !this.opened)) return this.finish(new Trouble("gone"));
    return this.retry(null, BACKOFF_S[this.attempt++] * (0.8 + 0.4 * Math.random()));
  }

  retry(trouble, retry_s) {
    this.retrying = true;
    if (!this.resting) this.timer = setTimeout(() => this.connect(), 1000 * retry_s);
    this.tell("waiting", { trouble, retry_s, attempt: this.attempt });
  }

  /** Ends the session, or the attempts to get one. */
  close() {
    const socket = this.socket;
    this.socket = null;
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "session.close" }));
    socket?.close(1000);
    this.finish(null);
  }

  finish(trouble) {
    clearTimeout(this.timer);
    window.removeEventListener("online", this.online);
    window.removeEventListener("offline", this.offline);
    this.retrying = this.sounding = false;
    this.ended = true;
    this.tell("closed", { trouble });
  }

  tell(status, fields = {}) {
    this.emit("status", { status, ...fields });
  }

  emit(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
