"""The benchmark of fine-tuning: the new scene is the world's upside down, and the measures hold for it."""

import numpy as np
import pytest
import torch
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.evaluation.fine_tuning import new_scene
from keyvid_pack.models.checkpoint.layouts import GENERATOR
from keyvid_pack.training.datasets.inspection import inspect_video
from keyvid_pack.training.datasets.layouts import open_dataset
from keyvid_pack.training.lora import adapter, base
from keyvid_pack.training.recipe import TRAINING_SEEDS
from keyvid_pack.training.tasks.samples import Sampling
from keyvid_pack.training.world.clip import HELD_OUT_FIRST_SEED, render_clip

SEED = HELD_OUT_FIRST_SEED + 2000


def test_the_clips_to_fine_tune_on_are_videos_of_the_new_scene(tmp_path):
    paths = new_scene.write_clips(tmp_path, count=2)
    videos = open_dataset(tmp_path).videos
    assert [video.path for video in videos] == paths
    assert {video.caption for video in videos} == {new_scene.CAPTION}
    assert not any(inspect_video(path).problem for path in paths)
    last = new_scene.FIRST_CLIP + 1000
    assert TRAINING_SEEDS.stop <= new_scene.FIRST_CLIP and last < HELD_OUT_FIRST_SEED


def test_the_truth_is_perfect_and_the_old_scene_is_not(monkeypatch):
    monkeypatch.setattr(new_scene, "make_video", lambda _, clip, **__: clip.frames)
    perfect = new_scene.measure_scene(None, [SEED])
    assert perfect[SEED]["found"] == perfect[SEED]["true"] != []
    assert perfect[SEED]["trajectory_mean"] == 0 and np.isnan(perfect[SEED]["moving_psnr"])
    # what a network paints that makes the ball fall to the floor
    old = render_clip(SEED, scene=new_scene.SCENE).frames
    monkeypatch.setattr(new_scene, "make_video", lambda *_, **__: old)
    wrong = new_scene.measure_scene(None, [SEED])
    assert wrong[SEED]["trajectory_mean"] > 0.2 and wrong[SEED]["moving_psnr"] < 17


def test_the_comparison_is_after_minus_before():
    row = {"trajectory_mean": 0.5, "vacated_psnr": 20.0, "background": 1.0, "true": [5, 20]}
    before = {s: {**row, "moving_psnr": 10.0 + s, "found": []} for s in range(4)}
    after = {s: {**row, "moving_psnr": 12.5 + s, "found": [5, 20]} for s in range(4)}
    lines = new_scene.comparison(before, after)
    (psnr,) = [line for line in lines if "moving_psnr" in line]
    assert "+2.500  [+2.500, +2.500]  (4 clips)" in psnr
    assert "+1.000  (0.000 before, 1.000 after)" in lines[-1]


def test_a_lora_reaches_the_network_that_it_is_for(tmp_path):
    unet = base.load_unet(base.open_base(GENERATOR))
    adapters = adapter.make_adapters(unet, rank=1, generator=torch.Generator().manual_seed(0))
    for low_rank in adapters.values():
        torch.nn.init.ones_(low_rank.up)
    tensors = adapter.file_tensors(adapters.state_dict(), scale=1.0)
    adapter.write_lora(tmp_path / "a.safetensors", tensors, adapter.LoraFacts("", "", 1, 1, 0, ()))
    plain = new_scene.networks_with({})
    changed = new_scene.networks_with({GENERATOR: tmp_path / "a.safetensors"})
    of_both = zip(plain.generator.parameters(), changed.generator.parameters(), strict=True)
    assert sum(not torch.equal(a, b) for a, b in of_both) == len(adapters)
    of_both = zip(plain.interpolator.parameters(), changed.interpolator.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in of_both)
    fast = Sampling(steps=1), Sampling(steps=1)
    videos = [
        new_scene.make_video(networks, new_scene.new_scene(SEED), samplings=fast)
        for networks in (plain, changed)
    ]
    assert not np.array_equal(*videos)


def test_what_cannot_be_measured_is_said():
    with pytest.raises(KeyVIDError, match="name LoRAs that train lora wrote"):
        new_scene.main("--clips", "1")
    with pytest.raises(KeyVIDError, match="learned"):
        new_scene.main("--first-seed", "3", "--generator", "a.safetensors")
