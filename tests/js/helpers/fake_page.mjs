// As much of a page as the editor needs: elements with listeners, one keyboard focus, and a sound whose clock tests
// turn. Nothing is painted. `put()` makes it the page that the editor finds.

import { Editor } from "../../../js/editor/editor.mjs";

const SIZE = { width: 800, height: 240 };

/** A 2D context that paints nowhere; draw.test.mjs looks at what is drawn. */
function deafContext() {
  const results = {
    measureText: (text) => ({ width: 6 * text.length }),
    createLinearGradient: () => ({ addColorStop() {} }),
    getImageData: () => ({ data: [23, 23, 24, 255] }),
  };
  return new Proxy({}, { get: (_, name) => results[name] ?? (() => {}), set: () => true });
}

class FakeElement {
  constructor(name) {
    this.tagName = name.toUpperCase();
    Object.assign(this, { children: [], parentElement: null, attributes: new Map(), listeners: [] });
    Object.assign(this, { dataset: {}, style: {}, value: "", text: "", files: [] });
  }
  setAttribute(name, value) {
    this.attributes.set(name, String(value));
  }
  getAttribute(name) {
    return this.attributes.get(name) ?? null;
  }
  append(...children) {
    for (const child of children) if (child instanceof FakeElement) child.remove();
    this.children.push(...children);
    if (this.tagName === "SELECT" && !this.value) this.value = children[0].getAttribute("value");
    for (const child of children) if (child instanceof FakeElement) child.parentElement = this;
  }
  replaceChildren(...children) {
    for (const child of this.children) child.parentElement = null;
    this.children = [];
    this.append(...children);
  }
  remove() {
    if (this.parentElement) this.parentElement.children = this.parentElement.children.filter((one) => one !== this);
    this.parentElement = null;
  }
  contains(other) {
    return this === other || this.children.some((child) => child instanceof FakeElement && child.contains(other));
  }
  get around() {
    return this.parentElement ? [this, ...this.parentElement.around] : [this];
  }
  get isConnected() {
    return this.around.includes(globalThis.document.body);
  }
  get all() {
    return this.children.filter((one) => one instanceof FakeElement).flatMap((child) => [child, ...child.all]);
  }
  querySelector(name) {
    return this.all.find((one) => one.tagName === name.toUpperCase()) ?? null;
  }
  get textContent() {
    return this.text + this.children.map((child) => child.textContent ?? child).join("");
  }
  set textContent(text) {
    this.children = [];
    this.text = String(text);
  }
  addEventListener(type, listener) {
    this.listeners.push([type, listener]);
  }
  removeEventListener(type, listener) {
    this.listeners = this.listeners.filter(([one, other]) => one !== type || other !== listener);
  }
  /** Tells this element and those around it. */
  dispatch(type, properties = {}) {
    let isStopped = false;
    const stopPropagation = () => (isStopped = true);
    const event = { type, target: this, preventDefault() {}, stopPropagation, ...properties };
    for (const one of this.around) {
      for (const [wanted, listener] of [...one.listeners]) if (wanted === type) listener(event);
      if (isStopped) return;
    }
  }
  get canFocus() {
    return this.isConnected && this.around.every((one) => !one.inert && !one.hidden) && !this.disabled;
  }
  focus() {
    const { document } = globalThis;
    if (!this.canFocus || document.activeElement === this) return;
    document.activeElement?.blur();
    document.activeElement = this;
    this.dispatch("focus");
  }
  blur() {
    if (globalThis.document.activeElement !== this) return;
    globalThis.document.activeElement = null;
    this.dispatch("blur");
  }
  select() {}
  setPointerCapture() {}
  getContext() {
    return deafContext();
  }
  getBoundingClientRect() {
    return { left: 0, top: 0, ...SIZE };
  }
  get clientWidth() {
    return SIZE.width;
  }
  get clientHeight() {
    return SIZE.height;
  }
}

for (const name of ["hidden", "inert", "disabled", "readonly"]) {
  const property = name === "readonly" ? "readOnly" : name;
  Object.defineProperty(FakeElement.prototype, property, {
    get() {
      return this.attributes.has(name);
    },
    set(isOn) {
      if (isOn) this.attributes.set(name, "");
      else this.attributes.delete(name);
    },
  });
}

/** An image that comes, or does not, when a test says so. */
class FakeImage extends FakeElement {
  complete = false;
  naturalWidth = 0;
  removeAttribute(name) {
    delete this[name];
  }
}

/** Remembers what was played: sources of {at, offset, duration, playbackRate, loop, loopStart, loopEnd}. */
class FakeAudio {
  currentTime = 0;
  sampleRate = 8000;
  destination = {};
  sources = [];
  async resume() {}
  async close() {}
  async decodeAudioData() {
    return { duration: 2 };
  }
  createBufferSource() {
    const source = { playbackRate: { value: 1 }, connect() {}, disconnect() {}, stop: () => (source.isStopped = true) };
    source.start = (at, offset, duration) => Object.assign(source, { at, offset, duration });
    this.sources.push(source);
    return source;
  }
  createGain() {
    return { gain: { setValueAtTime() {}, linearRampToValueAtTime() {} }, connect() {} };
  }
}

