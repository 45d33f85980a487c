"""Files by name: what the lists show, which file a name means, and what is said of one that is not there."""

import os
import re

import pytest
from keyvid_pack.errors import CheckpointFileError
from keyvid_pack.tools.environment import ROOT


@pytest.fixture
def files(models_folder):
    from keyvid_pack.host.loaders import model_files

    return model_files


@pytest.fixture
def put(models_folder):
    """Lays an empty file into a folder of models/ and gives its path."""

    def lay(*parts):
        path = models_folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        return path

    return lay


def test_the_list_is_of_all_folders_and_every_name_is_in_it_once(files, put):
    put("keyvid", "b.safetensors")
    put("checkpoints", "b.safetensors")
    put("checkpoints", "sub", "a.ckpt")
    put("diffusion_models", "c.safetensors")
    put("keyvid", "readme.txt")
    put("loras", "d.safetensors")
    names = files.file_names(files.VIDEO_MODELS)
    assert names == ["b.safetensors", "c.safetensors", "sub/a.ckpt"]


def test_of_two_files_of_one_name_the_packs_own_folder_wins(files, put):
    other, own = put("checkpoints", "b.safetensors"), put("keyvid", "b.safetensors")
    assert files.file_path("b.safetensors", files.VIDEO_MODELS) == str(own)
    own.unlink()
    os.utime(own.parent, ns=(1, 1))  # ComfyUI lists a folder again when its time has changed
    assert files.file_path("b.safetensors", files.VIDEO_MODELS) == str(other)


def test_a_name_from_another_system_finds_its_file(files, put):
    path = put("checkpoints", "sub", "a.ckpt")
    for name in ("sub/a.ckpt", "sub\\a.ckpt"):
        assert files.file_path(name, files.WHOLE_FILES) == str(path)


@pytest.mark.parametrize("name", ["../secret.safetensors", "/etc/passwd", "sub", "", "a.txt"])
def test_a_name_that_is_not_in_the_list_is_no_file(files, put, name):
    put("secret.safetensors")
    put("keyvid", "a.txt")
    put("keyvid", "sub", "a.safetensors")
    assert "There is no model file named" in files.file_problem(name, files.VIDEO_MODELS)
    with pytest.raises(CheckpointFileError):
        files.file_path(name, files.VIDEO_MODELS)


def test_a_file_that_is_not_there_is_named_with_all_that_helps(files):
    said = files.file_problem("gone.safetensors", files.VIDEO_MODELS)
    for part in (
        "'gone.safetensors'",
        "models/keyvid (models/diffusion_models or models/checkpoints also work)",
        "KeyVID/keyframe_generation/generator_checkpoint.ckpt of RyanWW/KeyVID on Hugging Face, 15.5 GB",
        "KeyVID/interpolation/epoch=3669-step=58720.ckpt",
        "model.ckpt of Doubiiu/DynamiCrafter_512 on Hugging Face, 10.4 GB",
        "python dev.py weights NAME --half gets it (NAME is generator, interpolator or dynamicrafter)",
        "no licence is stated on the page",
        "The button on this node gets a published one",
        "Apache-2.0",
    ):
        assert part in said
    assert said.count("no licence is stated") == 1
    said = files.file_problem("gone.pth", files.AUDIO_ENCODERS)
    assert "facebookresearch/ImageBind" in said and "CC BY-NC-SA 4.0" in said


def test_a_file_that_the_workflows_name_is_told_alone(files):
    said = files.file_problem("keyvid_interpolator.safetensors", files.VIDEO_MODELS)
    assert (
        "epoch=3669-step=58720.ckpt" in said and "python dev.py weights interpolator --half" in said
    )
    assert "generator" not in said and "DynamiCrafter" not in said
    said = files.file_problem("sub\\keyvid_generator.safetensors", files.WHOLE_FILES)
    assert "generator_checkpoint.ckpt" in said and "3669" not in said


PAGES = {
    "VIDEO_MODELS": "KeyVID_LoadModel",
    "WHOLE_FILES": "KeyVID_LoadCheckpoint",
    "AUDIO_ENCODERS": "KeyVID_LoadAudioEncoder",
    "LOCALIZERS": "KeyVID_LoadLocalizer",
}
# what the pack does not fetch: its page has every file name and address of the error message
NOT_FETCHED = {"OPTICAL_FLOWS": "KeyVID_LoadOpticalFlow"}


