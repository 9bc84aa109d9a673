// The dialogue as it was heard and played: stereo WAV (user left, model right) and a timeline, one JSON object a line.

import { toInt16, wavHeader } from "./pcm.js";

const PART_S = 10; // of audio in one blob, which the browser may move to disk

export class Recording {
  constructor(rate) {
    this.rate = rate;
    this.seconds = 0;
    this.lines = [];
    this.parts = [];
    this.open = []; // interleaved pieces of the part that is not full yet
    this.openFrames = 0;
  }

  get empty() {
    return this.seconds === 0;
  }

  /** One piece (Float32Array each, equally long) of both sides. */
  add(heard, played) {
    const [left, right] = [toInt16(heard), toInt16(played)];
    const both = new Int16Array(2 * left.length);
    for (let i = 0; i < left.length; i++) {
      both[2 * i] = left[i];
      both[2 * i + 1] = right[i];
    }
    this.open.push(both);
    this.openFrames += left.length;
    this.seconds += left.length / this.rate;
    if (this.openFrames >= PART_S * this.rate) {
      this.parts.push(new Blob(this.open));
      this.open = [];
      this.openFrames = 0;
    }
  }

  /** One event at `start_s` seconds of the recording. */
  note(start_s, event, fields = {}) {
    this.lines.push({ start_s: Math.round(1000 * start_s) / 1000, event, ...fields });
  }

  wav() {
    const audio = [...this.parts, ...this.open];
    const bytes = audio.reduce((sum, part) => sum + (part.size ?? part.byteLength), 0);
    return new Blob([wavHeader(bytes / 4, 2, this.rate), ...audio], { type: "audio/wav" });
  }

  timeline(summary) {
    const lines = [...this.lines].sort((a, b) => a.start_s - b.start_s);
    const text = [...lines, { summary }].map((line) => JSON.stringify(line)).join("\n");
    return new Blob([text, "\n"], { type: "application/jsonl" });
  }
}

/** Lets the user keep `blob` as a file. */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
