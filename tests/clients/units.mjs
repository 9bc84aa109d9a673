// node --test units.mjs: what the page does with sound, without a browser.
import assert from "node:assert/strict";
import test from "node:test";
import { PIECE, RATE, WEB, silence, tone } from "./fakes.mjs";

const { JitterBuffer, Resampler } = await import(new URL("duplex.worklet.js", WEB));
const { Meter, median } = await import(new URL("meter.js", WEB));
const { Recording } = await import(new URL("recording.js", WEB));
const { decode, encode, toInt16 } = await import(new URL("pcm.js", WEB));

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

test("old speech that is queued when the model yields is not played", () => {
  const buffer = new JitterBuffer(RATE);
  const block = tone(1920);
  for (let i = 0; i < 5; i++) {
    buffer.push(block.slice());
    play(buffer, 0.08);
  }
  play(buffer, 0.8); // the line stalls
  for (let i = 0; i < 10; i++) buffer.push(block.slice()); // what was late
  play(buffer, 0.08);
  const [before, missed, underruns] = [buffer.position + buffer.queued, buffer.missed, buffer.underruns];
  const waiting = buffer.queued / RATE;
  assert.ok(waiting > 0.6, `${waiting} s`);
  buffer.cut(15 * 1920);
  assert.equal(buffer.position + buffer.queued, before); // what is cut counts as over
  const heard = [];
  for (let i = 0; i < 10; i++) {
    buffer.push(silence(1920));
    heard.push(...play(buffer, 0.08));
  }
  const last = heard.findLastIndex((sample) => Math.abs(sample) > 0.01);
  assert.ok(last > 0.003 * RATE && last < 0.006 * RATE, `speech for ${(1000 * last) / RATE} ms`);
  for (let i = 1; i < heard.length; i++) assert.ok(Math.abs(heard[i] - heard[i - 1]) < 0.06, `a click at ${i}`);
  assert.deepEqual([buffer.missed, buffer.underruns], [missed, underruns]); // nothing was missed, and the delay is kept
});

test("what the model says after it has yielded is played whole", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(tone(9600));
  play(buffer, 0.04);
  buffer.push(tone(4800, 0.1));
  buffer.cut(9600);
  const heard = play(buffer, 0.5);
  const kept = heard.findIndex((_, i) => heard.subarray(i, i + 1000).every((sample, at) => sample === Math.fround(tone(1000, 0.1)[at])));
  assert.ok(kept >= 0 && kept < 0.04 * RATE, `at ${kept}`);
  assert.equal(buffer.position, 14400);
});

/** A block of speech that the server itself has given up, as it does: from its full level down to nothing in 5 ms. */
const givenUp = () => Float32Array.from({ length: 1920 }, (_, i) => 0.3 * Math.max(0, 1 - i / 120));

test("the server's own fade, which comes after what was cut here, is not heard again, and what follows is whole", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(tone(9600));
  const heard = [...play(buffer, 0.04)];
  buffer.cut(9600);
  for (const block of [givenUp(), tone(1920, 0.1)]) buffer.push(block);
  heard.push(...play(buffer, 0.5));
  for (let i = 1; i < heard.length; i++) assert.ok(Math.abs(heard[i] - heard[i - 1]) < 0.06, `a click at ${i}`);
  const after = heard.slice(128 * 8 + 120); // the part of it that was played, and its fade
  const quiet = after.findIndex((sample) => sample !== 0);
  assert.ok(quiet >= 1920, `${quiet} samples of silence`);
  assert.deepEqual(after.slice(quiet - 1, quiet + 1919), [...tone(1920, 0.1)]); // its first sample is 0
});

test("where nothing was queued that could be cut, the server's fade is heard", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(tone(1920));
  play(buffer, 0.12);
  assert.equal(buffer.queued, 0);
  buffer.cut(9600);
  const sent = givenUp();
  buffer.push(sent);
  assert.deepEqual(sent, givenUp());
});

test("a new session begins with its first sample though the one before it ended in a cut", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(tone(9600));
  play(buffer, 0.04);
  buffer.cut(9600);
  buffer.clear();
  const sent = tone(1920);
  buffer.push(sent);
  assert.deepEqual(sent, tone(1920));
});

test("a cut of what is over already, and one while nothing is played, do nothing audible", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.cut(1920);
  buffer.push(tone(1920));
  buffer.cut(1920); // before its playing began
  assert.equal(Math.max(...play(buffer, 0.08)), 0);
  buffer.push(tone(1920));
  buffer.cut(1920);
  assert.ok(Math.max(...play(buffer, 0.08)) > 0.29);
});

for (const pieces of [10, 11]) {
  test(`the beginning of speech is not skipped with the silence before it, ${pieces} pieces of which are in chunks of their own`, () => {
    const buffer = new JitterBuffer(RATE);
    buffer.push(silence(1920));
    play(buffer, 0.06);
    const sent = silence(128 * pieces + 64 + 9600);
    sent.set(tone(9600), 128 * pieces + 64);
    for (let at = 0; at < sent.length; at += 64) buffer.push(sent.slice(at, at + 64));
    buffer.surplus = RATE;
    const heard = play(buffer, 0.4);
    const onset = heard.findIndex((sample) => sample !== 0) - 1; // the tone's first sample is 0
    assert.ok(buffer.surplus < RATE && buffer.missed === 0);
    assert.deepEqual(heard.slice(onset, onset + 8000), tone(8000));
  });
}

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

test("an interruption in a pause of the model takes no time, and what begins into the user's speech is no response", () => {
  const meter = new Meter();
  meter.tell("thinking", false);
  meter.tell("speaking", false);
  const events = meet(meter, [1, 0, 0], [1, 0, 0.3], [0.1, 0, 0], [0.1, 0.2, 0]);
  meter.tell("listening", true);
  events.push(...meet(meter, [1, 0.2, 0], [0.5, 0.2, 0.3]));
  const measured = events.filter(({ event }) => event !== "state");
  assert.deepEqual(measured.map(({ event, from_s, to_s }) => [event, to_s - from_s]), [["barge-in", 0]]);
  assert.deepEqual([meter.bargeIns, meter.responses], [[0], []]);
});

test("an interruption with a pause in it begins with its first sound; a backchannel long before it is not its beginning", () => {
  for (const [pause, latency] of [[0.4, 1.7], [0.6, 1]]) {
    const meter = new Meter();
    meter.tell("thinking", false);
    meter.tell("speaking", false);
    meet(meter, [1, 0, 0], [1, 0, 0.3], [0.3, 0.2, 0.3], [pause, 0, 0.3], [1, 0.2, 0.3]);
    meter.tell("listening", true);
    meet(meter, [1, 0, 0]);
    assert.ok(Math.abs(meter.bargeIns[0] - latency) < 0.021, meter.bargeIns);
  }
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
