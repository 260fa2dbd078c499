"""Up and down states in the report: those put into rates are found with their durations and levels, and where there is
one level nothing is drawn."""

import os
import sys

import h5py
import numpy

import checks
from checks import caption, check_page, read_page, report

import run_folder  # noqa: E402  (checks puts the folders on the path)
import states  # noqa: E402
import synthetic  # noqa: E402

LAYERS = ("E", "I")
FIGURES = {"rates", "rate_bars", "spectra", "timing"}


def make(folder, level_hz, bin_ms=2.0, warmup_s=1.0, record=("rates",)):
    """A run of 4,000 E and 4,000 I neurons whose counts are Poisson about a level [bin], I neurons at twice the
    rate."""
    generator = numpy.random.default_rng(7)
    synthetic.make(folder, layers=LAYERS, neurons=8000, seconds=len(level_hz) * bin_ms * 1e-3, warmup_s=warmup_s,
                   bin_ms=bin_ms, record=record, spike_limit_s=3)
    size = 4000 * bin_ms * 1e-3
    rates = generator.poisson(numpy.outer(level_hz, [1, 2]) * size) / size
    with h5py.File(os.path.join(folder, "rates.h5"), "r+") as file:
        file["rates/data"][...] = rates
    return rates


def alternating(seed, low, high, count=40, bin_ms=2.0):
    """(level [bin], durations of down and of up states in s), drawn."""
    generator = numpy.random.default_rng(seed)
    down, up = numpy.round(generator.gamma(6, 0.1, count), 2), numpy.round(generator.gamma(4, 0.1, count), 2) + 0.1
    down[0] += 1.0  # the warm-up
    pairs = numpy.stack([down, up], axis=1).ravel()
    bins = numpy.rint(pairs / bin_ms * 1e3).astype(int)
    return numpy.repeat(numpy.tile([low, high], count), bins), down, up


def test_found(folder):
    """Durations to within a bin of 10 ms at either end, levels within 5 %."""
    level, down, up = alternating(3, 0.02, 5.0)
    make(folder, level, record=("rates", "spikes"))
    found = states.find_states(run_folder.Run(folder))
    assert found.clear() and found.valley < 0.2, found.valley
    # The first down state is cut off by the warm-up, the last up state by the end.
    assert (len(found.down_s), len(found.up_s)) == (39, 39), (len(found.down_s), len(found.up_s))
    # A step of the rate by a factor of 250 crosses the valley where the Gaussian of 20 ms is 6 % up.
    early = 0.03
    assert numpy.abs(found.up_s - up[:-1] - 2 * early).max() < 0.03, numpy.abs(found.up_s - up[:-1]).max()
    assert numpy.abs(found.down_s - down[1:] + 2 * early).max() < 0.03
    assert 0.05 < found.threshold_hz < 1.0, found.threshold_hz
    assert found.which == "E" and 4.0 < found.mean_hz(True) < 5.0 and found.mean_hz(False) < 0.06
    report(folder)
    page = check_page(folder, FIGURES | {"states", "raster", "neurons"})
    said = caption(page, "states")
    assert f"of {39} and {39}" in said and f"{found.up.mean() * 100:.0f} % of the time" in said, said
    assert "Mean duration of up and down states" in page and "as of cortex asleep (0.1 to 4)" in page


def test_durations_judged(folder):
    """Cycles slower than those of sleep are said to be; without spikes the rate alone is drawn."""
    make(folder, numpy.tile(numpy.repeat([0.02, 5.0], [3000, 3000]), 8))
    report(folder)
    page = check_page(folder, FIGURES | {"states"})
    assert "slower than those of cortex" in page and "6.06 s" in caption(page, "states")
    assert "0.0833 Hz" in caption(page, "states")


def test_one_level(folder):
    """Constant rates, slow waves of one level, states too near each other, and too few of them: no figure."""
    bins = 12000
    time = numpy.arange(bins) * 0.002
    noise = numpy.random.default_rng(5).normal(size=bins)
    slow = numpy.convolve(noise, numpy.hanning(200), "same")
    for name, level in (("constant", numpy.full(bins, 3.0)), ("slow", 3 * numpy.exp(0.5 * slow / slow.std())),
                        ("near", numpy.where(time % 1 < 0.5, 3.0, 7.5)),
                        ("few", numpy.where((time > 8) & (time < 16), 5.0, 0.05)), ("silent", numpy.zeros(bins))):
        make(f"{folder}_{name}", level)
        found = states.find_states(run_folder.Run(f"{folder}_{name}"))
        assert found is None or not found.clear(), name
        if name in ("constant", "slow", "silent"):
            assert found is None or found.valley > states.VALLEY, (name, found.valley)
    make(folder, numpy.tile(numpy.repeat([0.02, 5.0], [1500, 1500]), 4))
    assert states.find_states(run_folder.Run(folder)).clear()
    states.LEAST_NEURONS, least = 4001, states.LEAST_NEURONS
    assert states.find_states(run_folder.Run(folder)) is None, "too few neurons"
    states.LEAST_NEURONS = least
    report(folder + "_near")
    check_page(folder + "_near", FIGURES)
    assert "up states" not in read_page(folder + "_near")


def test_pieces(folder):
    """The same whatever the pieces in which rates are read, also with a warm-up that ends within a bin of 10 ms."""
    level, _, _ = alternating(11, 0.05, 4.0, 8)
    make(folder, level, warmup_s=1.234)
    once = states.find_states(run_folder.Run(folder))
    whole, run_folder.PIECE_BYTES = run_folder.PIECE_BYTES, 7000
    again = states.find_states(run_folder.Run(folder))
    run_folder.PIECE_BYTES = whole
    assert abs(once.time_s[0] - 1.245) < 1e-9 and once.time_s[0] == again.time_s[0]
    assert numpy.allclose(once.rate_hz, again.rate_hz, rtol=1e-12)
    assert (once.up == again.up).all()


def test_short_states():
    """What is shorter than 50 ms belongs to what is around it, but at the ends."""
    up = numpy.repeat([1, 0, 1, 0, 1, 0, 1], [2, 10, 3, 10, 8, 2, 9]).astype(bool)
    kept = states._without_short(up, 5)
    assert (kept == numpy.repeat([1, 0, 1], [2, 23, 19])).all(), kept.astype(int)
    flicker = numpy.repeat([1, 0, 1, 0, 1], [20, 3, 3, 3, 20]).astype(bool)
    assert states._without_short(flicker, 5).all(), "gaps are filled first"
    first, length = states.runs_of(kept)
    assert first.tolist() == [0, 2, 25] and length.tolist() == [2, 23, 19]


if __name__ == "__main__":
    sys.exit(checks.main(globals()))
