"""`callosum report` on folders of sweeps: lines over one key, heat maps over two, small multiples over more."""

import os
import sys

import h5py
import numpy

import checks
from checks import caption, check_page, program, report

import synthetic  # noqa: E402  (checks puts the folders on the path)

G = numpy.linspace(0.002, 0.005, 4)
RESULTS = ("mean_rate_hz", "rate_min_hz", "rate_max_hz", "isi_cv_median", "spike_correlation_mean", "fc_mean",
           "sc_fc_r", "fc_empirical_r")


def test_one_key(folder):
    values, results = synthetic.make_sweep(folder, {"a.g_AMPA": G}, unfinished=[1])
    printed = program(folder)
    assert printed.strip() == os.path.join(folder, "report.html")
    page = check_page(folder, {"sweep"})
    assert "a sweep of 4 points" in page and "0000000000000003" in page and "1 point gave no result" in page
    best = numpy.nanargmax(results["fc_empirical_r"])
    assert f"r = {results['fc_empirical_r'][best]:.2f} at a.g_AMPA = {values[best, 0]:g}" in caption(page, "sweep")
    assert "left no summary.json" not in page and "<h2>The run</h2>" not in page and "The job as run" in page


def test_two_keys(folder):
    synthetic.make_sweep(folder, {"a.g_AMPA": G, "a.g_GABA_A": G[:3], "simulation.seed": numpy.array([1.0, 2.0])},
                         empirical=False)
    report(folder)
    page = check_page(folder, {"sweep"})
    said = caption(page, "sweep")
    assert "Every cell is a point: 12 of them over a.g_AMPA and a.g_GABA_A" in said and "up to 2 seeds" in said
    assert "agrees best with the structural connectome" in said


def test_more_keys(folder):
    synthetic.make_sweep(folder, {"a.g_AMPA": G, "a.g_GABA_A": G[:3], "b": numpy.array([1.0, 2.0]), "c": G[:2],
                                  "fixed": numpy.array([7.0])})
    report(folder)
    page = check_page(folder, {f"sweep_{name}" for name in RESULTS})
    assert "Every panel is a setting of b, c" in caption(page, "sweep_fc_mean") and "fixed = 7 throughout" in page


def test_scattered(folder):
    """Points drawn anywhere have no cells."""
    synthetic.make_sweep(folder, {"a": numpy.arange(30.0), "b": numpy.array([1.0])}, unfinished=[4])
    with h5py.File(os.path.join(folder, "sweep.h5"), "r+") as file:
        file["sweep/values"][:, 1] = numpy.random.default_rng(1).random(30)
    report(folder)
    assert "Every mark is a point: 30 of them" in caption(check_page(folder, {"sweep"}), "sweep")


def test_words(folder):
    """Values that are no numbers: their text stands at the axes."""
    synthetic.make_sweep(folder, {"partition.method": numpy.arange(2.0), "a.g_AMPA": G}, unfinished=[0])
    path = os.path.join(folder, "sweep.h5")
    with h5py.File(path, "r+") as file:
        file["sweep/values"][:, 0] = numpy.nan
        text = numpy.array([value.decode() for value in file["sweep/text"][()]], dtype=object).reshape(-1, 2)
        text[:, 0] = numpy.repeat(["metis", "round_robin"], len(G))
        del file["sweep/text"]
        file.create_dataset("sweep/text", data=text.ravel(), dtype=synthetic.TEXT)
    report(folder)
    page = check_page(folder, {"sweep"})
    assert "8 of them over a.g_AMPA and partition.method" in caption(page, "sweep")
    assert "partition.method = metis" in caption(page, "sweep") or "= round_robin" in caption(page, "sweep")
    assert '<td class="number">round_robin</td>' in page
    with h5py.File(path, "r+") as file:
        del file["sweep/text"]
    assert "values of partition.method are no numbers" in program(folder, 2)


def test_nothing_to_draw(folder):
    """One point, no point that ended, no points, results with unknown names."""
    synthetic.make_sweep(folder + "_one", {"a": G[:1]})
    report(folder + "_one")
    assert "Nothing to draw" in check_page_without_figures(folder + "_one")
    synthetic.make_sweep(folder + "_none", {"a": G}, unfinished=range(4))
    report(folder + "_none")
    assert "Nothing to draw" in check_page_without_figures(folder + "_none")
    synthetic.make_sweep(folder + "_empty", {"a": numpy.zeros(0)})
    report(folder + "_empty")
    assert "Nothing to draw" in check_page_without_figures(folder + "_empty")
    synthetic.make_sweep(folder, {"simulation.seed": numpy.array([1.0, 2, 3])})
    with h5py.File(os.path.join(folder, "sweep.h5"), "r+") as file:
        for name in (*RESULTS[1:], "fc_seconds"):
            del file[f"sweep/results/{name}"]
        file["sweep/results/own_measure"] = numpy.array([1.0, 3.0, 2.0])
    report(folder)
    assert "own_measure" in check_page(folder, {"sweep"})


def check_page_without_figures(folder):
    assert os.listdir(os.path.join(folder, "figures")) == []
    return check_page(folder, set())


def test_beside_a_run(folder):
    """A folder with a run and a sweep shows both."""
    synthetic.make(folder, record=("rates",), layers=("E", "I"), seconds=10, warmup_s=1)
    synthetic.make_sweep(folder, {"a": G})
    report(folder)
    page = check_page(folder, {"sweep", "rates", "rate_bars", "spectra", "timing"})
    assert "a network of 2 populations" in page


if __name__ == "__main__":
    sys.exit(checks.main(globals()))
