"""The audio tokens of each frame: of a whole clip, or of the windows in which a long one is painted."""

from collections.abc import Iterator, Sequence

import torch

from ....errors import AudioError
from ....keyframes.plan import KeyframePlan
from ....models.encoders.audio_tokens import interpolation_audio_tokens, keyframe_audio_tokens
from ...audio import clip_samples_of
from ...payloads import Audio, AudioEncoder
from ...running_node import progress_steps
from ..condition_keys import GRID, NO_AUDIO
from ..model_facts import ModelFacts
from ..windows import Tokens, window_samples


def clip_tokens(
    audio_encoder: AudioEncoder,
    audio: Audio | None,
    plan: KeyframePlan | None,
    facts: ModelFacts,
    *,
    frame_index: torch.Tensor | None = None,
) -> Tokens:
    """The audio tokens of each frame (1, T, L, width), and those of the zero mel; None twice without an audio input.

    frame_index: (1, T), the keyframes; None is every frame of the clip. Raises AudioError for the audio of another
    clip or another encoder.
    """
    if facts.audio_width is None or plan is None:  # only a model without audio input has no plan
        return None, None
    samples, sample_rate = clip_samples_of(audio, n_frames=plan.n_frames, fps=plan.fps)
    waveform = torch.from_numpy(samples)[None]
    return _tokens(audio_encoder, waveform, sample_rate, facts, frame_index)


def window_tokens(
    audio_encoder: AudioEncoder,
    audio: Audio | None,
    plan: KeyframePlan,
    facts: ModelFacts,
    *,
    starts: Sequence[int],
    frame_indices: Sequence[Sequence[int]] | None = None,
) -> Iterator[Tokens]:
    """As clip_tokens, of one window of the clip after the other; each hears its own part of the sound.

    starts: the first frame of each window; frame_indices: the frames of each, None is every frame. Raises AudioError
    for the audio of another clip or another encoder.
    """
    samples, sample_rate = clip_samples_of(audio, n_frames=plan.n_frames, fps=plan.fps)
    step, absent = progress_steps(), None
    for number, start in enumerate(starts):
        step(number, len(starts))
        cut = window_samples(
            samples, start, n_window=facts.n_frames, fps=plan.fps, sample_rate=sample_rate
        )
        index = None if frame_indices is None else torch.tensor([frame_indices[number]])
        given, none = _tokens(audio_encoder, torch.from_numpy(cut)[None], sample_rate, facts, index)
        if index is None:  # the same frames in every window hear the same nothing
            absent = none = none if absent is None else absent
        yield given, none


def _tokens(
    audio_encoder: AudioEncoder,
    waveform: torch.Tensor,
    sample_rate: int,
    facts: ModelFacts,
    frame_index: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """waveform: (1, C, N), as long as the model's clip."""
    encoded = audio_encoder.encode_audio(waveform, sample_rate)
    if NO_AUDIO not in encoded:
        raise AudioError(
            f"The audio encoder is another kind of network ({type(audio_encoder).__name__}); KeyVID needs "
            "ImageBind. Use Load Audio Encoder (KeyVID)."
        )
    pair = encoded["encoded_audio"], encoded[NO_AUDIO]  # (1, N, width) each
    if pair[0].shape[-1] != facts.audio_width:
        raise AudioError(
            f"The audio encoder makes tokens of width {pair[0].shape[-1]}, but this model reads tokens of width "
            f"{facts.audio_width}; use the audio encoder that belongs to it."
        )
    grid = {"n_segments": facts.n_frames, "n_rows": encoded[GRID][0]}
    if frame_index is None:
        given, absent = (interpolation_audio_tokens(tokens, **grid) for tokens in pair)
    else:
        given, absent = (keyframe_audio_tokens(tokens, frame_index, **grid) for tokens in pair)
    return given, absent
