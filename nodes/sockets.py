"""The pack's own socket types. Their names are permanent: saved workflows refer to them."""

from comfy_api.v0_0_2 import io

Curve = io.Custom("KEYVID_CURVE")  # keyframes.curve.MotionCurve
Plan = io.Custom("KEYVID_PLAN")  # keyframes.plan.KeyframePlan
Localizer = io.Custom("KEYVID_LOCALIZER")  # host.loaders.localizer.LoadedLocalizer
OpticalFlow = io.Custom("OPTICAL_FLOW")  # ComfyUI's own: torchvision's raft_large in a ModelPatcher
