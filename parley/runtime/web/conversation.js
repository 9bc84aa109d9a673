// One conversation: sound, line, meter and recording joined. It knows nothing of the page.

import { Live } from "./live.js";
import { Meter, peak } from "./meter.js";
import { toInt16 } from "./pcm.js";
import { Recording } from "./recording.js";
import { Sound } from "./sound.js";

/**
 * Events, with their detail:
 * `status` (as of Live), `state` ("listening", "thinking" or "speaking"), `measured` ({event: "response" | "barge-in", from_s, to_s}),
 * `words` ({who, text, start_s}: their sound begins now), `piece` ({heard, played, state, report, drops}: every 20 ms, loudest samples),
 * `rest` (whether the browser has stopped the sound), `unplugged`, `draining`, `ended` (the trouble, or null). Times are seconds of the recording.
 */
export class Conversation extends EventTarget {
  /** `server`: {url, model, rate, key, block_s}. */
  constructor(server) {
    super();
    this.sound = new Sound(server.rate);
    this.meter = new Meter();
    this.recording = new Recording(server.rate);
    this.live = new Live(server);
    this.block_s = server.block_s;
    this.talking = false; // there is a session
    this.over = false;
    this.resting = false; // the browser has stopped the sound
    this.wantsMicrophone = false;
    this.unplugged = false; // there was a microphone
    this.missed = { earlier_s: 0, now_s: 0 }; // audio that was missed: before the buffer was emptied last, and since
    this.drops = 0; // how often the server threw away what the user said
    this.pending = []; // the model's words, on the session's clock, that have not been played yet
    this.asked = []; // the words of a recorded question, on the recording's clock
    this.sound.addEventListener("piece", ({ detail }) => this.piece(detail));
    this.sound.addEventListener("rest", ({ detail }) => this.rest(detail));
    this.sound.addEventListener("unplugged", () => this.unplug());
    this.live.addEventListener("status", ({ detail }) => this.status(detail));
    this.live.addEventListener("audio", ({ detail }) => this.over || this.sound.push(detail));
    this.live.addEventListener("words", ({ detail }) => this.expect(detail));
    this.live.addEventListener("mode", ({ detail }) => this.follow(detail));
    this.live.addEventListener("dropped", () => this.dropped());
    this.live.addEventListener("draining", () => this.emit("draining"));
  }

  /** Opens loudspeaker, microphone (unless it is not wanted) and line. Trouble where one is refused. */
  async start({ microphone, headset }) {
    this.wantsMicrophone = microphone;
    try {
      await this.sound.open();
      if (microphone) await this.sound.openMicrophone(headset);
      if (!this.over) this.live.connect();
    } catch (error) {
      await this.sound.close();
      throw error;
    }
    if (this.over) await this.sound.close(); // stopped meanwhile, or there is no line
  }

  /** Another way of listening: the microphone is opened again with other settings. */
  async listenWith(headset) {
    if (!this.wantsMicrophone) return;
    try {
      await this.sound.openMicrophone(headset);
    } catch (error) {
      if (!this.over) throw error; // stopped meanwhile: nobody waits for it any more
    }
  }

  /** Whether the model shall wait longer before it answers. */
  wait(patient) {
    this.live.wait(patient);
  }

  /** The microphone again, after it was unplugged. */
  async plugIn(headset) {
    this.wantsMicrophone = true;
    try {
      await this.listenWith(headset);
      this.unplugged = false;
    } catch (error) {
      this.wantsMicrophone = false;
      throw error;
    }
  }

  get hasMicrophone() {
    return Boolean(this.sound.microphone);
  }

  /** Plays a recorded question into the session: {url, segments: [{text, start_s, end_s}]}. Resolves when it has begun. */
  async ask({ url, segments }, ended) {
    await this.sound.say(url, ended);
    const now_s = this.meter.now_s;
    this.asked = segments.flatMap(({ text, start_s, end_s }) => spread(text, now_s + start_s, now_s + end_s));
  }

  mute(muted) {
    this.sound.mute(muted);
  }

  rest(resting) {
    if (resting === this.resting) return;
    this.resting = resting;
    this.live.rest(resting);
    this.recording.note(this.meter.now_s, resting ? "paused" : "resumed");
    this.emit("rest", resting);
  }

