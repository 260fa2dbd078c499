"""Rates and their spectra, in one pass over rates.h5."""

import numpy
from scipy.signal import welch

from groups import chosen_populations
from run_folder import as_text, need
from words import unit

COLUMNS = 400
SPECTRA = 256  # populations whose spectra are computed
SEGMENT_S = 2.0
LEAST_SEGMENTS, LEAST_BINS = 8, 64
BATCH_BYTES = 16 << 20
BANDS = 12  # of an octave, for drawing


class RateSummary:
    """mean_hz [population]: after the warm-up; NaN for a population without neurons.
    type_hz [column, type], row_hz [column, row]: the whole run in at most `columns` equal steps of time, means over
    neurons of groups (see groups.py).
    spectra: Spectra of chosen populations, or None where the run is too short."""

    def __init__(self, run, groups, columns=COLUMNS):
        self.bin_ms, bins = run.rate_bins(), run.rate_length()
        self.width = -(-bins // columns)  # bins per column
        used = -(-bins // self.width)
        held = numpy.bincount(numpy.arange(bins) // self.width, minlength=used)[:, None]
        self.type_hz = numpy.zeros((used, len(groups.types.names)))
        self.row_hz = numpy.zeros((used, len(groups.rows.names)))
        after, first_after = 0.0, round(run.warmup_s * 1e3 / self.bin_ms)
        first_after = first_after if first_after < bins else 0
        chosen = chosen_populations(run.populations, SPECTRA)
        spectra = StreamingWelch(bins - first_after, self.bin_ms, len(chosen))
        for first, piece in run.rate_pieces():
            piece = numpy.nan_to_num(piece)
            column = numpy.arange(first, first + len(piece)) // self.width
            starts = numpy.flatnonzero(numpy.diff(column, prepend=-1))
            sums = numpy.add.reduceat(piece, starts, axis=0, dtype=float)
            self.type_hz[column[starts]] += groups.types.mean(sums)
            self.row_hz[column[starts]] += groups.rows.mean(sums)
            kept = piece[max(0, first_after - first):]
            after = after + kept.sum(axis=0, dtype=float)
            spectra.add(kept[:, chosen])
        self.type_hz /= held
        self.row_hz /= held
        self.mean_hz = numpy.where(run.populations.count > 0, after / max(1, bins - first_after), numpy.nan)
        self.column_s = self.width * self.bin_ms * 1e-3
        self.time_s = (numpy.arange(used) + 0.5) * self.column_s
        self.end_s = bins * self.bin_ms * 1e-3
        self.spectra = None
        many = f", {len(chosen)} of {len(self.mean_hz):,} populations" if len(chosen) < len(self.mean_hz) else ""
        if spectra.segments:
            self.spectra = Spectra(*spectra.usable(), chosen, "(sp/s)²/Hz",
                                   ("rates.h5", "/rates/data"), f"Welch's method: {spectra.segments} segments of "
                                   f"{spectra.length * self.bin_ms:g} ms, half overlapping, Hann window{many}")


class Spectra:
    """frequency_hz [F], power [population, F] of the populations with these indices that are not silent; where they
    come from."""

    def __init__(self, frequency_hz, power, population, unit, source, method):
        fires = (power > 0).any(axis=1)
        self.frequency_hz, self.power, self.population = frequency_hz, power[fires], population[fires]
        self.unit, self.source, self.method = unit, source, method


class StreamingWelch:
    """Welch's estimate of the power spectral density of each column of a series that comes in pieces: what
    scipy.signal.welch gives of the whole (Hann window, half overlap, constant detrend, one-sided). No segments where
    the series is too short."""

    def __init__(self, samples, sample_ms, columns):
        length = max(LEAST_BINS, round(SEGMENT_S * 1e3 / sample_ms))
        length = min(length, samples * 2 // (LEAST_SEGMENTS + 1))  # shorter segments where the run is short
        self.length = length - length % 2
        self.sample_ms, self.segments = sample_ms, 0
        self._sum = 0.0
        self._waiting = numpy.zeros((0, columns))
        self._long_enough = self.length >= LEAST_BINS
        self.frequency_hz = numpy.fft.rfftfreq(max(2, self.length), sample_ms * 1e-3)

    def add(self, rows):
        if not self._long_enough:
            return
        rows = numpy.concatenate([self._waiting, rows])
        half = self.length // 2
        most = max(1, BATCH_BYTES // max(1, 8 * half * rows.shape[1]))  # segments at a time
        first = 0
        while len(rows) - first >= self.length:
            segments = min(most, (len(rows) - first - half) // half)
            _, power = welch(rows[first:first + (segments + 1) * half], fs=1e3 / self.sample_ms, nperseg=self.length,
                             axis=0)
            self._sum = self._sum + power * segments
            self.segments += segments
            first += segments * half
        self._waiting = rows[first:]

    def power(self):
        """[column, frequency]"""
        return (self._sum / self.segments).T

    def usable(self):
        """(frequency, power) without the ends: detrending and the window take from the first two, and one-sided
        densities halve the last."""
        return self.frequency_hz[2:-1], self.power()[:, 2:-1]


def by_octaves(frequency, power):
    """Means over bands of equal ratio: (frequency [band], power [line, band]). On a logarithmic axis single lines of
    the high end would be a blot."""
    band = numpy.floor(numpy.log2(frequency / frequency[0]) * BANDS + 1e-9).astype(int)
    _, band = numpy.unique(band, return_inverse=True)
    held = numpy.bincount(band)
    means = numpy.stack([numpy.bincount(band, weights=row) for row in power]) / held
    return numpy.bincount(band, weights=frequency) / held, means


def recorded_spectra(run):
    """What spectra.h5 holds, or None."""
    file = run.files.get("spectra")
    if file is None or "spectra" not in file:
        return None
    frequency = need(file, "spectra/frequency_hz", 1)[()].astype(float)
    population = need(file, "spectra/population", 1)[()].astype(int)
    data = need(file, "spectra/power", 2, 3)
    if data.ndim == 3:  # an ensemble: member 0
        data = data[0] if data.shape[1] == len(population) else data[:, 0]
    power = numpy.asarray(data[()], dtype=float)
    segments = int(file["spectra/segments"][0]) if "spectra/segments" in file else None
    if len(frequency) < 8 or not len(population) or segments == 0:
        return None
    power_unit = unit(as_text(file["spectra/power"].attrs.get("units", b"")))
    method = "as the run computed it"
    if segments and "segment_ms" in file["spectra"].attrs:
        method = f"Welch's method: {segments} segments of {file['spectra'].attrs['segment_ms']:g} ms"
    return Spectra(frequency[2:-1], power[:, 2:-1], population,  # without the ends, as StreamingWelch.usable
                   power_unit or "arbitrary units", ("spectra.h5", "/spectra/power"), method)
