// node states.mjs OUT RECORDINGS: the page in a real Chromium against a server that this script plays, so that every state is met.
//
// Each state is drawn wide and narrow, on light and on dark paper, into OUT; what is cut off or lies over something else is told, and
// how the page is used by keyboard, as JSON.
import { createServer } from "node:http";
import { readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { chromium } from "playwright-core";
import { WebSocketServer } from "ws";

const [out, recordings] = process.argv.slice(2);
const WEB = new URL("../../parley/runtime/web/", import.meta.url);
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".wav": "audio/wav" };
const SIZES = { wide: { width: 1100, height: 1100 }, narrow: { width: 360, height: 1500 } }; // the whole page is seen
const PATIENCE_MS = 600_000; // the machine may be busy
const RATE = 24000;
const BLOCK = 1920;
const ANSWER = ["The", "opposite", "of", "hot", "is", "cold,", "and", "what", "lies", "between", "them", "is", "called", "warm."];

/** What the model says here, again and again: the speech of a recording (16-bit, mono), as blocks in base64. */
const wav = readFileSync(join(recordings, "question-name/input.wav"));
const rate = wav.readUInt32LE(24);
const voice = wav.subarray(44 + 2 * Math.round(0.4 * rate), 44 + 2 * Math.round(1.3 * rate));
const blocks = Array.from({ length: Math.floor((voice.length / 2 / rate) * (RATE / BLOCK)) }, (_, block) => {
  const samples = Int16Array.from({ length: BLOCK }, (_, i) => voice.readInt16LE(2 * Math.floor(((block * BLOCK + i) * rate) / RATE)));
  return Buffer.from(samples.buffer).toString("base64");
});
const SILENT = Buffer.alloc(2 * BLOCK).toString("base64");

let keys = false;
const server = createServer((request, response) => {
  const path = new URL(request.url, "http://x").pathname.slice(1) || "index.html";
  const give = (type, body) => response.writeHead(200, { "content-type": type }).end(body);
  try {
    if (path === "v1/config") return give("application/json", JSON.stringify({ model: "tiny", rate: RATE, keys, block_ms: 80 }));
    if (path === "recordings") return give("application/json", JSON.stringify(questions));
    const file = path.startsWith("recordings/") ? join(recordings, path.slice("recordings/".length)) : new URL(path, WEB);
    return give(TYPES[extname(path)], readFileSync(file));
  } catch {
    return response.writeHead(404).end();
  }
});
const questions = [
  { name: "question-with-pause", segments: [{ text: "what is the opposite" }, { text: "of hot" }] },
  { name: "question-name", segments: [{ text: "what is your name" }] },
];
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
let answer = null; // takes the line of the page that is visited
new WebSocketServer({ server }).on("connection", (line) => answer(line));
const url = `http://localhost:${server.address().port}/`;

/** The other end of the page's line: a block of sound for every block heard. `turn`: what the model does next; `polite`: it yields. */
class Model {
  constructor(line) {
    Object.assign(this, { line, heard: 0, block: 0, at: 0, word: 0, loud: 0, polite: false });
    line.on("message", (message) => this.accept(JSON.parse(message)));
  }

  send(event) {
    this.line.send(JSON.stringify(event));
  }

  accept(event) {
    if (event.type === "session.start") {
      this.send({ type: "session.started", session: { id: "s" } });
      this.turn("listening");
    }
    if (event.type !== "session.input_audio.append") return;
    const samples = Buffer.from(event.audio, "base64");
    this.heard += samples.length / 2;
    let peak = 0;
    for (let i = 0; i < samples.length; i += 2) peak = Math.max(peak, Math.abs(samples.readInt16LE(i)));
    this.loud = peak > 1500 ? this.loud + 1 : 0;
    for (; this.heard >= BLOCK; this.heard -= BLOCK) this.speak();
  }

  turn(state, interrupted = false) {
    this.state = state;
    this.send({ type: "parley.state", state, interrupted, at_ms: 80 * (this.block + 1) });
  }

