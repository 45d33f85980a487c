// @ts-check
// What the loader nodes say of published weight files: which one to offer, and in what words.

/**
 * @typedef {{ what: string, n_done?: number, n_all?: number }} Progress
 * @typedef {{
 *   target: string, what: string, path: string, page: string, address: string, size: string, licence: string,
 *   kept_gb: number, is_here: boolean, progress: Progress | null, said: { kind: string, text: string } | null,
 * }} PublishedFile as host/weights_jobs.py describes it
 * @typedef {{ at: [string, number], files: Record<string, PublishedFile>, lists: Record<string, string[]> }} Weights
 */

/** @param {string} name @returns {string} a file's name without its folders */
const last = (name) => name.replaceAll("\\", "/").split("/").at(-1) ?? name;

/**
 * Which files a loader offers to get: those that are not here, first the one that it names, if it names one.
 * @param {Weights} weights @param {string} list what the loader loads @param {string} chosen its file
 * @returns {{ keys: string[], named: string | null }}
 */
export function offered({ files, lists }, list, chosen) {
  const named = Object.keys(files).find((key) => files[key].target === last(chosen) && !files[key].is_here) ?? null;
  const others = (lists[list] ?? []).filter((key) => !files[key].is_here && key !== named);
  return { keys: named ? [named, ...others] : others, named };
}

/** @param {number} nBytes @returns {string} */
const gigabytes = (nBytes) => (nBytes / 1e9).toFixed(nBytes < 1e8 ? 3 : 2);

/** @param {Progress} progress @returns {string} for example "downloading 3.10 of 15.55 GB" */
export function progressText({ what, n_done: nDone = 0, n_all: nAll = 0 }) {
  if (!nAll) return `${what} …`;
  return `${what} ${gigabytes(nDone)} of ${gigabytes(nAll)} GB`;
}

/** @param {PublishedFile} file @returns {string} */
export function sizeText(file) {
  const download = file.size.includes("GB") ? `${file.size} to download` : `Size of the download: ${file.size}`;
  return `${download}; ${file.kept_gb.toFixed(1)} GB are kept as ${file.target} in models/keyvid.`;
}
