// @ts-check
// The language that the artist chose in ComfyUI (Comfy.Locale), for the texts of the editor and of the pack's messages.
//
// Nodes, inputs and tooltips are translated by ComfyUI itself, from the folder locales of the pack.

import { app } from "../../../scripts/app.js";
import { say, speak } from "../editor/words.mjs";

/** Languages that js/editor/words has a table of; English needs none. */
const LANGUAGES = ["ja", "ko", "zh"];

/** Speaks the artist's language once its table has come; without it English. A change takes effect with the next page. */
export async function learnLanguage() {
  const language = app.extensionManager?.setting?.get?.("Comfy.Locale");
  if (!LANGUAGES.includes(language)) return;
  try {
    const response = await fetch(new URL(`../editor/words/${language}.json`, import.meta.url));
    if (!response.ok) throw new Error(`the server says ${response.status}`);
    speak(await response.json());
  } catch (error) {
    console.warn(
      `KeyVID: the texts in the language "${language}" cannot be loaded; the timeline speaks English.`,
      error,
    );
  }
}

export { say };
