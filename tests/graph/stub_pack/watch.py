"""What sampling does inside the server: every step, every forward, and what each pass is given."""

import time

import comfy.model_management
import torch
from comfy_api.latest import io
from server import PromptServer

from .files import write_tensors

HOLD_TIMEOUT_S = 1800
HOLDING = "keyvid_test.holding"  # the event that the held forward has begun
LEAKED = []  # what runs that leak have kept, never let go


class WatchedSampler:
    """A SAMPLER that does what another does and writes down what it sees.

    The file has: sigmas (S + 1,); x, denoised (steps, B, C, T, h, w) as ComfyUI keeps them before each step; passes
    (forwards, 4), ComfyUI's numbers of the passes that each forward ran, filled up with -1; and for the first step
    given.PASS.NAME, what the network got in each pass. It is written even when sampling is cancelled.
    hold: the forward that waits for Cancel, as a very slow one would; -1 for none. one_by_one: never two passes in
    one forward, as when memory is short. leak: what the network got in the first forward is kept for good.
    """

    def __init__(self, sampler, file, *, hold, one_by_one, leak):
        self.sampler, self.file = sampler, file
        self.hold, self.one_by_one, self.leak = hold, one_by_one, leak

    def sample(self, model_wrap, sigmas, extra_args, callback, *arguments, **options):
        steps, passes, given = [], [], {}

        def on_step(index, denoised, x, n_steps):
            steps.append((x.clone(), denoised.clone()))
            callback(index, denoised, x, n_steps)

        def on_forward(apply_model, call):
            numbers = list(call["cond_or_uncond"])
            passes.append(numbers + [-1] * (4 - len(numbers)))
            if not steps:
                given.update(_given(call, numbers))
            if self.leak and len(passes) == 1:
                LEAKED.append(call["c"])
            if len(passes) - 1 == self.hold:
                _wait_for_cancel()
            return apply_model(call["input"], call["timestep"], **call["c"])

        extra_args["model_options"]["model_function_wrapper"] = on_forward
        model = model_wrap.inner_model
        if self.one_by_one:
            model.memory_required = lambda *_, **__: float("inf")
        try:
            return self.sampler.sample(
                model_wrap, sigmas, extra_args, on_step, *arguments, **options
            )
        finally:
            vars(model).pop("memory_required", None)
            tensors = {"sigmas": sigmas, "passes": torch.tensor(passes), **given}
            if steps:
                x, denoised = map(torch.stack, zip(*steps, strict=True))
                tensors |= {"x": x, "denoised": denoised}
            write_tensors(self.file, tensors)


def _given(call, numbers):
    """{given.PASS.NAME: what one pass of a forward is given}"""
    given = {"x": call["input"], **call["c"]}
    return {
        f"given.{number}.{name}": rows
        for name, value in given.items()
        if isinstance(value, torch.Tensor)
        for number, rows in zip(numbers, value.chunk(len(numbers)), strict=True)
    }


def _wait_for_cancel():
    # said by an event of its own: ComfyUI leaves out progress events that follow each other fast
    PromptServer.instance.send_sync(HOLDING, {})
    deadline = time.monotonic() + HOLD_TIMEOUT_S
    while time.monotonic() < deadline:
        if comfy.model_management.processing_interrupted():
            return
        time.sleep(0.01)
    raise TimeoutError("nobody pressed Cancel")


class WatchSampler(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_WatchSampler",
            inputs=[
                io.Sampler.Input("sampler"),
                io.String.Input("file"),
                io.Int.Input("hold", default=-1, min=-1, optional=True),
                io.Boolean.Input("one_by_one", default=False, optional=True),
                io.Boolean.Input("leak", default=False, optional=True),
            ],
            outputs=[io.Sampler.Output()],
        )

    @classmethod
    def execute(cls, sampler, file, hold=-1, one_by_one=False, leak=False):
        watched = WatchedSampler(sampler, file, hold=hold, one_by_one=one_by_one, leak=leak)
        return io.NodeOutput(watched)
