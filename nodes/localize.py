"""Localize Keyframes: a motion score for each frame, computed from the audio."""

from functools import partial

from comfy_api.v0_0_2 import io

from ..host.audio import clip_samples_of, preroll_of
from ..host.librosa_curves import librosa_beats_curve, librosa_onset_curve
from ..host.loaders.localizer import LoadedLocalizer, network_curve, onset_network_curve
from ..host.node_previews import strip_ui
from ..host.payloads import Audio
from ..host.running_node import progress_steps
from ..keyframes.audio.beats import AS_HEARD, TEMPOS, beats_curve
from ..keyframes.audio.combined import SOURCE
from ..keyframes.audio.onset import SENSITIVITY, onset_curve
from ..keyframes.values import plain_number, plain_value
from .sockets import Curve, Localizer

METHODS = ONSET, BEATS, NETWORK, COMBINED, LIBROSA_ONSET, LIBROSA_BEATS = (
    "onset",
    "beats",
    "network",
    SOURCE,
    "librosa onset",
    "librosa beats",
)


class LocalizeKeyframes(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_LocalizeKeyframes",
            display_name="Localize Keyframes (KeyVID)",
            category="KeyVID/timing",
            description="Analyses the sound and gives each frame a motion score: "
            "high where something should move.",
            search_aliases=["onset", "beat", "audio reactive", "motion score", "keyvid"],
            is_output_node=True,  # else ComfyUI does not show the image of a cached run again
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
                    tooltip="onset: every strike, hit or note start. beats: the steady pulse of music. network: the "
                    "score of a trained localizer; connect one. onset + network: the strikes of both. librosa "
                    "onset, librosa beats: those of the package librosa, where it is installed.",
                ),
                Localizer.Input(
                    "localizer",
                    optional=True,
                    tooltip="From Load Localizer; only used by the methods with network.",
                ),
                io.Combo.Input(
                    "tempo",
                    options=list(TEMPOS),
                    default=AS_HEARD,
                    optional=True,
                    tooltip="Only for the method beats, where music can be counted in more than one way. "
                    "half: every second beat. double: also midway between the beats.",
                ),
                io.Float.Input(
                    "sensitivity",
                    default=SENSITIVITY,
                    min=0.0,
                    max=1.0,
                    step=0.05,
                    optional=True,
                    tooltip="Only for the methods with onset: how faint a strike may be and still be clear. Higher "
                    "finds more in a full mix or in reverberation; lower only the clearest.",
                ),
            ],
            outputs=[Curve.Output(display_name="curve", tooltip="One motion score per frame.")],
        )

    @classmethod
    def execute(
        cls,
        audio: Audio,
        fps: float,
        n_frames: int,
        method: str,
        localizer: LoadedLocalizer | None = None,
        tempo: str = AS_HEARD,
        sensitivity: float = SENSITIVITY,
    ) -> io.NodeOutput:
        n_frames, fps = plain_number(n_frames), plain_value(fps)  # a wire may bring 48.0
        samples, sample_rate = clip_samples_of(audio, n_frames=n_frames, fps=fps)
        before = preroll_of(audio, samples, sample_rate)
        of_onsets = {"sensitivity": plain_number(sensitivity), "preroll": before}
        curve_of = {
            ONSET: partial(onset_curve, **of_onsets),
            BEATS: partial(beats_curve, tempo=tempo, preroll=before),
            NETWORK: partial(network_curve, localizer),
            COMBINED: partial(onset_network_curve, localizer, **of_onsets),
            LIBROSA_ONSET: librosa_onset_curve,
            LIBROSA_BEATS: librosa_beats_curve,
        }[method]
        curve = curve_of(samples, sample_rate, n_frames=n_frames, fps=fps, on_step=progress_steps())
        shown = strip_ui(cls, n_frames=n_frames, fps=fps, samples=samples, curve=curve)
        return io.NodeOutput(curve, ui=shown)
