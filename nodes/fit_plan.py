"""Fit Plan To Model: a plan, its sound and its curve at the frame rate and length of another model."""

from comfy_api.v0_0_2 import io

from ..host.audio import audio_of, clip_samples_of, preroll_of
from ..host.payloads import Audio
from ..host.running_node import show_text
from ..keyframes.audio.clip import of_length
from ..keyframes.audio.fingerprint import fingerprint_of_checked
from ..keyframes.bridges.fit_plan import fit_curve, fit_plan, n_frames_needed
from ..keyframes.bridges.fit_summary import fit_summary
from ..keyframes.bridges.model_grid import GRIDS, MODELS, length_for, model_preset
from ..keyframes.curve import MotionCurve, check_fits
from ..keyframes.plan import KeyframePlan
from ..keyframes.timebase import FPS, MAX_N_FRAMES, n_samples_at
from ..keyframes.values import plain_number, plain_value
from .sockets import Curve, Plan


class FitPlanToModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_FitPlanToModel",
            display_name="Fit Plan To Model (KeyVID)",
            category="KeyVID/bridges",
            description="Carries a plan and its sound over to the frame rate and length that another video model "
            "makes. The summary names everything that changed.",
            search_aliases=["LTX", "Wan", "VACE", "MiniMax", "retime", "frame rate", "keyvid"],
            inputs=[*_what_is_fitted(), *_model_inputs()],
            outputs=[
                Plan.Output(display_name="plan"),
                io.Float.Output(display_name="fps", tooltip="Wire it into Create Video."),
                io.Int.Output(
                    display_name="frames", tooltip="The length to set in the model's nodes."
                ),
                io.Audio.Output(
                    display_name="audio", tooltip="The sound, exactly as long as the frames."
                ),
                io.String.Output(display_name="summary", tooltip="What changed, in sentences."),
                Curve.Output(
                    display_name="curve", tooltip="The curve at the new rate, for previews."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        plan: KeyframePlan,
        model: str,
        n_frames: int,
        any_length: bool,
        custom_fps: float,
        custom_grid: str,
        audio: Audio | None = None,
        curve: MotionCurve | None = None,
    ) -> io.NodeOutput:
        if curve is not None:
            check_fits(curve, n_frames=plan.n_frames, fps=plan.fps)
        preset = model_preset(model, fps=plain_value(custom_fps), grid=custom_grid)
        fps, needed = preset.fps, n_frames_needed(plan, fps=preset.fps)
        n_frames = length_for(
            preset, needed, n_frames=plain_number(n_frames), any_length=any_length
        )
        fitted_audio, sound_s, print_ = None, None, None
        if audio is not None:
            samples, rate = clip_samples_of(audio, n_frames=plan.n_frames, fps=plan.fps)
            cut = of_length(samples, n_samples_at(n_frames, fps=fps, sample_rate=rate))
            fitted_audio = audio_of(cut, rate, preroll=preroll_of(audio, samples, rate))
            sound_s, print_ = (
                samples.shape[1] / rate,
                fingerprint_of_checked(cut, n_frames=n_frames),
            )
        target = {"fps": fps, "n_frames": n_frames, "fingerprint": print_}
        fitted = fit_plan(plan, curve=curve, **target)
        fitted_curve = None if curve is None else fit_curve(curve, **target)
        summary = fit_summary(plan, fitted, preset, sound_s=sound_s)
        show_text(summary)
        return io.NodeOutput(fitted.plan, fps, n_frames, fitted_audio, summary, fitted_curve)


def _what_is_fitted() -> list[io.Input]:
    return [
        Plan.Input("plan", tooltip="The plan from Select or Edit Keyframes."),
        io.Audio.Input(
            "audio", optional=True, tooltip="The sound from Clip Audio, to be as long as the video."
        ),
        Curve.Input(
            "curve",
            optional=True,
            tooltip="The plan's curve. With it keyframes go exactly where the strikes of the sound are, and of two "
            "equal ones that fall together the higher one stays.",
        ),
    ]


def _model_inputs() -> list[io.Input]:
    return [
        io.Combo.Input(
            "model",
            options=list(MODELS),
            tooltip="The model and its frame rate. custom takes the two values below.",
        ),
        io.Int.Input(
            "n_frames",
            display_name="frames",
            default=0,
            min=0,
            max=MAX_N_FRAMES,
            tooltip="How many frames the model shall make. 0 takes the shortest length that holds the whole plan.",
        ),
        io.Boolean.Input(
            "any_length",
            display_name="any length",
            default=False,
            tooltip="Off: what is longer than the model was made for is refused. On: it is tried.",
        ),
        io.Float.Input(
            "custom_fps",
            display_name="custom fps",
            default=FPS,
            min=1.0,
            max=240.0,
            step=0.001,
            tooltip="Frames per second; only for the model custom.",
        ),
        io.Combo.Input(
            "custom_grid",
            display_name="custom grid",
            options=list(GRIDS),
            tooltip="The lengths that the model can make, such as 4n+1: 5, 9, 13 ...; only for the model custom.",
        ),
    ]
