// @ts-check
// Every command by name, for the keyboard, the buttons and the menus alike.

import { imageCommands } from "./image_commands.mjs";
import { keyframeCommands } from "./keyframe_commands.mjs";
import { playbackCommands } from "./playback_commands.mjs";
import { selectionCommands } from "./selection_commands.mjs";
import { viewCommands } from "./view_commands.mjs";

/** @import { Playback } from "../audio/playback.mjs" */
/** @import { Hit } from "../canvas/geometry.mjs" */
/** @import { PagePoint, Timeline } from "../canvas/timeline.mjs" */
/** @import { Host, Session, ShowMessage } from "../state/session.mjs" */

/** @typedef {"timeline" | "panel" | "frame" | "words"} FocusTarget the timeline or what covers it, the open panel, the
 *    box of a keyframe's frame, the box of its words */
/**
 * @typedef {Object} CommandParts
 * @property {Session} session @property {Playback} playback @property {Timeline} timeline
 * @property {Pick<Host, "ask" | "runUpToHere" | "canRetake" | "retake" | "pickImage" | "uploadImage">} host
 * @property {ShowMessage} showMessage
 * @property {(target: FocusTarget) => void} requestFocus gives the keyboard to a part of the editor
 * @property {(point: PagePoint, target?: Hit | null) => void} openMenu
 */
/** @typedef {ReturnType<typeof createCommands>} Commands */

/**
 * All commands of one editor.
 * @param {CommandParts} parts
 */
export function createCommands(parts) {
  return {
    ...keyframeCommands(parts),
    ...imageCommands(parts),
    ...selectionCommands(parts),
    ...playbackCommands(parts),
    ...viewCommands(parts),
    run: () => parts.host.runUpToHere(),
    canRetake: () => parts.host.canRetake?.() ?? false,
    /** @param {{ first: number, last: number }} stretch */
    retake({ first, last }) {
      parts.host.retake?.(first, last);
      parts.showMessage(`Renders the frames ${first} to ${last} again; all others stay.`, false);
    },
  };
}
