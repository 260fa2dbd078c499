"""Recordings that go on from what was kept: on other ranks and layouts, after a kill, after damage to all that HDF5 may rewrite.
Every dataset and attribute equals that of a run that was never interrupted.

The run recorded is made up by tests/record/synthetic.h; tests/record/test_recorder_keep.c records a part of it."""

import os
import random
import shutil
import subprocess
import sys
import tempfile

import h5py
import numpy

STEPS = 6000
FILES = ("spikes.h5", "rates.h5", "bold.h5", "currents.h5", "lfp.h5", "spectra.h5", "neurons.h5", "trace_first_V_mV.h5",
         "trace_first_x.h5", "trace_listed_V_mV.h5", "weights_all.h5", "weights_some.h5")


def find_program():
    """Beside the program under test, or where its unit tests are built."""
    folder = os.path.dirname(os.path.abspath(sys.argv[1]))
    for candidate in ("record_test_recorder_keep", "test_recorder_keep"):
        for place in (folder, os.path.join(folder, "..", "tests"), os.path.join(folder, "..", "bin")):
            path = os.path.join(place, candidate)
            if os.access(path, os.X_OK):
                return path
    print("skipped: the program record_test_recorder_keep was not built")
    sys.exit(77)


def start(program, ranks, *arguments):
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMP_NUM_THREADS="1")
    command = ["mpirun", "--oversubscribe", "-n", str(ranks), program] + [str(value) for value in arguments]
    return subprocess.run(command, env=environment, timeout=300, capture_output=True, text=True, check=False)


def record(program, ranks, mode, folder, begin, end, kept, how=None, what="all"):
    """The statistics, where it came to the end of the run."""
    os.makedirs(folder, exist_ok=True)
    os.makedirs(kept, exist_ok=True)
    result = start(program, ranks, folder, mode, begin, end, kept, what, *([how] if how else []))
    assert (result.returncode == 0) == (how is None), (result.returncode, result.stderr)
    return [line for line in result.stdout.splitlines() if line]


def contents(path):
    """Every dataset and attribute: path -> bytes and type."""
    found = {}

    def visit(name, thing):
        for key, value in thing.attrs.items():
            found[name, key] = (str(numpy.asarray(value).dtype), repr(numpy.asarray(value).tolist()))
        if isinstance(thing, h5py.Dataset):
            text = h5py.check_string_dtype(thing.dtype)
            found[name] = (str(thing.dtype), thing.shape, thing[()].tolist() if text else thing[()].tobytes())

    with h5py.File(path, "r") as file:
        visit("/", file)
        file.visititems(visit)
    return found


def check_equal(folder, expected, what, files=FILES):
    for name in files:
        found = contents(os.path.join(folder, name))
        assert found.keys() == expected[name].keys(), (what, name)
        for key, value in expected[name].items():
            assert found[key] == value, (what, name, key)


def image(kept, name):
    """Pieces of a file's image (offset, length), and the file's length."""
    values = [numpy.fromfile(os.path.join(kept, f"recorder:files:{name}:{what}"), dtype=numpy.uint64).tolist()
              for what in ("offsets", "lengths", "size")]
    return list(zip(values[0], values[1])), values[2][0]


def damage(folder, kept, rng):
    """Whatever HDF5 may have under its hands when it is killed."""
    for name in FILES:
        pieces, size = image(kept, name)
        with open(os.path.join(folder, name), "r+b") as file:
            for offset, length in pieces:
                file.seek(offset)
                file.write(rng.randbytes(length))
            file.seek(0, os.SEEK_END)
            file.write(rng.randbytes(rng.randrange(5000)))


def arrays(kept):
    """All that was kept but the files' images, whose chunks lie where the writing ranks' requests made them."""
    return {name: open(os.path.join(kept, name), "rb").read() for name in os.listdir(kept) if ":files:" not in name}


