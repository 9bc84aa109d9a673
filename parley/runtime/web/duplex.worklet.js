// Both directions in one audio processor, so that what is heard and what is played are counted by the same clock.
// Heard: samples of the microphone, posted in pieces of 20 ms. Played: the model's voice, out of an adaptive jitter buffer.

const PIECE_S = 0.02; // of one report
const AUDIBLE = 0.01; // of full scale: below it (-40 dB) a sample counts as silence
const MARGIN_S = { least: 0.02, most: 0.32, up: 0.015, down: 0.005 }; // of delay, held against late arrivals
const FADE_S = 0.005; // of speech that is given up
const DECAY = 0.96; // a sample, of what is left over at an underrun: no click
const WITHIN_S = 0.05; // so long after an audible sample it is still speech
const CALM_S = 15; // without an underrun, after which the margin shrinks
const WINDOW_S = 1; // over which the smallest queue is watched
const SURPLUS_S = 0.04; // more than the margin by this: silence is skipped
const TOO_MUCH_S = 1; // more than the margin by this: speech is skipped too, and counted as missed

/** Windowed-sinc change of rate for a stream; returns its input where the rates are equal. */
export class Resampler {
  static PHASES = 256;

  constructor(from, to) {
    this.step = from / to;
    this.reach = Math.ceil(12 * Math.max(1, this.step)); // input samples on either side
    this.rest = new Float32Array(2 * this.reach);
    this.at = 0; // of the next output sample, in samples of `rest` + input, counted from `reach`
    const width = 2 * this.reach;
    const cutoff = 0.94 * Math.min(1, 1 / this.step);
    this.kernels = Array.from({ length: Resampler.PHASES + 1 }, (_, phase) => {
      const kernel = new Float32Array(width);
      let sum = 0;
      for (let tap = 0; tap < width; tap++) {
        const t = tap - this.reach + 1 - phase / Resampler.PHASES;
        const sinc = t === 0 ? 1 : Math.sin(Math.PI * cutoff * t) / (Math.PI * cutoff * t);
        kernel[tap] = sinc * (0.5 + 0.5 * Math.cos((Math.PI * t) / (this.reach + 1)));
        sum += kernel[tap];
      }
      return kernel.map((weight) => weight / sum);
    });
  }

  push(input) {
    if (this.step === 1) return input;
    const width = 2 * this.reach;
    const all = new Float32Array(this.rest.length + input.length);
    all.set(this.rest);
    all.set(input, this.rest.length);
    const output = [];
    for (; Math.floor(this.at) + width <= all.length; this.at += this.step) {
      const first = Math.floor(this.at);
      const kernel = this.kernels[Math.round((this.at - first) * Resampler.PHASES)];
      let sum = 0;
      for (let tap = 0; tap < width; tap++) sum += kernel[tap] * all[first + tap];
      output.push(sum);
    }
    const done = Math.min(Math.floor(this.at), all.length);
    this.rest = all.slice(done);
    this.at -= done;
    return Float32Array.from(output);
  }
}

/**
 * Samples in whenever they arrive, samples out without a pause.
 *
 * The first audio is held back by `margin`. An underrun dies away, makes the margin larger and holds again. The model's voice is a
 * stream that includes its silence, so a queue that has grown shrinks by skipping silence; words are skipped only when it is far too long.
 */
export class JitterBuffer {
  constructor(rate) {
    this.rate = rate;
    this.margin = MARGIN_S.least;
    this.clear();
  }

  /** Forgets what is queued and the position: a new session begins. */
  clear() {
    this.chunks = [];
    this.head = 0; // samples of chunks[0] already read
    this.queued = 0;
    this.position = 0; // samples of the session's output that are over: played or skipped
    this.holding = true;
    this.hold = 0; // samples of silence left before the queue is played
    this.missed = 0; // samples of speech that were skipped, and of silence put into speech
    this.underruns = 0;
    this.last = 0; // the sample that was played last
    this.quiet = Infinity; // samples since the last audible one
    this.cutting = 0; // samples to come that are the rest of what was given up
    this.calm = 0; // samples since the last underrun
    this.forget();
  }

  /** Begins to watch the queue anew. */
  forget() {
    this.smallest = Infinity; // queue in the window
    this.watched = 0;
    this.surplus = 0; // samples to skip
  }

  push(samples) {
    if (!samples.length) return;
    const rest = Math.min(this.cutting, samples.length);
    samples.fill(0, 0, rest);
    this.cutting -= rest;
    if (this.holding && this.queued === 0) this.hold = Math.round(this.margin * this.rate);
    this.chunks.push(samples);
    this.queued += samples.length;
  }

  /** Fills `out`. */
  play(out) {
    if (this.holding && (this.queued === 0 || (this.hold -= out.length) > 0)) return this.wait(out, 0);
    if (!this.holding) this.skip(out.length);
    const got = this.read(out);
    if (this.holding) ramp(out.subarray(0, got));
    this.holding = got < out.length;
    if (this.holding) this.starve(out, got);
    this.watch(out);
  }

  /** What has not come is silence, into which the last sample dies away; inside speech it is missed. */
  wait(out, from) {
    for (let i = from; i < out.length; i++) out[i] = this.last *= DECAY;
    if (this.quiet < WITHIN_S * this.rate) this.missed += out.length - from;
  }

  starve(out, got) {
    this.wait(out, got);
    this.hold = 0;
    this.underruns += 1;
    this.calm = 0;
    this.margin = Math.min(MARGIN_S.most, this.margin + MARGIN_S.up);
  }

