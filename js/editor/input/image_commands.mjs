// @ts-check
// Commands that give keyframes images of the artist's own.

import { PlanError } from "../plan/errors.mjs";
import * as actions from "../state/actions.mjs";

/** @import { CommandParts } from "./commands.mjs" */

/**
 * The commands of images.
 * @param {CommandParts} parts
 */
export function imageCommands({ session, host, showMessage }) {
  /**
   * Copies files into ComfyUI's input folder, then does something with their names.
   * @param {File[]} files @param {(names: string[]) => void} act
   */
  async function withNames(files, act) {
    const images = files.filter(({ type }) => type.startsWith("image/"));
    if (!images.length) return showMessage("Only images can be put on a keyframe: PNG, JPEG or WebP.", true);
    if (!host.uploadImage) return;
    const upload = host.uploadImage;
    try {
      act(await Promise.all(inOrder(images).map((file) => upload(file))));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      showMessage(`The image could not be copied into ComfyUI's input folder: ${reason}`, true);
    }
  }

  /** @param {number} frame @param {File[]} files @returns {boolean} */
  function isPossible(frame, files) {
    if (!session.status.canEdit || !session.plan) return false;
    try {
      actions.giveImages(session.plan, [], frame, namesOf(files));
      return true;
    } catch (error) {
      if (error instanceof PlanError) return false;
      throw error;
    }
  }

  return {
    /**
     * To the keyframe at a frame, which is made where there is none; of several images the others to those behind it.
     * @param {{ frame: number, files: File[] }} dropped
     */
    async giveImages({ frame, files }) {
      // what cannot be done is said before anything is copied
      if (!isPossible(frame, files)) return session.act(actions.giveImages, frame, namesOf(files));
      await withNames(files, (names) => session.act(actions.giveImages, frame, names));
    },
    /** One image for all that are selected. */
    async chooseImage() {
      const { frames } = session;
      if (!session.status.canEdit) return session.act(actions.setImage, frames, "");
      const file = await host.pickImage?.();
      if (file) await withNames([file], ([name]) => session.act(actions.setImage, frames, name));
    },
    dropImage: () => session.act(actions.setImage, session.frames, ""),
  };
}

/** @param {File[]} files @returns {string[]} */
const namesOf = (files) => files.map(({ name }) => name);

/** By name, numbers as numbers: 2.png before 10.png. @param {File[]} files @returns {File[]} */
const inOrder = (files) => files.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
