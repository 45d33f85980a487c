"""Clip Audio: cuts the part of the audio for the video; the only place where fps is typed."""

from comfy_api.v0_0_2 import io

from ..host.audio import audio_of, samples_of
from ..host.payloads import Audio
from ..keyframes.audio.clip import cut_clip, preroll
from ..keyframes.timebase import FPS, MAX_N_FRAMES, N_FRAMES
from ..keyframes.values import plain_number, plain_value


class ClipAudio(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="KeyVID_ClipAudio",
            display_name="Clip Audio (KeyVID)",
            category="KeyVID/timing",
            description="Cuts the part of a sound that the video needs, to the exact sample. "
            "The frame rate is set here and nowhere else.",
            search_aliases=["trim audio", "fps", "video length", "keyvid"],
            inputs=[
                io.Audio.Input("audio", tooltip="The sound that the image should move to."),
                io.Float.Input(
                    "start_s",
                    display_name="start (s)",
                    default=0.0,
                    min=0.0,
                    max=86400.0,
                    step=0.01,
                    tooltip="Where in the sound the video starts, in seconds.",
                ),
                io.Float.Input(
                    "fps",
                    default=FPS,
                    min=1.0,
                    max=240.0,
                    step=0.001,
                    tooltip="Frames per second of the video. The KeyVID models make 24.",
                ),
                io.Int.Input(
                    "n_frames",
                    display_name="frames",
                    default=N_FRAMES,
                    min=0,
                    max=MAX_N_FRAMES,
                    tooltip="How many frames the video has. 48 is 2 seconds at 24 fps, which the KeyVID "
                    "models make. 0 takes the sound to its end.",
                ),
            ],
            outputs=[
                io.Audio.Output(display_name="audio", tooltip="The cut sound."),
                io.Float.Output(display_name="fps"),
                io.Int.Output(display_name="frames"),
            ],
        )

    @classmethod
    def execute(cls, audio: Audio, start_s: float, fps: float, n_frames: int) -> io.NodeOutput:
        # a wire may bring numbers of another library, and whole numbers as floats
        start_s, fps, n_frames = plain_value(start_s), plain_value(fps), plain_number(n_frames)
        samples, sample_rate = samples_of(audio)
        clip, n_frames = cut_clip(samples, sample_rate, start_s=start_s, n_frames=n_frames, fps=fps)
        before = preroll(samples, sample_rate, start_s=start_s)
        return io.NodeOutput(audio_of(clip, sample_rate, preroll=before), fps, n_frames)