  speak() {
    if (this.polite && this.state === "speaking" && this.loud > 5) this.turn("listening", true); // 0.1 s of the user
    this.block += 1;
    const speaking = this.state === "speaking";
    this.send({ type: "session.output_audio.delta", delta: speaking ? blocks[this.at++ % blocks.length] : SILENT });
    if (!speaking || this.at % 4 !== 1 || this.word === ANSWER.length) return;
    const delta = ` ${ANSWER[this.word++]}`;
    this.send({ type: "session.output_transcript.delta", delta, start_ms: 80 * this.block, end_ms: 80 * this.block + 300 });
  }
}

/** In the page: whatever sticks out of the window, is cut off, or lies over something else that is to be read or pressed. */
function flaws() {
  const kinds = "h1, p, button, select, input[type=password], .choice span, dt, dd, li, label, legend, .lane";
  const shown = [...document.querySelectorAll(kinds)]
    .filter((each) => each.checkVisibility({ visibilityProperty: true }))
    .map((element) => ({ element, name: element.id || element.textContent.trim().slice(0, 20), box: element.getBoundingClientRect() }))
    .filter(({ box }) => box.width && box.height);
  const shared = (from, to, other_from, other_to) => Math.min(to, other_to) - Math.max(from, other_from) > 2;
  const apart = (a, b) => !a.contains(b) && !b.contains(a) && !(a.closest("#log") && b.closest("#log")); // the log scrolls
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) found.push(`the page is ${document.documentElement.scrollWidth} px wide`);
  shown.forEach(({ element, name, box }, at) => {
    if (box.left < -0.5 || box.right > innerWidth + 0.5) found.push(`${name} sticks out`);
    if (element.tagName !== "SELECT" && element.scrollWidth > element.clientWidth + 1 && element.clientWidth) found.push(`${name} is cut off`);
    for (const { element: other, name: cover, box: there } of shown.slice(at + 1)) {
      const over = shared(box.left, box.right, there.left, there.right) && shared(box.top, box.bottom, there.top, there.bottom);
      if (over && apart(element, other)) found.push(`${cover} lies over ${name}`);
    }
  });
  return found;
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: false, // and --headless=new below: the full browser, without a window
  args: [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    `--use-file-for-fake-audio-capture=${join(recordings, "question-with-pause/input.wav")}`,
    "--host-resolver-rules=MAP parley.test 127.0.0.1",
  ],
  timeout: PATIENCE_MS,
});
const found = { shots: {}, flaws: [], complaints: [] };

/** A page of its own, which `drive` uses; `before` runs in it first, `model()` is the other end of its newest line. */
async function visit(size, { address = url, line = (socket) => new Model(socket), before, key = false }, drive) {
  keys = key;
  const context = await browser.newContext({ viewport: SIZES[size], isMobile: size === "narrow", hasTouch: size === "narrow", reducedMotion: "reduce" });
  await context.grantPermissions(["microphone"], { origin: new URL(address).origin }).catch(() => {});
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.on("pageerror", (error) => found.complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && found.complaints.push(message.text()));
  if (before) await page.addInitScript(before);
  let model = null;
  answer = (socket) => (model = line(socket));
  const protocol = await context.newCDPSession(page);
  await page.goto(address);
  await page.waitForLoadState("networkidle");
  const state = (wanted) => page.waitForFunction((wanted) => document.body.dataset.state === wanted, wanted);
  const draw = async (name) => {
    const seen = await page.evaluate(() => ({
      state: document.getElementById("state").textContent,
      message: document.getElementById("message").hidden ? null : document.getElementById("message-title").textContent,
    }));
    (found.shots[name] ??= []).push(seen);
    found.flaws.push(...(await page.evaluate(flaws)).map((flaw) => `${name}, ${size}: ${flaw}`));
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(500); // the tape is drawn again
      const { data } = await protocol.send("Page.captureScreenshot"); // page.screenshot waits for frames that a busy machine never draws
      writeFileSync(join(out, `${name}-${size}-${colorScheme}.png`), Buffer.from(data, "base64"));
    }
    await page.emulateMedia({ colorScheme: "light" });
  };
  const result = await drive({ page, state, draw, model: () => model });
  await context.close();
  return result;
}

