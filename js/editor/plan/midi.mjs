// @ts-check
// Keyframes as a standard MIDI file, and the notes or markers of one as keyframes. Notes on the timeline are its lyrics.

import { PlanError } from "./errors.mjs";
import { isOwnName, keyframeOfMarker, markerName, oneLine, readMarkers } from "./markers.mjs";
import { frameAt, timeAt } from "./timebase.mjs";

/** @import { Note } from "./markers.mjs" */
/** @import { Keyframe } from "./plan.mjs" */

const TICKS = 9600; // per quarter note: 19200 a second, far finer than a frame
const QUARTER_US = 500_000; // 120 beats a minute, what a file without a tempo has too
const NOTE_TICKS = TICKS / 8;
/** General MIDI's drums: bass drum, snare, closed hi-hat. */
const PITCHES = new Map([
  ["first", 36],
  ["peak", 38],
  ["valley", 42],
  ["fill", 44],
  ["manual", 40],
]);
const DRUMS = 0x99; // note on, channel 10
const META = 0xff;
const LYRIC = 0x05;
const MARKER = 0x06;
const TEMPO = 0x51;
const END = 0x2f;
const CHUNK_HEAD = 8; // bytes: a chunk's name and its length

/** @typedef {{ tick: number, text?: string, lyric?: string, quarterUs?: number }} Event a note has tick alone */

/**
 * A file of one track: a note on the drum channel and a marker for every keyframe, a lyric for every text.
 * @param {Keyframe[]} keyframes @param {Note[]} texts @param {number} fps @returns {Uint8Array<ArrayBuffer>}
 */
export function midiFile(keyframes, texts, fps) {
  const perSecond = (TICKS * 1e6) / QUARTER_US;
  /** @type {{ tick: number, bytes: number[] }[]} */
  const events = [{ tick: 0, bytes: [META, TEMPO, 3, ...bigEndian(QUARTER_US, 3)] }];
  keyframes.forEach((keyframe, i) => {
    const tick = Math.round(timeAt(keyframe.frame, fps) * perSecond);
    const next = keyframes[i + 1] ? Math.round(timeAt(keyframes[i + 1].frame, fps) * perSecond) : Infinity;
    const pitch = PITCHES.get(keyframe.kind) ?? 40;
    events.push({ tick, bytes: words(MARKER, markerName(keyframe)) });
    events.push({ tick, bytes: [DRUMS, pitch, 100] });
    events.push({ tick: Math.min(tick + NOTE_TICKS, next), bytes: [DRUMS, pitch, 0] });
  });
  for (const { time_s, text } of texts) {
    events.push({ tick: Math.round(time_s * perSecond), bytes: words(LYRIC, oneLine(text)) });
  }
  events.sort((a, b) => a.tick - b.tick); // stable: a note ends before the next one begins
  const track = [];
  let at = 0;
  for (const { tick, bytes } of [...events, { tick: null, bytes: [META, END, 0] }]) {
    track.push(...varying(tick === null ? 0 : tick - at), ...bytes);
    at = tick ?? at;
  }
  const header = [0, 0, 0, 1, ...bigEndian(TICKS, 2)];
  return Uint8Array.from([...chunk("MThd", header), ...chunk("MTrk", track)]);
}

/** @param {number} type @param {string} text @returns {number[]} a meta event */
function words(type, text) {
  const bytes = new TextEncoder().encode(text);
  return [META, type, ...varying(bytes.length), ...bytes];
}

/**
 * Whether bytes begin as a MIDI file does.
 * @param {Uint8Array} bytes @returns {boolean}
 */
export const isMidi = (bytes) => String.fromCharCode(...bytes.slice(0, 4)) === "MThd";

/**
 * A keyframe at every note of every track, at every marker where there are no notes; as texts the lyrics, and the names
 * that other programs gave to markers. Throws
 * PlanError for a file that is damaged, or has neither notes nor markers.
 * @param {Uint8Array} bytes @param {number} fps @returns {{ keyframes: Keyframe[], texts: Note[] }}
 */
export function midiMarkers(bytes, fps) {
  const { division, format, events } = readFile(bytes);
  if (format > 1) throw new PlanError(`The MIDI file is of format ${format}; save it as format 0 or 1.`);
  const toSeconds = clock(events, division);
  const frameOf = (/** @type {Event} */ { tick }) => frameAt(toSeconds(tick), fps);
  const notes = events.filter((event) => Object.keys(event).length === 1);
  const markers = events.filter(({ text }) => text !== undefined);
  if (!notes.length && !markers.length) {
    throw new PlanError("The MIDI file has no notes and no markers; choose one that has.");
  }
  const named = markers.map((marker) => ({ frame: frameOf(marker), name: (marker.text ?? "").trim() }));
  const read = readMarkers(named, fps);
  const names = new Map(named.filter(({ name }) => isOwnName(name)).map(({ frame, name }) => [frame, name]));
  const struck = notes.length ? notes.map(frameOf) : read.keyframes.map(({ frame }) => frame);
  const frames = [...new Set(struck)].sort((a, b) => a - b);
  const keyframes = frames.map((frame) => keyframeOfMarker(frame, names.get(frame) ?? ""));
  const lyrics = events.filter(({ lyric }) => lyric?.trim());
  const sung = lyrics.map((event) => ({ time_s: timeAt(frameOf(event), fps), text: event.lyric?.trim() ?? "" }));
  return { keyframes, texts: [...read.texts, ...sung] };
}

