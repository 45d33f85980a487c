"""Keys and values of the tokens that a run is conditioned on: the same in every step, so they are computed once."""

import torch
from torch import nn

KeysValues = tuple[
    torch.Tensor, torch.Tensor
]  # (B, N, C) each for whole clips, or (B, T, N, C) per frame


class TokenStore:
    """Keeps what cross-attentions made of tokens, found again by the tokens' values.

    ComfyUI joins and copies tokens anew in each step, so nothing but their values tells which they are: another
    prompt or sound is never mistaken for the first. The weights must stay the same while it is in use, so it
    belongs to one run of a sampler. It holds at most `max_bytes`; what does not fit is computed in every step.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes, self.n_bytes = max_bytes, 0
        self._entries: list[tuple[str, torch.Tensor, dict[nn.Module, KeysValues]]] = []

    def of(
        self, kind: str, tokens: torch.Tensor, *, numbers_per_token: int
    ) -> dict[nn.Module, KeysValues] | None:
        """{cross-attention: its keys and values of these tokens}, to be filled by the caller; None when full.

        kind: text, image or audio, which have layers of their own. numbers_per_token: how many numbers the keys and
        values of one token have in all layers together.
        """
        for known_kind, known, stored in self._entries:
            if known_kind == kind and _same(known, tokens):
                return stored
        numbers = tokens.numel() + tokens[..., 0].numel() * numbers_per_token
        n_bytes = numbers * tokens.element_size()
        if self.n_bytes + n_bytes > self.max_bytes:
            return None
        self.n_bytes += n_bytes
        stored: dict[nn.Module, KeysValues] = {}
        self._entries.append((kind, tokens.clone(), stored))
        return stored

    def clear(self) -> None:
        """Frees everything, whoever still holds the store."""
        for _, _, stored in self._entries:
            stored.clear()
        self._entries.clear()
        self.n_bytes = 0


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    alike = a.shape == b.shape and a.dtype == b.dtype and a.device == b.device
    return alike and torch.equal(a, b)
