"""The backend /cuda on a GPU: right, and how fast.

  benchmarks/gpu.py --bundle FOLDER --out FOLDER [--seconds 520] [--backend /cuda]

Checks the digests of every example against /cpu/omp, runs compute-sanitizer on small jobs where it works, and measures: the
cortical microcircuit's real-time factor; events per second against in-degree and rate; what fits the memory; a brain-like
network at in-degree 100, 7 Hz and steps of 1 ms; procedural rows; bandwidth against that of a copy. Prints one table and
writes OUT/gpu.json. Needs Python's standard library alone. What the time left is too short for is skipped, and said so."""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

# Digests: example, biology (ms), values.
DIGESTS = [("demo", 200, {}), ("pd14", 50, {"scale.neurons": 0.1, "scale.indegree": 0.1}), ("all_rules", 100, {}),
           ("models", 100, {}), ("coba", 100, {}), ("stdp", 500, {}), ("reservoir", 200, {}), ("updown", 200, {}),
           ("demo", 50, {"simulation.members": 4})]
SANITIZED = [("models", 2), ("stdp", 5)]

# Relays fire at a rate that is known; their targets never do. What is measured is delivery.
EVENTS = """\
simulation: {{duration_ms: {ms}, dt_ms: 0.1, seed: 1}}
record: {{warmup_ms: 0}}
populations:
  - {{name: source, n: {n}, model: relay, rate_hz: {rate}, inputs: [{{model: poisson, rate_hz: {rate}, weight: 1}}]}}
  - {{name: target, n: {n}, model: lif_psc_exp, rate_hz: 0}}
projections:
  - {{source: source, target: target, rule: fixed_indegree, indegree: {indegree}, receptor: exc, weight: 0.001,
     delay_ms: {{distribution: uniform, low: 0.1, high: 5}}}}
"""
# A brain of the Digital Twin's neurons at steps of 1 ms.
BRAIN = """\
simulation: {{duration_ms: {ms}, dt_ms: 1, seed: 1}}
brain: {{neurons: {neurons}, indegree: 100, rule: {rule}{more}}}
record: {{warmup_ms: 0}}
"""


# Memory of the host that building such a brain takes, per neuron.
HOST_BYTES = 1400


class Bench:
    def __init__(self, options):
        self.bundle, self.out, self.backend = pathlib.Path(options.bundle), pathlib.Path(options.out), options.backend
        self.begun, self.budget = time.monotonic(), options.seconds
        self.results = {"checks": {}, "figures": {}}
        self.rows, self.failed, self.n = [], 0, 0

    def left(self):
        return self.budget - (time.monotonic() - self.begun)

    def run(self, job, ms=None, backend=None, values=None, options=(), prefix=(), timeout=None):
        """Summary and output of one run; None and why where it failed."""
        self.n += 1
        folder = self.out / f"run{self.n}"
        shutil.rmtree(folder, ignore_errors=True)
        command = [*prefix, str(self.bundle / ("bin/callosum" if prefix else "callosum")), "run", str(job), "--out", str(folder),
                   "--backend", backend or self.backend, *options]
        for key, value in {**({"simulation.duration_ms": ms} if ms else {}), **(values or {})}.items():
            command += ["--set", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout or max(self.left(), 5))
        except subprocess.TimeoutExpired:
            return None, "took too long"
        summary = folder / "summary.json"
        found = json.loads(summary.read_text(encoding="utf-8")) if summary.exists() and done.returncode == 0 else None
        shutil.rmtree(folder, ignore_errors=True)
        return found, done.stdout + done.stderr

    def example(self, name):
        return self.bundle / "share" / "callosum" / "examples" / f"{name}.yaml"

    def write(self, name, text):
        path = self.out / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def check(self, name, good, detail=""):
        self.results["checks"][name] = bool(good)
        self.failed += not good
        print(f"{'ok  ' if good else 'FAIL'} {name}{': ' + str(detail) if detail else ''}", flush=True)

    def figure(self, name, value, unit, note=""):
        self.results["figures"][name] = {"value": value, "unit": unit, "note": note}
        text = "-" if value is None else f"{value:.4g}"
        self.rows.append((name, text, unit, note))
        print(f"     {name}: {text} {unit} {note}", flush=True)

    def skipped(self, name, seconds):
        """Whether there is too little time left for something that takes so long."""
        if self.left() > seconds:
            return False
        self.figure(name, None, "", f"skipped: {self.left():.0f} s left")
        return True


