// node --test units.mjs: the page's parts that need no browser.
import assert from "node:assert/strict";
import test from "node:test";

const WEB = new URL("../../parley/runtime/web/", import.meta.url);
const RATE = 24000;
const PIECE = 480;

globalThis.sampleRate = RATE;
globalThis.AudioWorkletProcessor = class {};
globalThis.registerProcessor = () => {};
globalThis.window = new EventTarget();
const { JitterBuffer, Resampler } = await import(new URL("duplex.worklet.js", WEB));
const { Meter, median } = await import(new URL("meter.js", WEB));
const { Recording } = await import(new URL("recording.js", WEB));
const { decode, encode, toInt16 } = await import(new URL("pcm.js", WEB));
const { Live } = await import(new URL("live.js", WEB));
const { Conversation } = await import(new URL("conversation.js", WEB));

const tone = (length, level = 0.3, rate = RATE) => Float32Array.from({ length }, (_, i) => level * Math.sin((2 * Math.PI * 440 * i) / rate));
const silence = (length) => new Float32Array(length);

/** Plays `seconds` out of a buffer. */
function play(buffer, seconds) {
  const out = new Float32Array(Math.round((seconds * RATE) / 128) * 128);
  for (let at = 0; at < out.length; at += 128) buffer.play(out.subarray(at, at + 128));
  return out;
}

test("samples that come in time are played whole, after the margin", () => {
  const buffer = new JitterBuffer(RATE);
  const sent = tone(RATE);
  const heard = [];
  for (let block = 0; block < 12; block++) {
    buffer.push(sent.slice(block * 1920, (block + 1) * 1920));
    heard.push(...play(buffer, 0.08));
  }
  assert.equal(buffer.underruns, 0);
  assert.equal(buffer.missed, 0);
  const delay = Math.ceil((0.02 * RATE) / 128 - 1) * 128;
  for (let i = 200; i < 20000; i++) assert.equal(heard[i + delay], sent[i]); // the first 128 fade in
});

test("an underrun inside speech is counted, fades, and makes the margin larger", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(tone(1920));
  const before = buffer.margin;
  const heard = play(buffer, 0.3);
  assert.equal(buffer.underruns, 1);
  assert.ok(buffer.margin > before);
  assert.ok(buffer.missed > 0.15 * RATE, `${buffer.missed} samples`);
  for (let i = 1; i < heard.length; i++) assert.ok(Math.abs(heard[i] - heard[i - 1]) < 0.06, `a click at ${i}`);
});

test("an underrun in silence costs nothing", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(silence(1920));
  play(buffer, 0.3);
  assert.equal(buffer.underruns, 1);
  assert.equal(buffer.missed, 0);
});

test("a queue that has grown shrinks in silence, and the position counts what was skipped", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(silence(RATE)); // a second at once
  for (let block = 0; block < 50; block++) {
    buffer.push(silence(1920));
    play(buffer, 0.08);
  }
  assert.ok(buffer.queued < 0.2 * RATE, `${buffer.queued} samples wait`);
  assert.equal(buffer.missed, 0);
  assert.equal(buffer.position + buffer.queued, RATE + 50 * 1920);
});

test("speech is not skipped to catch up a little", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(tone(RATE / 2));
  for (let block = 0; block < 40; block++) {
    buffer.push(tone(1920));
    play(buffer, 0.08);
  }
  assert.equal(buffer.missed, 0);
  assert.ok(buffer.queued > 0.4 * RATE);
});

for (const [from, to] of [[48000, 24000], [44100, 24000], [24000, 48000]]) {
  test(`a tone keeps its pitch and level from ${from} to ${to} Hz`, () => {
    const resampler = new Resampler(from, to);
    const input = tone(from, 0.5, from);
    const output = [];
    for (let at = 0; at < from; at += 128) output.push(...resampler.push(input.slice(at, at + 128)));
    assert.ok(Math.abs(output.length - to) < 64, `${output.length} samples`);
    let [sine, cosine, power] = [0, 0, 0];
    const middle = output.slice(1000, 1000 + to / 2);
    middle.forEach((x, i) => {
      sine += x * Math.sin((2 * Math.PI * 440 * i) / to);
      cosine += x * Math.cos((2 * Math.PI * 440 * i) / to);
      power += x * x;
    });
    const level = (2 * Math.hypot(sine, cosine)) / middle.length;
    const noise = power / middle.length - level ** 2 / 2;
    assert.ok(Math.abs(level - 0.5) < 0.005, `level ${level}`);
    assert.ok(10 * Math.log10(level ** 2 / 2 / Math.max(noise, 1e-12)) > 45, `noise ${noise}`);
  });
}

