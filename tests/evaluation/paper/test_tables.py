"""From a data set and generated clips to a table: pairs, features kept on disk, figures with their intervals."""

import hashlib
import logging
import shutil
import types
import unicodedata

import numpy as np
import pytest
import torch
from keyvid_pack.errors import CheckpointUnsafeError, KeyVIDError, MeasureError
from keyvid_pack.evaluation import command
from keyvid_pack.evaluation.measures.flow import flow_scores
from keyvid_pack.evaluation.paper import features, tables
from keyvid_pack.evaluation.paper.clip_pairs import find_pairs, see_made, see_true
from keyvid_pack.evaluation.paper.figures import chance_figures, event_figures, paper_figures
from keyvid_pack.evaluation.paper.quoted import AVSYNC15, COLUMNS, DATASETS, quoted_rows
from keyvid_pack.tests.helpers.real_videos.files import write_world_video
from keyvid_pack.tests.helpers.real_videos.layouts import write_avsync15_to_evaluate
from keyvid_pack.training.datasets.curves import write_curve
from torch.nn import functional

NAMES = ["playing drum/a.b.mp4", "playing drum/ü.mp4", "striking ball/c.mp4"]


class Space:
    """Stands for ImageBind: vectors of the colours of an image, of a sound, and of words."""

    config = types.SimpleNamespace(image_size=28)

    def embed_images(self, pixels):
        return functional.normalize(functional.adaptive_avg_pool2d(pixels, 2).flatten(1), dim=-1)

    def embed_sounds(self, mel):
        return functional.normalize(functional.adaptive_avg_pool2d(mel, (3, 4)).flatten(1), dim=-1)

    def embed_tokens(self, tokens):
        return functional.normalize(tokens[:, 1:13].float(), dim=-1)


def small_networks():
    return features.Networks(
        inception=lambda images: functional.adaptive_avg_pool2d(images, 2).flatten(1),
        i3d=lambda video: torch.cat([video.mean((3, 4)).std(2), video.std((2, 3, 4))], 1),
        classifier=lambda mel, video: video.diff(dim=2).abs().mean((1, 2, 3, 4)) + mel.mean(),
        imagebind=Space(),
    )


def changed_pixels(frames):
    """In place of the optical flow, which takes seconds per clip: how much the pixels change."""
    return np.abs(np.diff(frames.astype(float), axis=0)).mean(axis=(1, 2, 3))


