"""The learning curves of the shipped weights: docs/curves as CSV, and all of them as one SVG.

`python dev.py export` writes both, from the log.csv of each training.
"""

import csv
import math
import shutil
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

from ..engine.state import write_atomically
from ..tasks import TASKS

ROOT = Path(__file__).resolve().parents[2]
RECORDS = ROOT / "docs" / "curves"
DRAWING = ROOT / "docs" / "media" / "training_curves.svg"

WIDTH, HEIGHT = 900, 420  # of the drawing, in its own units
N_COLUMNS = 3
LEFT, TOP, RIGHT, BOTTOM = 44, 30, 14, 26  # around each curve
# their loss is plotted as the error of v, which stays comparable
PREDICTS_V = ("generator", "interpolator")
Curves = dict[str, list[tuple[int, float]]]  # {training: [(step, loss)]}
PAPER, INK, FAINT, LINE = "#ffffff", "#24292f", "#d0d7de", "#0969da"


def record(
    state_dir: Path, names: Collection[str], *, records: Path = RECORDS, drawn: Path = DRAWING
) -> None:
    """Copy the logs of these trainings from state_dir into the folder records, and draw all that are there.

    The VAE's has a second one where its decoder was trained further.
    """
    records.mkdir(parents=True, exist_ok=True)
    if "vae" in names:
        names = {*names, "decoder"}
    for name in names:
        log = state_dir / name / "log.csv"
        if log.is_file():
            write_atomically(records / f"{name}.csv", partial(shutil.copyfile, log))
    kept = [name for name in TASKS if (records / f"{name}.csv").is_file()]
    curves = {name: read_losses(records / f"{name}.csv") for name in kept}
    curves = {name: points for name, points in curves.items() if len(points) > 1}
    if curves:
        text = drawing(curves)
        write_atomically(drawn, lambda part: part.write_text(text, encoding="utf-8", newline="\n"))


def read_losses(path: Path) -> list[tuple[int, float]]:
    """[(step, loss)] of a log.csv; lines without a loss hold measurements on held-out data.

    Where a loss has other parts, the error of v alone: it stays comparable when a part joins or leaves.
    """
    with path.open(encoding="utf-8", newline="") as file:
        return [
            (int(row["step"]), float(row.get("v") or row["loss"]))
            for row in csv.DictReader(file)
            if row.get("loss")
        ]


def drawing(curves: Curves) -> str:
    """The SVG of {name: [(step, loss)]}: one small image each, the losses on a logarithmic scale."""
    n_rows = math.ceil(len(curves) / N_COLUMNS)
    width, height = WIDTH / N_COLUMNS, HEIGHT / n_rows
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>',
    ]
    for index, (name, points) in enumerate(curves.items()):
        row, column = divmod(index, N_COLUMNS)
        parts.append(f'<g transform="translate({column * width:g} {row * height:g})">')
        parts += _curve(name, points, width=width, height=height)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>\n"])


def _curve(
    name: str, points: list[tuple[int, float]], *, width: float, height: float
) -> Iterator[str]:
    last_step = max(step for step, _ in points)
    low = min(loss for _, loss in points)
    high = max(loss for _, loss in points)

    def x(step: float) -> float:
        return LEFT + (width - LEFT - RIGHT) * step / last_step

    def y(loss: float) -> float:
        share = math.log(loss / low) / max(math.log(high / low), 1e-9)
        return TOP + (height - TOP - BOTTOM) * (1 - share)

    yield _text(LEFT, TOP - 12, f"{name}: {_loss_label(name)} by step", size=13)
    for loss in (low, math.sqrt(low * high), high):
        yield f'<path d="M{LEFT} {y(loss):.1f}H{width - RIGHT:.1f}" stroke="{FAINT}"/>'
        yield _text(LEFT - 6, y(loss) + 4, f"{loss:.2g}", anchor="end")
    for step in (0, last_step // 2, last_step):
        yield _text(x(step), height - BOTTOM + 16, str(step), anchor="middle")
    line = " ".join(f"{x(step):.1f},{y(loss):.1f}" for step, loss in points)
    yield f'<polyline points="{line}" fill="none" stroke="{LINE}" stroke-width="1.5"/>'


def _loss_label(name: str) -> str:
    return "error of v" if name in PREDICTS_V else "loss"


def _text(x: float, y: float, text: str, *, size: int = 11, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{INK}" text-anchor="{anchor}">{text}</text>'
