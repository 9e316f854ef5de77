"""How a date is spelt: read from text, and written alike."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from elman.errors import InputError

__all__ = ["DAY", "Spelling", "day_first", "microseconds", "spelling_of"]

DAY = 86_400_000_000  # microseconds
_EPOCH = datetime.datetime(1970, 1, 1)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
         "December")  # fmt: skip
_TIME = re.compile(
    r"(?P<gap>[T ,]+)(?P<H>\d{1,2})(?::(?P<M>\d\d)(?::(?P<S>\d\d)(?:[.,](?P<f>\d{1,9}))?)?|(?<=[T ]\d\d))"
    r"(?P<half> ?[AaPp]\.?[Mm]\.?)?"
    r"(?P<zone> ?(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?"
)
# first the forms that say most; `sep` is what stands between the parts
_FORMS = {
    "ymd": re.compile(r"(?P<y>\d{4})(?P<sep>[-/.])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})"),
    "compact": re.compile(r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)"),
    "compact_month": re.compile(r"(?P<y>\d{4})(?P<m>\d\d)"),
    "numbers": re.compile(r"(?P<a>\d{1,2})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<y>\d{4}|\d\d)"),
    "dby": re.compile(r"(?P<d>\d{1,2})(?P<sep>[-/. ]+)(?P<name>[A-Za-z]{3,9})(?P<sep2>[-/., ]+)(?P<y>\d{4}|\d\d)"),
    "bdy": re.compile(r"(?P<name>[A-Za-z]{3,9})(?P<sep>\.? )(?P<d>\d{1,2})(?P<sep2>,? )(?P<y>\d{4})"),
    "ym": re.compile(r"(?P<y>\d{4})(?P<sep>[-/.]|-?M)(?P<m>\d{1,2})"),
    "my": re.compile(r"(?P<m>\d{1,2})(?P<sep>[-/])(?P<y>\d{4})"),  # 12.2024 is a number
    "by": re.compile(r"(?P<name>[A-Za-z]{3,9})(?P<sep>[-/., ]+)(?P<y>\d{4}|\d\d)"),
    "yb": re.compile(r"(?P<y>\d{4})(?P<sep>[-/., ]+)(?P<name>[A-Za-z]{3,9})"),
    "quarter": re.compile(r"(?P<y>\d{4})(?P<sep>[- ]?Q)(?P<q>[1-4])"),
    "qy": re.compile(r"Q(?P<q>[1-4])(?P<sep>[-/ ]?)(?P<y>\d{4}|\d\d)"),
    "week": re.compile(r"(?P<y>\d{4})(?P<sep>-?W)(?P<w>\d\d)"),
    "year": re.compile(r"(?P<y>\d{4})"),
}
_WITH_DAYS = ("ymd", "compact", "numbers", "dby", "bdy")


@dataclass(frozen=True)
class Spelling:
    """One way to write dates.

    Attributes:
        form: of the date, one of `_FORMS`.
        sep, sep2: what stands between its parts.
        padded: whether days and months below ten have two digits.
        long_year: whether years have four digits.
        full_month: whether months have their whole name.
        dayfirst: of form ``numbers``, whether the day comes first; None: not known.
        gap: what stands before the time; empty: there is none.
        minutes, seconds: whether the time has them; digits: of their fraction.
        half: `` AM`` or ``AM``, as it is written; empty: 24 hours.
        zone: how the offset is written: ``Z``, ``+00:00``, ``+0000``, ``+00``; empty: there is none.
    """

    form: str
    sep: str = ""
    sep2: str = ""
    padded: bool = True
    long_year: bool = True
    full_month: bool = False
    dayfirst: bool | None = None
    gap: str = ""
    minutes: bool = True
    seconds: bool = False
    digits: int = 0
    half: str = ""
    zone: str = ""

    @property
    def ambiguous(self) -> bool:
        return self.form == "numbers" and self.dayfirst is None

    @property
    def has_offset(self) -> bool:
        return bool(self.zone)

    def ordered(self, dayfirst: bool) -> Spelling:
        return replace(self, dayfirst=dayfirst)

    def without_offset(self) -> Spelling:
        return replace(self, zone="")

    def read(self, text: str) -> tuple[int, int | None] | None:
        """What the clock shows, in microseconds since 1970, and its offset from UTC in minutes; None: spelt
        otherwise."""
        date = _FORMS[self.form].match(text)
        if not date:
            return None
        rest = text[date.end() :]
        time = _TIME.fullmatch(rest) if rest else None
        if (rest and not time) or (self.form not in _WITH_DAYS and rest):
            return None
        day = self._day(date.groupdict())
        if day is None:
            return None
        if time is None:
            return day, None
        hour, minute, second = int(time["H"]), int(time["M"] or 0), int(time["S"] or 0)
        if time["half"]:
            if not 1 <= hour <= 12:
                return None
            hour = hour % 12 + (12 if "p" in time["half"].lower() else 0)
        if hour > 24 or minute > 59 or second > 59 or (hour == 24 and (minute or second)):
            return None
        fraction = int((time["f"] or "0")[:6].ljust(6, "0"))
        return day + ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction, _minutes(time["zone"])

    def _day(self, part: dict[str, str | None]) -> int | None:
        year = int(part["y"] or 0)
        if len(part["y"] or "") == 2:
            year += 2000 if year < 69 else 1900
        month, day = int(part.get("m") or 1), int(part.get("d") or 1)
        if self.form == "numbers":
            a, b = int(part["a"] or 0), int(part["b"] or 0)
            day, month = (a, b) if self.dayfirst else (b, a)
        if part.get("name"):
            month = _month(part["name"] or "")
        if part.get("q"):
            month = 3 * int(part["q"] or 1) - 2
        try:
            if part.get("w"):
                return microseconds(datetime.datetime.fromisocalendar(year, int(part["w"] or 1), 1))
            return microseconds(datetime.datetime(year, month, day))
        except ValueError:
            return None

    def write(self, wall: int, offset: int = 0) -> str:
        """A moment that a clock shows, `offset` minutes before UTC, spelt like this."""
        t = _EPOCH + datetime.timedelta(microseconds=wall)
        width = 2 if self.padded else 1
        y = f"{t.year:04}" if self.long_year else f"{t.year % 100:02}"
        m, d = f"{t.month:0{width}}", f"{t.day:0{width}}"
        name = _FULL[t.month - 1] if self.full_month else _FULL[t.month - 1][:3]
        iso = t.isocalendar()
        date = {
            "ymd": f"{y}{self.sep}{m}{self.sep}{d}",
            "compact": f"{y}{t.month:02}{t.day:02}",
            "compact_month": f"{y}{t.month:02}",
            "numbers": f"{d}{self.sep}{m}{self.sep}{y}" if self.dayfirst else f"{m}{self.sep}{d}{self.sep}{y}",
            "dby": f"{d}{self.sep}{name}{self.sep2}{y}",
            "bdy": f"{name}{self.sep}{d}{self.sep2}{y}",
            "ym": f"{y}{self.sep}{m}",
            "my": f"{m}{self.sep}{y}",
            "by": f"{name}{self.sep}{y}",
            "yb": f"{y}{self.sep}{name}",
            "quarter": f"{y}{self.sep}{(t.month + 2) // 3}",
            "qy": f"Q{(t.month + 2) // 3}{self.sep}{y}",
            "week": f"{iso.year:04}{self.sep}{iso.week:02}",
            "year": y,
        }[self.form]
        return date + self._time(t, offset)

    def _time(self, t: datetime.datetime, offset: int) -> str:
        if not self.gap:
            return ""
        clock = f"{(t.hour - 1) % 12 + 1:02}" if self.half else f"{t.hour:02}"
        clock += f":{t.minute:02}" if self.minutes or t.minute else ""
        clock += f":{t.second:02}" if self.seconds else ""
        clock += "." + f"{t.microsecond:06}"[: self.digits].ljust(self.digits, "0") if self.digits else ""
        if self.half:
            clock += self.half[:-2] + ("PM" if t.hour >= 12 else "AM")
        return self.gap + clock + _offset(self.zone, offset)


def spelling_of(text: str) -> Spelling | None:
    """How a date is spelt; None: in no way that is known."""
    for form, pattern in _FORMS.items():
        found = pattern.match(text)
        if not found:
            continue
        part = found.groupdict()
        rest = text[found.end() :]
        time = _TIME.fullmatch(rest) if rest and form in _WITH_DAYS else None
        if (rest and not time) or (part.get("name") and not _month(part["name"])):
            continue
        numbers = [n for n in (part.get("m"), part.get("d"), part.get("a"), part.get("b")) if n]
        spelling = Spelling(
            form,
            sep=part.get("sep") or "",
            sep2=part.get("sep2") or "",
            padded=all(len(n) == 2 for n in numbers),
            long_year=len(part["y"]) == 4,
            full_month=len(part.get("name") or "") > 3,
        )
        if time:
            half, zone = time["half"] or "", time["zone"] or ""
            spelling = replace(
                spelling,
                gap=time["gap"],
                minutes=time["M"] is not None,
                seconds=time["S"] is not None,
                digits=len(time["f"] or ""),
                half=(" AM" if half[0] == " " else "AM") if half else "",
                zone=re.sub(r"\d", "0", zone.replace("-", "+")),
            )
        if spelling.read(text) is not None or spelling.ambiguous:
            return spelling
    return None


def day_first(
    texts: Sequence[str],
    spelling: Spelling,
    said: bool | None,
    where: Callable[[int], str],
    name: str,
    before: bool | None = None,
) -> tuple[bool, str]:
    """Whether dates such as 1/2/2024 begin with the day, and a line that says how that is known.

    A number above 12 is a day. Where there is none, the order is that of a table `before` this one; else the one in
    which the dates move by fewer sizes of steps.

    Raises:
        InputError: nothing tells, or the rows contradict each other.
    """
    if said is not None:
        return said, ""
    firsts, seconds = dict[int, int](), dict[int, int]()  # number -> the first row that has it
    for i, text in enumerate(texts):
        found = _FORMS["numbers"].match(text)
        if found:
            firsts.setdefault(int(found["a"]), i)
            seconds.setdefault(int(found["b"]), i)
    days, months = max(firsts, default=0), max(seconds, default=0)
    if days > 12 and months > 12:
        raise InputError(
            f"{texts[firsts[days]]!r} has the day first in column {name!r}, {texts[seconds[months]]!r} the month",
            where=where(max(firsts[days], seconds[months])),
            remedy="write all dates as 2024-12-31",
        )
    if days > 12 or months > 12:
        return days > 12, ""
    if before is not None:
        said_first = "day" if before else "month"
        return before, f"column {name!r}: {texts[0]!r} is read with the {said_first} first, as the dates learned from"
    once = _first_run(texts)
    fewest = {first: sizes for first in (True, False) if (sizes := _sizes(once, spelling.ordered(first)))}
    if len(fewest) == 1 or len(set(fewest.values())) == 2:
        first = min(fewest, key=lambda k: fewest[k])
        return first, (
            f"column {name!r}: {texts[0]!r} is read with the {'day' if first else 'month'} first, as the rows then "
            "follow each other"
        )
    raise InputError(f"{texts[0]!r} in column {name!r} may begin with the day or the month", where=where(0),
                     remedy="say which: data.dayfirst=yes or no")  # fmt: skip


def _first_run(texts: Sequence[str]) -> Sequence[str]:
    """Those before the first that comes again: of a table of several series, one of them."""
    seen = set[str]()
    for i, text in enumerate(texts):
        if text in seen:
            return texts[:i]
        seen.add(text)
    return texts


def _sizes(texts: Sequence[str], spelling: Spelling) -> float:
    """Of how many sizes the steps are; 0 where one is no date, or earlier than the one before.

    Months count as steps of one size where all rows are of one day of the month; but twelve days that follow each other
    are rather that than one day of twelve months.
    """
    read = [found[0] if (found := spelling.read(text)) else None for text in texts]
    moments = [_EPOCH + datetime.timedelta(microseconds=moment) for moment in read if moment is not None]
    if moments and moments[0] > moments[-1]:  # the newest first
        moments.reverse()
    if len(moments) < max(2, len(read)) or any(b <= a for a, b in pairwise(moments)):
        return 0
    sizes = len({b - a for a, b in pairwise(moments)})
    if len({(moment.day, moment.time()) for moment in moments}) > 1:
        return sizes
    months = len({12 * (b.year - a.year) + b.month - a.month for a, b in pairwise(moments)})
    return min(sizes, months + 0.5)


def microseconds(time: datetime.datetime) -> int:
    """Since 1970, of a time without a zone."""
    gap = time - _EPOCH
    return (gap.days * 86_400 + gap.seconds) * 1_000_000 + gap.microseconds


def _month(name: str) -> int:
    """Its number; 0: no month."""
    short = name[:3].lower()
    known = short in _MONTHS and _FULL[_MONTHS.index(short)].lower().startswith(name.lower().rstrip("."))
    return _MONTHS.index(short) + 1 if known or name.lower() == "sept" else 0


def _minutes(zone: str | None) -> int | None:
    if zone is None:
        return None
    text = zone.strip()
    if text in ("Z", "UTC", "GMT"):
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return -minutes if text[0] == "-" else minutes


def _offset(written: str, minutes: int) -> str:
    text = written.strip()
    if text in ("", "Z", "UTC", "GMT"):
        return written
    sign, hours, rest = "-" if minutes < 0 else "+", abs(minutes) // 60, abs(minutes) % 60
    body = {6: f"{hours:02}:{rest:02}", 5: f"{hours:02}{rest:02}", 3: f"{hours:02}"}[len(text)]
    return written[: len(written) - len(text)] + sign + body
