// The menu of the timeline: on right-click, on a long press, on the key M, and behind the button with three dots.

import { element } from "../dom.mjs";
import { keyframeAt } from "../plan/plan.mjs";
import { keyOf } from "../input/keys.mjs";

const EDGE_PX = 8; // between the menu and the edge of the page

/** What the menu offers right now: [{label, key, run, isOff}] with null for a line. target: of `hit`, or null. */
export function menuItems({ session, commands }, target) {
  const { plan, status, frames, measured } = session;
  const isOff = !status.canEdit;
  const chosen = plan ? frames.map((frame) => keyframeAt(plan, frame)) : [];
  const isLocked = chosen.length > 0 && chosen.every((keyframe) => keyframe.locked);
  const off = isOff || (chosen.length === 1 && chosen[0].frame === 0);
  const at = target?.frame === null && target.part !== "overview" ? Math.round(target.at) : null;
  const item = (label, command, { argument, off = isOff } = {}) => {
    return { label, key: keyOf(command, argument), isOff: off, run: () => commands[command](argument) };
  };
  const selection = chosen.length
    ? [
        item(isLocked ? "Unlock" : "Lock", "toggleLock"),
        item(chosen.length > 1 ? `Delete ${chosen.length} keyframes` : "Delete", "remove", { off }),
        item("Type where it goes…", "typeFrame", { off }),
        ...["peak", "valley", "fill"].map((kind) => item(`Make it a ${kind}`, "changeKind", { argument: kind, off })),
        item("Make it manual", "changeKind", { argument: "manual", off }),
        null,
      ]
    : [];
  const isInside = plan && at !== null && at >= 0 && at < plan.n_frames;
  const add = isInside ? [item(`Add a keyframe at ${at}`, "add", { argument: at }), null] : [];
  const isNewer = status.problem === "newer";
  const hasOnsets = Boolean(measured?.onsets.length);
  const scope = chosen.length > 2 ? "selected" : "all";
  return [
    ...add,
    ...selection,
    item("Select all", "selectAll", { off: !plan }),
    item(`Distribute ${scope} evenly`, "distribute"),
    item(`Snap ${chosen.length ? "selected" : "all"} to nearest onsets`, "snapToOnsets", { off: isOff || !hasOnsets }),
    item("Shift all…", "shiftAll"),
    null,
    item("Import…", "togglePanel", { argument: "import", off: isNewer }),
    item("Export…", "togglePanel", { argument: "export", off: !plan }),
    item("Text", "togglePanel", { argument: "text", off: false }),
    null,
    item("Run up to here", "run", { off: false }),
    item("Reset to prediction", "reset", { off: session.text === "" || isNewer }),
    item("Keys and gestures", "togglePanel", { argument: "help", off: false }),
  ];
}

/** Where a menu opens: at the pointer, but never under it, where a second click would choose something unseen. */
export function placeOf({ clientX, clientY }, menu, page) {
  const top = Math.max(EDGE_PX, Math.min(clientY, page.height - menu.height - EDGE_PX));
  const fitting = Math.max(EDGE_PX, Math.min(clientX, page.width - menu.width - EDGE_PX));
  const covers = top < clientY && fitting <= clientX && clientX <= fitting + menu.width;
  if (!covers) return { left: fitting, top };
  const beside = clientX + EDGE_PX + menu.width <= page.width ? clientX + EDGE_PX : clientX - menu.width - EDGE_PX;
  return { left: Math.max(EDGE_PX, beside), top };
}

/** Opens a menu at {clientX, clientY} of the page; onClose(): it is gone. @returns {() => void} closes it */
export function openMenu(items, { clientX, clientY }, onClose) {
  const buttons = [];
  const rows = items.map((item) => {
    if (!item) return element("hr");
    const button = element(
      "button",
      { type: "button", role: "menuitem", tabindex: "-1", disabled: item.isOff, onclick: () => choose(item) },
      element("span", {}, item.label),
      element("kbd", {}, item.key),
    );
    if (!item.isOff) buttons.push(button);
    return button;
  });
  const about = { class: "keyvid-menu", role: "menu", "aria-label": "Keyframes" };
  const stop = (event) => event.stopPropagation();
  const refuse = (event) => event.preventDefault();
  const listeners = { onpointerdown: stop, onwheel: stop, oncontextmenu: refuse };
  const root = element("div", { ...about, ...listeners }, ...rows);
  document.body.append(root);
  const { offsetWidth: width, offsetHeight: height } = root;
  const { left, top } = placeOf({ clientX, clientY }, { width, height }, { width: innerWidth, height: innerHeight });
  root.style.left = `${left}px`;
  root.style.top = `${top}px`;
  const outside = (event) => root.contains(event.target) || close();
  window.addEventListener("pointerdown", outside, true);
  window.addEventListener("blur", close);
  window.addEventListener("keydown", onKey, true); // after a long press the menu may not have the keyboard
  buttons[0]?.focus({ preventScroll: true });

  function onKey(event) {
    if (event.ctrlKey || event.metaKey) return;
    event.stopPropagation();
    const i = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: i + 1, ArrowUp: i - 1, Home: 0, End: -1 }[event.key];
    if (to !== undefined) buttons.at(to % buttons.length)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
  }

  function choose(item) {
    close();
    item.run();
  }

  function close() {
    if (!root.isConnected) return;
    window.removeEventListener("pointerdown", outside, true);
    window.removeEventListener("blur", close);
    window.removeEventListener("keydown", onKey, true);
    root.remove();
    onClose();
  }
  return close;
}
