// @ts-check
// What covers the timeline for a while: the text of the edit, import, export, and the list of keys.

import { element } from "../dom.mjs";
import { exportFile, FORMATS } from "../plan/formats.mjs";
import { PlanError } from "../plan/plan.mjs";
import { importedText } from "../state/edit_status.mjs";
import { say } from "../words.mjs";
import { helpTable } from "./help.mjs";

/** @import { Child } from "../dom.mjs" */
/** @import { Commands } from "../input/commands.mjs" */
/** @import { Notes } from "../state/notes.mjs" */
/** @import { Host, Session, ShowMessage } from "../state/session.mjs" */
/** @import { PanelName } from "../state/view_state.mjs" */

/**
 * @typedef {{ session: Session, notes: Notes, commands: Commands, host: Pick<Host, "save">, showMessage: ShowMessage }} PanelParts
 */
/**
 * @typedef {Object} Content of one panel
 * @property {Child[]} tools in the row of the title @property {Child[]} body
 * @property {HTMLElement | null} first what gets the keyboard; null: the first button
 * @property {() => void} [show] after each change
 */

const PLACEHOLDER =
  "Empty: the predicted keyframes are used as they are.\nOr type the frames of your own plan, such as 0, 7, 12.";
const EXPECTED =
  "Paste frames (0, 7, 12), a schedule, a table, labels, an EDL or JSON here, or open a file, also MIDI.";

const TYPED =
  "What you type counts at once: frames such as 0, 12, 31 are a whole plan, nothing at all is the prediction, and the " +
  "long text is the edit itself.";

const MIDI_FILE = "A MIDI file: a drum note and a marker at every keyframe. Save… writes it.";

/** @type {Record<PanelName, string>} */
const TITLES = { text: "The edit as text", import: "Import", export: "Export", help: "Keys and gestures" };

/**
 * The panel; the text writes as one types, as text boxes of ComfyUI do.
 * @param {PanelParts} parts @returns {{ root: HTMLElement, show: () => void, focus: () => void }}
 */
export function createPanel(parts) {
  const { session, commands } = parts;
  const root = element("div", { class: "keyvid-over", role: "dialog", hidden: true });
  const close = () => word("Close", () => commands.togglePanel(null), "Back to the timeline (Esc)");
  /** @type {Record<PanelName, Content>} */
  const contents = {
    text: textContent(parts),
    import: importContent(parts),
    export: exportContent(parts),
    help: { tools: [], body: [helpTable()], first: null },
  };
  /** @type {PanelName | null} */
  let open = null;

  function show() {
    const { panel } = session.state;
    root.hidden = !panel;
    contents.text.show?.();
    if (panel && panel !== "text") contents[panel].show?.();
    if (panel === open) return;
    open = panel;
    root.setAttribute("aria-label", panel ? say(TITLES[panel]) : "");
    if (!panel) return root.replaceChildren();
    const { tools, body } = contents[panel];
    const title = element("b", { class: "keyvid-title" }, TITLES[panel]);
    root.replaceChildren(element("div", { class: "keyvid-row" }, title, ...tools, close()));
    for (const child of body) if (child) root.append(child);
  }

  function focus() {
    const { panel } = session.state;
    const first = (panel && contents[panel].first) ?? root.querySelector("button");
    first?.focus({ preventScroll: true });
  }
  return { root, show, focus };
}

/** @param {string} label @param {() => void} onclick @returns {HTMLButtonElement} */
function word(label, onclick, tooltip = label) {
  return element("button", { type: "button", class: "keyvid-word", title: tooltip, onclick }, label);
}

/** @param {string} label @param {string} placeholder @param {Record<string, any>} [properties] */
function textBox(label, placeholder, properties) {
  return element("textarea", { "aria-label": label, placeholder, spellcheck: "false", ...properties });
}

/** @param {PanelParts} parts @returns {Content} */
function textContent({ session }) {
  const text = textBox("Keyframe edit", PLACEHOLDER, { oninput: () => session.type(text.value) });
  return {
    tools: [],
    body: [element("small", { class: "keyvid-hint" }, TYPED), text],
    first: text,
    show() {
      const isTyping = document.activeElement === text && !text.readOnly;
      text.readOnly = session.status.problem === "newer"; // what this version cannot read it must not touch
      if (!isTyping && text.value !== session.text) text.value = session.text;
    },
  };
}

/** @param {PanelParts} parts @returns {Content} */
function importContent({ session, notes: noteRow, commands, showMessage }) {
  const pasted = textBox("Keyframes to import", EXPECTED);
  const accept = ".json,.csv,.txt,.tsv,.edl,.mid,.midi,text/*,application/json,audio/midi";
  const file = element("input", { type: "file", accept, hidden: true, onchange: readFile });

  /** @param {string | Uint8Array} imported */
  function take(imported) {
    try {
      const { text, notes, texts } = importedText(session.status, imported);
      commands.togglePanel(null);
      // one step of undo for both: the text's, if that is new
      const leftOut = noteRow.add(texts, { fps: session.fps, isStep: text === session.text });
      session.write(text, ["Imported.", ...notes, leftOut].filter(Boolean).join(" "));
      pasted.value = "";
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      showMessage(error.message, true);
    }
  }

  async function readFile() {
    const chosen = file.files?.[0];
    file.value = "";
    if (chosen) take(new Uint8Array(await chosen.arrayBuffer()));
  }
  const tools = [word("Open file…", () => file.click()), word("Import", () => take(pasted.value))];
  return { tools, body: [pasted, file], first: pasted };
}

/** @param {PanelParts} parts @returns {Content} */
function exportContent({ session, notes, host, showMessage }) {
  const shown = textBox("Keyframes in the chosen format", "", { readonly: true });
  const options = FORMATS.map((one) => element("option", { value: one.format }, one.name));
  const format = element("select", { "aria-label": "Format", onchange: show }, ...options);
  const copying = word("Copy", copy);

  function show() {
    if (!session.plan) return;
    const content = exportFile(session.plan, format.value, notes.list());
    const isText = typeof content === "string";
    shown.value = isText ? content : say(MIDI_FILE);
    copying.disabled = !isText;
  }

  async function copy() {
    shown.select();
    // pages that are not served over https or from this very machine have no clipboard
    const write = navigator.clipboard?.writeText(shown.value) ?? Promise.reject(new Error("no clipboard"));
    const isCopied = await write.then(() => true).catch(() => document.execCommand("copy"));
    showMessage(isCopied ? "Copied." : "The browser does not let us copy: press Ctrl+C.", !isCopied);
  }

  function save() {
    const chosen = FORMATS.find((one) => one.format === format.value);
    if (chosen && session.plan) host.save(chosen.file, exportFile(session.plan, chosen.format, notes.list()));
  }
  return { tools: [format, copying, word("Save…", save)], body: [shown], first: format, show };
}
