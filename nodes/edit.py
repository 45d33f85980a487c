"""Edit Keyframes: the artist's changes to the plan. Its only widget is the edit, and will always be."""

import logging
from typing import Any

from comfy_api.v0_0_2 import io

from ..errors import KeyVIDError
from ..host.audio import clip_samples_of, preroll_of
from ..host.editor_payload import editor_ui
from ..host.files import input_images_stamp
from ..host.payloads import Audio
from ..host.running_node import show_now
from ..keyframes.audio.fingerprint import same_sound
from ..keyframes.curve import MotionCurve, check_fits
from ..keyframes.edit import apply_edit, edit_from_json, edit_text
from ..keyframes.plan import KeyframePlan
from .sockets import Curve, Plan

log = logging.getLogger("keyvid")

OTHER_SOUND = (
    "This edit was made for another sound of the same length. It is applied as it is: listen to it, "
    "then keep it or reset it to the prediction."
)


class EditKeyframes(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_EditKeyframes",
            display_name="Edit Keyframes (KeyVID)",
            category="KeyVID/timing",
            description="Change the timing by hand. Without an edit it passes the prediction on. What you change stays "
            "when the prediction changes; the rest follows the prediction.",
            search_aliases=["timeline", "keyframe editor", "keyvid"],
            is_output_node=True,  # so that "run up to here" fills the editor without diffusion
            inputs=[
                Plan.Input("plan", tooltip="The predicted keyframes from Select Keyframes."),
                Curve.Input("curve", optional=True, tooltip="Shown behind the keyframes."),
                io.Audio.Input(
                    "audio", optional=True, tooltip="Shown behind the keyframes, and played."
                ),
                io.String.Input(
                    "edit",
                    optional=True,
                    socketless=True,
                    multiline=True,
                    default="",
                    # a plain text box for ComfyUI, so that the edit survives a page without our JavaScript;
                    # js/comfy/timeline_node.mjs makes the timeline of it
                    placeholder="Your edit. Empty: the prediction is used. Frames such as 0, 7, 12 make a whole plan.",
                    tooltip="Your edit. Empty: the prediction is used. Frames such as 0, 7, 12 "
                    "make a whole plan.",
                ),
            ],
            outputs=[Plan.Output(display_name="plan", tooltip="The plan with your edit applied.")],
        )

    @classmethod
    def fingerprint_inputs(cls, edit: Any = "", **_wired: Any) -> str:
        """The state of the images that the edit names: a changed file is painted again, also far downstream."""
        try:
            made = edit_from_json(edit_text(edit))
        except KeyVIDError:
            return ""  # what is wrong is said when the node runs
        return "" if made is None or made.plan is None else input_images_stamp(made.plan.images)

    @classmethod
    def execute(
        cls,
        plan: KeyframePlan,
        curve: MotionCurve | None = None,
        audio: Audio | None = None,
        edit: Any = "",
    ) -> io.NodeOutput:
        if curve is not None:
            check_fits(curve, n_frames=plan.n_frames, fps=plan.fps)
        shown: dict[str, Any] = {"prediction": plan, "curve": curve}
        if audio is not None:
            clip = clip_samples_of(audio, n_frames=plan.n_frames, fps=plan.fps)
            shown |= {"audio": clip, "preroll": preroll_of(audio, *clip)}
        try:
            made = edit_from_json(edit_text(edit))
            result = apply_edit(made, plan)
        except KeyVIDError as error:  # the editor needs the new prediction to offer a solution
            show_now(editor_ui(**shown, error=str(error)))
            raise
        notice = ""
        if made is not None and not same_sound(made.fingerprint, plan.fingerprint):
            notice = OTHER_SOUND
            log.warning("Edit Keyframes: %s", notice)
        return io.NodeOutput(result, ui=editor_ui(**shown, plan=result, notice=notice))
