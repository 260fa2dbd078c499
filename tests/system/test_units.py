"""A brain of columns, jobs/examples/column.yaml: the same spikes on one rank and on three, all eight populations of every
region alive and none saturated, rates as in a cortex. And which region is which unit: by default, table, names and the
connectome's own flags.

  test_units.py CALLOSUM
"""
import pathlib
import zipfile

from common import DATA, EXAMPLES, JOBS, Run, call, settings, skip, testing

try:
    import h5py
    import numpy
except ImportError as error:
    skip(f"this Python has no {error.name}")

LAYERS = ("L23", "L4", "L5", "L6")
SHARES = {"L23E": 33.8 * 78, "L23I": 33.8 * 22, "L4E": 34.9 * 80, "L4I": 34.9 * 20, "L5E": 7.6 * 82, "L5I": 7.6 * 18,
          "L6E": 22.1 * 83, "L6I": 22.1 * 17}
WARMUP_MS = 300


def read_rates(path):
    """{population of a unit: (neurons, mean rate) of every region}, from the bins after the warm-up."""
    with h5py.File(path, "r") as file:
        names = [name.decode() for name in file["callosum/populations/name"][()]]
        neurons = file["callosum/populations/count"][()].astype(float)
        rates = file["rates/data"][()].mean(axis=0)
    found = {}
    for i, name in enumerate(names):
        found.setdefault(name.split("/")[1], []).append((neurons[i], rates[i]))
    return {name: numpy.array(rows) for name, rows in found.items()}


def units_of(folder, job, values=None):
    """{region: its populations} of a job that is placed, not run."""
    path = pathlib.Path(folder) / "owners.tsv"
    done = call("partition", job, "--ranks", 1, "--out", path, *settings(values))
    if done.returncode != 0:
        print(done.stderr)
        return {}
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith(("#", "block")):
            region, population = line.split("\t")[1].split("/")
            found.setdefault(region, []).append(population)
    return {region: list(dict.fromkeys(populations)) for region, populations in found.items()}


PAIR, COLUMN, THREE = ["E", "I"], list(SHARES), ["E", "P", "S"]


def assignments(check, folder):
    """units.yaml: column by default, a table over it, R004 and R005 by name over that."""
    wanted = {}
    for line in (JOBS / "units.tsv").read_text(encoding="utf-8").splitlines()[2:]:
        region, unit, _ = line.split("\t")
        wanted[region] = PAIR if unit in ("canonical", "subcortical") else COLUMN
    wanted["R004"] = wanted["R005"] = THREE
    found = units_of(folder, JOBS / "units.yaml")
    check("units of regions by default, table and name", found == wanted, "" if found == wanted else f"{found}, expected {wanted}")
    later = units_of(folder, JOBS / "units.yaml",
                     {"brain.unit_of": [{"region": "*", "unit": "canonical"}, {"region": ["L001", "R*"], "unit": "column"}]})
    check("later entries win", later == {r: COLUMN if r == "L001" or r[0] == "R" else PAIR for r in wanted})
    path = DATA / "tvb" / "connectivity_96.zip"
    if not path.exists():
        print(f"skipped: {path} is not there")
        return
    with zipfile.ZipFile(path) as archive:
        read = lambda part: archive.read(next(n for n in archive.namelist() if part in n)).decode().split("\n")
        flags = [line.strip() != "0" for line in read("cortical") if line.strip()]
    found = units_of(folder, EXAMPLES / "demo.yaml", {"brain.connectome.file": str(path), "brain.unit": "auto",
                                                      "record": {"rates": {}}})
    check("auto: columns where the connectome says cortical", [p == COLUMN for p in found.values()] == flags,
          f"{sum(flags)} of {len(flags)}")


def main():
    values = {"simulation.duration_ms": 1000, "record": {"warmup_ms": WARMUP_MS, "rates": {"bin_ms": 10}}}
    with testing(__doc__) as (check, folder):
        assignments(check, folder)
        one = Run(EXAMPLES / "column.yaml", folder / "one", values)
        three = Run(EXAMPLES / "column.yaml", folder / "three", values, ranks=3)
        check("digest on 1 rank and on 3", one.digest and one.digest == three.digest, f"{one.digest} {three.digest}")
        rates = read_rates(one.out / "rates.h5")
        check.equal("populations", sorted(rates), sorted(SHARES))
        neurons = {name: rows[:, 0].sum() for name, rows in rates.items()}
        mean = {name: float((rows[:, 0] * rows[:, 1]).sum() / neurons[name]) for name, rows in rates.items()}
        total = sum(neurons.values())
        for name, share in SHARES.items():
            wanted = total * share / sum(SHARES.values())
            check(f"{name}: neurons", abs(neurons[name] - wanted) <= len(rates[name]), f"{neurons[name]:.0f}, {wanted:.1f} of {total:.0f}")
        for layer in LAYERS:
            e, i = layer + "E", layer + "I"
            check(f"{e}: between 0.5 and 15 Hz", 0.5 < mean[e] < 15, f"{mean[e]:.2f} Hz")
            check(f"{i}: above {e}", mean[e] < mean[i] < 30, f"{mean[i]:.2f} Hz")
            for name in (e, i):
                rows = rates[name][:, 1]
                check(f"{name}: no region is silent or saturated", rows.min() > 0 and rows.max() < 60,
                      f"{rows.min():.2f} ... {rows.max():.2f} Hz")
        check("L6E is the lowest", min(mean, key=mean.get) == "L6E", " ".join(f"{k} {v:.2f}" for k, v in mean.items()))
        check("L5E is above L4E and L6E", mean["L5E"] > max(mean["L4E"], mean["L6E"]),
              f"{mean['L5E']:.2f}, {mean['L4E']:.2f} and {mean['L6E']:.2f} Hz")
        cv = one.summary.get("isi_cv_median") or 0
        check("intervals are irregular", 0.7 < cv < 1.6, f"median CV {cv:.2f}")


main()
