"""What the tests of /cuda share whose kernels are executed on the CPU (cuda_host.h): small jobs, and the program in each of its
three forms."""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from common import EXAMPLES, JOBS, PROGRAM, Run, call, environment, settings, skip, testing  # noqa: E402, F401

BRAIN = {"brain.neurons": 2000}
TENTH = {"scale.neurons": 0.1, "scale.indegree": 0.1}
SPIKES = {"record.spikes": "all"}
COUNTS = {"record.spikes": "none", "record.rates": {"bin_ms": 1}, "record.warmup_ms": 5}
LESION = [{"at_ms": 3, "remove": {"region": "L000"}}, {"at_ms": 6, "tracts": {"from": "L*", "onto": "R*"}, "factor": 0.5},
          {"at_ms": 9, "on": {"type": "E"}, "receptor": "AMPA", "factor": 0.5}]
# Jobs: file, biology (ms), values.
CASES = {
    "demo": (EXAMPLES / "demo.yaml", 20, {**BRAIN, **COUNTS, "record.bold": {"tr_s": 0.005}, "record.flush_ms": 3.7,
                                          "record.currents": {"interval_ms": 1}}),
    "pd14": (EXAMPLES / "pd14.yaml", 20, {**TENTH, **COUNTS, "record.spectra": {"bin_ms": 1, "segment_ms": 10}}),
    "all_rules": (EXAMPLES / "all_rules.yaml", 20, SPIKES),
    "models": (EXAMPLES / "models.yaml", 20, SPIKES),
    "units": (JOBS / "units.yaml", 20, SPIKES),
    "coba": (EXAMPLES / "coba.yaml", 20, SPIKES),
    "plastic": (JOBS / "plastic.yaml", 30, SPIKES),
    "stdp": (EXAMPLES / "stdp.yaml", 100, COUNTS),
    "reservoir": (EXAMPLES / "reservoir.yaml", 60, SPIKES),
    "procedural": (JOBS / "procedural.yaml", 10, {**COUNTS, "populations.0.n": 1000, "populations.1.n": 500,
                                                  "populations.2.n": 250, "projections.0.total": 50000}),
    "lesion": (EXAMPLES / "demo.yaml", 12, {**BRAIN, **COUNTS, "interventions": LESION}),
    "lesion_drawn": (EXAMPLES / "demo.yaml", 12, {**BRAIN, **COUNTS, "interventions": LESION, "brain.synapses": "procedural",
                                                 "brain.rule": "fixed_total_number"}),
    "updown": (EXAMPLES / "updown.yaml", 20, {**SPIKES, "populations.0.inputs.0.rate_hz": 800}),
    "next_step": (JOBS / "next_step.yaml", 10, SPIKES),
}


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


def compare(check, folder, case, ranks, members, method, how):
    """Spikes, weights and recordings are those of /cpu/serial on one rank."""
    values = {"simulation.members": members, "partition.method": method}
    expected = run(folder, case, program=PROGRAM, backend="/cpu/serial", values=values)
    done = run(folder, case, program=form(how), values=values, ranks=ranks if ranks > 1 else None, timeout=900)
    what = f"{case}: {ranks} ranks, {members} members, {method}"
    check(f"{what}: there are spikes", expected.summary.get("spikes", 0) > 20, expected.summary.get("spikes"))
    check.equal(f"{what}: digests", found(done), found(expected))
    differ = [f"{file}:{name}" for file, sets in expected.kept.items() for name in sets
              if done.kept.get(file, {}).get(name) != sets[name]]
    check(f"{what}: recordings", sorted(done.kept) == sorted(expected.kept) and not differ,
          differ or f"{len(done.kept)} files")


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
