"""The nodes, one file per stage of the graph, and the list of them that ComfyUI reads."""

from comfy_api.v0_0_2 import ComfyExtension, io

from ..host.files import copy_sample_media
from ..host.loaders.model_files import register_model_folders
from ..host.weights_jobs import add_routes
from .blend import BlendBetweenKeyframes
from .blend_curves import BlendCurves
from .bridges import CurveToValues, FramesToPlan, PlanToFrames, ValuesToCurve
from .clip_audio import ClipAudio
from .edit import EditKeyframes
from .fit_plan import FitPlanToModel
from .frames_from_latent import FramesFromLatent
from .interpolation_conditioning import InterpolationConditioning
from .keyframe_conditioning import KeyframeConditioning
from .keyframe_control_video import KeyframeControlVideo
from .keyframe_guides import KeyframeGuides
from .keyframe_images import ImagesOnFrames, KeyframeImages
from .keyframe_masked_video import KeyframeMaskedVideo, WanKeyframesToVideo
from .keyframe_prompts import KeyframePrompts
from .keyframe_sheet import KeyframeSheet
from .keyframe_text import KeyframeText
from .loaders import LoadAudioEncoder, LoadCheckpoint, LoadLocalizer, LoadModel, LoadOpticalFlow
from .localize import LocalizeKeyframes
from .motion_from_video import MotionFromVideo
from .multimodal_cfg import MultimodalCFG
from .pin_keyframes import PinKeyframes
from .plan_info import PlanInfo
from .render_video import RenderVideo
from .sampling import InterpolatedNoise, KeyVIDSampler, KeyVIDSchedule
from .segments import JoinSegments, KeyframeSegments
from .select import SelectKeyframes
from .storyboard_images import StoryboardImages
from .timing_files import LoadTiming, SaveTiming
from .timing_preview import TimingPreview
from .windowed_attention import WindowedAttention


class KeyVIDExtension(ComfyExtension):
    async def on_load(self) -> None:
        register_model_folders()
        add_routes()
        copy_sample_media()

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [
            ClipAudio,
            LocalizeKeyframes,
            MotionFromVideo,
            BlendCurves,
            SelectKeyframes,
            EditKeyframes,
            PlanInfo,
            TimingPreview,
            PlanToFrames,
            FramesToPlan,
            CurveToValues,
            ValuesToCurve,
            FitPlanToModel,
            KeyframeImages,
            ImagesOnFrames,
            KeyframePrompts,
            KeyframeSegments,
            JoinSegments,
            BlendBetweenKeyframes,
            KeyframeGuides,
            KeyframeControlVideo,
            KeyframeMaskedVideo,
            WanKeyframesToVideo,
            SaveTiming,
            LoadTiming,
            LoadModel,
            LoadCheckpoint,
            LoadAudioEncoder,
            LoadLocalizer,
            LoadOpticalFlow,
            KeyframeText,
            KeyframeConditioning,
            InterpolationConditioning,
            MultimodalCFG,
            KeyVIDSampler,
            KeyVIDSchedule,
            InterpolatedNoise,
            FramesFromLatent,
            StoryboardImages,
            PinKeyframes,
            RenderVideo,
            KeyframeSheet,
            WindowedAttention,
        ]
