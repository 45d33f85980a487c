"""Peaks, selectors and AP@t against the recorded outputs of the published code, every recorded case, exactly."""

import json
import os
import pathlib
import random

import numpy as np
import pytest
from keyvid_pack.keyframes.curve import normalise, resample
from keyvid_pack.keyframes.peaks import SMOOTHING, find_keypoints
from keyvid_pack.keyframes.precision import average_precision_at
from keyvid_pack.keyframes.released import (
    CLIP_S,
    KEYFRAME_FPS,
    condition_frames,
    released_frames,
    strides,
    training_frames,
)
from keyvid_pack.keyframes.timebase import FPS
from safetensors.numpy import load_file

GOLDENS = pathlib.Path(
    os.environ.get("KEYVID_GOLDENS") or pathlib.Path(__file__).parents[1] / "goldens"
)


def load_case(case_id):
    manifest = json.loads((GOLDENS / "manifest.json").read_text(encoding="utf-8"))
    (case,) = [case for case in manifest["cases"] if case["id"] == case_id]
    return case, load_file(GOLDENS / case["file"])


CASE, TENSORS = load_case("keypoints_and_selection")


def comparable(name):
    """The variants that the published code ran to the end: where it crashed there is nothing to equal."""
    return [variant for variant in CASE[name] if variant.get("ok", True)]


def numbers_of(prefix):
    return sorted(int(name[len(prefix) :]) for name in TENSORS if name.startswith(prefix))


def window(keypoints, args):
    start = args["start_idx"]
    return keypoints[start : start + round(CLIP_S * args["fps_ori"])]


def variant_id(variant):
    return f"{variant['k']}-curve{variant['curve']}-seed{variant['seed']}"


@pytest.mark.parametrize("k", numbers_of("in.curve."))
@pytest.mark.parametrize(("name", "smoothing"), [("nosmooth", 0), ("smooth5", SMOOTHING)])
def test_keypoints(k, name, smoothing):
    expected = TENSORS[f"out.keypoint_{name}.{k}"]
    got = find_keypoints(TENSORS[f"in.curve.{k}"], smoothing=smoothing)
    assert got.dtype == expected.dtype
    assert np.array_equal(got, expected)


@pytest.mark.parametrize("variant", comparable("select_variants"), ids=variant_id)
def test_inference_selection(variant):
    args = variant["args"]
    assert args["target_fps"] == KEYFRAME_FPS

    def select():
        return released_frames(
            window(TENSORS[f"out.keypoint_nosmooth.{variant['curve']}"], args),
            count=args["target_length"],
            fps=args["fps_ori"],
            numpy_generator=np.random.RandomState(variant["seed"]),
            python_generator=random.Random(variant["seed"]),
        )

    frames = select()
    assert frames == TENSORS[f"out.select.{variant['k']}"].tolist()
    condition = condition_frames(frames, fps=args["fps_ori"])
    steps = strides(condition, first=round(FPS / KEYFRAME_FPS))
    assert steps == TENSORS[f"out.select_stride.{variant['k']}"].tolist()


@pytest.mark.parametrize("variant", comparable("train_select_variants"), ids=variant_id)
def test_training_selection(variant):
    args = variant["args"]
    assert args["target_fps"] == KEYFRAME_FPS

    def select():
        return training_frames(
            window(TENSORS[f"out.keypoint_smooth5.{variant['curve']}"], args),
            count=args["target_length"],
            fps=args["fps_ori"],
            numpy_generator=np.random.RandomState(variant["seed"]),
        )

    frames = select()
    k = variant["k"]
    assert frames == TENSORS[f"out.train_select.{k}"].tolist()
    condition = condition_frames(frames, fps=args["fps_ori"])
    assert condition == TENSORS[f"out.train_select_cond.{k}"].tolist()
    assert strides(condition) == TENSORS[f"out.train_select_stride.{k}"].tolist()


@pytest.mark.parametrize("row", TENSORS["out.precision"].tolist(), ids=str)
def test_precision(row):
    predicted, measured, t, expected = row
    predicted, measured = (normalise(TENSORS[f"in.curve.{int(k)}"]) for k in (predicted, measured))
    assert average_precision_at(predicted, measured, t=t) == expected


@pytest.mark.parametrize("name", [name for name in TENSORS if name.startswith("out.label_")])
def test_localizer_labels(name):
    what, k = name.removeprefix("out.label_").split("_of_curve")
    curve, expected = TENSORS[f"in.curve.{k}"], TENSORS[name]
    # the published label drops the first value of the measured curve before it is resampled
    got = normalise(curve) if what == "norm" else resample(curve[1:], int(what[len("interp") :]))
    assert np.array_equal(got.astype(expected.dtype), expected)


def test_something_was_recorded():
    assert CASE["select_variants"] and CASE["train_select_variants"]
    assert numbers_of("in.curve.") and len(TENSORS["out.precision"])
