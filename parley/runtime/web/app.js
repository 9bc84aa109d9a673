// Joins the page and the conversation.

import { Conversation } from "./conversation.js";
import { example } from "./example.js";
import { Lamp, Log, aloud, at, buffer, calm, complain, connection, keepable, kept, latencies, muted, running, show } from "./page.js";
import { download } from "./recording.js";
import { Tape } from "./tape.js";
import { Trouble } from "./troubles.js";

const STATES = { listening: "Listening", thinking: "Thinking", speaking: "Speaking" };
const PIECES_A_FIGURE = 25; // the buffer is shown twice a second
const WARM_UP_MS = 400; // between a session's beginning and a recorded question

const tape = new Tape(at("tape"));
const log = new Log();
const lamp = new Lamp();
const key = at("key");
let config = { model: "tiny", rate: 24000, keys: false, block_ms: 80 };
let conversation = null; // the one that runs
let finished = null; // the one before, for the downloads
let question = null; // to be played as soon as there is a session
let isMuted = false;

async function start(microphone) {
  if (config.keys && !key.value) return complain(new Trouble("key"));
  const mine = (conversation = new Conversation(server()));
  mine.wait(patient());
  calm();
  log.clear();
  tape.clear();
  at("tape").classList.remove("example");
  latencies(mine.meter);
  mute(false);
  follow(mine);
  buttons(true, false);
  lamp.burn(true);
  connection("connecting", "Connecting");
  show("connecting", microphone ? "May it hear you?" : "Connecting");
  try {
    await mine.start({ microphone, headset: headset() });
    if (mine === conversation) buttons(true, microphone);
  } catch (error) {
    if (mine === conversation) ended(mine, error instanceof Trouble ? error : new Trouble("unsupported", String(error)));
  }
}

function follow(mine) {
  let pieces = 0;
  const on = (name, react) => mine.addEventListener(name, ({ detail }) => mine === conversation && react(detail));
  on("status", status);
  on("state", (state) => {
    show(state, STATES[state]);
    if (state === "thinking") log.pause(); // an answer of its own
  });
  on("measured", (measured) => {
    tape.mark(measured);
    latencies(mine.meter);
    if (measured.event === "barge-in") log.cut();
  });
  on("words", ({ who, text, start_s }) => {
    log.add(who, text);
    tape.write(who, text.trim(), start_s);
  });
  on("piece", ({ heard, played, state, report, drops }) => {
    tape.add(heard, played, state);
    if (pieces++ % PIECES_A_FIGURE === 0) buffer(report, drops);
  });
  on("rest", rest);
  on("unplugged", () => {
    buttons(true, false);
    settle();
  });
  on("draining", () => complain(new Trouble("stopping")));
  on("ended", (trouble) => ended(mine, trouble));
}

async function plugIn(mine) {
  try {
    await mine.plugIn(headset());
  } catch (error) {
    if (mine === conversation) complain(error, "", { name: "Try again", run: () => plugIn(mine) });
    return;
  }
  if (mine !== conversation) return;
  settle();
  buttons(true, true);
  mute(isMuted);
}

function buttons(on, microphone) {
  running(on, microphone);
  aloud(!microphone || headset());
}

/** No trouble is told any more, but for a microphone that is still gone. */
function settle() {
  calm();
  const mine = conversation;
  if (mine.unplugged) complain(new Trouble("unplugged"), "", { name: "Use the microphone", run: () => plugIn(mine) });
}

function status({ status, trouble, retry_s, attempt }) {
  const again = `Trying again in ${Math.ceil(retry_s)}\u00a0s.`;
  const retry = { name: "Try now", run: () => conversation?.retry() };
  switch (status) {
    case "connecting":
      connection(status, "Connecting");
      if (document.body.dataset.state === "waiting") break; // what it waits for stays on the page
      calm();
      show("connecting", "Connecting");
      break;
    case "open":
      connection(status, "Connected");
      show("listening", STATES.listening);
      settle();
      keepable(true);
      if (question) setTimeout(play, WARM_UP_MS, question);
      question = null;
      break;
    case "waiting":
      connection(status, trouble ? "Waiting for a place" : "Reconnecting");
      show("waiting", trouble ? "One moment" : "Reconnecting");
      if (trouble) complain(trouble, again, retry);
      else if (attempt > 1) complain(new Trouble("lost"), again, retry);
  }
  if (conversation?.resting) rest(true);
}

