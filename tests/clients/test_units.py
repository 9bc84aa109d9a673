"""The page's jitter buffer, meter, recording, line, microphone and buttons, without a browser."""

import re
import subprocess

from conftest import HERE, NODE, PATIENCE_S

STYLE = HERE.parent.parent / "parley/runtime/web/style.css"


def test_the_parts_of_the_page():
    command = [*NODE, "--test", "--test-reporter=tap", HERE / "units.mjs", HERE / "calls.mjs"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout
    assert "# fail 0" in done.stdout and "# pass 0" not in done.stdout


def luminance(colour: str) -> float:
    """Of "#rrggbb", as WCAG defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_what_carries_meaning_stands_out_from_the_paper():
    """Edges of what can be pressed and the states 3:1, letters 4.5:1, on light and on dark paper."""
    roots = re.findall(r":root \{(.*?)\}", STYLE.read_text(), re.DOTALL)
    light, dark = (dict(re.findall(r"--(\w+): (#\w{6});", root)) for root in roots)
    for colours in (light, dark):
        least = dict.fromkeys(("edge", "listening", "thinking", "speaking"), 3.0) | dict.fromkeys(("ink", "faint", "user", "model"), 4.5)
        for (name, ratio), ground in [(each, ground) for each in least.items() for ground in ("paper", "raised")]:
            dim, bright = sorted((luminance(colours[name]), luminance(colours[ground])))
            assert (bright + 0.05) / (dim + 0.05) >= ratio, (name, ground)