/** Makes a page. @returns {{audio: FakeAudio, images: FakeElement[], paint: () => void}} images: that were asked
 * for; paint: what waits for the screen is done */
export function put() {
  const body = new FakeElement("body");
  const made = new Map();
  const create = (name) => new FakeElement(name);
  const waiting = new Map();
  let number = 0;
  const page = {
    audio: new FakeAudio(),
    images: [],
    paint() {
      const due = [...waiting.values()];
      waiting.clear();
      for (const one of due) one();
    },
  };
  Object.assign(globalThis, {
    document: {
      body,
      documentElement: create("html"),
      head: { append: (sheet) => made.set(sheet.id, sheet) },
      activeElement: null,
      createElement: create,
      createElementNS: (_, name) => create(name),
      getElementById: (id) => made.get(id) ?? null,
    },
    getComputedStyle: () => ({ getPropertyValue: () => "" }),
    OffscreenCanvas: class {
      getContext = deafContext;
    },
    window: new FakeElement("window"),
    devicePixelRatio: 1,
    innerWidth: SIZE.width,
    innerHeight: SIZE.height,
    ResizeObserver: class {
      constructor(whenSized) {
        this.observe = () => whenSized();
        this.disconnect = () => {};
      }
    },
    MutationObserver: class {
      observe() {}
      disconnect() {}
    },
    AudioContext: class {
      constructor() {
        return page.audio;
      }
    },
    Image: function () {
      page.images.push(new FakeImage("img"));
      return page.images.at(-1);
    },
    fetch: async () => ({ ok: true, arrayBuffer: async () => new ArrayBuffer(8) }),
    requestAnimationFrame: (task) => (waiting.set(++number, task), number),
    cancelAnimationFrame: (id) => waiting.delete(id),
  });
  return page;
}

/** What a hand does on an editor: presses keys, types, clicks and drags. Its clock is at 1000 ms to begin with. */
function handOn({ timeline }) {
  const { canvas } = timeline;
  let time = 1000;
  const pointer = (type, x, band, more = {}) => {
    const { y, height } = timeline.boxes()[band];
    const place = { clientX: x, clientY: y + height / 2, timeStamp: time };
    canvas.dispatch(`pointer${type}`, { pointerId: 1, pointerType: "mouse", button: 0, ...place, ...more });
  };
  const xOf = (frame) => timeline.pointOf(frame).clientX;

  return {
    /** Presses keys where the keyboard is, or on the timeline. */
    key(key, more = {}) {
      const target = document.activeElement ?? canvas;
      const press = { key, shiftKey: false, altKey: false, ctrlKey: false, metaKey: false, repeat: false, ...more };
      target.dispatch("keydown", press);
      if (!more.repeat && !more.isHeld) target.dispatch("keyup", press);
    },
    /** Types into a box as a hand does: not at all where it may only be read. */
    type(box, typed) {
      if (box.readOnly || !box.canFocus) return;
      box.focus();
      box.value = typed;
      box.dispatch("input");
    },
    /** Clicks on a frame in a band, `afterMs` after whatever was before. */
    click(frame, band = "wave", { afterMs = 1000, ...more } = {}) {
      time += afterMs;
      pointer("down", xOf(frame), band, more);
      pointer("up", xOf(frame), band, more);
    },
    drag(start, end, band = "wave", { afterMs = 1000, ...more } = {}) {
      time += afterMs;
      pointer("down", xOf(start), band, more);
      for (const share of [0.5, 1]) pointer("move", xOf(start) + share * (xOf(end) - xOf(start)), band, more);
      pointer("up", xOf(end), band, more);
    },
  };
}

/**
 * An editor on a page of its own, as a hand has it before it. result: of a run, or null; host: more of what ComfyUI does
 * for it. It ends with the test `t`.
 */
export function openEditor(t, { text = "", result = null, ...of } = {}) {
  const page = put();
  const written = [];
  const host = {
    write: (one) => written.push(one),
    type: (one) => written.push(one),
    hasPlan: () => true,
    urlOf: (file) => `/view?${file.filename}`,
    runUpToHere() {},
    leaveWheelToGraph() {},
    ...of.host,
  };
  const view = new Editor(host);
  t.after(() => view.stop());
  document.body.append(view.root);
  view.start();
  view.text = text;
  if (result) view.setResult(result);
  const all = (accepts) => view.root.all.filter(accepts);

  return {
    ...page,
    ...handOn(view),
    view,
    canvas: view.timeline.canvas,
    written,
    labelled: (label) => all((one) => one.getAttribute("aria-label") === label)[0],
    said: () => all((one) => one.getAttribute("role") === "status" && one.tagName === "SPAN")[0].textContent,
    /** What the screen would show by now. */
    show: () => view.show(),
  };
}
