"""Every size, learning rate and number of steps of KeyVID's own small networks, once.

They are the published networks at a small width, so that a laptop's CPU trains and runs them, and all of them
together fit into 35 MB of fp16.
"""

from dataclasses import replace

from ..models.encoders.clip import CLIPTextConfig, CLIPVisionConfig
from ..models.encoders.imagebind import KEYVID_STRIDE, AudioTowerConfig
from ..models.encoders.localizer import LOCALIZER_AUDIO, PUBLISHED_LOCALIZER
from ..models.encoders.resampler import ResamplerConfig
from ..models.encoders.vae_config import VAEConfig
from ..models.unet.config import UNetConfig
from .world.clip import HELD_OUT_FIRST_SEED

# the world: two seconds, 48 frames, 24 fps (keyframes.timebase)
HEIGHT, WIDTH = 96, 128  # pixels
LATENT_HEIGHT, LATENT_WIDTH = HEIGHT // 8, WIDTH // 8
TRAINING_SEEDS = range(0, 20_000)
# seeds from HELD_OUT_FIRST_SEED on are never trained on; these are sampled while training
CHECK_SEEDS = range(HELD_OUT_FIRST_SEED, HELD_OUT_FIRST_SEED + 64)
SCALE_FACTOR = 0.18215  # ComfyUI multiplies latents of a KL-f8 VAE by it (its SD15 latent format)

# 64 channels, because ComfyUI's VAE norms in 32 groups: a channel by itself would lose its mean (vae/start.py)
VAE = VAEConfig(
    channels=64, channel_mult=(1, 1, 1, 1), num_res_blocks=1, z_channels=4, embed_channels=4
)
VAE_N_CLIPS = 1200  # IMAGES_PER_CLIP images of each
VAE_BATCH = 4  # whole frames; of crops many are plain, which is harder than what the VAE is for
VAE_LEARNING_RATE, VAE_WARMUP, VAE_DECAY_STEPS = 1.5e-4, 100, 4000
VAE_EMA_HALF_LIFE = 150  # steps
VAE_NOISE = 0.03  # standard deviation of the noise added to latents of mean square 1 in training
VAE_SIZE_WEIGHT = 1e-3  # of what keeps them so
VAE_EDGE_WEIGHT = 0.5  # of the L1 of differences between neighbouring pixels
VAE_COARSE_WEIGHT = 0.5  # of the L1 of means over squares of VAE_COARSE pixels: colours
VAE_COARSE = 8
VAE_MOVING_WEIGHT = 3.0  # added to 1 where something moves
DECODER_LEARNING_RATE, DECODER_DECAY_STEPS = 2e-4, 4000

TEXT = CLIPTextConfig(
    width=64,
    layers=3,  # the last is never run (published-model d.1)
    heads=2,
    mlp_width=256,
    vocabulary=49_408,
    context=77,
    projection_width=64,
)
VISION = CLIPVisionConfig(
    width=96, layers=3, heads=3, mlp_width=384, patch_size=16, image_size=112, projection_width=64
)
QUERIES_PER_FRAME = 4
RESAMPLER = ResamplerConfig(
    in_width=VISION.width,
    width=64,
    out_width=64,
    depth=2,
    heads=2,
    head_width=32,
    ff_width=128,
    n_frames=48,
    n_queries=QUERIES_PER_FRAME,
)
AUDIO = AudioTowerConfig(width=96, layers=4, heads=3, mlp_width=384)
LOCALIZER_TOWER = replace(
    LOCALIZER_AUDIO,
    width=64,
    layers=4,
    heads=2,
    mlp_width=256,
    stride=KEYVID_STRIDE,  # that of the published variant "2": half the tokens, and as sharp in time
)
LOCALIZER = replace(
    PUBLISHED_LOCALIZER, width=64, tower=LOCALIZER_TOWER, n_tokens=LOCALIZER_TOWER.n_tokens
)
GENERATOR = UNetConfig(
    model_channels=32,
    channel_mult=(2, 2, 3),
    num_res_blocks=(1, 1, 1),
    attention_levels=(1, 2),
    head_width=32,
    init_heads=0,
    context_width=64,
    audio_width=AUDIO.width,
)
INTERPOLATOR = replace(GENERATOR, has_frame_index=False)
KEYFRAME_COUNTS = (6, 7, 8, 9, 10, 11, 12)

N_SOUNDS = 10_000  # of each kind
HELD_OUT_SOUNDS = range(HELD_OUT_FIRST_SEED, HELD_OUT_FIRST_SEED + 500)
AUDIO_BATCH, AUDIO_LEARNING_RATE = 12, 1e-3
AUDIO_WARMUP, AUDIO_DECAY_STEPS = 200, 2500
LOCALIZER_BATCH, LOCALIZER_LEARNING_RATE = 16, 1e-3
LOCALIZER_WARMUP, LOCALIZER_DECAY_STEPS = 200, 4500
LISTENING_EMA_HALF_LIFE = 100  # steps; of both

GENERATOR_FPS_CONDITION = 6  # as the published inference has it
GENERATOR_BATCH, GENERATOR_LEARNING_RATE = 8, 8e-4
GENERATOR_WARMUP, GENERATOR_DECAY_STEPS = 200, 11_000
GENERATOR_FREEZE_STEP = 1500  # from here on the encoders stay as they are
GENERATOR_EMA_HALF_LIFE = 200  # steps
INTERPOLATOR_BATCH, INTERPOLATOR_LEARNING_RATE = 2, 5e-4
INTERPOLATOR_WARMUP, INTERPOLATOR_DECAY_STEPS = 200, 10_000
INTERPOLATOR_EMA_HALF_LIFE = 200
# generator and interpolator: the loss is the error of v alone before this step; from it on the error of frame means
# (diffusion_loss.whole_frame_loss) is added, against flicker of whole frames
WHOLE_FRAME_STEP = 7000
