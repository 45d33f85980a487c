"""KeyVID Sampler, KeyVID Schedule and Interpolated Noise: inputs of Sampler Custom Advanced."""

from comfy_api.v0_0_2 import io

from ..host.payloads import Model, Noise
from ..host.sampling.defaults import (
    BASE_SCALE,
    ETA,
    INPAINTED_STEPS,
    NOISE_STRENGTH,
    SPACINGS,
    STEPS,
)
from ..host.sampling.sampler import KeyframeNoise, keyvid_sampler, keyvid_sigmas

CATEGORY = "KeyVID/generation"


class KeyVIDSampler(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_Sampler",
            display_name="KeyVID Sampler",
            category=CATEGORY,
            description="The sampler of the published KeyVID and DynamiCrafter code: DDIM with added noise, "
            "dynamic rescale, and keyframes set in the first step of the interpolation.",
            search_aliases=["ddim", "sampler", "keyvid"],
            inputs=[
                io.Float.Input(
                    "eta",
                    default=ETA,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    tooltip="How much fresh noise every step adds: 1 as published, 0 none.",
                ),
                io.Float.Input(
                    "base_scale",
                    display_name="base scale",
                    default=BASE_SCALE,
                    min=0.05,
                    max=1.0,
                    step=0.05,
                    advanced=True,
                    tooltip="Dynamic rescale of the noisy latents, as the model was trained: 0.7 for KeyVID and "
                    "DynamiCrafter 512, 0.3 for DynamiCrafter 1024, 1 for none.",
                ),
                io.Int.Input(
                    "inpainted_steps",
                    display_name="inpainted steps",
                    default=INPAINTED_STEPS,
                    min=0,
                    max=1000,
                    advanced=True,
                    tooltip="In how many of the first steps the keyframes of the interpolation are set: "
                    "1 as published, 0 never. Only Interpolation Conditioning has keyframes.",
                ),
                io.Float.Input(
                    "noise_strength",
                    display_name="noise strength",
                    default=NOISE_STRENGTH,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    # like every input that is appended later: older prompts do not have it
                    optional=True,
                    advanced=True,
                    tooltip="A factor for all noise, at the start of a run and in its steps: 1 as published, 0 "
                    "none. With this pack's small networks less noise flickers less; seeds differ less, shapes may "
                    "soften.",
                ),
            ],
            outputs=[
                io.Sampler.Output(display_name="sampler", tooltip="For Sampler Custom Advanced.")
            ],
        )

    @classmethod
    def execute(
        cls,
        eta: float,
        base_scale: float,
        inpainted_steps: int,
        noise_strength: float = NOISE_STRENGTH,
    ) -> io.NodeOutput:
        return io.NodeOutput(
            keyvid_sampler(
                eta=eta,
                base_scale=base_scale,
                inpainted_steps=inpainted_steps,
                noise_strength=noise_strength,
            )
        )


class KeyVIDSchedule(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_Schedule",
            display_name="KeyVID Schedule",
            category=CATEGORY,
            description="The timesteps of the sampler, as in the published KeyVID code. Fewer steps are "
            "faster and rougher.",
            search_aliases=["scheduler", "sigmas", "steps", "keyvid"],
            inputs=[
                io.Model.Input("model", tooltip="The KeyVID or DynamiCrafter model."),
                io.Int.Input(
                    "steps",
                    default=STEPS,
                    min=1,
                    max=1000,
                    tooltip="90 in the published KeyVID code, 50 for DynamiCrafter; 20 to 30 for a quick look.",
                ),
                io.Combo.Input(
                    "spacing",
                    options=list(SPACINGS),
                    default=SPACINGS[0],
                    advanced=True,
                    tooltip="uniform_trailing starts from pure noise, as published. uniform starts a little below; "
                    "it may take more steps than you ask for, and some numbers are impossible.",
                ),
                io.Boolean.Input(
                    "ends_at_t0",
                    display_name="end at t = 0",
                    default=True,
                    advanced=True,
                    tooltip="On: end at the model's lowest noise level, which has a trace of noise, as published. "
                    "Off: end without noise, as ComfyUI's own schedulers do; for samplers from KSampler Select.",
                ),
            ],
            outputs=[
                io.Sigmas.Output(display_name="sigmas", tooltip="For Sampler Custom Advanced.")
            ],
        )

    @classmethod
    def execute(cls, model: Model, steps: int, spacing: str, ends_at_t0: bool) -> io.NodeOutput:
        return io.NodeOutput(
            keyvid_sigmas(model, n_steps=steps, spacing=spacing, ends_at_t0=ends_at_t0)
        )


class InterpolatedNoise(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_InterpolatedNoise",
            display_name="Interpolated Noise (KeyVID)",
            category=CATEGORY,
            description="For the frames between keyframes: noise that changes gradually from one keyframe to the "
            "next, as in the published KeyVID code. It reads the plan from the latent.",
            search_aliases=["noise", "interpolation noise", "keyvid"],
            inputs=[
                io.Noise.Input("noise", tooltip="Connect Random Noise, where the seed is set."),
            ],
            outputs=[io.Noise.Output(display_name="noise", tooltip="For Sampler Custom Advanced.")],
        )

    @classmethod
    def execute(cls, noise: Noise) -> io.NodeOutput:
        return io.NodeOutput(KeyframeNoise(noise))
