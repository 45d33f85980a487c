"""Shards of a data set: what is read is what the videos have, each once, and a stopped call goes on."""

import json
import os
import tarfile

import numpy as np
import pytest
import torch
from keyvid_pack.errors import CurveError, KeyVIDError
from keyvid_pack.training.datasets import clips, curves, shards
from keyvid_pack.training.datasets.layouts import open_dataset

from ...helpers.real_videos import layouts

SIZE = {"height": 32, "width": 48, "n_clips": 2}


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Three videos, of which the first has a motion curve."""
    root = tmp_path_factory.mktemp("set")
    layouts.write_avsync15(root, [f"cat/{i}.v1.mp4" for i in range(3)], enlarged=1)
    found = open_dataset(root).videos
    curves.write_curve(found[0].curve_path, np.random.default_rng(0).random(47))
    return found


def written(videos, folder, **options):
    return list(shards.write_shards(videos, folder, split="train", per_shard=2, **SIZE, **options))


def test_what_is_read_is_what_the_videos_have(videos, tmp_path):
    paths = written(videos, tmp_path)
    assert [path.name for path in paths] == ["train-000000.tar", "train-000001.tar"]
    samples = list(shards.read_shards(paths))
    expected = [clip for video in videos for clip in clips.read_clips(video, **SIZE)]
    assert [sample["name"] for sample in samples] == [clip.name for clip in expected]
    for number, (sample, clip) in enumerate(zip(samples, expected, strict=True)):
        assert torch.equal(sample["frames"], clip.frames)
        assert np.array_equal(sample["audio"].numpy(), clip.audio)
        assert (sample["caption"], sample["start_s"]) == ("cat", clip.start_s)
        assert (sample["curve"] is not None) == (number < 2)
    scores = curves.read_curve(videos[0].curve_path)
    own = curves.clip_curve(scores, fps=24, start_s=0)
    np.testing.assert_array_equal(samples[0]["curve"].numpy(), own)


def test_members_are_as_webdataset_groups_them(videos, tmp_path):
    """A sample is neighbouring members with one name up to its first dot; a key is there once."""
    (path,) = written(videos[:1], tmp_path)
    with tarfile.open(path) as tar:
        names = tar.getnames()
        facts = json.loads(tar.extractfile(names[0]).read())
    endings = ["json", "frames.npy", "audio.npy", "curve.npy"]
    assert names == [f"00000000_0{i}.{ending}" for i in range(2) for ending in endings]
    assert facts == {
        "name": "cat/0.v1_clip-00",
        "caption": "cat",
        "category": "cat",
        "start_s": 0.0,
    }


def test_a_stopped_call_goes_on_and_gives_the_same_bytes(videos, tmp_path):
    whole = written(videos, tmp_path / "whole")
    next(shards.write_shards(videos, tmp_path / "stopped", split="train", per_shard=2, **SIZE))
    (tmp_path / "stopped" / "train-000001.tar.7.part").write_bytes(b"cut")  # of a killed process
    again = written(videos, tmp_path / "stopped")
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in whole]


def sample_names(paths):
    return [sample["name"] for sample in shards.read_shards(paths)]


def test_shards_follow_their_videos_and_curves(videos, tmp_path):
    """Videos that become usable move the others on; a new curve and another size are in the shards too."""
    written(videos[1:], tmp_path)  # the first cannot be used yet
    paths = written(videos, tmp_path)
    assert sample_names(paths) == [f"cat/{i}.v1_clip-0{k}" for i in range(3) for k in range(2)]
    assert [sample["curve"] is not None for sample in shards.read_shards(paths)][-1] is False
    curve = tmp_path / "curve.npy"
    curves.write_curve(curve, np.random.default_rng(1).random(47))
    last = videos[2]._replace(curve_path=curve)
    paths = written([*videos[:2], last], tmp_path)
    before = list(shards.read_shards(paths))[-1]["curve"]
    assert before is not None
    curves.write_curve(curve, np.random.default_rng(2).random(47))
    os.utime(curve, ns=(1, 1))  # another time, however fast this is
    written([*videos[:2], last], tmp_path)
    assert not torch.equal(list(shards.read_shards(paths))[-1]["curve"], before)
    other_size = {**SIZE, "width": 64}
    wide = list(shards.write_shards(videos, tmp_path, split="train", per_shard=2, **other_size))
    assert next(shards.read_shards(wide))["frames"].shape[-1] == 64


def test_a_shard_of_the_same_videos_is_not_written_again(videos, tmp_path, monkeypatch):
    paths = written(videos, tmp_path)
    monkeypatch.setattr(shards, "read_clips", lambda video, **_: pytest.fail(video.name))
    assert written(videos, tmp_path) == paths


def test_shards_beyond_the_last_video_are_removed(videos, tmp_path):
    written(videos, tmp_path)
    others = [tmp_path / name for name in ("test-000001.tar", "train_1-of-2-000001.tar", "a.txt")]
    for other in others:
        other.write_bytes(b"")
    (path,) = written(videos[:2], tmp_path)
    left = {path, path.with_suffix(".json"), *others}
    assert set(tmp_path.iterdir()) == left


def test_a_video_that_cannot_be_used_is_left_out_until_it_can(videos, tmp_path):
    bad = videos[1]._replace(curve_path=tmp_path / "curve.npy")
    np.save(bad.curve_path, np.ones(20))
    three, said = [videos[0], bad, videos[2]], []
    folder = tmp_path / "out"
    paths = written(three, folder, on_unusable=lambda video, error: said.append((video, error)))
    assert sample_names(paths) == [f"cat/{i}.v1_clip-0{k}" for i in (0, 2) for k in range(2)]
    ((video, error),) = said
    assert video == bad and "has 20 numbers, but its video has 48 frames" in str(error)
    with pytest.raises(CurveError):  # asked again, it is tried again
        written(three, folder)
    bad.curve_path.unlink()
    assert len(sample_names(written(three, folder))) == 6


def test_each_shard_has_one_reader(tmp_path):
    paths = [tmp_path / shards.shard_name("train", i) for i in range(7)]
    parts = [shards.shards_of(paths, part=part, n_parts=3) for part in range(3)]
    assert sorted(path for part in parts for path in part) == paths
    with pytest.raises(KeyVIDError, match="8 processes are to read 7 shards"):
        shards.shards_of(paths, part=0, n_parts=8)


def test_what_cannot_be_read_is_said(videos, tmp_path):
    (tmp_path / "train-000000.tar").write_bytes(b"no tar")
    with pytest.raises(KeyVIDError, match="cannot be read"):
        list(shards.read_shards([tmp_path / "train-000000.tar"]))
    other = videos[0]._replace(curve_path=tmp_path / "curve.npy")
    np.save(other.curve_path, np.ones(20))
    with pytest.raises(CurveError, match="its video has 48 frames"):
        written([other], tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.tar"))
