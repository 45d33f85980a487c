"""Encoders that give what was recorded, whatever the image or sound is."""

import comfy.model_management
import comfy.model_patcher
import torch
from comfy_api.latest import io

from .files import read_tensors

LATENT_SCALE = 0.18215  # between latents as recorded and as ComfyUI's VAEs give them


class Vision:
    """A CLIP_VISION. Its tokens are the model's image tokens already: the recording has no vision tower."""

    model_type, image_size = "clip_vision_model", 224

    def __init__(self, tokens, tokens_of_grey, *, width):
        self.config = {"hidden_size": width}
        self.load_device = comfy.model_management.text_encoder_device()
        self.patcher = comfy.model_patcher.CoreModelPatcher(
            torch.nn.Identity(), load_device=self.load_device, offload_device=self.load_device
        )
        self.tokens, self.tokens_of_grey = tokens, tokens_of_grey

    def model(self, pixel_values, **_):
        """Tokens first, as the tower gives them, for prepared images (B, 3, H, W)."""
        is_grey = pixel_values.std(dim=(2, 3)).amax(dim=1) < 1e-3  # (B,)
        return [torch.cat([self.tokens_of_grey if grey else self.tokens for grey in is_grey])]


class RecordedVision(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_RecordedVision",
            inputs=[io.String.Input("file"), io.Int.Input("hidden_size")],
            outputs=[io.ClipVision.Output()],
        )

    @classmethod
    def execute(cls, file, hidden_size):
        recorded = read_tensors(file)
        vision = Vision(recorded["tokens"], recorded["tokens_of_grey"], width=hidden_size)
        return io.NodeOutput(vision)


class ImageVAE:
    """A VAE that gives each of NumberedImages its recorded latent."""

    latent_dim = 2

    def __init__(self, latents, *, ratio):
        self.latents, self.latent_channels, self.ratio = latents, latents.shape[1], ratio

    def spacial_compression_encode(self):
        return self.ratio

    def encode(self, images):
        numbers = (images[..., 0].mean(dim=(1, 2)) * 255).round().long()  # (B,)
        return self.latents[numbers] / LATENT_SCALE


class RecordedVAE(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_RecordedVAE",
            inputs=[io.String.Input("file"), io.Int.Input("ratio", default=8)],
            outputs=[io.Vae.Output()],
        )

    @classmethod
    def execute(cls, file, ratio):
        return io.NodeOutput(ImageVAE(read_tensors(file)["latents"], ratio=ratio))


class TokensAudioEncoder:
    """An AUDIO_ENCODER. Without a recorded silence its output is that of ComfyUI's own encoders."""

    def __init__(self, recorded, n_rows):
        self.encoded = {"encoded_audio": recorded["tokens"]}
        if "tokens_of_silence" in recorded:
            n_columns = (recorded["tokens"].shape[1] - 1) // n_rows
            self.encoded |= {
                "keyvid_no_audio": recorded["tokens_of_silence"],
                "keyvid_grid": (n_rows, n_columns),
            }

    def encode_audio(self, audio, sample_rate):
        return self.encoded


class RecordedAudioEncoder(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_RecordedAudioEncoder",
            inputs=[io.String.Input("file"), io.Int.Input("n_rows", default=12)],
            outputs=[io.AudioEncoder.Output()],
        )

    @classmethod
    def execute(cls, file, n_rows):
        return io.NodeOutput(TokensAudioEncoder(read_tensors(file), n_rows))
