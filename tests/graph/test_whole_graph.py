"""Image and sound in, video out, through the real ComfyUI and small random networks."""

import av
import pytest
import torch
from keyvid_pack.host.sampling import condition_keys as keys
from keyvid_pack.keyframes.timebase import n_samples_at
from keyvid_pack.models.diffusion.schedule import N_TIMESTEPS, alphas_cumprod, zero_snr_betas
from keyvid_pack.models.published import QUERIES_PER_FRAME

from ..helpers.graphs.prompts import followed, node, saved_tensors
from ..helpers.graphs.recorded import network_scale
from ..helpers.graphs.whole_files import COUNT
from ..helpers.graphs.whole_graph import FPS, N_FRAMES, SIZE, STAGES, STEPS, watch, whole_graph
from ..helpers.recordings import decode

HEIGHT, WIDTH = SIZE["height"], SIZE["width"]
LATENT = (HEIGHT // 8, WIDTH // 8)
SOCKETS = {  # of a stage: {name: (rest of the node's name, slot)}
    "positive": ("_conditioning", 0),
    "negative": ("_conditioning", 1),
    "empty": ("_conditioning", 2),
    "latent": ("", 0),
    "latents": ("_latents", 0),
    "images": ("_images", 0),
}


class Run:
    """One run of the whole graph. outputs: {node: ui}; tensors(name): of a socket, or of the steps of a stage."""

    def __init__(self, comfy):
        self.comfy, self.prompt = comfy, whole_graph(comfy)
        for stage in STAGES:
            watch(self.prompt, stage, file=f"{stage}_steps.safetensors")
            for what, (end, slot) in SOCKETS.items():
                self._save(f"{stage}_{what}", stage + end, slot)
        self._save("audio", "clip", 0)
        self._save("sheet", "sheet", 0)
        self.outputs, self.events = followed(comfy, self.prompt)

    def _save(self, name, source, slot):
        save = node("KeyVIDTest_SaveTensors", value=[source, slot], file=f"{name}.safetensors")
        self.prompt[f"save_{name}"] = save

    def tensors(self, name):
        return saved_tensors(self.comfy, f"{name}.safetensors")

    @property
    def frames(self):
        return [int(frame) for frame in self.outputs["frames_shown"]["text"][0].split(",")]

    @property
    def video(self):
        (saved,) = self.outputs["saved"]["images"]
        return self.comfy.base / "output" / saved["subfolder"] / saved["filename"]


@pytest.fixture(scope="module")
def whole(comfy):
    return Run(comfy)


def test_the_video_has_48_frames_at_24_fps_and_the_sound(whole):
    assert whole.video.suffix == ".mp4"
    with av.open(str(whole.video)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert video.average_rate == FPS
        assert (video.width, video.height) == (WIDTH, HEIGHT)
        rate = audio.sample_rate
        expected = n_samples_at(N_FRAMES, fps=FPS, sample_rate=rate)
        assert audio.duration * audio.time_base * rate == expected
        images = [frame.to_ndarray(format="rgb24") for frame in container.decode(video)]
        container.seek(0)
        loudest = max(abs(frame.to_ndarray()).max() for frame in container.decode(audio))
    assert len(images) == N_FRAMES
    decoded = whole.tensors("video_images")["value"].mul(255).flatten(1)
    shown = torch.stack([torch.from_numpy(image) for image in images]).float().flatten(1)
    nearest = torch.cdist(shown, decoded).argmin(dim=1)
    assert nearest.tolist() == list(range(N_FRAMES)), "not the images that were decoded"
    assert loudest > 0.1


def test_every_stage_has_its_shapes(whole):
    assert len(whole.frames) == COUNT
    for stage, n_frames in zip(STAGES, (COUNT, N_FRAMES), strict=True):
        assert whole.tensors(f"{stage}_empty")["samples"].shape == (1, 4, n_frames, *LATENT)
        latent = whole.tensors(f"{stage}_latent")["samples"]
        assert latent.shape == (1, 4, n_frames, *LATENT)
        by_frame = whole.tensors(f"{stage}_latents")["samples"]
        assert torch.equal(by_frame, latent[0].movedim(1, 0))
        images = whole.tensors(f"{stage}_images")["value"]
        assert images.shape == (n_frames, HEIGHT, WIDTH, 3)
        assert latent.isfinite().all() and images.isfinite().all()
        assert images.std() > 0.01, "the images are blank"
        for conditioning in (
            whole.tensors(f"{stage}_positive"),
            whole.tensors(f"{stage}_negative"),
        ):
            assert conditioning["text"].shape[:2] == (1, 77)
            assert conditioning[keys.CONCAT].shape == (1, 4, n_frames, *LATENT)
            assert conditioning[keys.AUDIO].shape[:3] == (1, n_frames, 12)
            assert conditioning[keys.FRAME_INDEX].shape == (1, n_frames)
    frames = whole.tensors("keyframes_positive")[keys.FRAME_INDEX]
    assert frames.tolist() == [whole.frames]
    _, rate = decode(whole.comfy.base / "input" / whole.prompt["sound"]["inputs"]["audio"])
    n_samples = n_samples_at(N_FRAMES, fps=FPS, sample_rate=rate)
    assert whole.tensors("audio")["waveform"].shape == (1, 1, n_samples)
    assert whole.tensors("sheet")["value"].shape[0::2] == (1, 640)


def test_each_pass_gets_its_own_pieces(whole):
    for stage, n_frames in zip(STAGES, (COUNT, N_FRAMES), strict=True):
        seen = whole.tensors(f"{stage}_steps")
        # equal text and audio scales save a pass of the first stage
        passes = {"keyframes": [0, 1, 2], "video": [0, 1, 2, 3]}[stage]
        for row in seen["passes"].tolist():
            assert sorted(number for number in row if number >= 0) == passes
        image = {number: seen[f"given.{number}.image"] for number in passes}
        assert image[0].shape[:3] == (1, n_frames, QUERIES_PER_FRAME)
        assert torch.equal(image[0], image[2]) and not torch.allclose(image[0], image[1])
        audio = {number: seen[f"given.{number}.audio"] for number in passes}
        assert torch.equal(audio[1], audio[2]) and not torch.allclose(audio[0], audio[1])
        assert torch.equal(audio[1], audio.get(3, audio[1]))


def test_the_concat_condition_stands_exactly_on_the_planned_frames(whole):
    concat = whole.tensors("video_steps")["given.0.c_concat"]  # at the network's door
    by_frame = concat.abs().amax(dim=(0, 1, 3, 4))
    assert by_frame.nonzero().flatten().tolist() == whole.frames
    given = whole.tensors("video_positive")[keys.KEYFRAME_LATENTS]
    torch.testing.assert_close(concat[:, :, whole.frames], given * 0.18215)
    assert not torch.allclose(given[:, :, 0], given[:, :, 1])
    first = whole.tensors("keyframes_steps")["given.0.c_concat"]
    assert first.abs().amax(dim=(0, 1, 3, 4)).min() > 0
    assert torch.equal(first, first[:, :, :1].expand_as(first))


def test_after_the_first_step_the_keyframes_stand_in_the_latent(whole):
    """sqrt(ab) z + sqrt(1 - ab) n, with n the noise that the seed gives for that step."""
    seen = whole.tensors("video_steps")
    x = network_scale(seen["x"][1], seen["sigmas"][1])
    level = N_TIMESTEPS - N_TIMESTEPS // STEPS - 1  # of the second step
    alpha = float(alphas_cumprod(zero_snr_betas())[level])
    latents = whole.tensors("video_positive")[keys.KEYFRAME_LATENTS] * 0.18215
    seed = whole.prompt["video_seed"]["inputs"]["noise_seed"]
    first_level = N_TIMESTEPS - 1  # every level draws from a seed of its own
    generator = torch.Generator().manual_seed((seed + 1) * N_TIMESTEPS + first_level)
    noise = torch.randn(x.shape, generator=generator)[:, :, whole.frames]
    expected = alpha**0.5 * latents + (1 - alpha) ** 0.5 * noise
    torch.testing.assert_close(x[:, :, whole.frames], expected, rtol=0, atol=1e-5)
    others = [frame for frame in range(N_FRAMES) if frame not in whole.frames]
    later = network_scale(seen["x"][2], seen["sigmas"][2])[:, :, whole.frames]
    assert others and (later - expected).abs().max() > 1e-3, "they are held for one step only"


def test_the_first_latent_of_the_interpolation_is_blended_noise(whole):
    seen = whole.tensors("video_steps")
    x = network_scale(seen["x"][0], seen["sigmas"][0])
    generator = torch.Generator().manual_seed(whole.prompt["video_seed"]["inputs"]["noise_seed"])
    raw = torch.randn(x.shape, generator=generator)
    torch.testing.assert_close(x[:, :, whole.frames], raw[:, :, whole.frames], rtol=0, atol=1e-5)
    assert (x - raw).abs().max() > 0.1


def test_the_sheet_shows_every_keyframe(whole):
    (sheet,) = whole.outputs["sheet"]["keyvid_sheet"]
    assert sheet["frames"] == whole.frames
    assert len(sheet["pictures"]) == COUNT
    assert whole.outputs["sheet"]["images"]


def test_progress_has_a_step_for_every_step(whole):
    for stage in STAGES:
        found = [d for kind, d in whole.events if kind == "progress" and d["node"] == stage]
        assert [data["max"] for data in found] == [STEPS] * len(found)
        values = [data["value"] for data in found]
        assert values == sorted(set(values)) and values[-1] == STEPS
