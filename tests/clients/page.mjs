// node page.mjs SCENARIO URL OUT [QUESTION.wav]: a real Chromium with a fake microphone on the page; what it heard and saw, as JSON.
//
// OUT/played.wav: what the page sent to the loudspeaker, tapped there and not asked from the page. OUT/dialogue.wav and
// OUT/timeline.jsonl: the page's own downloads.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [scenario, url, out, question] = process.argv.slice(2);
const PATIENCE_MS = 1_200_000; // the machine may be busy
const TAP = readFileSync(new URL("tap.worklet.js", import.meta.url), "utf8");

/** In the page, before its own scripts: whatever is connected to the loudspeaker is also connected to a tap. */
function tapLoudspeaker(source) {
  window.playedPieces = [];
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (target, ...others) {
    if (target instanceof AudioDestinationNode && this instanceof AudioWorkletNode) {
      window.playedRate = this.context.sampleRate;
      this.context.audioWorklet.addModule(URL.createObjectURL(new Blob([source], { type: "text/javascript" }))).then(() => {
        const tap = new AudioWorkletNode(this.context, "tap", { numberOfOutputs: 0 });
        tap.port.onmessage = ({ data }) => window.playedPieces.push(data);
        connect.call(this, tap);
      });
    }
    return connect.call(this, target, ...others);
  };
}

/** {pcm: base64 of 16-bit samples, rate}. */
function played() {
  const bytes = window.playedPieces.flatMap((piece) => [...new Uint8Array(Int16Array.from(piece, (x) => 32767 * x).buffer)]);
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.slice(at, at + 8192));
  return { pcm: btoa(text), rate: window.playedRate };
}

const text = (page, id) => page.textContent(`#${id}`);
const state = (page, wanted) => page.waitForFunction((wanted) => document.body.dataset.state === wanted, wanted);

async function save(page, button, name) {
  const [file] = await Promise.all([page.waitForEvent("download"), page.click(button)]);
  await file.saveAs(join(out, name));
}

/** All that the page shows and keeps after the model has answered and been silent again. */
async function answered(page) {
  await page.waitForFunction(() => document.querySelector("#log .model")?.textContent.trim().endsWith("."));
  await state(page, "listening");
  await page.waitForTimeout(1000);
  const { pcm, rate } = await page.evaluate(played);
  writeFileSync(join(out, "played.raw"), Buffer.from(pcm, "base64"));
  await save(page, "#save-wav", "dialogue.wav");
  await save(page, "#save-timeline", "timeline.jsonl");
  const log = await page.$$eval("#log li", (lines) => lines.map((line) => [line.className, line.querySelector("span").textContent.trim()]));
  const figures = { response: await text(page, "response"), missed: await text(page, "missed"), connection: await text(page, "connection") };
  return { rate, log, figures };
}

const scenarios = {
  /** The fake microphone asks, once. */
  async microphone(page) {
    await page.click("input[value=headset] + span"); // no echo cancellation: the fake microphone's level stays as it is
    await page.focus("#talk");
    await page.keyboard.press("Enter");
    return answered(page);
  },

  /** No microphone: the page plays a recorded question into the session. */
  async recording(page) {
    await page.waitForSelector("#questions:not([hidden])");
    await page.selectOption("#question", question.split("/").at(-2));
    await page.click("#ask");
    return answered(page);
  },

  /** The line breaks in the middle, and comes back. */
  async reconnect(page) {
    const lines = [];
    await page.routeWebSocket(/\/v1\/live\/sessions/, (line) => lines.push([line, line.connectToServer()]));
    await page.click("#talk");
    await state(page, "listening");
    await page.evaluate(() => {
      const told = document.getElementById("connection-text");
      window.seen = [];
      new MutationObserver(() => window.seen.push(told.textContent)).observe(told, { childList: true });
    });
    await lines[0][0].close({ code: 1011 });
    await lines[0][1].close();
    await page.waitForFunction(() => window.seen.at(-1) === "Connected");
    return { seen: await page.evaluate(() => window.seen), lines: lines.length, state: await page.getAttribute("body", "data-state") };
  },

  /** Somebody else has the last place. */
  async full(page) {
    await page.click("#talk");
    await page.waitForSelector("#message:not([hidden])");
    return { title: await text(page, "message-title"), advice: await text(page, "message-advice"), action: await text(page, "message-action") };
  },

  /** The user says no to the microphone. */
  async refused(page) {
    await page.click("#talk");
    await page.waitForSelector("#message:not([hidden])");
    return { title: await text(page, "message-title"), state: await page.getAttribute("body", "data-state") };
  },
};

const answers = question !== undefined && scenario !== "reconnect";
const profile = mkdtempSync(join(tmpdir(), "parley-page-"));
const microphone = {
  refused: ["--deny-permission-prompts"],
  recording: ["--deny-permission-prompts"],
}[scenario] ?? ["--use-fake-ui-for-media-stream", ...(question ? [`--use-file-for-fake-audio-capture=${question}%noloop`] : [])];
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  bypassCSP: answers, // for the tap; the other scenarios keep the page's policy
  reducedMotion: "reduce", // fewer pictures a second
  headless: false, // and --headless=new below: the full browser, without a window
  args: [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    ...microphone,
  ],
  timeout: PATIENCE_MS,
});
try {
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  const foreign = [];
  page.on("request", (request) => new URL(request.url()).origin === new URL(url).origin || foreign.push(request.url()));
  if (answers) await page.addInitScript(tapLoudspeaker, TAP);
  await page.goto(url);
  const found = await scenarios[scenario](page);
  console.log(JSON.stringify({ ...found, complaints, foreign: foreign.filter((each) => !each.startsWith("blob:")) }));
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
