"""Runs a Python script that ends with its parent process: when standard input closes.

    python end_with_parent.py SCRIPT [ARGUMENTS]     with a pipe as standard input

The system closes the pipe however the parent ends, so that a killed test run leaves no server behind.
"""

import os
import runpy
import sys
import threading


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    here = os.path.dirname(os.path.abspath(sys.argv.pop(0)))
    sys.path[:] = [os.path.dirname(os.path.abspath(sys.argv[0]))] + [
        p for p in sys.path if p != here
    ]
    runpy.run_path(sys.argv[0], run_name="__main__")
