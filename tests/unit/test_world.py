"""The procedural world: what is heard is what is seen, and the ground truth says so."""

import itertools

import av
import numpy as np
import pytest
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.keyframes.peaks import PEAK_DISTANCE
from keyvid_pack.keyframes.timebase import FPS, N_FRAMES, frame_at
from keyvid_pack.training.world import shapes, show, sound, stage, timing
from keyvid_pack.training.world.clip import CAPTIONS, SCENE_MODULES, SCENES, render_clip
from PIL import Image
from scipy import ndimage

STRUCK = tuple(name for name in SCENES if name != "sea")
SMALL = {"height": 36, "width": 48}
TRUTH = ("events", "motion", "track", "contact")


def descriptions(name, n):
    """n random descriptions of a scene, not rendered."""
    return [SCENE_MODULES[name].make(np.random.default_rng(seed)) for seed in range(n)]


def same(one, other, names):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def level_in(audio, start_s, stop_s):
    start, stop = (round(time_s * sound.SAMPLE_RATE) for time_s in (start_s, stop_s))
    return np.sqrt(np.mean(np.square(audio[max(0, start) : stop], dtype=np.float64)))


@pytest.mark.parametrize("name", SCENES)
def test_a_clip_is_complete_and_the_same_at_every_call(name):
    clip = render_clip(11, scene=name)
    assert clip.frames.shape == (48, 96, 128, 3) and clip.frames.dtype == np.uint8
    assert clip.audio.shape == (32_000,) and clip.audio.dtype == np.float32
    assert 0.05 < np.abs(clip.audio).max() <= 1
    assert clip.motion.shape == (48,) and clip.motion.dtype == np.float32
    assert clip.track.shape == (48, 2) and clip.track.dtype == np.float32
    assert (clip.scene, clip.sample_rate, clip.seed) == (name, 16_000, 11)
    again = render_clip(11, scene=name)
    everything = ("frames", "audio", "background_mask", "caption", *TRUTH)
    assert same(clip, again, everything)
    assert not same(clip, render_clip(12, scene=name), ("frames",))


def test_seeds_draw_every_scene():
    clips = [render_clip(seed, **SMALL) for seed in range(32)]
    assert {clip.scene for clip in clips} == set(SCENES)
    assert all(clip.caption in CAPTIONS[clip.scene] for clip in clips)
    assert len({clip.caption for clip in clips}) > 2 * len(SCENES)
    # most backgrounds stand still, and a few do not
    steady = np.mean([clip.background_mask.mean() > 0.3 for clip in clips])
    assert 0.7 < steady < 1


def test_captions_tell_scenes_apart():
    wordings = [caption for captions in CAPTIONS.values() for caption in captions]
    assert len(set(wordings)) == len(wordings)
    assert min(len(captions) for captions in CAPTIONS.values()) >= 3


