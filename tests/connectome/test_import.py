"""callosum import: the published zips against an independent reader, the HDF5 layout, exit codes."""
import bz2
import io
import os
import subprocess
import sys
import tempfile
import zipfile

import h5py
import numpy as np

CALLOSUM = sys.argv[1]
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = os.environ.get("CALLOSUM_DATA", os.path.join(ROOT, "..", "shared", "data"))
# regions, tracts without the diagonal, names that occur before
ZIPS = {66: (1316, 0), 68: (1176, 0), 76: (1494, 0), 96: (3860, 0), 192: (3466, 0), 998: (35730, 932)}


def run(*arguments, **options):
    return subprocess.run([CALLOSUM, "import", *arguments], capture_output=True, text=True, **options)


def read_zip(path):
    """Members by their first word, as numpy and zipfile see them."""
    members = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            data = archive.read(info)
            if info.filename.endswith(".bz2"):
                data = bz2.decompress(data)
            members[os.path.basename(info.filename).split(".")[0]] = data
    return members


def dense(file, name):
    row, source = file["tracts/row"][:], file["tracts/source"][:]
    n = len(row) - 1
    matrix = np.zeros((n, n))
    matrix[np.repeat(np.arange(n), np.diff(row.astype(np.int64))), source] = file["tracts/" + name][:]
    return matrix


def check_zip(regions, folder):
    path = os.path.join(DATA, "tvb", f"connectivity_{regions}.zip")
    out = os.path.join(folder, "out.h5")
    done = run("tvb", path, "--out", out)
    assert done.returncode == 0, done.stderr
    tracts, repeated = ZIPS[regions]
    assert f"regions      {regions}\n" in done.stdout, done.stdout
    assert f"tracts       {tracts} between regions" in done.stdout, done.stdout
    expected = read_zip(path)
    weights = np.loadtxt(io.BytesIO(expected["weights"]))
    lengths = np.loadtxt(io.BytesIO(expected["tract_lengths"]))
    lines = [line.split() for line in expected["centres"].decode().splitlines() if line.strip()]
    with h5py.File(out) as file:
        assert file.attrs["format"] in (b"callosum-connectome", "callosum-connectome")
        assert file["tracts/length_mm"].attrs["units"] in (b"mm", "mm")
        assert np.array_equal(dense(file, "weight"), weights)
        assert np.array_equal(dense(file, "length_mm"), np.where(weights > 0, lengths, 0))
        names = [name.decode() for name in file["regions/name"][:]]
        labels = [line[0] for line in lines]
        assert len(set(names)) == regions
        assert sum(a != b for a, b in zip(names, labels)) == repeated
        assert all(name.startswith(label) for name, label in zip(names, labels))
        assert np.array_equal(file["regions/centre_mm"][:], np.array([line[1:4] for line in lines], float))
        for member, name in (("areas", "area_mm2"), ("cortical", "cortical")):
            if member in expected:
                assert np.array_equal(file["regions/" + name][:], np.loadtxt(io.BytesIO(expected[member])))
            else:
                assert not np.any(file["regions/" + name][:] >= 0)
    again = run("tvb", out, "--out", os.path.join(folder, "again.h5"))
    assert again.returncode == 0 and f"regions      {regions}\n" in again.stdout, again.stderr


def refused(folder, part, *arguments):
    before = sorted(os.listdir(folder))
    done = run(*arguments)
    assert done.returncode == 2, (arguments, done.returncode, done.stderr)
    assert part in done.stderr, (part, done.stderr)
    assert sorted(os.listdir(folder)) == before, "something was written"


def check_refusals(folder):
    out = os.path.join(folder, "never.h5")
    cut = os.path.join(folder, "cut.zip")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weights.txt", "0 1\n1 0\n")
        archive.writestr("tract_lengths.txt", "0 10\n10 0\n")
        archive.writestr("centres.txt", "a 0 0 0\nb 10 0 0\n")
    with open(cut, "wb") as file:
        file.write(buffer.getvalue()[:200])
    refused(folder, "cut.zip: damaged or cut-off zip", "tvb", cut, "--out", out)
    refused(folder, "No such file", "tvb", os.path.join(folder, "absent.zip"), "--out", out)
    refused(folder, "--out FILE.h5 is missing", "tvb", cut)
    refused(folder, "unknown format mat", "mat", cut, "--out", out)
    refused(folder, "--regions: 1x", "generate", "--regions", "1x", "--out", out)
    refused(folder, "generator.regions: 1: expected at least 2", "generate", "--regions", "1", "--out", out)
    refused(folder, "unknown option --size", "generate", "--size", "4", "--out", out)
    refused(folder, "cannot be written", "generate", "--out", os.path.join(folder, "no", "folder.h5"))


def check_generate(folder):
    paths = [os.path.join(folder, name) for name in ("a.h5", "b.h5", "c.h5")]
    for path, seed in zip(paths, "112"):
        done = run("generate", "--regions", "90", "--seed", seed, "--out", path)
        assert done.returncode == 0, done.stderr
    weights = []
    for path in paths:
        with h5py.File(path) as file:
            weights.append(dense(file, "weight"))
            assert len(file["regions/name"]) == 90
    assert np.array_equal(weights[0], weights[1]) and not np.array_equal(weights[0], weights[2])
    assert np.array_equal(weights[0], weights[0].T)


def check_foreign_hdf5(folder):
    """A file written by h5py with its own types: text of variable length, float32, int64."""
    path, out = os.path.join(folder, "own.h5"), os.path.join(folder, "copy.h5")
    with h5py.File(path, "w") as file:
        file.attrs["format"] = "callosum-connectome"
        file.attrs["version"] = 1
        file["regions/name"] = ["Gyrus é", "b"]
        file["tracts/row"] = np.array([0, 1, 2])
        file["tracts/source"] = np.array([1, 0])
        file["tracts/weight"] = np.array([.5, 2], np.float32)
        file["tracts/length_mm"] = np.array([10, 0])
        file["tracts/length_mm"].attrs["units"] = "mm"
    done = run("tvb", path, "--out", out)
    assert done.returncode == 0, done.stderr
    with h5py.File(out) as file:
        assert [name.decode() for name in file["regions/name"][:]] == ["Gyrus é", "b"]
        assert file["tracts/weight"][:].tolist() == [.5, 2]
        assert np.isnan(file["regions/area_mm2"][:]).all()
    with h5py.File(path, "r+") as file:
        file["tracts/length_mm"].attrs["units"] = "cm"
    refused(folder, "/tracts/length_mm: units cm, expected mm", "tvb", path, "--out", out)


with tempfile.TemporaryDirectory() as folder:
    check_refusals(folder)
    check_generate(folder)
    check_foreign_hdf5(folder)
    if not os.path.isdir(os.path.join(DATA, "tvb")):
        print("no ../shared/data/tvb: the published connectomes are left out")
        sys.exit(77)
    for regions in ZIPS:
        check_zip(regions, folder)
print("ok")
