// What the artist sees of a node but never saves: zoom, selection, unit, what the last run said.
//
// It lives here by node, because undo throws every node away and builds it anew.

const MOST = 64; // nodes remembered; the one not seen for longest is forgotten

const states = new Map();

function freshState() {
  return {
    view: null, // {first, span} in frames; null: the whole clip
    selection: new Set(), // frames
    frames: [], // of all keyframes when they were last seen
    focus: null, // frame of the keyframe that the keyboard is on
    playhead: 0, // frame, float while playing
    loop: null, // [a, b] in frames
    isLooping: false,
    unit: "frames",
    snapping: true,
    rate: 1,
    click: false,
    panel: null, // which panel is open
    result: null, // what the last run reported
    undoneAt: null, // when undo was asked for with the keyboard in this editor, in ms
  };
}

/** Forgets what was seen under a key. */
export function forget(key) {
  states.delete(key);
}

/** The state kept under a key (null: one that is kept nowhere). */
export function stateOf(key) {
  if (key === null) return freshState();
  const state = states.get(key) ?? freshState();
  states.delete(key);
  states.set(key, state); // last in, last out
  if (states.size > MOST) states.delete(states.keys().next().value);
  return state;
}
