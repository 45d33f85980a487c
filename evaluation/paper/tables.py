"""`python dev.py eval table1|table2|table3`: the paper's tables, its rows as quoted beside ours as measured."""

import argparse
import csv
import io
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from ...errors import CheckpointUnsafeError, CurveError, MeasureError
from ...keyframes.curve import normalise
from ...keyframes.timebase import N_FRAMES
from ...training.datasets.clips import clip_starts
from ...training.datasets.curves import clip_curve, curve_file, read_curve
from ...training.datasets.decode import frame_times
from ..measures.average_precision import average_precision_at
from ..measures.pooled import Pooled
from .clip_pairs import (
    ClipPair,
    Pairs,
    by_video,
    files_below,
    find_pairs,
    same_name,
    see_made,
    see_true,
)
from .features import Networks, clip_features, kept_features
from .figures import chance_figures, event_figures, mean_percent, paper_figures
from .frechet import is_exact
from .i3d import I3DFeatures, load_i3d
from .quoted import AP_PERCENT, AVSYNC15, COLUMNS, DATASETS, quoted_rows
from .weights import (
    CLASSIFIER_PARTS,
    I3D_FILE,
    IMAGEBIND_FILE,
    INCEPTION_FILE,
    WeightFiles,
    find_weights,
    load_imagebind,
    load_inception,
    load_sync_classifier,
)

EVERY = {"table1": 4, "table2": 1, "table3": 4}  # of the 48 frames: 12 at 6 fps, or all
logger = logging.getLogger("keyvid.evaluation")


def main(table: str, *words: str) -> int:
    """Measure generated clips and print one table; returns the exit status."""
    options = _parser(table).parse_args(words)
    pairs = find_pairs(options.reference.expanduser(), options.generated.expanduser())
    for name, n_there in pairs.incomplete:
        logger.warning(
            "%s is left out: it has %d generated clips. It needs three, _clip-00, _clip-01 and _clip-02.",
            name,
            n_there,
        )
    files = WeightFiles(None, None, None, None)
    if options.weights:
        files = find_weights(options.weights.expanduser())
    networks = _load(files, options)
    true, made = measure_pairs(
        pairs,
        networks,
        every=EVERY[table],
        cache=(options.cache or options.generated / "keyvid_features").expanduser(),
        made_of=[_stamp(path) for path in _used(files, options)],
        on_clip=lambda done, n: logger.info("%d of %d clips", done, n),
    )
    measured = paper_figures(true, made)
    for line in few_rows(made):
        logger.warning("%s", line)
    others = {"events, generated": event_figures(made), "events, true": event_figures(true)}
    others["events, sound of another video"] = chance_figures(made)
    if options.predicted:
        others["localizer"] = ap_figures(pairs.pairs, options.predicted.expanduser())
    for line in table_lines(table, options.dataset, measured, others):
        logger.info("%s", line)
    return 0


def measure_pairs(
    pairs: Pairs,
    networks: Networks,
    *,
    every: int,
    cache: Path,
    made_of: Sequence[object],
    on_clip: Callable[[int, int], object] | None = None,
) -> tuple[list[dict[str, np.ndarray]], list[dict[str, np.ndarray]]]:
    """(features of the true clips, of the generated ones), in the order of the pairs.

    Each clip is measured alone, and kept in the folder `cache`: what is there and was made of the same files is not
    measured again. made_of: what the networks are, as JSON values.
    """
    true, made = list[dict[str, np.ndarray]](), list[dict[str, np.ndarray]]()
    for of_video in by_video(pairs.pairs):
        true += _true_features(of_video, networks, every=every, cache=cache, made_of=made_of)
        for pair in of_video:
            path = cache / "generated" / f"{pair.name}_{every}.npz"
            stamp = [*made_of, _stamp(pair.made)]
            kept = kept_features(path, stamp)
            if kept is None:
                fresh = clip_features(see_made(pair), pair.video.category, networks, every=every)
                kept = kept_features(path, stamp, fresh) or fresh
            made.append(kept)
            if on_clip:
                on_clip(len(made), len(pairs.pairs))
    return true, made