@pytest.mark.parametrize("file_list", PAGES)
def test_the_help_page_of_a_loader_names_what_is_published_for_it(files, file_list):
    """Path, page, licence, and the file that it becomes, or the artist does not find them."""
    page = (ROOT / "js" / "docs" / f"{PAGES[file_list]}.md").read_text(encoding="utf-8")
    listed = getattr(files, file_list)
    assert listed.sources
    for source in listed.sources:
        for words in (source.path, source.target, source.page.removeprefix("github.com/")):
            assert words in page, f"{words} is not in {PAGES[file_list]}"
        if "not for commercial use" in source.licence:
            assert "CC BY-NC-SA 4.0" in page and "not for commercial use" in page
    for folder in listed.folders:
        assert f"`models/{folder}`" in page


def test_every_list_of_files_has_a_page(files):
    lists = {name for name, value in vars(files).items() if isinstance(value, files.FileList)}
    assert lists == {*PAGES, *NOT_FETCHED}


def test_a_file_that_is_not_fetched_is_named_with_where_it_is(files):
    said = files.file_problem("none.pth", files.OPTICAL_FLOWS)
    assert "'none.pth'" in said and "models/optical_flow" in said and "button" not in said
    page = (ROOT / "js" / "docs" / "KeyVID_LoadOpticalFlow.md").read_text(encoding="utf-8")
    named = re.findall(r"[\w.-]+\.pth", files.RAFT_FILES)
    assert len(named) == 2
    for words in (*named, "RyanWW/KeyVID", "princeton-vl/RAFT", "download.pytorch.org/models"):
        assert words in said and words in page
    (shown,) = files.file_names(files.OPTICAL_FLOWS)
    assert shown == files.first_choice(files.OPTICAL_FLOWS)
    assert shown == "no file yet: put one into models/optical_flow"


def test_an_empty_list_says_where_files_belong(files):
    (shown,) = files.file_names(files.LOCALIZERS)
    assert shown == "no file yet: put one into models/keyvid"
    assert "There is no localizer file yet." in files.file_problem(shown, files.LOCALIZERS)


def test_nothing_is_said_of_a_file_that_is_there_or_not_known_yet(files, put):
    put("keyvid", "a.pth")
    assert files.file_problem("a.pth", files.LOCALIZERS) is None
    assert files.file_problem(None, files.LOCALIZERS) is None


def test_the_stamp_changes_with_the_file(files, put):
    path = put("keyvid", "a.pth")
    before = files.stamp_of("a.pth", files.LOCALIZERS)
    assert before == files.stamp_of("a.pth", files.LOCALIZERS)
    path.write_bytes(b"more")
    assert before != files.stamp_of("a.pth", files.LOCALIZERS)


def test_a_name_that_comes_over_a_wire_has_no_stamp_of_its_own(files):
    """An error here would have ComfyUI load the file again on every run."""
    assert files.stamp_of(None, files.VIDEO_MODELS) == ""


def test_folders_of_extra_model_paths_are_kept(files, models_folder, tmp_path):
    """ComfyUI reads that file before packs are loaded, and registers a new name without suffixes."""
    import folder_paths

    del folder_paths.folder_names_and_paths[files.FOLDER]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "far.safetensors").write_bytes(b"")
    (elsewhere / "notes.txt").write_bytes(b"")
    folder_paths.add_model_folder_path(files.FOLDER, str(elsewhere))
    files.register_model_folders()
    assert files.file_names(files.LOCALIZERS) == ["far.safetensors"]
    assert folder_paths.get_folder_paths(files.FOLDER) == [
        str(elsewhere),
        str(models_folder / "keyvid"),
        files.EMBEDDED,
    ]


def test_a_new_loader_begins_with_the_packs_own_file_and_people_can_replace_it(files, put):
    assert files.first_choice(files.LOCALIZERS) == files.LOCALIZERS.nothing_found
    put("keyvid", "a.safetensors")
    assert files.first_choice(files.LOCALIZERS) == "a.safetensors"
    embedded = put("embedded", files.LOCALIZERS.embedded)
    assert files.first_choice(files.LOCALIZERS) == embedded.name
    assert files.file_path(embedded.name, files.LOCALIZERS) == str(embedded)
    theirs = put("keyvid", embedded.name)
    assert files.file_path(embedded.name, files.LOCALIZERS) == str(theirs)


def test_a_models_folder_that_cannot_be_written_is_reported_not_raised(
    files, tmp_path, monkeypatch, caplog
):
    import folder_paths

    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    monkeypatch.setattr(folder_paths, "models_dir", str(blocked))
    files.register_model_folders()
    assert "KeyVID could not make the folder" in caplog.text
