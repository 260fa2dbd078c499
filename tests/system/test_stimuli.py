"""Inputs in a run: recorded spikes replayed, files of spikes in every layout, blocks of an events.tsv, waveforms from
files, stimuli that touch only what they are put on.

  test_stimuli.py CALLOSUM
"""

from common import Run, skip, testing

try:
    import h5py
    import numpy
except ImportError as error:
    skip(f"this Python has no {error.name}")

LAYOUTS = [(None, 1, "/cpu/serial"), (3, 2, "/cpu/omp")]
MORE_LAYOUTS = [(None, 3, "/cpu/omp"), (3, 1, "/cpu/serial")]

# X is a source: nothing projects onto it.
REPLAY = """
simulation: {duration_ms: 300, dt_ms: 0.1, seed: 3}
populations:
  - {name: A, n: 300, model: lif_psc_delta, inputs: [{model: poisson, rate_hz: 9000, weight: 0.15}]}
  - {name: X, n: 250, model: relay, inputs: [{model: poisson, rate_hz: 40}]}
  - {name: B, n: 1500, model: lif_psc_exp, inputs: [{model: poisson, rate_hz: 7000, weight: 85, receptor: exc}]}
projections:
  - {source: X, target: A, rule: fixed_indegree, indegree: 30, weight: 0.5, delay_ms: {distribution: uniform, low: 0.1, high: 4}}
  - {source: X, target: B, rule: fixed_indegree, indegree: 20, receptor: exc, weight: 120, delay_ms: 0.1}
  - {source: B, target: A, rule: fixed_indegree, indegree: 20, weight: -0.3, delay_ms: 1.2}
record: {warmup_ms: 0, spikes: all}
"""
X_INPUT = "populations.1.inputs"

BLOCKS = """
simulation: {duration_ms: 1000, dt_ms: 0.1, seed: 5}
populations:
  - {name: T, n: 400, type: E, layer: L4, model: relay}
  - {name: S, n: 400, type: E, layer: L6, model: relay}
stimuli:
  - {name: task, on: {layer: L4}, model: poisson, rate_hz: 50, events: {file: events.tsv, trial_type: "face*", start_ms: 100}}
record: {warmup_ms: 0, spikes: all}
"""
EVENTS = "onset\tduration\ttrial_type\tresponse\n" \
         "0.05\t0.1\tface_famous\tn/a\n0.2\t0.05\thouse\t1\n0.3\t0.1\tface\t1\n0.38\t0.12\tface_new\t0\n0.6\tn/a\thouse\t0\n" \
         "0.7\t0.05\tface\tn/a\n"
BOXES = [(150, 250), (400, 600), (800, 850)]  # ms in the run

# Two populations that hear nothing of each other.
LONELY = """
simulation: {duration_ms: 300, dt_ms: 0.1, seed: 9}
populations:
  - {name: a, n: 600, type: E, model: lif_psc_exp, inputs: [{model: poisson, rate_hz: 9500, weight: 88, receptor: exc}]}
  - {name: b, n: 600, type: I, model: lif_psc_exp, inputs: [{model: poisson, rate_hz: 9500, weight: 88, receptor: exc}]}
record: {warmup_ms: 0, spikes: all}
"""
BRAIN = """
simulation: {duration_ms: 200, dt_ms: 0.1, seed: 1}
brain: {neurons: 2000, connectome: {generator: {regions: 6}}}
record: {warmup_ms: 0, spikes: all}
"""


class Job:
    def __init__(self, folder, name, text):
        self.folder, self.name, self.n = folder, name, 0
        self.path = folder / f"{name}.yaml"
        self.path.write_text(text)

    def run(self, values=None, ranks=None, threads=1, backend="/cpu/omp"):
        self.n += 1
        return Run(self.path, self.folder / f"{self.name}{self.n}", values, ranks=ranks, threads=threads, backend=backend)


