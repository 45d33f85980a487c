"""Drives ComfyUI's real frontend in a real browser (Playwright), for the tests and for exporting workflows."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, ViewportSize, sync_playwright

from . import environment
from .server import Server

# without a GPU, as root, and without the browser's own calls home
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
VUE = "Comfy.VueNodes.Enabled"
# no dialog at the first start, and nothing left over from the page before
SETTINGS = {
    "Comfy.TutorialCompleted": True,
    "Comfy.Workflow.Persist": False,
    "Comfy.Locale": "en",
}
# ComfyUI's frontend says these about itself on a clean user folder, with or without packs: files that are
# not there yet, and the models of its own first workflow, which it looks up on the closed network
# (`complaints` tells about models that the opened workflow lacks)
NOISE = (
    "/user.css",
    "/api/settings",
    "/api/userdata",
    "accessed before initialization",
    "https://huggingface.co/Comfy-Org/z_image_turbo/",
)
# for an image of the graph: nothing over the graph, and text however small
IMAGE_SETTINGS = {
    "Comfy.Minimap.Visible": False,
    "Comfy.Graph.CanvasMenu": False,
    "Comfy.Graph.CanvasInfo": False,
    "LiteGraph.Canvas.MinFontSizeForLOD": 0,
}
# in the frontend that is pinned, and in 1.58
RED_TOASTS = ".p-toast-message-error, .p-toast-message-warn, [data-toast-kind=error], [data-toast-kind=warning]"
# of the screen on which a workflow has to be readable as it opens
LAPTOP: ViewportSize = {"width": 1440, "height": 900}
PREVIEW_WIDGET = "video-preview"  # of ComfyUI's classic renderer
TIMEOUT_MS = 600_000  # ends what hangs; a slow or busy machine never meets it

WATCH = Path(__file__).with_name("frontend_watch.js")
SETTLED_FRAMES = 4

_RECORD_EVENTS = """() => {
  window.keyvidEvents = [];
  const kinds = ["execution_start", "execution_cached", "executing", "executed",
                 "execution_success", "execution_error", "execution_interrupted"];
  for (const kind of kinds)
    app.api.addEventListener(kind, (event) => window.keyvidEvents.push([kind, event.detail]));
}"""
# the last word on a graph is "executing nothing"; one that arrives before its start belongs to the graph before
_ENDED = """() => {
  const start = window.keyvidEvents.findIndex(([kind]) => kind === "execution_start");
  return start >= 0 && window.keyvidEvents.slice(start).some(([kind, node]) => kind === "executing" && node === null);
}"""
# left, top, right and bottom of all nodes and groups on the page, with a margin
_EDGES = """() => {
  const boxes = [...app.graph._nodes, ...app.graph._groups].map((item) => item.boundingRect ?? item._bounding);
  const { offset, scale } = app.canvas.ds, margin = 16;
  const edge = (pick, value) => Math.round(pick(...boxes.map(value)) * scale);
  const x = offset[0] * scale, y = offset[1] * scale;
  return [
    Math.max(0, x + edge(Math.min, (b) => b[0]) - margin),
    Math.max(0, y + edge(Math.min, (b) => b[1]) - margin),
    Math.min(innerWidth, x + edge(Math.max, (b) => b[0] + b[2]) + margin),
    Math.min(innerHeight, y + edge(Math.max, (b) => b[1] + b[3]) + margin),
  ];
}"""
_CLEAR = """() => {
  const { workflow, toast } = app.extensionManager;
  const others = workflow.openWorkflows.filter((one) => one !== workflow.activeWorkflow);
  for (const other of others) workflow.closeWorkflow(other);
  (toast.removeAll ?? toast.dismissAll)();
  window.keyvidToasts.clear();
}"""
_MISSING = """() => {
  const stores = document.querySelector("#vue-app").__vue_app__.config.globalProperties.$pinia.state.value;
  return {
    nodes: stores.missingNodesError.missingNodesError?.nodeTypes ?? [],
    models: stores.missingModel.missingModelCandidates ?? [],
    media: stores.missingMedia.missingMediaCandidates ?? [],
  };
}"""


@contextlib.contextmanager
def browsing() -> Iterator[Browser]:
    """A headless browser: the system's Chromium, else Playwright's own."""
    with sync_playwright() as playwright:
        path = environment.find_chromium()
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


class Frontend:
    """ComfyUI's page as a person who has never used it before sees it.

    Each one starts with a clean user folder on the server and a clean browser profile.
    page: Playwright's Page; console_errors: what the page complained about, without ComfyUI's own noise; vue: whether
    Nodes 2.0 draws the nodes.
    """

    def __init__(self, browser: Browser, server: Server) -> None:
        self.browser, self.server, self.vue = browser, server, False
        self.console_errors: list[str] = []
        self._make_page()

    def _make_page(self) -> None:
        self.page = self.browser.new_page(viewport={"width": 1600, "height": 1000})
        self.page.set_default_timeout(TIMEOUT_MS)
        self.page.add_init_script(path=WATCH)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.console_errors.append(str(error)))

    def close(self) -> None:
        """Close the page."""
        self.page.close()

    def restart(self) -> None:
        """Close the page and open another one."""
        self.close()
        self._make_page()
        self.open(vue=self.vue)

    def open(self, *, vue: bool, query: str = "") -> None:
        """Open the page; `vue`: nodes drawn by Nodes 2.0 instead of on the canvas."""
        self.vue = vue
        shutil.rmtree(self.server.base / "user" / "default", ignore_errors=True)
        self.server.post("/api/settings", {**SETTINGS, VUE: vue})
        # never "networkidle": the websocket stays open
        self.page.goto(self.server.url + query, wait_until="domcontentloaded")
        self._wait_until_ready()

    def reload(self) -> None:
        """As F5 does."""
        # another page of the same server may be drawn by the other renderer
        self.server.post("/api/settings", {VUE: self.vue})
        self.page.reload(wait_until="domcontentloaded")
        self._wait_until_ready()

    def come_back(self) -> None:
        """Open ComfyUI in this page as the page before left it: the user's files, settings and browser profile stay."""
        self.page.goto(self.server.url, wait_until="domcontentloaded")
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        # the spinner ends once the first workflow, or the one in the address, is loaded
        self.page.wait_for_function("() => window.app?.extensionManager?.spinner === false")
        self.page.evaluate(_RECORD_EVENTS)
        self.settle()

    def clear(self) -> None:
        """Forget what was said, and close every workflow but the one that is shown."""
        self.page.evaluate(_CLEAR)
        self.settle()
        self.console_errors.clear()

    def use_renderer(self, *, vue: bool) -> None:
        """Change who draws the nodes while the page is open, as the artist does in the settings."""
        self.set(VUE, vue)
        self.vue = vue

    def set(self, setting: str, value: Any) -> None:
        """Change one of ComfyUI's settings."""
        change = "([name, value]) => app.extensionManager.setting.set(name, value)"
        self.page.evaluate(change, [setting, value])
        self.settle()

    def open_template(self, name: str, *, vue: bool) -> None:
        """Open workflows/NAME.json as the server hands it to the Templates dialog."""
        self.open(vue=vue, query=f"/?template={name}&source={environment.PACK_NAME}")
        self.wait_until_open(name)

    def wait_until_open(self, name: str) -> None:
        """Wait until the workflow of this name is the active one."""
        opened = "name => app.extensionManager.workflow.activeWorkflow?.filename === name"
        self.page.wait_for_function(opened, arg=name)
        self.settle()

    def open_workflow(self, workflow: dict, *, vue: bool, name: str = "workflow") -> None:
        """Open the page and in it a UI-format workflow given as data."""
        self.open(vue=vue)
        self.load(workflow, name=name)

    def load(self, workflow: dict, *, name: str = "workflow") -> None:
        """Open a UI-format workflow given as data in the open page, in a tab of its own."""
        # whoever opens a workflow inside a subgraph of another may be led back there by ComfyUI
        self.page.evaluate("() => app.canvas.setGraph(app.graph)")
        self.settle()
        load = "([workflow, name]) => app.loadGraphData(workflow, true, true, name)"
        self.page.evaluate(load, [workflow, name])
        self.settle()

    def settle(self) -> None:
        """Wait until the page has come to rest: nothing asked of the server, no short timer, nothing left to draw."""
        settled = "([nFrames, timeoutMs]) => window.keyvidSettled(nFrames, timeoutMs)"
        self.page.evaluate(settled, [SETTLED_FRAMES, TIMEOUT_MS])

    def show_frames(self, n_frames: int = 3) -> None:
        """Wait until the screen was drawn so often, whatever else goes on."""
        self.page.evaluate(
            """async (n) => { while (n-- > 0) await new Promise(requestAnimationFrame); }""",
            n_frames,
        )

    def queue_and_wait(self, timeout_ms: float = 3_600_000) -> list[tuple[str, Any]]:
        """Press Run's command and wait for the end: [(event kind, its detail), ...]; [] if it was refused."""
        self.page.evaluate("() => { window.keyvidEvents.length = 0 }")
        if not self.page.evaluate("() => app.queuePrompt(0, 1)"):
            return []
        self.page.wait_for_function(_ENDED, timeout=timeout_ms)
        events = [tuple(event) for event in self.page.evaluate("() => window.keyvidEvents")]
        return events[[kind for kind, _ in events].index("execution_start") :]

    def api_prompt(self) -> dict:
        """The graph in API format, as the frontend sends it, without previews (js/video_preview.js)."""
        prompt = self.page.evaluate("async () => (await app.graphToPrompt()).output")
        for node in prompt.values():
            # frontend 1.58 also says which version of its pack the node is saved from
            node["_meta"] = {"title": node["_meta"]["title"]}
            # of Load Video it is there once the video has been loaded, sooner or later
            if not node["inputs"].get(PREVIEW_WIDGET, True):
                del node["inputs"][PREVIEW_WIDGET]
        return prompt

    def workflow_json(self) -> dict:
        """The graph in UI format, as the frontend saves it."""
        # as text: Playwright would hand over null for what JSON leaves out, which another frontend may not open
        return json.loads(self.page.evaluate("() => JSON.stringify(app.graph.serialize())"))

    def complaints(self) -> list[str]:
        """What the page warns about on the screen: missing nodes, models or media, errors, red toasts."""
        missing = self.page.evaluate(_MISSING)
        found = [f"missing {kind}: {items}" for kind, items in missing.items() if items]
        shown = self.page.locator(f"[data-testid=error-overlay], {RED_TOASTS}, .p-dialog")
        return found + [text for text in shown.all_inner_texts() if text.strip()]

    def toasts(self) -> str:
        """The text of every message in the corner of the page since it was opened or cleared, gone or not."""
        return " ".join(self.page.evaluate("() => [...window.keyvidToasts]"))

    def image_of_graph(self, path: Path, *, width: int = 2000, height: int = 1125) -> None:
        """Save a JPEG of the graph, cut at its edges, without the panels around it."""
        self.page.set_viewport_size({"width": width, "height": height})
        for setting, value in IMAGE_SETTINGS.items():
            self.set(setting, value)
        for command in ("Workspace.ToggleFocusMode", "Comfy.Canvas.FitView"):
            self.page.evaluate("name => app.extensionManager.command.execute(name)", command)
            self.settle()
        left, top, right, bottom = self.page.evaluate(_EDGES)
        self.page.screenshot(
            path=path,
            type="jpeg",
            quality=85,
            clip={"x": left, "y": top, "width": right - left, "height": bottom - top},
        )

    def _on_console(self, message: ConsoleMessage) -> None:
        where = (message.location or {}).get("url", "")
        if message.type == "error" and not any(n in message.text + where for n in NOISE):
            self.console_errors.append(f"{message.text} {where}".strip())
