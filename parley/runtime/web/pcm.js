// Samples in and out of bytes: 16-bit PCM, base64, WAV.

/** Float32Array in [-1, 1] -> Int16Array. */
export function toInt16(samples) {
  return Int16Array.from(samples, (sample) => Math.round(32767 * Math.max(-1, Math.min(1, sample))));
}

/** Int16Array -> Float32Array. */
export function toFloat(samples) {
  return Float32Array.from(samples, (sample) => sample / 32768);
}

/** Int16Array -> base64 of its little-endian bytes. */
export function encode(samples) {
  const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

/** base64 of little-endian bytes -> Int16Array. */
export function decode(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length & ~1);
  for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(at);
  return new Int16Array(bytes.buffer);
}

/** The 44 bytes before `frames` frames of 16-bit samples. */
export function wavHeader(frames, channels, rate) {
  const header = new DataView(new ArrayBuffer(44));
  const ascii = (at, text) => [...text].forEach((letter, i) => header.setUint8(at + i, letter.charCodeAt(0)));
  const bytes = 2 * channels * frames;
  ascii(0, "RIFF");
  header.setUint32(4, 36 + bytes, true);
  ascii(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true);
  header.setUint16(22, channels, true);
  header.setUint32(24, rate, true);
  header.setUint32(28, 2 * channels * rate, true);
  header.setUint16(32, 2 * channels, true);
  header.setUint16(34, 16, true);
  ascii(36, "data");
  header.setUint32(40, bytes, true);
  return header.buffer;
}