def ap_figures(pairs: Sequence[ClipPair], predicted: Path) -> dict[str, Pooled]:
    """{"AP@3", "AP@5"} in percent: curves PREDICTED/CATEGORY/STEM_clip-0i.npy (48,) against the measured ones.

    The measured curves are those of `python dev.py label`, in the published layout. Raises MeasureError or CurveError
    when one is missing.
    """
    files = files_below(predicted, ".npy")
    values = {t: list[float]() for t in AP_PERCENT}
    for pair in pairs:
        path = curve_file(pair.video.curve_path)
        if path is None:
            raise MeasureError(
                f"There is no measured curve {pair.video.curve_path}. Make it with python dev.py label "
                "ROOT --split test."
            )
        guess = read_predicted(files.get(same_name(pair.name), predicted / f"{pair.name}.npy"))
        for t, of_clips in values.items():
            of_clips.append(average_precision_at(normalise(guess), _true_curve(pair, path), t=t))
    return {f"AP@{t}": mean_percent(np.array(of_clips)) for t, of_clips in values.items()}


def read_predicted(path: Path) -> np.ndarray:
    """The curve (48,) that a localizer predicts for a clip, float64, of any range: the published one has no sigmoid.

    Raises CurveError for a file that is none; nothing in it is executed.
    """
    try:
        curve = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CurveError(
            f"The predicted curve {path} cannot be read ({error}). --predicted names a folder with a file "
            "CATEGORY/STEM_clip-0i.npy for every generated clip."
        ) from None
    numbers = isinstance(curve, np.ndarray) and curve.dtype.kind in "fiu"
    if not numbers or curve.shape != (N_FRAMES,) or not np.isfinite(curve).all():
        raise CurveError(
            f"The file {path} is no predicted curve, which is {N_FRAMES} finite numbers, one per frame of the clip. "
            "Save what the localizer predicts as it is, with numpy.save."
        )
    return curve.astype(np.float64)


def few_rows(made: Sequence[Mapping[str, np.ndarray]]) -> list[str]:
    """A sentence for FID and for FVD where there are fewer rows than numbers in each."""
    lines = []
    for name, feature, first in (("FID", "fid", 1), ("FVD", "fvd", 0)):
        rows = [np.atleast_2d(clip[feature])[first:] for clip in made if feature in clip]
        n_rows = sum(map(len, rows))
        if rows and not is_exact(n_rows, rows[0].shape[1]):
            lines.append(
                f"{name} is of {n_rows} rows of {rows[0].shape[1]} numbers: fewer rows than numbers make it inexact "
                "and much too large. Do not compare it; measure more videos."
            )
    return lines


def table_lines(
    table: str,
    dataset: str,
    measured: Mapping[str, Pooled],
    others: Mapping[str, Mapping[str, Pooled]],
) -> list[str]:
    """The lines of a table as CSV: row, figures, whose they are; then single figures with their intervals."""
    rows: list[tuple[str, ...]] = [("row", *COLUMNS, "from")]
    for name, values in quoted_rows(table, dataset).items():
        rows.append((name, *("" if x is None else f"{x:g}" for x in values), "paper, quoted"))
    rows.append(("ours", *(_shown(measured.get(name)) for name in COLUMNS), "measured here"))
    rows.append(("", *[""] * (len(COLUMNS) + 1)))
    rows.append(("figure", "value", "low", "high", "videos", "paper"))
    for name, value in measured.items():
        rows.append((name, *_numbers(value), ""))
    for part, values in others.items():
        for name, value in values.items():
            quoted = AP_PERCENT.get(int(name[-1])) if name.startswith("AP@") else None
            shown = "" if quoted is None or dataset != AVSYNC15 else f"{quoted:g}"
            rows.append((f"{part}: {name}", *_numbers(value), shown))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().splitlines()


