"""Measured BOLD of a whole job: however a recording is written, its series meet the right regions.

  test_empirical.py CALLOSUM
"""
import json
import pathlib
import sys

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests" / "system"), str(ROOT / "tests" / "connectome")]
import formats  # noqa: E402
from common import Run, testing  # noqa: E402

NAMES = ["lA", "lB", "callosum", "lC", "rA", "rB", "rC", "rD"]
KEPT = [0, 1, 3, 4, 5, 6, 7]  # the third has no area and no tracts, and is dropped
VOLUMES, TR_S, WARMUP_S = 40, 0.05, 0.1


def write_brain(folder):
    rng = np.random.default_rng(8)
    weights = rng.lognormal(0, 1, (8, 8))
    weights[2, :] = weights[:, 2] = 0
    np.fill_diagonal(weights, 0)
    formats.text(folder / "w.csv", weights, ",", NAMES, NAMES, "")
    lines = ["name\tarea"] + [f"{n}\t{0 if n == 'callosum' else 100 + 10 * i}" for i, n in enumerate(NAMES)]
    (folder / "regions.tsv").write_text("\n".join(lines))
    formats.text(folder / "unnamed.csv", weights, ",")
    (folder / "areas.tsv").write_text("\n".join(line.split("\t")[1] for line in lines))
    job = {"simulation": {"duration_ms": 800, "backend": "/cpu/serial"},
           "brain": {"neurons": 700, "indegree": 20, "connectome": {"file": "w.csv", "regions": "regions.tsv"}},
           "record": {"warmup_ms": 1000 * WARMUP_S, "bold": {"tr_s": TR_S}}}
    (folder / "job.yaml").write_text(json.dumps(job))
    return folder / "job.yaml"


def write_recordings(folder, measured):
    """(name, value of record.empirical_bold, columns are found by name, time between volumes)."""
    order = [6, 2, 0, 7, 4, 1, 3, 5]
    names = [NAMES[i] for i in order]
    formats.text(folder / "order.csv", measured, ",")
    formats.text(folder / "sub-1_timeseries.tsv", measured[:, order], "\t", names)
    (folder / "sub-1_timeseries.json").write_text('{"RepetitionTime": 2.5}')
    few = [i for i in order if i != 2]
    time = np.arange(VOLUMES)[:, None]
    formats.text(folder / "timed.tsv", np.hstack([time, measured[:, few]]), "\t", ["time"] + [NAMES[i] for i in few])
    formats.text(folder / "rows.txt", measured[:, order].T, " ", labels=names)
    formats.matlab5(folder / "5.mat", {"tc": measured.T, "TR": 2.0, "about": "text"})
    formats.matlab73(folder / "73.mat", {"tc": measured.T.copy(), "other": measured.T.copy(), "n": np.array([[8.0]])})
    shuffled = measured[:, order]
    formats.nifti(folder / "image.nii", measured.T[:, None, None, :].copy(), tr=2.5, unit=formats.SECONDS)
    formats.nifti(folder / "big.nii.gz", measured.T[None, :, None, :] / 4 - 3, order=">", tr=1500.0, unit=formats.MILLISECONDS, slope=4, inter=12)
    formats.nifti(folder / "flat2.nii", measured.copy(), version=2)
    formats.ptseries(folder / "a.ptseries.nii", shuffled, names, 0.72)
    formats.ptseries(folder / "turned.ptseries.nii", shuffled, names, 0.72, order=">", turned=True)
    return [("NIfTI", "image.nii", False, 2.5), ("NIfTI, packed, big-endian, scaled", "big.nii.gz", False, 1.5),
            ("NIfTI-2 of two dimensions", "flat2.nii", False, None), ("CIFTI", "a.ptseries.nii", True, 0.72),
            ("CIFTI, a row for each volume", "turned.ptseries.nii", True, 0.72),
            ("in order", "order.csv", False, None), ("BIDS, shuffled", "sub-1_timeseries.tsv", True, 2.5),
            ("shuffled, more and fewer columns", {"file": "timed.tsv", "tr_s": 1.5}, True, 1.5),
            ("region by time, labelled", "rows.txt", True, None), ("MATLAB v5", {"file": "5.mat", "tr_s": 2}, False, 2),
            ("MATLAB v7.3", {"file": "73.mat", "variable": "tc", "orientation": "region_x_time"}, False, None)]


