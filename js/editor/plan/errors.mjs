// @ts-check
// What the editor may refuse, each with a message for the artist: the classes of errors.py.

/** A plan, edit or file that cannot be used as it is; the message says what is wrong and what to do. */
export class PlanError extends Error {
  name = "PlanError";
}

/** Written by a newer version of the pack: to be shown, never changed. */
export class PlanVersionError extends PlanError {
  name = "PlanVersionError";
}

/** Made for a clip of another length or rate. `problem`: "length" or "rate". */
export class PlanMismatchError extends PlanError {
  name = "PlanMismatchError";

  constructor(/** @type {string} */ message, /** @type {"length" | "rate"} */ problem) {
    super(message);
    this.problem = problem;
  }
}
