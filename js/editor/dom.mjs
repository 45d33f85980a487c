// Small helpers for making the editor's elements and for taking its listeners away again.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element: element("button", {class: "x", title: "y", onclick: f}, child, "text").
 * Names that start with "on" are listeners, null and false leave an attribute out, true sets it empty.
 */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) {
      made.setAttribute(key, value === true ? "" : String(value));
    }
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** An icon of 16 x 16 out of an SVG path; isFilled: painted, else drawn as a line. */
export function icon(path, { isFilled = false } = {}) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  line.setAttribute("fill", isFilled ? "currentColor" : "none");
  line.setAttribute("stroke", isFilled ? "none" : "currentColor");
  svg.append(line);
  return svg;
}

/** A button with an icon, or with a word where there is none. */
export function iconButton({ path, isFilled, label, title, onclick, ...properties }) {
  const content = path ? icon(path, { isFilled }) : label;
  const tooltip = title ?? label;
  return element("button", { type: "button", title: tooltip, "aria-label": label, onclick, ...properties }, content);
}

/**
 * Listeners and observers that are all taken up at once (`hold`) and all let go at once (`release`), again and again.
 * What is made but never held, as the node is that ComfyUI makes for each copy, holds on to nothing.
 */
export function createLeash() {
  const ties = [];
  let isHeld = false;
  return {
    get isHeld() {
      return isHeld;
    },
    listen(target, type, listener, options) {
      this.add(
        () => target.removeEventListener(type, listener, options),
        () => target.addEventListener(type, listener, options),
      );
    },
    /** What `release` does, and what `hold` does before; named before it is held. */
    add(untie, tie = () => {}) {
      ties.push({ tie, untie });
    },
    hold() {
      if (isHeld) return;
      isHeld = true;
      for (const { tie } of ties) tie();
    },
    release() {
      if (!isHeld) return;
      isHeld = false;
      for (const { untie } of ties.toReversed()) untie();
    },
  };
}
