"""Load Localizer: the network that learned from videos when something moves."""

from comfy_api.latest import io

from ..host.loaders.localizer import load_localizer
from ..host.loaders.model_files import (
    LOCALIZERS,
    file_names,
    file_path,
    file_problem,
    file_stamp,
    first_choice,
)
from .sockets import Localizer


class LoadLocalizer(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVID_LoadLocalizer",
            display_name="Load Localizer (KeyVID)",
            category="KeyVID/loaders",
            description="Loads a keyframe localizer for the method network of Localize Keyframes.",
            search_aliases=["motion score", "keyframe localizer", "keyvid"],
            inputs=[
                io.Combo.Input(
                    "localizer_name",
                    options=file_names(LOCALIZERS),
                    default=first_choice(LOCALIZERS),
                    tooltip="A file in models/keyvid.",
                )
            ],
            outputs=[Localizer.Output(display_name="localizer", tooltip="For Localize Keyframes.")],
        )

    @classmethod
    def validate_inputs(cls, localizer_name=None):
        return file_problem(localizer_name, LOCALIZERS) or True

    @classmethod
    def fingerprint_inputs(cls, localizer_name):
        return file_stamp(localizer_name, LOCALIZERS)

    @classmethod
    def execute(cls, localizer_name):
        return io.NodeOutput(load_localizer(file_path(localizer_name, LOCALIZERS)))