def spikes_of(run, dt=0.1):
    """{population: (steps, neurons)} of a recording; a spike of step s is timed (s + 1) dt."""
    with h5py.File(run.out / "spikes.h5", "r") as file:
        (group,) = file["spikes"].values()
        steps = numpy.rint(group["timestamps"][()] / dt).astype(int) - 1
        nodes = group["node_ids"][()].astype(int)
        names = [name.decode() for name in file["callosum/populations/name"]]
        first, count = file["callosum/populations/first"][()], file["callosum/populations/count"][()]
    found = {}
    for name, begin, n in zip(names, first.astype(int), count.astype(int)):
        mine = (nodes >= begin) & (nodes < begin + n)
        found[name] = (steps[mine], nodes[mine] - begin)
    return found


# ---- spikes from files

def replay(check, folder):
    """Run A records X, run B replays it: all spikes are the same, on any layout."""
    job = Job(folder, "replay", REPLAY)
    recorded = job.run()
    check("replay: X fires", len(spikes_of(recorded)["X"][0]) > 2000, f"{len(spikes_of(recorded)['X'][0])} spikes")
    whole = [{"model": "spike_train", "file": str(recorded.out / "spikes.h5"), "population": "X"}]
    runs = [job.run({X_INPUT: whole})] + [job.run({X_INPUT: whole}, *layout) for layout in LAYOUTS + MORE_LAYOUTS]
    check.equal("replay: digests of the whole network", [run.digest for run in runs], [recorded.digest] * len(runs))
    alone = job.run({"record.spikes": ["X"]}, ranks=2)
    again = job.run({X_INPUT: [{"model": "spike_train", "file": str(alone.out / "spikes.h5"), "node_first": 300}]}, ranks=3)
    check.equal("replay: from a recording of X alone", again.digest, recorded.digest)
    shifted = job.run({X_INPUT: [{"model": "spike_train", "file": str(alone.out / "spikes.h5"), "node_first": 301,
                                  "outside": "ignore"}]})
    check("replay: shifted by one neuron it is another network", shifted.digest not in (None, recorded.digest))
    finer = job.run({"simulation.dt_ms": 0.05, X_INPUT: whole})
    steps, neurons = spikes_of(recorded)["X"]
    fine_steps, fine_neurons = spikes_of(finer, 0.05)["X"]
    check("replay: at half the step, in the half-step that ends with the recorded time",
          numpy.array_equal(numpy.stack((2 * steps + 1, neurons)), numpy.stack((fine_steps, fine_neurons))))
    return job, recorded


def layouts_of_files(check, folder, job, recorded):
    """The same spikes in every layout of files, in any order, drive the same network."""
    steps, neurons = spikes_of(recorded)["X"]
    times = (steps + 1) * 0.1
    order = numpy.random.default_rng(1).permutation(len(times))

    def hdf5(name, group, ids, chosen, sorting=None, population=None):
        path = folder / name
        with h5py.File(path, "w") as file:
            file[f"{group}/timestamps"] = times[chosen]
            file[f"{group}/timestamps"].attrs["units"] = "ms"
            file[f"{group}/{ids}"] = neurons[chosen].astype(numpy.uint64)
            if sorting == "enum":
                kind = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype="u1")
                file[group].attrs.create("sorting", 2, dtype=kind)
            elif sorting:
                file[group].attrs["sorting"] = sorting
        return {"model": "spike_train", "file": str(path), **({"population": population} if population else {})}

    def text(name, header, columns):
        path = folder / name
        numpy.savetxt(path, columns, fmt=("%.1f", "%d") if columns[0, 1] == int(columns[0, 1]) else ("%d", "%.1f"),
                      delimiter="\t", header=header, comments="")
        return {"model": "spike_train", "file": str(path)}

    files = {
        "by time": hdf5("a.h5", "spikes/X", "node_ids", slice(None), "enum"),
        "in any order, one of two populations": hdf5("b.h5", "spikes/X", "node_ids", order, population="X"),
        "by node, old layout": hdf5("c.h5", "spikes", "gids", numpy.lexsort((times, neurons)), "by_gid"),
        "text": text("d.tsv", "time_ms\tnode", numpy.column_stack((times, neurons))[order]),
    }
    with h5py.File(folder / "b.h5", "a") as file:
        file["spikes/other/timestamps"], file["spikes/other/node_ids"] = [1.0], [10 ** 9]
    nest = folder / "e.dat"
    nest.write_text("# NEST version: 3.8\n# RecordingBackendASCII version: 2\nsender\ttime_ms\n" +
                    "".join(f"{n}\t{t:.3f}\n" for t, n in zip(times, neurons)))
    files["text as NEST writes it"] = {"model": "spike_train", "file": str(nest)}
    for what, source in files.items():
        check.equal(f"files: {what}", job.run({X_INPUT: [source]}, ranks=2).digest, recorded.digest)
    # Twice the same spikes are one: a relay fires once in a step. A weight of 0 is none.
    source = files["by time"]
    check.equal("files: twice", job.run({X_INPUT: [source, {**source, "weight": 0.25}]}).digest, recorded.digest)
    silent = job.run({X_INPUT: [{**source, "weight": 0}]})
    check.equal("files: weight 0", len(spikes_of(silent)["X"][0]), 0)


