"""What clips are generated from: first frames, sounds, and a list that the batch command reads."""

import wave

import numpy as np
from keyvid_pack.tools.batch.clip_list import read_list
from keyvid_pack.training.datasets import label
from keyvid_pack.training.datasets.clips import read_clips
from keyvid_pack.training.datasets.layouts import open_dataset
from PIL import Image

from ...helpers.real_videos import layouts

NAMES = ["a dög/one.v1.mp4"]


def test_a_list_names_three_clips_of_each_usable_video(tmp_path, here):
    root, folder = tmp_path / "set", tmp_path / "clips"
    layouts.write_avsync15_to_evaluate(root, NAMES)
    (root / "videos" / "a dög" / "broken.mp4").write_bytes(b"no video")
    with (root / "test.txt").open("a", encoding="utf-8") as file:
        file.write("a dög/broken.mp4\n")
    words = ("--split", "test", "--check", "--clips", str(folder))
    assert label.main(str(root), *words) == 0
    listed = read_list(folder / "list.jsonl")
    assert [clip.name for clip in listed] == [f"a dög/one.v1_clip-0{n}" for n in range(3)]
    assert {clip.prompt for clip in listed} == {"a dög"}
    (video,) = [v for v in open_dataset(root, split="test").videos if "one" in v.name]
    for clip, true in zip(listed, read_clips(video), strict=True):
        image = np.asarray(Image.open(clip.image))
        assert np.array_equal(image, true.frames[0].permute(1, 2, 0).numpy())
        with wave.open(str(clip.sound)) as sound:
            assert (sound.getframerate(), sound.getnframes()) == (16_000, 32_000)
            heard = np.frombuffer(sound.readframes(32_000), "<i2").astype(np.float64) / 32767
        # 16 bits: half a step, and a step where the sound was turned down to fit
        assert np.abs(heard - true.audio[0] / max(1, np.abs(true.audio).max())).max() <= 2 / 32767
