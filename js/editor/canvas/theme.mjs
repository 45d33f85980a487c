// @ts-check
// The editor's colours, taken from ComfyUI's palette, whichever it is: dark, light, or one that somebody made.
//
// Kinds have the hues of preview/style.py. Each is moved towards white or black until it stands out on this palette.

/** @typedef {number[]} Colour [r, g, b] */
/** @typedef {"panel" | "raised" | "outside" | "line" | "grid" | "gridStrong" | "text" | "dim" | "waveform" | "curve"} Ground */
/** @typedef {"curveFar" | "curveTop" | "curveBottom" | "onset" | "beat" | "accent" | "accentFaint" | "selected"} Mark */
/** @typedef {"selectedLine" | "playhead" | "onPlayhead" | "chip" | "font"} Other */
/** @typedef {Record<Ground | Mark | Other, string> & { kinds: Record<string, string> }} Theme colours as CSS text; kinds: of
 * keyframes */

const HUES = {
  dark: { first: "#ffffff", peak: "#f5a623", valley: "#4aa3ff", fill: "#9aa0a6", manual: "#e86ad8", curve: "#5cd6ac" },
  light: { first: "#1c1f24", peak: "#b65f00", valley: "#0b63c9", fill: "#6a7078", manual: "#b01f9e", curve: "#0a8a63" },
};
const GRAPHIC = 3; // contrast that WCAG 2.1 asks of graphics, criterion 1.4.11
const TEXT = 4.5; // and of text, 1.4.3

/**
 * What is read of the palette, and ComfyUI's own dark one in case a variable is missing.
 * @type {Record<"panel" | "text" | "accent", [string, string]>}
 */
const VARIABLES = {
  panel: ["--comfy-menu-bg", "#171718"],
  text: ["--input-text", "#dddddd"],
  accent: ["--p-primary-color", "#3d9bf0"],
};

/**
 * The theme around an element: every colour as CSS text, and the font's family.
 *
 * Costs a style computation and one small canvas; read it again when the palette changes, not at each drawing.
 * @param {Element} element @returns {Theme}
 */
export function readTheme(element) {
  const style = getComputedStyle(element);
  const canvas = new OffscreenCanvas(1, 1);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  const read = (/** @type {[string, string]} */ [variable, fallback]) =>
    resolved(context, style.getPropertyValue(variable).trim(), fallback);
  const { panel, text, accent } = VARIABLES;
  return themeOf({ panel: read(panel), text: read(text), accent: read(accent) }, style.fontFamily || "sans-serif");
}

/**
 * [r, g, b] of any colour that CSS knows, color-mix() and names included: painted, and looked at.
 * @param {OffscreenCanvasRenderingContext2D} context @param {string} text @param {string} fallback @returns {Colour}
 */
function resolved(context, text, fallback) {
  context.fillStyle = fallback;
  if (text) context.fillStyle = text; // what is no colour leaves the fallback
  context.clearRect(0, 0, 1, 1);
  context.fillRect(0, 0, 1, 1);
  const [r, g, b, alpha] = context.getImageData(0, 0, 1, 1).data;
  return alpha < 128 ? fromHex(fallback) : [r, g, b];
}

/**
 * The theme of a palette {panel, text, accent}, each [r, g, b].
 * @param {Record<"panel" | "text" | "accent", Colour>} palette @param {string} [font] @returns {Theme}
 */
