// A browser for node: its line, microphone, sound and page, none of them real.
export const WEB = new URL("../../parley/runtime/web/", import.meta.url);
export const RATE = 24000;
export const PIECE = 480;

globalThis.sampleRate = RATE;
globalThis.AudioWorkletProcessor = class {};
globalThis.registerProcessor = () => {};
globalThis.window = new EventTarget();

export const tone = (length, level = 0.3, rate = RATE) => Float32Array.from({ length }, (_, i) => level * Math.sin((2 * Math.PI * 440 * i) / rate));
export const silence = (length) => new Float32Array(length);
export const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A WebSocket whose other end is the test; like a browser's, it takes only such subprotocols as HTTP can carry. */
export class Line {
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

/** A microphone, as the browser hands it out. */
export class Microphone {
  constructor() {
    this.track = { live: true, onended: null, stop: () => (this.track.live = false) };
    this.getTracks = this.getAudioTracks = () => [this.track];
  }
}

/**
 * A browser's sound without any: `ask` answers the permission prompt; `choosy` contexts join no microphone at a rate of the page's choice.
 * A context begins suspended; while it is not `obedient`, it stays in the state that `turn` gives it.
 */
export function soundless({ ask = async () => new Microphone(), choosy = false, obedient = true } = {}) {
  class Node {
    port = { postMessage: () => {} };
    connect = (target) => target;
    disconnect = () => {};

    constructor(context, options) {
      this.gain = { value: options?.gain ?? 1 };
    }
  }
  class Question extends Node {
    start = () => {};
    stop = () => this.onended();
  }
  class Context {
    static all = [];
    static joins = () => new Node();
    audioWorklet = { addModule: async () => {} };
    open = true;
    state = "suspended";
    obedient = obedient;
    turns = []; // every state that it came to

    constructor(options) {
      this.rate = options.sampleRate;
      Context.all.push(this);
    }

    turn(state) {
      this.state = state;
      this.turns.push(state);
      this.onstatechange?.();
    }

    async resume() {
      if (this.obedient) this.turn("running");
    }

    async suspend() {
      this.turn("suspended");
    }

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
  globalThis.AudioBufferSourceNode = Question;
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { mediaDevices: { getUserMedia: ask } } });
  return Context;
}

/** An element of a page that nobody sees. */
class Element extends EventTarget {
  dataset = {};
  hidden = true;
  value = "";
  classList = { add() {}, remove() {}, contains: () => false };
  append() {}
  focus() {}
  matches = () => false;
  contains = () => false;
  attributes = {};
  setAttribute(name, value) {
    this.attributes[name] = value;
  }
  replaceChildren() {}
  getContext = () => new Proxy({}, { get: () => () => ({ width: 0 }), set: () => true });
}

/** The whole page, without a browser that keeps anything: a function that finds its elements by their names, and what it opened. */
export async function page() {
  const elements = {};
  const at = (id) => (elements[id] ??= new Element());
  const device = Object.assign(new Element(), { value: "headset" });
  const answers = Object.assign(new Element(), { value: "soon" });
  const radio = (names) => (names.includes("name=answers") ? answers : device);
  globalThis.document = Object.assign(new EventTarget(), {
    body: new Element(),
    createElement: () => new Element(),
    getElementById: at,
    querySelector: radio,
    querySelectorAll: (names) => [radio(names)],
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
  const storage = {
    get() {
      throw new DOMException("blocked", "SecurityError");
    },
  };
  Object.defineProperty(globalThis, "localStorage", { configurable: true, ...storage });
  const microphones = [];
  const sound = soundless({ ask: async () => (microphones.push(new Microphone()), microphones.at(-1)) });
  await import(new URL("app.js", WEB));
  return { at, sound, microphones, device, answers };
}
