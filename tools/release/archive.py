"""The archive that ComfyUI's registry gives to artists, made by the rules of comfy-cli.

`comfy node publish` packs the files that git tracks, without those that .comfyignore names (in the patterns of a
.gitignore), at the root of a ZIP file. The registry unpacks it into custom_nodes under the project's name.
"""

import re
import subprocess
import zipfile
from pathlib import Path

from ..environment import ROOT, WORK, SetupError

IGNORE = ROOT / ".comfyignore"
MAX_BYTES = 45_000_000
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that ZIP knows: the same files make the same archive


def project_field(name: str) -> str:
    """A field of [project] in pyproject.toml that is one text (Python 3.10 has no TOML reader)."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(rf'^{name} = "(.+)"$', text, re.MULTILINE)
    if found is None:
        raise SetupError(f"pyproject.toml names no {name}.")
    return found[1]


def published_files() -> list[str]:
    """Names of the files in the archive, relative to the checkout, sorted."""
    left_out = _tracked("--ignored", f"--exclude-from={IGNORE}")
    return sorted(name for name in _tracked() - left_out if (ROOT / name).is_file())


def write(target: Path | None = None) -> Path:
    """Write the archive; its path, in .dev/ if none is given. Raises SetupError where there is no git checkout."""
    default = WORK / f"{project_field('name')}-{project_field('version')}.zip"
    target = target or default
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        for name in published_files():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, (ROOT / name).read_bytes())
    return target


def _tracked(*options: str) -> set[str]:
    """What git ls-files lists with these options."""
    command = ["git", "ls-files", "-z", "--cached", *options]
    try:
        done = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(
            f"The archive is made of the files that git tracks in {ROOT}: {error}."
        ) from None
    return set(done.stdout.decode().split("\0")) - {""}