# ---- blocks and waveforms

def blocks(check, folder):
    (folder / "events.tsv").write_text(EVENTS)
    job = Job(folder, "blocks", BLOCKS)
    run = job.run()
    spikes = spikes_of(run)
    middle = (spikes["T"][0] + 0.5) * 0.1
    inside = numpy.zeros(len(middle), bool)
    for begin, end in BOXES:
        inside |= (middle > begin) & (middle < end)
    length = sum(end - begin for begin, end in BOXES) * 1e-3
    expected = 400 * 50 * length
    check("events: spikes fall into the blocks", inside.all() and len(middle) > 0, f"{len(middle)} spikes")
    check("events: as many as the rate says", abs(len(middle) - expected) < 4 * expected ** 0.5, f"{expected:.0f} expected")
    # the half millisecond before and after each edge: 10 spikes are expected in one that is on
    at = lambda t: bool(((spikes["T"][0] >= t) & (spikes["T"][0] < t + 5)).any())
    edges = [[at(10 * begin - 5), at(10 * begin), at(10 * end - 5), at(10 * end)] for begin, end in BOXES[:2]]
    check.equal("events: blocks end where they should", edges, [[False, True, True, False]] * 2)
    check.equal("events: nobody else receives it", len(spikes["S"][0]), 0)
    check.equal("events: digests on other layouts", [job.run(None, *layout).digest for layout in LAYOUTS],
                [run.digest] * len(LAYOUTS))
    # the same blocks written out as waveforms, and from files
    waves = [{"kind": "step", "start_ms": begin, "stop_ms": end} for begin, end in BOXES]
    points = numpy.array([[0.0, 0.0]] + [[t, v] for begin, end in BOXES for t, v in ((begin, 1), (end, 0))])
    numpy.savetxt(folder / "points.csv", points, delimiter=",", header="time_ms,level", comments="")
    column = numpy.zeros(1000)
    for begin, end in BOXES:
        column[begin:end] = 1
    numpy.savetxt(folder / "column.tsv", column)
    with h5py.File(folder / "wave.h5", "w") as file:
        file["a/points"], file["column"] = points, column.astype("f4")
    sample = {"kind": "samples", "start_ms": 0}
    variants = {
        "steps": waves,
        "two columns": {**sample, "file": str(folder / "points.csv")},
        "one column": {**sample, "file": str(folder / "column.tsv"), "interval_ms": 1},
        "HDF5, two columns": {**sample, "file": str(folder / "wave.h5"), "dataset": "a/points"},
        "HDF5, one column": {**sample, "file": str(folder / "wave.h5"), "dataset": "column", "interval_ms": 1},
    }
    for what, waveform in variants.items():
        stimulus = {"name": "task", "on": "T", "model": "inhomogeneous_poisson", "rate_hz": 50, "waveform": waveform}
        check.equal(f"waveforms: {what}", job.run({"stimuli": [stimulus]}, ranks=2).digest, run.digest)
    # a rate left out is 1: the waveform is the rate itself
    stimulus = {"name": "task", "on": "T", "model": "poisson", "waveform": [{**wave, "value": 50} for wave in waves]}
    check.equal("waveforms: as the rate itself", job.run({"stimuli": [stimulus]}).digest, run.digest)
    # flicker within blocks
    stimulus = {"name": "task", "on": "T", "model": "poisson", "rate_hz": 400,
                "waveform": {"kind": "pulses", "period_ms": 20, "width_ms": 5},
                "events": {"file": str(folder / "events.tsv"), "trial_type": "face*", "start_ms": 100}}
    middle = (spikes_of(job.run({"stimuli": [stimulus]}))["T"][0] + 0.5) * 0.1
    inside = sum(((middle > begin) & (middle < end)).sum() for begin, end in BOXES)
    check("events: flicker within blocks", inside == len(middle) > 300 and (middle % 20 < 5).all(), f"{len(middle)} spikes")


