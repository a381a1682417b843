"""Compiled boosters: equal, missing values and all, swapped in only then, and never in a request's way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segue.bundle.reader import BundleFiles, open_bundle
from segue.recommend.rerank import LocalRanker, Predictions
from serving.compile import Compiler
from tests.serving.conftest import BundleStore

pytest.importorskip("lleaves", reason="lleaves has no wheels for this Python; the booster stays as it is")


@pytest.fixture
def files(bundle_store: BundleStore) -> BundleFiles:
    bundle_store.publish(0)
    return open_bundle(bundle_store.channel_url)


def booster(files: BundleFiles) -> LocalRanker:
    return LocalRanker(files.definition, files.path)


def finish(compiler: Compiler) -> None:
    compiler.start()
    compiler._thread.join(timeout=120)
    assert not compiler._thread.is_alive()


def test_it_answers_what_the_booster_answers(files: BundleFiles, tmp_path: Path) -> None:
    plain = booster(files)
    compiler = Compiler(files, plain, cache=tmp_path)
    finish(compiler)
    assert compiler.ready is not None
    random = np.random.default_rng(3)
    matrix = random.standard_normal((500, len(files.definition.ranking_columns))).astype(np.float32) * 50
    matrix[random.random(matrix.shape) < 0.2] = np.nan
    for rows in (matrix, matrix[:1], matrix[:0]):
        expected, seen = plain.predict(rows)["popularity"], compiler.ready.predict(rows)["popularity"]
        np.testing.assert_allclose(seen, expected, rtol=1e-6)
        assert seen.dtype == np.float32
    np.testing.assert_array_equal(compiler.ready.contributions(matrix[:2]), plain.contributions(matrix[:2]))

    # another server on this machine finds the code, and compiles nothing
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = Compiler(files, plain, cache=tmp_path)
    finish(again)
    assert again.ready is not None
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == kept


def test_it_stays_with_the_booster_when_answers_differ(
    files: BundleFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Shifted(LocalRanker):
        def predict(self, matrix: np.ndarray) -> Predictions:
            return {name: values + 0.01 for name, values in super().predict(matrix).items()}

    compiler = Compiler(files, Shifted(files.definition, files.path), cache=tmp_path)
    finish(compiler)
    assert compiler.ready is None
    assert "stay as they are: compiled popularity differs" in caplog.text


def test_it_stays_with_the_booster_when_compiling_fails(
    files: BundleFiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder", encoding="utf-8")
    compiler = Compiler(files, booster(files), cache=blocked / "cache")
    finish(compiler)
    assert compiler.ready is None
    assert "stay as they are" in caplog.text


def test_it_compiles_again_when_cached_code_is_broken(files: BundleFiles, tmp_path: Path) -> None:
    compiler = Compiler(files, booster(files), cache=tmp_path / "cache")
    finish(compiler)
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(b"not machine code")
    again = Compiler(files, booster(files), cache=tmp_path / "cache")
    finish(again)
    assert again.ready is not None
    assert kept.read_bytes() != b"not machine code"
