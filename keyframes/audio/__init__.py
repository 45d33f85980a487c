"""From audio samples to onset strength, beats and a fingerprint."""
