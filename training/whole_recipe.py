"""`python dev.py train all --minutes M`: every training of the recipe one after the other, then the weight files.

Each stage is given its share of the minutes and is complete by itself: its learning rate comes down by its end. Stopped
anywhere, the same command goes on where it was.
"""

import importlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import KeyVIDError
from . import recipe
from .data.clips import make_clips_for
from .engine.budget import train_within
from .engine.state import write_atomically
from .release.export import FILES, export, write_checksums
from .tasks.vae import ensure_vae

logger = logging.getLogger("keyvid.training")
DATA = "data"
# of the minutes, by stage, in the order in which they build on each other: as long as each took for the weights that
# the pack ships, where more clips and a longer interpolator were found to be worth more
SHARES: Mapping[str, float] = {
    "vae": 0.08,
    DATA: 0.12,
    "decoder": 0.05,
    "audio": 0.12,
    "localizer": 0.05,
    "generator": 0.28,
    "interpolator": 0.30,
}
FILE_NAME = "all.json"
WEIGHTS_FOLDER = "weights"


def train_all(
    state_dir: Path, *, minutes: float, report: Callable[[int, int], None], **options: Any
) -> bool:
    """Run the stages that are not done yet, then write the weight files into state_dir/weights; returns whether all is
    done.

    minutes: of all stages together; a call that goes on keeps those it was begun with. options: as `loop.train` takes
    them. `export` with --state-dir puts the weights into the pack. Raises KeyVIDError.
    """
    progress = _read(state_dir / FILE_NAME) or {"minutes": minutes, "done": {}}
    for stage, share in SHARES.items():
        if stage in progress["done"]:
            continue
        started_s = time.monotonic()
        logger.info("%s: %.1f minutes", stage, share * progress["minutes"])
        if not _run_stage(stage, state_dir, share * progress["minutes"], report, options):
            return False
        progress["done"][stage] = round((time.monotonic() - started_s) / 60, 2)
        write_atomically(state_dir / FILE_NAME, partial(_write, progress))
    for name in FILES:
        logger.info("%s", export(name, state_dir=state_dir, target_dir=state_dir / WEIGHTS_FOLDER))
    write_checksums(state_dir / WEIGHTS_FOLDER)
    return True


def _run_stage(
    stage: str,
    state_dir: Path,
    minutes: float,
    report: Callable[[int, int], None],
    options: Mapping[str, Any],
) -> bool:
    if stage == DATA:
        ensure_vae(state_dir)
        make_clips_for(
            state_dir, minutes=minutes, n_clips=len(recipe.TRAINING_SEEDS), report=report
        )
        return True
    # late: diffusers is slow to import, and only the VAE needs it
    task = importlib.import_module(f".tasks.{stage}", __package__).make_task(
        state_dir, report=report
    )
    return train_within(task, minutes=minutes, state_dir=state_dir, **options)


def _read(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {"minutes": float(found["minutes"]), "done": dict(found["done"])}
    except (ValueError, TypeError, KeyError) as error:
        raise KeyVIDError(
            f"{path} cannot be read ({error}); remove it to go through all stages again, each from its newest state."
        ) from error


def _write(progress: Mapping[str, Any], part: Path) -> None:
    part.write_text(json.dumps(progress), encoding="utf-8")