export function themeOf(palette, font = "sans-serif") {
  const dark = isDark(palette.panel);
  const ink = dark ? [255, 255, 255] : [0, 0, 0];
  const raised = mix(palette.panel, ink, dark ? 0.055 : 0.045); // the ground of ruler and keyframes
  const outside = mix(palette.panel, [0, 0, 0], dark ? 0.35 : 0.09); // before and after the clip
  const ground = dark ? raised : outside; // the hardest to stand out from
  const clear = (/** @type {Colour} */ colour, /** @type {number} */ least) => standingOut(colour, ground, least, ink);
  const text = clear(palette.text, 7);
  const hues = Object.entries(HUES[dark ? "dark" : "light"]);
  const { curve, ...kinds } = Object.fromEntries(hues.map(([name, hex]) => [name, clear(fromHex(hex), GRAPHIC)]));
  const accent = clear(palette.accent, GRAPHIC);
  return {
    font,
    panel: css(palette.panel),
    raised: css(raised),
    outside: css(outside),
    line: css(mix(palette.panel, ink, dark ? 0.16 : 0.2)),
    grid: css(ink, dark ? 0.06 : 0.07),
    gridStrong: css(ink, dark ? 0.12 : 0.13),
    text: css(text),
    dim: css(clear(mix(text, raised, 0.4), TEXT)),
    waveform: css(mix(palette.panel, text, dark ? 0.34 : 0.36)),
    curve: css(curve),
    curveFar: css(curve, 0.45), // far out, where it is a surface
    curveTop: css(curve, dark ? 0.26 : 0.22),
    curveBottom: css(curve, 0.03),
    onset: css(clear(mix(curve, text, 0.35), GRAPHIC)),
    beat: css(text, dark ? 0.38 : 0.42),
    accent: css(accent),
    accentFaint: css(accent, dark ? 0.16 : 0.13),
    selected: css(text, dark ? 0.2 : 0.16),
    selectedLine: css(text),
    playhead: css(clear(fromHex(dark ? "#ff5f57" : "#d3261d"), GRAPHIC)),
    onPlayhead: css(dark ? [20, 8, 8] : [255, 255, 255]),
    chip: css(mix(palette.panel, ink, dark ? 0.14 : 0.02), 0.96),
    kinds: Object.fromEntries(Object.entries(kinds).map(([kind, colour]) => [kind, css(colour)])),
  };
}

// Colours as [r, g, b] from 0 to 255: mixing them, and how far apart two of them are for the eye.

/**
 * The text that canvas and CSS read; alpha from 0 to 1.
 * @param {Colour} colour @param {number} [alpha] @returns {string}
 */
export function css([r, g, b], alpha = 1) {
  const rounded = [r, g, b].map(Math.round).join(", ");
  return alpha === 1 ? `rgb(${rounded})` : `rgba(${rounded}, ${alpha})`;
}

/**
 * [r, g, b] of "#rgb" or "#rrggbb".
 * @param {string} text @returns {Colour}
 */
export function fromHex(text) {
  const digits = text.slice(1);
  const pairs = digits.length === 3 ? [...digits].map((digit) => digit + digit) : (digits.match(/../g) ?? []);
  return pairs.map((pair) => parseInt(pair, 16));
}

/**
 * The colour at `amount` (0 to 1) of the way from one to the other.
 * @param {Colour} colour @param {Colour} other @param {number} amount @returns {Colour}
 */
export function mix(colour, other, amount) {
  return colour.map((value, i) => value + (other[i] - value) * amount);
}

/**
 * Contrast of two colours, 1 to 21, as the Web Content Accessibility Guidelines 2.1 define it.
 * @param {Colour} colour @param {Colour} other @returns {number}
 */
export function contrast(colour, other) {
  const [light, dark] = [luminance(colour), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

/**
 * Whether light text reads better on this colour than dark text.
 * @param {Colour} colour @returns {boolean}
 */
export function isDark(colour) {
  return contrast(colour, [255, 255, 255]) > contrast(colour, [0, 0, 0]);
}

/**
 * The colour, moved towards `end` as far as it takes for a contrast of `least` to `background`, or all the way.
 * @param {Colour} colour @param {Colour} background @param {number} least @param {Colour} end @returns {Colour}
 */
export function standingOut(colour, background, least, end) {
  for (let amount = 0; amount < 1; amount += 0.05) {
    const moved = mix(colour, end, amount);
    if (contrast(moved, background) >= least) return moved;
  }
  return end;
}

/** @param {Colour} colour @returns {number} */
function luminance(colour) {
  const [r, g, b] = colour.map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
