"""The header of an EDF file (Kemp et al. 1992; EDF+: Kemp & Olivan 2003): what is measured, how often, in which unit.

The whole header is text in fields of fixed width; every number in it is checked here before a sample is believed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from elman.errors import InputError

__all__ = ["Channel", "Header", "read_header"]

_FIELDS = (("label", 16), ("transducer", 80), ("unit", 8), ("physical_min", 8), ("physical_max", 8),
           ("digital_min", 8), ("digital_max", 8), ("filtering", 80), ("samples", 8), ("reserved", 32))  # fmt: skip
_FIXED, _EACH = 256, 256  # bytes: of the head of the header, and of each channel
_MOST = 4096  # channels
_NOTES = "EDF Annotations"


@dataclass(frozen=True)
class Channel:
    """One channel as the header describes it.

    Attributes:
        samples: in each data record. first: of these in the record, where its own begin.
        gain, offset: from the digital numbers d to the unit: gain * d + offset.
        fault: why it cannot be read, where it cannot.
    """

    label: str
    unit: str
    samples: int
    first: int
    gain: float = 1.0
    offset: float = 0.0
    fault: str = ""

    @property
    def is_notes(self) -> bool:
        return self.label == _NOTES


@dataclass(frozen=True)
class Header:
    """What a file says of itself.

    Attributes:
        records: how many data records it says it has; -1: it does not say.
        seconds: of each record. width: samples of a record, all channels together.
        bytes: of the header.
        broken: whether there may be gaps between its records (EDF+D).
    """

    channels: tuple[Channel, ...]
    records: int
    seconds: float
    width: int
    bytes: int
    broken: bool


def read_header(data: bytes, where: str) -> Header:
    """The header of the file that begins so.

    Raises:
        InputError: it is no EDF, it ends within its header, or a number in it is none.
    """
    remedy = "export it as EDF again"
    if not data:
        raise InputError("the file is empty", where=where, remedy="leave it out, or export it again")
    if data[:1] == b"\xff":
        raise InputError("this is BDF, 24 bits a sample", where=where, remedy="convert it to EDF")
    if data[:8].strip(b" \0") != b"0":
        raise InputError("no EDF: the file does not begin with the version 0", where=where, remedy="give an EDF file")

    def number(field: bytes, what: str) -> float:
        text = field.decode("latin-1").strip(" \0")
        try:
            found = float(text.replace(",", "."))
        except ValueError:
            found = math.nan
        if not math.isfinite(found):
            raise InputError(f"the header's {what} is {text!r:.20}, no number", where=where, remedy=remedy)
        return found

    def whole(field: bytes, what: str) -> int:
        found = number(field, what)
        if found != int(found):
            raise InputError(f"the header's {what} is {found:g}", where=where, remedy=remedy)
        return int(found)

    if len(data) < _FIXED:
        raise InputError(f"cut off within its header, after {len(data)} bytes", where=where, remedy=remedy)
    count = whole(data[252:256], "number of channels")
    records, seconds = whole(data[236:244], "number of records"), number(data[244:252], "length of a record")
    if not 1 <= count <= _MOST:
        raise InputError(f"the header says that there are {count} channels", where=where, remedy=remedy)
    if records < -1 or seconds < 0:
        raise InputError(f"the header promises {records} records of {seconds:g} s", where=where, remedy=remedy)
    size = _FIXED + _EACH * count
    if len(data) < size:
        raise InputError(f"cut off within its header, after {len(data)} of {size} bytes", where=where, remedy=remedy)
    columns, at = dict[str, list[bytes]](), _FIXED
    for name, wide in _FIELDS:
        columns[name] = [data[at + k * wide : at + (k + 1) * wide] for k in range(count)]
        at += wide * count
    channels, first = list[Channel](), 0
    for k in range(count):
        label = columns["label"][k].decode("latin-1").strip(" \0") or f"channel {k + 1}"
        samples = whole(columns["samples"][k], f"samples a record of {label}")
        if not 0 <= samples <= 1 << 24:
            raise InputError(f"the header says {samples} samples a record of {label}", where=where, remedy=remedy)
        unit = columns["unit"][k].decode("latin-1").strip(" \0")
        gain, offset, fault = 1.0, 0.0, "" if samples else "it has no samples"
        if label != _NOTES and samples:
            low, high = (number(columns[f"physical_{end}"][k], f"physical {end} of {label}") for end in ("min", "max"))
            least, most = (number(columns[f"digital_{end}"][k], f"digital {end} of {label}") for end in ("min", "max"))
            if low == high:
                fault = f"its physical minimum and maximum are both {low:g}"
            elif least >= most:
                fault = f"its digital minimum, {least:g}, is not below its maximum, {most:g}"
            else:
                gain = (high - low) / (most - least)
                offset = low - gain * least
        channels.append(Channel(label, unit, samples, first, gain, offset, fault))
        first += samples
    if not first:
        raise InputError("no channel has a sample", where=where, remedy=remedy)
    broken = data[192:236].startswith(b"EDF+D")
    return Header(tuple(channels), records, seconds, first, size, broken)
