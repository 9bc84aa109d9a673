// Who is heard when, measured on the audio itself: the state, the response latency, the barge-in latency. Times in seconds.

export const PIECE_S = 0.02;
const AUDIBLE = 0.01; // of full scale (-40 dB), for the model, which is clean
const SPEECH = 0.012; // root mean square of the quietest user's speech
const ABOVE = 3.2; // times the noise of the room: speech
const USER_GAP_S = 0.24; // a shorter pause is inside an utterance
const MODEL_GAP_S = 0.32;
const PAUSE_S = 0.48; // of the user, within one interruption, as the server counts them
const SHORTEST_S = 0.06; // of the user: a click is shorter
const PATIENCE_S = 10; // an answer that begins later does not answer the last utterance
const THINKING_S = 1.6; // so long after the user the model is said to think

/** Joins loud pieces into one stretch; a pause shorter than `gap_s` does not end it. */
class Stretch {
  constructor(gap_s) {
    this.gap_s = gap_s;
    this.start_s = null; // of the stretch that is open
    this.end_s = -Infinity; // of its last loud piece
  }

  get open() {
    return this.start_s !== null;
  }

  /** One piece that ended at `now_s`; returns "start" or "end" when it makes one. */
  add(loud, now_s) {
    if (loud) {
      this.end_s = now_s;
      if (this.open) return null;
      this.start_s = now_s - PIECE_S;
      return "start";
    }
    if (!this.open || now_s - this.end_s < this.gap_s) return null;
    this.start_s = null;
    return "end";
  }
}

export class Meter {
  constructor() {
    this.now_s = 0;
    this.noise = 0.002;
    this.user = new Stretch(USER_GAP_S);
    this.model = new Stretch(MODEL_GAP_S);
    this.interruption_s = null; // when the user began to speak into the model's speech
    this.answered_s = -Infinity; // the end of the last utterance that was answered
    this.mode = null; // what the server tells, if it does
    this.sounded = false; // the answer that was decided upon has been heard
    this.yielded = false; // the model gave up its answer
    this.responses = []; // seconds
    this.bargeIns = [];
    this.state = "listening";
  }

  /**
   * One piece of both sides (Float32Array each). Returns what happened in it, a list of
   * {event: "response" | "barge-in", from_s, to_s} and {event: "state", state}.
   */
  add(heard, played) {
    this.now_s += PIECE_S;
    const events = [];
    this.listen(rms(heard));
    const spoke = this.model.add(peak(played) > AUDIBLE, this.now_s);
    if (spoke === "start") this.begin(events);
    if (spoke === "end") this.stop(events);
    this.change(events);
    return events;
  }

  listen(level) {
    const speech = level > Math.max(SPEECH, ABOVE * this.noise);
    if (!speech) this.noise += 0.05 * (level - this.noise);
    else this.noise = Math.min(0.05, this.noise * 1.002); // a steady noise becomes the room
    const silent_s = this.now_s - this.user.end_s;
    const turned = this.user.add(speech, this.now_s);
    const anew = this.interruption_s === null || silent_s > PAUSE_S;
    if (turned === "start" && this.model.open && anew) this.interruption_s = this.now_s - PIECE_S;
  }

  /** The model's voice is heard. It answers the user's last utterance, if that is over and nothing has answered it before. */
  begin(events) {
    const from_s = this.user.end_s;
    const to_s = this.now_s - PIECE_S;
    if (from_s > this.answered_s && to_s > from_s && to_s - from_s < PATIENCE_S) {
      this.responses.push(to_s - from_s);
      events.push({ event: "response", from_s, to_s });
    }
    this.answered_s = from_s;
    this.sounded = true;
  }

  /** The server tells what the model does; what it says is heard a little later. */
  tell(mode, interrupted) {
    if (mode === "thinking") this.sounded = false;
    if (mode === "listening") this.yielded = interrupted;
    this.mode = mode;
  }

  /** The model has fallen silent: because of the user, if the server says so or, where it tells nothing, if the user spoke into it. */
  stop(events) {
    const from_s = this.interruption_s;
    const to_s = Math.max(from_s, this.model.end_s); // it may begin in a pause of the model, which is not taken up again
    if (from_s !== null && (this.mode ? this.yielded : to_s - from_s > SHORTEST_S)) {
      this.bargeIns.push(to_s - from_s);
      events.push({ event: "barge-in", from_s, to_s });
    }
    this.interruption_s = null;
    this.yielded = false;
  }

  change(events) {
    const state = this.seen();
    if (state === this.state) return;
    this.state = state;
    events.push({ event: "state", state });
  }

  /** What the user hears of the model; where the server tells nothing, it is taken to think for a while after the user has spoken. */
  seen() {
    if (this.model.open || (this.mode === "speaking" && this.sounded)) return "speaking";
    if (this.mode) return this.mode === "listening" ? "listening" : "thinking";
    const waiting = !this.user.open && this.user.end_s > this.answered_s && this.now_s - this.user.end_s < THINKING_S;
    return waiting ? "thinking" : "listening";
  }
}

export function peak(samples) {
  let most = 0;
  for (const sample of samples) most = Math.max(most, Math.abs(sample));
  return most;
}

function rms(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return Math.sqrt(sum / samples.length);
}

/** The middle one of `values`; NaN of none. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