@pytest.mark.parametrize("name", STRUCK)
def test_events_are_apart_irregular_and_on_their_frames(name):
    event_lists = [timing.in_clip(description.events) for description in descriptions(name, 30)]
    assert len({len(events) for events in event_lists}) >= 3
    for events in event_lists:
        frames = [event.frame for event in events]
        assert 1 <= len(frames) <= 7
        assert min(np.diff(frames), default=PEAK_DISTANCE) >= PEAK_DISTANCE
        assert timing.FIRST_FRAME <= frames[0] and frames[-1] <= timing.LAST_FRAME
        for event in events:
            assert event.frame == frame_at(event.time_s, fps=FPS)
            assert 0 < event.strength <= 1
    gaps = np.concatenate([np.diff([event.frame for event in events]) for events in event_lists])
    assert len(set(gaps)) > 6
    silent_halves = [events[0].frame >= N_FRAMES // 2 for events in event_lists]
    assert 0 < np.mean(silent_halves) < 0.6


@pytest.mark.parametrize("name", STRUCK)
def test_every_event_is_heard_at_its_time(name):
    for seed in (1, 2):
        clip = render_clip(seed, scene=name, with_distractors=False, **SMALL)
        for event in clip.events:
            before = level_in(clip.audio, event.time_s - 0.01, event.time_s)
            after = level_in(clip.audio, event.time_s, event.time_s + 0.015)
            assert after > 2 * before + 0.002, event


@pytest.mark.parametrize("name", STRUCK)
def test_the_strike_is_seen_on_its_frame(name):
    for seed in (1, 2):
        clip = render_clip(seed, scene=name, with_distractors=False)
        images = clip.frames.astype(np.int16)
        change = np.abs(np.diff(images, axis=0, prepend=images[:1])).mean(axis=(1, 2, 3))
        for event in clip.events:
            near = range(max(0, event.frame - 3), min(N_FRAMES, event.frame + 4))
            assert abs(max(near, key=clip.motion.__getitem__) - event.frame) <= 1, (seed, event)
            if name == "string":  # thin: each later swing changes as many pixels
                assert change[event.frame] > 3 * change[event.frame - 1], (seed, event)
            else:
                assert abs(max(near, key=change.__getitem__) - event.frame) <= 1, (seed, event)
            assert clip.contact[event.frame] and not clip.contact[event.frame - 1]


@pytest.mark.parametrize("name", ["ball", "anvil", "drum", "drip"])
def test_what_falls_is_lowest_on_contact(name):
    for seed in (1, 2):
        clip = render_clip(seed, scene=name, with_distractors=False, **SMALL)
        struck = {event.frame for event in clip.events}
        assert set(np.flatnonzero(clip.contact)) <= struck | {0}
        for frame in struck:
            near = clip.track[max(0, frame - 2) : frame + 2, 1]
            assert near.max() == clip.track[frame, 1]


def test_strength_sets_loudness():
    timbre = sound.Timbre(np.array([200.0]), np.ones(1), np.array([0.05]), 0.2, 0.01, (500, 4000))
    soft, hard = (
        sound.strikes(np.random.default_rng(0), [timing.WorldEvent(1.0, 24, strength)], timbre)
        for strength in (0.3, 1.0)
    )
    louder_db = 20 * np.log10(np.abs(hard).max() / np.abs(soft).max())
    assert louder_db == pytest.approx(0.7 * sound.LEVEL_RANGE_DB, abs=3)


@pytest.mark.parametrize("name", ["anvil", "drum", "cannon", "string"])
def test_strength_sets_motion(name):
    stronger_moves_more = []
    for seed in range(8):
        clip = render_clip(seed, scene=name, with_distractors=False, **SMALL)
        for one, other in itertools.combinations(clip.events, 2):
            if abs(one.strength - other.strength) > 0.2:
                soft, hard = sorted((one, other), key=lambda event: event.strength)
                stronger_moves_more.append(clip.motion[hard.frame] > clip.motion[soft.frame])
    assert len(stronger_moves_more) > 5 and np.mean(stronger_moves_more) > 0.95


def test_the_sea_moves_as_loudly_as_it_sounds():
    for seed in range(3):
        clip = render_clip(seed, scene="sea", with_distractors=False, **SMALL)
        loud = [level_in(clip.audio, (f - 1) / FPS, (f + 1) / FPS) for f in range(N_FRAMES)]
        assert clip.events == ()
        assert np.corrcoef(np.log(loud), clip.motion)[0, 1] > 0.8


@pytest.mark.parametrize("name", SCENES)
def test_distractors_change_what_is_heard_but_not_what_is_true(name):
    for seed in range(2):
        plain = render_clip(seed, scene=name, with_distractors=False, **SMALL)
        disturbed = render_clip(seed, scene=name, **SMALL)
        assert same(plain, disturbed, TRUTH)
        assert not same(plain, disturbed, ("audio",))


def test_the_truth_is_the_same_at_any_size():
    small, large = (render_clip(5, height=48 * n, width=64 * n) for n in (1, 2))
    assert small.events == large.events
    np.testing.assert_allclose(large.track, 2 * small.track + 0.5, atol=1e-3)
    np.testing.assert_allclose(large.motion, 2 * small.motion, rtol=0.15, atol=0.02)


def test_motion_counts_how_far_each_pixel_moved():
    camera = stage.Stage(96, 128, 1.0, 64.0, 48.0, mirrored=False)
    image, flow = np.zeros((96, 128, 3), np.float32), np.zeros((96, 128, 2), np.float32)
    now, was = shapes.Pose(60.0, 50.0), shapes.Pose(57.0, 51.0)
    disc = stage.Part(shapes.disc(20.0), np.ones(3), now, was)
    stage.paint(camera, image, [disc], flow)
    assert flow[50, 60] == pytest.approx([3.0, -1.0])
    assert np.abs(flow).sum() == pytest.approx(4 * np.pi * 20**2, rel=0.01)
    # what stands still in front of it hides its motion
    wall = stage.Part(shapes.box(0, 0, 128, 96), np.ones(3))
    stage.paint(camera, image, [wall], flow)
    assert np.abs(flow).max() == 0


@pytest.mark.parametrize("name", ["ball", "anvil", "metronome", "sea"])
def test_flow_leads_back_to_the_image_before(name):
    """But for what was hidden before: of the sea, only the wave in front."""
    front = slice(-1, None) if name == "sea" else slice(None)
    camera = stage.Stage(192, 256, 2.0, 64.0, 48.0, mirrored=True)
    description = descriptions(name, 1)[0]
    empty = stage.gradient(camera, description.palette.top, description.palette.bottom)
    stage.paint(camera, empty, description.backdrop)
    rows, columns = np.mgrid[0:192, 0:256]
    still, followed = 0.0, 0.0
    before = None
    for frame in range(N_FRAMES):
        image, flow = empty.copy(), np.zeros((192, 256, 2), np.float32)
        stage.paint(camera, image, description.parts(frame)[front], flow)
        moves = np.abs(flow).sum(axis=2) > 0.5
        if before is not None and moves.any():
            source = [rows - flow[:, :, 1], columns - flow[:, :, 0]]
            warped = ndimage.map_coordinates(before[:, :, 1], source, order=1, mode="nearest")
            still += np.abs(image - before)[:, :, 1][moves].sum()
            followed += np.abs(image[:, :, 1] - warped)[moves].sum()
        before = image
    assert followed < 0.35 * still


def test_the_mask_marks_pixels_that_never_change():
    for seed in range(4):
        clip = render_clip(seed, **SMALL)
        assert (clip.frames[:, clip.background_mask] == clip.frames[0, clip.background_mask]).all()
        assert (clip.frames != clip.frames[0]).any(axis=(0, 3))[~clip.background_mask].all()


@pytest.mark.parametrize(
    "seed, options, says",
    [
        (-1, {}, "seed is -1"),
        (1.5, {}, "seed is 1.5"),
        (1, {"scene": "frog"}, 'no scene "frog"'),
        (1, {"height": 16}, "128 x 16"),
    ],
)
def test_what_cannot_be_rendered_is_said(seed, options, says):
    with pytest.raises(KeyVIDError, match=says):
        render_clip(seed, **options)


def test_a_clip_is_written_to_be_looked_at(tmp_path, capsys):
    assert show.main("7", str(tmp_path / "new"), "drum") == 0
    clip = render_clip(7, scene="drum")
    with av.open(str(tmp_path / "new" / "drum_7.mp4")) as container:
        images = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert container.streams.audio[0].rate == clip.sample_rate
    assert len(images) == N_FRAMES
    shown = images[20][2::4, 2::4].astype(int)
    assert np.abs(shown - clip.frames[20]).mean() < 6
    with Image.open(tmp_path / "new" / "drum_7.png") as sheet:
        assert sheet.width > 8 * 128
    with Image.open(tmp_path / "new" / "drum_7_first.png") as first:  # to make a video of
        assert np.array_equal(np.asarray(first), clip.frames[0])
    with av.open(str(tmp_path / "new" / "drum_7.wav")) as sound:
        assert sound.streams.audio[0].rate == clip.sample_rate
        n_samples = sum(frame.samples for frame in sound.decode(audio=0))
    assert n_samples == len(clip.audio)
    assert f"{clip.events[0].time_s:.3f} s" in capsys.readouterr().out
    assert show.main("7", str(tmp_path), "frog") == 1
