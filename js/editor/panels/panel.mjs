// What lies over the timeline for a while: the text of the edit, import, export, and the list of keys.

import { element } from "../dom.mjs";
import { FORMATS, exportText } from "../plan/formats.mjs";
import { helpTable } from "./help.mjs";
import { PlanError } from "../plan/plan.mjs";
import { importedText } from "../state/edit_status.mjs";

const PLACEHOLDER =
  "Empty: the predicted keyframes are used as they are.\nOr type the frames of your own plan, such as 0, 7, 12.";
const EXPECTED = "Paste frames (0, 7, 12), a schedule, a table, Audacity labels or JSON here, or open a file.";

const TYPED =
  "What you type counts at once: frames such as 0, 12, 31 are a whole plan, nothing at all is the prediction, and the " +
  "long text is the edit itself.";

const TITLES = { text: "The edit as text", import: "Import", export: "Export", help: "Keys and gestures" };

/** {root, show(), focus()}; the text panel writes as one types, as text boxes of ComfyUI do. */
export function createPanel({ session, commands, host, say }) {
  const root = element("div", { class: "keyvid-over", role: "dialog", hidden: true });
  const box = (label, placeholder = "", properties = {}) =>
    element("textarea", { "aria-label": label, placeholder, spellcheck: "false", ...properties });
  const text = box("Keyframe edit", PLACEHOLDER, { oninput: () => session.type(text.value) });
  const pasted = box("Keyframes to import", EXPECTED);
  const shown = box("Keyframes in the chosen format", "", { readonly: true });
  const word = (label, onclick, tooltip = label) =>
    element("button", { type: "button", class: "keyvid-word", title: tooltip, onclick }, label);
  const row = (...children) => element("div", { class: "keyvid-row" }, ...children);
  const title = (name) => element("b", { class: "keyvid-title" }, TITLES[name]);
  const close = () => word("Close", () => commands.togglePanel(null), "Back to the timeline (Esc)");
  const accept = ".json,.csv,.txt,.tsv,text/*,application/json";
  const file = element("input", { type: "file", accept, hidden: true, onchange: readFile });
  const format = element(
    "select",
    { "aria-label": "Format", onchange: showExport },
    ...FORMATS.map((one) => element("option", { value: one.format }, one.name)),
  );

  const panels = {
    text: () => [row(title("text"), close()), element("small", { class: "keyvid-hint" }, TYPED), text],
    import: () => [
      row(
        title("import"),
        word("Open file…", choose),
        word("Import", () => take(pasted.value)),
        close(),
      ),
      pasted,
      file,
    ],
    export: () => [row(title("export"), format, word("Copy", copy), word("Save…", save), close()), shown],
    help: () => [row(title("help"), close()), helpTable()],
  };
  const first = { text, import: pasted, export: format };

  function take(imported) {
    try {
      const { text: next, notes } = importedText(session.status, imported);
      commands.togglePanel(null);
      session.write(next, ["Imported.", ...notes].join(" "));
      pasted.value = "";
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      say(error.message, true);
    }
  }

  const choose = () => file.click();

  async function readFile() {
    const [chosen] = file.files;
    file.value = "";
    if (chosen) take(await chosen.text());
  }

  function showExport() {
    if (session.plan) shown.value = exportText(session.plan, format.value);
  }

  async function copy() {
    shown.select();
    // pages that are not served over https or from this very machine have no clipboard
    const write = navigator.clipboard?.writeText(shown.value) ?? Promise.reject(new Error("no clipboard"));
    const isCopied = await write.then(() => true).catch(() => document.execCommand("copy"));
    say(isCopied ? "Copied." : "The browser does not let us copy: press Ctrl+C.", !isCopied);
  }

  function save() {
    const { file: name } = FORMATS.find((one) => one.format === format.value);
    host.save(name, shown.value);
  }

  let open = null;
  function show() {
    const { panel } = session.state;
    root.hidden = !panel;
    const isTyping = document.activeElement === text && !text.readOnly;
    text.readOnly = session.status.problem === "newer"; // what this version cannot read it must not touch
    if (!isTyping && text.value !== session.text) text.value = session.text;
    if (panel === "export") showExport();
    if (panel === open) return;
    open = panel;
    root.setAttribute("aria-label", TITLES[panel] ?? "");
    root.replaceChildren(...(panel ? panels[panel]() : []));
  }

  const focus = () => (first[session.state.panel] ?? root.querySelector("button"))?.focus({ preventScroll: true });
  return { root, show, focus };
}
