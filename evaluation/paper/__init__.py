"""The paper's measures (arXiv 2504.09656), for full-size videos: Frechet distances, sync scores, CLIP similarity."""
