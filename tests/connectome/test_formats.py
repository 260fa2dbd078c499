"""One connectome in every format: exact numbers, the same digest, and every decision about untidy tables said.

  test_formats.py CALLOSUM
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import scipy.io
import scipy.sparse

import formats

CALLOSUM = sys.argv[1]
ROOT = pathlib.Path(__file__).resolve().parents[2]
GW = pathlib.Path(os.environ.get("CALLOSUM_DATA", ROOT / ".." / "shared" / "data")) / "gw" / "subjects"
N = 9
JOB = """\
simulation: {duration_ms: 60, dt_ms: 0.1, backend: /cpu/serial}
brain: {neurons: 900, indegree: 20, synapse_density: {}, connectome: CONNECTOME}
"""


def reference():
    """A directed connectome with numbers no format may round, an entry on the diagonal and a region without tracts."""
    rng = np.random.default_rng(5)
    weights = rng.lognormal(0, 2, (N, N)) * (rng.random((N, N)) < 0.6)
    np.fill_diagonal(weights, 0)
    weights[3, 3] = 1 / 3
    weights[5, :] = weights[:, 5] = 0
    lengths = np.where(weights > 0, rng.uniform(5, 150, (N, N)), 0)
    regions = {"name": ["l A", "l,B", "L3", "L4", "rest", "R1", "R2", "R3", "été"], "xyz": rng.normal(0, 40, (N, 3)).tolist(),
               "area": rng.uniform(100, 900, N), "volume": rng.uniform(1e3, 1e4, N),
               "hemisphere": ["L"] * 4 + ["n/a"] + ["R"] * 4, "cortical": ["1", "0", "n/a"] * 3,
               "unit": ["column", "n/a", "subcortical"] * 3, "density": ["1.5", "n/a", "0.25"] * 3}
    regions["name"] = [n.replace(" ", "_").replace(",", "+") for n in regions["name"]]  # a zip parts names by blanks
    return weights, lengths, regions


WEIGHTS, LENGTHS, REGIONS = reference()


def run(*arguments, ranks=None):
    launcher = ["mpirun", "--oversubscribe", "-n", str(ranks)] if ranks else []
    return subprocess.run([*launcher, CALLOSUM, *map(str, arguments)], capture_output=True, text=True, check=False,
                          env={**os.environ, "OMP_NUM_THREADS": "1"})


def imported(form, path, *options):
    """What the import prints, and the connectome it writes."""
    out = f"{path}.out.h5"
    done = run("import", form, path, *options, "--out", out)
    assert done.returncode == 0, (form, path, options, done.stderr)
    return done.stdout, Connectome(out)


def refused(part, form, path, *options):
    done = run("import", form, path, *options, "--out", f"{path}.never.h5")
    assert done.returncode == 2 and part in done.stderr, (part, form, path, options, done.stderr, done.stdout)
    assert not os.path.exists(f"{path}.never.h5") and len(done.stderr.splitlines()) == 1, done.stderr


class Connectome:
    def __init__(self, path):
        with h5py.File(path) as file:
            row, source = file["tracts/row"][:].astype(int), file["tracts/source"][:].astype(int)
            self.n = len(row) - 1
            self.weights, self.lengths = np.zeros((self.n, self.n)), np.zeros((self.n, self.n))
            target = np.repeat(np.arange(self.n), np.diff(row))
            self.weights[target, source] = file["tracts/weight"][:]
            self.lengths[target, source] = file["tracts/length_mm"][:]
            text = lambda name: [s.decode() for s in file[name][:]]
            self.names = text("regions/name")
            self.made_up = "made_up" in file["regions/name"].attrs
            self.units = text("regions/unit") if "regions/unit" in file else None
            self.table = {k: file[f"regions/{k}"][:] for k in file["regions"] if k not in ("name", "unit")}

    def has(self, weights, lengths):
        assert np.array_equal(self.weights, weights), abs(self.weights - weights).max()
        assert np.array_equal(self.lengths, np.where(weights > 0, lengths, 0)), abs(self.lengths - lengths).max()


def has_table(found, units=True):
    number = lambda texts: np.array([np.nan if t == "n/a" else float(t) for t in texts])
    assert found.names == REGIONS["name"] and not found.made_up, found.names
    assert np.array_equal(found.table["centre_mm"], REGIONS["xyz"]) and np.array_equal(found.table["area_mm2"], REGIONS["area"])
    if not units:
        return
    assert np.array_equal(found.table["volume_mm3"], REGIONS["volume"])
    assert found.table["hemisphere"].tolist() == [0] * 4 + [-1] + [1] * 4
    assert found.table["cortical"].tolist() == [1, 0, -1] * 3
    assert found.units == ["column", "", "subcortical"] * 3
    assert np.array_equal(found.table["synapse_density"], number(REGIONS["density"]), equal_nan=True)


# ---- the same connectome through every format


def write_all(folder):
    """(name, format, file, keys of the job): the same connectome, its lengths and its regions."""
    made = []
    names, sparse = REGIONS["name"], scipy.sparse.csc_matrix(WEIGHTS)
    formats.table(folder / "regions.tsv", REGIONS)
    formats.table(folder / "shuffled.csv", REGIONS, ",", order=np.random.default_rng(1).permutation(N))

    def add(name, form, files, regions="regions.tsv", **keys):
        weights, lengths = files
        made.append((name, form, folder / weights, {"lengths": str(folder / lengths), "regions": str(folder / regions), **keys}))

    formats.zipped(folder / "whole.zip", WEIGHTS, LENGTHS, REGIONS, packed=("weights.txt",))
    made.append(("zip", "tvb", folder / "whole.zip", {"regions": str(folder / "regions.tsv")}))
    formats.matlab5(folder / "w5.mat", {"sc": WEIGHTS, "about": "text", "other": np.ones((2, N))})
    formats.matlab5(folder / "l5.mat", {"len": LENGTHS, "twice": LENGTHS}, compressed=False)
    add("MATLAB v5", "matlab", ("w5.mat", "l5.mat"), lengths={"file": str(folder / "l5.mat"), "variable": "len"})
    formats.matlab5(folder / "s5.mat", {"sc": sparse})
    add("MATLAB v5 sparse", "matlab", ("s5.mat", "l.csv"))
    formats.matlab73(folder / "w73.mat", {"sc": WEIGHTS, "name": "text", "other": np.ones((2, N))})
    formats.matlab73(folder / "l73.mat", {"len": LENGTHS, "n": np.array([[9]], "i4")}, chunks=(4, 4), compression="gzip")
    add("MATLAB v7.3", "matlab", ("w73.mat", "l73.mat"), variable="sc")
    formats.matlab73(folder / "s73.mat", {"sc": sparse})
    add("MATLAB v7.3 sparse", "matlab", ("s73.mat", "l.csv"))
    formats.text(folder / "w.csv", WEIGHTS, ",")
    formats.text(folder / "l.csv", LENGTHS, ",")
    add("CSV", "csv", ("w.csv", "l.csv"))
    formats.text(folder / "semicolon.csv", WEIGHTS, ";", names, names, "")
    formats.text(folder / "l.txt", LENGTHS, " ")
    add("CSV with names", "csv", ("semicolon.csv", "l.txt"), "shuffled.csv")
    formats.text(folder / "w.tsv", WEIGHTS, "\t", names)
    formats.text(folder / "l.tsv", LENGTHS / 10, "\t", names)
    add("TSV in cm", "tsv", ("w.tsv", "l.tsv"), lengths_unit="cm")
    formats.text(folder / "transposed.txt", WEIGHTS.T, "  ")
    formats.text(folder / "l.transposed.txt", LENGTHS.T, " ")
    add("white space, rows are sources", "csv", ("transposed.txt", "l.transposed.txt"), orientation="row_is_source")
    padded = np.pad(WEIGHTS, ((1, 0), (1, 0)), constant_values=7)
    command = "command_history: tck2connectome tracks.tck nodes.mif out.csv -symmetric -keep_unassigned (version=3.0.4)"
    formats.text(folder / "mrtrix.csv", padded, ",", comment=command)
    formats.text(folder / "mrtrix_lengths.csv", np.pad(LENGTHS, ((1, 0), (1, 0)), constant_values=7), ",", comment=command)
    add("MRtrix", "mrtrix", ("mrtrix.csv", "mrtrix_lengths.csv"))
    formats.text(folder / "sub-1_relmat.tsv", WEIGHTS, "\t", names, names, "Node")
    shuffle = np.random.default_rng(2).permutation(N)
    formats.text(folder / "sub-1_desc-length_relmat.tsv", LENGTHS[np.ix_(shuffle, shuffle)] / 1000, "\t",
                 [names[i] for i in shuffle], [names[i] for i in shuffle], "Node")
    (folder / "sub-1_desc-length_relmat.json").write_text('{"Units": "m"}')
    add("BIDS", "bids", ("sub-1_relmat.tsv", "sub-1_desc-length_relmat.tsv"), "shuffled.csv")
    formats.entries(folder / "sub-2_relmat.tsv", WEIGHTS, ("source", "target", "weight"), names, transposed=True)
    formats.entries(folder / "sub-2_lengths.tsv", LENGTHS, ("row", "column", "length"), names)
    add("BIDS list", "bids", ("sub-2_relmat.tsv", "sub-2_lengths.tsv"))
    formats.entries(folder / "numbers.tsv", WEIGHTS, ("row", "col", "n"))
    add("list of numbers", "csv", ("numbers.tsv", "l.csv"))
    formats.mtx(folder / "w.mtx", WEIGHTS)
    formats.mtx(folder / "l.mtx", LENGTHS)
    add("Matrix Market", "mtx", ("w.mtx", "l.mtx"))
    return made


def options_of(keys):
    options = []
    for key, value in keys.items():
        if key == "lengths" and isinstance(value, dict):
            options += ["--lengths", value["file"], "--lengths-variable", value["variable"]]
        else:
            options += ["--" + key.replace("_", "-"), value]
    return options


def digest(folder, connectome, name, *options, ranks=None):
    job, out = folder / "job.yaml", folder / f"run_{name}"
    job.write_text(JOB.replace("CONNECTOME", json.dumps(connectome)))
    done = run("run", job, "--out", out, *options, ranks=ranks)
    assert done.returncode == 0, (name, done.stderr)
    summary = json.loads((out / "summary.json").read_text())
    return summary["digest"], summary["spikes"], done.stdout


def check_all_formats(folder):
    digests = {}
    for number, (name, form, path, keys) in enumerate(write_all(folder)):
        _, found = imported(form, path, *options_of(keys))
        if "cm" in keys.values() or form == "bids" and name == "BIDS":  # scaled: not to the last bit
            assert np.array_equal(found.weights, WEIGHTS) and np.allclose(found.lengths, LENGTHS, rtol=1e-15, atol=0), name
        else:
            found.has(WEIGHTS, LENGTHS)
        has_table(found)
        digests[name], spikes, log = digest(folder, {"file": str(path), **keys}, number)
        assert spikes > 100 and ("connectome: asymmetry: the two directions" in log), (spikes, log)
    again, _, _ = digest(folder, {"file": f"{folder / 'w.mtx'}.out.h5"}, "own")  # what import wrote
    digests["HDF5"] = again
    print(digests)
    assert len(set(digests.values())) == 1, digests
    changed = WEIGHTS.copy()
    changed[0, np.argmax(WEIGHTS[0])] *= 2
    formats.mtx(folder / "changed.mtx", changed)
    other, _, _ = digest(folder, {"file": str(folder / "changed.mtx"), "lengths": str(folder / "l.mtx"),
                                  "regions": str(folder / "regions.tsv")}, "changed")
    assert other != again, "the digest does not depend on the weights"
    formats.table(folder / "plain.tsv", REGIONS, leave_out=("unit", "density"))
    job = folder / "job.yaml"
    job.write_text(JOB.replace("synapse_density: {}, ", "").replace("CONNECTOME", json.dumps(
        {"file": "w.mtx", "lengths": "l.mtx", "regions": "plain.tsv"})))
    done = run("run", job, "--out", folder / "plain")
    assert done.returncode == 0 and json.loads((folder / "plain" / "summary.json").read_text())["digest"] != again, done.stderr
    # A path relative to the job file, whatever the folder one stands in.
    relative, _, _ = digest(folder, {"file": "w.mtx", "lengths": "l.mtx", "regions": "regions.tsv"}, "relative")
    assert relative == again
    spread, _, _ = digest(folder, {"file": "w.mtx", "lengths": "l.mtx", "regions": "regions.tsv"}, "spread", "--backend", "/cpu/omp",
                          ranks=3)
    assert spread == again, "three ranks do not agree with one"


def check_classes(folder):
    """Numbers of every class of MATLAB, both byte orders of v5, a struct beside them."""
    whole = np.round(WEIGHTS * 50)
    for kind in ("f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"):
        values = np.minimum(whole, 100).astype(kind)
        for write, path in ((formats.matlab5, folder / f"class_{kind}.mat"), (formats.matlab73, folder / f"class_{kind}_73.mat")):
            write(path, {"w": values})
            _, found = imported("matlab", path, "--symmetrise", "none")
            assert np.array_equal(found.weights, values.astype(float)), (kind, path)
    formats.matlab73(folder / "logical.mat", {"w": WEIGHTS > 0})
    _, found = imported("matlab", folder / "logical.mat")
    assert np.array_equal(found.weights, (WEIGHTS > 0).astype(float)) and found.made_up and found.names[8] == "R009"
    scipy.io.savemat(folder / "struct.mat", {"s": {"w": WEIGHTS}, "w": WEIGHTS, "cells": np.array([1, "a"], object)})
    imported("matlab", folder / "struct.mat")[1].has(WEIGHTS, 0 * LENGTHS)


# ---- decisions


def check_directions(folder):
    weights, lengths = WEIGHTS.copy(), LENGTHS.copy()
    formats.text(folder / "d.csv", weights, ",")
    formats.text(folder / "dl.csv", lengths, ",")
    off = ~np.eye(N, dtype=bool)
    text, found = imported("csv", folder / "d.csv", "--lengths", folder / "dl.csv")
    found.has(weights, lengths)
    difference = 100 * abs(weights - weights.T).sum() / weights[off].sum()
    pairs, one_way = np.triu((weights + weights.T) > 0, 1).sum(), np.triu((weights > 0) != (weights.T > 0), 1).sum()
    expected = f"asymmetry: the two directions of a pair differ by {difference:.3g} % of their mean, {one_way} of {pairs} "
    assert expected in text, (expected, text)
    assert "1 entries on the diagonal" in text and "not symmetrised: the two directions stay as they are" in text, text
    assert "R001 to R009" in text and "in mm, which nobody states" in text, text
    both = (lengths > 0) & (lengths.T > 0)
    mean_length = np.where(both, (lengths + lengths.T) / 2, lengths + lengths.T)
    np.fill_diagonal(mean_length, lengths.diagonal())
    for how, expected in (("mean", (weights + weights.T) / 2), ("max", np.maximum(weights, weights.T))):
        text, found = imported("csv", folder / "d.csv", "--lengths", folder / "dl.csv", "--symmetrise", how)
        found.has(expected, mean_length)
        assert "symmetrised: both directions get" in text, text
    upper = np.triu(weights, 1)
    upper_length = np.triu(np.where(lengths > 0, lengths, lengths.T), 1)
    text, found = imported("csv", folder / "d.csv", "--lengths", folder / "dl.csv", "--symmetrise", "upper_triangle")
    found.has(upper + upper.T + np.diag(weights.diagonal()), upper_length + upper_length.T + np.diag(lengths.diagonal()))
    text, found = imported("csv", folder / "d.csv", "--orientation", "row_is_source")
    found.has(weights.T, 0 * lengths)
    assert "transposed: rows of the file are sources" in text and "no lengths of tracts are given" in text, text
    # One triangle: refused until somebody says what it means, but for a file that says so itself.
    formats.text(folder / "u.csv", np.triu(weights), ",")
    formats.text(folder / "low.csv", np.tril(weights), ",")
    refused("only the upper triangle has entries: expected upper_triangle", "csv", folder / "u.csv")
    refused("only the lower triangle has entries: expected max", "csv", folder / "low.csv")
    refused("only the lower triangle has entries", "mrtrix", folder / "low.csv")
    mirrored = upper + upper.T + np.diag(weights.diagonal())
    imported("csv", folder / "u.csv", "--symmetrise", "none")[1].has(np.triu(weights), 0 * lengths)
    imported("csv", folder / "u.csv", "--symmetrise", "upper_triangle")[1].has(mirrored, 0 * lengths)
    text, found = imported("mrtrix", folder / "u.csv")
    found.has(mirrored, 0 * lengths)
    assert "the upper triangle stands for both directions, as tck2connectome writes it" in text, text
    formats.text(folder / "said.csv", np.triu(weights), ",", comment="command_history: tck2connectome a b c (version=3.0.4)")
    formats.text(folder / "saidl.csv", np.triu(lengths), ",")
    text, found = imported("csv", folder / "said.csv", "--lengths", folder / "saidl.csv")
    found.has(mirrored, np.triu(lengths, 1) + np.triu(lengths, 1).T + np.diag(lengths.diagonal()))
    formats.text(folder / "sym.csv", mirrored, ",")
    text, found = imported("csv", folder / "sym.csv", "--lengths", folder / "saidl.csv")
    filled = np.triu(lengths, 1) + np.triu(lengths, 1).T
    found.has(mirrored, filled + np.diag(lengths.diagonal()))
    count = int((np.tril(mirrored, -1) > 0).sum())
    assert "weights are symmetric" in text and f"{count} of {2 * count} tracts have no length of their own" in text, text


def check_unassigned(folder):
    padded = np.pad(WEIGHTS, ((1, 0), (1, 0)), constant_values=2)
    formats.text(folder / "un.csv", padded, ",")
    formats.text(folder / "unl.csv", LENGTHS, ",")
    formats.table(folder / "un.tsv", REGIONS)
    kept, dropped = "10 x 10", "row and column 1 hold unassigned streamlines"
    text, found = imported("mrtrix", folder / "un.csv")
    assert found.n == N + 1 and dropped not in text and kept in text, text
    text, found = imported("mrtrix", folder / "un.csv", "--unassigned", "drop", "--lengths", folder / "unl.csv")
    found.has(WEIGHTS, LENGTHS)
    assert f"{dropped} (as asked for): dropped, 19 entries, sum 38" in text, text
    text, found = imported("csv", folder / "un.csv", "--regions", folder / "un.tsv")
    has_table(found)
    assert "(one more than there are in the table of regions): dropped" in text, text
    refused("9 regions: expected 10 as in the connectome", "csv", folder / "un.csv", "--regions", folder / "un.tsv",
            "--unassigned", "keep")
    formats.text(folder / "named.csv", padded, ",", ["Unassigned"] + REGIONS["name"])
    text, found = imported("csv", folder / "named.csv")
    assert found.names == REGIONS["name"] and "(named so): dropped" in text, text


def check_tables(folder):
    """Tables of regions: matched by name, by index, or row by row; what they leave out."""
    formats.text(folder / "t.csv", WEIGHTS, ",")
    formats.text(folder / "tn.csv", WEIGHTS, ",", REGIONS["name"])
    lines = ["label,index,x,y,z,colour"] + [f"{REGIONS['name'][i]},{i + 1},{i},0,0,red" for i in (3, 1, 2, 0, 8, 7, 6, 5, 4)]
    (folder / "index.csv").write_text("\n".join(lines))
    text, found = imported("csv", folder / "t.csv", "--regions", folder / "index.csv")
    assert found.names == REGIONS["name"] and found.table["centre_mm"][:, 0].tolist() == list(range(N)), found.names
    assert "columns of index.csv left alone: colour" in text and "index.csv, row by row" in text, text
    formats.table(folder / "more.tsv", {**REGIONS, "name": REGIONS["name"][:8] + ["x"]})
    refused("has no row for 1 of the 9 regions of the connectome: été", "csv", folder / "tn.csv", "--regions", folder / "more.tsv")
    formats.table(folder / "nameless.tsv", REGIONS, leave_out=("name",))
    _, found = imported("csv", folder / "tn.csv", "--regions", folder / "nameless.tsv")
    has_table(found)
    _, found = imported("csv", folder / "t.csv", "--regions", folder / "nameless.tsv")
    assert found.made_up and found.units[0] == "column"
    # A zip keeps what the table does not know.
    formats.zipped(folder / "t.zip", WEIGHTS, LENGTHS, REGIONS)
    formats.table(folder / "units.tsv", {k: REGIONS[k] for k in ("name", "xyz", "area", "unit", "density")},
                  leave_out=("x", "y", "z", "area"))
    _, found = imported("tvb", folder / "t.zip", "--regions", folder / "units.tsv")
    assert found.units == ["column", "", "subcortical"] * 3
    has_table(found, units=False)
    for bad, part in (("name,x,y\na,1,2\n", "2 of the columns x, y, z"), ("name,area\na,-1\n", ":2: area is \"-1\""),
                      ("name,hemisphere\na,middle\n", ":2: hemisphere is \"middle\": expected L or R"),
                      ("name,cortical\na,2\n", ":2: cortical is \"2\": expected 0 or 1"), ("colour\nred\n", "without any known column"),
                      ("name,area\na\n", ":2: 1 fields: expected 2"), ("name,density\na,-1\n", ":2: density is \"-1\""),
                      ("name,area,area_mm2\na,1,1\n", "columns 2 and 3 are both 'area'"), ("index,x,y,z\n2,0,0,0\n", ":2: index is \"2\""),
                      ("name\n", "0 regions")):
        (folder / "bad.csv").write_text(bad)
        refused(part, "csv", folder / "t.csv", "--regions", folder / "bad.csv")


def check_refusals(folder):
    csv = folder / "r.csv"
    good, lengths = WEIGHTS.copy(), folder / "rl.csv"

    def matrix(row, column, value, path=csv, source=good):
        changed = source.copy()
        changed[row, column] = value
        formats.text(path, changed, ",")

    matrix(2, 4, -0.5)
    refused("r.csv: row 3, column 5: the weight is -0.5: expected a finite number >= 0", "csv", csv)
    matrix(2, 4, np.nan)
    refused("r.csv: row 3, column 5: the weight is nan", "csv", csv)
    formats.matlab5(folder / "r.mat", {"w": np.where(np.arange(N * N).reshape(N, N) == 22, np.inf, good)})
    refused("variable w: row 3, column 5 is inf: expected a finite number", "matlab", folder / "r.mat")
    formats.text(csv, good, ",")
    formats.text(lengths, LENGTHS[:8, :8], ",")
    refused("rl.csv: 8 rows and columns: expected 9 as in the weights", "csv", csv, "--lengths", lengths)
    place = tuple(np.argwhere(np.triu(good, 1) > 0)[0])
    matrix(*place, -1, lengths, LENGTHS)
    refused(f"rl.csv: row {place[0] + 1}, column {place[1] + 1}: the length is -1", "csv", csv, "--lengths", lengths)
    matrix(*place, np.nan, lengths, LENGTHS)
    refused(f"rl.csv: row {place[0] + 1}, column {place[1] + 1}: the length is no number on a tract", "csv", csv, "--lengths", lengths)
    matrix(5, 5, np.nan, lengths, LENGTHS)
    text, found = imported("csv", csv, "--lengths", lengths)
    found.has(good, LENGTHS)
    assert "1 lengths are not numbers, none of them on a tract" in text, text
    formats.text(folder / "wide.csv", np.ones((N, N + 1)), ",")
    refused("9 rows and 10 columns: expected a square matrix", "csv", folder / "wide.csv")
    formats.matlab5(folder / "two.mat", {"a": good, "b": good, "z": good + 1j})
    refused("more than one square matrix: expected the name of a variable, of: a (double, 9 x 9), b", "matlab", folder / "two.mat")
    refused("no variable sc: expected one of: a (double, 9 x 9)", "matlab", folder / "two.mat", "--variable", "sc")
    refused("variable z (double, 9 x 9) is complex", "matlab", folder / "two.mat", "--variable", "z")
    formats.text(folder / "order.csv", good, ",", REGIONS["name"], REGIONS["name"][::-1], "")
    refused("row 1 is été, column 1 is l_A: expected rows and columns in the same order", "csv", folder / "order.csv")
    formats.text(folder / "other.tsv", LENGTHS, "\t", ["x"] + REGIONS["name"][1:])
    formats.text(folder / "names.tsv", good, "\t", REGIONS["name"])
    refused("other.tsv: region x is not among the 9", "tsv", folder / "names.tsv", "--lengths", folder / "other.tsv")
    (folder / "other.json").write_text('{"Units": "inch"}')
    refused("other.json: Units: inch: expected mm, cm or m", "tsv", folder / "names.tsv", "--lengths", folder / "other.tsv")
    (folder / "other.json").write_text('{"Units": "cm"}')
    refused("other.json: Units: cm: expected mm as lengths_unit", "tsv", folder / "names.tsv", "--lengths", folder / "other.tsv",
            "--lengths-unit", "mm")
    refused("there is no file of lengths", "csv", csv, "--lengths-unit", "cm")
    formats.zipped(folder / "r.zip", good, LENGTHS, REGIONS)
    refused("is a zip of The Virtual Brain, which says by itself what 'lengths' would", "tvb", folder / "r.zip", "--lengths", csv)
    refused("is a zip of The Virtual Brain: expected a MATLAB file", "matlab", folder / "r.zip")
    refused("no names of regions: expected them in a header", "bids", csv)
    formats.entries(folder / "directed.tsv", good, ("source", "target", "w"))
    refused("names source and target in its header", "csv", folder / "directed.tsv", "--orientation", "row_is_source")
    refused("--symmetrise: both: expected one of: none, mean", "csv", csv, "--symmetrise", "both")
    refused("unknown option --size", "csv", csv, "--size", "4")
    check_damage(folder)


def check_damage(folder):
    """MATLAB files cut off or with a byte changed are refused or give the same numbers, never others in silence."""
    for name, write in (("c5.mat", formats.matlab5), ("c73.mat", formats.matlab73)):
        path, cut = folder / name, folder / f"cut_{name}"
        write(path, {"w": WEIGHTS})
        data = path.read_bytes()
        for length in (0, 1, 60, 127, 128, 135, 200, 512, 600, len(data) // 2, len(data) - 8, len(data) - 1):
            if length < len(data):
                cut.write_bytes(data[:length])
                refused(f"cut_{name}: ", "matlab", cut)
    data = (folder / "c5.mat").read_bytes()
    for at in range(136, len(data), 61):
        changed = bytearray(data)
        changed[at] ^= 0x40
        cut.write_bytes(changed)
        refused("damaged or cut-off MATLAB file", "matlab", cut)


# ---- measured connectomes, and large ones


def peak_bytes(*arguments):
    """Of a run; by a small process in between, since a child's peak is never below that of whoever starts it."""
    code = ("import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode;"
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done)")
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code, CALLOSUM, *map(str, arguments)], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout) * 1024


