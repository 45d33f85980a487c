// What the editor says before there is a plan to show: what to do next, with the button that does it.

import { element } from "./elements.mjs";

/** {root, show()}. */
export function createStart({ session, commands, host }) {
  const words = element("p");
  const run = element("button", { type: "button", class: "keyvid-main", onclick: () => commands.run() }, "Run up to here");
  const more = element("small", {}, "Nothing after this node runs, so it takes seconds.");
  const root = element("div", { class: "keyvid-over keyvid-start" }, words, run, more);

  function show() {
    const { plan, edit, problem } = session.situation;
    const isConnected = host.hasPlan();
    root.hidden = plan !== null || problem !== null;
    run.hidden = more.hidden = !isConnected;
    words.textContent = !isConnected
      ? "Connect the plan of Select Keyframes to this node first. Its keyframes appear here, to be moved by hand."
      : edit.state === "frames"
        ? `Your frames: ${edit.frames.slice(0, 12).join(", ")}${edit.frames.length > 12 ? " …" : ""}. Run up to here to see them on the sound.`
        : "See the keyframes on the sound, and move them by hand.";
  }
  return { root, show };
}
