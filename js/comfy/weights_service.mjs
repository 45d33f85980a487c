// @ts-check
// The published weight files as the server knows them: one state for all nodes of the page.

import { api } from "../../../scripts/api.js";

/** @import { Weights } from "./weights_words.mjs" */

const ROUTE = "/keyvid/weights";
const EVENT = "keyvid_weights";

/** @type {Weights | null} */
let weights = null;
/** @type {Set<() => void>} */
const listeners = new Set();

/** An answer that an event has overtaken is older than what is known. @param {Weights} state */
function take(state) {
  if (weights && weights.at[0] === state.at[0] && weights.at[1] > state.at[1]) return;
  weights = state;
  for (const listener of [...listeners]) listener();
}

/** What is known, or null while the server was not asked or does not answer. */
export const known = () => weights;

/** @param {() => void} listener called when the state changes @returns {() => void} ends that */
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** @param {string} key @param {"get" | "cancel"} act @param {object} body @returns {Promise<string | null>} why not */
export async function ask(key, act, body = {}) {
  const response = await api.fetchApi(`${ROUTE}/${encodeURIComponent(key)}/${act}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) return `ComfyUI answered ${response.status}.`;
  const { refused, ...state } = await response.json();
  take(state);
  return refused ?? null;
}

/** Ask the server anew. */
export async function refresh() {
  const response = await api.fetchApi(ROUTE);
  if (response.ok) take(await response.json());
}

api.addEventListener(EVENT, ({ detail }) => take(detail));