/** The browser has stopped the sound, or lets it go on. */
function rest(resting) {
  const { meter, talking } = conversation;
  if (resting) {
    show("paused", "Paused");
    complain(new Trouble("paused"), "", { name: "Go on", run: () => conversation?.wake() });
  } else {
    settle();
    if (talking) show(meter.state, STATES[meter.state]);
  }
}

/** Back to the beginning; the dialogue stays on the page. */
function ended(mine, trouble) {
  if (!mine.recording.empty) finished = mine;
  conversation = null;
  question = null;
  buttons(false, false);
  lamp.burn(false);
  connection("closed", "Not connected");
  show("idle", mine.recording.empty ? "Talk with it" : "Goodbye");
  at("ask").disabled = false;
  keepable(Boolean(finished));
  if (trouble?.code === "gone" && config.keys && !mine.live.opened) complain(new Trouble("key")); // a refused key looks like a server that is gone
  else if (trouble) complain(trouble);
  else calm();
}

function stop() {
  const mine = conversation;
  mine.stop();
  if (mine === conversation) ended(mine, null);
}

function mute(on) {
  isMuted = on;
  muted(on);
  conversation?.mute(on);
}

function headset() {
  return document.querySelector("input[name=device]:checked").value === "headset";
}

function patient() {
  return document.querySelector("input[name=answers]:checked").value === "later";
}

function server() {
  const url = new URL("v1/live/sessions?parley=1", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return { url, model: config.model, rate: config.rate, key: key.value, block_s: config.block_ms / 1000 };
}

// --- what the server offers

async function fetched(path, otherwise) {
  const response = await fetch(path).catch(() => null);
  return response?.ok ? response.json() : otherwise;
}

/** Learns the model's name and whether a key is needed; fills the list of recordings, which stays hidden where there are none. */
async function offer() {
  config = { ...config, ...(await fetched("v1/config", {})) };
  at("settings").hidden = !config.keys;
  const recordings = await fetched("recordings", []);
  const options = recordings.map(({ name, segments }) => new Option(segments.map(({ text }) => text).join(" … "), name));
  at("question").replaceChildren(...options);
  at("questions").hidden = recordings.length === 0;
  at("ask").onclick = () => ask(recordings[at("question").selectedIndex]);
}

function ask({ name, segments }) {
  const wanted = { url: `recordings/${name}/input.wav`, segments };
  if (conversation?.talking) return play(wanted);
  question = wanted;
  if (!conversation) start(false);
}

async function play(wanted) {
  const mine = conversation;
  if (!mine) return;
  at("ask").disabled = true;
  log.pause();
  try {
    await mine.ask(wanted, () => (at("ask").disabled = false));
  } catch (error) {
    at("ask").disabled = false;
    if (mine === conversation) complain(error);
  }
}

// --- buttons

at("talk").onclick = () => {
  question = null;
  if (conversation) stop();
  else start(true);
};
at("settings").onsubmit = (event) => {
  event.preventDefault();
  if (!conversation) start(!question); // what the key was missing for
};
at("mute").onclick = () => mute(!isMuted);
for (const radio of document.querySelectorAll("input[name=device]")) {
  radio.checked = radio.value === (kept.read("device") ?? "loudspeaker");
  radio.onchange = () => {
    kept.write("device", radio.value);
    aloud(!conversation?.hasMicrophone || headset());
    conversation?.listenWith(headset()).catch(complain);
  };
}
for (const radio of document.querySelectorAll("input[name=answers]")) {
  radio.checked = radio.value === (kept.read("answers") ?? "soon");
  radio.onchange = () => {
    kept.write("answers", radio.value);
    conversation?.wait(patient());
  };
}
/** The dialogue that the downloads are of: the one before, until the one that runs has a sound. */
function downloadable() {
  return !conversation || conversation.recording.empty ? finished : conversation;
}

at("save-wav").onclick = () => downloadable() && download(downloadable().recording.wav(), "dialogue.wav");
at("save-timeline").onclick = () => {
  if (!downloadable()) return;
  const { recording, summary } = downloadable();
  download(recording.timeline(summary), "timeline.jsonl");
};
window.addEventListener("pagehide", () => conversation?.stop());
document.addEventListener("keydown", (event) => {
  const inside = document.activeElement?.matches("select, #key"); // there Escape closes a list, or gives up what was typed
  if (event.key === "Escape" && conversation && !inside) stop();
});
document.addEventListener("pointerdown", () => conversation?.wake());
document.addEventListener("visibilitychange", () => {
  if (!conversation || document.visibilityState === "hidden") return;
  conversation.wake();
  lamp.burn(true);
});
if (!window.isSecureContext) complain(new Trouble("insecure"));
show("idle", "Talk with it");
example(tape);
offer();
