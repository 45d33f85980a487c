"""Peaks, selectors, AP@t and the localizer's labels: whatever the published code ran to the end, exactly."""

import random

import numpy as np
from keyvid_pack.evaluation.measures.average_precision import average_precision_at
from keyvid_pack.keyframes.curve import normalise
from keyvid_pack.keyframes.peaks import SMOOTHING, find_keypoints
from keyvid_pack.keyframes.published_selection import KEYFRAME_FPS, published_frames
from keyvid_pack.keyframes.timebase import FPS
from keyvid_pack.training.datasets.clips import CLIP_S
from keyvid_pack.training.full_size.frame_choice import condition_frames, strides, training_frames

from ...oracles.published_training_data import resample
from ..compare import load_tensors, max_abs_err


def keypoints_and_selection(case, folder):
    """[(label, largest absolute error)] of every recorded curve, selection, precision and label."""
    found = selection_checks(case, load_tensors(case, folder))
    return [(label, max_abs_err(*compute())) for label, compute in found.items()]


def selection_checks(case, tensors):
    """{label: function without arguments that returns (found, expected) as numpy arrays}"""
    tensors = {name: tensor.numpy() for name, tensor in tensors.items()}
    parts = (_keypoints, _selections, _training_selections, _precisions, _labels)
    return {label: compute for part in parts for label, compute in part(case, tensors)}


def _keypoints(_case, tensors):
    for name, expected in tensors.items():
        for kind, smoothing in (("nosmooth", 0), ("smooth5", SMOOTHING)):
            prefix = f"out.keypoint_{kind}."
            if name.startswith(prefix):
                curve = tensors[f"in.curve.{name.removeprefix(prefix)}"]
                yield (
                    f"keypoint_{kind}.{name.removeprefix(prefix)}",
                    lambda c=curve, s=smoothing, e=expected: (find_keypoints(c, smoothing=s), e),
                )


def _selections(case, tensors):
    for variant in _comparable(case["select_variants"]):
        label = f"select.{variant['k']}"
        yield label, lambda variant=variant: _selection(variant, tensors)


def _selection(variant, tensors):
    args, k = variant["args"], variant["k"]
    frames = published_frames(
        _window(tensors[f"out.keypoint_nosmooth.{variant['curve']}"], args),
        count=args["target_length"],
        fps=args["fps_ori"],
        numpy_generator=np.random.RandomState(variant["seed"]),
        python_generator=random.Random(variant["seed"]),
    )
    condition = condition_frames(frames, fps=args["fps_ori"])
    steps = strides(condition, first=round(FPS / KEYFRAME_FPS))
    return _side_by_side(
        (frames, tensors[f"out.select.{k}"]), (steps, tensors[f"out.select_stride.{k}"])
    )


def _training_selections(case, tensors):
    for variant in _comparable(case["train_select_variants"]):
        label = f"train_select.{variant['k']}"
        yield label, lambda variant=variant: _training_selection(variant, tensors)


def _training_selection(variant, tensors):
    args, k = variant["args"], variant["k"]
    frames = training_frames(
        _window(tensors[f"out.keypoint_smooth5.{variant['curve']}"], args),
        count=args["target_length"],
        fps=args["fps_ori"],
        numpy_generator=np.random.RandomState(variant["seed"]),
    )
    condition = condition_frames(frames, fps=args["fps_ori"])
    return _side_by_side(
        (frames, tensors[f"out.train_select.{k}"]),
        (condition, tensors[f"out.train_select_cond.{k}"]),
        (strides(condition), tensors[f"out.train_select_stride.{k}"]),
    )


def _precisions(_case, tensors):
    for k, row in enumerate(tensors["out.precision"]):
        yield f"precision.{k}", lambda row=row: _precision(row, tensors)


def _precision(row, tensors):
    predicted, measured, t, expected = row.tolist()
    predicted, measured = (normalise(tensors[f"in.curve.{int(k)}"]) for k in (predicted, measured))
    return np.array(average_precision_at(predicted, measured, t=t)), np.array(expected)


def _labels(_case, tensors):
    for name, expected in tensors.items():
        if name.startswith("out.label_"):
            yield (
                name.removeprefix("out."),
                lambda name=name, expected=expected: (_label(name, tensors, expected), expected),
            )


def _label(name, tensors, expected):
    what, k = name.removeprefix("out.label_").split("_of_curve")
    curve = tensors[f"in.curve.{k}"]
    # the published label drops the first value of the measured curve before it is resampled
    label = normalise(curve) if what == "norm" else resample(curve[1:], int(what[len("interp") :]))
    return label.astype(expected.dtype)


def _comparable(variants):
    """Those that the published code ran to the end: where it crashed there is nothing to equal."""
    for variant in variants:
        if variant.get("ok", True):
            assert variant["args"]["target_fps"] == KEYFRAME_FPS, "the selectors know 6 fps only"
            yield variant


def _window(keypoints, args):
    start = args["start_idx"]
    return keypoints[start : start + round(CLIP_S * args["fps_ori"])]


def _side_by_side(*pairs):
    """Several (found, expected) as one; a found list of another length than expected stays visible."""
    found, expected = zip(*pairs, strict=True)
    return np.concatenate([np.asarray(part) for part in found]), np.concatenate(expected)
