"""The editor's drawing on a real canvas, without ComfyUI: what it costs, and its colours in every palette."""

import pytest
from keyvid_pack.tools import environment

TYPES = {".html": "text/html", ".mjs": "text/javascript"}
SITE = "http://drawing.invalid/"  # served from the working tree, never looked up
PALETTES = ["dark", "light", "arc", "github", "solarized", "nord"]


@pytest.fixture
def page(browser):
    """A bare page with tests/browser/drawing/page.mjs as `window.page`; it must not complain."""
    opened, complaints = browser.new_page(), []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))

    def respond(route):
        path = environment.ROOT / route.request.url.removeprefix(SITE)
        if path.suffix not in TYPES or not path.is_file():
            return route.fulfill(status=204)
        return route.fulfill(path=path, content_type=TYPES[path.suffix])

    opened.route("**/*", respond)
    opened.goto(SITE + "tests/browser/drawing/page.html")
    opened.wait_for_function("() => window.page")
    yield opened
    opened.close()
    assert complaints == []


def test_a_long_crowded_clip_draws_in_at_most_twice_the_time_of_a_short_one(page):
    for width, ratio in [(720, 1), (1600, 1), (800, 2)]:
        # a ratio of medians taken in turns; the middle one of three, since whatever else runs may spoil one
        ratios = page.evaluate(
            """([width, ratio]) => [1, 2, 3].map(() => {
              const short = page.sceneOf({ nFrames: 480, nKeyframes: 120, width, ratio });
              const long = page.sceneOf({ nFrames: 10000, nKeyframes: 1000, width, ratio });
              const [shortMs, longMs] = page.times([short, long]);
              return longMs / shortMs;
            })""",
            [width, ratio],
        )
        assert sorted(ratios)[1] <= 2, f"{width} px wide: {ratios}"


@pytest.mark.parametrize("palette", PALETTES)
def test_markers_have_the_colours_of_their_kinds(page, palette):
    for ratio in (1, 2):
        found = page.evaluate(
            """([palette, ratio]) => {
              const scene = page.sceneOf({ palette, ratio, curve: null });
              page.show(scene);
              return page.markerColours(scene);
            }""",
            [palette, ratio],
        )
        assert len(found) == 12
        for frame, (seen, wanted) in found.items():
            assert seen == wanted, f"frame {frame} at ratio {ratio}"


def test_a_theme_is_read_from_any_colour_that_css_knows(page):
    read = """values => {
      for (const [name, value] of Object.entries(values)) document.body.style.setProperty(name, value);
      return page.readTheme(document.body).panel;
    }"""
    panel = "--comfy-menu-bg"
    for text, wanted in {
        "white": "rgb(255, 255, 255)",
        "#102030": "rgb(16, 32, 48)",
        "color-mix(in srgb, black, white 20%)": "rgb(51, 51, 51)",
        "hsl(200 50% 90%)": "rgb(217, 234, 242)",
        "var(--other)": "rgb(1, 2, 3)",
        "": "rgb(23, 23, 24)",  # ComfyUI's own dark palette
        "no colour": "rgb(23, 23, 24)",
        "transparent": "rgb(23, 23, 24)",
    }.items():
        assert page.evaluate(read, {panel: text, "--other": "rgb(1 2 3)"}) == wanted, text


def test_shapes_are_paths_that_a_page_can_draw(page):
    filled = page.evaluate(
        """() => {
          const context = new OffscreenCanvas(16, 16).getContext("2d");
          context.translate(8, 8);
          const inside = ([kind, path]) => [kind, context.isPointInPath(new Path2D(path), 8, 8.5)];
          return Object.fromEntries(Object.entries(page.KIND_SHAPES).map(inside));
        }"""
    )
    assert filled == dict.fromkeys(
        ["first", "peak", "valley", "manual", "fill", "locked", "prompt", "image"], True
    )
