"""What the nodes around a KeyVID or DynamiCrafter MODEL may ask of it."""

from dataclasses import dataclass, replace

from ...errors import KeyVIDError
from ...models.checkpoint.layouts import DYNAMICRAFTER, GENERATOR, INTERPOLATOR, TITLES
from ..payloads import Model

VIDEO_KINDS = (GENERATOR, INTERPOLATOR, DYNAMICRAFTER)
TEMPORAL_WINDOW = "keyvid_temporal_window"  # in transformer_options: (window, stride) in frames
PIXELS_PER_LATENT = 8  # along an edge, of Stable Diffusion's VAE


@dataclass(frozen=True)
class ModelFacts:
    """Kind and sizes of a video model.

    kind: one of VIDEO_KINDS. n_frames, fps: of the clips it makes. keyframe_counts: how many keyframes it was
    trained on. size_multiple: width and height of its images are multiples of this many pixels. context_width,
    vision_width, audio_width: of its text, image and audio tokens; audio_width None: it has no audio input;
    vision_width None: it has no image projection and needs image tokens that are resampled already. window: frames of
    a window in which it attends over time, None: over all frames.
    """

    kind: str
    n_frames: int
    fps: int
    keyframe_counts: tuple[int, ...]
    size_multiple: int
    latent_channels: int
    context_width: int
    vision_width: int | None
    audio_width: int | None
    window: int | None = None

    @property
    def title(self) -> str:
        """The kind as error messages name it."""
        return TITLES[self.kind]

    def paints(self, count: int) -> bool:
        """Whether it paints so many keyframes: as it was trained, or more where it attends to as many at a time."""
        is_windowed = self.window in self.keyframe_counts and count >= (self.window or 0)
        return count in self.keyframe_counts or is_windowed


def facts_of(model: Model) -> ModelFacts:
    """The ModelFacts of a MODEL. Raises KeyVIDError when it is not a KeyVID or DynamiCrafter model."""
    facts = getattr(getattr(model, "model", None), "keyvid", None)
    if not isinstance(facts, ModelFacts):
        raise KeyVIDError(
            "The model is not a KeyVID or DynamiCrafter model, which this node needs; load one with Load KeyVID "
            "Model or Load KeyVID Checkpoint."
        )
    window, _ = model.model_options["transformer_options"].get(TEMPORAL_WINDOW, (None, None))
    return replace(facts, window=window)
