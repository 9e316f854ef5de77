"""Log-mel and cepstral features against Kaldi's own code, and what is made of frames against sums written out."""

from __future__ import annotations

from typing import Any

import kaldi_native_fbank as knf
import numpy as np
import pytest
import scipy.linalg

from elman.errors import InputError
from elman.signals.bands import BANDS
from elman.signals.chain import Chain
from elman.signals.framing import frame_count
from elman.signals.signal import Layout, Signal


def speech(rate: int = 16000, seconds: float = 1.3) -> np.ndarray:
    """Something with tones, noise and loud and soft in it."""
    t = np.arange(round(rate * seconds)) / rate
    noise = np.random.default_rng(0).normal(size=len(t))
    return (0.3 * np.sin(2 * np.pi * 300 * t * (1 + t)) + 0.05 * noise * np.sin(3 * t)).astype(np.float32)


def features(x: np.ndarray, rate: float, *stages: Any) -> np.ndarray:
    x = x.reshape(len(x), -1)
    return Chain(stages)(Signal(x, Layout(rate, tuple("abcdefgh"[: x.shape[1]])))).values


def frame_options(options: Any, rate: int, edges: str, shape: str) -> None:
    options.frame_opts.samp_freq, options.frame_opts.dither = rate, 0
    options.frame_opts.snip_edges, options.frame_opts.window_type = edges == "snip", shape


def kaldi(made: Any, x: np.ndarray, rate: int) -> np.ndarray:
    made.accept_waveform(rate, x.tolist())
    made.input_finished()
    return np.stack([made.get_frame(t) for t in range(made.num_frames_ready)])


@pytest.mark.parametrize("edges", ["snip", "mirror"])
@pytest.mark.parametrize(("rate", "bins", "shape"), [(16000, 80, "povey"), (8000, 40, "hamming"), (16000, 23, "hann")])
def test_log_mel_is_kaldis(edges: str, rate: int, bins: int, shape: str) -> None:
    options = knf.FbankOptions()
    frame_options(options, rate, edges, {"hann": "hanning"}.get(shape, shape))
    options.mel_opts.num_bins = bins
    x = speech(rate)
    theirs = kaldi(knf.OnlineFbank(options), x, rate)
    ours = features(x, rate, {"name": "logmel", "bins": bins, "edges": edges, "shape": shape})
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 1e-4 * max(1, np.abs(theirs).max())


@pytest.mark.parametrize("edges", ["snip", "mirror"])
@pytest.mark.parametrize("energy", [True, False])
def test_cepstra_are_kaldis(edges: str, energy: bool) -> None:
    options = knf.MfccOptions()
    frame_options(options, 16000, edges, "povey")
    options.use_energy = energy
    x = speech() * 32768
    theirs = kaldi(knf.OnlineMfcc(options), x, 16000)
    ours = features(x / 32768, 16000, {"name": "mfcc", "edges": edges, "energy": energy, "scale": 32768})
    assert ours.shape == theirs.shape == (len(ours), 13)
    assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()


def test_bounds_of_the_mel_channels_are_kaldis() -> None:
    options = knf.FbankOptions()
    frame_options(options, 16000, "snip", "povey")
    options.mel_opts.num_bins, options.mel_opts.low_freq, options.mel_opts.high_freq = 40, 100, -400
    x = speech()
    ours = features(x, 16000, {"name": "logmel", "bins": 40, "low": 100, "high": -400, "edges": "snip"})
    theirs = kaldi(knf.OnlineFbank(options), x, 16000)
    assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()


