"""Compile a bundle's boosters with lleaves, in a process of low priority.

The compiled ranker is used once its predictions equal the booster's on a check batch. If it can't be compiled
or loaded, or its predictions differ, the booster stays in use and one line of the log gives the reason.
"""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import platformdirs

from segue.bundle.definition import BundleDefinition
from segue.bundle.reader import BundleFiles
from segue.recommend.ranking_matrix import booster_positions
from segue.recommend.rerank import Predictions, Ranker
from segue.store.checksum import sha256_file
from serving import metrics

__all__ = ["CompiledRanker", "Compiler"]

logger = logging.getLogger(__name__)

Floats = npt.NDArray[np.float32]

_CHECK_ROWS = 2_000
# lleaves reads floats as doubles like LightGBM does; only the order of the sum over trees differs.
_TOLERANCE = 1e-6
_MAX_SECONDS = 3_600
_SEED = 11
# Trees in one compiled function: smaller functions compile faster and stay in the instruction cache.
FUNCTION_BLOCK = 34


class CompiledRanker:
    """The boosters as machine code: lleaves models by booster name.

    lleaves has no contributions, which the booster itself computes.
    """

    def __init__(self, definition: BundleDefinition, models: Mapping[str, Any], booster: Ranker) -> None:
        self._models = {
            booster_.name: (
                models[booster_.name],
                booster_positions(booster_, definition.ranking_columns),
            )
            for booster_ in definition.boosters
        }
        self._booster = booster

    def predict(self, matrix: Floats) -> Predictions:
        """Predict for a ranking matrix, float32 [m, f]."""
        if not len(matrix):
            return self._booster.predict(matrix)
        return {
            name: model.predict(
                np.ascontiguousarray(matrix if positions is None else matrix[:, positions], np.float64),
                n_jobs=1,
            ).astype(np.float32)
            for name, (model, positions) in self._models.items()
        }

    def contributions(self, matrix: Floats) -> Floats:
        """Contribution of each column to predicted popularity, from the booster."""
        return self._booster.contributions(matrix)


class Compiler:
    """Compiles one bundle's boosters in the background, into a cache by digest of the model.

    `ready` is the compiled ranker, None until its predictions have been found equal to the booster's.
    """

    def __init__(self, files: BundleFiles, booster: Ranker, *, cache: Path | None) -> None:
        self.ready: CompiledRanker | None = None
        self._files = files
        self._booster = booster
        self._cache = cache or platformdirs.user_cache_path("segue") / "compiled"
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="compile", daemon=True)

    def start(self) -> None:
        """Start, in a thread that mostly waits for the compiling process."""
        self._thread.start()

    def stop(self) -> None:
        """Stop compiling."""
        self._stopped.set()
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def _run(self) -> None:
        definition = self._files.definition
        try:
            models = {str(b.name): self._model(b.file) for b in definition.boosters}
            ranker = CompiledRanker(definition, models, self._booster)
            self._check(ranker)
        except Exception as error:
            # an optional speed-up must not fail a request
            if not self._stopped.is_set():
                logger.warning("the boosters of %s stay as they are: %s", self._files.digest[:12], error)
            return
        if self._stopped.is_set():
            return
        self.ready = ranker
        metrics.RANKER_COMPILED.labels(self._files.digest).set(1)
        logger.info("the boosters of %s run compiled", self._files.digest[:12])

    def _model(self, name: str) -> Any:
        import lleaves

        source = self._files.path(name)
        target = self._cache / f"{self._files.definition.files[name].sha256}-{_machine()}.o"
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            sha256 = self._compile(source, target)
        except RuntimeError:
            # damaged code crashes the process that loads it, which must not be this one
            if not target.is_file() or self._stopped.is_set():
                raise
            target.unlink()
            sha256 = self._compile(source, target)
        if sha256_file(target) != sha256:
            raise RuntimeError(f"{target} was changed since it was checked")
        model = lleaves.Model(model_file=str(source))
        model.compile(cache=str(target), fblocksize=FUNCTION_BLOCK)
        return model

    def _compile(self, source: Path, target: Path) -> str:
        """Compile the model unless the cache has it, load it and predict with it, in a separate process.

        Returns the sha256 of the compiled code.
        """
        part = target.with_name(f".{target.name}.{os.getpid()}")
        arguments = [str(source), str(part), str(target), str(FUNCTION_BLOCK)]
        command = [sys.executable, "-c", _PROGRAM, *arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            stdout, stderr = self._process.communicate(timeout=_MAX_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise RuntimeError(f"compiling took longer than {_MAX_SECONDS} s") from None
        finally:
            part.unlink(missing_ok=True)
        if self._process.returncode:
            last = stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise RuntimeError(f"compiling ended with {self._process.returncode}: {last[0][:300]}")
        return stdout.decode().strip()

    def _check(self, ranker: CompiledRanker) -> None:
        """Compare predictions on random rows with missing values."""
        random = np.random.default_rng(_SEED)
        definition = self._files.definition
        if "features.npy" in self._files and definition.ranking_columns == definition.features:
            features = np.load(self._files.path("features.npy"), mmap_mode="r")
            rows = np.sort(random.integers(0, len(features), _CHECK_ROWS))
            matrix = np.array(features[rows], np.float32)
        else:
            columns = len(definition.ranking_columns)
            matrix = (random.standard_normal((_CHECK_ROWS, columns)) * 100).astype(np.float32)
        matrix[random.random(matrix.shape) < 0.05] = np.nan
        expected, seen = self._booster.predict(matrix), ranker.predict(matrix)
        for name, values in expected.items():
            worst = float(np.abs(values - seen[name]).max() / (np.abs(values).max() + 1e-9))
            if not worst <= _TOLERANCE:
                raise RuntimeError(f"compiled {name} differs by {worst:.1e} of its largest value")


def _machine() -> str:
    """Identifies the kind of CPU and the version of the compiler, which compiled code depends on."""
    import hashlib
    import platform
    from importlib.metadata import version

    flags = ""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    text = f"{platform.machine()} {flags} {version('lleaves')} {version('llvmlite')}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# A separate process, since LLVM holds the GIL and two CPUs for tens of seconds, and aborts on damaged code.
_PROGRAM = """
import hashlib, os, sys
os.nice(19)
import lleaves, numpy
source, part, target, block = sys.argv[1:]
if not os.path.isfile(target):
    lleaves.Model(model_file=source).compile(cache=part, fblocksize=int(block))
    os.replace(part, target)
with open(target, "rb") as file:
    digest = hashlib.file_digest(file, "sha256").hexdigest()
model = lleaves.Model(model_file=source)
model.compile(cache=target, fblocksize=int(block))
model.predict(numpy.zeros((2, model.num_feature())))
print(digest)
"""
