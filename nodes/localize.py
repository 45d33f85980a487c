"""Localize Keyframes: how much should move at each frame, heard from the sound."""

from functools import partial

from comfy_api.latest import io

from ..host.audio import clip_samples_of
from ..host.loaders.localizer import network_curve
from ..host.node_previews import strip_ui
from ..host.running_node import progress_steps
from ..keyframes.audio.beats import AS_HEARD, TEMPOS, beats_curve
from ..keyframes.audio.onset import onset_curve
from ..keyframes.values import plain_number, plain_value
from .sockets import Curve, Localizer

METHODS = ONSET, BEATS, NETWORK = "onset", "beats", "network"


class LocalizeKeyframes(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVID_LocalizeKeyframes",
            display_name="Localize Keyframes (KeyVID)",
            category="KeyVID/timing",
            description="Listens to the sound and gives each frame a motion score: "
            "high where something should move.",
            search_aliases=["onset", "beat", "audio reactive", "motion score", "keyvid"],
            is_output_node=True,  # else ComfyUI does not show the picture of a cached run again
            inputs=[
                io.Audio.Input("audio", tooltip="The sound from Clip Audio."),
                io.Float.Input("fps", force_input=True, tooltip="The fps from Clip Audio."),
                io.Int.Input(
                    "n_frames",
                    display_name="frames",
                    force_input=True,
                    tooltip="The frames from Clip Audio.",
                ),
                io.Combo.Input(
                    "method",
                    options=list(METHODS),
                    default="onset",
                    tooltip="onset: every strike, hit or note start. beats: the steady pulse of music. network: what "
                    "a trained localizer hears; connect one.",
                ),
                Localizer.Input(
                    "localizer",
                    optional=True,
                    tooltip="From Load Localizer; used by the method network alone.",
                ),
                io.Combo.Input(
                    "tempo",
                    options=list(TEMPOS),
                    default=AS_HEARD,
                    optional=True,
                    tooltip="Of the method beats alone, for music that can be counted in more than one way. "
                    "half: every second beat. double: also the moments midway between the beats.",
                ),
            ],
            outputs=[Curve.Output(display_name="curve", tooltip="One motion score per frame.")],
        )

    @classmethod
    def execute(cls, audio, fps, n_frames, method, localizer=None, tempo=AS_HEARD):
        n_frames, fps = plain_number(n_frames), plain_value(fps)  # a wire may bring 48.0
        samples, sample_rate = clip_samples_of(audio, n_frames=n_frames, fps=fps)
        hear = {
            ONSET: onset_curve,
            BEATS: partial(beats_curve, tempo=tempo),
            NETWORK: partial(network_curve, localizer),
        }[method]
        curve = hear(samples, sample_rate, n_frames=n_frames, fps=fps, on_step=progress_steps())
        shown = strip_ui(cls, n_frames=n_frames, fps=fps, samples=samples, curve=curve)
        return io.NodeOutput(curve, ui=shown)
