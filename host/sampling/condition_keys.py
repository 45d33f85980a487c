"""The names under which KeyVID's data travels on ComfyUI's CONDITIONING, LATENT and audio encodings.

The positive holds the conditions of the video, the negative the neutral ones: the negative text, and the tokens of a
grey image and of the zero mel. The concat latent, the frame rate and the frame index are equal on both. The concat
latent has ComfyUI's own name, `concat_latent_image`, and is unscaled, as all latents between nodes are.
"""

# CONDITIONING
CONCAT = "concat_latent_image"  # (B, 4, T, h, w): concatenated to the noisy latent
# a KeyframeText (tokens/keyframe_text.py), in place of the one text
KEYFRAME_TEXT = "keyvid_keyframe_text"
KIND = "keyvid_kind"  # the kind of model it was made for (models/checkpoint/layouts.py)
# (B, N, width) of the vision tower, or (B, F, Q, C) as resampled for F frames
IMAGE = "keyvid_image"
# (B, T, L, audio_width) raw tokens per frame; absent for a model without an audio input
AUDIO = "keyvid_audio"
FPS = "keyvid_fps"  # (B,) int: the fps condition, not the frame rate of the video
FRAME_INDEX = "keyvid_frame_index"  # (B, T) int: the frames of the clip that the latent holds
# only on the positive of the interpolation: the sampler sets the keyframes to these in its first steps
KEYFRAME_LATENTS = "keyvid_keyframe_latents"  # (B, 4, K, h, w), unscaled
KEYFRAME_FRAMES = "keyvid_keyframe_frames"  # K frames of the clip, a tuple of int
# of a clip that is longer than the model's: a WindowCondition (windows.py) for each window
WINDOWS = "keyvid_windows"

# LATENT
PLAN = "keyvid_plan"  # the KeyframePlan that the latent was made for

# what AUDIO_ENCODER's encode_audio adds to the names of ComfyUI's own encoders
NO_AUDIO = "keyvid_no_audio"  # (1, n_tokens, width): the tokens of the zero mel, for guidance
GRID = "keyvid_grid"  # (rows, columns) of the tokens after the first, which summarises the whole
