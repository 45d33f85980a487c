"""Training KeyVID's own small networks on a procedural world.

Imports point one way: world <- data <- tasks <- release <- command, and all of them use recipe (sizes and rates),
engine (the loop and its states) and vae (the frozen VAE).
"""
