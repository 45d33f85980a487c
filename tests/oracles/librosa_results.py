"""What librosa finds in the snare recording. Run to renew librosa_snare.json; a long test checks that it is current.

Kept in a file because librosa takes half a minute to compile itself on a fresh machine.
"""

import json
import pathlib
import sys

import librosa
import numpy as np

FILE = pathlib.Path(__file__).resolve().parents[1] / "goldens" / "librosa_snare.json"


def librosa_results(samples, sample_rate):
    """What librosa's defaults find in mono samples (1, N): onset and beat times and tempo, in plain numbers."""
    onsets_s = librosa.onset.onset_detect(y=samples[0], sr=sample_rate, units="time")
    tempo_bpm, beats_s = librosa.beat.beat_track(y=samples[0], sr=sample_rate, units="time")
    return {
        "librosa": librosa.__version__,
        "tempo_bpm": round(float(np.ravel(tempo_bpm)[0]), 3),
        "onsets_s": np.round(onsets_s, 4).tolist(),
        "beats_s": np.round(beats_s, 4).tolist(),
    }


if __name__ == "__main__":
    sys.path.insert(0, str(FILE.parents[1] / "helpers"))
    from recordings import SNARE, decode

    FILE.write_text(json.dumps(librosa_results(*decode(SNARE)), indent=1) + "\n")
