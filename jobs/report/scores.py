"""Scores of simulated or forecast BOLD against measured BOLD, and of simple forecasts that a model must beat.

Signals are arrays [volume, region]. Skill is what holds on data that the fit has not seen: score the second half of a
recording by what was fitted to the first, and by all four of functional connectivity, its dynamics, spectrum and
forecast, as any one alone can be gamed.

    python3 jobs/report/scores.py MEASURED [--model SIMULATED] [--forecast FORECAST] [--structure CONNECTOME]
                                  [--tr SECONDS] [--out scores.h5]

MEASURED and others: bold.h5, .mat (`tc` of any orientation with fewer regions than volumes, `sc`), .npy, or text.
MEASURED is split in halves; the model, the structure and the baselines are scored on the second. FORECAST: of every
volume of MEASURED, made before it was seen, NaN where there is none (or assimilation.h5). `callosum report` shows
scores.h5 where it lies in the folder of an assimilation.
"""

import argparse
import os
import sys

import numpy

from connectivity import correlation, distance, symmetric, upper

WINDOW_S = 60.0    # of the dynamics of functional connectivity
STEP_S = 2.0       # from one window to the next, or a volume where that is longer
SEGMENT_S = 100.0  # of Welch's spectra
MOST_LAGS = 10     # of autoregressions
SCORES = ("fc_r", "fcd_ks", "spectrum", "replay_r", "forecast_r", "forecast_error")

# ---- functional connectivity


def fc(signal):
    """Pearson correlation of all pairs of regions."""
    with numpy.errstate(invalid="ignore", divide="ignore"):
        return numpy.corrcoef(numpy.asarray(signal, float).T)


def fc_correlation(first, second):
    """Pearson's r between two matrices over the pairs i < j where both are finite."""
    return correlation(upper(numpy.asarray(first)), upper(numpy.asarray(second)))


def structure_correlation(weights, signal):
    """Pearson's r over pairs i < j between log(1 + weight), both directions' mean, and functional connectivity."""
    return fc_correlation(numpy.log1p(symmetric(numpy.asarray(weights, float))), fc(signal))


def fcd(signal, tr_s, window_s=WINDOW_S, step_s=STEP_S):
    """Dynamics of functional connectivity (E. C. A. Hansen et al., NeuroImage 105:525, 2015): [window, window] Pearson
    correlation of the pairs i < j of any two windows."""
    signal = numpy.asarray(signal, float)
    width, step = round(window_s / tr_s), max(1, round(step_s / tr_s))
    starts = range(0, len(signal) - width + 1, step)
    if width < 3 or len(starts) < 2:
        return numpy.full((0, 0), numpy.nan)
    pairs = numpy.stack([upper(fc(signal[start:start + width])) for start in starts])
    varies = numpy.isfinite(pairs).all(axis=0)
    return fc(pairs[:, varies].T)


def fcd_distance(first, second, first_tr_s, second_tr_s=None):
    """Kolmogorov-Smirnov distance between the distributions of the pairs i < j of windows: 0 alike, 1 apart; NaN where
    one is shorter than two windows."""
    values = [upper(fcd(signal, tr_s)) if len(signal) * tr_s > WINDOW_S else numpy.zeros(0)
              for signal, tr_s in ((first, first_tr_s), (second, second_tr_s or first_tr_s))]
    return distance(*(value[numpy.isfinite(value)] for value in values))


# ---- spectra


def spectra(signal, tr_s, segment_s=SEGMENT_S):
    """Welch's power spectra (Hann windows, half overlapping, means removed), each divided by its sum without frequency
    0: (frequency in Hz, share [frequency, region])."""
    from scipy.signal import welch
    signal = numpy.asarray(signal, float)
    frequency, power = welch(signal, 1 / tr_s, nperseg=min(len(signal), round(segment_s / tr_s)), axis=0)
    with numpy.errstate(invalid="ignore", divide="ignore"):
        return frequency[1:], power[1:] / power[1:].sum(axis=0)


def spectrum_distance(first, second, first_tr_s, second_tr_s=None):
    """Mean over regions of the distance between cumulative spectra, up to the lower of the two highest frequencies:
    0 alike, 1 where all power of one lies below all of the other."""
    (f, p), (g, q) = spectra(first, first_tr_s), spectra(second, second_tr_s or first_tr_s)
    top = min(f[-1], g[-1]) * (1 + 1e-9)
    grid = numpy.union1d(f[f <= top], g[g <= top])
    distances = []
    for region in range(p.shape[1]):
        sums = []
        for at, share in ((f, p[:, region]), (g, q[:, region])):
            below = numpy.concatenate([[0], numpy.cumsum(share[at <= top])])
            sums.append(numpy.interp(grid, numpy.concatenate([[0], at[at <= top]]), below / below[-1]))
        distances.append(numpy.abs(sums[0] - sums[1]).max())
    distances = numpy.array(distances)
    return float(distances[numpy.isfinite(distances)].mean()) if numpy.isfinite(distances).any() else float("nan")


# ---- volume by volume


