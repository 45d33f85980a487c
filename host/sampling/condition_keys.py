"""The names under which KeyVID's pieces ride on ComfyUI's CONDITIONING and LATENT.

The positive says what the video shall be; the negative says what stands for nothing: its text, the picture and the
sound that are none. The concat latent, the frame rate and the frame index are alike on both. The concat latent has
ComfyUI's own name, `concat_latent_image`, and is unscaled, as all latents between nodes are.
"""

# CONDITIONING
CONCAT = "concat_latent_image"  # (B, 4, T, h, w): laid beside the noisy latent
KIND = "keyvid_kind"  # the kind of model it was made for (models/checkpoint/layouts.py)
# (B, N, width) of the vision tower, or (B, F, Q, C) as resampled for F frames
IMAGE = "keyvid_image"
# (B, T, L, audio_width) raw tokens per frame; absent for a model without sound
AUDIO = "keyvid_audio"
FPS = "keyvid_fps"  # (B,) int: the fps condition, not the frame rate of the video
FRAME_INDEX = "keyvid_frame_index"  # (B, T) int: where the frames of the latent stand in the clip
# only on the positive of the interpolation: what the first steps set the keyframes to
KEYFRAME_LATENTS = "keyvid_keyframe_latents"  # (B, 4, K, h, w), unscaled
KEYFRAME_FRAMES = "keyvid_keyframe_frames"  # K frames of the clip, a tuple of int

# LATENT
PLAN = "keyvid_plan"  # the KeyframePlan that the latent was laid out for
