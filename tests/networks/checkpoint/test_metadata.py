"""The metadata block of a weight file: it survives, and what is malformed or contradicts the weights is named."""

import dataclasses
import json

import pytest
from keyvid_pack.errors import CheckpointError, CheckpointMetadataError, CheckpointUnknownError
from keyvid_pack.models.checkpoint.checkpoint import open_tensors
from keyvid_pack.models.checkpoint.metadata import Metadata, metadata_block, read_metadata

from ...helpers import small_checkpoint as small


def test_metadata_survives_the_file():
    given = dataclasses.replace(
        small.METADATA,
        licence="CC0",
        name="ours",
        audio_stride=(10, 4),
        mel_columns=204,
        extra={"new": [1]},
    )
    assert read_metadata(metadata_block(given)) == given
    assert read_metadata({}) == Metadata()
    assert read_metadata({"format": "pt"}).published


BAD_METADATA = {
    "not JSON": "{",
    "no object": "[1]",
    "no version": "{}",
    "version 0": {"version": 0},
    "version text": {"version": "1"},
    "frames": {"version": 1, "n_frames": 0},
    "frames true": {"version": 1, "n_frames": True},
    "queries": {"version": 1, "queries": 1.5},
    "counts": {"version": 1, "keyframe_counts": []},
    "counts text": {"version": 1, "keyframe_counts": "12"},
    "stride": {"version": 1, "audio_stride": [10]},
    "widths": {"version": 1, "head_widths": {"unet": -1}},
    "widths list": {"version": 1, "head_widths": [64]},
    "other network": {"version": 1, "head_widths": {"net": 64}},
    "licence": {"version": 1, "licence": 5},
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("case", BAD_METADATA)
def test_malformed_metadata_is_named(case):
    block = BAD_METADATA[case]
    with pytest.raises(CheckpointMetadataError, match="metadata cannot be read"):
        read_metadata({"keyvid": block if isinstance(block, str) else json.dumps(block)})


def test_newer_metadata_asks_for_an_update():
    with pytest.raises(CheckpointMetadataError, match="version 2.*Update"):
        read_metadata({"keyvid": json.dumps({"version": 2, "n_frames": "many"})})


def test_metadata_that_contradicts_the_weights_is_refused(whole):
    with pytest.raises(CheckpointUnknownError, match="7 frames of 16"):
        open_tensors(whole, dataclasses.replace(small.METADATA, n_frames=7))
    odd = dataclasses.replace(small.METADATA, head_widths={"unet": 9})
    with pytest.raises(CheckpointError, match="heads of 9"):
        small.network_of("unet", open_tensors(whole, odd))
