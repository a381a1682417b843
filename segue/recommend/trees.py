"""A sum of trees through LightGBM's C API, for many small calls."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["SumOfTrees"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

# Trees a part: LightGBM takes a row through all trees of a booster, and the nodes of more than these leave
# the cache before the next row comes.
_BLOCK = 150
# LGBM_BoosterPredictForMat of LightGBM's c_api.h: booster, rows and their type, m, f, layout, what is wanted,
# first tree, trees, parameters, numbers written, where to. With types told once, plain numbers can be passed.
_PREDICT = ctypes.CFUNCTYPE(
    ctypes.c_int,
    *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int32, ctypes.c_int32, ctypes.c_int),
    *(ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p),
)
_FLOAT32, _ROW_MAJOR, _RAW_SCORE, _FIRST, _ALL = 0, 1, 1, 0, -1


class SumOfTrees:
    """A booster whose prediction is the plain sum of its trees. Any number of threads may ask at once.

    `lightgbm.Booster.predict` makes a predictor, writes out its parameters and checks its input anew in each
    call: a fifth of what 200 rows take. This calls what that calls in the end, `LGBM_BoosterPredictForMat`.

    The trees are held in parts, each a booster of its own: asked for some of its trees alone, a booster notes
    which in itself, where another thread's call reads it.

    Parameters
    ----------
    booster
        A `lightgbm.Booster`, for regression or ranking.
    """

    def __init__(self, booster: Any) -> None:
        from lightgbm import Booster
        from lightgbm.libpath import _LIB

        self._library = _LIB
        self._predict = _PREDICT(("LGBM_BoosterPredictForMat", _LIB))
        self._parts = [
            Booster(model_str=booster.model_to_string(num_iteration=_BLOCK, start_iteration=first))
            for first in range(0, max(booster.num_trees(), 1), _BLOCK)
        ]

    def predict(self, matrix: Floats, *, threads: int = 1) -> Doubles:
        """Predict for float32 [m, f]; float64 [m], whatever the number of threads.

        Raises
        ------
        lightgbm.basic.LightGBMError
            The matrix has another number of columns than the model.
        """
        rows = np.ascontiguousarray(matrix, np.float32)
        sums = np.zeros((len(self._parts), len(rows)))
        written, parameters = ctypes.c_int64(), f"num_threads={threads}".encode()
        begins, out = rows.ctypes.data, sums.ctypes.data
        for number, part in enumerate(self._parts):
            failed = self._predict(
                part._handle,
                begins,
                _FLOAT32,
                *rows.shape,
                *(_ROW_MAJOR, _RAW_SCORE, _FIRST, _ALL),
                parameters,
                ctypes.addressof(written),
                out + number * sums.strides[0],
            )
            if failed:
                from lightgbm.basic import LightGBMError

                raise LightGBMError(self._library.LGBM_GetLastError().decode())
        total: Doubles = np.add.reduce(sums)
        return total