def region_correlation(forecast, observed):
    """Pearson's r of every region over the volumes where both are finite: of a replay, or of forecasts."""
    return numpy.array([correlation(f, o) for f, o in zip(numpy.asarray(forecast, float).T,
                                                         numpy.asarray(observed, float).T)])


def relative_error(forecast, observed):
    """Root mean square error of every region over its standard deviation: 1 is what its mean would do."""
    forecast, observed = numpy.asarray(forecast, float), numpy.asarray(observed, float)
    known = numpy.isfinite(forecast) & numpy.isfinite(observed)
    square = numpy.where(known, (forecast - observed) ** 2, 0).sum(axis=0) / numpy.maximum(1, known.sum(axis=0))
    mean = numpy.where(known, observed, 0).sum(axis=0) / numpy.maximum(1, known.sum(axis=0))
    variance = numpy.where(known, (observed - mean) ** 2, 0).sum(axis=0) / numpy.maximum(1, known.sum(axis=0))
    with numpy.errstate(invalid="ignore", divide="ignore"):
        return numpy.sqrt(square / variance)


def persistence(signal):
    """The forecast that the next volume is the present one; NaN for the first."""
    signal = numpy.asarray(signal, float)
    return numpy.concatenate([numpy.full((1, signal.shape[1]), numpy.nan), signal[:-1]])


