// @ts-check
// The shape of each kind of keyframe, around (0, 0) for a radius of 1, and the padlock of locked ones.
//
// Extents differ so that shapes weigh the same to the eye; fills, which matter least, a little less.

/**
 * Corners per kind; a fill is a circle.
 * @type {Record<string, number[][]>}
 */
// biome-ignore format: one line per kind, as tests/unit/preview/test_strip.py reads them
const OUTLINES = {
  first: [[-0.82, -0.95], [0.82, -0.95], [0.82, 0.3], [0, 1.1], [-0.82, 0.3]],
  peak: [[0, -1.02], [1.06, 0.82], [-1.06, 0.82]],
  valley: [[-1.06, -0.82], [1.06, -0.82], [0, 1.02]],
  manual: [[0, -1.16], [1.16, 0], [0, 1.16], [-1.16, 0]],
};
const FILL_RADIUS = 0.68;
// biome-ignore format: one line
const BUBBLE = [[-6, -5], [6, -5], [6, 3], [0, 3], [-3, 6.5], [-3, 3], [-6, 3]]; // of a width of 12

/**
 * SVG path data per kind, for a viewBox of "-8 -8 16 16", and of "locked", a padlock, "prompt", a speech bubble, and
 * "image", a framed hill, of the same size.
 * @type {Record<string, string>}
 */
export const KIND_SHAPES = {
  ...Object.fromEntries(Object.entries(OUTLINES).map(([kind, corners]) => [kind, polygonPath(corners, 6)])),
  fill: circlePath(FILL_RADIUS * 6),
  prompt: polygonPath(BUBBLE, 1),
  // the frame's inner edge runs the other way round, which leaves a hole
  image: "M-6-5H6V5H-6Z M-4.7-3.7V3.7H4.7V-3.7Z M-4 3L-1.2-1.8L1 1.4L2.2 0L4 3Z",
  locked: "M-4.5-1H4.5V6H-4.5Z M-3-1V-3.2A3 3 0 0 1 3-3.2V-1H1.4V-3.2A1.4 1.4 0 0 0-1.4-3.2V-1Z",
};

/**
 * Makes a kind's shape the context's path.
 * @param {CanvasRenderingContext2D} context @param {string} kind @param {number} x @param {number} y
 * @param {number} radius
 */
export function traceShape(context, kind, x, y, radius) {
  context.beginPath();
  if (kind === "fill") context.arc(x, y, radius * FILL_RADIUS, 0, 2 * Math.PI);
  else for (const [u, v] of OUTLINES[kind]) context.lineTo(x + radius * u, y + radius * v);
  context.closePath();
}

/**
 * Fills a padlock `size` pixels high, centred on (x, y).
 * @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} size
 */
export function fillPadlock(context, x, y, size) {
  const unit = size / 12;
  context.beginPath();
  context.roundRect(x - 4.5 * unit, y - unit, 9 * unit, 7 * unit, unit);
  context.fill();
  context.beginPath();
  context.arc(x, y - 2.6 * unit, 2.5 * unit, Math.PI, 0);
  context.lineTo(x + 2.5 * unit, y - unit);
  context.moveTo(x - 2.5 * unit, y - 2.6 * unit);
  context.lineTo(x - 2.5 * unit, y - unit);
  context.lineWidth = 1.6 * unit;
  context.strokeStyle = context.fillStyle;
  context.stroke();
}

/**
 * Makes a speech bubble `width` pixels wide the context's path, centred on (x, y).
 * @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} width
 */
export function traceBubble(context, x, y, width) {
  const unit = width / 12;
  context.beginPath();
  for (const [u, v] of BUBBLE) context.lineTo(x + unit * u, y + unit * v);
  context.closePath();
}

/** @param {number[][]} corners @param {number} radius @returns {string} */
function polygonPath(corners, radius) {
  return `M${corners.map((corner) => corner.map((value) => +(value * radius).toFixed(2)).join(" ")).join("L")}Z`;
}

/** @param {number} radius @returns {string} */
function circlePath(radius) {
  const r = radius.toFixed(2);
  return `M-${r} 0A${r} ${r} 0 1 1 ${r} 0A${r} ${r} 0 1 1-${r} 0Z`;
}
