// The dialogue drawn as it happens: both voices on one line of time, the model's state between them, the words where they are said.

const PIECE_S = 0.02; // of one column
const KEPT_S = 40;
const FRAME_MS = 30; // between two pictures, at least
const CALM_FRAME_MS = 250; // the same where the user wants no motion
const LABEL = "500 12px system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
const WORD = LABEL.replace("500 12px", "500 15px");

export class Tape {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.clear();
    const redraw = () => this.measure();
    new ResizeObserver(redraw).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    this.measure();
    this.drawn = 0;
    requestAnimationFrame((now) => this.frame(now));
  }

  clear() {
    this.columns = []; // [heard, played, state] of each piece, loudest sample of the piece
    this.first = 0; // pieces dropped from the front
    this.words = []; // {who, text, start_s}
    this.marks = []; // {event, from_s, to_s}
    this.dirty = true;
  }

  get now_s() {
    return (this.first + this.columns.length) * PIECE_S;
  }

  add(heard, played, state) {
    this.columns.push([heard, played, state]);
    if (this.columns.length > (KEPT_S + 5) / PIECE_S) {
      const gone = this.columns.length - KEPT_S / PIECE_S;
      this.columns.splice(0, gone);
      this.first += gone;
      const oldest = this.first * PIECE_S;
      this.words = this.words.filter((word) => word.start_s > oldest);
      this.marks = this.marks.filter((mark) => mark.to_s > oldest);
    }
    this.dirty = true;
  }

  write(who, text, start_s) {
    this.words.push({ who, text, start_s });
  }

  mark(mark) {
    this.marks.push(mark);
  }

  /** Takes size and colours from the page. */
  measure() {
    const scale = devicePixelRatio || 1;
    this.width = this.canvas.clientWidth;
    this.height = this.canvas.clientHeight;
    this.canvas.width = Math.round(this.width * scale);
    this.canvas.height = Math.round(this.height * scale);
    this.context.setTransform(scale, 0, 0, scale, 0, 0);
    const style = getComputedStyle(this.canvas);
    this.colour = Object.fromEntries(
      ["user", "model", "ink", "faint", "line", "listening", "thinking", "speaking", "paper"].map((name) => [
        name,
        style.getPropertyValue(`--${name}`).trim(),
      ]),
    );
    this.draw(); // at once: a new size empties the canvas
  }

  frame(now) {
    requestAnimationFrame((later) => this.frame(later));
    if (!this.dirty || now - this.drawn < (this.calm.matches ? CALM_FRAME_MS : FRAME_MS)) return;
    this.drawn = now;
    this.dirty = false;
    this.draw();
  }

  /** Left edge in seconds. It moves with the time; where the user wants no motion, it jumps by a page. */
  left(span_s, shown_s) {
    const behind = this.now_s - shown_s;
    if (!this.calm.matches) return behind;
    return Math.max(0, Math.floor(this.now_s / shown_s)) * shown_s;
  }

  draw() {
    const { context, width, height, colour } = this;
    const span_s = Math.max(5, Math.min(14, width / 84)); // what the whole width holds
    const per_s = width / span_s;
    const shown_s = span_s * (width < 600 ? 0.94 : 0.97); // up to now; a little of the future stays free
    const left_s = this.left(span_s, shown_s);
    const x = (time_s) => (time_s - left_s) * per_s;
    const lanes = { user: 0.25 * height, state: 0.47 * height, model: 0.68 * height, reach: 0.17 * height };
    context.clearRect(0, 0, width, height);
    this.lines(lanes);
    this.states(x, per_s, lanes);
    this.voice(0, x, per_s, lanes.user, lanes.reach, colour.user);
    this.voice(1, x, per_s, lanes.model, lanes.reach, colour.model);
    for (const mark of this.marks) this.bracket(mark, x, lanes);
    this.text("user", x, 0.055 * height + 6);
    this.text("model", x, 0.9 * height);
    if (this.columns.length && !this.canvas.classList.contains("example")) this.nowLine(x(this.now_s));
  }

  lines(lanes) {
    const { context, width, colour } = this;
    context.fillStyle = colour.line;
    for (const y of [lanes.user, lanes.model]) context.fillRect(0, y - 0.5, width, 1);
    context.globalAlpha = 0.6;
    context.fillRect(0, lanes.state - 3, width, 6);
    context.globalAlpha = 1;
  }

  nowLine(x) {
    const { context, height, colour } = this;
    context.fillStyle = colour.faint;
    context.globalAlpha = 0.5;
    context.fillRect(x, 0.08 * height, 1, 0.76 * height);
    context.globalAlpha = 1;
  }

  /** The state as a band, one rectangle for each stretch. */
  states(x, per_s, lanes) {
    const { context, colour, columns, first } = this;
    for (let at = 0; at < columns.length; ) {
      const state = columns[at][2];
      let end = at;
      while (end < columns.length && columns[end][2] === state) end += 1;
      const [from, to] = [x((first + at) * PIECE_S), x((first + end) * PIECE_S)];
      at = end;
      if (to < 0 || !colour[state]) continue;
      context.fillStyle = colour[state];
      context.beginPath();
      context.roundRect(from + 0.5, lanes.state - 3, Math.max(1, to - from - 1), 6, 3);
      context.fill();
    }
  }

  voice(side, x, per_s, centre, reach, colour) {
    const { context, columns, first } = this;
    const wide = PIECE_S * per_s;
    context.fillStyle = colour;
    context.beginPath();
    for (let i = 0; i < columns.length; i++) {
      const at = x((first + i) * PIECE_S);
      if (at < -wide || columns[i][side] < 0.004) continue;
      const tall = Math.max(0.75, reach * Math.min(1, columns[i][side]) ** 0.65);
      context.rect(at, centre - tall, Math.max(1, wide - 0.35), 2 * tall);
    }
    context.fill();
  }

  /** From the end of one voice to the beginning (or end) of the other, with the time between. */
  bracket({ event, from_s, to_s }, x, lanes) {
    const { context, colour } = this;
    const [from, to] = [x(from_s), x(to_s)];
    if (to < -200) return;
    const response = event === "response";
    context.strokeStyle = context.fillStyle = colour.ink;
    context.lineWidth = 1;
    context.beginPath();
    const tip = response ? lanes.state + 9 : lanes.state - 9;
    context.moveTo(from, lanes.state - 9);
    context.lineTo(from, lanes.state + 9);
    context.moveTo(to, lanes.state - 9);
    context.lineTo(to, lanes.state + 9);
    context.moveTo(from, tip);
    context.lineTo(to, tip);
    context.stroke();
    context.font = LABEL;
    context.textAlign = "left";
    context.textBaseline = "middle";
    const ms = Math.round(1000 * (to_s - from_s));
    context.fillText(response ? `${ms} ms` : `yields ${ms} ms`, to + 6, response ? lanes.state + 14 : lanes.state - 14);
  }

  /** Words at the time of their sound, on two rows in turn; one that would cover the word before it moves on. */
  text(who, x, y) {
    const { context, colour } = this;
    context.font = WORD;
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.fillStyle = colour[who];
    const free = [-Infinity, -Infinity];
    const rows = who === "user" ? [0, 18] : [0, 20];
    this.words
      .filter((word) => word.who === who)
      .forEach((word, number) => {
        const row = number % 2;
        const at = Math.max(x(word.start_s), free[row]);
        free[row] = at + context.measureText(word.text).width + 6;
        if (free[row] > 0) context.fillText(word.text, at, y + rows[row]);
      });
  }
}
