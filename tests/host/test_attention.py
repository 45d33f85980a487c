"""Which of ComfyUI's attentions our networks take."""

import pytest
import torch

from ..oracles.plain_attention import einsum_softmax_attention


@pytest.mark.parametrize("flag", [None, "use_quad_cross_attention", "use_split_cross_attention"])
def test_on_a_cpu_it_is_pytorchs_unless_another_was_asked_for(comfyui, monkeypatch, flag):
    from comfy.cli_args import args
    from keyvid_pack.host import attention

    taken = []
    for name in ("attention_pytorch", "optimized_attention"):
        function = getattr(attention, name)
        monkeypatch.setattr(
            attention, name, lambda *a, f=function, n=name, **k: taken.append(n) or f(*a, **k)
        )
    if flag:
        monkeypatch.setattr(args, flag, True)
    torch.manual_seed(0)
    q, k = torch.randn(2, 5, 12), torch.randn(2, 9, 12)
    mask = torch.randn(5, 9)
    for options in ({}, {"mask": mask}, {"transformer_options": {}}):
        found = attention.attention(q, k, k, 3, **options)
        expected = einsum_softmax_attention(q, k, k, 3, options.get("mask"))
        torch.testing.assert_close(found, expected)
    assert taken == 3 * ["optimized_attention" if flag else "attention_pytorch"]


def test_another_nodes_attention_is_used(comfyui):
    """ComfyUI's way for nodes to put in an attention of theirs."""
    from keyvid_pack.host.attention import attention

    def override(function, q, *_, **__):
        return torch.full_like(q, 7.0)

    q = torch.randn(2, 5, 12)
    options = {"optimized_attention_override": override}
    assert (attention(q, q, q, 3, transformer_options=options) == 7).all()
