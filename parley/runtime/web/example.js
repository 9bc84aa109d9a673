// A dialogue for the empty page: what the shipped model answered to the bundled question-with-pause. Loudest sample of every 40 ms, 0 to z.

const HEARD = "00000000004ce736821165edca72783aa321000000000000ba1117edca70110000000000000000000000000000000000000000000000000000000";
const PLAYED = "00000000000000000000000000000000000000000000000000000000000000000000000000000889abba41751849a1111999aba20000000000000";
const COLUMN_S = 0.04;

const WORDS = [
  ["user", "what", 0.4],
  ["user", "is", 0.66],
  ["user", "the", 0.78],
  ["user", "opposite", 0.95],
  ["user", "of", 1.93],
  ["user", "hot", 2.14],
  ["model", "The", 3.08],
  ["model", "opposite", 3.28],
  ["model", "is", 3.74],
  ["model", "cold.", 3.87],
];
const STATES = [
  ["listening", 2.72],
  ["thinking", 3.08],
  ["speaking", 4.2],
  ["listening", Infinity],
];

/** Draws it on a tape. */
export function example(tape) {
  const loud = (letters, i) => parseInt(letters[i], 36) / 35;
  for (let i = 0; i < HEARD.length; i++) {
    const [state] = STATES.find(([, until_s]) => i * COLUMN_S < until_s);
    for (let half = 0; half < 2; half++) tape.add(loud(HEARD, i), loud(PLAYED, i), state);
  }
  for (const [who, text, start_s] of WORDS) tape.write(who, text, start_s);
  tape.mark({ event: "response", from_s: 2.44, to_s: 3.08 });
}
