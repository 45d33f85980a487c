"""What `dev.py` is made of: setting up, running the real ComfyUI, driving its frontend. No part of the pack."""
