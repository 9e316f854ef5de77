"""EDF and EDF+: as edfio reads them, and what is wrong with a file said in a line."""

from __future__ import annotations

import io
from pathlib import Path

import edfio
import numpy as np
import pytest

from elman.errors import InputError
from elman.signals.edf import read_edf
from signals.waves import edf, notes

DATA = Path(__file__).parents[3] / "shared" / "data" / "eegmat"
DRAWN = np.random.default_rng(0).integers(-30000, 30000, size=(6, 3, 100))  # (records, channels, samples)


def records(channels: int = 3) -> list[list[np.ndarray]]:
    return [list(record[:channels]) for record in DRAWN]


def faults(data: bytes) -> str:
    with pytest.raises(InputError) as error:
        read_edf(data, "a.edf")
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_edfio_writes_is_read_as_edfio_reads_it() -> None:
    draw = np.random.default_rng(1)
    signals = [
        edfio.EdfSignal(draw.normal(size=2560) * 20, 256, label=label, physical_dimension="uV",
                        physical_range=(-100 - k, 120 + k)) for k, label in enumerate(("Fp1", "Cz", "O2"))
    ]  # fmt: skip
    annotations = [edfio.EdfAnnotation(1.5, 0.5, "blink"), edfio.EdfAnnotation(4.25, None, "Ende \u00e4")]
    file = io.BytesIO()
    edfio.Edf(signals, annotations=annotations).write(file)
    theirs = edfio.read_edf(file.getvalue())
    ours = read_edf(file.getvalue(), "a.edf")
    (signal,) = ours.stretches
    assert signal.layout.channels == ("Fp1", "Cz", "O2")
    assert (signal.layout.rate, signal.layout.unit) == (256.0, "uV")
    assert np.allclose(signal.values, np.stack([s.data for s in theirs.signals], 1), rtol=0, atol=1e-5)
    assert [tuple(event) for event in ours.events] == [(1.5, 0.5, "blink"), (4.25, 0.0, "Ende \u00e4")]


@pytest.mark.skipif(not DATA.is_dir(), reason="needs the recordings in ../shared")
def test_recordings_of_a_hospital_are_read_as_edfio_reads_them() -> None:
    path = DATA / "Subject31_2.edf"
    theirs = edfio.read_edf(path)
    (signal,) = read_edf(path.read_bytes(), path.name).stretches
    assert signal.layout.channels == tuple(s.label for s in theirs.signals)
    assert np.allclose(signal.values, np.stack([s.data for s in theirs.signals], 1), rtol=0, atol=1e-4)


def test_a_negative_gain_turns_the_channel_and_is_told() -> None:
    told: list[str] = []
    data = edf(records(2), ["Cz", "Pz"], physical=[(-100, 100), (100, -100)])
    signal = read_edf(data, "a.edf", told.append).stretches[0]
    theirs = edfio.read_edf(data)
    assert np.allclose(signal.values, np.stack([s.data for s in theirs.signals], 1), atol=1e-4)
    assert np.sign(signal.values[:, 1]).tolist() == (-np.sign(DRAWN[:, 1].reshape(-1) + 0.5)).tolist()
    assert any("Pz stands upside down" in line for line in told)


@pytest.mark.parametrize(
    ("physical", "digital", "why"),
    [([(0, 0), (-1, 1)], (-32768, 32767), "Cz is left out: its physical minimum and maximum are both 0"),
     ([(-1, 1), (-1, 1)], (5, 5), "")],
)  # fmt: skip
def test_a_channel_without_a_scale_is_left_out(
    physical: list[tuple[float, float]], digital: tuple[int, int], why: str
) -> None:
    told: list[str] = []
    data = edf(records(2), ["Cz", "Pz"], physical=physical, digital=digital)
    if not why:  # none is left
        assert "there is no signal in it" in faults(data)
        return
    assert read_edf(data, "a.edf", told.append).stretches[0].layout.channels == ("Pz",)
    assert any(why in line for line in told)


@pytest.mark.parametrize("ends", [(5, 5), (100, -100)])
def test_a_channel_whose_digital_range_is_none_is_left_out_alone(ends: tuple[int, int]) -> None:
    told: list[str] = []
    data = edf(records(2), ["Cz", "Pz"], digital=[ends, (-32768, 32767)])
    signal = read_edf(data, "a.edf", told.append).stretches[0]
    assert signal.layout.channels == ("Pz",)
    assert np.array_equal(np.argsort(signal.values[:, 0]), np.argsort(DRAWN[:, 1].reshape(-1)))
    assert any(
        f"Cz is left out: its digital minimum, {ends[0]}, is not below its maximum, {ends[1]}" in t for t in told
    )


