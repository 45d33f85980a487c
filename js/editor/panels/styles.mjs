// @ts-check
// How the editor looks, in ComfyUI's own colours, so that it follows every theme. One sheet for all nodes.

const ID = "keyvid-edit-style";

const CSS = `
.keyvid-edit {
  --keyvid-line: color-mix(in srgb, var(--input-text) 22%, transparent);
  --keyvid-soft: color-mix(in srgb, var(--input-text) 10%, transparent);
  --keyvid-accent: var(--p-primary-color, #3b82f6);
  display: flex; flex-direction: column; gap: 4px; min-height: 300px; min-width: 0; overflow: hidden;
  font: 12px/1.35 system-ui, sans-serif; color: var(--input-text); text-align: left; user-select: none;
}
.keyvid-edit *, .keyvid-menu * { box-sizing: border-box; }
.keyvid-edit button, .keyvid-edit select, .keyvid-edit input, .keyvid-menu button {
  font: inherit; color: inherit; background: transparent; border: 1px solid transparent; border-radius: 5px; margin: 0;
}
.keyvid-edit button { cursor: pointer; }
.keyvid-edit button:hover:not(:disabled) { background: var(--keyvid-soft); }
.keyvid-edit button:disabled, .keyvid-menu button:disabled { opacity: 0.38; cursor: default; }
.keyvid-edit :focus-visible, .keyvid-menu :focus-visible { outline: 2px solid var(--keyvid-accent);
  outline-offset: -1px; }
.keyvid-edit svg { width: 16px; height: 16px; display: block; stroke-width: 1.4; stroke-linecap: round;
  stroke-linejoin: round; }
.keyvid-bar { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 1px; }
.keyvid-bar button { min-width: 26px; height: 26px; padding: 0 4px; display: grid; place-items: center; }
.keyvid-bar button[aria-pressed="true"] { background: color-mix(in srgb, var(--keyvid-accent) 30%, transparent);
  border-color: var(--keyvid-accent); }
.keyvid-gap { width: 1px; height: 16px; margin: 0 4px; background: var(--keyvid-line); }
.keyvid-rest { flex: 1; }
.keyvid-banner { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 8px; padding: 5px 8px;
  border-radius: 5px;
  border: 1px solid var(--keyvid-line); border-left: 4px solid var(--keyvid-accent); background: var(--keyvid-soft); }
.keyvid-banner[data-kind="problem"] { border-left-color: var(--warning-background, #d97706); }
.keyvid-banner > span { flex: 1 1 200px; }
.keyvid-edit .keyvid-word { padding: 2px 9px; border-color: var(--keyvid-line); white-space: nowrap; }
.keyvid-edit .keyvid-main { background: var(--keyvid-accent); border-color: transparent; font-weight: 600;
  color: var(--p-primary-contrast-color, #fff); padding: 6px 16px; }
.keyvid-edit .keyvid-main:hover:not(:disabled) { background: var(--keyvid-accent); filter: brightness(1.12); }
.keyvid-timeline { position: relative; flex: 1 1 0; min-height: 150px; border: 1px solid var(--border-color);
  border-radius: 5px; overflow: hidden; background: var(--comfy-menu-bg); }
.keyvid-timeline canvas { position: absolute; inset: 0; width: 100%; height: 100%; touch-action: none; outline: none; }
.keyvid-timeline:has(canvas:focus-visible) { border-color: var(--keyvid-accent);
  box-shadow: 0 0 0 1px var(--keyvid-accent); }
.keyvid-over { position: absolute; inset: 0; display: flex; flex-direction: column; gap: 8px; padding: 10px;
  background: var(--comfy-menu-bg); }
.keyvid-start { align-items: center; justify-content: center; text-align: center; }
.keyvid-start p { margin: 0; max-width: 44ch; }
.keyvid-start small { color: var(--descrip-text); font-size: 11px; }
.keyvid-over textarea { flex: 1; resize: none; min-height: 0; font: 11px/1.4 ui-monospace, monospace; padding: 6px;
  color: var(--input-text); background: transparent; border: 1px solid var(--keyvid-line); border-radius: 5px;
  user-select: text; }
.keyvid-title { margin-right: auto; }
.keyvid-help { flex: 1; min-height: 0; overflow-y: scroll; user-select: text; }
.keyvid-help th { text-align: left; font-weight: 600; padding: 1px 12px 1px 0; vertical-align: top;
  white-space: nowrap; }
.keyvid-help td { color: var(--descrip-text); }
.keyvid-row { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 8px; min-height: 24px; }
.keyvid-row label { display: inline-flex; align-items: center; gap: 4px; color: var(--descrip-text); }
.keyvid-row input, .keyvid-row select { height: 22px; padding: 0 5px; border-color: var(--keyvid-line);
  background: var(--comfy-input-bg); color: var(--input-text); }
.keyvid-row input { width: 64px; user-select: text; }
.keyvid-inspector > .keyvid-row { flex: 1; }
.keyvid-words { position: relative; flex: 1 1 90px; height: 22px; }
.keyvid-words textarea { position: absolute; left: 0; bottom: 0; width: 100%; height: 22px; padding: 2px 5px; margin: 0;
  font: inherit; resize: none; overflow: hidden; color: var(--input-text); background: var(--comfy-input-bg);
  border: 1px solid var(--keyvid-line); border-radius: 5px; user-select: text; }
.keyvid-words textarea:focus { height: 70px; overflow: auto; z-index: 1; }
.keyvid-words textarea:disabled { opacity: 0.38; }
.keyvid-row select option { background: var(--comfy-menu-bg); color: var(--input-text); }
.keyvid-hint, .keyvid-count { color: var(--descrip-text); }
.keyvid-count { margin-left: auto; white-space: nowrap; font-variant-numeric: tabular-nums; }
.keyvid-legend { display: flex; flex-wrap: wrap; gap: 0 10px; font-size: 11px; color: var(--descrip-text); }
.keyvid-legend span { display: inline-flex; align-items: center; gap: 3px; white-space: nowrap; }
.keyvid-edit .keyvid-legend svg { width: 12px; height: 12px; }
.keyvid-message { position: absolute; left: 6px; right: 6px; bottom: 76px; display: flex; pointer-events: none; }
.keyvid-message > span { padding: 3px 8px; border-radius: 5px; background: var(--comfy-menu-bg); color: var(--input-text);
  border: 1px solid var(--keyvid-line); box-shadow: 0 1px 4px #0005; }
.keyvid-message > span:empty { display: none; }
.keyvid-message > span[data-problem="true"] { border-left: 4px solid var(--warning-background, #d97706); }
.keyvid-edit [hidden] { display: none; }
.keyvid-menu { position: fixed; z-index: 10000; min-width: 210px; max-height: 80vh; overflow-y: auto; padding: 4px;
  font: 13px/1.3 system-ui, sans-serif; color: var(--input-text); background: var(--comfy-menu-bg);
  border: 1px solid var(--border-color); border-radius: 7px; box-shadow: 0 4px 16px #0008; }
.keyvid-menu button { display: flex; width: 100%; gap: 16px; justify-content: space-between; padding: 5px 10px;
  text-align: left; cursor: pointer; --keyvid-accent: var(--p-primary-color, #3b82f6); }
.keyvid-menu button:hover:not(:disabled), .keyvid-menu button:focus-visible {
  background: color-mix(in srgb, var(--input-text) 14%, transparent); }
.keyvid-menu kbd { font: inherit; font-size: 11px; color: var(--descrip-text); }
.keyvid-menu hr { border: 0; border-top: 1px solid var(--border-color); margin: 4px 6px; }
@media (pointer: coarse) {
  .keyvid-bar button { min-width: 32px; height: 32px; }
  .keyvid-menu button { padding: 10px; }
}
`;

/** Puts the sheet into the page, once. */
export function addStyles() {
  if (document.getElementById(ID)) return;
  const sheet = document.createElement("style");
  sheet.id = ID;
  sheet.textContent = CSS;
  document.head.append(sheet);
}
