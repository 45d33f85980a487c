"""Progress and cancelling for work that ComfyUI does not drive itself."""

import comfy.model_management
import comfy.utils


def progress_steps():
    """A callback `step(n_done, n_steps)` that moves the node's progress bar and raises if Cancel was pressed."""
    bar = comfy.utils.ProgressBar(1)

    def step(n_done, n_steps):
        comfy.model_management.throw_exception_if_processing_interrupted()
        bar.update_absolute(n_done, n_steps)

    return step
