// @ts-check
// Colours as [r, g, b] from 0 to 255: mixing them, and how far apart two of them are for the eye.

/** @typedef {number[]} Colour [r, g, b] */

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
