"""Further than was learned: a form that writes a fixed number of steps reads what it has written, turn after turn."""

from __future__ import annotations

import torch
from torch import Tensor

from elman.models.forecaster_batches import WindowBatch
from elman.models.forecaster_beside import Beside, ahead_of
from elman.models.forecaster_committee import Forecasting
from elman.sequences import Sequences

__all__ = ["foretold"]


def foretold(model: Forecasting, batch: WindowBatch, steps: int = 0) -> Tensor:
    """Parameters (steps, B, C, P) of the steps ahead of a batch; of covariates known ahead it has as many steps."""
    shape, beside = model.shape, batch.beside
    steps = steps or shape.horizon
    if not model.form.fixed or steps <= shape.horizon:
        found: Tensor = model(batch.sequences.data, batch.lengths, steps, beside=beside)
        return found
    histories, parts = list(batch.sequences), list[Tensor]()
    if beside is not None:
        beside_all = list(Sequences(beside.read, batch.lengths))
        later = ahead_of(beside, batch.lengths, steps)
    for done in range(0, steps, shape.horizon):
        read = Sequences.pack([one[-shape.context :] for one in histories])
        given = None
        if beside is not None:
            rows = Sequences.pack([one[-shape.context :] for one in beside_all]).data
            given = Beside(rows, beside.ahead[done : done + shape.horizon], beside.unit)
            beside_all = [torch.cat([one, later[done : done + shape.horizon, b]]) for b, one in enumerate(beside_all)]
        count = min(shape.horizon, steps - done)
        parts.append(model(read.data, read.lengths, count, beside=given))
        centre = model.output.centre(parts[-1])
        histories = [torch.cat([one, centre[:, b]]) for b, one in enumerate(histories)]
    return torch.cat(parts)
