"""Names of content: equal for equal content, another for every change, none for what cannot be told."""

import re

import numpy as np
import pytest
import torch

from ...helpers import small_video
from ...helpers.small_video import conditioning, core_guider, guided, keyvid


def name_of(*parts):
    from keyvid_pack.host.rendering import identity

    return identity.name_of(*parts)


def model_content(model):
    from keyvid_pack.host.rendering import identity

    return identity.model_content(model)


def guider_content(guider):
    from keyvid_pack.host.rendering import identity

    return identity.guider_content(guider)


def sampler_content(sampler):
    from keyvid_pack.host.rendering import identity

    return identity.sampler_content(sampler)


VALUES = [
    None, True, 1, 1.0, "1", b"1", (), (1, 2), [[1], 2], {"a": 1}, {"a": 2}, {"b": 1},
    torch.zeros(3), torch.zeros(3, dtype=torch.float16), torch.zeros(1, 3), torch.tensor([0.0, 0, 1]),
    np.arange(4), torch.arange(4).to(torch.bfloat16),
]  # fmt: skip


def test_every_value_has_its_own_name():
    names = [name_of(value) for value in VALUES]
    assert len(set(names)) == len(VALUES)
    assert names == [name_of(value) for value in VALUES]
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in names)


def test_order_of_keys_and_memory_do_not_count():
    assert name_of({"a": 1, "b": 2}) == name_of({"b": 2, "a": 1})
    columns = torch.arange(12.0).reshape(3, 4)
    assert name_of(columns.T.contiguous().T) == name_of(columns)
    assert name_of({"a": 1, "uuid": object()}) == name_of({"a": 1, "uuid": object()})


def test_what_cannot_be_told_is_never_the_same_twice():
    assert name_of(object()) != name_of(object())
    function = lambda: 0  # noqa: E731
    assert name_of(function) != name_of(function)

    def inside():
        return function

    assert name_of(inside) != name_of(inside)
    assert name_of(small_video.guided) == name_of(small_video.guided) != name_of(small_video.run)


def test_a_model_is_its_weights_and_patches(generator, interpolator):
    name = name_of(model_content(generator))
    assert name == name_of(model_content(generator.clone()))
    assert name != name_of(model_content(interpolator))
    patched = generator.clone()
    key = "diffusion_model.out.2.weight"
    patched.add_patches(
        {key: (torch.ones_like(generator.model.diffusion_model.out[2].weight),)}, 0.5
    )
    stronger = generator.clone()
    stronger.add_patches(
        {key: (torch.ones_like(generator.model.diffusion_model.out[2].weight),)}, 0.6
    )
    assert len({name, name_of(model_content(patched)), name_of(model_content(stronger))}) == 3
    wrapped = generator.clone()
    wrapped.model_options["transformer_options"]["patches"] = {"attn1_patch": [lambda *_: None]}
    assert name_of(model_content(wrapped)) != name_of(model_content(wrapped))


def test_a_model_with_another_nodes_wrapper_is_never_the_same_twice(generator):
    wrapped = generator.clone()
    wrapped.add_wrapper("predict_noise", lambda executor, *a, **k: executor(*a, **k))
    assert name_of(model_content(wrapped)) != name_of(model_content(wrapped))


def test_a_patch_that_is_loaded_does_not_change_the_name_of_the_model_without_it(generator):
    import comfy.model_management

    name = name_of(model_content(generator))
    patched = generator.clone()
    weight = generator.model.diffusion_model.out[2].weight
    patched.add_patches({"diffusion_model.out.2.weight": (torch.ones_like(weight),)}, 0.5)
    own = name_of(model_content(patched))
    comfy.model_management.load_models_gpu([patched])
    assert name_of(model_content(generator)) == name
    assert name_of(model_content(patched)) == own


class Holder:
    def __init__(self, value):
        self.value = value


def test_an_object_is_its_class_and_what_it_holds():
    class Other(Holder):
        pass

    assert name_of(Holder(1)) == name_of(Holder(1))
    assert len({name_of(its) for its in (Holder(1), Holder(2), Other(1), Holder(Holder(1)))}) == 4
    assert name_of(Holder(lambda: 0)) != name_of(Holder(lambda: 0))
    endless = Holder(1)
    endless.value = endless
    assert name_of(endless) != name_of(endless)


def test_a_model_with_easycache_has_a_name_that_its_settings_change(generator):
    from comfy_extras.nodes_easycache import EasyCacheNode

    names = {
        name_of(model_content(EasyCacheNode.execute(generator, threshold, 0.15, 0.95, False)[0]))
        for threshold in (0.1, 0.1, 0.2)
    }
    assert len(names | {name_of(model_content(generator))}) == 3


@pytest.mark.parametrize("change", [{"text_scale": 3.0}, {"rescale": 0.1}, {"guided": (0.0, 0.5)}])
def test_guidance_counts(generator, change):
    one, same, other = guided(generator), guided(generator), guided(generator, **change)
    assert name_of(guider_content(one)) == name_of(guider_content(same))
    assert name_of(guider_content(one)) != name_of(guider_content(other))


def test_other_guiders_and_samplers_have_no_name(generator):
    import comfy.samplers

    guider = core_guider(generator, conditioning()[0])
    assert name_of(guider_content(guider)) != name_of(guider_content(guider))

    def inside(*_):
        return None

    for sampler in (comfy.samplers.KSAMPLER(inside), comfy.samplers.ksampler("dpm_fast"), object()):
        assert name_of(sampler_content(sampler)) != name_of(sampler_content(sampler))
    euler = comfy.samplers.sampler_object("euler")
    again = comfy.samplers.sampler_object("euler")
    assert name_of(sampler_content(euler)) == name_of(sampler_content(again))
    assert name_of(sampler_content(keyvid(eta=0.0))) != name_of(sampler_content(keyvid(eta=0.5)))
