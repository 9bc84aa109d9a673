// Microphone, recorded questions and loudspeaker: one audio graph around the duplex worklet.

import { toFloat } from "./pcm.js";
import { Trouble } from "./troubles.js";

const FROZEN_MS = 1000; // without a piece, while the sound is said to run: after a phone's call some browsers' clocks stand still
const PROMPTLY_MS = 2000; // a browser that has not begun to play by then waits for a tap
const REFUSALS = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

/** Emits `piece` (detail: what the worklet reports) every 20 ms, `rest` (detail: whether the browser has stopped the sound) and `unplugged`. */
export class Sound extends EventTarget {
  /** `rate`: of what is heard and played, in samples a second. */
  constructor(rate) {
    super();
    this.rate = rate;
    this.context = null;
    this.closed = false;
    this.muted = false;
    this.position_s = 0; // of the session's output
    this.opening = Promise.resolve(); // the last opening of the microphone
    this.turn = 0; // its number
  }

  /** Call it from a click or a key press: browsers let no page make a sound before. */
  async open() {
    if (!window.AudioContext || !window.AudioWorkletNode) throw new Trouble(window.isSecureContext ? "unsupported" : "insecure");
    await this.build({ sampleRate: this.rate });
    this.watch();
  }

  async build(options) {
    const context = (this.context = new AudioContext({ ...options, latencyHint: "interactive" }));
    await Promise.race([context.resume(), new Promise((resolve) => setTimeout(resolve, PROMPTLY_MS))]);
    this.mustBeOpen();
    context.onstatechange = () => context === this.context && this.flow();
    this.flow();
    await this.context.audioWorklet.addModule(new URL("duplex.worklet.js", import.meta.url));
    this.mustBeOpen();
    this.duplex = new AudioWorkletNode(this.context, "duplex", {
      numberOfInputs: 1,
      numberOfOutputs: 1,
      outputChannelCount: [1],
      channelCount: 1,
      channelCountMode: "explicit",
      processorOptions: { rate: this.rate, position_s: this.position_s },
    });
    this.duplex.port.onmessage = ({ data }) => this.report(data);
    this.duplex.connect(this.context.destination);
    this.voice = new GainNode(this.context, { gain: Number(!this.muted) }); // the microphone, which can be muted
    this.voice.connect(this.duplex);
  }

  report(piece) {
    this.position_s = piece.position_s;
    this.reported_ms = performance.now();
    if (this.frozen) this.flow();
    this.dispatchEvent(new CustomEvent("piece", { detail: piece }));
  }

  /** A phone's call or its locked screen suspends the sound; it goes on by itself where the browser lets it, but not while it is "interrupted". */
  flow() {
    this.frozen = false;
    this.reported_ms = performance.now();
    this.rest(this.context.state !== "running");
    if (this.context.state === "suspended") this.wake();
  }

  rest(resting) {
    this.dispatchEvent(new CustomEvent("rest", { detail: resting }));
  }

  /** Looks now and then whether pieces come while the sound is said to run. */
  watch() {
    let looked_ms = performance.now();
    this.watching = setInterval(() => {
      const now_ms = performance.now();
      const awake = now_ms - looked_ms < 2 * FROZEN_MS; // a page that slept has not read yet what came meanwhile
      looked_ms = now_ms;
      if (!awake || this.frozen || this.context?.state !== "running" || now_ms - this.reported_ms < FROZEN_MS) return;
      this.frozen = true;
      this.rest(true);
    }, FROZEN_MS);
  }

  /** Lets the sound go on, if the browser has stopped it; some only do from a tap. One that stands still is stopped first. */
  wake() {
    if (this.frozen) this.context?.suspend().catch(() => {});
    else if (this.context?.state !== "running") this.context?.resume().catch(() => {});
  }

  /** Asks for the microphone and connects it, one call after the other; of those that wait only the last counts. Trouble where there is none. */
  openMicrophone(headset) {
    const turn = ++this.turn;
    const mine = () => turn === this.turn && !this.closed;
    this.opening = this.opening.catch(() => {}).then(() => mine() && this.askMicrophone(headset));
    return this.opening;
  }

  async askMicrophone(headset) {
    if (!window.isSecureContext || !navigator.mediaDevices) throw new Trouble("insecure");
    const audio = { channelCount: 1, echoCancellation: !headset, noiseSuppression: false, autoGainControl: !headset };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio });
    } catch (error) {
      throw new Trouble(REFUSALS[error.name] ?? "busy", error.message);
    }
    try {
      await this.connectMicrophone(stream);
    } catch (error) {
      release(stream);
      throw error;
    }
  }

  async connectMicrophone(stream) {
    this.closeMicrophone();
    this.mustBeOpen(); // the user had time to press Stop before allowing the microphone
    let source;
    try {
      source = this.context.createMediaStreamSource(stream);
    } catch {
      // some browsers join a microphone only to a context of its own rate; the worklet then changes rates
      this.hush();
      await this.closeContext();
      this.mustBeOpen();
      await this.build({});
      source = this.context.createMediaStreamSource(stream);
    }
    source.connect(this.voice);
    this.microphone = { stream, source };
    stream.getAudioTracks()[0].onended = () => {
      this.closeMicrophone();
      this.dispatchEvent(new Event("unplugged"));
    };
  }

  closeMicrophone() {
    if (!this.microphone) return;
    const { stream, source } = this.microphone;
    source.disconnect();
    release(stream);
    this.microphone = null;
  }

  mute(muted) {
    this.muted = muted;
    if (this.voice) this.voice.gain.value = Number(!muted);
  }

  /** Plays a recording to the model as if spoken, and to the user more softly. Resolves when it has begun. */
  async say(url, ended) {
    let audio;
    try {
      const response = await fetch(url);
      if (!response.ok) throw new Error(String(response.status));
      audio = await this.context.decodeAudioData(await response.arrayBuffer());
    } catch (error) {
      throw new Trouble("recording", String(error));
    }
    this.hush();
    this.question = new AudioBufferSourceNode(this.context, { buffer: audio });
    this.question.onended = ended;
    this.question.connect(this.duplex);
    this.question.connect(new GainNode(this.context, { gain: 0.5 })).connect(this.context.destination);
    this.question.start();
  }

  /** Ends a recording that is playing. */
  hush() {
    if (!this.question) return;
    const { question } = this;
    this.question = null;
    question.stop(); // its `ended` is told
    question.disconnect();
  }

  /** The model's voice: Int16Array, any length. */
  push(samples) {
    const voice = toFloat(samples);
    this.duplex.port.postMessage(voice, [voice.buffer]);
  }

  /** Forgets what is queued: a new session begins. */
  clear() {
    this.duplex.port.postMessage("clear");
  }

  /** The model gave up what it was saying: what is queued of it, up to `until_s` of the session's output, is not played. */
  cut(until_s) {
    this.duplex.port.postMessage({ until_s });
  }

  /** For good. What is still being opened is let go as soon as it is there. */
  async close() {
    this.closed = true;
    clearInterval(this.watching);
    this.closeMicrophone();
    this.hush();
    await this.closeContext();
  }

  async closeContext() {
    const { context } = this;
    this.context = null;
    await context?.close();
  }

  mustBeOpen() {
    if (this.closed) throw new Error("the sound was closed meanwhile");
  }
}

/** Switches a microphone off. */
function release(stream) {
  for (const track of stream.getTracks()) {
    track.onended = null;
    track.stop();
  }
}