/** Lets a meter hear [seconds, user's level, model's level] one after the other; returns what happened. */
function meet(meter, ...stretches) {
  const events = [];
  for (const [seconds, user, model] of stretches) {
    for (let i = 0; i < Math.round(seconds * 50); i++) events.push(...meter.add(tone(PIECE, user || 0.0005), tone(PIECE, model)));
  }
  return events;
}

test("the response latency runs from the user's last sound to the model's first", () => {
  const meter = new Meter();
  const events = meet(meter, [1, 0, 0], [1.5, 0.2, 0], [0.6, 0, 0], [1, 0, 0.3], [1, 0, 0]);
  assert.ok(Math.abs(meter.responses[0] - 0.6) < 0.021, meter.responses);
  assert.equal(meter.responses.length, 1);
  assert.deepEqual(events.filter(({ event }) => event === "state").map(({ state }) => state), ["thinking", "speaking", "listening"]);
});

test("an interruption that the model yields to is measured, a backchannel is not", () => {
  const meter = new Meter();
  meter.tell("thinking", false);
  meter.tell("speaking", false);
  meet(meter, [1, 0, 0], [1, 0, 0.3], [0.4, 0.2, 0.3]);
  meter.tell("listening", true);
  meet(meter, [0.5, 0.2, 0], [1, 0, 0]);
  assert.ok(Math.abs(meter.bargeIns[0] - 0.4) < 0.021, meter.bargeIns);
  meter.tell("thinking", false);
  meter.tell("speaking", false);
  meet(meter, [1, 0, 0.3], [0.3, 0.2, 0.3], [1, 0, 0.3]);
  meter.tell("listening", false);
  meet(meter, [1, 0, 0]);
  assert.equal(meter.bargeIns.length, 1);
});

test("what the server tells is shown until the sound is over", () => {
  const meter = new Meter();
  const events = [];
  meter.tell("thinking", false);
  events.push(...meet(meter, [0.2, 0, 0]));
  meter.tell("speaking", false);
  events.push(...meet(meter, [0.1, 0, 0], [0.5, 0, 0.3], [0.6, 0, 0], [0.3, 0, 0.3])); // a pause inside the answer
  meter.tell("listening", false);
  events.push(...meet(meter, [1, 0, 0]));
  assert.deepEqual(events.filter(({ event }) => event === "state").map(({ state }) => state), ["thinking", "speaking", "listening"]);
});

test("the median of an even number lies between the middle two", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.ok(Number.isNaN(median([])));
});

test("audio comes back from the wire as it went", () => {
  const samples = toInt16(tone(20000, 0.9));
  assert.deepEqual(decode(encode(samples)), samples);
  assert.deepEqual([...toInt16(Float32Array.of(-2, 0, 2))], [-32767, 0, 32767]);
});

test("the recording has the user on the left and the model on the right, and says so in its header", async () => {
  const recording = new Recording(RATE);
  for (let i = 0; i < 1000; i++) recording.add(tone(PIECE, 0.5), silence(PIECE)); // longer than one part
  const bytes = await recording.wav().arrayBuffer();
  const view = new DataView(bytes);
  assert.equal(bytes.byteLength, 44 + 4 * 1000 * PIECE);
  assert.deepEqual([view.getUint16(22, true), view.getUint32(24, true), view.getUint32(40, true)], [2, RATE, 4 * 1000 * PIECE]);
  const samples = new Int16Array(bytes, 44);
  assert.ok(samples.some((x, i) => i % 2 === 0 && x !== 0) && samples.every((x, i) => i % 2 === 0 || x === 0));
  recording.note(2, "b");
  recording.note(1, "a", { x: 1 });
  const lines = (await recording.timeline({ seconds: 20 }).text()).trim().split("\n").map(JSON.parse);
  assert.deepEqual(lines, [{ start_s: 1, event: "a", x: 1 }, { start_s: 2, event: "b" }, { summary: { seconds: 20 } }]);
});