def digests(bench):
    for name, ms, values in DIGESTS:
        expected, why = bench.run(bench.example(name), ms, "/cpu/omp", values)
        found, told = bench.run(bench.example(name), ms, None, values)
        same = expected and found and all(expected.get(k) == found.get(k) for k in ("digest", "digests", "weights_digests"))
        bench.check(f"digest of {name}, {ms} ms{' ' + json.dumps(values) if values else ''}", same,
                    expected["digest"] if same else (told or why)[-500:])


def sanitize(bench):
    tool = shutil.which("compute-sanitizer")
    for kind in ("memcheck", "racecheck") if tool else ():
        for name, ms in SANITIZED:
            if bench.skipped(f"{kind} of {name}", 120):
                continue
            found, told = bench.run(bench.example(name), ms, prefix=(tool, "--tool", kind, "--error-exitcode", "66"), timeout=30)
            usable = "not supported" not in told and told != "took too long"
            if usable:
                bench.check(f"compute-sanitizer {kind}, {name}", found is not None, told[-300:] if not found else "")
            else:
                bench.figure(f"compute-sanitizer {kind}, {name}", None, "", told.strip()[-80:])
    if not tool:
        bench.figure("compute-sanitizer", None, "", "not here")


def bandwidth(summary, section, of):
    seconds = summary["timing"][section]["mean"]
    return summary["profile"][f"{of}_bytes"] / seconds * 1e-9 if seconds > 0 else None


def microcircuit(bench, floor):
    if bench.skipped("microcircuit", 60):
        return
    found, told = bench.run(bench.example("pd14"), 2000, values={"record": {"warmup_ms": 0}}, timeout=60)
    bench.check("microcircuit at full scale", found, "" if found else told[-500:])
    if not found:
        return
    bench.figure("microcircuit: real-time factor", found["real_time_factor"], "", "2 s of biology; target 0.05")
    steps = found["profile"]["steps"]
    for section in ("update", "deliver"):
        bench.figure(f"microcircuit: {section} of a step", found["timing"][section]["mean"] / steps * 1e6, "us")
    bench.figure("microcircuit: a step", found["simulate_s"] / steps * 1e6, "us")
    bench.figure("microcircuit: a wait of all blocks", floor["grid_wait_us"], "us", "floor of a step")


def events(bench, floor):
    for n, indegree, rate, ms in ((100000, 100, 10, 1000), (100000, 1000, 10, 300), (50000, 10000, 2, 200),
                                  (100000, 1000, 1, 500), (100000, 1000, 50, 100)):
        name = f"events, in-degree {indegree}, {rate} Hz"
        if bench.skipped(name, 40):
            continue
        found, told = bench.run(bench.write("events", EVENTS.format(n=n, indegree=indegree, rate=rate, ms=ms)), timeout=60)
        if not found:
            bench.check(name, False, told[-500:])
            continue
        seconds = found["timing"]["deliver"]["mean"]
        bench.figure(name, found["events"] / seconds * 1e-9, "G/s",
                     f"additions in L2: {floor['additions_in_l2_per_s'] * 1e-9:.3g} G/s; target 40")


def fits(bench):
    for neurons, rule in ((10 ** 10, "fixed_indegree"),):
        job = bench.write("large", BRAIN.format(ms=1, neurons=neurons, rule=rule, more=""))
        _, told = bench.run(job, timeout=120)
        most = re.search(r"a network of (\S+) neurons", told)
        if not most:
            bench.check("a network that does not fit is refused", False, told[-500:])
            continue
        bench.check("a network that does not fit is refused", True)
        bench.figure("neurons that fit, in-degree 100", float(most.group(1)), "", f"{rule}, 100 synapses each")


