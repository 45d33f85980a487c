"""Keys and values of a run's tokens: computed once, the same as computed anew, and gone when the run is."""

import gc
import weakref

import pytest
import torch

from ...helpers.small_video import Forwards, conditioning, entry_with, guided, hooked, run

N_STEPS = 3


@pytest.fixture
def no_store(monkeypatch):
    """Switches storing off: a store that may hold nothing."""
    from keyvid_pack.host.sampling import stored_tokens

    return lambda: monkeypatch.setattr(stored_tokens, "MEMORY_SHARE", 2**60)


class Watched:
    """While entered: how often the layers for audio keys ran, and what they made."""

    def __init__(self, model):
        self.network, self.calls, self.made, self.handles = model.model.diffusion_model, [], [], []

    def __enter__(self):
        for name, module in self.network.named_modules():
            if name.endswith(".to_k_ap"):
                self.handles.append(module.register_forward_hook(self._record))
        return self

    def __exit__(self, *_):
        for handle in self.handles:
            handle.remove()

    def _record(self, module, _inputs, out):
        self.calls.append(module)
        self.made.append(weakref.ref(out))

    @property
    def alive(self):
        gc.collect()
        return sum(ref() is not None for ref in self.made)


def sigmas(model):
    from keyvid_pack.host.sampling.sampler import keyvid_sigmas

    return keyvid_sigmas(model, n_steps=N_STEPS)


def test_a_run_computes_keys_and_values_once_and_makes_the_same(generator, no_store):
    levels = sigmas(generator)
    with Watched(generator) as watched:
        stored = run(guided(generator), sigmas=levels)
    # one forward of all passes, or one forward each: every layer once per forward of a step
    assert len(watched.calls) % len(set(watched.calls)) == 0
    per_step = len(watched.calls)
    no_store()
    with Watched(generator) as watched:
        anew = run(guided(generator), sigmas=levels)
    assert len(watched.calls) == N_STEPS * per_step
    assert torch.equal(stored, anew)


def test_another_sound_or_prompt_in_the_next_run_is_heard(generator, no_store):
    from keyvid_pack.host.sampling import condition_keys as keys

    pair = conditioning()
    louder = entry_with(pair[0], **{keys.AUDIO: pair[0][0][1][keys.AUDIO].flip(1)})
    reworded = [[pair[0][0][0].flip(2), pair[0][0][1]]]
    pairs = (pair, (louder, pair[1]), (reworded, pair[1]), pair)
    one_guider_each = [run(guided(generator, both)) for both in pairs]
    no_store()
    expected = [run(guided(generator, both)) for both in pairs]
    for found, anew in zip(one_guider_each, expected, strict=True):
        assert torch.equal(found, anew)
    assert (expected[1] - expected[0]).abs().max() > 1e-3
    assert (expected[2] - expected[0]).abs().max() > 1e-3


def test_nothing_is_kept_after_a_run(generator):
    guider = guided(generator)
    with Watched(generator) as watched:
        held = []
        run(guider, callback=lambda *_: held.append(watched.alive))
    assert min(held) > 0, "nothing was stored during the run"
    assert watched.alive == 0
    assert "keyvid_token_store" not in guider.model_options["transformer_options"]


def test_nothing_is_kept_after_cancel(generator):
    import comfy.model_management as management

    held = []

    def cancel(*_):
        held.append(watched.alive)
        management.interrupt_current_processing(True)

    guider = guided(generator)
    with Watched(generator) as watched:
        try:
            with pytest.raises(management.InterruptProcessingException):
                run(guider, callback=cancel)
        finally:
            management.interrupt_current_processing(False)
    assert held[0] > 0
    assert watched.alive == 0


def test_a_lora_that_comes_and_goes_during_a_run_switches_storing_off(generator):
    with Forwards(generator) as forwards:
        run(guided(generator))
        run(guided(generator, hooked(conditioning(), generator)))
    has_store = ["keyvid_token_store" in call[2]["transformer_options"] for call in forwards.calls]
    half = len(has_store) // 2
    assert all(has_store[:half]) and not all(has_store) and not has_store[-1]
