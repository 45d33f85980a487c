"""Training the published networks at full size: on real videos, on several GPUs and machines.

Imports point one way: clip_source, frame_choice <- diffusion, localizer <- command; start (networks from
files), run (the loop over processes), states and weights (what is written) stand beside each other below it.
"""
