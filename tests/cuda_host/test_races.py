"""Kernels of /cuda executed on the CPU under ThreadSanitizer: no races, and a barrier that is left out is noticed.

  test_races.py CALLOSUM     (CALLOSUM_cuda_plain and _tsan beside it, see cuda_host.h)
"""
import pathlib

from cases import PROGRAM, found, run, sanitized, testing

TSAN = {"models": 3, "plastic": 8, "procedural": 2, "pd14": 1, "coba": 3}  # ms
TWO = {"simulation.members": 2}
# A launch ends at every flush, and the next one begins with spikes in flight.
SHORT = {**TWO, "record.flush_ms": 0.7}


def races(check, folder):
    for case, ms in TSAN.items():
        result = sanitized(case, ms, folder, TWO if case == "coba" else None)
        if result is None:
            print("skipped: ThreadSanitizer cannot start here")
            return False
        code, reports, text = result
        check(f"{case}: no race", code == 0 and reports == 0, text[-3000:] if code else "")
    return True


# Networks whose steps pass every barrier: few of one kind of input, and many of all kinds.
NETWORKS = {"coba": 3, "models": 2}  # ms under ThreadSanitizer


def noticed(folder, name, expected, sanitizer):
    """What is wrong where a barrier is left out: another digest in one of three orders of threads, or a race."""
    for case, ms in NETWORKS.items():
        for seed in (1, 2, 3):
            if found(run(folder, case, ms=10, values=SHORT, CALLOSUM_CUDA_HOST_DROP=name, CALLOSUM_CUDA_HOST_SEED=str(seed),
                         CALLOSUM_CUDA_HOST_SMS=str(seed))) != expected[case]:
                return f"another digest of {case}"
        for blocks in ("3", "1") if sanitizer else ():
            code, reports, _ = sanitized(case, ms, folder, SHORT, CALLOSUM_CUDA_HOST_DROP=name, CALLOSUM_CUDA_HOST_SMS=blocks)
            if reports or code:
                return f"{reports} races in {case}"
    return None


def barriers(check, folder, sanitizer):
    """Each barrier that a step passes is needed: without it threads race, or the digest is another, or a run ends. With two
    members of a network that fires in most steps a block handles spikes of one, and takes those of the next."""
    sites = pathlib.Path(folder) / "sites"
    expected = {case: found(run(folder, case, program=PROGRAM, backend="/cpu/serial", ms=10, values=TWO)) for case in NETWORKS}
    check.equal("with all barriers", {case: found(run(folder, case, ms=10, values=SHORT, CALLOSUM_CUDA_HOST_SITES=str(sites)))
                                      for case in reversed(NETWORKS)}, expected)
    names = sorted({line.split()[0] for line in sites.read_text(encoding="utf-8").splitlines()})
    check("barriers of a step were found", len(names) >= 4, names)
    for name in names:
        how = noticed(folder, name, expected, sanitizer)
        check(f"without the barrier at {name}", how is not None or not sanitizer, f"noticed by {how}")


def main():
    with testing(__doc__) as (check, folder):
        barriers(check, folder, races(check, folder))


main()