@pytest.mark.parametrize("samples", [1, 79, 80, 100, 399, 400, 401, 560])
def test_however_short_a_word_is_it_has_a_frame(samples: int) -> None:
    assert len(features(speech()[:samples], 16000, "logmel")) == max(1, (samples + 80) // 160)
    assert frame_count(samples, 400, 160, "snip") == (samples >= 400) * (1 + (samples - 400) // 160)


def test_a_tone_stands_in_the_bands_that_hold_it() -> None:
    t = np.arange(1000) / 100
    x = np.stack([np.sin(2 * np.pi * 10 * t), 2 * np.sin(2 * np.pi * 6 * t)], 1)
    found = features(x, 100, {"name": "bands", "window": 2, "step": 1}).reshape(-1, 2, len(BANDS))
    names = list(BANDS)
    assert (found.argmax(2) == [names.index("alpha"), names.index("theta")]).all()


def test_the_power_of_white_noise_is_its_variance_in_every_band() -> None:
    x = 3 * np.random.default_rng(0).normal(size=(60_000, 2))
    found = features(x, 100, {"name": "bands", "window": 1, "step": 1})
    assert np.allclose(np.exp(found).mean(0), 9, rtol=0.1)


def test_covariances_of_a_band_are_logarithms_of_matrices() -> None:
    """Against scipy's logarithm of the covariance of what a Fourier transform leaves of one frame."""
    x = np.random.default_rng(0).normal(size=(200, 3)) @ np.array([[1, 0.8, 0], [0, 1, 0.5], [0, 0, 2]])
    stage = {"name": "covariances", "window": 2, "step": 2, "bands": {"slow": [4, 12]}, "shrink": 0.1}
    (found,) = features(x.astype(np.float32), 100, stage)
    shape = np.hanning(201)[:200, None]
    lines = np.fft.rfft((x - x.mean(0)) * shape, axis=0)[8:24]  # a line each half Hz
    S = np.real(sum(np.outer(z.conj(), z) for z in lines)) / 16 / np.square(shape).sum()
    S = 0.9 * S + 0.1 * np.trace(S) / 3 * np.eye(3)
    L = scipy.linalg.logm(S)
    root = 2**0.5
    wanted = [L[0, 0], root * L[0, 1], root * L[0, 2], L[1, 1], root * L[1, 2], L[2, 2]]
    assert np.allclose(found, wanted, atol=1e-4)
    (louder,) = features((3 * x).astype(np.float32), 100, stage)  # a gain is seen on the diagonal alone
    assert np.allclose(louder - found, np.log(9) * np.array([1, 0, 0, 1, 0, 1]), atol=1e-4)


def test_deltas_are_slopes_of_lines() -> None:
    x = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)
    found = features(x, 100, {"name": "deltas", "order": 2, "reach": 2})

    def padded(t: int) -> np.ndarray:
        return x[min(max(t, 0), 8)].astype(float)

    def slope(of: Any, t: int) -> np.ndarray:
        return sum(k * of(t + k) for k in (-2, -1, 1, 2)) / 10

    for t in range(9):
        assert np.allclose(found[t, :2], x[t])
        assert np.allclose(found[t, 2:4], slope(padded, t), atol=1e-6)
        assert np.allclose(found[t, 4:], slope(lambda s: slope(padded, s), t), atol=1e-6)


@pytest.mark.parametrize(
    ("count", "step", "frames", "expected"),
    [(3, 3, 7, [[0, 1, 2], [3, 4, 5], [6, 6, 6]]), (3, 3, 6, [[0, 1, 2], [3, 4, 5]]), (3, 1, 4, [[0, 1, 2], [1, 2, 3]]),
     (2, 3, 8, [[0, 1], [3, 4], [6, 7]]), (2, 3, 7, [[0, 1], [3, 4], [6, 6]]), (4, 2, 2, [[0, 1, 1, 1]])],
)  # fmt: skip
def test_frames_are_stacked_and_the_last_are_not_lost(
    count: int, step: int, frames: int, expected: list[list[int]]
) -> None:
    x = np.arange(frames, dtype=np.float32)[:, None]
    assert features(x, 100, {"name": "stack", "count": count, "step": step}).tolist() == expected


def test_a_recording_is_normalised_by_itself() -> None:
    x = 3 + 2 * np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    found = features(x, 100, "normalise")
    assert np.abs(found.mean(0)).max() < 1e-6
    assert np.allclose(found.std(0), 1)
    past = features(x, 100, {"name": "normalise", "over": "past"})
    t, before = 150, np.concatenate([np.zeros((0, 3)), x[:151]])
    squares = (np.square(before).sum(0) + 100) / 251
    mean = before.sum(0) / 251
    assert np.allclose(past[t], (x[t] - mean) / np.sqrt(squares - mean**2), atol=1e-5)


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ({"name": "logmel", "high": 9000}, "mel channels from 20 to 9000 Hz of a signal of 16000 Hz"),
        ({"name": "logmel", "bins": 2000}, "too many"),
        ({"name": "mfcc", "coefficients": 30}, "30 coefficients of 23 mel channels"),
        ({"name": "bands", "window": 0.0001}, "no line of the spectrum lies in delta"),
        ({"name": "covariances", "shrink": 2}, "shrink = 2"),
        ({"name": "bandpass", "low": 10, "high": 8000}, "a band of 10 to 8000 Hz"),
        ({"name": "notch", "at": 9000}, "there is no tone of 9000 Hz"),
        ({"name": "channels", "keep": ["Cz"]}, "no channel Cz"),
        ("reference", "one channel has no other"),
        ({"name": "logmel", "bins": "many"}, "bins = 'many': expected a whole number"),
        ({"name": "logmel", "bims": 3}, "did you mean 'bins'?"),
        ("logmell", "did you mean 'logmel'?"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_with_its_stage(stage: Any, said: str) -> None:
    with pytest.raises(InputError) as error:
        features(speech(), 16000, stage)
    assert said in str(error.value)
    assert "stage" in str(error.value)
