"""A text of its own for every keyframe, as CONDITIONING (KEYFRAME_TEXT), and from that a text for every frame."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from ....errors import KeyVIDError
from ....keyframes.bridges.prompts import joined_prompts
from ....keyframes.plan import KeyframePlan
from ....models.encoders.text_tokens import equally_long, tokens_at_frames
from ...payloads import Clip, Conditioning
from ...running_node import progress_steps
from ..condition_keys import KEYFRAME_TEXT


class KeyframeText(NamedTuple):
    """tokens (K, L, C): the texts of K keyframes. frames: of the clip, ascending. n_frames: of the clip. blend: whether
    the text goes over from one keyframe to the next, or stays until the next one.
    """

    tokens: torch.Tensor
    frames: tuple[int, ...]
    n_frames: int
    blend: bool

    def at(self, frames: torch.Tensor) -> torch.Tensor:
        """The text (B, T, L, C) of frames (B, T) of the clip."""
        return tokens_at_frames(self.tokens, self.frames, frames, blend=self.blend)

    def of_window(self, start: int, n_frames: int) -> "KeyframeText":
        """The same text for a window of n_frames frames, which are counted from frame `start` of the clip.

        It holds the keyframes that these frames have text of, and no others: words elsewhere change nothing here.
        """
        first = max(i for i, frame in enumerate(self.frames) if i == 0 or frame <= start)
        end = 1 + min(
            i
            for i, frame in enumerate(self.frames)
            if i == len(self.frames) - 1 or frame >= start + n_frames - 1
        )
        frames = tuple(frame - start for frame in self.frames[first:end])
        return KeyframeText(self.tokens[first:end], frames, n_frames, self.blend)


def keyframe_text(
    clip: Clip | None, plan: KeyframePlan, global_text: str, lines: str, *, blend: bool
) -> Conditioning:
    """CONDITIONING with a text per keyframe: the global one, and behind it the keyframe's own words or line.

    lines: as Keyframe Prompts takes them. Where all keyframes have the same text, that is what CLIP Text Encode makes
    of it. A model that knows no text per keyframe sees that of the first one. Raises KeyVIDError without a CLIP, and
    PlanError for a line that cannot be understood.
    """
    if clip is None:
        raise KeyVIDError(
            "There is no CLIP on the clip input; load the text encoder with Load CLIP, or use a file that has it: "
            "OpenCLIP ViT-H, the text encoder of Stable Diffusion 2."
        )
    prompts = joined_prompts(plan, global_text, lines)
    step, encoded = progress_steps(), {}
    different = list(dict.fromkeys(prompts))
    for number, prompt in enumerate(different):
        step(number, len(different))
        encoded[prompt] = clip.encode_from_tokens_scheduled(clip.tokenize(prompt))
    if len(different) == 1:
        return encoded[prompts[0]]
    # more than one entry where a hook changes the encoder during sampling, in the same steps for every text
    entries = zip(*(encoded[prompt] for prompt in prompts), strict=True)
    return [_together(texts, plan, blend=blend) for texts in entries]


def _together(texts: Sequence[list[Any]], plan: KeyframePlan, *, blend: bool) -> list[Any]:
    """One entry of CONDITIONING out of the entries of the keyframes' texts."""
    tokens = equally_long([text for text, _ in texts])
    first, entry = texts[0]
    per_keyframe = KeyframeText(tokens, tuple(plan.frames), plan.n_frames, blend)
    return [first, {**entry, KEYFRAME_TEXT: per_keyframe}]
