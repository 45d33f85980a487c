// @ts-check
// Making the editor's elements, in the artist's language, and the scope in which it listens and waits.

import { say } from "./words.mjs";

const SVG = "http://www.w3.org/2000/svg";

const SHOWN = new Set(["title", "aria-label", "aria-roledescription", "placeholder"]); // attributes that are words

/** @typedef {string | Node | null | undefined} Child null and undefined are left out */

/**
 * An element: element("button", {class: "x", title: "y", onclick: f}, child, "text").
 * Names that start with "on" are listeners, null and false leave an attribute out, true sets it empty.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name @param {Record<string, any>} [properties] @param {...Child} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) {
      made.setAttribute(key, value === true ? "" : SHOWN.has(key) ? say(String(value)) : String(value));
    }
  }
  for (const child of children) {
    if (child !== null && child !== undefined) made.append(typeof child === "string" ? say(child) : child);
  }
  return made;
}

/**
 * An icon of 16 x 16 out of an SVG path; isFilled: painted, else drawn as a line.
 * @param {string} path @param {{ isFilled?: boolean }} [options] @returns {SVGElement}
 */
export function icon(path, { isFilled = false } = {}) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  line.setAttribute("fill", isFilled ? "currentColor" : "none");
  line.setAttribute("stroke", isFilled ? "none" : "currentColor");
  svg.append(line);
  return /** @type {SVGElement} */ (svg);
}

/**
 * A button with an icon, or with a word where there is no path.
 * @param {{ path?: string, isFilled?: boolean, label: string, title?: string, onclick: () => void }} options
 * @returns {HTMLButtonElement}
 */
export function iconButton({ path, isFilled, label, title, onclick }) {
  const content = path ? icon(path, { isFilled }) : label;
  return element("button", { type: "button", title: title ?? label, "aria-label": label, onclick }, content);
}

/**
 * @typedef {Object} Scope
 * @property {boolean} isAttached
 * @property {(target: EventTarget, type: string, listener: any, options?: AddEventListenerOptions) => void} listen
 * @property {(detach: () => void, attach?: () => void) => void} add
 * @property {(task: () => void, delayMs: number) => () => void} timeout returns what cancels it
 * @property {(task: () => void) => () => void} frame before the next repaint; returns what cancels it
 * @property {() => void} attach
 * @property {() => void} detach
 */

/** @typedef {(done: () => void) => () => void} Wait calls `done` later, unless what it returns is called before */

/** @param {number} delayMs @returns {Wait} */
function delay(delayMs) {
  return (done) => {
    const number = setTimeout(done, delayMs);
    return () => clearTimeout(number);
  };
}

/** @type {Wait} */
function nextFrame(done) {
  const number = requestAnimationFrame(done);
  return () => cancelAnimationFrame(number);
}

/**
 * Does a task after a wait; what cancels it is in `waiting` until then.
 * @param {Set<() => void>} waiting @param {Wait} wait @param {() => void} task @returns {() => void} cancels it
 */
function addTask(waiting, wait, task) {
  const cancel = () => {
    waiting.delete(cancel);
    stop();
  };
  const stop = wait(() => {
    waiting.delete(cancel);
    task();
  });
  waiting.add(cancel);
  return cancel;
}

/**
 * Listeners, observers and timers that all begin at once (`attach`) and all end at once (`detach`), again and again,
 * since ComfyUI takes a node out of its graph and puts it back. What was never attached, as the node is that ComfyUI
 * makes for each copy, listens to nothing and waits for nothing.
 * @returns {Scope}
 */
export function createScope() {
  /** @type {{ attach: () => void, detach: () => void }[]} */
  const members = [];
  /** @type {Set<() => void>} */
  const waiting = new Set(); // what cancels each timer
  let isAttached = false;

  return {
    get isAttached() {
      return isAttached;
    },
    listen(target, type, listener, options) {
      this.add(
        () => target.removeEventListener(type, listener, options),
        () => target.addEventListener(type, listener, options),
      );
    },
    /** What `detach` does, and what `attach` does before. */
    add(detach, attach = () => {}) {
      members.push({ attach, detach });
    },
    timeout(task, delayMs) {
      return isAttached ? addTask(waiting, delay(delayMs), task) : () => {};
    },
    frame(task) {
      return isAttached ? addTask(waiting, nextFrame, task) : () => {};
    },
    attach() {
      if (isAttached) return;
      isAttached = true;
      for (const { attach } of members) attach();
    },
    detach() {
      if (!isAttached) return;
      isAttached = false;
      for (const { detach } of members.toReversed()) detach();
      for (const cancel of [...waiting]) cancel();
    },
  };
}