def _parser(table: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(f"python dev.py eval {table}")
    folder = {"type": Path, "metavar": "DIR"}
    parser.add_argument("--generated", required=True, help="CATEGORY/STEM_clip-0i.mp4", **folder)
    parser.add_argument("--reference", required=True, help="the data set, with test.txt", **folder)
    parser.add_argument("--weights", help="the networks; docs/evaluation.md lists them", **folder)
    parser.add_argument(
        "--dataset", choices=DATASETS, default=AVSYNC15, help="whose quoted rows are printed"
    )
    parser.add_argument("--predicted", help="curves of a localizer, for AP@3 and AP@5", **folder)
    parser.add_argument("--cache", help="default: keyvid_features in --generated", **folder)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--run-i3d",
        metavar="SHA256",
        help=f"run the program in {I3D_FILE} (TorchScript) if it has this checksum; without it, no FVD",
    )
    return parser


def _load(files: WeightFiles, options: argparse.Namespace) -> Networks:
    """The networks of the files, on the device; what is missing is said."""
    i3d = _load_i3d(files, options)
    missing = {
        f"{INCEPTION_FILE} (FID)": files.inception,
        f"{I3D_FILE} and --run-i3d (FVD)": i3d,
        f"{', '.join(CLASSIFIER_PARTS)} (RelSync, AlignSync)": files.classifier,
        f"{IMAGEBIND_FILE} (AlignSync, CLIP-sim)": files.imagebind,
    }
    for name, there in missing.items():
        if there is None:
            logger.warning("Left out for want of %s.", name)
    device = torch.device(options.device)
    return Networks(
        inception=load_inception(files.inception).to(device) if files.inception else None,
        i3d=i3d,
        classifier=load_sync_classifier(files.classifier).to(device) if files.classifier else None,
        imagebind=load_imagebind(files.imagebind).to(device) if files.imagebind else None,
        device=options.device,
    )


def _load_i3d(files: WeightFiles, options: argparse.Namespace) -> I3DFeatures | None:
    """The network of FVD; None without the file, and without --run-i3d, for which the file's checksum is said."""
    if files.i3d is None:
        return None
    try:
        return load_i3d(files.i3d, sha256=options.run_i3d, device=options.device)
    except CheckpointUnsafeError as error:
        if options.run_i3d is not None:
            raise
        logger.warning("%s", error)
        return None


def _used(files: WeightFiles, options: argparse.Namespace) -> list[Path]:
    i3d = [files.i3d] if files.i3d and options.run_i3d else []
    single = [file for file in (files.inception, files.imagebind) if file]
    return [*single, *i3d, *(files.classifier or ())]


def _true_features(
    of_video: Sequence[ClipPair],
    networks: Networks,
    *,
    every: int,
    cache: Path,
    made_of: Sequence[object],
) -> list[dict[str, np.ndarray]]:
    """Of the clips of one true video, which is decoded once."""
    video = of_video[0].video
    stamp = [*made_of, _stamp(video.path)]
    paths = [cache / "true" / f"{pair.name}_{every}.npz" for pair in of_video]
    kept = [kept_features(path, stamp) for path in paths]
    if any(one is None for one in kept):
        seen = see_true(video)
        kept = [
            kept_features(
                path, stamp, clip_features(seen[pair.number], video.category, networks, every=every)
            )
            for path, pair in zip(paths, of_video, strict=True)
        ]
    return [one for one in kept if one is not None]


def _stamp(path: Path) -> list[object]:
    """What tells a file from another one in its place."""
    facts = path.stat()
    return [path.name, facts.st_size, facts.st_mtime_ns]


def _true_curve(pair: ClipPair, path: Path) -> np.ndarray:
    """The measured curve of the clip, 48 numbers in [0, 1]."""
    times_s = frame_times(pair.video.path)
    fps = (len(times_s) - 1) / float(times_s[-1])
    start_s = float(clip_starts(float(times_s[-1]))[pair.number])
    return clip_curve(read_curve(path), fps=fps, start_s=start_s)


def _shown(value: Pooled | None) -> str:
    return "" if value is None else f"{value.value:.2f}"


def _numbers(value: Pooled) -> tuple[str, ...]:
    return (*(f"{x:.3f}" for x in value[:3]), str(value.n_clips))
