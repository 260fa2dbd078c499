"""`callosum report` on folders of assimilations: a twin, measured data with some withheld, a start, and damage."""

import os
import shutil
import sys

import h5py
import numpy

import checks
from checks import caption, check_page, program, report

import scores  # noqa: E402  (checks puts the folder on the path)
from words import short  # noqa: E402

MEMBERS = 30
TEXT = h5py.string_dtype("utf-8")


def make(folder, regions=8, cycles=60, truth=True, withheld=False, scale=1.0, confounded=True, diagnostics=True):
    """A filter of a row per region and a shared one, whose forecasts are drawn as the truth is; scale: their spread."""
    os.makedirs(folder)
    generator = numpy.random.default_rng(7)
    names = [f"R{i}" for i in range(regions)]
    with h5py.File(os.path.join(folder, "assimilation.h5"), "w", userblock_size=512) as file:
        file.attrs.update(format="callosum-assimilation", version=1, job="simulation: {}\n", callosum_version="0.1.0",
                          seed=1, members=MEMBERS, cycles=cycles, tr_s=0.8)
        file["time_s"] = 0.8 * numpy.arange(1, cycles + 1)
        file["regions/name"] = numpy.array(names, dtype=TEXT)
        file["members/alive"] = numpy.ones(MEMBERS, numpy.uint8)
        file["members/count"] = numpy.full(cycles, MEMBERS, numpy.int32)
        file["inflation"] = 1 + 0.2 * generator.random((cycles, regions))
        for order, (name, rows, unit) in enumerate((("g_AMPA_mS_cm2", regions, "mS/cm^2"), ("weight", 1, "1"))):
            _hyperparameter(file, generator, name, names if rows > 1 else ["all"], unit, order, cycles, truth)
        _observations(file, generator, names, cycles, withheld, scale)
        if diagnostics:
            pairs = [[1, regions]] if confounded else numpy.zeros((0, 2))
            file["diagnostics/confounded"] = numpy.array(pairs, numpy.uint32)
            file["diagnostics/confounded_r"] = numpy.array([-0.93] if confounded else [], float)
            file["diagnostics/confounded_what"] = numpy.array(["product"] if confounded else [], dtype=TEXT)


def _hyperparameter(file, generator, name, rows, unit, order, cycles, truth):
    group = file.create_group(f"hyperparameters/{name}")
    group.attrs.update(units=unit, lower=0.0, upper=2.0, shared=int(len(rows) == 1), order=order)
    true = 0.5 + generator.random(len(rows))
    sd = 0.3 / numpy.sqrt(1 + numpy.arange(cycles))[:, None] * numpy.ones(len(rows))
    mean = true + sd * 0.5 * generator.standard_normal(sd.shape)
    for key, values in (("mean", mean), ("median", mean), ("q05", mean - 1.645 * sd), ("q95", mean + 1.645 * sd),
                        ("sd", sd), ("forecast_sd", sd * 1.1), ("forecast_mean", mean)):
        group[key] = values
    group["regions"] = numpy.array(rows, dtype=TEXT)
    for key in ("prior", "last"):
        group[key] = true[:, None] + 0.1 * generator.standard_normal((len(rows), MEMBERS))
    if truth:
        file[f"truth/{name}"] = numpy.broadcast_to(true, sd.shape)


