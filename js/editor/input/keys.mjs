// @ts-check
// The keyboard: which key does what. The help page and the menu say the same as this table.
//
// Ctrl and Cmd belong to ComfyUI (undo, run, copy), but for Ctrl+A. "mod": Shift, Alt or Ctrl+ in front of the key.

/**
 * [keys as `keyName` names them, name of the command, its argument].
 * @type {[string[], string, any?][]}
 */
export const KEYS = [
  [["ArrowLeft"], "nudge", -1],
  [["ArrowRight"], "nudge", 1],
  [["Shift+ArrowLeft"], "nudge", -5],
  [["Shift+ArrowRight"], "nudge", 5],
  [["Alt+ArrowLeft", "<"], "stretch", -1],
  [["Alt+ArrowRight", ">"], "stretch", 1],
  [["ArrowUp", "J", "PageUp"], "step", -1],
  [["ArrowDown", "K", "PageDown"], "step", 1],
  [["Shift+ArrowUp", "Shift+J"], "extend", -1],
  [["Shift+ArrowDown", "Shift+K"], "extend", 1],
  [["Home"], "stepTo", 0],
  [["End"], "stepTo", -1],
  [["Ctrl+A"], "selectAll"],
  [["Escape"], "escape"],
  [["Enter"], "typeFrame"],
  [["P"], "typeWords"],
  [["A", "Insert"], "addHere"],
  [["Delete", "Backspace"], "remove"],
  [["L"], "toggleLock"],
  [["1"], "changeKind", "peak"],
  [["2"], "changeKind", "valley"],
  [["3"], "changeKind", "fill"],
  [["4"], "changeKind", "manual"],
  [["E"], "distribute"],
  [["N"], "snapToOnsets"],
  [["Shift+N"], "noteHere"],
  [["S"], "toggleSnapping"],
  [["Space"], "togglePlay"],
  [["I"], "loopFrom"],
  [["O"], "loopTo"],
  [["R"], "toggleLoop"],
  [["H"], "toggleHalfSpeed"],
  [["C"], "toggleClick"],
  [["U"], "nextUnit"],
  [["G"], "nextBeatGrid"],
  [["+", "="], "zoom", 1.5],
  [["-"], "zoom", 1 / 1.5],
  [["Shift+PageUp", ","], "pan", -0.25],
  [["Shift+PageDown", "."], "pan", 0.25],
  [["0", "F"], "fit"],
  [["T"], "togglePanel", "text"],
  [["M", "ContextMenu", "Shift+F10"], "openMenu"],
];

const BY_KEY = new Map(KEYS.flatMap(([keys, command, argument]) => keys.map((key) => [key, { command, argument }])));
const HELD = new Set(["nudge", "stretch"]); // one step of undo for as long as the key is down
const REPEATED = new Set([...HELD, "step", "extend", "zoom", "pan"]); // what a key that stays down does again and again

/**
 * A key press as the table names it: "Shift+ArrowLeft", "A", "+". Signs carry their Shift already.
 * @param {Pick<KeyboardEvent, "key" | "shiftKey" | "altKey" | "ctrlKey" | "metaKey">} press @returns {string}
 */
export function keyName({ key, shiftKey, altKey, ctrlKey, metaKey }) {
  const isSign = key.length === 1 && !/[a-z0-9]/i.test(key) && key !== " ";
  const name = key === " " ? "Space" : key.length === 1 ? key.toUpperCase() : key;
  const shift = shiftKey && !isSign ? "Shift+" : "";
  return (ctrlKey || metaKey ? "Ctrl+" : "") + (altKey && !isSign ? "Alt+" : "") + shift + name;
}

/**
 * What a key press means: {command, argument, isHeld, repeats}, or null.
 * @param {Parameters<typeof keyName>[0]} event
 * @returns {{ command: string, argument?: any, isHeld: boolean, repeats: boolean } | null}
 */
export function commandOf(event) {
  const found = BY_KEY.get(keyName(event));
  return found ? { ...found, isHeld: HELD.has(found.command), repeats: REPEATED.has(found.command) } : null;
}

/**
 * The first key of a command, for menus and tooltips; "" if it has none.
 * @param {string} command @param {any} [argument] @returns {string}
 */
export function keyOf(command, argument = undefined) {
  const row = KEYS.find(([, name, value]) => name === command && (argument === undefined || value === argument));
  return row ? row[0][0].replace("Arrow", "") : "";
}
