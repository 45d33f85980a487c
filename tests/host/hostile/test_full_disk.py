"""The disk is full while a node writes: a sentence that says so, nothing half left, and the next run is whole."""

import errno
import os
import shutil

import numpy as np
import pytest
import torch
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.keyframes.curve import motion_curve
from keyvid_pack.keyframes.plan import plan_at_frames
from keyvid_pack.preview.mp4 import write_mp4

from ...helpers.graphs.prompts import check_message
from ...helpers.hostile.limits import room_for

N_FRAMES, FPS, RATE = 24, 24, 16_000
PLAN = plan_at_frames((0, 7, 12), fps=FPS, n_frames=N_FRAMES)
CURVE = motion_curve(np.linspace(0, 1, N_FRAMES), fps=FPS, source="onset")
SOUND = {
    "waveform": torch.rand(1, 1, RATE, generator=torch.Generator().manual_seed(0)) - 0.5,
    "sample_rate": RATE,
}
IMAGES = torch.rand(3, 64, 96, 3, generator=torch.Generator().manual_seed(1))


def save_timing():
    from keyvid_pack.nodes.timing_files import SaveTiming

    SaveTiming.execute(PLAN, "keyvid/timing", CURVE)


def edit():
    from keyvid_pack.nodes.edit import EditKeyframes

    EditKeyframes.execute(PLAN, curve=CURVE, audio=SOUND)


def info():
    from keyvid_pack.nodes.plan_info import PlanInfo

    PlanInfo.execute(PLAN)


def localize():
    from keyvid_pack.nodes.localize import LocalizeKeyframes

    LocalizeKeyframes.execute(SOUND, fps=FPS, n_frames=N_FRAMES, method="onset")


def sheet():
    from keyvid_pack.nodes.keyframe_sheet import KeyframeSheet

    KeyframeSheet.execute(IMAGES, PLAN, width=320)


def preview():
    from keyvid_pack.nodes.timing_preview import TimingPreview

    TimingPreview.execute(IMAGES[:1], SOUND, PLAN, 128, CURVE)


def blend():
    from keyvid_pack.nodes.blend import BlendBetweenKeyframes

    BlendBetweenKeyframes.execute(IMAGES, PLAN, SOUND, blend="hold", fewer="refuse")


WRITERS = [save_timing, edit, localize, sheet, preview, blend]


def files_in(comfyui):
    """{name: bytes} of temp and output."""
    found = [path for name in ("temp", "output") for path in (comfyui.base / name).rglob("*")]
    return {path.name: path.stat().st_size for path in found if path.is_file()}


def of_the_pack(files):
    """Without those that ComfyUI writes itself: their names are random, and it empties temp as it starts."""
    return {name: size for name, size in files.items() if not name.startswith("ComfyUI_temp_")}


def clear(comfyui):
    for folder in ("temp", "output"):
        shutil.rmtree(comfyui.base / folder)
        (comfyui.base / folder).mkdir()


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_a_full_disk_is_a_sentence_and_leaves_nothing_half(comfyui, write):
    clear(comfyui)
    write()
    written = files_in(comfyui)
    largest, whole = max(written.values()), of_the_pack(written)
    for n_bytes in (0, 100, largest // 2, largest - 1):
        clear(comfyui)
        with room_for(n_bytes), pytest.raises(KeyVIDError) as refusal:
            write()
        check_message(str(refusal.value), ["cannot be written", "or another disk"])
        # some of several files may have been whole before the disk was full
        assert of_the_pack(files_in(comfyui)).items() <= whole.items(), n_bytes
    clear(comfyui)
    write()
    assert of_the_pack(files_in(comfyui)) == whole


def test_the_sample_files_are_whole_or_not_there(comfyui, tmp_path, monkeypatch, caplog):
    import folder_paths
    from keyvid_pack.host.files import copy_sample_media

    monkeypatch.setattr(folder_paths, "input_directory", str(tmp_path))
    copy_sample_media()
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    room = sorted(sizes.values())[1]
    for path in tmp_path.iterdir():
        path.unlink()
    with room_for(room):
        copy_sample_media()
    left = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert left.items() < sizes.items()
    assert "could not copy its sample files" in caplog.text and "Traceback" not in caplog.text


def test_no_byte_of_a_video_can_be_missing_without_an_error(tmp_path):
    """FFmpeg writes through a buffer of its own, and the end of a file only as it is closed."""
    pixels = np.random.default_rng(0).integers(0, 256, (12, 32, 48, 3), np.uint8)
    path = tmp_path / "a.mp4"

    def write():
        samples = np.zeros((1, 8000), np.float32)
        size = {"width": 48, "height": 32, "n_frames": 12, "fps": 24}
        write_mp4(path, iter(pixels), **size, samples=samples, sample_rate=8000)

    write()
    n_bytes = path.stat().st_size
    with room_for(n_bytes):
        write()
    for room in [*range(0, n_bytes, n_bytes // 40), n_bytes - 1]:
        with room_for(room), pytest.raises(OSError, match="File too large"):
            write()
        assert not path.exists()


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Make room on the disk"),
        (errno.EDQUOT, "Make room in your share"),
        (errno.EFBIG, "or another disk"),
        (errno.EACCES, "Choose another name"),
    ],
)
def test_each_reason_has_its_own_remedy(number, remedy):
    from keyvid_pack.host.files import writing

    with pytest.raises(KeyVIDError) as refusal, writing("a.png"):
        raise OSError(number, os.strerror(number))
    check_message(str(refusal.value), ["cannot be written", os.strerror(number), remedy])
