"""Training KeyVID's own small networks on a procedural world, and the published ones on real videos.

Imports point one way: world <- data <- tasks <- release <- command, and all of them use recipe (sizes and rates),
engine (the loop and its states) and vae (the frozen VAE). datasets are real videos; full_size trains the published
networks on them.
"""
