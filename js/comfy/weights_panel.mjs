// @ts-check
// "Get this file ..." on a loader node: nothing is fetched before size and licence were shown and agreed to.

import { element } from "../editor/dom.mjs";
import { offered, progressText, sizeText } from "./weights_words.mjs";

/** @import { PublishedFile, Weights } from "./weights_words.mjs" */

export const CSS_CLASS = "keyvid-weights";
const LINE_PX = 28;
const PANEL_PX = 190;
const LINE = "margin:4px 0";
const BUTTON =
  "padding:3px 10px;border:1px solid var(--border-color);border-radius:4px;cursor:pointer;" +
  "background:var(--comfy-input-bg);color:var(--input-text)";

/** @param {string} label @param {() => void} onclick @param {Record<string, any>} [more] */
const button = (label, onclick, more = {}) =>
  element("button", { type: "button", style: BUTTON, onclick, ...more }, label);

/**
 * @typedef {{ key: string, keys: string[], weights: Weights, file: PublishedFile, refusal: string | null }} Shown
 * @typedef {{ key: string, deletesOriginal: boolean }} Answer what the artist has chosen
 */

/** @param {Shown} shown @param {Answer} answer @param {() => void} onChoice @returns {HTMLElement[]} */
function choices({ key, keys, weights }, answer, onChoice) {
  const choice = element("select", { "aria-label": "which file", style: `${BUTTON};width:100%` });
  for (const one of keys) {
    choice.append(element("option", { value: one, selected: one === key }, weights.files[one].target));
  }
  choice.addEventListener("change", () => {
    answer.key = choice.value;
    onChoice();
  });
  const box = element("input", { type: "checkbox", checked: answer.deletesOriginal });
  box.addEventListener("change", () => {
    answer.deletesOriginal = box.checked;
  });
  return [choice, element("label", { style: "display:block" }, box, " ", "remove the download once it is converted")];
}

/** @param {Shown} shown @returns {HTMLElement[]} */
function facts({ file, refusal }) {
  const said = refusal ?? (file.said?.kind !== "done" ? file.said?.text : null);
  return [
    element("p", { style: LINE }, file.what, `: ${file.path} (${file.page}). `, sizeText(file)),
    element("p", { style: LINE }, `Licence: ${file.licence}.`),
    element("p", { role: "alert", style: `${LINE};font-weight:bold`, hidden: !said }, said ?? ""),
  ];
}

/** @param {PublishedFile} file @param {() => void} cancel @returns {HTMLElement[]} */
function running(file, cancel) {
  const { what, n_done: nDone, n_all: nAll } = file.progress ?? { what: "" };
  const bar = element("progress", { max: nAll || null, value: nAll ? nDone : null, style: "width:100%" });
  const text = progressText({ what, n_done: nDone, n_all: nAll });
  return [
    element("div", { role: "status" }, `${file.target}: `, text),
    bar,
    element("div", {}, button("Cancel", cancel)),
  ];
}

/**
 * What was started here and has failed shows why.
 * @param {Weights} weights @param {{ started: string, isOpen: boolean }} state changed
 */
function noticeEnd({ files }, state) {
  const file = files[state.started];
  if (!file || file.progress) return;
  state.isOpen = file.said?.kind === "failed";
  state.started = "";
}

/** @param {Weights | null} weights @param {string[]} keys @param {string} key chosen before @returns {string} */
function shownKey(weights, keys, key) {
  const busy = keys.find((one) => weights?.files[one].progress);
  return busy ?? (keys.includes(key) ? key : (keys[0] ?? ""));
}

/**
 * The panel of one node.
 * @param {{
 *   known: () => Weights | null, list: string, chosen: () => string,
 *   ask: (key: string, act: "get" | "cancel", body?: object) => Promise<string | null>, onHeight: () => void,
 * }} parts list: what the loader loads; chosen: the file it names; onHeight: called when `height` changed
 */
export function createWeightsPanel({ known, list, chosen, ask, onHeight }) {
  const root = element("div", { class: CSS_CLASS, style: "font-size:12px;overflow:auto;color:var(--input-text)" });
  /** @type {Answer} */
  const answer = { key: "", deletesOriginal: false };
  const state = { isOpen: false, refusal: /** @type {string | null} */ (null), height: 0, drawn: "", started: "" };

  /** @param {"get" | "cancel"} act */
  async function act(act) {
    const body = act === "get" ? { delete_original: answer.deletesOriginal } : {};
    const { key } = answer;
    state.refusal = await ask(key, act, body).catch(() => "ComfyUI does not answer.");
    state.isOpen = state.refusal !== null;
    state.started = act === "get" && !state.isOpen ? key : "";
    show();
  }

  /** @param {boolean} isOpen */
  function open(isOpen) {
    Object.assign(state, { isOpen, refusal: null });
    show();
  }

  /** @param {Shown} shown @param {string | null} named @returns {[number, HTMLElement[]]} height in px, elements */
  function content(shown, named) {
    if (shown.file.progress) return [3 * LINE_PX, running(shown.file, () => act("cancel"))];
    const label = named ? "Get this file …" : "Get a published file …";
    if (!state.isOpen) return [LINE_PX, [button(label, () => open(true), { style: `${BUTTON};width:100%` })]];
    const [choice, box] = choices(shown, answer, show);
    const buttons = element(
      "div",
      { style: LINE },
      button("Get it", () => act("get")),
      " ",
    );
    buttons.append(button("Not now", () => open(false)));
    return [PANEL_PX, [choice, ...facts(shown), box, buttons]];
  }

  function show() {
    const weights = known();
    if (weights) noticeEnd(weights, state);
    const { keys, named } = weights ? offered(weights, list, chosen()) : { keys: [], named: null };
    answer.key = shownKey(weights, keys, !state.isOpen && named ? "" : answer.key);
    const file = weights?.files[answer.key];
    const drawn = JSON.stringify([state.isOpen, state.refusal, keys, named, answer.key, file]);
    if (drawn === state.drawn) return; // what is open under the artist's hand stays
    state.drawn = drawn;
    const { key } = answer;
    const shown = weights && file && { key, keys, weights, file, refusal: state.refusal };
    const [height, elements] = shown ? content(shown, named) : [0, []];
    root.replaceChildren(...elements);
    root.style.minHeight = `${height}px`;
    if (height === state.height) return;
    state.height = height;
    onHeight();
  }
  return { root, show, height: () => state.height };
}
