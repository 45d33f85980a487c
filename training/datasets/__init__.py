"""Data sets of real videos: AVSync15, Landscapes, The Greatest Hits, or any folder of videos.

`layouts` finds their videos, `decode` reads one, `inspection` says whether it can be used, `clips` cuts what the
networks see, `curves` reads and writes measured motion.
"""