/** A WebSocket whose other end is the test; like a browser's, it takes only such subprotocols as HTTP can carry. */
class Line {
  static OPEN = 1;
  static all = [];

  constructor(url, protocols) {
    if (!protocols.every((each) => /^[\w!#$%&'*+.^`|~-]+$/.test(each))) throw new DOMException("bad subprotocol", "SyntaxError");
    Object.assign(this, { url, protocols, readyState: 1, sent: [] });
    Line.all.push(this);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
  }

  receive(event) {
    this.onmessage({ data: JSON.stringify(event) });
  }
}

function connected(t, key = "") {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.WebSocket = Line;
  Line.all = [];
  const live = new Live({ url: "ws://x/", model: "tiny", rate: RATE, key });
  const told = [];
  live.addEventListener("status", ({ detail }) => told.push(detail));
  live.connect();
  Line.all[0].onopen();
  return { live, told, line: Line.all[0] };
}

test("the first message begins the session, and audio waits for it", (t) => {
  const { live, told, line } = connected(t);
  live.send(new Int16Array(PIECE));
  assert.deepEqual(line.sent.map(({ type }) => type), ["session.start"]);
  line.receive({ type: "session.started", session: { id: "s" } });
  live.send(new Int16Array(PIECE));
  assert.equal(line.sent[1].type, "session.input_audio.append");
  assert.deepEqual(told.map(({ status }) => status), ["connecting", "open"]);
  live.close();
  assert.equal(line.sent.at(-1).type, "session.close");
  assert.equal(told.at(-1).status, "closed");
});

test("a line that breaks comes back, later each time", (t) => {
  const { told, line } = connected(t);
  line.receive({ type: "session.started", session: { id: "s" } });
  line.onclose();
  const waits = [];
  for (let attempt = 0; attempt < 7; attempt++) {
    waits.push(told.at(-1).retry_s);
    t.mock.timers.tick(1000 * waits.at(-1) + 1);
    assert.equal(Line.all.length, attempt + 2);
    Line.all.at(-1).onclose();
  }
  assert.ok(waits[0] < waits[2] && waits[2] < waits[4], waits);
  assert.deepEqual([told.at(-1).status, told.at(-1).trouble.code], ["closed", "gone"]);
});

test("a full server is asked again when it said, and tells why meanwhile", (t) => {
  const { told, line } = connected(t);
  line.receive({ type: "error", error: { code: "server_full", message: "m", retry_after_s: 7 } });
  line.onclose();
  assert.deepEqual([told.at(-1).status, told.at(-1).trouble.code, told.at(-1).retry_s], ["waiting", "server_full", 7]);
  t.mock.timers.tick(6999);
  assert.equal(Line.all.length, 1);
  t.mock.timers.tick(2);
  assert.equal(Line.all.length, 2);
});

test("a server that falls silent counts as gone, and is called again", (t) => {
  const { told, line } = connected(t);
  line.receive({ type: "session.started", session: { id: "s" } });
  line.receive({ type: "session.output_audio.delta", delta: "" });
  t.mock.timers.tick(15001);
  assert.equal(told.at(-1).status, "waiting");
});

test("an error that the session survives does not end it, and a key travels as a subprotocol", (t) => {
  const { told, line } = connected(t, "secret");
  t.mock.method(console, "warn", () => {});
  line.receive({ type: "session.started", session: { id: "s" } });
  line.receive({ type: "error", error: { code: "invalid_audio", message: "m" } });
  line.onclose();
  assert.deepEqual([told.at(-1).status, told.at(-1).trouble], ["waiting", null]);
  assert.deepEqual(line.protocols, ["realtime", "openai-insecure-api-key.secret"]);
});

/** A microphone, as the browser hands it out. */
class Microphone {
  constructor() {
    this.track = { live: true, onended: null, stop: () => (this.track.live = false) };
    this.getTracks = this.getAudioTracks = () => [this.track];
  }
}

/** A browser's sound without any: `ask` answers the permission prompt; `choosy` contexts join no microphone at a rate of the page's choice. */
function soundless({ ask = async () => new Microphone(), choosy = false } = {}) {
  class Node {
    gain = { value: 1 };
    port = { postMessage: () => {} };
    connect = (target) => target;
    disconnect = () => {};
  }
  class Context {
    static all = [];
    static joins = () => new Node();
    audioWorklet = { addModule: async () => {} };
    open = true;

    constructor(options) {
      this.rate = options.sampleRate;
      Context.all.push(this);
    }

    async resume() {}

    createMediaStreamSource(stream) {
      if (choosy && this.rate) throw new DOMException("another rate", "NotSupportedError");
      return Context.joins(stream);
    }

    async close() {
      if (!this.open) throw new DOMException("closed twice", "InvalidStateError");
      this.open = false;
    }
  }
  window.isSecureContext = true;
  window.AudioContext = globalThis.AudioContext = Context;
  window.AudioWorkletNode = globalThis.AudioWorkletNode = globalThis.GainNode = Node;
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { mediaDevices: { getUserMedia: ask } } });
  return Context;
}

/** A conversation whose permission prompt waits for an answer; `started`: the error that its start ends with, or null. */
async function prompted(t, { key = "", ...options } = {}) {
  const prompt = Promise.withResolvers();
  const context = soundless({ ...options, ask: () => prompt.promise });
  t.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.WebSocket = Line;
  Line.all = [];
  const conversation = new Conversation({ url: "ws://x/", model: "tiny", rate: RATE, key, block_s: 0.08 });
  const started = conversation.start({ microphone: true, headset: false }).then(() => null, (error) => error);
  await settled();
  return { conversation, started, prompt, context };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

for (const choosy of [false, true]) {
  test(`a microphone that is allowed is heard until Stop${choosy ? ", in a context of its own rate too" : ""}`, async (t) => {
    const { conversation, started, prompt, context } = await prompted(t, { choosy });
    const microphone = new Microphone();
    prompt.resolve(microphone);
    assert.equal(await started, null);
    assert.ok(microphone.track.live && conversation.hasMicrophone && Line.all.length === 1);
    conversation.stop();
    await settled();
    assert.ok(!microphone.track.live && !conversation.hasMicrophone);
    assert.deepEqual(context.all.map(({ open }) => open), choosy ? [false, false] : [false]);
  });

  test(`a microphone that is allowed after Stop is switched off${choosy ? ", in a context of its own rate too" : ""}`, async (t) => {
    const { conversation, started, prompt, context } = await prompted(t, { choosy });
    conversation.stop();
    const microphone = new Microphone();
    prompt.resolve(microphone);
    await started;
    assert.ok(!microphone.track.live && !conversation.hasMicrophone);
    assert.equal(Line.all.length, 0);
    assert.ok(context.all.every(({ open }) => !open));
  });
}

test("a Stop while the context changes to the microphone's rate switches the microphone off", async (t) => {
  const { conversation, started, prompt, context } = await prompted(t, { choosy: true });
  const microphone = new Microphone();
  context.prototype.close = async function () {
    this.open = false;
    if (!conversation.over) conversation.stop();
  };
  prompt.resolve(microphone);
  await started;
  assert.ok(!microphone.track.live && context.all.length === 1 && Line.all.length === 0);
});

test("a microphone that cannot be joined is switched off, and told", async (t) => {
  const { started, prompt, context } = await prompted(t);
  const microphone = new Microphone();
  context.joins = () => {
    throw new DOMException("no", "InvalidStateError");
  };
  prompt.resolve(microphone);
  assert.match(String(await started), /no/);
  assert.ok(!microphone.track.live && context.all.every(({ open }) => !open) && Line.all.length === 0);
});

test("other settings that come after Stop switch the microphone off, and complain to nobody", async (t) => {
  const { conversation, started, prompt } = await prompted(t);
  const [first, second] = [new Microphone(), new Microphone()];
  prompt.resolve(first);
  await started;
  const again = Promise.withResolvers();
  navigator.mediaDevices.getUserMedia = () => again.promise;
  const listening = conversation.listenWith(true);
  conversation.stop();
  again.resolve(second);
  await listening;
  assert.ok(!first.track.live && !second.track.live);
});

for (const key of ["a/b", "aGk+aGk=", "two words", "schlüssel"]) {
  test(`a key that no browser can send ("${key}") is told, and switches the microphone off`, async (t) => {
    const { conversation, started, prompt } = await prompted(t, { key });
    const [ended, microphone] = [[], new Microphone()];
    conversation.addEventListener("ended", ({ detail }) => ended.push(detail.code));
    prompt.resolve(microphone);
    await started;
    assert.deepEqual(ended, ["key"]);
    assert.ok(!microphone.track.live && Line.all.length === 0);
  });
}

test("a line that the browser refuses on another attempt ends the session, with the trouble told", (t) => {
  const { told, line } = connected(t);
  line.receive({ type: "session.started", session: { id: "s" } });
  line.onclose();
  globalThis.WebSocket = class {
    constructor() {
      throw new DOMException("not from here", "SecurityError");
    }
  };
  t.mock.timers.tick(1000);
  assert.deepEqual([told.at(-1).status, told.at(-1).trouble.code], ["closed", "gone"]);
});

test("a line that cannot even be asked for switches the microphone off", async (t) => {
  const { conversation, started, prompt } = await prompted(t);
  const microphone = new Microphone();
  conversation.live.connect = () => {
    throw new Error("no line");
  };
  prompt.resolve(microphone);
  assert.match(String(await started), /no line/);
  assert.ok(!microphone.track.live);
});

/** An element of a page that nobody sees. */
class Element extends EventTarget {
  dataset = {};
  hidden = true;
  value = "";
  classList = { add() {}, remove() {}, contains: () => false };
  append() {}
  focus() {}
  setAttribute() {}
  replaceChildren() {}
  getContext = () => new Proxy({}, { get: () => () => ({ width: 0 }), set: () => true });
}

/** The whole page, without a browser: a function that finds its elements by their names. */
async function page() {
  const elements = {};
  const at = (id) => (elements[id] ??= new Element());
  const device = Object.assign(new Element(), { value: "headset" });
  globalThis.document = Object.assign(new EventTarget(), {
    body: new Element(),
    createElement: () => new Element(),
    getElementById: at,
    querySelector: () => device,
    querySelectorAll: () => [device],
  });
  Object.assign(globalThis, {
    devicePixelRatio: 1,
    fetch: async () => ({ ok: false }),
    getComputedStyle: () => ({ getPropertyValue: () => "" }),
    location: new URL("http://localhost/"),
    matchMedia: () => new EventTarget(),
    requestAnimationFrame: () => {},
    ResizeObserver: class {
      observe() {}
    },
  });
  Object.defineProperty(globalThis, "localStorage", { configurable: true, value: { getItem: () => null, setItem() {} } });
  soundless();
  await import(new URL("app.js", WEB));
  return at;
}

test("the page offers another try only while one is waited for", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.WebSocket = Line;
  Line.all = [];
  const at = await page();
  const full = { type: "error", error: { code: "server_full", message: "m", retry_after_s: 7 } };
  at("talk").onclick();
  await settled();
  Line.all[0].receive(full);
  Line.all[0].onclose();
  assert.deepEqual([at("message").hidden, at("message-action").textContent], [false, "Try now"]);

  const stale = at("message-action").onclick;
  stale();
  assert.deepEqual([at("message").hidden, Line.all.length], [true, 2]);
  stale(); // a second click, while it is connecting
  assert.equal(Line.all.length, 2);

  Line.all[1].receive(full);
  Line.all[1].onclose();
  assert.equal(at("message").hidden, false);
  at("talk").onclick(); // Stop
  await settled();
  assert.deepEqual([at("message").hidden, document.body.dataset.state], [true, "idle"]);
  stale();
  t.mock.timers.tick(60_000);
  assert.equal(Line.all.length, 2);
});
