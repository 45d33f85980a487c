"""Cases of audio: the mel, ImageBind's audio tower, which tokens a frame has, and the localizer."""

import torch
from keyvid_pack.models.encoders import audio_tokens, imagebind, mel
from keyvid_pack.models.encoders.localizer import Localizer, localizer_config_from_shapes
from keyvid_pack.models.encoders.resampler import select_frames

from ..compare import load_tensors, max_abs_err


def waveform_to_mel(case, folder):
    """[(label, largest absolute error)] of every recorded mel and of the value its padding holds."""
    sizes = case["config"]
    fixed = {
        "sample_rate": mel.SAMPLE_RATE,
        "mean": mel.MEAN,
        "std": mel.STD,
        "frame_length_ms": 1000 * mel.FRAME / mel.SAMPLE_RATE,
        "frame_shift_ms": 1000 * mel.HOP / mel.SAMPLE_RATE,
    }
    for name, value in fixed.items():
        assert sizes[name] == value, f"{name} is {value}, recorded is {sizes[name]}"
    errors = []
    tensors = load_tensors(case, folder)
    for name in _recorded(tensors):
        if name == "out.pad_value":
            silence = torch.zeros(1, mel.FRAME)
            found = mel.waveform_to_mel(silence, n_columns=2)[0, 0, -1:]
        else:
            found = mel.waveform_to_mel(
                tensors[name.replace("out.", "in.", 1)],
                n_columns=sizes["target_length"],
                n_bins=sizes["num_mel_bins"],
                clip_s=sizes["clip_duration"],
            )
        errors.append((name, max_abs_err(found, tensors[name])))
    return errors


def imagebind_audio(case, folder):
    """[(label, largest absolute error)] of the stretched positions and of the tokens at both strides."""
    tensors = load_tensors(case, folder)
    sizes = case["config"]
    weights = _weights(tensors, "sd.")
    stock = imagebind.tower_config_from_shapes(
        _shapes(weights),
        head_width=sizes["audio_embed_dim"] // sizes["audio_num_heads"],
        n_columns=sizes["audio_target_len"],
        n_bins=sizes["audio_num_mel_bins"],
    )
    stretched, config = imagebind.change_stride(weights, stock, stride=sizes["audio_stride"])
    tower = _with_weights(imagebind.AudioTower(config), stretched)
    mel = tensors["in.mel"]
    errors = []
    for name in _recorded(tensors):
        if name.startswith("out_pos_embed"):
            found = stretched[imagebind.POSITIONS]
        elif name == "out_tokens":
            found = tower(mel)
        elif name == "out_tokens_zero_mel":
            found = tower(torch.zeros_like(mel[:1]))
        else:
            assert name.endswith("_first_item"), f"{name} is not known"
            found = _with_weights(imagebind.AudioTower(stock), weights)(mel[:1])
        errors.append((name, max_abs_err(found, tensors[name])))
    return errors


def audio_split_select(case, folder):
    """[(label, largest absolute error)] of every recorded map, found by sending numbered tokens through the maps."""
    tensors = load_tensors(case, folder)
    frames, tokens = tensors["in.frame_idx"], tensors["in.audio_tokens_16ch"]
    blended = tensors["out.interp_c_audio_16ch"]
    n_segments, n_queries = blended.shape[1:3]
    sizes = {"n_segments": n_segments, "n_queries": n_queries}
    numbers = torch.arange(tokens.shape[1], dtype=torch.float64)[None, :, None]  # (1, N, 1)
    errors = []
    for name, expected in tensors.items():
        kind, _, rest = name.partition(".")
        if name.startswith("in.") or name == "interp_expand_src_flat_index":
            continue  # the index is checked together with its weights
        if kind == "auto_split_mask":
            columns = audio_tokens.segment_columns(*map(int, rest.split("_")))
            found = torch.zeros_like(expected).scatter(1, columns, 1)
        elif kind == "split_token_index":
            found = _split_index(*map(int, rest.split("_")), n_slots=expected.shape[1])
        elif name == "kf_audio_token_index":
            regrouped = audio_tokens.keyframe_audio_tokens(numbers, frames, **sizes)
            found = regrouped[..., 0]  # (B, T, n_queries)
        elif name == "kf_image_token_index":
            n_image = n_segments * expected.shape[2]
            per_frame = (
                torch.arange(n_image).view(1, n_segments, -1, 1).expand(len(frames), -1, -1, -1)
            )
            found = select_frames(per_frame, frames)[..., 0]
        elif name == "interp_expand_src_weight":
            index = tensors["interp_expand_src_flat_index"]
            split = audio_tokens.split_per_frame(numbers.long(), n_segments)  # (1, S, n_slots, 1)
            flat = split.flatten()
            # one column for every token of the tower: how much of it each output holds
            expected = torch.zeros(len(index), tokens.shape[1]).scatter_add(
                1, flat[index], expected
            )
            every = torch.eye(tokens.shape[1])[None]
            found = audio_tokens.interpolation_audio_tokens(every, **sizes)[0].flatten(0, 1)
        else:
            assert name == "out.interp_c_audio_16ch", f"{name} is not known"
            found = audio_tokens.interpolation_audio_tokens(tokens, **sizes)
        errors.append((name, max_abs_err(found, expected)))
    return errors


def localizer(case, folder):
    """[(label, largest absolute error)] of the heads alone, on tokens, and of the whole network, on a mel."""
    tensors = load_tensors(case, folder)
    errors = []
    for name in _recorded(tensors):
        which = name.partition(".")[2]
        weights = _weights(tensors, f"sd.{which}.")
        given = [
            t for key, t in tensors.items() if key.startswith("in.") and key.endswith(f".{which}")
        ]
        sizes = case["config"].get(which)
        of_tower = {} if sizes is None else _tower_sizes(sizes)
        config = localizer_config_from_shapes(_shapes(weights), **of_tower)
        (found,) = map(_with_weights(Localizer(config), weights), given)
        errors.append((name, max_abs_err(found, tensors[name])))
    return errors


def _tower_sizes(sizes):
    return {
        "head_width": sizes["embed_dim"] // sizes["num_heads"],
        "stride": sizes["stride"],
        "n_columns": sizes["target_len"],
    }


def _split_index(n_columns, n_segments, *, n_slots):
    """Which tokens each segment holds, (n_segments, n_slots), found for as many rows as that makes."""
    chunk = audio_tokens.segment_columns(n_columns, n_segments).shape[1]
    n_rows = (n_slots - 1) // chunk
    tokens = torch.arange(1 + n_rows * n_columns)[None, :, None]
    return audio_tokens.split_per_frame(tokens, n_segments, n_rows=n_rows)[0, ..., 0]


def _recorded(tensors):
    return [name for name in tensors if name.startswith("out")]


def _weights(tensors, prefix):
    return {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}


def _shapes(weights):
    return {name: tuple(tensor.shape) for name, tensor in weights.items()}


def _with_weights(network, weights):
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False)
