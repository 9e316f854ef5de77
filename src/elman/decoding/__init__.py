"""From a step to a sequence: greedy, beam and sampling over a `Stepper`, whichever model is behind it."""

from elman.decoding.beam import beam
from elman.decoding.ensemble import Ensemble
from elman.decoding.greedy import greedy
from elman.decoding.hypotheses import Hypothesis
from elman.decoding.sample import sample
from elman.decoding.settings import BeamSettings, SampleSettings
from elman.decoding.stepper import Stepper

__all__ = ["BeamSettings", "Ensemble", "Hypothesis", "SampleSettings", "Stepper", "beam", "greedy", "sample"]
