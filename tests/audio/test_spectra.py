"""Frames, spectra, mel filters and what follows, against their formulas in float64."""

import numpy as np
import pytest

from fastnn import audio

RNG = np.random.default_rng(3)
SIGNAL = RNG.normal(0, 0.3, 1700)


def frames_by_hand(signal, length, stride):
    starts = range(0, len(signal) - length + 1, stride)
    return np.array([signal[start : start + length] for start in starts])


@pytest.mark.parametrize(("length", "stride"), [(200, 80), (7, 7), (5, 11), (1700, 1), (1, 1)])
def test_frames(length, stride):
    expected = frames_by_hand(SIGNAL, length, stride)
    assert np.array_equal(audio.frame(SIGNAL, length, stride), expected)
    both = audio.frame(np.stack([SIGNAL, 2 * SIGNAL]), length, stride)
    assert np.array_equal(both, np.stack([expected, 2 * expected]))


def test_frames_are_a_view():
    frames = audio.frame(SIGNAL, 200, 80)
    assert np.shares_memory(frames, SIGNAL)
    with pytest.raises(ValueError, match="read-only"):
        frames[0, 0] = 1


@pytest.mark.parametrize("length", [1, 2, 5, 200])
def test_hann(length):
    symmetric = audio.hann(length, periodic=False)
    np.testing.assert_allclose(symmetric, np.hanning(length), atol=1e-15)
    if length > 1:  # NumPy's is symmetric: one more, less its last
        np.testing.assert_allclose(audio.hann(length), np.hanning(length + 1)[:-1], atol=1e-15)


