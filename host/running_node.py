"""The node that runs: its progress bar, Cancel, and a message to the page before it ends."""

from collections.abc import Callable

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


def show_now(ui: UI) -> None:
    """Shows a ui dict in a node that is about to fail: ComfyUI shows those of successful runs only."""
    from server import PromptServer  # late: it belongs to a running server, and tests have none

    server = getattr(PromptServer, "instance", None)
    context = get_executing_context()
    if server is None or context is None or server.client_id is None:
        return
    message = {
        "node": context.node_id,
        "display_node": context.node_id,
        "output": ui,
        "prompt_id": context.prompt_id,
    }
    server.send_sync("executed", message, server.client_id)
