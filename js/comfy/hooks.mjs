// @ts-check
// Hooking into what ComfyUI calls on nodes and widgets.

/**
 * Lets `after` follow a method, which may be missing; it gets the same arguments.
 * @param {any} object @param {string} name @param {(this: any, ...given: any[]) => void} after
 */
export function chain(object, name, after) {
  const before = object[name];
  object[name] = function (/** @type {any[]} */ ...given) {
    const result = before?.apply(this, given);
    after.apply(this, given);
    return result;
  };
}
