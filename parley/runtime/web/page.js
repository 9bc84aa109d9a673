// What the page shows. It knows nothing of sound and line.

import { median } from "./meter.js";
import { wording } from "./troubles.js";

export const at = (id) => document.getElementById(id);

/** The big word, and the colours that go with it. */
export function show(state, word) {
  document.body.dataset.state = state;
  write("state", word);
}

/** Writes only what is new: a screen reader says it again otherwise. */
function write(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text;
}

export function connection(kind, text) {
  at("connection").dataset.kind = kind;
  at("connection-text").textContent = text;
}

/** A trouble in words; `action`: {name, run} of a button beside it. */
export function complain(trouble, more = "", action = null) {
  const [title, advice] = wording(trouble);
  write("message-title", title);
  write("message-advice", `${advice} ${more}`.trim());
  at("message-action").hidden = !action;
  write("message-action", action?.name ?? "");
  at("message-action").onclick = action?.run ?? null;
  at("message").hidden = false;
  if (trouble.code === "key") at("key").focus();
}

export function calm() {
  if (at("message").contains(document.activeElement)) at("talk").focus(); // the keyboard's place is not lost with its button
  at("message").hidden = true;
}

/** The buttons while a conversation runs, and while none does. */
export function running(on, microphone) {
  at("talk").textContent = on ? "Stop" : "Start talking";
  at("talk").dataset.on = on;
  at("mute").hidden = !on || !microphone;
}

/** Whether a screen reader tells the state, the words and the line; through a loudspeaker the model would hear it. */
export function aloud(on) {
  for (const id of ["state", "log", "connection"]) at(id).setAttribute("aria-live", on ? "polite" : "off");
}

/** What a browser keeps for the page, if it keeps anything: some are told not to. */
export const kept = {
  read(name) {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  },
  write(name, value) {
    try {
      localStorage.setItem(name, value);
    } catch {
      return; // it is forgotten with the page
    }
  },
};

/** Whether there is a dialogue to download. */
export function keepable(there) {
  for (const id of ["save-wav", "save-timeline"]) at(id).disabled = !there;
}

/** The button is pressed, and keeps its name: a screen reader tells both. */
export function muted(on) {
  at("mute").setAttribute("aria-pressed", String(on));
}

/** Keeps the screen lit while a conversation runs, where the browser can and wants to. */
export class Lamp {
  async burn(on) {
    this.on = on;
    if (on && !this.lock && document.visibilityState === "visible") {
      this.lock = await navigator.wakeLock?.request("screen").catch(() => null);
      this.lock?.addEventListener("release", () => (this.lock = null)); // a page that is hidden loses it
    }
    if (!this.on) this.lock?.release();
  }
}

/** `responses`, `bargeIns` in seconds; the newest is shown, the median beside it. */
export function latencies({ responses, bargeIns }) {
  for (const [id, values] of [["response", responses], ["barge-in", bargeIns]]) {
    at(id).textContent = values.length ? ms(values.at(-1)) : "–";
    at(`${id}-note`).textContent = values.length > 1 ? `median ${ms(median(values))} of ${values.length}` : "";
  }
}

/** What the jitter buffer reports, and how often the server was too late to hear the user. */
export function buffer({ missed_s, queued_s, margin_s }, drops) {
  at("missed-note").textContent = drops ? `and ${drops} times of yours` : "";
  at("missed").textContent = ms(missed_s);
  at("buffer").textContent = ms(queued_s);
  at("buffer-note").textContent = `margin ${ms(margin_s)}`;
}

function ms(seconds) {
  return seconds < 10 ? `${Math.round(1000 * seconds)} ms` : `${Math.round(seconds)} s`;
}

/** The dialogue in words: one line a turn. */
export class Log {
  clear() {
    at("log").replaceChildren();
    this.who = null;
  }

  /** What comes next begins a new line. */
  pause() {
    this.who = null;
  }

  add(who, text) {
    if (this.who !== who) {
      const name = Object.assign(document.createElement("b"), { textContent: who === "user" ? "You" : "Model" });
      this.words = document.createElement("span");
      const line = Object.assign(document.createElement("li"), { className: who });
      line.append(name, this.words);
      at("log").append(line);
      this.who = who;
    }
    this.words.append(text);
    at("log").scrollTop = at("log").scrollHeight;
  }

  /** The turn that is being written was given up. */
  cut() {
    if (this.who !== "model") return;
    this.words.classList.add("cut");
    at("log").scrollTop = at("log").scrollHeight;
  }
}
