// @ts-check
// The decoded audio of one clip, fetched when someone first wants to hear it.
//
// It is decoded from what fetch brings: ComfyUI's content-security policy allows no sound from a blob.

/** The file is no longer on the server. */
export class AudioMissingError extends Error {}

/** @typedef {Pick<Response, "ok" | "arrayBuffer">} Fetched */

/** The audio of the clip that a player has loaded. */
export class ClipAudio {
  /** @type {string | null} */
  #url = null;
  /** @type {Promise<AudioBuffer> | null} */
  #decoding = null;
  #fetch;

  /** What can be played now; null without a sound, and until it is decoded. @type {AudioBuffer | null} */
  buffer = null;

  /** @param {(url: string) => Promise<Fetched>} fetch */
  constructor(fetch) {
    this.#fetch = fetch;
  }

  get url() {
    return this.#url;
  }

  /**
   * Names the audio; null: there is none. Nothing is fetched yet.
   * @param {string | null} url
   */
  setUrl(url) {
    if (url === this.#url) return;
    this.#url = url;
    this.clear();
  }

  /**
   * Makes `buffer` ready. Throws AudioMissingError, or what decoding throws; the next call tries again.
   * @param {BaseAudioContext} context
   */
  async load(context) {
    const url = this.#url;
    if (url === null) return;
    this.#decoding ??= this.#decode(url, context);
    try {
      const decoded = await this.#decoding;
      if (this.#url === url) this.buffer = decoded;
    } catch (error) {
      if (this.#url === url) this.#decoding = null;
      throw error;
    }
  }

  clear() {
    this.#decoding = this.buffer = null;
  }

  /** @param {string} url @param {BaseAudioContext} context @returns {Promise<AudioBuffer>} */
  async #decode(url, context) {
    const response = await this.#fetch(url).catch(() => null);
    if (!response?.ok) throw new AudioMissingError();
    return context.decodeAudioData(await response.arrayBuffer());
  }
}
