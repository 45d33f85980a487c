"""The timeline editor as a hand uses it: real mouse and keys, and what workflow and prompt hold afterwards."""

import json
import math

from .graphs.workflow_files import ui_form

# the one that runs: a click brings a node to the end of the list, behind a bypassed one
NODE = "app.canvas.graph._nodes.find((node) => node.type === 'KeyVID_EditKeyframes' && node.mode !== 4)"
VIEW = f"{NODE}.widgets.find((widget) => widget.name === 'edit').editor"
CANVAS = ".keyvid-edit canvas"
N_FRAMES = 96
ONSETS = [2, 17, 33, 52, 70]
NEAR_PX, DOUBLE_MS = 20, 600  # a little more than the editor takes for a double click

# frame: kind, with space around each of them
KINDS = {
    0: "first", 16: "peak", 24: "fill", 34: "peak", 44: "valley", 56: "fill", 66: "peak", 76: "valley", 86: "fill",
}  # fmt: skip


def prediction(**changes):
    """A plan document as a run reports it."""
    keyframes = [
        {"frame": frame, "kind": kind, "locked": False, "source": "strongest"}
        for frame, kind in KINDS.items()
    ]
    document = {
        "version": 3,
        "fps": 24,
        "n_frames": N_FRAMES,
        "count": len(keyframes),
        "fingerprint": {"n_frames": N_FRAMES, "loudness": [9, 4, 7, 1, 8, 2]},
        "keyframes": keyframes,
    }
    return {**document, **changes}


