"""Edit Keyframes: the artist's hand on the plan. Its one widget holds the edit and nothing else ever will."""

import logging

from comfy_api.latest import io

from ..errors import KeyVIDError
from ..host.audio import clip_samples_of
from ..host.editor_payload import editor_ui, show_now
from ..keyframes.audio.fingerprint import same_sound
from ..keyframes.curve import check_fits
from ..keyframes.edit import apply_edit, edit_from_json, edit_text
from .sockets import Curve, Plan

log = logging.getLogger("keyvid")

OTHER_SOUND = (
    "This edit was made for another sound of the same length. It is applied as it is: listen to it, "
    "then keep it or reset it to the prediction."
)


class EditKeyframes(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVID_EditKeyframes",
            display_name="Edit Keyframes (KeyVID)",
            category="KeyVID/timing",
            description="Your hand on the timing. Empty, it passes the prediction on. What you change stays "
            "as you left it when the prediction changes; the rest follows.",
            search_aliases=["timeline", "keyframe editor", "keyvid"],
            is_output_node=True,  # so that "run up to here" fills the editor without paying for diffusion
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
                    # a plain text box to ComfyUI, so that the edit outlives a page without our JavaScript;
                    # js/comfy/timeline_node.mjs makes the timeline of it
                    placeholder="Your edit. Empty: the prediction is used. Frames such as 0, 7, 12 are a whole plan.",
                    tooltip="Your edit. Empty: the prediction is used. Frames such as 0, 7, 12 "
                    "are a whole plan.",
                ),
            ],
            outputs=[Plan.Output(display_name="plan", tooltip="The plan with your edit applied.")],
        )

    @classmethod
    def execute(cls, plan, curve=None, audio=None, edit=""):
        if curve is not None:
            check_fits(curve, n_frames=plan.n_frames, fps=plan.fps)
        if audio is not None:
            audio = clip_samples_of(audio, n_frames=plan.n_frames, fps=plan.fps)
        shown = {"prediction": plan, "curve": curve, "audio": audio}
        try:
            made = edit_from_json(edit_text(edit))
            result = apply_edit(made, plan)
        except KeyVIDError as error:  # the editor needs the new prediction to offer a way out
            show_now(editor_ui(**shown, error=str(error)))
            raise
        notice = ""
        if made is not None and not same_sound(made.fingerprint, plan.fingerprint):
            notice = OTHER_SOUND
            log.warning("Edit Keyframes: %s", notice)
        return io.NodeOutput(result, ui=editor_ui(**shown, plan=result, notice=notice))
