"""The video UNet: one class for generator, interpolator and plain DynamiCrafter."""
