// What can go wrong, in words for the person in front of the page: what it is, and what to do.

export class Trouble extends Error {
  constructor(code, detail = "") {
    super(detail || code);
    this.code = code;
  }
}

const WORDS = {
  insecure: [
    "The browser gives no sound to this address",
    "Microphone and sound work on https:// and on localhost only. Open the page there; parley serve --cert FILE --key FILE speaks https.",
  ],
  unsupported: ["This browser cannot do it", "The page needs AudioWorklet, which every browser of the last years has. Please update yours."],
  refused: [
    "The microphone was refused",
    "Allow it for this page (the sign beside the address) and press the button again, or play a recorded question instead.",
  ],
  missing: ["No microphone was found", "Connect one and press the button again, or play a recorded question instead."],
  busy: ["The microphone cannot be opened", "Another program may hold it. Close that, and press the button again."],
  paused: ["Paused: tap to go on", "The browser stopped the sound: a call, a locked screen, or another program. Nothing is heard meanwhile."],
  unplugged: ["The microphone is gone", "It was unplugged or switched off. Connect it again and press the button beside this."],
  server_full: ["All places are taken", "The server talks with as many people as it can."],
  too_many_sessions: ["Too many conversations from here", "Close the page where it is open a second time."],
  server_overloaded: ["The server is too busy", "It has more to do than it can in time, and takes no new conversations for the moment."],
  draining: ["The server is shutting down", "It takes no new conversations now."],
  stopping: ["The server will stop soon", "Bring the conversation to its end; the dialogue stays here to be downloaded."],
  idle_timeout: ["The conversation was closed after a long silence", "Press the button to begin a new one."],
  expired: ["The conversation reached its longest length", "Press the button to begin a new one."],
  key: ["The server asks for a key", "Type it into the field at the foot of the page, and press Enter."],
  server: ["The server could not go on", "Press the button to begin again."],
  lost: ["The line broke", "The model begins afresh when it is back; the dialogue up to here is kept."],
  gone: ["The server does not answer", "Is parley serve still running? Press the button to try again."],
  recording: ["The recording could not be loaded", "The server did not send it. Ask aloud instead."],
};

/** (title, advice) for a trouble. */
export function wording(trouble) {
  return WORDS[trouble.code] ?? WORDS.server;
}
