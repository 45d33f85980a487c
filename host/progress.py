"""Progress and cancelling for work that ComfyUI does not drive itself."""

import comfy.model_management
import comfy.utils


def progress_steps(n_steps):
    """A callback `step(i, n)` that moves the node's progress bar and raises if the artist pressed Cancel."""
    bar = comfy.utils.ProgressBar(n_steps)

    def step(done, total):
        comfy.model_management.throw_exception_if_processing_interrupted()
        bar.update_absolute(done, total)

    return step
