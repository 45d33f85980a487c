"""The "keyvid" block in a safetensors file's metadata: what names and shapes cannot tell.

It is JSON text. Files without it are the published ones, whose values are the defaults here (published-model b-e).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeGuard

from ...errors import CheckpointMetadataError
from ..published import FPS, KEYFRAME_COUNT, QUERIES_PER_FRAME
from .state_dict_diff import printable

KEY = "keyvid"
VERSION = 1
# the networks whose shapes do not tell how wide an attention head is
HEADED = ("unet", "resampler", "text", "vision", "audio", "localizer")


@dataclass(frozen=True)
class Metadata:
    """What a file states about itself, or the published values.

    head_widths: {one of HEADED: width of an attention head}; networks of the published sizes need none.
    keyframe_counts: how many keyframes the generator was trained on. n_frames: frames of the resampler.
    queries: image tokens per frame. fps: frames per second. licence, name: text to show.
    audio_stride: (mel bands, mel columns) between two patches of the audio tower, mel_columns: width of its mel;
    None for the published towers. extra: fields this version does not know. published: whether there was no block.
    """

    version: int = VERSION
    head_widths: dict[str, int] = field(default_factory=dict)
    keyframe_counts: tuple[int, ...] = (KEYFRAME_COUNT,)
    n_frames: int | None = None
    queries: int = QUERIES_PER_FRAME
    fps: int = FPS
    audio_stride: tuple[int, int] | None = None
    mel_columns: int | None = None
    licence: str = ""
    name: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    published: bool = True


_WHOLE = ("n_frames", "queries", "fps", "mel_columns")
_LISTS = ("keyframe_counts", "audio_stride")
_TEXT = ("licence", "name")
_OWN = {item.name for item in fields(Metadata)} - {"extra", "published"}


def read_metadata(block: Mapping[str, str]) -> Metadata:
    """The Metadata in a safetensors metadata block {str: str}; the published defaults when it has none.

    Raises CheckpointMetadataError when the block is malformed or newer than this version.
    """
    if KEY not in block:
        return Metadata()
    try:
        document = json.loads(block[KEY])
    except (ValueError, RecursionError) as error:
        raise _malformed(f"it is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise _malformed("it is not a JSON object")
    version = document.get("version")
    if not _is_count(version):
        raise _malformed(f"its version is {version!r}")
    if version > VERSION:
        raise CheckpointMetadataError(
            f"The file's keyvid metadata has version {version}; this KeyVID reads up to {VERSION}. "
            "Update ComfyUI-KeyVID to use it."
        )
    known = {key: value for key, value in document.items() if key in _OWN and value is not None}
    extra = {key: value for key, value in document.items() if key not in _OWN}
    _check(known)
    known.update({key: tuple(known[key]) for key in _LISTS if key in known})
    return replace(Metadata(), **known, extra=extra, published=False)


def metadata_block(metadata: Metadata) -> dict[str, str]:
    """{KEY: JSON text} to write into a safetensors file; read_metadata gives the same Metadata back."""
    document = {name: getattr(metadata, name) for name in sorted(_OWN)}
    document = {key: value for key, value in document.items() if value not in (None, "", {})}
    return {KEY: json.dumps({**metadata.extra, **document, "version": VERSION})}


def _check(known: Mapping[str, Any]) -> None:
    """Raise CheckpointMetadataError unless every field has the type and range that Metadata needs."""
    for key in _WHOLE:
        if key in known and not _is_count(known[key]):
            raise _malformed(f"{key} is {known[key]!r}, not a whole number above 0")
    for key in _TEXT:
        if not isinstance(known.get(key, ""), str):
            raise _malformed(f"{key} is {known[key]!r}, not a text")
    for key in _LISTS:
        numbers = known.get(key, [1, 1])
        if not isinstance(numbers, list) or not numbers or not all(map(_is_count, numbers)):
            raise _malformed(f"{key} is {numbers!r}, not a list of whole numbers above 0")
    if len(known.get("audio_stride", [1, 1])) != 2:
        raise _malformed(f"audio_stride is {known['audio_stride']!r}, not two numbers")
    widths = known.get("head_widths", {})
    if not isinstance(widths, dict) or not all(map(_is_count, widths.values())):
        raise _malformed(f"head_widths is {widths!r}, not whole numbers above 0 by network")
    unknown = sorted(set(widths) - set(HEADED))
    if unknown:
        raise _malformed(f"head_widths names {unknown[0]!r}, which is none of {', '.join(HEADED)}")


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and value > 0


def _malformed(reason: str) -> CheckpointMetadataError:
    return CheckpointMetadataError(
        f"The file's keyvid metadata cannot be read: {printable(reason, 300)}. Download the file again, or ask "
        "who made it."
    )
