"""Timing files by name: which are listed, and which file a name means, however and wherever it was written."""

import json
import math
import os

import pytest
from keyvid_pack.errors import KeyVIDError

NAME = "timing_00001_.keyvid.json"


@pytest.fixture
def folders(tmp_path, monkeypatch):
    import folder_paths

    for name in ("input", "output", "temp"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(
            folder_paths, f"get_{name}_directory", lambda name=name: str(tmp_path / name)
        )
    return tmp_path


@pytest.fixture(scope="module")
def files():
    from keyvid_pack.host import files

    return files


def put(folder, name, text="{}"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_files_in_subfolders_and_in_the_output_folder_are_listed(folders, files):
    put(folders / "input", NAME)
    put(folders / "input", f"my timings/a/{NAME}")
    put(folders / "input", f".trash/{NAME}")
    put(folders / "input", "my timings/other.json")
    put(folders / "output", f"keyvid/{NAME}")
    (folders / "input" / "loop").symlink_to(folders / "input", target_is_directory=True)
    put(folders, NAME)
    (folders / "input" / f"outside{NAME}").symlink_to(folders / NAME)
    (folders / "input" / f"broken{NAME}").symlink_to(folders / "nowhere")
    listed = files.timing_files()
    assert listed == [f"my timings/a/{NAME}", NAME, f"keyvid/{NAME} [output]"]
    for name in listed:
        assert files.timing_problem(name) is None
        assert files.read_timing_text(name) == "{}"


def test_a_list_without_files_says_what_to_do(folders, files):
    for gone in (False, True):
        if gone:
            os.rmdir(folders / "input")
        (entry,) = files.timing_files()
        assert "Save Timing" in entry and "input" in entry
        for words in ("No timing file is chosen", "Save Timing", "input folder", "press R"):
            assert words in files.timing_problem(entry)


def test_only_so_many_folders_are_looked_into(folders, files, monkeypatch):
    monkeypatch.setattr(files, "MAX_LISTED_FOLDERS", 4)
    for number in range(6):
        put(folders / "input", f"{number}/deep/{NAME}")
        put(folders / "input", f"{number}/{NAME}")
    assert len(files.timing_files()) == 3  # beside the input folder itself, the nearest ones first
    assert all(name.count("/") == 1 for name in files.timing_files())


@pytest.mark.parametrize(
    "name",
    [
        "my timings\\sub\\" + NAME,
        "my timings/sub\\" + NAME,
        "my timings/sub/" + NAME,
        "./my timings//sub/" + NAME,
        "  my timings/sub/" + NAME + "  ",
        "my timings/sub/" + NAME + "\n",
        "my timings\\sub\\" + NAME + " [input]",
        "my timings/sub/" + NAME + "[input] ",
    ],
)
def test_a_name_from_another_system_means_the_same_file(folders, files, name):
    put(folders / "input", f"my timings/sub/{NAME}", text=json.dumps("found"))
    assert files.timing_problem(name) is None
    assert json.loads(files.read_timing_text(name)) == "found"
    assert files.timing_stamp(name) == files.timing_stamp(f"my timings/sub/{NAME}")


@pytest.mark.parametrize("folder", ["output", "temp"])
@pytest.mark.parametrize("written", ["keyvid/{} [{}]", "keyvid\\{} [{}]", " keyvid\\{}[{}] "])
def test_an_annotated_name_means_the_file_in_that_folder(folders, files, folder, written):
    put(folders / folder, f"keyvid/{NAME}", text="here")
    assert files.read_timing_text(written.format(NAME, folder)) == "here"


def test_a_name_that_really_has_such_signs_is_that_file(folders, files):
    put(folders / "input", f" a\\b{NAME}", text="odd")
    put(folders / "input", f"a/b{NAME}", text="plain")
    assert files.read_timing_text(f" a\\b{NAME}") == "odd"
    assert files.read_timing_text(f"a\\b{NAME}") == "plain"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (f"../{NAME}", "outside"),
        (f"..\\..\\{NAME}", "outside"),
        (f"sub/../../{NAME}", "outside"),
        (f"..\\{NAME} [output]", "outside"),
        (f"/etc/{NAME}", "outside"),
        (f"\\\\server\\share\\{NAME}", "outside"),
        (f"a\0{NAME}", "outside"),
        (f"C:\\Users\\me\\{NAME}", "no timing file named 'C:/Users/me/"),
        (f"nowhere/{NAME}", "no timing file named"),
        ("image.png", "no timing file named"),
        ("", "no timing file named"),
        (7, "not a file name"),
        (["a"], "not a file name"),
    ],
)
def test_a_name_that_means_no_timing_file_is_refused(folders, files, name, words):
    put(folders, NAME)
    put(folders / "input", "image.png")
    problem = files.timing_problem(name)
    assert words in problem and problem.endswith(".")
    with pytest.raises(KeyVIDError):
        files.read_timing_text(name)


def test_a_name_that_is_not_known_yet_is_no_problem_and_always_new(files):
    assert files.timing_problem(None) is None
    assert math.isnan(files.timing_stamp(None))
    with pytest.raises(KeyVIDError, match="No timing file is chosen"):
        files.read_timing_text(None)


def test_folders_are_looked_into_again_only_after_a_change(folders, files, monkeypatch):
    put(folders / "output", f"keyvid/{NAME}")
    scanned = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: scanned.append(path) or scandir(path))
    assert files.timing_files() == files.timing_files() == [f"keyvid/{NAME} [output]"]
    assert len(scanned) == len(set(scanned)) == 3  # input, output, output/keyvid
    os.utime(folders / "output" / "keyvid", ns=(1, 1))  # as a new file does
    put(folders / "output" / "keyvid", f"new{NAME}")
    assert len(files.timing_files()) == 2
