"""KFP components, one folder a step: thin, typed, each calling one function of `segue.steps`.

The image is a setting of compilation: ``SEGUE_IMAGE``, or ``segue-pipeline:<version>``. kfp and segue are in
it, so nothing is installed when a step starts.
"""

from __future__ import annotations

import os

from segue import __version__

IMAGE = os.environ.get("SEGUE_IMAGE") or f"segue-pipeline:{__version__}"
