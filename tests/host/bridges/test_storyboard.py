"""The artist's own images of keyframes: read from the input folder alone, at one size, and the missing ones named."""

import os

import numpy as np
import pytest
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.keyframes.plan import Keyframe, make_plan
from PIL import Image

from ...helpers.graphs.prompts import check_message


@pytest.fixture
def folder(tmp_path, monkeypatch):
    import folder_paths

    root = tmp_path / "input"
    root.mkdir()
    monkeypatch.setattr(folder_paths, "get_input_directory", lambda: str(root))
    return root


def board(images, **more):
    from keyvid_pack.host.bridges.storyboard import storyboard_images

    frames = sorted({0, 47, *images})
    keyframes = [
        Keyframe(frame, "manual" if frame else "first", image=images.get(frame, ""))
        for frame in frames
    ]
    return storyboard_images(make_plan(keyframes, fps=24, n_frames=48), **more)


def put(folder, name, colour, size=(48, 32), **options):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, **options)
    return path


def test_the_images_come_in_order_of_time_at_one_size(folder):
    put(folder, "red.png", "red")
    put(folder, "board/blue (1).png", "blue", size=(96, 96))
    found = board({24: "red.png", 12: "board/blue (1).png"}, width=48, height=32)
    assert (found.frames, found.missing) == ("12, 24", "")
    assert found.images.shape == (2, 32, 48, 3)
    np.testing.assert_array_equal(found.images[0, 5, 5], [0, 0, 1])
    np.testing.assert_array_equal(found.images[1, 5, 5], [1, 0, 0])
    assert board({24: "red.png", 30: "board\\blue (1).png"}).images.shape == (2, 32, 48, 3)


def test_the_kinds_of_files_that_artists_have_are_read(folder):
    for name in ("a.jpg", "a.webp", "a.bmp", "a.gif", "a.PNG"):
        put(folder, name, (200, 30, 30))
        found = board({24: name}).images
        # a lossy file is some levels off; half of that range tells it from any other colour
        assert (found[0].mean(dim=(0, 1)) * 255 - found.new_tensor([200, 30, 30])).abs().max() < 20
    Image.new("RGBA", (48, 32), (200, 30, 30, 128)).save(folder / "clear.png")
    Image.new("L", (48, 32), 90).save(folder / "grey.png")
    assert board({24: "clear.png", 30: "grey.png"}).images.shape == (2, 32, 48, 3)


def test_what_is_missing_is_said_and_is_no_error(folder):
    put(folder, "red.png", "red")
    found = board({0: "red.png", 12: "gone.png", 24: "board/too.jpg"})
    assert found.frames == "0"
    check_message(found.missing, ["gone.png (frame 12)", "board/too.jpg (frame 24)", "them"])
    none = board({12: "gone.png"})
    assert (none.images, none.frames) == (None, "none")
    check_message(none.missing, ["gone.png (frame 12)", "Without it"])
    assert board({}) == (None, "none", "")
    many = board({frame: f"{frame}.png" for frame in range(1, 20)}).missing
    assert "and 7 more" in many


@pytest.mark.parametrize(
    "name", ["../secret.png", "/etc/secret.png", "a/../../secret.png", "..\\secret.png"]
)
def test_nothing_outside_the_input_folder_is_read(folder, name):
    put(folder.parent, "secret.png", "red")
    with pytest.raises(KeyVIDError) as error:
        board({12: name})
    check_message(str(error.value), ["outside ComfyUI's input folder", "timeline"])


def test_a_link_out_of_the_input_folder_is_not_followed(folder):
    put(folder.parent, "secret.png", "red")
    (folder / "link.png").symlink_to(folder.parent / "secret.png")
    with pytest.raises(KeyVIDError, match="outside"):
        board({12: "link.png"})


def test_what_is_no_image_is_named(folder):
    (folder / "notes.txt").write_text("words")
    with pytest.raises(KeyVIDError, match=r"'notes.txt' of a keyframe is not an image"):
        board({12: "notes.txt"})
    (folder / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    with pytest.raises(KeyVIDError) as error:
        board({12: "torn.png"})
    check_message(str(error.value), ["torn.png", "cannot be read", "PNG or JPEG"])


def test_the_stamp_changes_with_any_of_the_images(folder):
    from keyvid_pack.host.files import input_images_stamp

    names = ["a.png", "b.png", "../c.png"]
    stamps = [input_images_stamp(names)]
    path = put(folder, "a.png", "red")
    stamps.append(input_images_stamp(names))
    os.utime(path, ns=(1, 1))
    stamps.append(input_images_stamp(names))
    put(folder, "b.png", "red")
    stamps.append(input_images_stamp(names))
    assert len(set(stamps)) == 4
    assert input_images_stamp(names) == stamps[-1] and input_images_stamp([]) == ""
