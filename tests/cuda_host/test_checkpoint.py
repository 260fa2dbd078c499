"""Checkpoints of /cuda: a run that made some and one that goes on from the first of them, on other ranks, leave what /cpu/serial
leaves, bit for bit. Kernels are executed on the CPU (cuda_host.h) under AddressSanitizer and UndefinedBehaviorSanitizer.

  test_checkpoint.py CALLOSUM     (CALLOSUM_cuda_asan and _plain beside it)
"""
import pathlib

from cases import CASES, PROGRAM, Run, form, skip, testing

try:
    import h5py  # noqa: F401
except ImportError as error:
    skip(f"this Python has no {error.name}")

# Case, ranks that begin, ranks that go on; a checkpoint about every 0.37 of the run.
RUNS = [("demo", 1, 2), ("all_rules", 2, 1), ("models", 1, 1), ("plastic", 1, 2), ("plastic", 2, 1), ("procedural", 1, 1),
        ("lesion", 1, 1), ("lesion_drawn", 2, 1), ("reservoir", 1, 1)]


def left(done):
    found = {key: done.summary.get(key) for key in ("digest", "digests", "weights_digests", "spikes")}
    return found | {f"{file}:{name}": values for file, sets in done.recordings().items() for name, values in sets.items()}


def same(check, what, done, expected):
    mine, theirs = left(done), left(expected)
    differ = [name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name)]
    check(what, done.code == 0 and not differ, sorted(differ)[:5] or f"digest {done.digest}")


def goes_on(check, folder, case, begin, then):
    job, ms, values = CASES[case]
    values = {**values, "simulation.duration_ms": ms}
    out = pathlib.Path(folder) / f"{case}{begin}"
    expected = Run(job, f"{out}_serial", values, backend="/cpu/serial", program=PROGRAM)
    check(f"{case}: there are spikes", expected.summary.get("spikes", 0) > 20, expected.summary.get("spikes"))
    values["checkpoint"] = {"every_ms": round(0.74 * ms) / 2, "keep": 9}
    how = {"backend": "/cuda", "timeout": 900}
    done = Run(job, out, values, program=form("asan" if begin == 1 else "plain"), ranks=begin if begin > 1 else None, **how)
    same(check, f"{case}: checkpoints on {begin} ranks", done, expected)
    files = sorted(out.glob("checkpoint_*.h5"), key=lambda path: int(path.stem.split("_")[1]))
    check(f"{case}: there are checkpoints", len(files) >= 2, [path.name for path in files])
    if not files:
        return
    done = Run(job, out, values, program=form("asan" if then == 1 else "plain"), ranks=then if then > 1 else None,
               options=["--restart", files[0]], **how)
    same(check, f"{case}: from {files[0].name} on {then} ranks", done, expected)


def main():
    with testing(__doc__) as (check, folder):
        for case, begin, then in RUNS:
            goes_on(check, folder, case, begin, then)


main()
