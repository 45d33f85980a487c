"""The moving average of trained weights, which is what inference uses: it is smoother than any single step."""

import contextlib

import torch


def start(modules):
    """{module name: {tensor name: copy of it}} of the modules as they are; floats only are averaged."""
    return {
        name: {key: tensor.detach().clone() for key, tensor in module.state_dict().items()}
        for name, module in modules.items()
    }


@torch.no_grad()
def update(averages, modules, *, half_life, step):
    """Move the averages towards the modules, in place. Early steps weigh more, so that the start is soon forgotten."""
    keep = min(0.5 ** (1 / half_life), (1 + step) / (10 + step))
    for name, module in modules.items():
        for key, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                averages[name][key].lerp_(tensor, 1 - keep)
            else:
                averages[name][key].copy_(tensor)


@contextlib.contextmanager
def in_place(averages, modules):
    """Within it the modules hold the averages and are set to evaluation; after it they are as they were."""
    trained = start(modules)
    modes = {name: module.training for name, module in modules.items()}
    try:
        for name, module in modules.items():
            module.load_state_dict(averages[name])
            module.eval()
        yield
    finally:
        for name, module in modules.items():
            module.load_state_dict(trained[name])
            module.train(modes[name])
