"""What training at full size costs, computed and not measured. Run: python dev.py bench training_cost

Counts the floating-point operations of one example in each training, forward and backward, on PyTorch's meta device,
which computes nothing, and adds up the bytes that weights, gradients and optimizer need. How long it takes depends on
how near it comes to its peak, which only a measurement tells.
"""

import pathlib
import sys

import torch
from torch.utils.flop_counter import FlopCounterMode

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
import conftest  # noqa: E402, F401  (gives the pack its name)
from keyvid_pack.models.encoders.clip import (  # noqa: E402
    VIT_H_TEXT,
    VIT_H_VISION,
    CLIPTextTower,
    CLIPVisionTower,
)
from keyvid_pack.models.encoders.imagebind import KEYVID_AUDIO, AudioTower  # noqa: E402
from keyvid_pack.models.encoders.localizer import PUBLISHED_LOCALIZER, Localizer  # noqa: E402
from keyvid_pack.models.encoders.resampler import PUBLISHED_RESAMPLER, Resampler  # noqa: E402
from keyvid_pack.models.unet.config import GENERATOR, INTERPOLATOR  # noqa: E402
from keyvid_pack.models.unet.unet import VideoUNet  # noqa: E402
from keyvid_pack.tests.helpers.published import STABLE_DIFFUSION_VAE  # noqa: E402
from keyvid_pack.training.full_size import options, start  # noqa: E402
from keyvid_pack.training.vae.network import build_vae  # noqa: E402

PEAK, SHARE = 989e12, 0.4  # FLOP/s of an H100 in 16 bits, and what of it is supposed to be reached
MOST_SHARE = (0.2, SHARE)


def empty(*shape):
    return torch.empty(shape, device="meta")


def counted(run):
    """TFLOP of what run() computes."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops() / 1e12


def unet_tflop(unet, n_frames, *, backward):
    """TFLOP of a UNet on one example of 320 x 512 pixels, with gradient checkpointing where backward."""
    inputs = {
        "text": empty(1, 77, 1024),
        "image": empty(1, n_frames, 16, 1024).requires_grad_(backward),
        "audio": empty(1, n_frames, 12, 768),
        "fps": torch.empty(1, dtype=torch.long, device="meta"),
        "frame_index": torch.empty(1, n_frames, dtype=torch.long, device="meta"),
    }
    timesteps = torch.empty(1, dtype=torch.long, device="meta")
    unet.gradient_checkpointing = backward

    def run():
        out = unet(empty(1, 8, n_frames, 40, 64), timesteps, **inputs)
        if backward:
            out.sum().backward()

    with torch.set_grad_enabled(backward):
        return counted(run)


def encoder_tflop(n_frames):
    """{part: TFLOP of the forward on one example} of what is only used."""
    with torch.no_grad(), torch.device("meta"):
        vae = build_vae(STABLE_DIFFUSION_VAE)
        ids = torch.empty(1, 77, dtype=torch.long)
        runs = {
            "VAE": lambda: [vae.encode(empty(1, 3, 320, 512)) for _ in range(n_frames)],
            "image encoder": lambda: CLIPVisionTower(VIT_H_VISION)(empty(1, 3, 224, 224)),
            "text encoder": lambda: CLIPTextTower(VIT_H_TEXT)(ids),
            "audio encoder": lambda: AudioTower(KEYVID_AUDIO)(empty(1, 1, 128, 204)),
        }
        return {name: counted(run) for name, run in runs.items()}


def resampler_tflop():
    with torch.device("meta"):
        resampler = Resampler(PUBLISHED_RESAMPLER)
    return counted(lambda: resampler(empty(1, 257, 1280)).sum().backward())


def localizer_tflop():
    with torch.device("meta"):
        localizer = Localizer(PUBLISHED_LOCALIZER)
    return counted(lambda: localizer(empty(1, 1, 128, 204)).sum().backward())


def video_training(name, config, n_frames):
    with torch.device("meta"):
        unet, resampler = VideoUNet(config), Resampler(PUBLISHED_RESAMPLER)
    start.choose_trained(unet, resampler)
    parameters = [*unet.parameters(), *resampler.parameters()]
    n_all = sum(p.numel() for p in parameters)
    n_trained = sum(p.numel() for p in parameters if p.requires_grad)
    parts = {
        "UNet, forward": unet_tflop(unet, n_frames, backward=False),
        "image projection, forward and backward": resampler_tflop(),
        **encoder_tflop(n_frames),
    }
    whole = unet_tflop(unet, n_frames, backward=True)
    parts["UNet, again and backward"] = whole - parts["UNet, forward"]
    total = sum(parts.values())
    print(
        f"\n{name}, {n_frames} frames: {n_all / 1e6:.0f} million weights, {n_trained / 1e6:.0f} trained"
    )
    for part, tflop in parts.items():
        print(f"  {part:40} {tflop:8.2f} TFLOP")
    print(f"  {'one example':40} {total:8.2f} TFLOP")
    say_time(total, options.EXAMPLES, options.STEPS)
    print(
        f"  weights, gradients and AdamW in fp32: {(4 * n_all + 12 * n_trained) / 1e9:.1f} GB in each process"
    )


def say_time(tflop, n_examples, n_steps):
    step = tflop * n_examples
    print(
        f"  {n_examples} examples per step: {step:.0f} TFLOP; {n_steps} steps: {step * n_steps / 1e6:.2f} EFLOP"
    )
    for share in MOST_SHARE:
        hours = step * n_steps * 1e12 / (share * PEAK) / 3600
        print(f"  would be {hours:.0f} GPU hours at {share:.0%} of 989 TFLOP/s")


def main():
    video_training("keyframe generator", GENERATOR, 12)
    video_training("interpolator as published", INTERPOLATOR, 12)
    video_training("interpolator on whole clips", INTERPOLATOR, 48)
    tflop = localizer_tflop()
    with torch.device("meta"):
        n_weights = sum(p.numel() for p in Localizer(PUBLISHED_LOCALIZER).parameters())
    print(f"\nlocalizer: {n_weights / 1e6:.0f} million weights, all trained")
    print(f"  one example {tflop:.2f} TFLOP; {16 * n_weights / 1e9:.1f} GB")


if __name__ == "__main__":
    main()
