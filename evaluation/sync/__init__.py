"""The sync benchmark: does what is seen in a generated video happen when it is heard?

`tracker` reads the times of visible events off a video of the procedural world, `match` compares them with the sound's,
`run` does so for videos made in several ways. `validate` measures the tracker itself.
"""
