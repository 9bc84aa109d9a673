// node agents.mjs URL QUESTION.raw OUT.raw: @openai/agents-realtime asks (16-bit samples at 24 kHz) and hears the answer; JSON of what it saw.
import { readFileSync, writeFileSync } from "node:fs";
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession } from "@openai/agents-realtime";

const [url, question, out] = process.argv.slice(2);
const PIECE = 4800; // bytes: 100 ms
const SILENCE = new ArrayBuffer(PIECE);
const asked = readFileSync(question);

const agent = new RealtimeAgent({ name: "parley" });
const transport = new OpenAIRealtimeWebSocket({ url: `${url}/v1/realtime?model=tiny`, useInsecureApiKey: true });
const session = new RealtimeSession(agent, { transport, model: "tiny", tracingDisabled: true });
const types = [];
const errors = [];
const audio = [];
let interruptions = 0;
session.on("transport_event", (event) => types.push(event.type));
session.on("error", (error) => errors.push(JSON.stringify(error)));
session.on("audio", (event) => audio.push(Buffer.from(event.data)));
session.on("audio_interrupted", () => (interruptions += 1));
const output = new Promise((resolve) => session.on("agent_end", (context, agent, output) => resolve(output)));

await session.connect({ apiKey: "none" });
let at = 0;
const speaking = setInterval(() => {
  const piece = asked.subarray(at, at + PIECE);
  at += PIECE;
  session.sendAudio(piece.length ? piece.buffer.slice(piece.byteOffset, piece.byteOffset + piece.length) : SILENCE);
}, 100);
const said = await output;
clearInterval(speaking);
const transcripts = session.history
  .filter((item) => item.role === "assistant")
  .map((item) => item.content.map((part) => part.transcript ?? "").join(""));
session.close();
writeFileSync(out, Buffer.concat(audio));
console.log(JSON.stringify({ said, transcripts, types, errors, interruptions }));
process.exit(0);
