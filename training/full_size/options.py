"""The words of `python dev.py train full`."""

import argparse
import re
from collections.abc import Sequence

from ...models.published import KEYFRAME_COUNT
from ..datasets.clips import HEIGHT, WIDTH
from ..datasets.layouts import SPLITS
from .frame_choice import CHOICES, PUBLISHED
from .localizer import LOSSES
from .start import LOCALIZER, NETWORKS

DESCRIPTION = (
    "Train a network of the published size on real videos (docs/training.md, Full size). Defaults are the published "
    "settings. Stopped at any time it goes on from the last saved step when it is called again."
)
# published-model g.2 and h.2
EXAMPLES, AT_ONCE, STEPS, RATE = 64, 2, 100_000, 1e-5
LOCALIZER_EXAMPLES, LOCALIZER_EPOCHS, LOCALIZER_RATE = 4, 500, 1.5e-5
SEED = 20230211


def read_options(words: Sequence[str]) -> argparse.Namespace:
    """What the words ask for; ends the program with a sentence where it cannot be done."""
    parser = argparse.ArgumentParser("python dev.py train full", description=DESCRIPTION)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("root", metavar="ROOT", help="the data set, labelled, or its shards")
    parser.add_argument(
        "--from", dest="sources", metavar="FILE", nargs="+", required=True,
        help="weight files to begin with: the video model first; other parts come from the first file that has them",
    )  # fmt: skip
    _add_data(parser)
    _add_steps(parser)
    _add_frames(parser)
    _add_machines(parser)
    return parser.parse_args(words)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--split", choices=SPLITS, default="train")
    parser.add_argument("--height", type=int, default=HEIGHT, help="pixels of a frame")
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument(
        "--state-dir",
        metavar="DIR",
        help="for states and weights; default: in the user's data folder",
    )


def _add_steps(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--steps", type=_count, metavar="N",
        help=f"where it ends, from the beginning; default: {STEPS}, of the localizer {LOCALIZER_EPOCHS} epochs",
    )  # fmt: skip
    parser.add_argument(
        "--examples", type=_count, metavar="N",
        help=f"of a step, in all processes; default: {EXAMPLES} = 8 GPUs x 2 x 4, localizer {LOCALIZER_EXAMPLES}",
    )  # fmt: skip
    parser.add_argument(
        "--at-once", type=_count, metavar="N",
        help=f"examples that a process computes together; default: {AT_ONCE}, of the localizer all of its own",
    )  # fmt: skip
    parser.add_argument(
        "--learning-rate", type=float, metavar="X",
        help=f"default: {RATE:g}, of the localizer {LOCALIZER_RATE:g}, falling",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--save-every", type=_count, default=500, metavar="N", help="steps")
    parser.add_argument(
        "--weights-every", type=int, default=0, metavar="N",
        help="steps after which a weight file is written; default: only at the end",
    )  # fmt: skip
    parser.add_argument("--log-every", type=_count, default=20, metavar="N", help="steps")


def _add_frames(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--keyframes", choices=CHOICES, default=PUBLISHED,
        help="how keyframes are selected; uniform is the paper's ablation and needs no curves",
    )  # fmt: skip
    parser.add_argument("--count", type=int, default=KEYFRAME_COUNT, help="keyframes of a clip")
    parser.add_argument(
        "--keyframe-ratio", type=_share, default=None, metavar="X",
        help="of the generator's examples that have keyframes, the others the first frames; default: 0.4, with "
        "--keyframes uniform 1",
    )  # fmt: skip
    parser.add_argument(
        "--whole-clips", action="store_true",
        help="train the interpolator on 48 frames, as it is used, instead of 12, as published",
    )  # fmt: skip
    parser.add_argument(
        "--dropout",
        type=_share,
        default=0.1,
        help="in the UNet while it is trained; published: 0.1",
    )
    parser.add_argument(
        "--no-checkpointing", action="store_true",
        help="keep all activations: faster, and takes several times the memory",
    )  # fmt: skip
    parser.add_argument("--loss", choices=LOSSES, default=LOSSES[0], help="of the localizer")


def _add_machines(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--precision", choices=("fp16", "bf16", "fp32"),
        help="of the computation; default: on GPUs fp16, as published, with --fsdp bf16; on CPUs fp32",
    )  # fmt: skip
    parser.add_argument(
        "--processes",
        type=_count,
        metavar="N",
        help="on this machine; default: one per GPU, of the localizer 1",
    )
    parser.add_argument(
        "--machine", type=_machine, default=(1, 1), metavar="K/N",
        help="this is machine K of N; all see the same --state-dir and ROOT",
    )  # fmt: skip
    parser.add_argument(
        "--address", metavar="HOST:PORT", help="of machine 1, where the others find it"
    )
    parser.add_argument(
        "--fsdp", action="store_true", help="share networks and optimizer out among the processes"
    )
    parser.add_argument(
        "--workers", type=int, default=2, help="processes that read videos, for each process"
    )
    parser.add_argument("--cpu", action="store_true", help="not on GPUs even where there are some")


def is_localizer(options: argparse.Namespace) -> bool:
    """Whether the localizer is to be trained."""
    return options.network == LOCALIZER


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 1 on")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no number from 0 to 1")
    return share


def _machine(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f'"{text}" is no machine; the second of four is 2/4')
    return int(found[1]), int(found[2])
