"""Test-only nodes, loaded beside the pack: what no file holds, what was recorded, and what is hidden in a server."""

from comfy_api.latest import ComfyExtension

from .encoders import RecordedAudioEncoder, RecordedVAE, RecordedVision
from .files import Conditioning, Latent, SaveTensors
from .memory import LiveTensors
from .models import ForeignModel
from .noise import RecordedFirstNoise, RecordedStepNoise
from .sounds import AnotherForm, BrokenAudio, Clicks
from .values import AnyValue, First, FirstLast, GreyImages, NoImage, NumberedImages, Numbers
from .watch import WatchSampler


class StubExtension(ComfyExtension):
    async def get_node_list(self):
        return [
            AnotherForm,
            AnyValue,
            BrokenAudio,
            Clicks,
            Conditioning,
            First,
            FirstLast,
            ForeignModel,
            GreyImages,
            Latent,
            LiveTensors,
            NoImage,
            NumberedImages,
            Numbers,
            RecordedAudioEncoder,
            RecordedFirstNoise,
            RecordedStepNoise,
            RecordedVAE,
            RecordedVision,
            SaveTensors,
            WatchSampler,
        ]


async def comfy_entrypoint():
    return StubExtension()