  /** Moves up to out.length samples into `out` and returns how many. */
  read(out) {
    let done = 0;
    while (done < out.length && this.queued) {
      const chunk = this.chunks[0];
      const take = Math.min(out.length - done, chunk.length - this.head);
      out.set(chunk.subarray(this.head, this.head + take), done);
      this.head += take;
      this.queued -= take;
      done += take;
      if (this.head === chunk.length) {
        this.chunks.shift();
        this.head = 0;
      }
    }
    this.position += done;
    if (done) this.last = out[done - 1];
    return done;
  }

  /** The next `length` samples of the queue, which holds so many. */
  front(length) {
    const [first, ...others] = this.chunks;
    let there = first.length - this.head;
    if (there < length) {
      const pieces = [first.subarray(this.head)];
      while (there < length) {
        pieces.push(others.shift());
        there += pieces.at(-1).length;
      }
      const joined = new Float32Array(there);
      pieces.reduce((at, piece) => (joined.set(piece, at), at + piece.length), 0);
      this.chunks = [joined, ...others];
      this.head = 0;
    }
    return this.chunks[0].subarray(this.head, this.head + length);
  }

  /** Goes past the next `length` samples, which `front` has given. */
  pass(length) {
    this.head += length;
    this.queued -= length;
    this.position += length;
  }

  /** Skips one piece, if there is too much and the piece is silent, or far too much. */
  skip(length) {
    if (this.surplus < length || this.queued < 3 * length) return;
    const audible = this.front(length).some((sample) => Math.abs(sample) > AUDIBLE);
    if (audible && this.queued < TOO_MUCH_S * this.rate) return;
    this.pass(length);
    this.surplus -= length;
    if (audible) this.missed += length;
  }

  /**
   * The model gave up what it was saying: what is queued before position `until` fades, and no more than the margin of it is left, as silence.
   * What comes from there on begins with the server's own fade, which has then been heard.
   */
  cut(until) {
    const stale = Math.min(this.queued, until - this.position);
    if (stale <= 0) return;
    const fade = this.holding ? 0 : Math.min(stale, Math.round(FADE_S * this.rate));
    const kept = Math.min(stale, Math.max(fade, Math.round(this.margin * this.rate)));
    const queue = this.front(stale);
    const faded = queue.slice(0, fade).map((sample, i) => sample * (1 - (i + 1) / fade));
    const rest = queue.subarray(stale - kept);
    rest.fill(0);
    rest.set(faded);
    this.pass(stale - kept);
    this.cutting = Math.round(2 * FADE_S * this.rate);
    this.forget();
  }

  /** Adapts the margin and the surplus to what was seen. */
  watch(out) {
    const audible = out.some((sample) => Math.abs(sample) > AUDIBLE);
    this.quiet = audible ? 0 : this.quiet + out.length;
    this.calm += out.length;
    this.smallest = Math.min(this.smallest, this.queued);
    this.watched += out.length;
    if (this.watched < WINDOW_S * this.rate) return;
    const extra = this.smallest - this.margin * this.rate;
    this.surplus = extra > SURPLUS_S * this.rate ? extra : 0;
    this.smallest = Infinity;
    this.watched = 0;
    if (this.calm > CALM_S * this.rate) {
      this.margin = Math.max(MARGIN_S.least, this.margin - MARGIN_S.down);
      this.calm = 0;
    }
  }
}

/** Fades in. */
function ramp(samples) {
  for (let i = 0; i < samples.length; i++) samples[i] *= (i + 1) / samples.length;
}

/** Samples in pieces of one length. */
class Pieces {
  constructor(length) {
    this.length = length;
    this.rest = new Float32Array(0);
  }

  /** Yields each piece that is now whole. */
  *push(samples) {
    const all = new Float32Array(this.rest.length + samples.length);
    all.set(this.rest);
    all.set(samples, this.rest.length);
    let at = 0;
    for (; at + this.length <= all.length; at += this.length) yield all.slice(at, at + this.length);
    this.rest = all.slice(at);
  }
}

class Duplex extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate, position_s } }) {
    super();
    this.silence = new Float32Array(128);
    this.buffer = new JitterBuffer(sampleRate);
    this.buffer.position = Math.round(position_s * sampleRate); // it may take over in the middle of a session
    this.fromWire = new Resampler(rate, sampleRate);
    this.pairs = [new Resampler(sampleRate, rate), new Resampler(sampleRate, rate)]; // heard, played
    this.pieces = [new Pieces(Math.round(PIECE_S * rate)), new Pieces(Math.round(PIECE_S * rate))];
    this.port.onmessage = ({ data }) => this.accept(data, rate);
  }

  /** Samples of the model's voice, "clear", or {until_s}: what it gave up. */
  accept(data, rate) {
    if (data === "clear") this.clear(rate);
    else if (data instanceof Float32Array) this.buffer.push(this.fromWire.push(data));
    else this.buffer.cut(Math.round(data.until_s * sampleRate));
  }

  clear(rate) {
    this.buffer.clear();
    this.fromWire = new Resampler(rate, sampleRate);
  }

  process(inputs, outputs) {
    const out = outputs[0][0];
    this.buffer.play(out);
    const heard = [...this.pieces[0].push(this.pairs[0].push(inputs[0][0] ?? this.silence.subarray(0, out.length)))];
    const played = [...this.pieces[1].push(this.pairs[1].push(out.slice()))];
    heard.forEach((piece, i) => this.report(piece, played[i]));
    return true;
  }

  report(heard, played) {
    const { rate, position, queued, margin, missed, underruns } = this.buffer;
    const message = {
      heard,
      played,
      position_s: position / rate, // of the session's output, at the end of this piece
      queued_s: queued / rate,
      margin_s: margin,
      missed_s: missed / rate,
      underruns,
    };
    this.port.postMessage(message, [heard.buffer, played.buffer]);
  }
}

registerProcessor("duplex", Duplex);