/**
 * Ticks to seconds by all tempos of the file; a division below 0 is frames a second and ticks a frame (SMPTE).
 * @param {Event[]} events @param {number} division @returns {(tick: number) => number}
 */
function clock(events, division) {
  if (division & 0x8000) {
    const rate = 256 - (division >> 8);
    const perSecond = (rate === 29 ? 30000 / 1001 : rate) * (division & 0xff);
    return (tick) => tick / perSecond;
  }
  const tempos = events.filter(({ quarterUs }) => quarterUs !== undefined).sort((a, b) => a.tick - b.tick);
  return (tick) => {
    let [seconds, from, quarterUs] = [0, 0, QUARTER_US];
    for (const tempo of tempos) {
      if (tempo.tick >= tick) break;
      seconds += ((tempo.tick - from) * quarterUs) / division / 1e6;
      [from, quarterUs] = [tempo.tick, tempo.quarterUs ?? quarterUs];
    }
    return seconds + ((tick - from) * quarterUs) / division / 1e6;
  };
}

/** @param {Uint8Array} bytes @returns {{ format: number, division: number, events: Event[] }} */
function readFile(bytes) {
  const file = reader(bytes);
  const header = file.chunk();
  const format = header.number(2);
  header.number(2);
  const division = header.number(2);
  if (!division || (division & 0x8000 && !(division & 0xff))) throw damaged("its time division is 0");
  /** @type {Event[]} */
  const events = [];
  while (file.left() >= CHUNK_HEAD) {
    // some programs leave a byte or two behind the last track
    const track = file.chunk();
    if (track.id === "MTrk") readTrack(track, events);
  }
  return { format, division, events };
}

/** @param {ReturnType<typeof reader> & { id: string }} track @param {Event[]} events */
function readTrack(track, events) {
  let [tick, running] = [0, 0];
  while (track.left()) {
    tick += track.varying();
    const status = track.peek() >= 0x80 ? track.number(1) : running;
    if (status < 0xf0) running = status; // others leave that of the notes in force, in files of some programs
    if (status === META) {
      const type = track.number(1);
      const data = track.take(track.varying());
      if (type === END) return;
      if (type === MARKER) events.push({ tick, text: new TextDecoder().decode(data) });
      if (type === LYRIC) events.push({ tick, lyric: new TextDecoder().decode(data) });
      if (type === TEMPO && data.length === 3)
        events.push({ tick, quarterUs: data[0] * 65536 + data[1] * 256 + data[2] });
    } else if (status >= 0xf0) {
      track.take(track.varying()); // messages of one maker
    } else if (status >= 0x80) {
      const kind = status >> 4;
      const data = track.take(kind === 0xc || kind === 0xd ? 1 : 2);
      if (kind === 0x9 && data[1] > 0) events.push({ tick }); // loudness 0 ends a note
    } else {
      throw damaged("a track begins without a message");
    }
  }
}

/** @param {Uint8Array} bytes */
function reader(bytes) {
  let at = 0;
  const take = (/** @type {number} */ n) => {
    if (at + n > bytes.length) throw damaged("it ends too early");
    at += n;
    return bytes.subarray(at - n, at);
  };
  const number = (/** @type {number} */ n) => take(n).reduce((sum, byte) => sum * 256 + byte, 0);
  return {
    take,
    number,
    left: () => bytes.length - at,
    peek: () => bytes[at] ?? 0,
    varying() {
      let value = 0;
      for (let i = 0; i < 4; i++) {
        const byte = number(1);
        value = value * 128 + (byte & 0x7f);
        if (byte < 0x80) return value;
      }
      throw damaged("a length has too many bytes");
    },
    chunk() {
      const id = String.fromCharCode(...take(4));
      return { id, ...reader(take(number(4))) };
    },
  };
}

/** @param {string} why */
const damaged = (why) => new PlanError(`The MIDI file is damaged (${why}); export it again.`);

/** @param {string} id @param {number[]} data @returns {number[]} */
const chunk = (id, data) => [...new TextEncoder().encode(id), ...bigEndian(data.length, 4), ...data];

/** @param {number} value @param {number} n @returns {number[]} */
const bigEndian = (value, n) => Array.from({ length: n }, (_, i) => Math.floor(value / 256 ** (n - 1 - i)) % 256);

/** @param {number} value @returns {number[]} seven bits a byte, all but the last with the eighth set */
function varying(value) {
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest; rest = Math.floor(rest / 128)) bytes.unshift((rest % 128) + 128);
  return bytes;
}
