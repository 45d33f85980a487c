// @ts-check
// The line over the timeline that says what was done, or why something cannot be done. It goes by itself.

import { element } from "../dom.mjs";
import { say } from "../words.mjs";

/** @import { Scope } from "../dom.mjs" */
/** @import { ShowMessage } from "../state/session.mjs" */

const [PROBLEM_MS, DONE_MS] = [9000, 3500];

/**
 * The line; show(message, isProblem) replaces what it says.
 * @param {Scope} scope @returns {{ root: HTMLElement, show: ShowMessage }}
 */
export function createMessageLine(scope) {
  const root = element("span", { role: "status", "aria-live": "polite" });
  let cancelClearing = () => {};

  /** @type {ShowMessage} */
  const show = (message, isProblem) => {
    root.textContent = say(message);
    root.dataset.problem = String(isProblem);
    cancelClearing();
    const clear = () => {
      root.textContent = "";
    };
    cancelClearing = scope.timeout(clear, isProblem ? PROBLEM_MS : DONE_MS);
  };
  return { root, show };
}
