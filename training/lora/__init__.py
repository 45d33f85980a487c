"""Fine-tuning on an artist's own clips: a LoRA on the attention of a video UNet, for ComfyUI's own LoRA loader.

`adapter` is the pure part: which layers, the low-rank layers, the file, and merging. `base` opens the model to
fine-tune and its encoders, `clips` encodes a folder of videos with them once, `task` is the training, `command` the
words of `python dev.py train lora`.
"""
