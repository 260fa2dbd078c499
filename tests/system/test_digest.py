"""The spikes of a run are the same bits whatever computes them: ranks, threads, backends, partitions, members of an
ensemble, processors; and its recordings are the same bytes. On the demo job, the cortical microcircuit at a tenth of
its size, a job with every rule, input and distribution, a job with every neuron model, a brain of every unit, a job whose
synapses and positions stand in files, and one with plastic synapses of every kind, whose weights are recorded.

  test_digest.py CALLOSUM     (CALLOSUM_baseline and CALLOSUM_v3 beside it are compared where they are)
"""
import pathlib

from common import EXAMPLES, JOBS, PROGRAM, Run, skip, testing

try:
    import h5py
    import numpy
except ImportError as error:
    skip(f"this Python has no {error.name}")

RECORD = {"record.spikes": "all", "record.rates": {"bin_ms": 1}, "record.currents": {"interval_ms": 1},
          "record.lfp": {"interval_ms": 1}, "record.neurons": "all", "record.spectra": {"bin_ms": 1, "segment_ms": 40},
          "record.warmup_ms": 20}
BOLD = {"record.bold": {"tr_s": 0.05}}
TRACES = {"record.traces": [{"name": "v", "on": {"type": "E"}, "neurons": 3, "variables": ["V_m"], "interval_ms": 0.5}]}
CASES = {
    "demo": (EXAMPLES / "demo.yaml", {"simulation.duration_ms": 100, "brain.neurons": 5000, **RECORD, **BOLD, **TRACES}),
    "pd14": (EXAMPLES / "pd14.yaml",
             {"simulation.duration_ms": 120, "scale.neurons": 0.1, "scale.indegree": 0.1, **RECORD, **TRACES}),
    "all_rules": (EXAMPLES / "all_rules.yaml", {"simulation.duration_ms": 120, **RECORD}),
    "models": (EXAMPLES / "models.yaml", {"simulation.duration_ms": 150, **RECORD}),
    "units": (JOBS / "units.yaml", {"simulation.duration_ms": 160, **RECORD, **BOLD}),
    "plastic": (JOBS / "plastic.yaml", {"simulation.duration_ms": 100, **RECORD}),
    "listed": (None, {"simulation.duration_ms": 200, **RECORD}),  # written by lists()
    "stdp": (EXAMPLES / "stdp.yaml", {"simulation.duration_ms": 800, **RECORD}),
    "reservoir": (EXAMPLES / "reservoir.yaml", {"simulation.duration_ms": 200, **RECORD}),
    "updown": (EXAMPLES / "updown.yaml", {"simulation.duration_ms": 150, **RECORD}),
}
FILES = {"demo": 8, "pd14": 7, "all_rules": 9, "models": 7, "units": 7, "plastic": 8, "listed": 6, "stdp": 7,
         "reservoir": 6, "updown": 6}

# (ranks, threads, backend, partition): every value of each, in different company.
LAYOUTS = {
    "demo": [(1, 2, "/cpu/omp", "metis"), (1, 1, "/cpu/serial", "metis"), (2, 1, "/cpu/omp", "metis"),
             (3, 2, "/cpu/omp", "contiguous"), (4, 1, "/cpu/omp", "round_robin"), (2, 2, "/cpu/serial", "contiguous")],
    "pd14": [(1, 2, "/cpu/omp", "contiguous"), (2, 2, "/cpu/omp", "round_robin"), (3, 1, "/cpu/serial", "metis"),
             (4, 2, "/cpu/omp", "metis")],
    "all_rules": [(1, 1, "/cpu/serial", "round_robin"), (2, 2, "/cpu/omp", "contiguous"),
                  (3, 1, "/cpu/omp", "round_robin"), (3, 2, "/cpu/serial", "round_robin"), (4, 2, "/cpu/omp", "metis")],
    "plastic": [(1, 1, "/cpu/serial", "contiguous"), (1, 3, "/cpu/omp", "round_robin"), (2, 1, "/cpu/omp", "metis"),
                (3, 1, "/cpu/serial", "round_robin"), (4, 2, "/cpu/omp", "contiguous")],
    "listed": [(1, 3, "/cpu/omp", "contiguous"), (2, 1, "/cpu/serial", "metis"), (3, 2, "/cpu/omp", "round_robin")],
    "models": [(1, 2, "/cpu/serial", "contiguous"), (2, 2, "/cpu/omp", "metis"), (3, 2, "/cpu/serial", "round_robin"),
               (4, 1, "/cpu/omp", "contiguous")],
    "units": [(1, 1, "/cpu/serial", "contiguous"), (2, 2, "/cpu/omp", "metis"), (3, 1, "/cpu/serial", "round_robin"),
              (4, 1, "/cpu/omp", "contiguous")],
}
EXAMPLE_LAYOUTS = {"stdp": [(1, 2, "/cpu/serial", "contiguous"), (3, 2, "/cpu/omp", "metis")],
                   "reservoir": [(1, 3, "/cpu/omp", "round_robin"), (2, 1, "/cpu/serial", "metis")],
                   "updown": [(2, 1, "/cpu/omp", "metis"), (3, 1, "/cpu/serial", "round_robin")]}
