"""Numbers of the published KeyVID and DynamiCrafter models that no tensor shape tells (published-model a, g.4)."""

# AVSync15: 48 frames of 16 image tokens, 12 keyframes (published-model a.2 and g.4)
N_FRAMES, QUERIES_PER_FRAME, KEYFRAME_COUNT, FPS = 48, 16, 12, 24
DYNAMICRAFTER_FRAMES = 16  # published-model a.3
# KeyVID's frames for the older data sets (published-model a.2); its networks are used otherwise
OLD_N_FRAMES = 12
