#!/usr/bin/python3
"""Tables of a brain at the scale of voxels: how long they take to build, and how much memory.

  benchmarks/voxels.py [PROGRAM] [--voxels 22703] [--cortical 21017] [--tracts 100] [--neurons-per-voxel 100]
                       [--ranks 1] [--method metis] [--folder DIR]

The default is the size of the Digital Twin Brain: 22,703 voxels, of which 21,017 are columns of eight populations and
1,686 pairs: 171,508 populations. A made-up connectome of that many voxels and tracts is written in the program's HDF5
layout, and `callosum partition` reads it, builds populations, projections, the block graph and a placement, and
measures it. No neuron and no synapse is drawn. The last line holds the figures."""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import h5py
import numpy

ROOT = pathlib.Path(__file__).resolve().parents[1]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", default=ROOT / "build/release/bin/callosum")
    parser.add_argument("--voxels", type=int, default=22703)
    parser.add_argument("--cortical", type=int, help="columns; the others are pairs")
    parser.add_argument("--tracts", type=int, default=100, help="onto a voxel")
    parser.add_argument("--neurons-per-voxel", type=int, default=100)
    parser.add_argument("--ranks", type=int, default=1)
    parser.add_argument("--method", default="metis")
    parser.add_argument("--folder", help="where connectome and job are kept")
    found = parser.parse_args()
    if found.cortical is None:
        found.cortical = round(found.voxels * 21017 / 22703)
    return found


def rows(positions, tracts, random):
    """Sources of every voxel: seven of ten close by in the voxels' order, which follows space, the others anywhere."""
    n = len(positions)
    near = min(n - 1, max(2, 2 * tracts))
    for i in range(n):
        close = i + random.integers(-near, near + 1, size=round(0.7 * tracts))
        far = random.integers(0, n, size=tracts - len(close))
        row = numpy.unique(numpy.concatenate([close[(close >= 0) & (close < n)], far]))
        yield row[row != i]


def write_connectome(path, voxels, cortical, tracts):
    random = numpy.random.Generator(numpy.random.Philox(1))
    side = round(voxels ** (1 / 3)) + 1
    index = numpy.arange(voxels)
    positions = 3.0 * numpy.stack([index // side ** 2, index // side % side, index % side], axis=1)
    sources = list(rows(positions, tracts, random))
    row = numpy.concatenate([[0], numpy.cumsum([len(s) for s in sources])]).astype("u8")
    target, source = numpy.repeat(index, numpy.diff(row).astype(int)), numpy.concatenate(sources)
    kind = numpy.zeros(voxels, "i1")
    kind[random.permutation(voxels)[:cortical]] = 1
    with h5py.File(path, "w") as file:
        file.attrs["format"] = numpy.bytes_("callosum-connectome")
        file.attrs["version"] = numpy.int32(1)
        file.attrs["origin"] = numpy.bytes_("voxels")
        file["regions/name"] = numpy.array([f"voxel{i:05d}" for i in index], "S12")
        file["regions/centre_mm"] = positions
        file["regions/cortical"] = kind
        file["regions/volume_mm3"] = random.uniform(13.5, 27, voxels)
        file["tracts/row"] = row
        file["tracts/source"] = source.astype("u4")
        file["tracts/weight"] = random.lognormal(0, 1, len(source))
        file["tracts/length_mm"] = 1 + 1.3 * numpy.linalg.norm(positions[target] - positions[source], axis=1)
    return len(source)


def run(command):
    """The program's output, its seconds of processor time, and the peak of its memory in GiB."""
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "OMP_NUM_THREADS": "1"})
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with status {status}\n{output}")
    return output, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2 ** 20


def measure(options, folder):
    connectome, job = folder / "voxels.h5", folder / "voxels.yaml"
    if not connectome.exists():
        write_connectome(connectome, options.voxels, options.cortical, options.tracts)
    job.write_text("simulation: {duration_ms: 1}\n"
                   f"brain: {{connectome: {{file: {connectome.name}}}, unit: auto,\n"
                   f"        neurons: {options.voxels * options.neurons_per_voxel}}}\n", encoding="utf-8")
    output, seconds, memory = run([options.program, "partition", job, "--ranks", options.ranks, "--method", options.method])
    print(output, end="")
    populations = int(re.search(r"in (\d+) populations", output).group(1))
    print(f"{options.voxels} voxels, {populations} populations, {options.ranks} ranks: {seconds:.1f} s of one core and "
          f"{memory:.2f} GiB, reading the connectome included")


def main():
    options = arguments()
    if options.folder:
        pathlib.Path(options.folder).mkdir(parents=True, exist_ok=True)
        measure(options, pathlib.Path(options.folder))
    else:
        with tempfile.TemporaryDirectory(prefix="callosum_voxels_") as folder:
            measure(options, pathlib.Path(folder))


main()
