"""The node that runs: its progress bar, Cancel, and a message to the page before it ends."""

from collections.abc import Callable
from typing import Any

import comfy.model_management
import comfy.utils
from comfy_execution.utils import get_executing_context

from .payloads import UI


def progress_steps() -> Callable[[int, int], None]:
    """A callback `step(n_done, n_steps)` that moves the node's progress bar and raises if Cancel was pressed."""
    bar = comfy.utils.ProgressBar(1)

    def step(n_done: int, n_steps: int) -> None:
        comfy.model_management.throw_exception_if_processing_interrupted()
        bar.update_absolute(n_done, n_steps)

    return step


def show_text(text: str) -> None:
    """Shows a text in the node that runs, as the core's Get Image Size does; the workflow does not keep it."""
    server, context = _server(), get_executing_context()
    if server is not None and context is not None:
        server.send_progress_text(text, context.node_id, server.client_id)


def show_now(ui: UI) -> None:
    """Shows a ui dict in a node that is about to fail: ComfyUI shows those of successful runs only."""
    server, context = _server(), get_executing_context()
    if server is None or context is None or server.client_id is None:
        return
    message = {
        "node": context.node_id,
        "display_node": context.node_id,
        "output": ui,
        "prompt_id": context.prompt_id,
    }
    server.send_sync("executed", message, server.client_id)


def _server() -> Any:
    """ComfyUI's running server, or None."""
    from server import PromptServer  # late: it belongs to a running server, and tests have none

    return getattr(PromptServer, "instance", None)
