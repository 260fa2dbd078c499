"""The spikes of /cuda are those of /cpu/serial, bit for bit, and so are weights and recordings: its kernels are executed
on the CPU (cuda_host.h) under AddressSanitizer and UndefinedBehaviorSanitizer, in 20 orders of threads, and under
ThreadSanitizer. A barrier that is left out is noticed.

  test_digest.py CALLOSUM     (CALLOSUM_cuda_asan, _plain and _tsan beside it)
"""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from common import EXAMPLES, JOBS, PROGRAM, Run, call, environment, settings, skip, testing  # noqa: E402

SMALL = {"scale.neurons": 0.1, "scale.indegree": 0.1}
SPIKES = {"record.spikes": "all"}
COUNTS = {"record.spikes": "none", "record.rates": {"bin_ms": 1}, "record.warmup_ms": 5}
LESION = [{"at_ms": 3, "remove": {"region": "L000"}}, {"at_ms": 6, "tracts": {"from": "L*", "onto": "R*"}, "factor": 0.5},
          {"at_ms": 9, "on": {"type": "E"}, "receptor": "AMPA", "factor": 0.5}]
# Jobs: file, biology (ms), values.
CASES = {
    "demo": (EXAMPLES / "demo.yaml", 20, {**COUNTS, "record.bold": {"tr_s": 0.005}, "record.flush_ms": 3.7,
                                          "record.currents": {"interval_ms": 1}}),
    "pd14": (EXAMPLES / "pd14.yaml", 20, {**SMALL, **COUNTS, "record.spectra": {"bin_ms": 1, "segment_ms": 10}}),
    "all_rules": (EXAMPLES / "all_rules.yaml", 20, SPIKES),
    "models": (EXAMPLES / "models.yaml", 20, SPIKES),
    "units": (JOBS / "units.yaml", 20, SPIKES),
    "coba": (EXAMPLES / "coba.yaml", 20, SPIKES),
    "plastic": (JOBS / "plastic.yaml", 60, SPIKES),
    "stdp": (EXAMPLES / "stdp.yaml", 100, COUNTS),
    "reservoir": (EXAMPLES / "reservoir.yaml", 60, SPIKES),
    "procedural": (JOBS / "procedural.yaml", 10, COUNTS),
    "lesion": (EXAMPLES / "demo.yaml", 15, {**COUNTS, "interventions": LESION}),
    "lesion_drawn": (EXAMPLES / "demo.yaml", 12, {**COUNTS, "interventions": LESION, "brain.rule": "fixed_total_number",
                                                 "brain.synapses": "procedural"}),
    "updown": (EXAMPLES / "updown.yaml", 100, SPIKES),
}
# (ranks, members, partition): every case on one rank, and on those besides.
LAYOUTS = {"demo": [(1, 3, "metis"), (2, 1, "contiguous")], "pd14": [(2, 2, "round_robin"), (3, 1, "metis")],
           "all_rules": [(2, 1, "round_robin")], "models": [(3, 2, "contiguous")], "units": [(2, 1, "metis")],
           "plastic": [(1, 2, "metis"), (3, 1, "round_robin")], "procedural": [(2, 2, "contiguous")],
           "updown": [(2, 2, "metis")], "reservoir": [(2, 1, "metis")]}
ORDERS = 20
TSAN = {"models": 3, "plastic": 8, "procedural": 1, "pd14": 1}


def form(name):
    """The program whose kernels are executed in one of the three ways."""
    path = pathlib.Path(f"{PROGRAM}_cuda_{name}")
    if not path.exists():
        skip(f"{path.name} was not built")
    return path


def run(folder, case, program=None, backend="/cuda", ms=None, values=None, **how):
    job, default_ms, more = CASES[case]
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        done = Run(job, pathlib.Path(scratch) / "out", {"simulation.duration_ms": ms or default_ms, **more, **(values or {})},
                   backend=backend, program=program or form("plain"), **how)
        done.kept = done.recordings()
    return done


def found(done):
    return done.summary.get("digests") or [done.digest], done.summary.get("weights_digests")


def compare(check, folder):
    """Each case on one rank, then on others, with members; recordings too."""
    for case in CASES:
        for ranks, members, method in [(1, 1, "metis"), *LAYOUTS.get(case, [])]:
            values = {"simulation.members": members, "partition.method": method}
            expected = run(folder, case, program=PROGRAM, backend="/cpu/serial", values=values)
            done = run(folder, case, program=form("asan" if ranks == 1 else "plain"), values=values,
                       ranks=ranks if ranks > 1 else None, timeout=900)
            what = f"{case}: {ranks} ranks, {members} members, {method}"
            check(f"{what}: there are spikes", expected.summary.get("spikes", 0) > 20, expected.summary.get("spikes"))
            check.equal(f"{what}: digests", found(done), found(expected))
            differ = [f"{file}:{name}" for file, sets in expected.kept.items() for name in sets
                      if done.kept.get(file, {}).get(name) != sets[name]]
            check(f"{what}: recordings", sorted(done.kept) == sorted(expected.kept) and not differ,
                  differ or f"{len(done.kept)} files")


