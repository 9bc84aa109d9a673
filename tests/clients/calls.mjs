// node --test calls.mjs: the line, the microphone and the page, without a browser.
import assert from "node:assert/strict";
import test from "node:test";
import { Line, Microphone, PIECE, RATE, WEB, page, settled, silence, soundless, tone } from "./fakes.mjs";

const { Live } = await import(new URL("live.js", WEB));
const { Conversation } = await import(new URL("conversation.js", WEB));

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

/** A session whose first sound has come. */
function sounding(t) {
  const { line, ...others } = connected(t);
  line.receive({ type: "session.started", session: { id: "s" } });
  line.receive({ type: "session.output_audio.delta", delta: "" });
  return { line, ...others };
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

test("a server whose sessions begin and make no sound is given up at last", (t) => {
  const { told } = connected(t);
  for (let attempt = 0; attempt < 8; attempt++) {
    const line = Line.all.at(-1);
    line.receive({ type: "session.started", session: { id: "s" } });
    t.mock.timers.tick(15_001); // no sound
    if (told.at(-1).status === "waiting") t.mock.timers.tick(1000 * told.at(-1).retry_s + 1);
  }
  assert.deepEqual([told.at(-1).status, told.at(-1).trouble.code], ["closed", "gone"]);
});

test("a line that is too slow loses what is said while it is, and that is told once", (t) => {
  const { live, line } = connected(t);
  let drops = 0;
  live.addEventListener("dropped", () => drops++);
  line.receive({ type: "session.started", session: { id: "s" } });
  for (const waiting of [0, 3 * RATE + 1, 3 * RATE + 1, 0, 3 * RATE + 1]) {
    line.bufferedAmount = waiting;
    live.send(new Int16Array(PIECE));
  }
  assert.deepEqual([line.sent.filter(({ type }) => type.endsWith("append")).length, drops], [2, 2]);
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

test("a server that falls silent counts as gone within 3 s, and is called again", (t) => {
  const { told, line } = sounding(t);
  t.mock.timers.tick(2900);
  line.receive({ type: "session.output_audio.delta", delta: "" });
  t.mock.timers.tick(2900);
  assert.equal(told.at(-1).status, "open");
  t.mock.timers.tick(101);
  assert.deepEqual([told.at(-1).status, line.readyState], ["waiting", 3]);
});

test("before its first sound a server has more time", (t) => {
  const { told, line } = connected(t);
  line.receive({ type: "session.started", session: { id: "s" } });
  t.mock.timers.tick(14_000);
  assert.equal(told.at(-1).status, "open");
  t.mock.timers.tick(1001);
  assert.equal(told.at(-1).status, "waiting");
});

for (const local of [true, false]) {
  test(`a browser that goes offline ${local ? "keeps a line on which sound still comes" : "has lost its line at once"}`, (t) => {
    const { told, line } = sounding(t);
    window.dispatchEvent(new Event("offline"));
    t.mock.timers.tick(200);
    if (local) line.receive({ type: "session.output_audio.delta", delta: "" });
    t.mock.timers.tick(200);
    assert.equal(told.at(-1).status, local ? "open" : "waiting");
    window.dispatchEvent(new Event("online"));
    assert.equal(told.at(-1).status, local ? "open" : "connecting");
  });
}

test("a page that was asleep listens again before it gives the line up", (t) => {
  const { told, line } = sounding(t);
  const clock = t.mock.method(performance, "now", () => 1e9); // hours later
  t.mock.timers.tick(3001);
  assert.equal(told.at(-1).status, "open");
  line.receive({ type: "session.output_audio.delta", delta: "" });
  clock.mock.restore();
  t.mock.timers.tick(2900);
  assert.equal(told.at(-1).status, "open");
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

/** A conversation whose permission prompt waits for an answer; `started`: the error that its start ends with, or null. */
async function prompted(t, { key = "", ...options } = {}) {
  const prompt = Promise.withResolvers();
  const context = soundless({ ...options, ask: () => prompt.promise });
  t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  globalThis.WebSocket = Line;
  Line.all = [];
  const conversation = new Conversation({ url: "ws://x/", model: "tiny", rate: RATE, key, block_s: 0.08 });
  const started = conversation.start({ microphone: true, headset: false }).then(() => null, (error) => error);
  await settled();
  return { conversation, started, prompt, context };
}

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
  await settled();
  conversation.stop();
  again.resolve(second);
  await listening;
  assert.ok(!first.track.live && !second.track.live);
});

/** A conversation whose microphone and line are open: `sent` is what its worklet is told, `piece` reports one piece from there. */
async function open(t) {
  const { conversation, started, prompt, ...others } = await prompted(t);
  const microphone = new Microphone();
  prompt.resolve(microphone);
  await started;
  const sent = [];
  conversation.sound.duplex.port.postMessage = (message) => sent.push(message);
  Line.all[0].onopen();
  Line.all[0].receive({ type: "session.started", session: { id: "s" } });
  const report = { queued_s: 0.02, margin_s: 0.02, missed_s: 0, underruns: 0 };
  const piece = (position_s, more = {}) =>
    conversation.sound.duplex.port.onmessage({ data: { ...report, heard: silence(PIECE), played: silence(PIECE), position_s, ...more } });
  return { conversation, microphone, sent, piece, line: Line.all[0], ...others };
}

test("when the model yields, its queued speech is cut and the words in it are never shown", async (t) => {
  const { conversation, sent, piece, line } = await open(t);
  const shown = [];
  conversation.addEventListener("words", ({ detail }) => shown.push(detail.text));
  const word = (delta, start_ms) => line.receive({ type: "session.output_transcript.delta", delta, start_ms, end_ms: start_ms + 80 });
  word(" played", 800);
  word(" queued", 1200);
  piece(0.8);
  line.receive({ type: "parley.state", state: "listening", interrupted: true, at_ms: 1600 });
  word(" said", 1600);
  assert.deepEqual(sent.at(-1), { until_s: 1.52 }); // the first sound is played one block after the session's beginning
  piece(1.6);
  assert.deepEqual(shown, [" played", " said"]);
  const count = sent.length;
  line.receive({ type: "parley.state", state: "listening", interrupted: false, at_ms: 2400 });
  assert.equal(sent.length, count); // an answer that is over is played to its end
});

test("while the browser has stopped the sound, the line is left alone and no session begun; a return goes on", async (t) => {
  const { conversation, context, line } = await open(t);
  const [told, rests] = [[], []];
  conversation.live.addEventListener("status", ({ detail }) => told.push(detail.status));
  conversation.addEventListener("rest", ({ detail }) => rests.push(detail));
  line.receive({ type: "session.output_audio.delta", delta: "" });
  const [sound] = context.all;
  sound.obedient = false; // a phone's call
  sound.turn("interrupted");
  sound.turn("suspended");
  t.mock.timers.tick(60_000);
  assert.deepEqual([told, rests], [[], [true]]);
  line.onclose();
  t.mock.timers.tick(60_000);
  conversation.retry();
  assert.deepEqual([told, Line.all.length], [["waiting"], 1]);
  sound.obedient = true;
  conversation.wake(); // the page is seen again, or touched
  assert.deepEqual([rests, told, Line.all.length], [[true, false], ["waiting", "connecting"], 2]);
});

test("a sound that the browser can take up by itself again is not waited for, and its line is watched again", async (t) => {
  const { conversation, context, line } = await open(t);
  line.receive({ type: "session.output_audio.delta", delta: "" });
  const rests = [];
  conversation.addEventListener("rest", ({ detail }) => rests.push(detail));
  context.all[0].turn("suspended");
  assert.deepEqual(rests, [true, false]);
  t.mock.timers.tick(2900);
  assert.ok(conversation.talking);
  t.mock.timers.tick(101);
  assert.ok(!conversation.talking);
});

test("a sound that is said to run and stands still is told as a pause, and begun again by a tap", async (t) => {
  let now_ms = 1000;
  t.mock.method(performance, "now", () => now_ms);
  const { conversation, context, piece } = await open(t);
  const rests = [];
  conversation.addEventListener("rest", ({ detail }) => rests.push(detail));
  const pass = (ms) => {
    now_ms += ms;
    t.mock.timers.tick(ms);
  };
  for (let second = 0; second < 3; second++) {
    piece(second);
    pass(999);
  }
  assert.deepEqual(rests, []);
  pass(1000); // after a phone's call: "running", and no piece comes
  pass(1000);
  assert.deepEqual(rests, [true]);
  conversation.wake();
  await settled();
  assert.deepEqual([rests, context.all[0].turns], [[true, false], ["running", "suspended", "running"]]);
  piece(3);
  pass(999);
  assert.deepEqual(rests, [true, false]);
});

test("a recorded question whose line breaks is over, and its words are not taken for said", async (t) => {
  const { conversation, context, piece, line } = await open(t);
  const [ended, shown] = [[], []];
  conversation.addEventListener("words", ({ detail }) => shown.push(detail.text));
  globalThis.fetch = async () => ({ ok: true, arrayBuffer: async () => new ArrayBuffer(8) });
  context.prototype.decodeAudioData = async () => ({});
  await conversation.ask({ url: "q.wav", segments: [{ text: "what is two and two", start_s: 1, end_s: 2 }] }, () => ended.push(true));
  line.onclose();
  assert.deepEqual(ended, [true]);
  t.mock.timers.tick(1000);
  Line.all[1].onopen();
  Line.all[1].receive({ type: "session.started", session: { id: "s" } });
  for (let i = 0; i < 150; i++) piece(i / 50);
  assert.deepEqual(shown, []);
});

test("a microphone that was unplugged can be had again", async (t) => {
  const { conversation, microphone } = await open(t);
  microphone.track.onended();
  assert.ok(!conversation.hasMicrophone);
  navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException("none", "NotFoundError");
  };
  await assert.rejects(conversation.plugIn(false), { code: "missing" });
  navigator.mediaDevices.getUserMedia = async () => new Microphone();
  await conversation.plugIn(false);
  assert.ok(conversation.hasMicrophone && conversation.wantsMicrophone);
});

test("a browser that begins no sound without a tap has the conversation wait for one", async (t) => {
  const { conversation, started, prompt, context } = await prompted(t, { obedient: false });
  t.mock.timers.tick(2001);
  await settled();
  prompt.resolve(new Microphone());
  await started;
  assert.deepEqual([conversation.resting, Line.all.length], [true, 0]);
  context.all[0].obedient = true;
  conversation.wake();
  assert.deepEqual([conversation.resting, Line.all.length], [false, 1]);
});

test("a context of the microphone's own rate sounds, and is as muted as the one before", async (t) => {
  const { conversation, started, prompt, context } = await prompted(t, { choosy: true });
  conversation.mute(true);
  prompt.resolve(new Microphone());
  await started;
  assert.deepEqual(context.all.map(({ state }) => state), ["running", "running"]);
  assert.equal(conversation.sound.voice.gain.value, 0);
  conversation.mute(false);
  assert.equal(conversation.sound.voice.gain.value, 1);
});

test("what was missed is counted for the whole conversation, through every reconnection", async (t) => {
  const { conversation, piece, line } = await open(t);
  const missed = [];
  conversation.addEventListener("piece", ({ detail }) => missed.push(detail.report.missed_s));
  piece(1, { missed_s: 0.5 });
  line.onclose();
  t.mock.timers.tick(1000);
  Line.all[1].onopen();
  Line.all[1].receive({ type: "session.started", session: { id: "s" } });
  piece(0.02);
  piece(1, { missed_s: 0.25 });
  piece(2, { missed_s: 0.25 });
  assert.deepEqual(missed, [0.5, 0.5, 0.75, 0.75]);
});

test("of settings that change faster than the microphone opens, the last one holds, and one microphone is on", async (t) => {
  const { conversation, microphone } = await open(t);
  const asked = [];
  navigator.mediaDevices.getUserMedia = ({ audio }) => {
    const answer = Promise.withResolvers();
    asked.push({ headset: !audio.echoCancellation, microphone: new Microphone(), answer });
    return answer.promise;
  };
  const all = [true, false, true, false].map((headset) => conversation.listenWith(headset));
  for (let i = 0; i < 4; i++) {
    await settled();
    for (const { answer, microphone } of asked.toReversed()) answer.resolve(microphone); // the first one last
  }
  await Promise.all(all);
  assert.equal(asked.at(-1).headset, false);
  assert.ok(conversation.sound.microphone.stream === asked.at(-1).microphone && !microphone.track.live);
  assert.deepEqual(asked.map(({ microphone }) => microphone.track.live), asked.map((_, i) => i === asked.length - 1));
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

test("the page offers another try only while one is waited for, goes on after a pause, and ends by Escape", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.WebSocket = Line;
  Line.all = [];
  const { at, sound, microphones, device, answers } = await page();
  const full = { type: "error", error: { code: "server_full", message: "m", retry_after_s: 7 } };
  at("talk").onclick();
  await settled();
  Line.all[0].receive(full);
  Line.all[0].onclose();
  assert.deepEqual([at("message").hidden, at("message-action").textContent], [false, "Try now"]);

  const stale = at("message-action").onclick;
  stale();
  assert.deepEqual([at("message").hidden, Line.all.length], [false, 2]); // it stays, and its button with it, until there is a place
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

  at("talk").onclick();
  await settled();
  Line.all[2].receive({ type: "session.started", session: { id: "s" } });
  assert.deepEqual([document.body.dataset.state, at("state").textContent], ["listening", "Listening"]);
  const context = sound.all.at(-1);
  context.obedient = false;
  context.turn("interrupted");
  assert.deepEqual([document.body.dataset.state, at("message").hidden], ["paused", false]);
  assert.equal(at("message-title").textContent, "Paused: tap to go on");
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(document.body.dataset.state, "paused"); // this browser wants a tap
  context.obedient = true;
  document.dispatchEvent(new Event("pointerdown"));
  assert.deepEqual([document.body.dataset.state, at("message").hidden], ["listening", true]);

  microphones.at(-1).track.onended();
  context.turn("interrupted");
  document.dispatchEvent(new Event("pointerdown"));
  const gone = () => [document.body.dataset.state, at("message").hidden, at("mute").hidden];
  assert.deepEqual([at("message-title").textContent, ...gone()], ["The microphone is gone", "listening", false, true]); // after the pause too
  at("message-action").onclick();
  await settled();
  assert.deepEqual(gone(), ["listening", true, false]);
  const aloud = () => ["state", "log", "connection"].map((id) => at(id).attributes["aria-live"]);
  assert.deepEqual(aloud(), ["polite", "polite", "polite"]);
  const mute = () => [at("mute").textContent, at("mute").attributes["aria-pressed"]];
  const [name] = mute();
  at("mute").onclick();
  assert.deepEqual(mute(), [name, "true"]); // and not "unmute, pressed"
  at("mute").onclick();
  assert.deepEqual(mute(), [name, "false"]);
  const patience = (line) => line.sent.filter(({ type }) => type === "parley.patience").map(({ patient }) => patient);
  answers.value = "later";
  answers.onchange();
  answers.value = "soon";
  answers.onchange();
  assert.deepEqual(patience(Line.all[2]), [true, false]);
  answers.value = "later"; // of the next conversation from its beginning
  device.value = "loudspeaker";
  device.onchange();
  assert.deepEqual(aloud(), ["off", "off", "off"]); // the model would hear it
  await settled();

  document.activeElement = at("question");
  at("question").matches = (names) => names.split(", ").includes("select");
  const escape = () => document.dispatchEvent(Object.assign(new Event("keydown"), { key: "Escape" }));
  escape(); // closes the list
  assert.equal(document.body.dataset.state, "listening");
  document.activeElement = at("talk");
  escape();
  await settled();
  assert.equal(document.body.dataset.state, "idle");

  at("settings").onsubmit(new Event("submit")); // Enter in the field of the key
  await settled();
  assert.equal(Line.all.length, 4);
  assert.deepEqual(patience(Line.all[3]), []);
  Line.all[3].receive({ type: "session.started", session: { id: "s" } });
  assert.deepEqual(patience(Line.all[3]), [true]);
  at("talk").onclick();
});
