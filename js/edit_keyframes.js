// @ts-check
// Edit Keyframes: makes the timeline editor of the node's text box, once every file of the editor has come.
//
// To ComfyUI the edit is a plain text. Where this file or one that it needs does not come (a proxy, a blocker, a
// half-finished update), it stays a text box, and the edit stays in workflow and prompt.

import { app } from "../../scripts/app.js";

// errors.js says so to the artist where this extension is missing
const timeline = await loaded().catch((error) => {
  console.error("KeyVID: the timeline of Edit Keyframes cannot be loaded; its edit is shown as text.", error);
});

/** The timeline, once it speaks the artist's language. */
async function loaded() {
  const { learnLanguage } = await import("./comfy/language.mjs");
  await learnLanguage();
  return import("./comfy/timeline_node.mjs");
}

if (timeline) app.registerExtension(timeline.extension);