def brain(bench, floor):
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for neurons in (1_000_000, 10_000_000, 50_000_000, 100_000_000):
        name = f"brain of {neurons * 1e-6:.0f} M"
        if neurons * HOST_BYTES > memory:
            bench.figure(name, None, "", f"skipped: {neurons * HOST_BYTES * 1e-9:.0f} GB to build it in, {memory * 1e-9:.0f} GB here")
            continue
        # Building takes 0.3 microseconds per synapse and core, and a copy.
        if bench.skipped(name, 20 + neurons * 100 * 3.2e-7 / (os.cpu_count() or 1)):
            continue
        found, told = bench.run(bench.write("brain", BRAIN.format(ms=200, neurons=neurons, rule="fixed_indegree", more="")))
        if not found:
            bench.figure(name, None, "", told.strip()[-160:])
            continue
        bench.figure(f"{name}: real-time factor", found["real_time_factor"], "",
                     f"{found['mean_rate_hz']:.2f} spikes/s, built in {found['build_s']:.0f} s; target 5 for 100 M")
        for section in ("update", "deliver"):
            reached = bandwidth(found, section, section)
            bench.figure(f"{name}: {section} bandwidth", reached, "GB/s",
                         f"{100 * (reached or 0) / floor['copy_gb_s']:.0f} % of a copy's")
        bench.figure(f"{name}: events", found["events"] / found["timing"]["deliver"]["mean"] * 1e-9, "G/s",
                     f"additions in memory: {floor['additions_in_memory_per_s'] * 1e-9:.3g} G/s")


def procedural(bench):
    if bench.skipped("procedural rows", 60):
        return
    job = bench.example("procedural")
    values = {"scale.neurons": 0.1, "scale.indegree": 0.1}
    expected, _ = bench.run(job, 20, "/cpu/omp", values)
    found, told = bench.run(job, 20, None, values)
    bench.check("digest of procedural rows", expected and found and expected["digest"] == found["digest"],
                "" if found else told[-500:])
    found, told = bench.run(job, 100, timeout=60)
    if found:
        bench.figure("procedural rows: events", found["events"] / found["simulate_s"] * 1e-9, "G/s",
                     f"{found['synapses']:.3g} synapses that are nowhere")
    else:
        bench.check("procedural rows", False, told[-500:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seconds", type=float, default=520)
    parser.add_argument("--backend", default="/cuda")
    bench = Bench(parser.parse_args())
    told = subprocess.run([bench.bundle / "bin" / "gpu_floor"], capture_output=True, text=True, check=False)
    if told.returncode != 0:
        sys.exit(f"gpu.py: {told.stderr.strip()}")
    floor = bench.results["floor"] = json.loads(told.stdout)
    print(f"{floor['gpu']}, {floor['memory_gb']} GB, L2 {floor['l2_mb']} MB", flush=True)
    for key, unit in (("copy_gb_s", "GB/s"), ("additions_in_l2_per_s", "1/s"), ("additions_in_memory_per_s", "1/s"),
                      ("grid_wait_us", "us")):
        bench.figure(f"floor: {key}", floor[key], unit)
    digests(bench)
    sanitize(bench)
    microcircuit(bench, floor)
    events(bench, floor)
    fits(bench)
    procedural(bench)
    brain(bench, floor)
    width = max(len(row[0]) for row in bench.rows)
    print(f"\n{floor['gpu']}")
    for name, value, unit, note in bench.rows:
        print(f"  {name:{width}}  {value:>10} {unit:5} {note}")
    print(f"  {sum(bench.results['checks'].values())} of {len(bench.results['checks'])} checks passed")
    (bench.out / "gpu.json").write_text(json.dumps(bench.results, indent=1) + "\n", encoding="utf-8")
    sys.exit(1 if bench.failed else 0)


if __name__ == "__main__":
    os.environ.pop("OMP_NUM_THREADS", None)
    main()