  /** Lets the sound go on, if the browser has stopped it. */
  wake() {
    this.sound.wake();
  }

  unplug() {
    this.unplugged = true;
    this.wantsMicrophone = false;
    this.emit("unplugged");
  }

  /** Does not wait for the next attempt, where one is waited for. */
  retry() {
    if (this.live.retrying) this.live.connect();
  }

  stop() {
    if (!this.over) this.live.close();
  }

  status(detail) {
    const { status, id, trouble } = detail;
    this.recording.note(this.meter.now_s, "connection", { status, ...(id && { id }), ...(trouble && { trouble: trouble.code }) });
    this.talking = status === "open";
    this.pending = [];
    if (this.talking) {
      this.sound.clear();
    } else {
      this.meter.tell(this.meter.mode && "listening", false);
      this.sound.hush(); // nobody hears the rest of a recorded question
      this.asked = [];
    }
    this.emit("status", detail);
    if (status !== "closed") return;
    this.over = true;
    this.sound.close();
    this.emit("ended", trouble);
  }

  dropped() {
    this.drops += 1;
    this.recording.note(this.meter.now_s, "dropped");
  }

  /** What the model turns to at `at_s`. Where it gave up its answer, what has not been played of it never is. */
  follow({ state, interrupted, at_s }) {
    this.meter.tell(state, interrupted);
    if (!interrupted || this.over) return;
    this.sound.cut(at_s - this.block_s);
    this.pending = this.pending.filter(({ who, start_s }) => who === "user" || start_s >= at_s);
  }

  /** Words may arrive before their sound is played. */
  expect(words) {
    this.pending.push(words);
  }

  piece({ heard, played, ...report }) {
    if (!this.talking) return;
    this.live.send(toInt16(heard));
    this.recording.add(heard, played);
    for (const event of this.meter.add(heard, played)) this.happened(event);
    this.say(report.position_s + this.block_s);
    report.missed_s = this.allMissed(report.missed_s);
    this.emit("piece", { heard: peak(heard), played: peak(played), state: this.meter.state, report, drops: this.drops });
  }

  /** Seconds of the whole conversation; the buffer counts from 0 in each session. */
  allMissed(missed_s) {
    if (missed_s < this.missed.now_s) this.missed.earlier_s += this.missed.now_s;
    this.missed.now_s = missed_s;
    return this.missed.earlier_s + missed_s;
  }

  happened(event) {
    if (event.event === "state") {
      this.recording.note(this.meter.now_s, "state", { state: event.state });
      this.emit("state", event.state);
    } else {
      this.recording.note(event.from_s, event.event, { latency_ms: Math.round(1000 * (event.to_s - event.from_s)) });
      this.emit("measured", event);
    }
  }

  /** Hands out the words whose sound has begun. */
  say(played_s) {
    const now_s = this.meter.now_s;
    const due = this.pending.filter(({ start_s }) => start_s <= played_s);
    this.pending = this.pending.filter(({ start_s }) => start_s > played_s);
    const said = due.map((words) => ({ ...words, start_s: now_s - played_s + words.start_s, end_s: now_s - played_s + words.end_s }));
    said.push(...this.asked.filter(({ start_s }) => start_s <= now_s));
    this.asked = this.asked.filter(({ start_s }) => start_s > now_s);
    for (const { who, text, start_s, end_s } of said) {
      this.recording.note(start_s, "words", { who, text, end_s: Math.round(1000 * end_s) / 1000 });
      this.emit("words", { who, text, start_s });
    }
  }

  /** The last line of the timeline. */
  get summary() {
    const ms = (values) => values.map((seconds) => Math.round(1000 * seconds));
    return {
      seconds: Math.round(1000 * this.recording.seconds) / 1000,
      response_ms: ms(this.meter.responses),
      barge_in_ms: ms(this.meter.bargeIns),
    };
  }

  emit(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** The words of `text`, each at its share of the letters. */
function spread(text, start_s, end_s) {
  const words = text.split(" ");
  const per_letter = (end_s - start_s) / (text.length + 1);
  let letters = 0;
  return words.map((word) => {
    const begin_s = start_s + letters * per_letter;
    letters += word.length + 1;
    return { who: "user", text: `${word} `, start_s: begin_s, end_s: start_s + letters * per_letter };
  });
}
