"""Odd values on the widgets of every node that needs no network: a result, or a message for the artist.

ComfyUI checks what is typed; a wire brings what another node gives, and of that only the socket's name counts.
10,000 nodes with `python dev.py test tests/host/hostile --long`.
"""

import asyncio
import copy
import random
import shutil

import numpy as np
import pytest
import torch
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.keyframes.curve import motion_curve
from keyvid_pack.keyframes.plan import plan_at_frames

from ...helpers.hostile.limits import memory_for

N_FRAMES, FPS, RATE = 48, 24.0, 8000
WIRES = {
    "KEYVID_PLAN": plan_at_frames((0, 7, 12, 40), fps=FPS, n_frames=N_FRAMES),
    "KEYVID_CURVE": motion_curve(
        np.linspace(0, 1, N_FRAMES), fps=FPS, source="onset", strikes=[[0.5, 0.9, True]]
    ),
    "AUDIO": {"waveform": torch.zeros(1, 1, 2 * RATE), "sample_rate": RATE},
    "IMAGE": torch.zeros(4, 16, 24, 3),
    "MASK": torch.zeros(4, 16, 24),
    "LATENT": {"samples": torch.zeros(1, 4, 4, 8, 8)},
}
NUMBERS = (
    0, 1, 2, 3, 7, 24, 48, 100, -1, 48.0, 0.5, 29.97, 1e-9, 1e308, -0.0, float("nan"), float("inf"), 10**30,
    -(10**400), 2**31, 2**63, np.int64(7), np.float32(0.5), torch.tensor(7), True,
)  # fmt: skip
TEXTS = (
    "", " ", "0", "7, 12", "none", "\0", "\ud800", "../../x", "a" * 5000, "{", "[]", "[" * 3000, "9" * 5000, "nan",
    "peak: a\n12: b", "<img src=x onerror=alert(1)>", "%2e%2e", "CON", "x\ny", "0:(1.0), 7:(", "0-9999999999", "a/b",
    '{"version": 99}', "\u202e", "💥" * 300,
)  # fmt: skip
OTHER = (None, [], [1, 2], ["a"], {}, torch.zeros(0), torch.zeros(3), b"x", object())
FEW = [300, pytest.param(10_000, marks=pytest.mark.long)]
MOST_BYTES = 2 * 2**30  # that a node may need for inputs as small as these
LONGEST = 3000  # of a message; some list what there is to choose from


@pytest.fixture
def nodes(models_folder):
    """Every node all of whose needed wires are in WIRES."""
    from keyvid_pack.nodes import KeyVIDExtension

    every = asyncio.run(KeyVIDExtension().get_node_list())
    found = [node for node in every if all(map(can_be_given, node.define_schema().inputs))]
    assert len(found) > 20
    return found


def can_be_given(one):
    return one.optional or is_widget(one) or one.io_type in WIRES


def is_widget(one):
    return one.io_type in ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")


def usual(one):
    """A value that a schema's input may have."""
    if one.io_type in WIRES:
        return WIRES[one.io_type]
    if one.io_type == "COMBO":
        return one.options[0]
    default = getattr(one, "default", None)
    return [0.5] * N_FRAMES if default is None and one.io_type in ("INT", "FLOAT") else default


def odd(one, rng):
    """A value of about the right kind, seldom of another one."""
    kinds = {
        "INT": NUMBERS,
        "FLOAT": NUMBERS,
        "BOOLEAN": (True, False, 0, 1, np.bool_(True)),
        "STRING": TEXTS,
    }
    choices = kinds.get(one.io_type) or (*getattr(one, "options", ()), *TEXTS)
    is_other = one.io_type in ("INT", "FLOAT") and rng.random() < 0.15
    return rng.choice(OTHER if is_other else choices)


def drawn(node, rng):
    """The arguments of a node, one to three of them odd."""
    inputs = [one for one in node.define_schema().inputs if can_be_given(one)]
    inputs = [
        one
        for one in inputs
        if not one.optional or (is_widget(one) or one.io_type in WIRES) and rng.random() < 0.5
    ]
    values = {one.id: copy.deepcopy(usual(one)) for one in inputs}
    widgets = [one for one in inputs if is_widget(one)]
    for one in rng.sample(widgets, min(len(widgets), rng.randint(1, 3))):
        values[one.id] = odd(one, rng)
    if node.define_schema().is_input_list:  # such nodes get every value as a list
        values = {name: [value] for name, value in values.items()}
    return values


def files_outside(base):
    return {path for path in base.parent.rglob("*") if base not in path.parents}


@pytest.mark.parametrize("n_runs", FEW)
def test_odd_widgets_give_a_result_or_a_message(comfyui, nodes, n_runs):
    rng = random.Random(7)
    before, n_refused = files_outside(comfyui.base), 0
    failures = {}
    with memory_for(MOST_BYTES):
        for number in range(n_runs):
            node = nodes[number % len(nodes)]
            values = drawn(node, rng)
            try:
                node.execute(**values)
            except KeyVIDError as error:
                n_refused += 1
                if not 20 < len(str(error)) < LONGEST:
                    failures[node.__name__, f"{len(str(error))}: {error}"[:200]] = {}
            except Exception as error:
                failures.setdefault(
                    (node.__name__, repr(error)[:150]), {k: repr(v)[:60] for k, v in values.items()}
                )
            if number % 100 == 99:  # what was written takes room
                for folder in ("temp", "output"):
                    shutil.rmtree(comfyui.base / folder)
                    (comfyui.base / folder).mkdir()
    for key, values in failures.items():
        print(key, values)
    assert not failures
    assert n_runs // 10 < n_refused < n_runs
    assert files_outside(comfyui.base) == before
