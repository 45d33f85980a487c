"""The errors that an artist can meet."""


class KeyVIDError(ValueError):
    """Base of every error this pack raises on purpose; its text says what is wrong, the value, and what to do."""

    # ComfyUI shows the module before the message; the real one contains the path of the installation
    __module__ = "KeyVID"

    def __init_subclass__(cls) -> None:
        cls.__module__ = "KeyVID"


class AudioError(KeyVIDError):
    """The audio cannot be used: empty, not finite, wrong rate, too short."""


class CurveError(KeyVIDError):
    """A motion curve is malformed or does not fit what it is used with."""


class SelectionError(KeyVIDError):
    """Keyframes cannot be selected as asked: count, strategy or thresholds out of range."""


class PlanError(KeyVIDError):
    """A plan or an edit is malformed."""


class PlanVersionError(PlanError):
    """A plan or an edit was written by a newer version of the pack."""


class PlanMismatchError(PlanError):
    """An edit was made for a clip of another length or frame rate."""


class SamplingError(KeyVIDError):
    """The sampler cannot run as asked: number of steps, spacing, eta, scales, or a missing input."""


class TimestepsError(SamplingError):
    """The timesteps of a run are unknown to the model, or do not fall."""


class CheckpointError(KeyVIDError):
    """A weight file cannot be used; the subclasses say why."""


class CheckpointFileError(CheckpointError):
    """The file is absent, empty, damaged, cut short, or no weight file at all."""


class CheckpointUnsafeError(CheckpointError):
    """The file holds Python objects besides tensors, which reading must not construct."""


class CheckpointUnknownError(CheckpointError):
    """The names and shapes in the file belong to no network that KeyVID knows."""


class CheckpointNamesError(CheckpointError):
    """Tensors that a network needs are missing from the file or have another shape."""


class CheckpointMetadataError(CheckpointError):
    """The "keyvid" block in a file's metadata is malformed or written by a newer version."""


class MeasureError(KeyVIDError):
    """Something cannot be measured: too few clips, clips that do not belong together, a file that is missing."""


class DownloadError(KeyVIDError):
    """A published file could not be fetched, or what came is not that file."""
