"""Audio files: what is read, how it is made 8 kHz mono, and what is refused with a clear word."""

import tracemalloc

import numpy as np
import pytest
import soundfile

from audio import AudioFileError, g711, synth, wavio
from audio.resample import Resampler, resample

pytestmark = pytest.mark.unit


def _pitch(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(spectrum.argmax()) * 8000 / samples.size


def _sine(rate: int, seconds: float = 1.3) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 1000 * np.arange(int(rate * seconds)) / rate)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000])
def test_other_rates_and_stereo(tmp_path, rate) -> None:
    path = tmp_path / "x.wav"
    mono = _sine(rate)
    soundfile.write(path, np.stack([mono, mono], axis=1), rate)
    samples = wavio.read(path)
    assert samples.dtype == np.int16
    assert samples.size == pytest.approx(1.3 * 8000, abs=1)
    assert _pitch(samples) == pytest.approx(1000, abs=2)
    assert np.abs(samples[400:-400]).max() == pytest.approx(16384, rel=0.02)


@pytest.mark.parametrize("subtype", ["ALAW", "ULAW", "FLOAT", "PCM_24"])
def test_wav_subtypes(tmp_path, subtype) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, _sine(8000), 8000, subtype=subtype)
    assert _pitch(wavio.read(path)) == pytest.approx(1000, abs=2)


def test_raw_laws(tmp_path) -> None:
    samples = synth.to_int16(synth.tone([1000.0], 1.0))
    (tmp_path / "x.al").write_bytes(g711.encode_alaw(samples).tobytes())
    (tmp_path / "x.ul").write_bytes(g711.encode_ulaw(samples).tobytes())
    for name in ("x.al", "x.ul"):
        assert np.abs(wavio.read(tmp_path / name).astype(int) - samples).max() < 512


def test_long_resampling_leaves_no_seams(tmp_path) -> None:
    path = tmp_path / "x.wav"
    soundfile.write(path, _sine(16000, 61.0), 16000)
    samples = wavio.read(path).astype(float)
    expected = 16384 * np.sin(2 * np.pi * 1000 * np.arange(samples.size) / 8000)
    assert np.abs(samples - expected)[800:-800].max() < 40


def test_nan_is_silence(tmp_path) -> None:
    path = tmp_path / "x.wav"
    data = np.zeros(8000, np.float32)
    data[100:200] = np.nan
    soundfile.write(path, data, 8000, subtype="FLOAT")
    assert not wavio.read(path).any()


@pytest.mark.parametrize(
    ("name", "content"),
    [("empty.wav", b""), ("text.wav", b"not audio at all"), ("cut.wav", b"RIFF\x24\x00\x00\x00WAVEfmt ")],
)
def test_broken_files_say_so(tmp_path, name, content) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(AudioFileError, match=name):
        wavio.read(path)


def _patched(path, offset: int, value: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset : offset + 4] = value.to_bytes(4, "little")
    path.write_bytes(data)


def test_a_sample_rate_that_contradicts_the_rest_of_the_header(tmp_path) -> None:
    path = tmp_path / "lie.wav"
    soundfile.write(path, _sine(8000), 8000, subtype="PCM_16")
    _patched(path, 24, 16000)
    with pytest.raises(AudioFileError, match=r"lie\.wav.*contradicts"):
        wavio.read(path)


def test_a_file_without_samples(tmp_path) -> None:
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 8000)
    (tmp_path / "none.al").write_bytes(b"")
    for name in ("none.wav", "none.al"):
        with pytest.raises(AudioFileError, match="no sound"):
            wavio.read(tmp_path / name)


def test_what_is_there_of_a_truncated_file_is_read(tmp_path) -> None:
    path = tmp_path / "cut.wav"
    soundfile.write(path, _sine(8000), 8000, subtype="PCM_16")
    path.write_bytes(path.read_bytes()[: 44 + 2 * 4000])
    assert wavio.read(path).size == 4000


def test_floats_that_are_not_audio(tmp_path) -> None:
    loud, holey = tmp_path / "loud.wav", tmp_path / "holey.wav"
    soundfile.write(loud, _sine(8000).astype(np.float32) * 32768, 8000, subtype="FLOAT")
    with pytest.raises(AudioFileError, match="full scale"):
        wavio.read(loud)
    data = _sine(8000).astype(np.float32)
    data[::3] = np.inf
    soundfile.write(holey, data, 8000, subtype="FLOAT")
    with pytest.raises(AudioFileError, match="no numbers"):
        wavio.read(holey)


def test_sixteen_bit_samples_called_g711(tmp_path) -> None:
    samples = synth.to_int16(synth.voice_like(2.0, seed=1))
    for order in ("<i2", ">i2"):
        (tmp_path / "x.raw").write_bytes(samples.astype(order).tobytes())
        with pytest.raises(AudioFileError, match="16-bit"):
            wavio.read(tmp_path / "x.raw")
    (tmp_path / "x.raw").write_bytes(g711.encode_alaw(samples).tobytes())
    assert wavio.read(tmp_path / "x.raw").size == samples.size


def test_an_hour_is_read_in_pieces(tmp_path) -> None:
    path = tmp_path / "hour.wav"
    with soundfile.SoundFile(path, "w", 8000, 1, "ULAW", format="WAV") as out:
        for _ in range(60):
            out.write(np.zeros(8000 * 60, np.int16))
    tracemalloc.start()
    size = sum(block.size for block in wavio.blocks(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == 3600 * 8000
    assert peak < 5_000_000  # the hour is 58 MB of samples


def test_nothing_folds_back_from_above_4_khz() -> None:
    for rate in (16000, 44100, 48000):
        time_s = np.arange(rate) / rate
        for hz in (4200, 5000, rate / 2 - 500):
            folded = resample(np.sin(2 * np.pi * hz * time_s).astype(np.float32), rate)
            assert np.abs(folded[400:-400]).max() < 10 ** (-60 / 20)


@pytest.mark.parametrize("rate", [8001, 11025, 44100])
def test_resampling_does_not_depend_on_the_blocks(rate) -> None:
    samples = np.random.default_rng(1).normal(0, 0.1, rate * 2 + 77).astype(np.float32)
    blocks = Resampler(rate)
    parts = [blocks.push(samples[start : start + 777]) for start in range(0, samples.size, 777)]
    assert np.array_equal(np.concatenate([*parts, blocks.finish()]), resample(samples, rate))


def test_missing_file_folder_and_mad_rate(tmp_path) -> None:
    with pytest.raises(AudioFileError, match=r"gone\.wav"):
        wavio.read(tmp_path / "gone.wav")
    with pytest.raises(AudioFileError):
        wavio.read(tmp_path)
    soundfile.write(tmp_path / "mad.wav", np.zeros(100), 10)
    with pytest.raises(AudioFileError, match="10 Hz"):
        wavio.read(tmp_path / "mad.wav")


def test_write_then_read(tmp_path) -> None:
    samples = synth.to_int16(synth.tone([700.0], 0.5))
    wavio.write(tmp_path / "x.wav", samples)
    assert np.array_equal(wavio.read(tmp_path / "x.wav"), samples)