class Autoregression:
    """x_t = mean + sum_k coefficients[k] (x_{t-1-k} - mean) + noise of one region, by least squares; of orders 0 ...
    most that with the least BIC, all compared on the same volumes."""

    def __init__(self, series, most=MOST_LAGS):
        series = numpy.asarray(series, float)
        self.mean = series.mean()
        centred = series - self.mean
        most = min(most, (len(series) - 1) // 3)
        count, best = len(series) - most, numpy.inf
        self.coefficients = numpy.zeros(0)
        for order in range(most + 1):
            coefficients, noise = _least_squares(centred, order, most)
            bic = count * numpy.log(max((noise ** 2).mean(), 1e-300)) + order * numpy.log(count)
            if bic < best:
                best, self.coefficients = bic, coefficients
        order = len(self.coefficients)
        self.coefficients, self.noise = _least_squares(centred, order, order)  # of all volumes that have a past

    def forecast(self, series):
        """Of every volume by those before it; NaN where there are too few."""
        centred, order = numpy.asarray(series, float) - self.mean, len(self.coefficients)
        forecast = numpy.full(len(centred), numpy.nan)
        forecast[order:] = self.mean + _lags(centred, order, order) @ self.coefficients
        return forecast


def _lags(centred, order, first):
    """[volume from `first` on, lag 1 ... order]"""
    columns = [centred[first - lag:len(centred) - lag] for lag in range(1, order + 1)]
    return numpy.stack(columns, axis=1) if columns else numpy.zeros((len(centred) - first, 0))


def _least_squares(centred, order, first):
    past, present = _lags(centred, order, first), centred[first:]
    coefficients = numpy.linalg.lstsq(past, present, rcond=None)[0] if order else numpy.zeros(0)
    return coefficients, present - past @ coefficients


def autoregressions(signal, most=MOST_LAGS):
    return [Autoregression(series, most) for series in numpy.asarray(signal, float).T]


def simulate(models, volumes, seed=1, together=False, settle=200):
    """A signal [volume, region] of autoregressions. together: their noises covary as those of the fit; else regions
    know nothing of each other."""
    generator = numpy.random.default_rng(seed)
    length = min(len(model.noise) for model in models)
    noises = numpy.stack([model.noise[-length:] for model in models], axis=1)
    covariance = numpy.cov(noises.T).reshape(len(models), len(models))
    if not together:
        covariance = numpy.diag(numpy.diag(covariance))
    drawn = generator.multivariate_normal(numpy.zeros(len(models)), covariance, size=settle + volumes,
                                          check_valid="ignore", method="svd")
    from scipy.signal import lfilter
    columns = [model.mean + lfilter([1.0], numpy.concatenate([[1.0], -model.coefficients]), drawn[:, r])[settle:]
               for r, model in enumerate(models)]
    return numpy.stack(columns, axis=1)


# ---- tables


def _mean(values):
    values = values[numpy.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")


def of_signal(signal, measured, tr_s, measured_tr_s=None):
    """Scores of a signal that runs freely, whose volumes are none of the measured."""
    return {"fc_r": fc_correlation(fc(signal), fc(measured)),
            "fcd_ks": fcd_distance(signal, measured, tr_s, measured_tr_s),
            "spectrum": spectrum_distance(signal, measured, tr_s, measured_tr_s)}


def of_forecast(forecast, observed):
    return {"forecast_r": _mean(region_correlation(forecast, observed)),
            "forecast_error": _mean(relative_error(forecast, observed))}


def of_replay(replay, observed, tr_s):
    """Scores of a replay, volume by volume beside the measured."""
    return {**of_signal(replay, observed, tr_s), "replay_r": _mean(region_correlation(replay, observed))}


def halves(signal):
    """The first and the second half; the second has the odd volume."""
    middle = len(signal) // 2
    return signal[:middle], signal[middle:]


def baselines(signal, tr_s, structure=None, seed=1):
    """{name: {score: value}} on the second half of a measured signal, of what knows the first half only."""
    signal = numpy.asarray(signal, float)
    first, second = halves(signal)
    models = autoregressions(first)
    beyond = numpy.arange(len(signal)) >= len(first)
    forecasts = numpy.stack([model.forecast(series) for model, series in zip(models, signal.T)], axis=1)
    rows = {"first half": of_signal(first, second, tr_s),
            "persistence": of_forecast(persistence(signal)[beyond], second),
            "AR": {**of_signal(simulate(models, len(second), seed), second, tr_s),
                   **of_forecast(forecasts[beyond], second)},
            "AR, noise together": of_signal(simulate(models, len(second), seed, together=True), second, tr_s)}
    if structure is not None:
        rows["log structure"] = {"fc_r": structure_correlation(structure, second)}
    return rows


def write(path, tr_s, rows, **more):
    """scores.h5, whole or not at all: /row, names of what was scored, and beside it one dataset [row] for each score, NaN where
    there is none; attributes tr_s and others."""
    import h5py
    found = [key for key in SCORES if any(key in row for row in rows.values())]
    with h5py.File(path + ".part", "w") as file:
        file.attrs.update({"tr_s": tr_s, **more})
        file["row"] = numpy.array(list(rows), object).astype(h5py.string_dtype())
        for key in found:
            file[key] = numpy.array([row.get(key, numpy.nan) for row in rows.values()], float)
    os.replace(path + ".part", path)


def read(path):
    """{row: {score: number, finite}} of such a file."""
    import h5py
    with h5py.File(path, "r") as file:
        names = file["row"].asstr()[()]
        table = {key: file[key][()] for key in SCORES if key in file}
    if any(values.shape != names.shape for values in table.values()):
        raise ValueError(f"expected {names.size} rows in each score")
    return {str(name): {key: float(values[i]) for key, values in table.items() if numpy.isfinite(values[i])}
            for i, name in enumerate(names)}


# ---- files


def read_signal(path):
    """([volume, region], repetition time in s or None)"""
    if path.endswith(".mat"):
        from scipy.io import loadmat
        signal = loadmat(path)["tc"].astype(float)
        return (signal.T if signal.shape[0] < signal.shape[1] else signal), None
    if path.endswith((".h5", ".hdf5")):
        import h5py
        with h5py.File(path, "r") as file:
            if "observations" in file:
                return file["observations/predicted_mean"][()], float(file.attrs["tr_s"])
            data, tr_s = file["bold/data"][()].astype(float), file["bold"].attrs.get("tr_s")
            time, warmup = file["bold/time_s"][()], float(file.attrs.get("warmup_ms", 0)) * 1e-3
        data = data[:, 0] if data.ndim == 3 else data
        return data[time[:len(data)] > warmup], float(tr_s) if tr_s else float(time[1] - time[0])
    return (numpy.load(path) if path.endswith(".npy") else numpy.loadtxt(path)).astype(float), None


def read_structure(path):
    if path.endswith(".mat"):
        from scipy.io import loadmat
        return loadmat(path)["sc"].astype(float)
    return (numpy.load(path) if path.endswith(".npy") else numpy.loadtxt(path)).astype(float)


def main(arguments):
    parser = argparse.ArgumentParser(prog="scores.py", description="Scores of simulated BOLD against measured BOLD.")
    parser.add_argument("measured")
    for name in ("model", "forecast", "structure", "out"):
        parser.add_argument("--" + name)
    parser.add_argument("--tr", type=float, help="seconds between volumes of MEASURED")
    chosen = parser.parse_args(arguments)
    measured, tr_s = read_signal(chosen.measured)
    tr_s = chosen.tr or tr_s
    if not tr_s:
        parser.error("the file does not say the time between volumes: --tr SECONDS")
    second = halves(measured)[1]
    rows = {}
    if chosen.model:
        simulated, model_tr_s = read_signal(chosen.model)
        rows["model"] = of_signal(simulated, second, model_tr_s or tr_s, tr_s)
    if chosen.forecast:
        forecast = read_signal(chosen.forecast)[0]
        if forecast.shape != measured.shape:
            parser.error(f"{chosen.forecast}: {forecast.shape[0]} x {forecast.shape[1]} values, expected "
                         f"{measured.shape[0]} x {measured.shape[1]}")
        rows.setdefault("model", {}).update(of_forecast(halves(forecast)[1], second))
    rows.update(baselines(measured, tr_s, read_structure(chosen.structure) if chosen.structure else None))
    if chosen.out:
        write(chosen.out, tr_s, rows, measured=os.path.basename(chosen.measured))
    print(f"{'':20s}" + "".join(f"{name:>16s}" for name in SCORES))
    for name, row in rows.items():
        print(f"{name:20s}" + "".join(f"{row[key]:16.3f}" if key in row else f"{'–':>16s}" for key in SCORES))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
