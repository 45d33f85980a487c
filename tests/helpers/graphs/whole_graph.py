"""The whole pipeline as a graph: from an image and a sound to a video, both stages through small whole files."""

from keyvid_pack.models.checkpoint.layouts import INTERPOLATOR

from .prompts import node, up_to
from .timing_graph import clip_to_plan
from .whole_files import COUNT, put_whole_file

SIZE = {"width": 128, "height": 64}  # pixels
N_FRAMES, FPS = 48, 24
STEPS = 4
STAGES = ("keyframes", "video")


def whole_graph(comfy, *, steps=STEPS):
    """Every node of both stages. Latents come from `keyframes` and `video`, the file from `saved`."""
    generator = put_whole_file(comfy, "small_generator.safetensors")
    interpolator = put_whole_file(
        comfy, "small_interpolator.safetensors", kind=INTERPOLATOR, seed=1
    )
    return {
        "parts": node("KeyVID_LoadCheckpoint", ckpt_name=generator, weight_dtype="default"),
        "interpolator": node("KeyVID_LoadModel", model_name=interpolator, weight_dtype="default"),
        "image": node("LoadImage", image="keyvid_snare_drum.png"),
        "sound": node("LoadAudio", audio="keyvid_snare_accelerate.wav"),
        "text": node("CLIPTextEncode", clip=["parts", 1], text="a hand strikes a snare drum"),
        "no_text": node("CLIPTextEncode", clip=["parts", 1], text=""),
        **_timing(),
        "keyframes_conditioning": node(
            "KeyVID_KeyframeConditioning",
            model=["parts", 0],
            image=["image", 0],
            **_conditioning_inputs(),
        ),
        **_sampling("keyframes", ["parts", 0], steps=steps, audio_scale=7.5, seed=1),
        "sheet": node(
            "KeyVID_KeyframeSheet", images=["keyframes_images", 0], plan=["plan", 0], width=640
        ),
        "video_conditioning": node(
            "KeyVID_InterpolationConditioning",
            model=["interpolator", 0],
            keyframes=["keyframes_images", 0],
            **_conditioning_inputs(),
        ),
        **_sampling("video", ["interpolator", 0], steps=steps, audio_scale=9.0, seed=2),
        "video_start": node("KeyVID_InterpolatedNoise", noise=["video_seed", 0]),
        "clip_video": node(
            "CreateVideo", images=["video_images", 0], fps=["clip", 1], audio=["clip", 0]
        ),
        "saved": node(
            "SaveVideo",
            video=["clip_video", 0],
            filename_prefix="whole/video",
            format="mp4",
            codec="h264",
        ),
    } | {"video": _sampled("video", noise="video_start")}


def keyframe_graph(comfy, *, steps=STEPS, file="keyframes.safetensors"):
    """The first stage alone, followed step by step into a file and with its latent saved to another."""
    prompt = up_to(whole_graph(comfy, steps=steps), "keyframes")
    watch(prompt, "keyframes", file=f"steps_{file}")
    return prompt | {
        "latent": node("KeyVIDTest_SaveTensors", value=["keyframes", 0], file=f"latent_{file}")
    }


def watch(prompt, stage, *, file, **options):
    """Let a stage of a graph be followed step by step into a file (stub_pack/watch.py)."""
    prompt[f"{stage}_watched"] = node(
        "KeyVIDTest_WatchSampler", sampler=[f"{stage}_sampler", 0], file=file, **options
    )
    prompt[stage]["inputs"]["sampler"] = [f"{stage}_watched", 0]


def _timing():
    return {
        **clip_to_plan(n_frames=N_FRAMES, count=COUNT),
        "frames": node("KeyVID_PlanToFrames", plan=["plan", 0], width=64, height=64),
        "frames_shown": node("PreviewAny", source=["frames", 2]),
    }


def _conditioning_inputs():
    return {
        "positive": ["text", 0],
        "negative": ["no_text", 0],
        "clip_vision": ["parts", 2],
        "vae": ["parts", 3],
        "plan": ["plan", 0],
        "audio_encoder": ["parts", 4],
        "audio": ["clip", 0],
        **SIZE,
        "fit": "crop",
        "fps_condition": 0,
    }


def _sampling(stage, model, *, steps, audio_scale, seed):
    """The nodes from the conditioning of a stage to its images."""
    return {
        f"{stage}_guider": node(
            "KeyVID_MultimodalCFG",
            model=model,
            positive=[f"{stage}_conditioning", 0],
            negative=[f"{stage}_conditioning", 1],
            image_scale=2.0,
            text_scale=7.5,
            audio_scale=audio_scale,
            rescale=0.7,
        ),
        # without noise_strength: so are the prompts that were exported before there was one
        f"{stage}_sampler": node("KeyVID_Sampler", eta=1.0, base_scale=0.7, inpainted_steps=1),
        f"{stage}_sigmas": node(
            "KeyVID_Schedule", model=model, steps=steps, spacing="uniform_trailing", ends_at_t0=True
        ),
        f"{stage}_seed": node("RandomNoise", noise_seed=seed),
        stage: _sampled(stage, noise=f"{stage}_seed"),
        f"{stage}_latents": node("KeyVID_FramesFromLatent", latent=[stage, 0]),
        f"{stage}_images": node("VAEDecode", samples=[f"{stage}_latents", 0], vae=["parts", 3]),
    }


def _sampled(stage, *, noise):
    return node(
        "SamplerCustomAdvanced",
        noise=[noise, 0],
        guider=[f"{stage}_guider", 0],
        sampler=[f"{stage}_sampler", 0],
        sigmas=[f"{stage}_sigmas", 0],
        latent_image=[f"{stage}_conditioning", 2],
    )
