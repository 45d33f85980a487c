"""Strikes of the onset curve and of a localizer network in one list: each hears some that the other one misses.

The onset curve is exact in time, and nearly all of its clear strikes are strikes; the network, which was trained on
sounds with known events, is surer of strikes under other sound and in noise.
"""

from ..curve import MotionCurve, Strike, motion_curve
from ..timebase import frame_at

NEAR_STEPS = (
    0,
    -1,
    1,
)  # frames from a strike to a peak of the network that is the same strike, the nearest first
NETWORK_SHARE = 0.3  # of a strength; the rest is the onset's
SURE = 0.3  # prominence from which a peak of the network makes a candidate beside it clear

SOURCE = "onset + network"


def combined_curve(onset: MotionCurve, network: MotionCurve) -> MotionCurve:
    """The onset curve with the strikes of both; both curves belong to the same clip and have strikes.

    A strike s of the onset curve with a peak p of the network on its frame or beside it has the strength
    (1 - NETWORK_SHARE) s + NETWORK_SHARE p, without one (1 - NETWORK_SHARE) s; it is clear if it was, or if p is at
    least SURE. A peak of the network without such a strike is a candidate of strength NETWORK_SHARE p. Where the onset
    curve has no clear strike at all, none becomes clear: a network finds its highest peak in steady noise too.
    Returns: MotionCurve with source "onset + network" and the score and fingerprint of the onset curve.
    """
    left = {frame_at(peak.time_s, fps=network.fps): peak for peak in network.strikes or ()}
    is_struck = any(strike.clear for strike in onset.strikes or ())
    strikes = []
    for strike in onset.strikes or ():
        frame = frame_at(strike.time_s, fps=onset.fps)
        near = next((frame + step for step in NEAR_STEPS if frame + step in left), None)
        peak = 0.0 if near is None else left.pop(near).strength
        strength = (1 - NETWORK_SHARE) * strike.strength + NETWORK_SHARE * peak
        strikes.append(
            Strike(strike.time_s, strength, strike.clear or (is_struck and peak >= SURE))
        )
    strikes += [Strike(peak.time_s, NETWORK_SHARE * peak.strength, False) for peak in left.values()]
    return motion_curve(
        onset.score, fps=onset.fps, source=SOURCE, fingerprint=onset.fingerprint, strikes=strikes
    )
