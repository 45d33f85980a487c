// What lies over the timeline for a while: the text of the edit, import, export, and the list of keys.

import { element } from "./elements.mjs";
import { FORMATS, exportText, importText } from "./formats.mjs";
import { PlanError } from "./plan.mjs";
import { textWith } from "./situation.mjs";

const PLACEHOLDER =
  "Empty: the predicted keyframes are used as they are.\nOr type the frames of your own plan, such as 0, 7, 12.";
const EXPECTED = "Paste frames (0, 7, 12), a schedule, a table, Audacity labels or JSON here, or open a file.";

const HELP = [
  ["Drag a keyframe", "move it; Ctrl or Cmd: without snapping; Alt: scale what is selected"],
  ["Double-click", "add a keyframe; on one: type where it goes"],
  ["Drag a box, Shift-click", "select several"],
  ["← →, with Shift", "nudge by 1, by 5"],
  ["↑ ↓", "to the keyframe before, after; with Shift: select it as well"],
  ["Delete, L, 1–4", "delete, lock, make it a peak, valley, fill or manual"],
  ["A, Enter", "add at the playhead; type where it goes"],
  ["E, N, < >", "distribute evenly, snap to onsets, squeeze or stretch"],
  ["Space, R, H, C", "play, loop, half speed, clicks; I and O set the loop's ends"],
  ["Wheel, + −, 0", "zoom (once the timeline was clicked), show all; with Shift: sideways"],
  ["Drag the ruler", "move the playhead; with Shift: draw a loop"],
  ["S, U, T, M", "snapping, unit of the ruler, text, menu"],
  ["Fingers", "tap, drag, long press for the menu, two to zoom"],
];

/** {root, show(), focus()}; the text panel writes as one types, as text boxes of ComfyUI do. */
export function createPanel({ session, commands, host, say }) {
  const root = element("div", { class: "keyvid-over", hidden: true });
  const box = (label, placeholder = "", properties = {}) =>
    element("textarea", { "aria-label": label, placeholder, spellcheck: "false", ...properties });
  const text = box("Keyframe edit", PLACEHOLDER, { oninput: () => session.type(text.value) });
  const pasted = box("Keyframes to import", EXPECTED);
  const shown = box("Keyframes in the chosen format", "", { readonly: true });
  const word = (label, onclick, tooltip = label) =>
    element("button", { type: "button", class: "keyvid-word", title: tooltip, onclick }, label);
  const row = (...children) => element("div", { class: "keyvid-row" }, ...children);
  const title = (words) => element("b", { class: "keyvid-title" }, words);
  const close = () => word("Close", () => commands.togglePanel(null), "Back to the timeline (Esc)");
  const accept = ".json,.csv,.txt,.tsv,text/*,application/json";
  const file = element("input", { type: "file", accept, hidden: true, onchange: readFile });
  const format = element(
    "select",
    { "aria-label": "Format", onchange: showExport },
    ...FORMATS.map((one) => element("option", { value: one.format }, one.name)),
  );

  const panels = {
    text: () => [row(title("The edit as text"), close()), text],
    import: () => [
      row(title("Import"), word("Open file…", () => file.click()), word("Take it", () => take(pasted.value)), close()),
      pasted,
      file,
    ],
    export: () => [row(title("Export"), format, word("Copy", copy), word("Save…", save), close()), shown],
    help: () => [row(title("Keys and gestures"), close()), help()],
  };
  const first = { text, import: pasted, export: format };

  function take(imported) {
    try {
      const { plan, situation } = session;
      if (!plan) throw new PlanError("Run up to here first: the length of the clip is not known yet.");
      const { plan: next, notes } = importText(imported, { plan });
      commands.togglePanel(null);
      // whatever stood there before, all of it is the artist's now
      const whole = { ...situation, problem: null, base: null, edit: { extra: {} } };
      session.write(textWith(whole, next), ["Imported.", ...notes].join(" "));
      pasted.value = "";
    } catch (error) {
      if (!(error instanceof PlanError)) throw error;
      say(error.message, true);
    }
  }

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
    if (document.activeElement !== text && text.value !== session.text) text.value = session.text;
    if (panel === "export") showExport();
    if (panel === open) return;
    open = panel;
    root.replaceChildren(...(panel ? panels[panel]() : []));
  }

  const focus = () => (first[session.state.panel] ?? root.querySelector("button"))?.focus({ preventScroll: true });
  return { root, show, focus };
}

function help() {
  const cells = (keys, meaning) => [element("th", { scope: "row" }, keys), element("td", {}, meaning)];
  const rows = HELP.map((line) => element("tr", {}, ...cells(...line)));
  return element("div", { class: "keyvid-help", tabindex: "0" }, element("table", {}, ...rows));
}