@pytest.fixture(scope="module", autouse=True)
def quick_motion():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "flow_scores", changed_pixels)
        yield


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """(data set, clips generated: those of other seeds, copies of the true ones)."""
    root = tmp_path_factory.mktemp("avsync15")
    reference, made, copies = root / "reference", root / "made", root / "copies"
    write_avsync15_to_evaluate(reference, NAMES)
    for number, name in enumerate(NAMES):
        for i in range(3):
            target = f"{name.removesuffix('.mp4')}_clip-{i:02d}.mp4"
            (copies / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(reference / "videos" / name, copies / target)
            write_world_video(made / target, 100 + 10 * number + i)
    return reference, made, copies


def measured(reference, generated, cache, *, on_clip=None, made_of=("networks",)):
    return tables.measure_pairs(
        find_pairs(reference, generated),
        small_networks(),
        every=4,
        cache=cache,
        made_of=made_of,
        on_clip=on_clip,
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def of_made(folders, cache):
    reference, made, _ = folders
    return measured(reference, made, cache)


def assert_same(one, other):
    for ours, theirs in zip([*one[0], *one[1]], [*other[0], *other[1]], strict=True):
        assert ours.keys() == theirs.keys()
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_every_feature_of_twelve_frames(of_made):
    for clip in [*of_made[0], *of_made[1]]:
        assert {"fid", "fvd", "sync", "image_sound", "image_text"} < clip.keys()
        assert clip["fid"].shape == (12, 12) and clip["image_sound"].shape == (12,)


def test_copies_of_the_true_videos(folders, tmp_path):
    reference, _, copies = folders
    true, made = measured(reference, copies, tmp_path)
    found = paper_figures(true, made)
    assert found["RelSync"].value == pytest.approx(50, abs=1e-9)
    assert found["FID"].value == pytest.approx(0, abs=1e-6) and found["FID"].n_clips == 3
    assert found["FVD"].value == pytest.approx(0, abs=1e-6)
    assert event_figures(made) == event_figures(true)


def test_other_videos_are_further_away(of_made):
    found = paper_figures(*of_made)
    assert set(found) == {*COLUMNS, "CLIP-sim IA", "CLIP-sim IT"}
    assert found["FID"].value > 0.01 and found["FVD"].value > 1e-4
    assert all(one.low <= one.value <= one.high for one in found.values())
    assert found["RelSync"].low < found["RelSync"].high
    assert found["AlignSync"].value < found["RelSync"].value


def test_events_of_the_world_are_heard_and_seen(of_made):
    """The true clips beat the same clips with the sound of another video."""
    true = event_figures(of_made[0])["event f1"].value
    assert true > chance_figures(of_made[0])["event f1"].value


def test_events_are_those_of_the_flow(folders):
    """A brightness that pulses moves nothing: the change of pixels sees it, the flow of the measure does not."""
    reference, made, _ = folders
    seen = see_made(find_pairs(reference, made).pairs[0])
    still = seen.frames[:1].expand(48, -1, -1, -1).float()
    pulse = 1 - 0.3 * (torch.arange(48) % 12 == 6).float()[:, None, None, None]
    pulsing = seen._replace(frames=(still * pulse).round().to(torch.uint8))
    nothing = features.Networks()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "flow_scores", flow_scores)
        moved = features.clip_features(pulsing, "", nothing, every=4)["moved"]
    assert len(features.clip_features(pulsing, "", nothing, every=4)["moved"]) >= 3
    assert len(moved) == 0


def test_a_run_that_was_stopped_goes_on(folders, tmp_path, of_made, monkeypatch):
    reference, made, _ = folders

    def stop(done, _n):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measured(reference, made, tmp_path, on_clip=stop)
    fresh, once = [], tables.clip_features
    monkeypatch.setattr(tables, "clip_features", lambda *a, **k: fresh.append(1) or once(*a, **k))
    assert_same(measured(reference, made, tmp_path), of_made)
    assert (
        len(fresh) == 18 - 6 - 4
    )  # three clips of two true videos and four generated ones were there
    measured(reference, made, tmp_path)
    assert len(fresh) == 8


def test_other_networks_measure_anew(folders, cache, of_made):
    pair = find_pairs(*folders[:2]).pairs[0]
    path = cache / "generated" / f"{pair.name}_4.npz"
    stamp = tables._stamp(pair.made)
    assert features.kept_features(path, ["networks", stamp]) is not None
    assert features.kept_features(path, ["other networks", stamp]) is None


def test_a_damaged_file_in_the_cache_is_made_anew(folders, tmp_path, cache, of_made):
    reference, made, _ = folders
    shutil.copytree(cache, tmp_path / "cache")
    kept = sorted((tmp_path / "cache" / "generated").rglob("*.npz"))
    for path, size in zip(kept[:3], (0, 100, -50), strict=True):
        path.write_bytes(path.read_bytes()[:size])
    assert_same(measured(reference, made, tmp_path / "cache"), of_made)


def test_a_video_with_two_clips_is_named_and_left_out(folders, tmp_path):
    reference, made, _ = folders
    shutil.copytree(made, tmp_path / "made")
    (tmp_path / "made" / "playing drum" / "a.b_clip-01.mp4").unlink()
    found = find_pairs(reference, tmp_path / "made")
    assert found.incomplete == (("playing drum/a.b", 2),) and len(found.pairs) == 6
    with pytest.raises(MeasureError, match="None of the 3 test videos"):
        find_pairs(reference, tmp_path)


@pytest.mark.parametrize("more", ["_clip-03", "_clip-3"])
def test_a_video_with_four_clips_is_named_and_left_out(folders, tmp_path, more):
    reference, made, _ = folders
    shutil.copytree(made, tmp_path / "made")
    drum = tmp_path / "made" / "playing drum"
    shutil.copy(drum / "a.b_clip-00.mp4", drum / f"a.b{more}.mp4")
    found = find_pairs(reference, tmp_path / "made")
    assert found.incomplete == (("playing drum/a.b", 4),) and len(found.pairs) == 6
    (drum / "a.b_clip-00.mp4").unlink()  # three, but the first is missing
    assert find_pairs(reference, tmp_path / "made").incomplete == (("playing drum/a.b", 3),)


def test_names_written_in_another_way_are_found(folders, tmp_path):
    """A Mac's file system takes letters apart: u and two dots in place of one letter."""
    reference, made, _ = folders
    for path in made.rglob("*.mp4"):
        name = unicodedata.normalize("NFD", path.relative_to(made).as_posix())
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / name)
    names = [pair.name for pair in find_pairs(reference, tmp_path).pairs]
    assert names == [pair.name for pair in find_pairs(reference, made).pairs]


def test_frames_at_6_fps_are_every_fourth(folders):
    reference, made, _ = folders
    pair = find_pairs(reference, made).pairs[0]
    seen = see_made(pair)
    assert seen.frames.shape == (48, 3, 256, 256) and seen.sampled(4).shape[0] == 12
    assert torch.equal(seen.sampled(4)[3], seen.frames[12].float() / 255)
    assert len(see_true(pair.video)) == 3 and seen.mel.shape == (1, 128, 204)