def test_channels_of_another_rate_are_left_out_and_told() -> None:
    told: list[str] = []
    mixed = [[a, b, c[:25]] for a, b, c in DRAWN]
    signal = read_edf(edf(mixed, ["Cz", "Pz", "ECG"]), "a.edf", told.append).stretches[0]
    assert signal.layout.channels == ("Cz", "Pz")
    assert np.array_equal(np.argsort(signal.values[:, 0]), np.argsort(DRAWN[:, 0].reshape(-1)))
    assert any("those of 100 Hz are read, without ECG (25 Hz)" in line for line in told)


def test_an_unknown_number_of_records_is_counted() -> None:
    told: list[str] = []
    assert len(read_edf(edf(records(), "abc", count=-1), "a.edf", told.append).stretches[0]) == 600
    assert any("does not say how many records it has; there are 6" in line for line in told)


def test_a_file_that_was_cut_short_is_read_as_far_as_records_go() -> None:
    told: list[str] = []
    signal = read_edf(edf(records(), "abc")[:-50], "a.edf", told.append).stretches[0]
    assert len(signal) == 500
    assert any("says that it has 6 records, but ends within the 6th" in line for line in told)


def test_a_blank_channel_is_told() -> None:
    told: list[str] = []
    blank = [[a, np.zeros(100, int)] for a, _, _ in DRAWN]
    read_edf(edf(blank, ["Cz", "Pz"]), "a.edf", told.append)
    assert any("Pz never moves" in line for line in told)


def broken(starts: list[float], **options: object) -> bytes:
    """A recording of one-second records that start then."""
    made = [[DRAWN[k, 0], notes(f"+{start:g}\x14\x14")] for k, start in enumerate(starts)]
    return edf(made, ["Cz", "EDF Annotations"], reserved="EDF+D", **options)  # type: ignore[arg-type]


def test_what_lies_on_two_sides_of_a_gap_is_never_joined() -> None:
    told: list[str] = []
    found = read_edf(broken([0, 1, 2, 10, 11]), "a.edf", told.append)
    assert [(s.start, len(s)) for s in found.stretches] == [(0.0, 300), (10.0, 200)]
    assert any("1 gap in the recording" in line for line in told)
    with pytest.raises(InputError, match="the recording has gaps: it holds 0 to 3 s, 10 to 12 s"):
        found.between(0, 0)
    with pytest.raises(InputError, match="has gaps"):
        found.between(2, 11)
    inside = found.between(10.5, 12)
    assert np.allclose(inside.values, found.stretches[1].values[50:])
    assert inside.start == 10.5


def test_records_that_follow_one_another_have_no_gap_though_they_might() -> None:
    found = read_edf(broken([0, 1, 2, 3]), "a.edf")
    assert len(found.between(0, 0)) == 400


def test_gaps_without_times_are_refused() -> None:
    made = [[DRAWN[k, 0], notes("")] for k in range(3)]
    assert "does not say when each record starts" in faults(edf(made, ["Cz", "EDF Annotations"], reserved="EDF+D"))


def test_events_of_no_duration_and_odd_ones() -> None:
    lines = ["+0\x14\x14", "+0.5\x14start\x14", "+1.25\x150\x14zero\x14two\x14", "+2\x15-3\x14back\x14", "1\x14no\x14"]
    made = [[DRAWN[0, 0], notes(*lines)]]
    found = read_edf(edf(made, ["Cz", "EDF Annotations"], reserved="EDF+C"), "a.edf")
    assert [tuple(event) for event in found.events] == [
        (0.5, 0.0, "start"), (1.25, 0.0, "zero"), (1.25, 0.0, "two"), (2.0, 0.0, "back")
    ]  # fmt: skip


def test_units_of_volts_become_microvolts() -> None:
    signals = [read_edf(edf(records(1), ["Cz"], physical=(-0.1 * k, 0.1 * k), unit=unit), "a.edf").stretches[0]
               for unit, k in (("uV", 1000), ("mV", 1), ("\u00b5V", 1000))]  # fmt: skip
    assert {signal.layout.unit for signal in signals} == {"uV"}
    assert np.allclose(signals[0].values, signals[1].values, rtol=1e-5)
    assert np.allclose(signals[0].values, signals[2].values, rtol=1e-5)


def test_what_is_no_edf_is_said_in_a_line() -> None:
    whole = edf(records(), "abc")
    assert "the file is empty" in faults(b"")
    assert "no EDF" in faults(b"RIFF" + whole[4:])
    assert "this is BDF" in faults(b"\xffBIOSEMI" + whole[8:])
    assert "cut off within its header, after 200 bytes" in faults(whole[:200])
    assert "cut off within its header, after 700 of 1024 bytes" in faults(whole[:700])
    assert "not one whole data record" in faults(whole[:1100])
    assert "number of channels is 'xy'" in faults(whole[:252] + b"xy  " + whole[256:])
    assert "the header promises -7 records" in faults(whole[:236] + b"-7      " + whole[244:])


def test_labels_that_are_equal_are_told_apart() -> None:
    assert read_edf(edf(records(), ["Cz", "Cz", ""]), "a.edf").stretches[0].layout.channels == (
        "Cz",
        "Cz 2",
        "channel 3",
    )