def fourier(frame, points):
    """The transform by its definition."""
    n = np.arange(len(frame))
    waves = np.exp(-2j * np.pi * np.outer(np.arange(points // 2 + 1), n) / points)
    return waves @ frame


@pytest.mark.parametrize("points", [None, 40, 41, 64])
@pytest.mark.parametrize("window", ["hann", None, np.hamming(40)])
def test_spectrogram(points, window):
    weights = {"hann": np.hanning(41)[:-1], "None": np.ones(40)}.get(str(window), window)
    frames = frames_by_hand(SIGNAL, 40, 16)
    expected = np.array([abs(fourier(weights * f, points or 40)) for f in frames])
    for power in (1.0, 2.0):
        found = audio.spectrogram(SIGNAL, 40, 16, points, window, power)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, expected**power, rtol=1e-9, atol=1e-12)
        # float32's roundings, of sums over 40 samples that may cancel.
        found = audio.spectrogram(SIGNAL.astype("float32"), 40, 16, points, window, power)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected**power, rtol=1e-4, atol=1e-5)


def test_a_tone_is_in_its_bin_and_power_is_kept():
    tone = np.sin(2 * np.pi * 750 * np.arange(800) / 8000)
    spectra = audio.spectrogram(tone, 160, 80, window=None)
    assert (spectra.argmax(axis=-1) == 15).all()  # bins of 50 Hz
    twice = 2 * spectra.sum(axis=-1) - spectra[:, 0] - spectra[:, -1]
    np.testing.assert_allclose(twice / 160, 80)  # Parseval: half a unit of power, 160 times


@pytest.mark.parametrize("htk", [False, True])
def test_mel_scale(htk):
    hz = np.array([0, 20, 500, 999.999, 1000, 1001, 4000, 22050.0])
    slaney = [f * 3 / 200 if f < 1000 else 15 + 27 * np.log(f / 1000) / np.log(6.4) for f in hz]
    expected = 2595 / np.log(10) * np.log(1 + hz / 700) if htk else slaney
    np.testing.assert_allclose(audio.hz_to_mel(hz, htk), expected, rtol=1e-12)
    np.testing.assert_allclose(audio.mel_to_hz(audio.hz_to_mel(hz, htk), htk), hz, atol=1e-9)
    assert float(audio.hz_to_mel(1000.0, htk)) == pytest.approx(999.98554 if htk else 15)


@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize("norm", ["slaney", None])
def test_mel_filters_by_a_loop(htk, norm):
    filters = audio.mel_filters(8000, 256, 20, 100.0, 3500.0, htk, norm)
    assert filters.shape == (129, 20) and filters.dtype == np.float64
    low, high = (float(audio.hz_to_mel(f, htk)) for f in (100.0, 3500.0))
    corner = [float(audio.mel_to_hz(low + (high - low) * i / 21, htk)) for i in range(22)]
    for k, m in np.ndindex(filters.shape):
        f, (a, b, c) = k * 8000 / 256, corner[m : m + 3]
        height = (f - a) / (b - a) if a <= f <= b else (c - f) / (c - b) if b < f <= c else 0
        height *= 2 / (c - a) if norm else 1
        assert filters[k, m] == pytest.approx(height, rel=1e-9, abs=1e-12)


def test_narrow_filters_warn():
    with pytest.warns(UserWarning, match="filters hold no bin"):
        filters = audio.mel_filters(8000, 128, 80)
    assert np.isfinite(filters).all() and not filters.any(axis=0).all()


def test_log_mel_is_what_it_is_made_of():
    filters = audio.mel_filters(8000, 256, 24, 50.0, 3800.0, htk=True, norm=None)
    expected = np.log(audio.spectrogram(SIGNAL, 200, 80, 256) @ filters)
    found = audio.log_mel(SIGNAL, 8000, 200, 80, 256, 24, 50.0, 3800.0, True, None)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    by_default = audio.log_mel(SIGNAL, 8000, fft_length=256, num_mel_bins=24, min_freq=50.0)
    assert by_default.shape == expected.shape  # 25 and 10 milliseconds
    single = audio.log_mel(SIGNAL.astype("float32"), 8000, fft_length=256)
    assert single.dtype == np.float32
    double = audio.log_mel(SIGNAL, 8000, fft_length=256)
    np.testing.assert_allclose(single, double, atol=1e-4)
    silence = audio.log_mel(np.zeros(800), 8000, min_power=1e-6)
    np.testing.assert_allclose(silence, np.log(1e-6))


def test_mfcc_is_the_cosine_transform():
    x = RNG.normal(size=(3, 5, 12))
    found = audio.mfcc(x, 12)
    for k in range(12):
        wave = np.cos(np.pi * k * (2 * np.arange(12) + 1) / 24) * np.sqrt((1 + (k > 0)) / 12)
        np.testing.assert_allclose(found[..., k], (x * wave).sum(axis=-1), atol=1e-12)
    np.testing.assert_allclose((found**2).sum(-1), (x**2).sum(-1))  # orthonormal
    np.testing.assert_allclose(audio.mfcc(x, 4), found[..., :4], atol=1e-12)


@pytest.mark.parametrize("width", [3, 5, 9])
def test_delta_is_the_slope_of_the_best_line(width):
    x = RNG.normal(size=(2, 6, 3))
    half = width // 2
    at = np.clip(np.arange(6)[:, None] + np.arange(-half, half + 1), 0, 5)  # ends repeated
    expected = np.empty_like(x)
    for b, t, d in np.ndindex(x.shape):
        expected[b, t, d] = np.polyfit(np.arange(width), x[b, at[t], d], 1)[0]
    np.testing.assert_allclose(audio.delta(x, width), expected, atol=1e-12)


def test_stacked_frames():
    x = np.arange(14, dtype=np.float32).reshape(7, 2)
    assert audio.stack_frames(x, 3).tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
    assert audio.stack_frames(x[None], 1).shape == (1, 7, 2)
    assert audio.stack_frames(x, 8).shape == (0, 16)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: audio.frame([], 4, 2), ValueError, "frame: the signal has 0 samples, fewer than"),
        (lambda: audio.frame([0.0] * 3, 4, 2), ValueError, "has 3 samples, fewer than the 4"),
        (lambda: audio.frame(0.5, 1, 1), ValueError, r"signal has shape \(\), expected at least 1"),
        (lambda: audio.frame(SIGNAL, 0, 1), ValueError, "sequence_length must be at least 1, got"),
        (lambda: audio.frame(SIGNAL, 4, 0), ValueError, "sequence_stride must be at least 1"),
        (lambda: audio.frame(SIGNAL, 4.0, 1), TypeError, "must be an integer, got 4.0"),
        (lambda: audio.frame(np.ones(2, "i2"), 4, 2), TypeError, "int16; 16-bit samples: divide"),
        (lambda: audio.frame(["abc"], 1, 1), TypeError, r"floats, got \['abc'\] \(<U3\)$"),
        (lambda: audio.frame(None, 1, 1), TypeError, r"frame: signal .* got None \(object\)$"),
        (lambda: audio.frame([0.0, np.nan], 1, 1), ValueError, "holds NaN or infinity"),
        (lambda: audio.frame([1e300], 1, 1), ValueError, "holds NaN or infinity as float32"),
        (
            lambda: audio.frame([[1.0], [1.0, 2.0]], 2, 1),
            ValueError,
            "frame: signal must have rows of equal length, got",
        ),
        (lambda: audio.spectrogram([], 4, 2), ValueError, "spectrogram: the signal has 0"),
        (lambda: audio.spectrogram(SIGNAL, 40, 2, 32), ValueError, "fft_length is 32, shorter"),
        (lambda: audio.spectrogram(SIGNAL, 40, 2, window="box"), ValueError, "window is 'box'"),
        (lambda: audio.spectrogram(SIGNAL, 40, 2, window=[1.0]), ValueError, r"window has shape"),
        *(
            (lambda power=power: audio.spectrogram(SIGNAL, 40, 2, power=power), error, message)
            for power, error in (
                (0, ValueError),
                (np.nan, ValueError),
                (np.inf, ValueError),
                ("2", TypeError),
                (None, TypeError),
            )
            for message in [f"spectrogram: power must be a finite number above 0.*got {power!r}"]
        ),
        (
            lambda: audio.spectrogram(SIGNAL, 2, 1, window=[np.nan, 1]),
            ValueError,
            "spectrogram: window must be finite",
        ),
        (
            lambda: audio.spectrogram(SIGNAL, 2, 1, window=["a", "b"]),
            TypeError,
            r"spectrogram: window must hold numbers, got \['a', 'b'\]",
        ),
        (
            lambda: audio.spectrogram(SIGNAL, 2, 1, 10**30),
            ValueError,
            "spectrogram: fft_length must be at most 2147483647, got 1000",
        ),
        (
            lambda: audio.spectrogram(np.full(100, 1e30, "f"), 80, 40),
            ValueError,
            "spectrogram: signal must be smaller: .* power of 2 is beyond float32",
        ),
        (lambda: audio.hz_to_mel(-5.0), ValueError, "hz_to_mel: frequencies must be at least 0"),
        (lambda: audio.hz_to_mel([0, -800], True), ValueError, "at least 0, got -800"),
        (lambda: audio.hz_to_mel("abc"), TypeError, "hz_to_mel: frequencies must hold numbers"),
        *(
            (
                lambda mels=mels, htk=htk: audio.mel_to_hz(mels, htk),
                ValueError,
                rf"mel_to_hz: mels must have frequencies below 1.8e\+308, got {told} mel",
            )
            for mels, htk, told in (
                ([1.0, 11000.0], False, "11000"),
                (1e308, False, r"1e\+308"),
                (800000.0, True, "800000"),
            )
        ),
        (lambda: audio.mel_to_hz(None), TypeError, "mel_to_hz: mels must hold numbers, got None"),
        (lambda: audio.mel_filters(8000, 256, 0), ValueError, "num_mel_bins must be"),
        (
            lambda: audio.mel_filters(10**400, 256),
            ValueError,
            "mel_filters: sampling_rate must be a finite number .*, got 1000.{0,40}$",
        ),
        *(
            (lambda given=given: audio.mel_filters(8000, 256, **given), TypeError, message)
            for given in ({"min_freq": "0"}, {"min_freq": None}, {"max_freq": "4000"})
            for name, value in given.items()
            for message in [f"mel_filters: {name} must be a finite number, got {value!r}"]
        ),
        (
            lambda: audio.mel_filters(8000, 256, norm=np.zeros(3)),
            TypeError,
            r"mel_filters: norm must be 'slaney' or None, got array\(\[0",
        ),
        (lambda: audio.mel_filters(8000, 256, max_freq=5000), ValueError, "max_freq <= 4000"),
        (lambda: audio.mel_filters(8000, 256, min_freq=4000), ValueError, "min_freq 4000"),
        (lambda: audio.mel_filters(8000, 256, norm="area"), ValueError, "norm must be 'slaney'"),
        (lambda: audio.mfcc(np.ones((4, 12)), 13), ValueError, "num_coefficients is 13, but"),
        (lambda: audio.mfcc(np.ones(12)), ValueError, "expected at least 2 axes"),
        (lambda: audio.delta(np.ones((4, 2)), 4), ValueError, "width must be odd, got 4"),
        (lambda: audio.delta(np.ones((0, 2))), ValueError, "has no frames"),
        (lambda: audio.stack_frames(np.ones((4, 2)), 0), ValueError, "count must be at least 1"),
        (lambda: audio.hann(0), ValueError, "hann: length must be"),
    ],
)
def test_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parity
def test_agrees_with_librosa():
    librosa = pytest.importorskip("librosa")
    ours = audio.spectrogram(SIGNAL, 200, 80, 256)
    theirs = librosa.stft(SIGNAL, n_fft=256, hop_length=80, win_length=200, center=False)
    # It takes frames of n_fft, with the window in their middle.
    shifted = audio.spectrogram(SIGNAL[28:], 200, 80, 256)[: theirs.shape[1]]
    np.testing.assert_allclose(shifted, abs(theirs.T) ** 2, rtol=1e-9, atol=1e-12)
    for htk in (False, True):
        hz = np.linspace(0, 8000, 50)
        np.testing.assert_allclose(audio.hz_to_mel(hz, htk), librosa.hz_to_mel(hz, htk=htk))
        mel = librosa.hz_to_mel(hz, htk=htk)
        np.testing.assert_allclose(audio.mel_to_hz(mel, htk), librosa.mel_to_hz(mel, htk=htk))
        for norm in ("slaney", None):
            filters = librosa.filters.mel(
                sr=8000, n_fft=256, n_mels=30, fmin=80, fmax=3700, htk=htk, norm=norm
            )  # float32
            found = audio.mel_filters(8000, 256, 30, 80, 3700, htk, norm)
            np.testing.assert_allclose(found.T, filters, rtol=1e-5, atol=1e-8)
    mel = np.log(ours @ audio.mel_filters(8000, 256, 30))
    theirs = librosa.feature.mfcc(S=mel.T, n_mfcc=13)
    np.testing.assert_allclose(audio.mfcc(mel, 13), theirs.T, rtol=1e-9, atol=1e-10)
    for width in (3, 9):
        theirs = librosa.feature.delta(mel.T, width=width, mode="nearest")
        np.testing.assert_allclose(audio.delta(mel, width), theirs.T, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("value", [0, -1e-10, np.nan, np.inf, "x", None])
def test_rates_and_powers_that_are_none(value):
    error = ValueError if isinstance(value, (int, float)) else TypeError
    for name in ("sampling_rate", "min_power"):
        with pytest.raises(error, match=f"log_mel: {name} must be a finite number above 0"):
            audio.log_mel(SIGNAL, **{"sampling_rate": 8000, name: value})
    with pytest.raises(error, match="mel_filters: sampling_rate must be a finite number"):
        audio.mel_filters(value, 256)


@pytest.mark.parametrize("power", [1e-60, 1e39])
def test_the_least_power_is_one_of_the_results_dtype(power):
    with pytest.raises(ValueError, match=r"log_mel: min_power must be .* above 0 in float32, got"):
        audio.log_mel(np.zeros(800, "f"), 8000, min_power=power)
    silence = audio.log_mel(np.zeros(800), 8000, min_power=power)
    np.testing.assert_allclose(silence, np.log(power))
    assert np.isfinite(audio.log_mel(np.zeros(800, "f"), 8000, min_power=1e-44)).all()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"sampling_rate": 10}, ValueError, "sequence_length, if None 0.025 s at .* 10, must be"),
        ({"sampling_rate": 1e300}, ValueError, "sequence_length, if None .*, got 2.{0,39}$"),
        ({"sampling_rate": 45}, ValueError, "sequence_stride, if None 0.01 s at sampling_rate 45"),
        ({"signal": np.ones(800, np.int16)}, TypeError, "signal must hold floats, .*int16"),
        ({"signal": np.ones(8)}, ValueError, "the signal has 8 samples, fewer than the 200 of a"),
        ({"sequence_length": 2.5}, TypeError, "sequence_length must be an integer, got 2.5"),
        ({"fft_length": 20}, ValueError, "fft_length is 20, shorter"),
        ({"num_mel_bins": 0}, ValueError, "num_mel_bins must be at least 1"),
        ({"min_freq": "0"}, TypeError, "min_freq must be a finite number, got '0'"),
        ({"max_freq": 5000}, ValueError, "expected 0 <= min_freq < max_freq <= 4000"),
        ({"norm": "area"}, ValueError, "norm must be 'slaney' or None, got 'area'"),
    ],
)
def test_errors_of_log_mel_are_its_own(change, error, message):
    with pytest.raises(error, match=f"^log_mel: {message}"):
        audio.log_mel(**{"signal": SIGNAL, "sampling_rate": 8000, **change})


def test_warnings_of_log_mel_are_its_own():
    with pytest.warns(UserWarning, match="log_mel: .* filters hold no bin") as caught:
        audio.log_mel(SIGNAL, 8000, num_mel_bins=120)
    assert caught[0].filename == __file__
