"""The editor's sound in a real browser, rendered sample by sample, under ComfyUI's content-security policy."""

import io
import wave
from urllib.parse import urlsplit

import numpy as np
import pytest
from keyvid_pack.tools.environment import ROOT

ADDRESS = "http://editor.test"
RATE, FPS, N_FRAMES = 48_000, 24, 48
FRAME = RATE // FPS  # samples
LEAD = round(0.03 * RATE)  # samples between the request to play and the sound
# what ComfyUI sends with --disable-api-nodes, where it concerns sound
POLICY = "default-src 'self'; script-src 'self'; connect-src 'self' data:; object-src 'self';"
STRIKES = (6, 12, 30)  # frames on which the sound is struck

RENDER = """
async ({ url, clicks, loop, rate, from, durationS, sampleRate, fps, nFrames }) => {
  const { Player } = await import("/js/editor/audio/player.mjs");
  const context = new OfflineAudioContext(1, durationS * sampleRate, sampleRate);
  const said = [];
  let tick = null;
  const player = new Player({
    createContext: () => context,
    onError: (message) => said.push(message),
    clickAt: () => clicks,
    requestFrame: (next) => {
      tick = next;
      return () => (tick = null);
    },
  });
  player.load(url, { fps, nFrames });
  player.setLoop(loop);
  player.setRate(rate);
  player.setClick(clicks.length > 0);
  await player.play(from);
  for (let time = 0.1; time < durationS; time += 0.1) {
    context.suspend(time).then(() => {
      tick?.();
      context.resume();
    });
  }
  const rendered = await context.startRendering();
  return { said, samples: Array.from(rendered.getChannelData(0)) };
}
"""


def sound_file():
    """A WAV file of silence with one loud sample on the first sample of each struck frame."""
    samples = np.zeros(N_FRAMES * FRAME, dtype="<i2")
    samples[np.array(STRIKES) * FRAME] = 16384
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.tobytes())
    return file.getvalue()


@pytest.fixture(scope="module")
def render(browser):
    """render(**options) plays in the browser and returns the samples (n,) that come out of the loudspeaker."""
    page = browser.new_page()

    def respond(route):
        path = urlsplit(route.request.url).path
        if path == "/":
            headers = {"content-type": "text/html", "content-security-policy": POLICY}
            route.fulfill(body="<!doctype html>", headers=headers)
        elif path == "/view":
            route.fulfill(body=sound_file(), headers={"content-type": "audio/wav"})
        else:
            body = (ROOT / path.lstrip("/")).read_text(encoding="utf-8")
            route.fulfill(body=body, headers={"content-type": "text/javascript"})

    page.route(ADDRESS + "/**", respond)
    page.goto(ADDRESS + "/")

    def rendered(**options):
        usual = {"url": "/view?type=temp", "clicks": [], "loop": None, "rate": 1, "from": 0}
        clip = {"durationS": 2.5, "sampleRate": RATE, "fps": FPS, "nFrames": N_FRAMES}
        found = page.evaluate(RENDER, {**usual, **clip, **options})
        assert found["said"] == []
        return np.array(found["samples"])

    yield rendered
    page.close()


def beginnings(samples):
    """The samples at which something begins after at least 10 ms of silence."""
    loud = np.flatnonzero(np.abs(samples) > 1e-4)
    return loud[np.diff(loud, prepend=-RATE) > 0.01 * RATE]


def test_each_strike_sounds_where_it_lies(render):
    assert beginnings(render()).tolist() == [LEAD + frame * FRAME for frame in STRIKES]


def test_clicks_sound_on_the_very_sample_of_their_frames(render):
    clicks = [0, 6, 7, 30, 47]
    silent = render(url=None, clicks=clicks)
    expected = np.array([LEAD + frame * FRAME for frame in clicks])
    # a click rises from zero, so its first sample is silent
    assert beginnings(silent) == pytest.approx(expected, abs=1)
    both = render(clicks=clicks)
    assert both - silent == pytest.approx(render(), abs=1e-6)


def test_a_loop_stays_on_the_sample_however_often_it_repeats(render):
    played = render(loop=[10, 14], durationS=4.0, **{"from": 10})
    rounds = np.arange(23)
    assert beginnings(played)[:23].tolist() == (LEAD + (2 + 4 * rounds) * FRAME).tolist()
    clicked = render(url=None, loop=[10, 14], clicks=[12], durationS=4.0, **{"from": 10})
    assert beginnings(clicked)[:23] == pytest.approx(LEAD + (2 + 4 * rounds) * FRAME, abs=1)


def test_half_speed_keeps_sound_and_clicks_together(render):
    played = render(rate=0.5, durationS=4.5)
    clicked = render(url=None, rate=0.5, clicks=list(STRIKES), durationS=4.5)
    expected = np.array([LEAD + 2 * frame * FRAME for frame in STRIKES])
    assert beginnings(played) == pytest.approx(expected, abs=2)  # half a sample spreads over two
    assert beginnings(clicked) == pytest.approx(expected, abs=1)


def test_playing_from_a_frame_begins_there(render):
    played = render(**{"from": 11})
    assert beginnings(played).tolist() == [LEAD + (frame - 11) * FRAME for frame in (12, 30)]