def check_voxels(folder):
    """20,000 rows: dense, the numbers alone would take 3.2 GB."""
    rng, n, k = np.random.default_rng(3), 20000, 1000000
    place = np.unique(rng.integers(0, n * n, k))
    row, column, value = place // n, place % n, rng.random(len(place))
    with open(folder / "voxels.mtx", "w", encoding="utf-8") as file:
        file.write(f"%%MatrixMarket matrix coordinate real general\n{n} {n} {len(place)}\n")
        shuffled = rng.permutation(len(place))
        np.savetxt(file, np.column_stack([row + 1, column + 1, value])[shuffled], fmt="%d %d %.17g")
    out = folder / "voxels.h5"
    peak = peak_bytes("import", "mtx", folder / "voxels.mtx", "--out", out)
    with h5py.File(out) as file:
        assert np.array_equal(file["tracts/source"][:], column) and np.array_equal(file["tracts/weight"][:], value)
        assert np.array_equal(np.diff(file["tracts/row"][:].astype(int)), np.bincount(row, minlength=n))
    small = peak_bytes("import", "generate", "--out", folder / "small.h5")
    print(f"{len(place)} entries of {n} rows: peak {peak / 1e6:.0f} MB, {(peak - small) / len(place):.0f} bytes per entry")
    assert peak - small < 80 * len(place), "memory is out of proportion"