def write_wrong_images(folder, measured):
    """(what, path, words of the message)"""
    gone, whole = measured.copy(), folder / "image.nii"
    gone[3, 4] = np.nan
    formats.nifti(folder / "voxels.nii", np.ones((4, 2, 1, VOLUMES)))
    formats.nifti(folder / "eight.nii", np.ones((8, 1, 1, VOLUMES)), ndim=8)
    formats.nifti(folder / "complex.nii", np.ones((8, 1, 1, VOLUMES), np.complex64))
    formats.nifti(folder / "gone.nii", gone.T[:, None, None, :].copy())
    formats.ptseries(folder / "dense.dtseries.nii", measured, NAMES, 0.72, parcels="BRAIN_MODELS")
    formats.ptseries(folder / "few.ptseries.nii", measured, NAMES[:-1], 0.72)
    formats.ptseries(folder / "xml.ptseries.nii", measured, [*NAMES[:-1], "<"], 0.72)
    (folder / "cut.nii").write_bytes(whole.read_bytes()[:-1])
    (folder / "cut.nii.gz").write_bytes((folder / "big.nii.gz").read_bytes()[:-200])
    (folder / "head.nii").write_bytes(whole.read_bytes()[:348])
    (folder / "elsewhere.dat").write_bytes(whole.read_bytes())
    (folder / "other.gz").write_bytes((folder / "big.nii.gz").read_bytes())
    return [("eight dimensions", folder / "eight.nii", "2048 dimensions"), ("packed, of another name", folder / "other.gz", "NIfTI (.nii, .nii.gz)"),
            ("voxels", folder / "voxels.nii", "4 x 2 x 1 voxels and 40 volumes"), ("complex numbers", folder / "complex.nii", "COMPLEX64"),
            ("a missing number", folder / "gone.nii", "volume 4 of column 5 (region rA) is no number"),
            ("grayordinates", folder / "dense.dtseries.nii", "no series of parcels"), ("too few names", folder / "few.ptseries.nii",
            "7 names of parcels for 8 series"), ("damaged XML", folder / "xml.ptseries.nii", "line 1 of its XML"),
            ("cut off", folder / "cut.nii", "cannot hold 320 numbers of 8 bytes"), ("cut off, packed", folder / "cut.nii.gz", "cut-off"),
            ("a header alone", folder / "head.nii", "cannot hold"), ("another name", folder / "elsewhere.dat", "not named .nii")]


def expected_r(out, measured):
    with h5py.File(out / "bold.h5") as file:
        bold = file["bold/data"][()][file["bold/time_s"][()] > WARMUP_S + 1e-9]
    upper = np.triu_indices(len(KEPT), 1)
    return np.corrcoef(np.corrcoef(bold.T)[upper], np.corrcoef(measured[:, KEPT].T)[upper])[0, 1]


def main():
    with testing(__doc__) as (check, folder):
        job = write_brain(folder)
        # In steps of 1/64: scaled numbers come back exactly.
        measured = np.round(64 * np.random.default_rng(9).normal(size=(VOLUMES, 8)).cumsum(0)) / 64
        found = set()
        for number, (what, value, by_name, tr_s) in enumerate(write_recordings(folder, measured)):
            value = {**value, "file": str(folder / value["file"])} if isinstance(value, dict) else str(folder / value)
            run = Run(job, folder / f"run{number}", {"record.empirical_bold": value}, ranks=2 if number == 1 else None)
            r = run.summary.get("fc_empirical_r")
            check(f"{what}: correlation", r is not None and abs(r - expected_r(run.out, measured)) < 1e-9, str(r))
            found.add(r)
            with h5py.File(run.out / "bold.h5") as file:
                check(f"{what}: the measured signal", np.array_equal(file["empirical/data"][()], measured[:, KEPT]))
                check.equal(f"{what}: names", [n.decode() for n in file["empirical/name"][()]], [NAMES[i] for i in KEPT])
                attributes = dict(file["empirical"].attrs)
                check.equal(f"{what}: how it was matched", attributes["matched_by"] in (b"name", "name"), by_name)
                check.equal(f"{what}: time between volumes", None if np.isnan(attributes["tr_s"]) else attributes["tr_s"], tr_s)
            check(f"{what}: the log", "measured BOLD: " in run.stdout and "of 8 series" in run.stdout)
        check.equal("one correlation for all", len(found), 1)
        # The order matters: the same columns shuffled, without names, are another brain.
        formats.text(folder / "wrong.csv", measured[:, [6, 2, 0, 7, 4, 1, 3, 5]], ",")
        run = Run(job, folder / "wrong", {"record.empirical_bold": str(folder / "wrong.csv")})
        check("shuffled without names: another correlation", abs(run.summary["fc_empirical_r"] - found.pop()) > 1e-3,
              str(run.summary["fc_empirical_r"]))
        # A connectome without names has nothing to match: the order counts, and the log says so.
        run = Run(job, folder / "unnamed", {"record.empirical_bold": str(folder / "sub-1_timeseries.tsv"), "brain.connectome":
                  f"{{file: {folder / 'unnamed.csv'}, regions: {folder / 'areas.tsv'}}}"})
        check("no names in the connectome", "in the order of the connectome, which has no names to match" in run.stdout, run.stdout[-300:])
        for what, path, words in write_wrong_images(folder, measured):
            run = Run(job, folder / "refused", {"record.empirical_bold": str(path)})
            said = run.code == 2 and path.name in run.stderr and words in run.stderr and not run.out.exists()
            check(f"{what}: refused", said, f"{run.code} {run.stderr}")


main()
