"""What `eval training` samples with is what the demo's graph says."""

import json
from dataclasses import replace

import numpy as np
import pytest
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.evaluation import in_process, variants
from keyvid_pack.training.data.clips import CAPTIONS
from keyvid_pack.training.tasks.encoders import ENCODERS, tokenized
from keyvid_pack.training.tasks.interpolator import begin_as
from keyvid_pack.training.tasks.samples import Networks, Sampling
from keyvid_pack.training.world.clip import HELD_OUT_FIRST_SEED, render_clip

from ..helpers import small_training as small


def test_demo_samplings_are_those_of_the_graph(tmp_path):
    graph = json.loads(in_process.GRAPH.read_text(encoding="utf-8"))
    generator, interpolator = in_process.demo_samplings()
    (schedule, *_) = [n for n in graph.values() if n["class_type"] == "KeyVID_Schedule"]
    assert generator.steps == schedule["inputs"]["steps"]
    assert generator.inpainted_steps == 1 and interpolator.inpainted_steps == interpolator.steps
    for node in graph.values():
        if node["class_type"] == "KeyVID_Sampler":
            node["inputs"] |= {"noise_strength": 0.5, "eta": 0.25}
        if node["class_type"] == "KeyVID_MultimodalCFG":
            node["inputs"] |= {"audio_scale": 2.0, "rescale": 0.5}
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(graph), encoding="utf-8")
    assert in_process.demo_samplings(path)[0] == Sampling(
        steps=generator.steps,
        inpainted_steps=1,
        noise_strength=0.5,
        eta=0.25,
        base_scale=generator.base_scale,
        scales=(1, 1, 2.0),
        rescale=0.5,
    )


def test_words_change_how_is_sampled():
    options = in_process._parser().parse_args(
        ["--steps", "9", "--noise-strength", "0", "--scales", "1", "2", "3"]
    )
    generator, interpolator = (
        in_process._changed(its, options) for its in in_process.demo_samplings()
    )
    assert (generator.steps, generator.inpainted_steps) == (9, 1)
    assert (interpolator.steps, interpolator.inpainted_steps) == (9, 9)
    assert generator.noise_strength == 0.0 and generator.scales == (1, 2, 3)
    assert generator.eta == in_process.demo_samplings()[0].eta


def test_a_workflow_is_sampled_as_it_says():
    for name, steps, eta, until in (("keyvid_full", 90, 1, 1), ("keyvid_full_fast", 25, 0, 0.5)):
        generator, interpolator = in_process.demo_samplings(in_process._graph_of(name))
        for its, audio_scale in ((generator, 7.5), (interpolator, 9)):
            assert (its.steps, its.eta, its.guided) == (steps, eta, (0, until))
            assert its.scales == (2, 7.5, audio_scale)
    options = in_process._parser().parse_args(["--guided", "0.25", "0.75"])
    assert in_process._changed(generator, options).guided == (0.25, 0.75)
    with pytest.raises(KeyVIDError, match='no workflow "keyvid_slow"'):
        in_process._graph_of("keyvid_slow")


def test_networks_that_are_not_trained_are_refused(tmp_path):
    with pytest.raises(KeyVIDError, match="python dev.py train generator"):
        in_process.main("--clips", "1", "--state-dir", str(tmp_path))
    with pytest.raises(KeyVIDError, match="learned"):
        in_process.main("--first-seed", "7", "--state-dir", str(tmp_path))


def test_a_video_is_made_of_first_frame_audio_and_caption_alone():
    networks = Networks(
        generator=(modules := small.modules())["unet"],
        interpolator=begin_as(modules["unet"], small.INTERPOLATOR),
        encoders={name: modules[name] for name in ENCODERS},
        vae=variants.shipped_vae(),
        tokens=tokenized([*CAPTIONS, ""]),
    )
    fast = Sampling(steps=1), Sampling(steps=1)
    clip = render_clip(HELD_OUT_FIRST_SEED + 3, scene="drum")
    with in_process._Cost(networks) as cost:
        made = in_process.make_video(networks, clip, samplings=fast)
    assert cost.figures.pop("cpu_s") > 0
    assert cost.figures == {"generator_forwards": 1, "interpolator_forwards": 1}
    assert made.shape == clip.frames.shape and made.dtype == np.uint8
    later = np.zeros_like(clip.frames[1:])
    blind = replace(clip, frames=np.concatenate([clip.frames[:1], later]))
    np.testing.assert_array_equal(in_process.make_video(networks, blind, samplings=fast), made)
