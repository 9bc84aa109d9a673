"""The page's jitter buffer, meter, recording, line, microphone and buttons, without a browser."""

import subprocess

from conftest import HERE, NODE, PATIENCE_S


def test_the_parts_of_the_page():
    command = [*NODE, "--test", "--test-reporter=tap", HERE / "units.mjs", HERE / "calls.mjs"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stdout
    assert "# fail 0" in done.stdout and "# pass 0" not in done.stdout
