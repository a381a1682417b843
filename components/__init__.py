"""KFP components, one folder per step; each calls one function of `segue.steps`.

The image is fixed at compilation: ``SEGUE_IMAGE``, or ``segue-pipeline:<version>``. It has kfp and segue, so
nothing is installed when a step starts.
"""

from __future__ import annotations

import os

from segue import __version__

IMAGE = os.environ.get("SEGUE_IMAGE") or f"segue-pipeline:{__version__}"
