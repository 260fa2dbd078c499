"""Kernels of /cuda executed on the CPU under ThreadSanitizer: no races, and a barrier that is left out is noticed.

  test_races.py CALLOSUM     (CALLOSUM_cuda_plain and _tsan beside it, see cuda_host.h)
"""
import pathlib

from cases import PROGRAM, found, run, sanitized, testing

TSAN = {"models": 3, "plastic": 8, "procedural": 2, "pd14": 1, "coba": 3}  # ms
TWO = {"simulation.members": 2}


def races(check, folder):
    for case, ms in TSAN.items():
        result = sanitized(case, ms, folder, TWO if case == "coba" else None)
        if result is None:
            print("skipped: ThreadSanitizer cannot start here")
            return False
        code, reports, text = result
        check(f"{case}: no race", code == 0 and reports == 0, text[-3000:] if code else "")
    return True


def noticed(folder, name, expected, sanitizer):
    """What is wrong where a barrier is left out: another digest in one of three orders of threads, or a race."""
    for seed in (1, 2, 3):
        if found(run(folder, "coba", ms=10, values=TWO, CALLOSUM_CUDA_HOST_DROP=name, CALLOSUM_CUDA_HOST_SEED=str(seed),
                     CALLOSUM_CUDA_HOST_SMS=str(seed))) != expected:
            return "another digest"
    for blocks in ("3", "1") if sanitizer else ():
        code, reports, _ = sanitized("coba", 3, folder, TWO, CALLOSUM_CUDA_HOST_DROP=name, CALLOSUM_CUDA_HOST_SMS=blocks)
        if reports or code:
            return f"{reports} races"
    return None


def barriers(check, folder, sanitizer):
    """Each barrier that a step passes is needed: without it threads race, or the digest is another, or a run ends. With two
    members of a network that fires in most steps a block handles spikes of one, and takes those of the next."""
    sites = pathlib.Path(folder) / "sites"
    expected = found(run(folder, "coba", program=PROGRAM, backend="/cpu/serial", ms=10, values=TWO))
    check.equal("with all barriers", found(run(folder, "coba", ms=10, values=TWO, CALLOSUM_CUDA_HOST_SITES=str(sites))), expected)
    names = sorted({line.split()[0] for line in sites.read_text(encoding="utf-8").splitlines()})
    check("barriers of a step were found", len(names) >= 4, names)
    for name in names:
        how = noticed(folder, name, expected, sanitizer)
        check(f"without the barrier at {name}", how is not None or not sanitizer, f"noticed by {how}")


def main():
    with testing(__doc__) as (check, folder):
        barriers(check, folder, races(check, folder))


main()