def check_refused(program, folder, kept, end):
    """A file that is missing or too short: it is named, and no other is touched."""
    for name, how in (("lfp.h5", "missing"), ("spikes.h5", "short"), ("weights_some.h5", "read-only")):
        path = os.path.join(folder, name)
        before = {other: open(os.path.join(folder, other), "rb").read() for other in FILES}
        if how == "missing":
            os.remove(path)
        elif how == "short":
            os.truncate(path, 100000)
        else:
            os.remove(path)
            os.mkdir(path)
        result = start(program, 2, folder, 1, end, STEPS, kept, "all")
        assert result.returncode == 2 and path in result.stderr, result.stderr
        assert how != "short" or "100000 bytes: expected at least" in result.stderr, result.stderr
        for other in FILES:
            if other != name:
                assert open(os.path.join(folder, other), "rb").read() == before[other], (name, other)
        if how == "read-only":
            os.rmdir(path)
        with open(path, "wb") as file:
            file.write(before[name])


def check_repaired(program, folder, kept, expected, rng):
    """A killed run's files, damaged wherever HDF5 may have been at work, are again as at their last flush."""
    damage(folder, kept, rng)
    for name in FILES:
        with open(os.path.join(folder, name), "r+b") as file:
            file.write(bytes(64))
    assert not any(h5py.is_hdf5(os.path.join(folder, name)) for name in FILES)
    assert start(program, 1, folder, "repair").stdout.split() == [str(len(FILES))]
    for name in FILES:
        with h5py.File(os.path.join(folder, name), "r") as file:
            recorded = file.attrs["recorded_ms"]
            assert file.attrs["complete"] == 0 and recorded < 3000, (name, recorded)
            if name == "spikes.h5":
                times, whole = file["spikes/brain/timestamps"][()], numpy.frombuffer(expected[name]["spikes/brain/timestamps"][2])
                assert 0 < len(times) and (times == whole[:len(times)]).all() and times[-1] <= recorded
            elif name == "rates.h5":
                rates = file["rates/data"][()].tobytes()
                assert len(file["rates/data"]) == recorded // 2.5 > 0 and rates == expected[name]["rates/data"][2][:len(rates)]
    assert start(program, 1, folder, "repair").stdout.split() == ["0"]


def check_counted(program, top, expected):
    """What backends count is kept and taken up as what is counted here, and the other way round."""
    files = [name for name in FILES if name not in ("spikes.h5", "neurons.h5")]
    for number, (before, after) in enumerate((("counts", "some"), ("some", "counts"), ("counts", "counts"))):
        folder, kept = (os.path.join(top, f"{what}_counted{number}") for what in ("run", "kept"))
        record(program, 3, 1, folder, 0, 2777, kept, what=before)
        record(program, 2, 1, folder, 2777, STEPS, kept, what=after)
        check_equal(folder, expected, ("counted", number), files)


def main():
    program = find_program()
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as top:
        unbroken = os.path.join(top, "unbroken")
        figures = record(program, 1, 0, unbroken, 0, STEPS, os.path.join(top, "none"))
        expected = {name: contents(os.path.join(unbroken, name)) for name in FILES}
        assert len(figures) == 2, figures
        first = {}
        #  when it is kept, (ranks, layout) before and after
        for number, (step, before, after) in enumerate(
                ((2777, (3, 2), (2, 1)), (2777, (1, 0), (4, 2)), (501, (2, 0), (3, 1)), (1003, (2, 2), (1, 0)), (5999, (4, 1), (2, 2)))):
            folder, kept = (os.path.join(top, f"{what}{number}") for what in ("run", "kept"))
            record(program, *before, folder, 0, step, kept, how="on")
            state = arrays(kept)
            assert first.setdefault(step, state) == state, (step, before)
            if number == 0:
                check_refused(program, folder, kept, step)
            if number == 2:
                shutil.copytree(folder, os.path.join(top, "repaired"))
                check_repaired(program, os.path.join(top, "repaired"), kept, expected, rng)
            damage(folder, kept, rng)
            last = record(program, *after, folder, step, STEPS, kept)
            assert last == figures, (last, figures)
            check_equal(folder, expected, (step, before, after))
            if number == 0:  # and once more from there, though the run has come to its end: kept again on the way
                again = os.path.join(top, "again")
                shutil.copytree(kept, again)
                record(program, 2, 2, folder, step, 4321, again)
                assert record(program, 3, 0, folder, 4321, STEPS, again) == figures
                check_equal(folder, expected, "kept twice")
        check_counted(program, top, expected)
    return 0


sys.exit(main())
