"""The command `elman verify`."""

from __future__ import annotations

from pathlib import Path

from elman.console import JSON, print_json

__all__ = ["verify"]


def verify(subject: str, /, *, json: JSON = False) -> int:
    """Prove that a sequence gets the same answer alone, in a batch, padded, in chunks and step by step.

    Exit code 0 if what was tried holds, 1 if something fails.

    Parameters
    ----------
    subject
        A RUN, or PACKAGE.MODULE:FUNCTION (or FILE.py:FUNCTION) that returns a module and its example, a tuple of
        arguments or an elman.Example.
    """
    if Path(subject).exists() and Path(subject).suffix not in (".py", ".onnx"):
        from elman.tasks.use import Run

        proof = Run(Path(subject)).verify()
    else:
        from elman.proof.named import verify_named

        proof = verify_named(subject)
    if json:
        print_json(proof.to_dict())
    else:
        print(proof)
    return 0 if proof.ok else 1
