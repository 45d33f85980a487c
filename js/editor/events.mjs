// @ts-check
// Events with several listeners, by which the parts of the editor notify each other.

/**
 * @template T
 * @typedef {Object} Signal
 * @property {(listener: (value: T) => void) => () => void} on calls the listener from here on; returns what ends that
 * @property {(value: T) => void} emit calls every listener, in the order they came
 */

/**
 * An event of its own.
 * @template T @returns {Signal<T>}
 */
export function createSignal() {
  /** @type {Set<(value: T) => void>} */
  const listeners = new Set();
  return {
    on(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    emit(value) {
      for (const listener of [...listeners]) listener(value);
    },
  };
}