def check_measured(folder):
    """Five subjects as they are published, against scipy's reader."""
    if not GW.is_dir():
        print(f"no {GW}: the measured connectomes are left out")
        return False
    for subject in sorted(GW.iterdir()):
        weights = scipy.io.loadmat(subject / "structural" / "DTI_CM.mat")["sc"].astype(float)
        lengths = scipy.io.loadmat(subject / "structural" / "DTI_LEN.mat")["len"]
        copy = folder / f"{subject.name}.mat"
        copy.write_bytes((subject / "structural" / "DTI_CM.mat").read_bytes())
        text, found = imported("matlab", copy, "--lengths", subject / "structural" / "DTI_LEN.mat")
        found.has(weights, lengths)
        assert found.weights.sum() == weights.sum() and found.n == 94 and found.made_up
        percent = 100 * abs(weights - weights.T).sum() / weights.sum()
        assert f"asymmetry: the two directions of a pair differ by {percent:.3g} % of their mean" in text, text
        text, found = imported("matlab", copy, "--lengths", subject / "structural" / "DTI_LEN.mat", "--symmetrise", "mean")
        assert np.array_equal(found.weights, (weights + weights.T) / 2) and found.weights.sum() == weights.sum()
        print(f"{subject.name}: {weights.sum():.0f} streamlines, asymmetry {percent:.1f} %, lengths {found.lengths.sum():.1f} mm")
    check_example(folder, subject)
    return True


