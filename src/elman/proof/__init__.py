"""The state contract, proven: alone = in a batch = padded = in chunks = step by step.

A recurrent model is trusted when none of these changes what it says about a sequence: which others stand beside it,
how much padding follows it and what the padding holds, where a stream was cut, and whether it came a step at a time.
Each is tried on real input, in evaluation mode, and the largest difference is reported beside what is tolerated. What
could not be tried is said in the verdict, and a failure names its likely cause.
"""

from elman.proof.contract import verify
from elman.proof.example import Example
from elman.proof.model import prove_model
from elman.proof.verdict import Check, Proof

__all__ = ["Check", "Example", "Proof", "prove_model", "verify"]
