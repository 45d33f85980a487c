"""World clips in the layouts of the published data sets (docs/published-model.md, h.1)."""

from .files import write_world_video


def write_avsync15(root, names, *, split="train", enlarged=2):
    """SPLIT/CATEGORY/FILE.mp4; names: "category/file.mp4". Returns {name: WorldClip}."""
    return {
        name: write_world_video(root / split / name, seed, enlarged=enlarged)
        for seed, name in enumerate(names, 1)
    }


def write_avsync15_to_evaluate(root, names, *, split="test"):
    """videos/CATEGORY/FILE.mp4 and SPLIT.txt."""
    clips = {
        name: write_world_video(root / "videos" / name, seed) for seed, name in enumerate(names, 1)
    }
    (root / f"{split}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    return clips


def write_landscapes_to_evaluate(root, names):
    """videos/test/CATEGORY/FILE.mp4 and test.txt, with the sea in all of them."""
    clips = {
        name: write_world_video(root / "videos" / "test" / name, seed, scene="sea")
        for seed, name in enumerate(names, 1)
    }
    (root / "test.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    return clips


def write_greatest_hits(root, ids, *, split="train"):
    """videos/ID_denoised_thumb.mp4 and SPLIT.txt, with things that are struck."""
    names = [f"{one}_denoised_thumb.mp4" for one in ids]
    clips = {
        name: write_world_video(root / "videos" / name, seed, scene="drum")
        for seed, name in enumerate(names, 1)
    }
    (root / f"{split}.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    return clips