def check_example(folder, subject):
    """The example job of a subject, copied beside the subject's folders, as its comment says."""
    for part in ("structural", "functional"):
        shutil.copytree(subject / part, folder / part)
    shutil.copy(ROOT / "jobs" / "examples" / "gw_subject.yaml", folder)
    done = run("run", folder / "gw_subject.yaml", "--out", folder / "gw", "--set", "simulation.duration_ms=400", "--set",
               "brain.neurons=1880", "--set", "brain.indegree=20", "--set", "record.warmup_ms=50", "--set", "record.bold.tr_s=0.05")
    assert done.returncode == 0, done.stderr
    assert "symmetrised: both directions get their mean" in done.stdout, done.stdout
    assert "variable tc, 355 volumes (one every 2 s) of 94 series, region x time" in done.stdout, done.stdout
    measured = scipy.io.loadmat(subject / "functional" / "BOLD_rsfMRI.mat")["tc"]
    with h5py.File(folder / "gw" / "bold.h5") as file:
        assert np.array_equal(file["empirical/data"][()], measured.T) and file["empirical"].attrs["tr_s"] == 2
        bold = file["bold/data"][()][file["bold/time_s"][()] > 0.05 + 1e-9]
    upper = np.triu_indices(94, 1)
    expected = np.corrcoef(np.corrcoef(bold.T)[upper], np.corrcoef(measured)[upper])[0, 1]
    found = json.loads((folder / "gw" / "summary.json").read_text())["fc_empirical_r"]
    assert abs(found - expected) < 1e-9, (found, expected)
    print(f"example: correlation with the measured functional connectivity {found:.4f}")


def main():
    with tempfile.TemporaryDirectory(prefix="callosum_formats_") as name:
        folder = pathlib.Path(name)
        checks = (check_all_formats, check_refusals, check_classes, check_directions, check_unassigned, check_tables,
                  check_voxels, check_measured)
        with ThreadPoolExecutor(4) as pool:  # most of a short run is waiting
            measured = [done.result() for done in [pool.submit(check, folder) for check in checks]][-1]
    print("ok")
    sys.exit(0 if measured else 77)


main()
