"""The lines that the demo prints for another terminal."""

from __future__ import annotations

import subprocess

from serving.stack.paste import to_paste


def test_a_shell_reads_the_lines_as_they_are_meant() -> None:
    variables = {"SEGUE_URL": "http://127.0.0.1:8000", "SEGUE_KEY": "id.se'cret", "SEGUE_BUNDLE": "a b/$HOME"}
    text = to_paste(variables, "t'rack")
    exports, curl, recommend = [], "", ""
    for line in (line.strip() for line in text.splitlines()):
        if line.startswith("export "):
            exports.append(line)
        elif line.startswith("curl "):
            curl = line
        elif line.startswith("segue "):
            recommend = line
    shown = 'printf "%s\\n" "$@"'
    script = "; ".join([*exports, f"curl() {{ {shown}; }}", f"segue() {{ {shown}; }}", curl, recommend])
    words = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert words == [
        "-s",
        "-H",
        "Authorization: Bearer id.se'cret",
        "http://127.0.0.1:8000/api/recommendations",
        "-d",
        """{"seeds": [{"track_id": "t'rack"}], "k": 5}""",
        "recommend",
        "--seed",
        "t'rack",
        "-k",
        "5",
    ]
    everything = subprocess.run(
        ["bash", "-c", "; ".join([*exports, 'printf "%s" "$SEGUE_BUNDLE"'])],
        capture_output=True,
        text=True,
        check=True,
    )
    assert everything.stdout == "a b/$HOME"