# ---- what a stimulus touches

def reach(check, folder):
    job = Job(folder, "lonely", LONELY)
    plain = spikes_of(job.run())
    push = {"name": "push", "on": {"type": "E"}, "model": "dc", "amplitude": 200, "fraction": 0.3,
            "waveform": {"kind": "step", "start_ms": 50}}
    run = job.run({"stimuli": [push]})
    pushed = spikes_of(run)
    same = lambda x, y: numpy.array_equal(numpy.stack(x), numpy.stack(y))
    of = lambda spikes, i: spikes[0][spikes[1] == i].tolist()
    changed = [i for i in range(600) if of(pushed["a"], i) != of(plain["a"], i)]
    check("reach: another population does not notice", same(plain["b"], pushed["b"]))
    check("reach: about 30 % of the neurons receive it, the others do not notice",
          abs(len(changed) - 180) < 4 * (600 * 0.3 * 0.7) ** 0.5, f"{len(changed)} of 600")
    early = min(min(set(of(pushed["a"], i)) ^ set(of(plain["a"], i))) for i in changed)
    check("reach: nothing changes before it begins", early >= 500, f"first in step {early}")
    check.equal("reach: digests on other layouts", [job.run({"stimuli": [push]}, *layout).digest for layout in LAYOUTS],
                [run.digest] * len(LAYOUTS))
    # another stimulus before it, and one that adds nothing, change none of its draws
    noise = {"name": "noise", "on": "b", "model": "ou", "mean": 50, "sd": 80, "fraction": 0.5}
    both = spikes_of(job.run({"stimuli": [noise, push]}))
    check("reach: other stimuli do not change its draws", same(both["a"], pushed["a"]) and not same(both["b"], plain["b"]))
    none = job.run({"stimuli": [{**push, "fraction": 0}, {**noise, "fraction": 0}]})
    check.equal("reach: a fraction of 0 is no stimulus", none.digest, job.run().digest)
    few = spikes_of(job.run({"stimuli": [{**push, "fraction": 1, "neurons": {"first": 100, "count": 50}}]}))
    changed = [i for i in range(600) if of(few["a"], i) != of(plain["a"], i)]
    check("reach: chosen neurons", set(changed) <= set(range(100, 150)) and len(changed) > 45, f"{len(changed)} of 50")


def brain(check, folder):
    """Stimuli reach the populations a brain is made of; those of other regions differ only through synapses."""
    job = Job(folder, "brain", BRAIN)
    plain = job.run()
    stimulus = {"name": "light", "on": {"region": "L000", "type": "E"}, "model": "dc", "amplitude": 0.5,
                "waveform": {"kind": "step", "start_ms": 100}}
    run = job.run({"stimuli": [stimulus]})
    late = lambda run: sum((spikes_of(run)["L000/E"][0] >= 1000).tolist())
    check("brain: a region under current fires more", late(run) > 1.5 * late(plain), f"{late(run)} spikes for {late(plain)}")
    early = lambda run: {name: (steps[steps < 1000].tolist(), neurons[steps < 1000].tolist())
                         for name, (steps, neurons) in spikes_of(run).items()}
    check("brain: nothing changes before", early(run) == early(plain))
    check.equal("brain: digests on other layouts", [job.run({"stimuli": [stimulus]}, *layout).digest for layout in LAYOUTS],
                [run.digest] * len(LAYOUTS))


def main():
    with testing(__doc__) as (check, folder):
        job, recorded = replay(check, folder)
        layouts_of_files(check, folder, job, recorded)
        blocks(check, folder)
        reach(check, folder)
        brain(check, folder)


main()
