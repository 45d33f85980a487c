"""Which weight files are published, and where: names, sizes, licences. Nothing here asks the network.

Read from the pages; what a page does not state is None here and is not guessed. Addresses hold a commit where it is
known, so that the file under an address stays the file that this list describes.
"""

import os
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

FOLDER = "keyvid"  # models/keyvid, where the workflows look
HUGGING_FACE = "https://huggingface.co"
MIRROR = "HF_ENDPOINT"  # the variable in which people name a mirror of Hugging Face


@dataclass(frozen=True)
class PublishedFile:
    """A published file and the file that it becomes here.

    key: its name in commands and routes. page: "owner/name" on Hugging Face, or the address of a page. path: on it.
    link: the address, where it does not follow from page, commit and path. n_bytes, sha256: where known. about_gb: its
    size in 10^9 bytes, from the number of its values or the page; None when unknown. target: the converted file;
    million_values: how many values that keeps. kind: what its content is recognised as (a layouts.TITLES key).
    """

    key: str
    what: str
    page: str
    path: str
    target: str
    licence: str
    about_gb: float | None
    million_values: int
    kind: str
    commit: str = "main"
    link: str | None = None
    n_bytes: int | None = None
    sha256: str | None = None

    @property
    def name(self) -> str:
        """The file's name without its folders."""
        return self.path.rpartition("/")[2]

    @property
    def address(self) -> str:
        """Where the file is, for a browser too; on a mirror of Hugging Face if the person has named one."""
        if self.link is not None:
            return self.link
        base = os.environ.get(MIRROR, "").strip().rstrip("/") or HUGGING_FACE
        return f"{base}/{self.page}/resolve/{self.commit}/{quote(self.path, safe='/=')}"

    @property
    def where(self) -> str:
        """The page in words."""
        return self.page if "." in self.page.partition("/")[0] else f"{self.page} on Hugging Face"

    @property
    def size(self) -> str:
        """The size in words."""
        return "size not stated there" if self.about_gb is None else f"{self.about_gb:g} GB"

    def kept_bytes(self, *, half: bool) -> int:
        """The size of the converted file, to about a hundredth."""
        return self.million_values * 1_000_000 * (2 if half else 4)

    def __str__(self) -> str:
        return f"{self.what}: {self.path} of {self.where}, {self.size}"


_KEYVID = "RyanWW/KeyVID"
_KEYVID_COMMIT = "d31d787013efaacc722d25f330ec8acb0df5f14c"
_KEYVID_LICENCE = (
    "no licence is stated on the page, the code is Apache-2.0; its audio encoder is ImageBind's, CC BY-NC-SA 4.0: "
    "not for commercial use"
)
_DYNAMICRAFTER_LICENCE = "Apache-2.0 for the code; the page says what holds for the weights"

_keyvid_file = partial(PublishedFile, page=_KEYVID, commit=_KEYVID_COMMIT, licence=_KEYVID_LICENCE)

# sizes: the number of values times 4 bytes (published-model a.1, a.3), or 2 in half precision
GENERATOR = _keyvid_file(
    key="generator",
    what="KeyVID's keyframe generator",
    path="KeyVID/keyframe_generation/generator_checkpoint.ckpt",
    target="keyvid_generator.safetensors",
    about_gb=15.5,
    million_values=2672,
    kind="generator",
)
INTERPOLATOR = _keyvid_file(
    key="interpolator",
    what="KeyVID's interpolator, the one that the authors' own script uses",
    path="KeyVID/interpolation/epoch=3669-step=58720.ckpt",
    target="keyvid_interpolator.safetensors",
    about_gb=15.5,
    million_values=2670,
    kind="interpolator",
)
# not needed; its size and checksum are the only ones that the page shows
EARLIER_INTERPOLATOR = _keyvid_file(
    key="interpolator-1119",
    what="an earlier interpolator of KeyVID, which the authors' script does not use",
    path="KeyVID/interpolation/epoch=1119-step=17920.ckpt",
    target="keyvid_interpolator_1119.safetensors",
    about_gb=15.5,
    million_values=2670,
    kind="interpolator",
    n_bytes=15_542_982_125,
    sha256="c917b0a74d656829e8f1eb8f5a1010ecaded9a4c7932f63a2728307584a623da",
)
LOCALIZER = _keyvid_file(
    key="localizer",
    what="KeyVID's localizer",
    path="KeyVID/wav2motion/best_model_version1_with_skip.pth",
    target="keyvid_localizer.safetensors",
    about_gb=None,
    million_values=86,
    kind="localizer",
)
DYNAMICRAFTER = PublishedFile(
    key="dynamicrafter",
    what="DynamiCrafter 512",
    page="Doubiiu/DynamiCrafter_512",
    path="model.ckpt",
    target="dynamicrafter_512.safetensors",
    licence=_DYNAMICRAFTER_LICENCE,
    about_gb=10.4,
    million_values=2557,
    kind="dynamicrafter",
)
IMAGEBIND = PublishedFile(
    key="imagebind",
    what="ImageBind",
    page="github.com/facebookresearch/ImageBind",
    path="imagebind_huge.pth",
    link="https://dl.fbaipublicfiles.com/imagebind/imagebind_huge.pth",
    target="imagebind_audio.safetensors",
    licence="CC BY-NC-SA 4.0, not for commercial use",
    about_gb=4.8,
    million_values=86,
    kind="imagebind",
)
ALL = (GENERATOR, INTERPOLATOR, EARLIER_INTERPOLATOR, LOCALIZER, DYNAMICRAFTER, IMAGEBIND)
FILES = {file.key: file for file in ALL}
# what a person may ask for
NAMES = {"keyvid": (GENERATOR, INTERPOLATOR)} | {file.key: (file,) for file in ALL}


def file_of_target(name: str) -> PublishedFile | None:
    """The published file that a converted file of this name, in whatever folder, is made from."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return next((file for file in ALL if file.target == last), None)
