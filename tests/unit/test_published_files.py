"""What is said of published weights: README, workflows and the list in released/ agree, and nothing untrue is said."""

import json
import re

import pytest
from keyvid_pack.released.published_files import ALL, FILES, NAMES, file_of_target
from keyvid_pack.tools.environment import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / "workflows").glob("*.json"))
TEXTS = [
    README,
    *(path.read_text(encoding="utf-8") for path in (ROOT / "js" / "docs").glob("*.md")),
    *(path.read_text(encoding="utf-8") for path in WORKFLOWS),
]
NEEDING_FILES = {
    "dynamicrafter_i2v",
    "keyvid_full",
    "keyvid_full_fast",
    "keyvid_keyframes_only",
    "keyvid_uniform_baseline",
}
# sentences of the time before the files were published
UNTRUE = re.compile(
    r"not out yet|may not be (out|available)|is announced|are announced|no page has|published so far"
)


def lacking(file, text):
    """The names of a published file that a text does not have."""
    page = file.page.removeprefix("github.com/")
    return [name for name in (file.path, file.target, page, f"`{file.key}`") if name not in text]


@pytest.mark.parametrize("file", ALL, ids=lambda file: file.key)
def test_the_readme_names_every_published_file(file):
    assert lacking(file, README.replace("`weights interpolator-1119`", "`interpolator-1119`")) == []
    if file.about_gb is not None:
        assert f"{file.about_gb:g} GB" in README


def test_a_name_that_is_missing_is_noticed():
    assert lacking(FILES["localizer"], README.replace("wav2motion", "")) == [
        FILES["localizer"].path
    ]


def test_sizes_follow_from_the_names_of_the_tensors():
    """15.5 GB is the number of values times 4; what is kept in half precision, times 2, is what README says."""
    text = (ROOT / "tests" / "goldens" / "state_dict_keys.txt").read_text(encoding="utf-8")
    n_values = int(re.search(r"interpolator checkpoint: 3932 tensors, (\d+) elements", text)[1])
    earlier = FILES["interpolator-1119"].n_bytes
    assert 0 < earlier - 4 * n_values < 3932 * 512  # what a zip takes for each record
    for key, size in {
        "generator": "5.3 GB",
        "dynamicrafter": "5.1 GB",
        "imagebind": "0.2 GB",
    }.items():
        assert f"{FILES[key].kept_bytes(half=True) / 1e9:.1f} GB" == size
        assert f"`{key}`" in README and size in README


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflows_note_names_what_its_files_are_made_from(path):
    workflow = json.loads(path.read_text(encoding="utf-8"))
    notes = " ".join(
        str(node.get("widgets_values")) for node in workflow["nodes"] if "Note" in node["type"]
    )
    named = {
        file_of_target(value)
        for node in workflow["nodes"]
        for value in node.get("widgets_values") or []
        if isinstance(value, str)
    } - {None}
    assert bool(named) == (path.stem in NEEDING_FILES)
    for file in named:
        for words in (file.name, file.page, file.target, f"{file.about_gb:g} GB"):
            assert words in notes
    commands = re.findall(r"dev\.py weights (\S+) --half", notes)
    assert {file for command in commands for file in NAMES[command]} == named


def test_nothing_untrue_is_said_of_published_weights():
    assert UNTRUE.search("where they are announced and may not be out yet")
    assert [found[0] for text in TEXTS if (found := UNTRUE.search(text))] == []


def test_a_target_is_found_in_any_folder_and_on_any_system():
    assert file_of_target("sub\\keyvid_generator.safetensors") is FILES["generator"]
    assert file_of_target("keyvid_small_generator.safetensors") is None
