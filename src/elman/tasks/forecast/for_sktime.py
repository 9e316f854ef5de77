"""The forecaster for sktime, in its pipelines, its searches and its evaluation: ``pip install 'elman[sktime]'``.

sktime tells its own forecasters what each may do by tags; all else is `elman.Forecaster`.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.base import clone
from sktime.forecasting.base import BaseForecaster

from elman.tasks.estimators import Forecaster

__all__ = ["SktimeForecaster"]


class SktimeForecaster(BaseForecaster):  # type: ignore[misc]
    """A forecaster of series and covariates, whose horizon is the last step of `fh`.

    Args:
        forecaster: its settings; None: `elman.Forecaster` as it comes.

    Attributes:
        forecaster_: the one that was fitted.

    Examples:
        >>> import elman
        >>> from elman.tasks.forecast.for_sktime import SktimeForecaster
        >>> from sktime.datasets import load_airline
        >>> model = SktimeForecaster(elman.Forecaster(hidden=8, epochs=1))
        >>> y_pred = model.fit(load_airline(), fh=[1, 2, 3]).predict()
    """

    _tags: ClassVar[dict[str, Any]] = {
        "authors": ["elman"],
        "maintainers": ["elman"],
        "y_inner_mtype": "pd.DataFrame",
        "X_inner_mtype": "pd.DataFrame",
        "capability:multivariate": True,
        "capability:exogenous": True,
        "capability:categorical_in_X": True,
        "capability:insample": False,
        "capability:missing_values": True,
        "capability:pred_int": True,
        "capability:pred_int:insample": False,
        "capability:update": True,
        "capability:non_contiguous_X": False,
        "requires-fh-in-fit": True,
    }

    def __init__(self, forecaster: Forecaster | None = None) -> None:
        self.forecaster = forecaster
        super().__init__()

    def _fit(self, y: pd.DataFrame, X: pd.DataFrame | None, fh: Any) -> SktimeForecaster:
        settings = Forecaster() if self.forecaster is None else clone(self.forecaster)
        self.forecaster_ = settings.set_params(horizon=int(max(self._steps(fh))))
        self.forecaster_.fit(y.to_numpy(np.float64), _counted(X))
        return self

    def _update(self, y: pd.DataFrame, X: pd.DataFrame | None = None, update_params: bool = True) -> SktimeForecaster:
        self.forecaster_.update(y.to_numpy(np.float64), _counted(X))
        return self

    def _predict(self, fh: Any, X: pd.DataFrame | None) -> pd.DataFrame:
        found = self.forecaster_.predict(self._steps(fh), self._later(X))
        return self._framed(fh, found, self._get_columns(method="predict"))

    def _predict_quantiles(self, fh: Any, X: pd.DataFrame | None, alpha: list[float]) -> pd.DataFrame:
        found = self.forecaster_.predict_quantiles(self._steps(fh), self._later(X), alpha)
        return self._framed(fh, found, self._get_columns(method="predict_quantiles", alpha=alpha))

    def _framed(self, fh: Any, found: np.ndarray, columns: Any) -> pd.DataFrame:
        return pd.DataFrame(np.reshape(found, (len(fh), -1)), fh.to_absolute_index(self.cutoff), columns)

    def _steps(self, fh: Any) -> list[int]:
        return [int(step) for step in fh.to_relative(self.cutoff)]

    def _later(self, X: pd.DataFrame | None) -> dict[str, Any] | None:
        """Rows behind the last value that is known."""
        return None if X is None else _counted(X.loc[X.index > self.cutoff[0]])

    @classmethod
    def get_test_params(cls, parameter_set: str = "default") -> list[dict[str, Any]]:
        """Small ones, for sktime's own checks."""
        small = {"hidden": 4, "epochs": 1, "context": 4, "validation": 0.0, "batch_size": 64}
        return [
            {"forecaster": Forecaster(**small)},
            {"forecaster": Forecaster(**small, form="latent", output="gaussian")},
        ]


def _counted(X: pd.DataFrame | None) -> dict[str, Any] | None:
    """Columns without times: rows follow those of the series."""
    if X is None:
        return None
    return {
        f"x{c + 1}": X.iloc[:, c].astype(object).where(X.iloc[:, c].notna(), None).tolist() for c in range(X.shape[1])
    }