LAYOUTS |= EXAMPLE_LAYOUTS

LISTED = """\
simulation: {dt_ms: 0.1, seed: 3}
populations:
  - {name: E, n: 1500, type: E, model: lif_psc_exp, inputs: [{model: poisson, rate_hz: 9000, weight: 90, receptor: exc}],
     positions: {file: lists.h5, dataset: positions/E}}
  - {name: I, n: 400, model: lif_psc_exp, inputs: [{model: poisson, rate_hz: 9000, weight: 85, receptor: exc}],
     positions: {file: lists.h5, dataset: positions/I}}
  - {name: D, n: 300, model: lif_dtb, inputs: [{model: ou, tau_ms: 4, mean: 0.4, sd: 0.15}]}
projections:
  - {source: E, target: E, rule: explicit, file: lists.h5, group: EE, receptor: exc}
  - {source: E, target: I, rule: explicit, file: lists.h5, group: /EI, receptor: exc, delay_ms: 1.5,
     weight: {distribution: normal, mean: 40, sd: 4, min: 0}}
  - {source: I, target: E, rule: explicit, file: lists.h5, group: IE, receptor: inh, delay_ms: {distribution: uniform,
     low: 0.5, high: 2}}
  - {source: E, target: D, rule: explicit, file: lists.h5, group: ED, receptor: excitatory}
  - {source: I, target: I, rule: pairwise_bernoulli, probability: {kernel: gaussian, peak: 0.2, sigma_mm: 0.2},
     receptor: inh, weight: -80, delay_ms: {distance: {velocity_m_s: 0.3}}}
"""


def lists(folder):
    """A job with its synapses in files: sorted by target and not, with and without weights and delays."""
    random = numpy.random.default_rng(1)
    size = {"E": 1500, "I": 400, "D": 300}
    with h5py.File(folder / "lists.h5", "w") as file:
        for name, n, ordered in [("EE", 60000, True), ("EI", 30000, False), ("IE", 40000, True), ("ED", 9000, False)]:
            target = random.integers(0, size[name[1]], n)
            group = file.create_group(name)
            group["target_id"] = numpy.sort(target) if ordered else target
            group["source_id"] = random.integers(0, size[name[0]], n).astype("u2")
            if name != "EI":
                weight = {"EE": random.normal(30, 3, n), "IE": random.normal(-160, 20, n), "ED": random.random((n, 2))}
                group["weight"] = weight[name]
            if name in ("EE", "ED"):
                group["delay_ms"] = random.integers(1, 150, n) / 10
        file["positions/E"] = random.normal(0, 1, (1500, 3))
        file["positions/I"] = random.random((400, 2))
    job = folder / "listed.yaml"
    job.write_text(LISTED, encoding="utf-8")
    return job


def mix64(z):
    """The mixer behind the digest (the finaliser of SplitMix64), on arrays of 64-bit words."""
    z = z + numpy.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return z ^ (z >> numpy.uint64(31))


def digest_of_file(path):
    """The digest, recomputed from the recorded spikes: sum over spikes of mix(mix(neuron) + step)."""
    with h5py.File(path, "r") as file:
        (name,) = [name for name in file["spikes"] if "_member" not in name]
        neuron = file["spikes"][name]["node_ids"][()].astype(numpy.uint64)
        step = numpy.rint(file["spikes"][name]["timestamps"][()] / file.attrs["dt_ms"]).astype(numpy.uint64)
    step -= numpy.uint64(1)  # a spike of step s is written with the time at the step's end
    return f"{int(mix64(mix64(neuron) + step).sum(dtype=numpy.uint64)):016x}"