def result_of(document, **changes):
    """What nodes/edit.py hands the editor after a run."""
    n_frames = document["n_frames"]
    curve = [0.5 + 0.5 * (-1) ** (frame // 8) * ((frame % 8) / 8) for frame in range(n_frames)]
    shown = {
        "prediction": document,
        "plan": document,
        "notice": "",
        "error": "",
        "n_frames": n_frames,
        "fps": document["fps"],
        "curve": curve,
        "curve_peaks": [],
        "peaks": {"min": [-60] * n_frames, "max": [80] * n_frames},
        "onsets": ONSETS,
        "beats": [12, 36, 60, 84],
        "audio": None,
        "audio_notice": "",
    }
    return {**shown, **changes}


def timing_workflow():
    """keyvid_timing_all_nodes in UI form without Save Video: after an undo Nodes 2.0 gives that node another height,
    which ComfyUI takes for a change of the artist's at the next key, and forgets what could be redone."""
    workflow = ui_form("keyvid_timing_all_nodes")
    (saver,) = [node for node in workflow["nodes"] if node["type"] == "SaveVideo"]
    workflow["nodes"].remove(saver)
    gone = {link[0] for link in workflow["links"] if link[3] == saver["id"]}
    workflow["links"] = [link for link in workflow["links"] if link[0] not in gone]
    for node in workflow["nodes"]:
        for output in node.get("outputs", ()):
            output["links"] = [link for link in output["links"] or () if link not in gone]
    return workflow


class Editor:
    """The editor of the first Edit Keyframes node. page: tools/frontend.py's Frontend, already open."""

    def __init__(self, page, *, result=None, workflow=None):
        self.frontend, self.page, self._pressed = page, page.page, None
        self.load(workflow or timing_workflow())
        if result is not None:
            self.executed(result)

    def load(self, workflow):
        """Open a workflow in UI form, as a new tab."""
        self.frontend.load(workflow, name="editor")
        self.page.wait_for_function(f"() => {NODE}")
        self.show_node()

    def show_node(self, size=(760, 470), scale=1.0):
        """The node alone in the middle of the page."""
        self.page.evaluate(
            f"""([size, scale]) => {{
              const node = {NODE}, {{ ds }} = app.canvas;
              node.setSize(size);
              for (const other of app.canvas.graph._nodes) if (other !== node) other.pos = [other.pos[0], -4000];
              ds.scale = scale;
              ds.offset = [240 / scale - node.pos[0], 200 / scale - node.pos[1]];
              app.canvas.setDirty(true, true);
              app.extensionManager.workflow.activeWorkflow.changeTracker.captureCanvasState();
            }}""",
            [list(size), scale],
        )
        self.frontend.settle()

    def into_subgraph(self):
        """Put the node into a subgraph of its own, and open that."""
        self.page.evaluate(
            f"""() => {{
              const {{ subgraph }} = app.graph.convertToSubgraph(new Set([{NODE}]));
              app.canvas.openSubgraph ? app.canvas.openSubgraph(subgraph, null) : app.canvas.setGraph(subgraph);
            }}"""
        )
        self.frontend.settle()
        self.show_node()

    def run_up_to_here(self):
        """By the button that the editor shows before its first run."""
        self.page.locator(".keyvid-edit button:has-text('Run up to here')").first.click()
        self.page.wait_for_function(f"() => {VIEW}.session.state.result")
        self.frontend.settle()

    def executed(self, result):
        """As if the server had run the node."""
        self.page.evaluate(f"result => {NODE}.onExecuted({{ keyvid_edit: [result] }})", result)
        self.frontend.settle()

    def pause(self):
        """A few frames of the screen: what a gesture did is seen."""
        self.frontend.show_frames()

    def ask(self, expression):
        """The value of an expression over `view`, the Editor of editor/editor.mjs."""
        return self.page.evaluate(f"() => {{ const view = {VIEW}; return {expression} }}")

    # where things are

    def x_of(self, frame):
        return self.ask(f"view.timeline.pointOf({frame}).clientX")

    def y_of(self, band):
        return self.ask(
            f"""(() => {{
              const box = view.timeline.canvas.getBoundingClientRect(), {{ y, height }} = view.timeline.boxes().{band};
              return box.top + (y + height / 2) * (box.height / view.timeline.canvas.clientHeight);
            }})()"""
        )

    def at(self, frame, band="keys"):
        """A place on the page. A marker's middle lies a little above that of its band."""
        return self.x_of(frame), self.y_of(band) - (7 if band == "keys" else 0)

    # what a hand does

    def press_at(self, frame, band="keys", **how):
        where = self.at(frame, band)
        self._wait_to_be_single(where)
        self.page.mouse.click(*where, **how)
        self._was_pressed(where)
        self.pause()

    def double_click(self, frame, band="wave"):
        self.page.mouse.dblclick(*self.at(frame, band))
        self.pause()

    def drag(self, start, end, *, band="keys", keys=(), steps=6):
        """Drag from a frame to a frame, with keys held."""
        where, there = self.at(start, band), self.at(end, band)
        self._wait_to_be_single(where)
        for key in keys:
            self.page.keyboard.down(key)
        self.page.mouse.move(*where)
        self.page.mouse.down()
        self.page.mouse.move(*there, steps=steps)
        self.page.mouse.up()
        for key in keys:
            self.page.keyboard.up(key)
        self.pause()

    def _wait_to_be_single(self, where):
        """A press soon after one at the same place would be a double click."""
        if self._pressed and math.dist(where, self._pressed[0]) < NEAR_PX:
            past = f"time => performance.now() - time > {DOUBLE_MS}"
            self.page.wait_for_function(past, arg=self._pressed[1])
        self._pressed = None

    def _was_pressed(self, where):
        self._pressed = where, self.page.evaluate("() => performance.now()")

    def key(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
        self.pause()

    def undo(self):
        self._history("Control+z")

    def redo(self):
        self._history("Control+y")

    def _history(self, key):
        tracker = "app.extensionManager.workflow.activeWorkflow.changeTracker"
        self.page.locator(CANVAS).focus()
        n_steps = self.page.evaluate(f"() => {tracker}.undoQueue.length")
        self.page.keyboard.press(key)
        done = f"n => {tracker}.undoQueue.length !== n && !{tracker}._restoringState"
        self.page.wait_for_function(done, arg=n_steps)
        self.frontend.settle()  # Nodes 2.0 gets its elements a little later

    # what is kept

    @property
    def text(self):
        """The edit in the API prompt and in the saved workflow, which must agree."""
        (sent,) = _entries(self.frontend.api_prompt().values(), "class_type")
        (saved,) = _entries(_all_nodes(self.frontend.workflow_json()), "type")
        assert saved["widgets_values"] == [sent["inputs"]["edit"]]
        return sent["inputs"]["edit"]

    @property
    def edit(self):
        return json.loads(self.text)

    @property
    def frames(self):
        """The frames that would be painted: those of the edit as it is kept, and they are those on the screen."""
        kept = [keyframe["frame"] for keyframe in self.edit["plan"]["keyframes"]]
        assert kept == self.shown
        return kept

    @property
    def shown(self):
        return self.ask("view.session.plan.keyframes.map((keyframe) => keyframe.frame)")

    @property
    def selected(self):
        return self.ask("view.session.frames")

    def keyframe(self, frame):
        (found,) = [k for k in self.edit["plan"]["keyframes"] if k["frame"] == frame]
        return found

    @property
    def places(self):
        """Where the nodes of the graph are, by id."""
        return self.ask(
            "Object.fromEntries(app.graph._nodes.map((node) => [node.id, [...node.pos]]))"
        )

    @property
    def said(self):
        return self.page.locator(".keyvid-message").inner_text()


def _entries(entries, name):
    return [entry for entry in entries if entry[name] == "KeyVID_EditKeyframes"]


def _all_nodes(workflow):
    subgraphs = (workflow.get("definitions") or {}).get("subgraphs") or []
    return [*workflow["nodes"], *(node for one in subgraphs for node in one["nodes"])]
