"""Sound: reading WAV files, and what recognisers are fed with instead of samples.

Everything here is NumPy on arrays, before a network sees them. A signal is [..., samples], floats
from -1 to 1; lengths and steps are in samples, frequencies in hertz. Results are float64 for
float64 signals, else float32.
"""

from fastnn.audio.features import delta, mfcc, stack_frames
from fastnn.audio.mel import hz_to_mel, log_mel, mel_filters, mel_to_hz
from fastnn.audio.spectrum import frame, hann, spectrogram
from fastnn.audio.wav import read_wav

__all__ = [
    "delta",
    "frame",
    "hann",
    "hz_to_mel",
    "log_mel",
    "mel_filters",
    "mel_to_hz",
    "mfcc",
    "read_wav",
    "spectrogram",
    "stack_frames",
]