def orders(check, folder):
    """The order in which threads take turns does not matter."""
    for case in ("pd14", "plastic"):
        digests = [found(run(folder, case, ms=20, CALLOSUM_CUDA_HOST_SEED=str(seed),
                             CALLOSUM_CUDA_HOST_SMS=str(1 + seed % 4))) for seed in range(1, ORDERS + 1)]
        expected = found(run(folder, case, program=PROGRAM, backend="/cpu/serial", ms=20))
        check(f"{case}: {ORDERS} orders of threads give one digest", all(d == expected for d in digests), expected[0][0])


def sanitized(case, ms, folder, values=None, **variables):
    """A run under ThreadSanitizer: its exit code, races reported. None: it cannot start here."""
    job, _, more = CASES[case]
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        arguments = ["run", job, "--out", f"{scratch}/out", "--backend", "/cuda",
                     *settings({**more, **(values or {}), "simulation.duration_ms": ms})]
        done = subprocess.run(["setarch", os.uname().machine, "-R", str(form("tsan")), *map(str, arguments)],
                              env=environment(1, TSAN_OPTIONS="exitcode=66", **variables), capture_output=True, text=True,
                              timeout=900, check=False)
    if "FATAL: ThreadSanitizer" in done.stderr or "setarch:" in done.stderr:
        return None
    return done.returncode, done.stderr.count("WARNING: ThreadSanitizer"), done.stderr


def races(check, folder):
    for case, ms in TSAN.items():
        result = sanitized(case, ms, folder)
        if result is None:
            print("skipped: ThreadSanitizer cannot start here")
            return False
        code, reports, text = result
        check(f"{case}: no race", code == 0 and reports == 0, text[-3000:] if code else "")
    return True


def barriers(check, folder, sanitizer):
    """Each barrier that a step passes is needed: without it threads race, or the digest is another, or a run ends. With two
    members of a network that fires in most steps a block handles spikes of one, and takes those of the next."""
    sites = pathlib.Path(folder) / "sites"
    two = {"simulation.members": 2}
    expected = found(run(folder, "coba", program=PROGRAM, backend="/cpu/serial", ms=10, values=two))
    run(folder, "coba", ms=10, values=two, CALLOSUM_CUDA_HOST_SITES=str(sites))
    names = sorted({line.split()[0] for line in sites.read_text(encoding="utf-8").splitlines()})
    check("barriers of a step were found", len(names) >= 4, names)
    for name in names:
        how = None
        for seed in (1, 2, 3):
            if not how and found(run(folder, "coba", ms=10, values=two, CALLOSUM_CUDA_HOST_DROP=name,
                                     CALLOSUM_CUDA_HOST_SEED=str(seed), CALLOSUM_CUDA_HOST_SMS=str(seed))) != expected:
                how = "another digest"
        for blocks in ("3", "1") if sanitizer and not how else ():
            code, reports, _ = sanitized("coba", 10, folder, two, CALLOSUM_CUDA_HOST_DROP=name, CALLOSUM_CUDA_HOST_SMS=blocks)
            how = how or (f"{reports} races" if reports or code else None)
        check(f"without the barrier at {name}", how is not None or not sanitizer, f"noticed by {how}")


def launches(check, folder):
    """A window is one launch; with nothing recorded there is no copy back and no allocation while it goes on."""
    bare = {"record": {"warmup_ms": 5}}
    profile = [run(folder, "pd14", ms=ms, values=bare).summary.get("profile", {}) for ms in (50, 100)]
    check("kernels per step", all(p["launches"] * 10 <= p["steps"] for p in profile), [p.get("launches") for p in profile])
    check.equal("copies back that a longer run needs more", profile[1]["copies_from_gpu"], profile[0]["copies_from_gpu"])
    check.equal("allocations in the loop", [p["allocations"] for p in profile], [0, 0])
    shared = run(folder, "pd14", ms=20, ranks=2).summary["profile"]
    check("kernels per step, two ranks", shared["launches"] <= 3 * shared["steps"], shared)


def refusals(check, folder):
    job = CASES["demo"][0]
    small = call("run", job, "--backend", "/cuda", "--out", f"{folder}/small", program=form("plain"),
                 CALLOSUM_CUDA_HOST_BYTES="3000000")
    check("a network that does not fit", small.returncode == 3 and "synapses 0.01" in small.stderr and
          "would fit" in small.stderr and not os.path.exists(f"{folder}/small"), small.stderr.strip()[-300:])
    none = call("run", job, "--backend", "/cuda", "--out", f"{folder}/none", program=form("plain"),
                CALLOSUM_CUDA_HOST_DEVICES="0")
    check("no GPU", none.returncode == 2 and "finds no GPU" in none.stderr, none.stderr.strip()[-300:])


def main():
    with testing(__doc__) as (check, folder):
        refusals(check, folder)
        compare(check, folder)
        orders(check, folder)
        launches(check, folder)
        barriers(check, folder, races(check, folder))


main()
