"""`python dev.py eval NAME`: runs one of the measurements."""

import importlib
import logging

from ..errors import KeyVIDError

TABLES = ("table1", "table2", "table3")
logger = logging.getLogger("keyvid.evaluation")

# imported on demand; each parses its own options
MODULES = {
    "sync": "sync",
    "song": "song",
    "training": "in_process",
    "tracker": "validation.of_tracker",
    "localizer": "localizer",
    "flow": "validation.of_flow",
    "lora": "fine_tuning.new_scene",
    **dict.fromkeys(TABLES, "paper.tables"),
}


def main(name: str | None = None, *words: str) -> int:
    """Run one measurement with the words after its name; returns the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if name not in MODULES:
        logger.error("Say what to measure: %s", ", ".join(MODULES))
        return 1
    try:
        run = importlib.import_module(f"{__package__}.{MODULES[name]}").main
        return run(name, *words) if name in TABLES else run(*words)
    except KeyVIDError as error:
        logger.error("%s", error)
        return 1
