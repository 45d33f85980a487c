"""Run after run: cancelled within a step, nothing kept of it, memory flat."""

import gc
import os
import sys
import threading
import weakref

import pytest
import torch

from ...helpers.small_video import conditioning, guided, run, unit_noise

N_RUNS = 20
FRAMES = tuple(range(48))  # of the runs whose memory is watched: as much as the small model takes
MAX_GROWTH = 4e6  # bytes; runs that keep what the network was given leave three times as much


@pytest.fixture
def interrupt():
    """What ComfyUI's Cancel button sets; cleared whatever the test does."""
    import comfy.model_management as management

    yield lambda: management.interrupt_current_processing(True)
    management.interrupt_current_processing(False)


def test_cancel_between_steps_stops_before_the_next_one(generator, interrupt):
    import comfy.model_management as management

    before = run(guided(generator))
    guider, steps, forwards = guided(generator), [], []

    def cancel_in_the_first(index, *_):
        steps.append(index)
        forwards.clear()
        interrupt()

    network = generator.model.diffusion_model
    handle = network.register_forward_hook(lambda *_: forwards.append(True))
    with pytest.raises(management.InterruptProcessingException):
        run(guider, callback=cancel_in_the_first)
    handle.remove()
    assert steps == [0]
    assert not forwards, "the network went on running"
    assert torch.equal(run(guider), before), "the guider that was cancelled runs again"
    assert torch.equal(run(guided(generator)), before)


def test_cancel_in_the_middle_of_a_forward_does_not_wait_for_its_end(generator, interrupt):
    """From another thread, as the server's handler does it, while the network is at work."""
    import comfy.model_management as management

    network = generator.model.diffusion_model
    reached, cancelled = threading.Event(), threading.Event()
    ended = []

    def halfway(*_):
        reached.set()
        assert cancelled.wait(600)

    def cancel():
        reached.wait(600)
        interrupt()
        cancelled.set()

    handles = [
        network.middle_block[0].register_forward_pre_hook(halfway),
        network.register_forward_hook(lambda *_: ended.append(True)),
    ]
    thread = threading.Thread(target=cancel)
    thread.start()
    try:
        with pytest.raises(management.InterruptProcessingException):
            run(guided(generator))
    finally:
        thread.join()
        for handle in handles:
            handle.remove()
    assert not ended, "the forward went on to its end"
    assert torch.isfinite(run(guided(generator))).all()


def test_nothing_of_a_run_is_kept(generator):
    """Tensors that the network was given (tokens, concat latent) are gone once the run is over."""
    guider, given = guided(generator), []

    def remember(_network, arguments, keywords):
        tensors = [*arguments, *keywords.values()]
        given.extend(weakref.ref(value) for value in tensors if isinstance(value, torch.Tensor))

    network = generator.model.diffusion_model
    handle = network.register_forward_pre_hook(remember, with_kwargs=True)
    projected = []
    projection = network.image_proj_model.register_forward_hook(
        lambda _network, _inputs, out: projected.append(weakref.ref(out))
    )
    run(guider)
    handle.remove()
    projection.remove()
    gc.collect()
    assert len(given) >= 3 * 6, "nothing was watched"
    assert projected
    assert [ref for ref in given + projected if ref() is not None] == []
    assert not hasattr(guider, "conds")


def test_the_image_is_projected_once_per_sampling_not_once_per_step(generator):
    projected = []
    projection = generator.model.diffusion_model.image_proj_model
    handle = projection.register_forward_hook(lambda *_: projected.append(1))
    run(guided(generator, audio_scale=9.0))
    handle.remove()
    assert len(projected) == 4, "one for each pass, whatever the number of steps"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_twenty_runs_in_a_row_leave_memory_as_it_was(generator):
    pair, noise = conditioning(FRAMES), unit_noise(n_frames=len(FRAMES))
    for _ in range(3):  # allocators and caches fill up
        run(guided(generator, pair), noise=noise)
    gc.collect()
    before = resident_bytes()
    for seed in range(N_RUNS):
        run(guided(generator, pair), noise=noise, seed=seed)
    gc.collect()
    grown = resident_bytes() - before
    print(f"{N_RUNS} runs: {grown / 1e6:+.2f} MB on {before / 1e6:.0f} MB")
    assert grown < MAX_GROWTH


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
