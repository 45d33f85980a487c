"""The notes of a version: its section of CHANGELOG.md, once tag, version and section are the same."""

import re

from ..environment import ROOT, SetupError
from .archive import project_field


def notes_of(tag: str) -> str:
    """The notes for a tag such as v0.2.0. Raises SetupError when the project is of another version or says nothing."""
    version = project_field("version")
    if tag != f"v{version}":
        raise SetupError(
            f"The tag {tag} is not v{version}, the version in pyproject.toml: change the one that is wrong."
        )
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return section_of(changelog, version)


def section_of(changelog: str, version: str) -> str:
    """The text below the heading of a version. Raises SetupError when there is none."""
    found = re.search(rf"^## {re.escape(version)}\n(.*?)(?=^## |\Z)", changelog, re.M | re.S)
    text = found[1].strip() if found else ""
    if not text:
        raise SetupError(
            f'CHANGELOG.md says nothing of {version}: call its "Unreleased" {version}.'
        )
    return text + "\n"