def test_ap_of_the_curves_of_a_localizer(folders, tmp_path):
    """The measured curve itself finds every peak, of whatever range; one without peaks none, nor do the valleys.

    The published localizer has no sigmoid, so its curves have negative values.
    """
    reference, made, _ = folders
    pairs = find_pairs(reference, made).pairs
    curve = np.exp(-0.5 * ((np.arange(48)[:, None] - [8, 22, 36]) / 2) ** 2).sum(axis=1)
    predicted = {
        "same": curve,
        "negative": 3 * curve - 2,
        "valleys": -curve,
        "flat": np.arange(48) / 47,
    }
    for pair in pairs:
        # the loader drops the first number and stretches 46 to 48
        write_curve(pair.video.curve_path, np.interp(np.arange(47) / 46, np.arange(48) / 47, curve))
        for name, values in predicted.items():
            # letters taken apart, as on a Mac
            path = tmp_path / name / unicodedata.normalize("NFD", f"{pair.name}.npy")
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, values)
    found = {name: tables.ap_figures(pairs, tmp_path / name)["AP@3"].value for name in predicted}
    assert found == {"same": 100, "negative": 100, "valleys": 0, "flat": 0}
    with pytest.raises(KeyVIDError, match="cannot be read"):
        tables.ap_figures(pairs, tmp_path / "none")


@pytest.mark.parametrize(
    "curve", [np.zeros((1, 48)), np.zeros(47), np.full(48, np.nan), np.array(["x"] * 48)]
)
def test_what_is_no_predicted_curve_is_refused(tmp_path, curve):
    np.save(tmp_path / "a.npy", curve)
    with pytest.raises(KeyVIDError, match="no predicted curve, which is 48 finite numbers"):
        tables.read_predicted(tmp_path / "a.npy")


def test_the_checksum_of_i3d_is_said_and_nothing_runs_without_it(folders, tmp_path, caplog):
    reference, made, _ = folders
    (tmp_path / "i3d_torchscript.pt").write_bytes(b"a program")
    words = [f"--reference={reference}", f"--generated={made}", f"--weights={tmp_path}"]
    words += [f"--cache={tmp_path / 'cache'}"]
    assert command.main("table1", *words) == 0
    checksum = hashlib.sha256(b"a program").hexdigest()
    assert f"that of this file is {checksum}" in caplog.text
    assert "i3d_torchscript.pt and --run-i3d (FVD)" in caplog.text
    options = types.SimpleNamespace(run_i3d=hashlib.sha256(b"another").hexdigest(), device="cpu")
    with pytest.raises(CheckpointUnsafeError, match="another file than the one you trust"):
        tables._load_i3d(tables.find_weights(tmp_path), options)


def test_too_few_clips_for_a_covariance_are_said():
    clip = {"fid": np.zeros((12, 100)), "fvd": np.zeros(9)}
    fid, fvd = tables.few_rows([clip] * 9)
    assert fid.startswith("FID is of 99 rows of 100 numbers")
    assert fvd.startswith("FVD is of 9 rows of 9 numbers")
    assert tables.few_rows([clip] * 10) == tables.few_rows([{}]) == []


@pytest.mark.parametrize("table", command.TABLES)
def test_the_command_prints_quoted_rows_and_ours(folders, cache, caplog, table):
    reference, made, _ = folders
    words = [f"--reference={reference}", f"--generated={made}", f"--cache={cache}-2"]
    with caplog.at_level(logging.INFO):
        assert command.main(table, *words) == 0
    lines = caplog.text
    assert "ours,,,,,measured here" in lines and "Left out for want of" in lines
    assert "events, generated: event f1" in lines
    assert ("KeyVID,11,262.3,24.08,48.33" in lines) == (table == "table1")
    assert ("uniform frames" in lines) == (table == "table2")


def test_the_cache_may_be_in_the_persons_own_folder(folders, tmp_path, monkeypatch):
    """A shell leaves the ~ of --cache=~/x as it is."""
    found = []

    def note(*_args, cache, **_kwargs):
        found.append(cache)
        raise MeasureError("stop here")

    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(tables, "measure_pairs", note)
    words = [f"--reference={folders[0]}", f"--generated={folders[1]}"]
    assert command.main("table1", *words, "--cache=~/x") == command.main("table1", *words) == 1
    assert found == [tmp_path / "x", folders[1] / "keyvid_features"]


def test_the_command_says_what_is_wrong(tmp_path, caplog):
    assert command.main("table1", f"--reference={tmp_path}", f"--generated={tmp_path}/none") == 1
    assert "no folder" in caplog.text


def test_quoted_rows_have_every_column():
    for dataset in DATASETS:
        rows = quoted_rows("table1", dataset)
        assert len(rows) == 9 and all(len(row) == len(COLUMNS) for row in rows.values())
    assert quoted_rows("table3", AVSYNC15) == {}
