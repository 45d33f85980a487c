// @ts-check
// Files of the artist's computer, copied into ComfyUI's input folder by its own route.

import { api } from "../../../scripts/api.js";

/** Asks for one image. @returns {Promise<File | null>} null: none was chosen */
export function pickImage() {
  const input = document.createElement("input");
  Object.assign(input, { type: "file", accept: "image/*" });
  return new Promise((resolve) => {
    input.onchange = () => resolve(input.files?.[0] ?? null);
    input.oncancel = () => resolve(null);
    input.click();
  });
}

/**
 * Copies an image into the input folder. ComfyUI keeps what is there: the same image is taken as it is, another one of
 * that name gets a number.
 * @param {File} file @returns {Promise<string>} its name there
 */
export async function uploadImage(file) {
  const body = new FormData();
  body.append("image", file);
  const response = await api.fetchApi("/upload/image", { method: "POST", body });
  if (!response.ok) throw new Error(`ComfyUI answered ${response.status}.`);
  const { name, subfolder } = await response.json();
  return subfolder ? `${subfolder}/${name}` : name;
}
