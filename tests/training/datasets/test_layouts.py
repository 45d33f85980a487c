"""Which videos a data set has: the published layouts, lists, captions, and names that files really have."""

import unicodedata

import pytest
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.training.datasets import layouts
from keyvid_pack.training.datasets.layouts import open_dataset


def put(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def described(dataset, root):
    return [
        (v.name, v.caption, v.category, v.curve_path.relative_to(root).as_posix())
        for v in dataset.videos
    ]


def test_training_layout_of_avsync15_and_landscapes(tmp_path):
    put(tmp_path, "train/machine_gun/b.mp4", "train/dog_barking/a.mp4", "test/dog_barking/c.mp4")
    put(tmp_path, "train/dog_barking/a.txt", "train/dog_barking/.hidden.mp4")
    dataset = open_dataset(tmp_path)
    assert dataset.kind == layouts.CATEGORIES and dataset.missing == ()
    assert described(dataset, tmp_path) == [
        ("dog_barking/a", "dog barking", "dog barking", "train_curves_npy/dog_barking/a.npy"),
        ("machine_gun/b", "machine gun", "machine gun", "train_curves_npy/machine_gun/b.npy"),
    ]
    (test,) = open_dataset(tmp_path, split="test").videos
    assert test.curve_path == tmp_path / "test_curves_npy" / "dog_barking" / "c.npy"
    assert test.path == tmp_path / "test" / "dog_barking" / "c.mp4"


def test_evaluation_layout_of_avsync15_follows_its_list(tmp_path):
    put(tmp_path, "videos/hammering/a.mp4", "videos/hammering/b.mp4", "videos/sharpen_knife/c.mp4")
    # a byte order mark, line ends of Windows, a blank line, an entry without its ending and one that is not there
    text = (
        "\ufeffsharpen_knife/c.mp4\r\n\r\nhammering/a\r\nhammering/lost.mp4\r\nhammering/a.mp4\r\n"
    )
    (tmp_path / "test.txt").write_text(text, encoding="utf-8", newline="")
    dataset = open_dataset(tmp_path, split="test")
    assert [video.name for video in dataset.videos] == ["hammering/a", "sharpen_knife/c"]
    assert dataset.missing == ("hammering/lost.mp4",)
    assert dataset.n_unlisted == 1


def test_evaluation_layout_of_landscapes(tmp_path):
    put(tmp_path, "videos/test/waterfall_burbling/a.mp4", "videos/test/snow/b.mp4")
    (tmp_path / "test.txt").write_text("snow/b.mp4\n", encoding="utf-8")
    (video,) = open_dataset(tmp_path, split="test").videos
    assert video.path == tmp_path / "videos" / "test" / "snow" / "b.mp4"
    assert (video.name, video.caption) == ("snow/b", "snow")


def test_folders_to_train_and_to_evaluate_lie_side_by_side(tmp_path):
    """As docs/training.md shows AVSync15: train/ without a list, videos/ with the list of the test split."""
    put(tmp_path, "train/dog_barking/a.mp4", "videos/dog_barking/b.mp4", "videos/dog_barking/c.mp4")
    (tmp_path / "test.txt").write_text("dog_barking/b.mp4\n", encoding="utf-8")
    (train,), (test,) = (open_dataset(tmp_path, split=s).videos for s in layouts.SPLITS)
    assert train.path == tmp_path / "train" / "dog_barking" / "a.mp4"
    assert test.path == tmp_path / "videos" / "dog_barking" / "b.mp4"
    (tmp_path / "test.txt").rename(
        tmp_path / "train.txt"
    )  # then test has neither a list nor a folder
    with pytest.raises(KeyVIDError, match="no list"):
        open_dataset(tmp_path, split="test")


def test_the_greatest_hits_has_no_caption_in_training_and_one_text_in_evaluation(tmp_path):
    names = [f"2015-02-16-16-49-0{i}_denoised_thumb.mp4" for i in range(3)]
    put(tmp_path, *(f"videos/{name}" for name in names), "videos/other.mp4")
    (tmp_path / "train.txt").write_text("\n".join(names[:2]), encoding="utf-8")
    dataset = open_dataset(tmp_path)
    assert dataset.kind == layouts.GREATEST_HITS and dataset.n_unlisted == 2
    stem = "2015-02-16-16-49-00_denoised_thumb"
    expected = (stem, "", "hitting with a stick", f"train_video_motion/label/{stem}.npy")
    assert described(dataset, tmp_path)[0] == expected


def test_any_folder_of_videos(tmp_path):
    put(tmp_path, "a.MP4", "my_cat/b.mov", "notes.txt", "curves_npy/x.mp4")
    dataset = open_dataset(tmp_path)
    assert described(dataset, tmp_path) == [
        ("a", "", "", "curves_npy/a.npy"),
        ("my_cat/b", "my cat", "my cat", "curves_npy/my_cat/b.npy"),
    ]


def test_an_id_ends_at_the_first_dot_unless_two_would_share_it(tmp_path):
    put(tmp_path, "train/x/one.v2.mp4", "train/x/two.1.mp4", "train/x/two.2.mp4", "train/y/two.mp4")
    put(tmp_path, "train/x/same.mp4", "train/x/same.mov")
    videos = open_dataset(tmp_path).videos
    curves = [v.curve_path.relative_to(tmp_path / "train_curves_npy").as_posix() for v in videos]
    assert curves == [
        "x/one.npy", "x/same.mov.npy", "x/same.mp4.npy", "x/two.1.npy", "x/two.2.npy", "y/two.npy"
    ]  # fmt: skip
    names = [video.name for video in videos]
    assert names[1:3] == ["x/same.mov", "x/same.mp4"] and len(set(names)) == len(names) == 6


@pytest.mark.parametrize(("on_disk", "in_list"), [("NFC", "NFD"), ("NFD", "NFC"), ("NFC", "NFC")])
def test_letters_that_are_written_in_two_ways_are_the_same(tmp_path, on_disk, in_list):
    name = "grüße/Çelló 🎻.mp4"
    put(tmp_path, f"videos/{unicodedata.normalize(on_disk, name)}")
    listed = unicodedata.normalize(in_list, name)
    (tmp_path / "test.txt").write_text(listed, encoding="utf-8")
    dataset = open_dataset(tmp_path, split="test")
    assert len(dataset.videos) == 1 and dataset.missing == ()


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(KeyVIDError, match="no folder"):
        open_dataset(tmp_path / "absent")
    with pytest.raises(KeyVIDError, match="no videos"):
        open_dataset(tmp_path)
    with pytest.raises(KeyVIDError, match="no split"):
        open_dataset(tmp_path, split="validation")
    put(tmp_path, "videos/a_denoised_thumb.mp4")
    with pytest.raises(KeyVIDError, match="no list"):
        open_dataset(tmp_path)
    (tmp_path / "train.txt").write_bytes("é".encode("latin-1"))
    with pytest.raises(KeyVIDError, match="UTF-8"):
        open_dataset(tmp_path)


def test_a_list_cannot_lead_out_of_the_data_set(tmp_path):
    put(tmp_path, "secret.mp4", "set/videos/x/a.mp4")
    (tmp_path / "set" / "test.txt").write_text("../../secret.mp4\nx/a.mp4\n", encoding="utf-8")
    dataset = open_dataset(tmp_path / "set", split="test")
    assert [video.name for video in dataset.videos] == ["x/a"]
    assert dataset.missing == ("../../secret.mp4",)