const never = () => (navigator.mediaDevices.getUserMedia = () => new Promise(() => {}));
const refuses = () => (navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError")));
const message = (page) => page.waitForSelector("#message:not([hidden])");

/** A sound that the page cannot take up again until `restore` is called. */
function holdContexts() {
  const contexts = [];
  const { resume } = AudioContext.prototype;
  window.AudioContext = class extends AudioContext {
    constructor(...options) {
      super(...options);
      contexts.push(this);
    }
  };
  window.interrupt = () => {
    AudioContext.prototype.resume = () => Promise.reject(new Error("a tap, please"));
    return contexts.at(-1).suspend();
  };
  window.restore = () => (AudioContext.prototype.resume = resume);
}

async function dialogue({ page, state, draw, model }) {
  await draw("idle");
  await page.click("#talk");
  await state("listening");
  await page.waitForTimeout(3500);
  await draw("listening");
  model().turn("thinking");
  await state("thinking");
  await page.waitForTimeout(300);
  await draw("thinking");
  model().turn("speaking");
  await state("speaking");
  await page.waitForTimeout(4000);
  await draw("speaking");
  model().polite = true;
  await state("listening");
  await draw("yielded");
  await page.evaluate(() => window.interrupt());
  await state("paused");
  await draw("paused");
  await page.evaluate(() => window.restore());
  await page.focus("#message-action");
  await page.keyboard.press("Space");
  await state("listening");
  await page.click("#talk");
  await state("idle");
  await draw("over");
}

async function keyboard({ page, state }) {
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.value);
  const held = (id) => page.getAttribute(id, "aria-pressed");
  const tabs = async (count) => {
    const order = [await focused()];
    for (let i = 1; i < count; i++) order.push((await page.keyboard.press("Tab"), await focused()));
    return order;
  };
  const idle = await tabs(5);
  await page.focus("#talk");
  await page.keyboard.press("Enter");
  await state("listening");
  const talking = await tabs(8);
  await page.focus("#mute");
  await page.keyboard.press("Space");
  const muted = await held("#mute");
  await page.keyboard.press("Enter");
  const unmuted = await held("#mute");
  await page.focus("input[value=loudspeaker]");
  await page.keyboard.press("ArrowRight");
  const device = await page.evaluate(() => localStorage.getItem("device"));
  await page.focus("input[value=soon]");
  await page.keyboard.press("ArrowRight");
  const answers = await page.evaluate(() => localStorage.getItem("answers"));
  await page.focus("#question");
  await page.keyboard.press("Space"); // opens the list
  await page.keyboard.press("Escape"); // closes it
  await page.keyboard.press("Escape");
  const escaped = await page.getAttribute("body", "data-state");
  await page.focus("#talk");
  await page.keyboard.press("Escape");
  await state("idle");
  return { idle, talking, muted, unmuted, device, answers, escaped };
}

async function withKey({ page, state, draw }) {
  await page.click("#talk");
  await message(page);
  await draw("key-asked");
  await page.keyboard.type("secret"); // the field has the focus
  await page.keyboard.press("Enter");
  await state("listening");
}

async function broken({ page, state, draw, model }) {
  await page.click("#talk");
  await state("listening");
  await page.waitForTimeout(1000);
  model().line.close(1011);
  await state("waiting");
  await message(page); // the second attempt fails too
  await draw("reconnecting");
}

async function told(name, { page, draw }) {
  await page.click("#talk");
  await message(page);
  await draw(name);
}

const FULL = { type: "error", error: { code: "server_full", message: "m", retry_after_s: 30 } };

try {
  for (const size of Object.keys(SIZES)) {
    let lines = 0;
    const once = (socket) => (lines++ ? socket.close(1011) : new Model(socket));
    const full = (socket) => socket.on("message", () => (socket.send(JSON.stringify(FULL)), socket.close(1013)));
    await visit(size, { before: holdContexts }, dialogue);
    await visit(size, { before: never }, async ({ page, draw }) => (await page.click("#talk"), await draw("asking")));
    await visit(size, { before: refuses }, (each) => told("refused", each));
    await visit(size, { line: once }, broken);
    await visit(size, { line: full }, (each) => told("full", each));
    await visit(size, { address: url.replace("localhost", "parley.test") }, ({ draw }) => draw("insecure"));
    await visit(size, { key: true }, withKey);
  }
  found.keyboard = await visit("wide", {}, keyboard);
  console.log(JSON.stringify(found));
} finally {
  await browser.close();
  server.close();
  server.closeAllConnections();
}
