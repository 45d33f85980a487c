// Counts what the page still has to do, and keeps what it said in its corner. Runs before any script of the page.
// Timers longer than SHORT_MS are time-outs, toasts and saves for later.

(() => {
  const SHORT_MS = 300, timers = new Map(), requests = new Map();
  let lastChange = 0, nScreens = 0;
  const { setTimeout, clearTimeout, fetch } = window, { open, send } = XMLHttpRequest.prototype;
  window.setTimeout = (act, delay = 0, ...given) => {
    if (typeof act !== "function") return setTimeout(act, delay, ...given);
    const id = setTimeout((...values) => {
      timers.delete(id);
      act(...values);
    }, delay, ...given);
    if (!(delay > SHORT_MS)) timers.set(id, `timer of ${delay} ms`);
    return id;
  };
  window.clearTimeout = (id) => {
    timers.delete(id);
    clearTimeout(id);
  };
  const begin = (url) => {
    const request = Symbol();
    requests.set(request, String(url?.url ?? url));
    return () => requests.delete(request);
  };
  window.fetch = function (...given) {
    const end = begin(given[0]), response = fetch.apply(this, given);
    response.then(end, end);
    return response;
  };
  XMLHttpRequest.prototype.open = function (method, url, ...given) {
    this.keyvidUrl = url;
    return open.call(this, method, url, ...given);
  };
  XMLHttpRequest.prototype.send = function (...given) {
    this.addEventListener("loadend", begin(this.keyvidUrl));
    return send.apply(this, given);
  };
  const everything = { subtree: true, childList: true, attributes: true, characterData: true };
  new MutationObserver(() => (lastChange = nScreens)).observe(document, everything);
  const isDirty = () => Boolean(window.app?.canvas?.dirty_canvas || window.app?.canvas?.dirty_bgcanvas);
  const screen = () => {
    nScreens++;
    if (timers.size || requests.size || isDirty()) lastChange = nScreens;
    requestAnimationFrame(screen);
  };
  requestAnimationFrame(screen);
  /** Resolves once nothing has happened for so many frames of the screen; rejects with what goes on for ever. */
  window.keyvidSettled = (nFrames, timeoutMs) => new Promise((resolve, reject) => {
    const [start, deadline] = [nScreens, performance.now() + timeoutMs];
    const look = () => {
      if (nScreens - Math.max(start, lastChange) >= nFrames) return resolve();
      if (performance.now() < deadline) return requestAnimationFrame(look);
      const left = [...timers.values(), ...requests.values(), ...(isDirty() ? ["drawing"] : [])];
      reject(new Error(`The page does not come to rest: ${left.join(", ") || "it keeps changing"}`));
    };
    look();
  });
})();

// messages go by themselves, on a busy machine before a test looks; of the frontend that is pinned, and of 1.58
(() => {
  const toasts = (window.keyvidToasts = new Set()), toast = ".p-toast-message, [data-testid=toast]";
  const look = () => {
    for (const shown of document.querySelectorAll(toast)) toasts.add(shown.textContent);
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
})();