def _observations(file, generator, names, cycles, withheld, scale):
    shape = (cycles, len(names))
    centre = generator.standard_normal(shape) * numpy.linspace(0.3, 3, len(names))
    y, sd = centre + 0.5 * generator.standard_normal(shape), numpy.full(shape, 0.4 * scale)
    members = centre[..., None] + scale * 0.5 * generator.standard_normal((*shape, MEMBERS))
    held = numpy.zeros(shape, bool)
    if withheld:
        held[cycles * 2 // 3:] = True
        held[:, -1] = True
    group = file.create_group("observations")
    for key, values in (("observed", numpy.where(held, numpy.nan, y)), ("withheld", numpy.where(held, y, numpy.nan)),
                        ("error", numpy.full(shape, 0.3 * scale)), ("predicted_mean", centre), ("predicted_sd", sd),
                        ("predicted_q05", centre - 1.645 * sd), ("predicted_q95", centre + 1.645 * sd),
                        ("crps", numpy.abs(y - centre) / 2)):
        group[key] = values
    group["rank"] = (members < y[..., None]).sum(axis=-1).astype(numpy.int32)
    group["names"], group["units"] = numpy.array(names, dtype=TEXT), numpy.array(["%"] * len(names), dtype=TEXT)


FIGURES = {"hyperparameter_g_AMPA_mS_cm2", "hyperparameter_weight", "forecasts", "consistency", "posterior"}


def test_twin(folder):
    make(folder)
    printed = program(folder)
    assert printed.strip() == os.path.join(folder, "report.html")
    page = check_page(folder, FIGURES | {"truth"})
    assert "an assimilation of 60 cycles" in page and "simulation: {}" in page and "left no summary.json" not in page
    assert "g_AMPA_mS_cm2 and weight from 8 observations a cycle, 30 members" in page
    with h5py.File(os.path.join(folder, "assimilation.h5"), "r") as file:
        true, median, low, high = (file[name][()] for name in (
            "truth/g_AMPA_mS_cm2", *(f"hyperparameters/g_AMPA_mS_cm2/{key}" for key in ("median", "q05", "q95"))))
        y, mean, sd, error = (file[f"observations/{key}"][()] for key in ("observed", "predicted_mean", "predicted_sd",
                                                                         "error"))
    wrong = 100 * numpy.abs(median[-1] / true[-1] - 1)
    inside = (true >= low) & (true <= high)
    said = caption(page, "truth")
    assert f"{_percent(numpy.median(wrong))} in the median, {_percent(numpy.quantile(wrong, 0.9))} at the 90th" in said
    assert f"hold {_percent(100 * inside[-1].mean())} of the true values" in said
    assert f"{_percent(100 * inside[30:].mean())} over the second half" in said
    assert "Dashed: the truth" in caption(page, "hyperparameter_g_AMPA_mS_cm2")
    chi2 = ((y - mean) ** 2 / (sd ** 2 + error ** 2)).mean()
    said = caption(page, "consistency")
    assert f"scatter by {short(chi2)} of" in said and "as it should" in said
    assert "confounded" not in caption(page, "posterior")
    assert "g_AMPA_mS_cm2 of R1 and weight (their product, r = -0.93)" in caption(page, "posterior")
    r = sorted(numpy.corrcoef(mean[:, i], y[:, i])[0, 1] for i in range(8))
    assert f"median {numpy.median(r):.3f}" in caption(page, "forecasts")


def _percent(value):
    return f"{value:.0f} %" if value == 0 or value >= 9.5 else f"{value:.2g} %"


def test_measured(folder):
    """Some withheld, too narrow an ensemble, scores beside it, many regions."""
    make(folder, regions=90, truth=False, withheld=True, scale=0.3, confounded=False)
    rows = {"model": {"fc_r": 0.61, "fcd_ks": 0.2, "replay_r": numpy.nan}, "log structure": {"fc_r": 0.39}}
    scores.write(os.path.join(folder, "scores.h5"), 2, rows)
    report(folder)
    page = check_page(folder, FIGURES)
    assert "too sure of itself" in caption(page, "consistency") and "too often outside" in caption(page, "consistency")
    assert "of what was withheld" in caption(page, "forecasts")
    assert "No pair of hyperparameters" in caption(page, "posterior")
    assert '<th scope="row">log structure</th><td class="number">0.390</td><td class="number">–</td>' in page
    assert '<td class="number">0.610</td>' in page and "replay, r" not in page


def test_wide_and_going_on(folder):
    make(folder, scale=3.0, truth=False, diagnostics=False)
    report(folder)
    page = check_page(folder, FIGURES)
    assert "wider than it need be" in caption(page, "consistency")
    assert "worked out at the end of the run" in caption(page, "posterior")


def test_start(folder):
    """One cycle, none, nothing observed, members lost."""
    make(folder + "_one", cycles=1)
    report(folder + "_one")
    check_page(folder + "_one", {"truth", "consistency", "posterior"})
    make(folder + "_none", cycles=0)
    report(folder + "_none")
    assert "No cycle has ended yet" in check_page(folder + "_none", set())
    make(folder)
    with h5py.File(os.path.join(folder, "assimilation.h5"), "r+") as file:
        file["observations/observed"][...] = numpy.nan
        file["members/alive"][3] = 0
        file["members/count"][-1] = MEMBERS - 1
        file["hyperparameters/weight/last"][:, 3] = numpy.nan
    report(folder)
    page = check_page(folder, FIGURES - {"forecasts", "consistency"} | {"truth"})
    assert "29 of 30" in page and "some were lost" in page


def test_damage(folder):
    make(folder)
    path = os.path.join(folder, "assimilation.h5")
    shutil.copy(path, folder + ".h5")
    with h5py.File(os.path.join(folder, "scores.h5"), "w") as file:
        file["row"], file["fc_r"] = ["model", "AR"], [0.5]
    assert "expected the table that scores.py writes" in program(folder, 2)
    os.unlink(os.path.join(folder, "scores.h5"))
    for name, values in (("time_s", None), ("observations/observed", numpy.zeros((60, 3))),
                         ("hyperparameters/weight/mean", numpy.zeros(4)), ("inflation", numpy.zeros(4)),
                         ("hyperparameters", None)):
        shutil.copy(folder + ".h5", path)
        with h5py.File(path, "r+") as file:
            del file[name]
            if values is not None:
                file[name] = values
        assert "not laid out as expected" in program(folder, 2), name
    with open(path, "r+b") as file:
        file.truncate(3000)
    assert "expected an HDF5 file" in program(folder, 2)


if __name__ == "__main__":
    sys.exit(checks.main(globals()))