class Case:
    def __init__(self, check, name, folder):
        self.check, self.name, self.folder, self.n = check, name, folder, 0
        self.job, self.values = CASES[name]
        self.job = self.job or lists(pathlib.Path(folder))
        self.plain = self.run()
        self.recordings = self.plain.recordings()
        spikes, weights = self.plain.summary.get("spikes", 0), self.plain.summary.get("plastic_synapses", 0)
        check(f"{name}: plain run", self.plain.code == 0 and spikes > 1000,
              f"{spikes} spikes, digest {self.plain.digest}, {weights} weights")

    def run(self, more=None, **how):
        self.n += 1
        return Run(self.job, pathlib.Path(self.folder) / f"{self.name}{self.n}", {**self.values, **(more or {})}, **how)

    def same(self, what, run):
        """Digest and every recorded byte are those of the plain run."""
        self.check.equal(f"{self.name}: digest, {what}", run.digest, self.plain.digest)
        if self.plain.summary.get("plastic_synapses"):
            self.check.equal(f"{self.name}: weights at the end, {what}", run.summary.get("weights_digests"),
                             self.plain.summary.get("weights_digests"))
        mine = run.recordings()
        differ = [f"{file}:{dataset}" for file, datasets in self.recordings.items()
                  for dataset in datasets if mine.get(file, {}).get(dataset) != datasets[dataset]]
        extra = [f"{file}:{dataset}" for file in mine for dataset in mine[file]
                 if dataset not in self.recordings.get(file, {})]
        size = sum(len(d[2]) for datasets in mine.values() for d in datasets.values())
        self.check(f"{self.name}: recordings, {what}", mine and not differ and not extra,
                   f"different: {differ + extra}" if differ or extra else f"{len(mine)} files, {size} bytes")

    # ---- what is compared

    def files(self):
        self.check.equal(f"{self.name}: recordings of the plain run", len(self.recordings), FILES[self.name])
        n = self.recordings["spikes.h5"]
        recorded = [shape[0] for name, (_, shape, _) in n.items() if name.endswith("node_ids")]
        self.check.equal(f"{self.name}: every spike is recorded", recorded, [self.plain.summary["spikes"]])
        self.check.equal(f"{self.name}: digest recomputed from spikes.h5",
                         digest_of_file(self.plain.out / "spikes.h5"), self.plain.digest)

    def layouts(self):
        for ranks, threads, backend, method in LAYOUTS[self.name]:
            what = f"{ranks} ranks x {threads} threads, {backend}, {method}"
            run = self.run({"partition.method": method}, ranks=ranks if ranks > 1 else None, threads=threads,
                           backend=backend)
            self.same(what, run)
            s = run.summary
            self.check.equal(f"{self.name}: layout as asked", (s.get("ranks"), s.get("threads"), s.get("backend"),
                                                               s.get("partition")), (ranks, threads, backend, method))
            if ranks > 1:
                sent = s.get("messages", 0)
                self.check(f"{self.name}: spikes crossed between ranks, {what}", sent > 1000, f"{sent} messages")

    def observers(self):
        """What is recorded, how often ranks meet and files are flushed is not seen by the network."""
        bare = self.run({"record": {"warmup_ms": 20}}, ranks=2)
        self.check.equal(f"{self.name}: digest, nothing recorded", bare.digest, self.plain.digest)
        self.check.equal(f"{self.name}: weights at the end, nothing recorded", bare.summary.get("weights_digests"),
                         self.plain.summary.get("weights_digests"))
        self.check.equal(f"{self.name}: files, nothing recorded", bare.recordings(), {})
        self.same("beat 33.3 ms, flush 17.1 ms", self.run({"simulation.beat_ms": 33.3, "record.flush_ms": 17.1}, ranks=2))

    def members(self):
        found = {}
        for ranks, backend in [(1, "/cpu/omp"), (2, "/cpu/serial"), (3, "/cpu/omp")]:
            run = self.run({"simulation.members": 2}, ranks=ranks if ranks > 1 else None, backend=backend)
            digests = run.summary.get("digests", [None, None])
            weights = run.summary.get("weights_digests")
            if weights:
                self.check.equal(f"{self.name}: weights of member 0 of 2, {ranks} ranks", weights[:1],
                                 self.plain.summary["weights_digests"])
                self.check(f"{self.name}: weights of member 1 are others, {ranks} ranks", weights[0] != weights[1])
            self.check.equal(f"{self.name}: digest of member 0 of 2, {ranks} ranks, {backend}", digests[0],
                             self.plain.digest)
            found[ranks] = ([digests, weights], run.recordings())
        self.check(f"{self.name}: member 1 is another one", found[1][0][0][1] not in (None, self.plain.digest),
                   str(found[1][0][0][1]))
        self.check.equal(f"{self.name}: digests of members on 1, 2 and 3 ranks",
                         [found[2][0], found[3][0]], [found[1][0]] * 2)
        self.check(f"{self.name}: recordings of members on 1, 2 and 3 ranks",
                   found[1][1] and found[1][1] == found[2][1] == found[3][1])
        name = next(n for n in self.recordings["spikes.h5"] if n.endswith("node_ids"))
        self.check(f"{self.name}: spikes of member 0 of 2 are those of the plain run",
                   found[3][1]["spikes.h5"][name] == self.recordings["spikes.h5"][name])

    def seed(self):
        other = self.run({"simulation.seed": 4711})
        self.check(f"{self.name}: another seed, another digest",
                   other.digest not in (None, self.plain.digest) and other.summary["spikes"] > 1000, str(other.digest))

    def processors(self):
        for variant, needs in [("baseline", None), ("v3", "avx2")]:
            program = pathlib.Path(f"{PROGRAM}_{variant}")
            if not program.exists():
                print(f"skipped {self.name}: {program.name} was not built")
            elif needs and not processor_has(needs):
                print(f"skipped {self.name}: this processor has no {needs}")
            else:
                self.same(f"built for {variant}", self.run(program=program))


def processor_has(flag):
    lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return any(flag in line.split() for line in lines if line.startswith("flags"))


def main():
    with testing(__doc__) as (check, folder):
        for name in CASES:
            case = Case(check, name, folder)
            case.files()
            case.layouts()
            if name in EXAMPLE_LAYOUTS:
                continue
            if name not in ("pd14", "models", "listed"):
                case.members()
            if name in ("demo", "plastic"):
                case.observers()
            case.seed()
            case.processors()


main()
