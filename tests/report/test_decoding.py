"""What spikes tell of events in the report: states and readouts by their definition, tables of events as jobs name
them, and a made-up network whose memory is known."""

import json
import os
import sys

import h5py
import numpy

import checks
from checks import caption, check_page, program, report

import decoding  # noqa: E402  (checks puts the folders on the path)
import events  # noqa: E402
import run_folder  # noqa: E402
import synthetic  # noqa: E402

TYPES = ("go", "rest", "stop")
JOB = "populations:\n- name: input\n  inputs:\n  - {model: spike_train, file: shown_spikes.tsv, weight: 2}\n"
FIGURES = {"raster", "neurons", "timing"}


def make(folder, kinds, memory=True, job=JOB, table="shown_events.tsv", length_s=0.2, start_s=0.0):
    """A run of 30 E neurons and 6 of `input` in which event k of a type lets the input neurons of that type fire in
    its middle, and, with memory, 10 E neurons of the type of the event before throughout; others fire anyhow. The job
    is said to lie in a folder beside the run."""
    generator = numpy.random.default_rng(4)
    seconds = start_s + length_s * len(kinds)
    synthetic.make(folder, layers=("E", "input"), neurons=72, seconds=seconds, warmup_s=0.2, record=("spikes",),
                   job="jobs/shown.yaml")
    time, node = [generator.uniform(0, seconds, 3000)], [generator.integers(0, 72, 3000)]
    for number, kind in enumerate(kinds):
        begin = start_s + number * length_s
        time.append(begin + generator.uniform(0.4, 0.6, 12) * length_s)
        node.append(36 + 12 * TYPES.index(kind) + numpy.arange(12))
        if memory and number:
            time.append(begin + generator.uniform(0, 1, 48) * length_s)
            node.append(12 * TYPES.index(kinds[number - 1]) + numpy.tile(numpy.arange(12), 4))
    time, node = numpy.concatenate(time) * 1e3, numpy.concatenate(node)
    order = numpy.lexsort((node, time))
    with h5py.File(os.path.join(folder, "spikes.h5"), "r+") as file:
        file.attrs["job"] = job
        del file["spikes/network"]
        file["spikes/network/timestamps"], file["spikes/network/node_ids"] = time[order], node[order].astype("u8")
    os.makedirs(os.path.join(folder, "jobs"))
    with open(os.path.join(folder, "summary.json"), "r+", encoding="utf-8") as file:
        summary = json.load(file)
        summary["job"] = os.path.join(folder, "jobs", "shown.yaml")
        file.seek(0)
        json.dump(summary, file)
        file.truncate()
    if table:
        write_table(os.path.join(folder, "jobs", table), kinds, length_s)
    return time[order], node[order]


def write_table(path, kinds, length_s=0.2):
    with open(path, "w", encoding="utf-8") as file:
        file.write("onset\tduration\ttrial_type\tresponse\n")
        file.writelines(f"{number * length_s:g}\tn/a\t{kind}\t1\n" for number, kind in enumerate(kinds))


def drawn(count=150):
    return numpy.random.default_rng(8).choice(TYPES, count).tolist()


def test_memory(folder):
    """A population that keeps firing tells what was before, its input does not, and neither does after training on
    shuffled types."""
    make(folder, drawn())
    found, missing = decoding.decode(run_folder.Run(folder))
    assert missing is None and found.types == list(TYPES) and found.groups == ["E", "input"]
    assert found.neurons == [36, 36] and found.network() == 0 and numpy.allclose(found.moments_ms,
                                                                                 numpy.arange(1, 21) * 10)
    # The first event is in the warm-up; 60 % of the others are learned from.
    assert found.trained == 89 and found.tested == [60, 60]
    now, before = found.readouts
    assert now[1].accuracy[11] > 0.95 and now[1].accuracy[:8].max() < 0.55, "the input speaks from 80 ms to 120 ms"
    assert now[1].accuracy[-1] < 0.8, "and is forgotten by the readout"
    assert before[0].accuracy[9:].min() > 0.9 and before[1].accuracy[12:].max() < 0.6
    for readout in now + before:
        assert abs(readout.shuffled - max(found.chance)) < 0.1, readout.shuffled
        assert (readout.confusion.sum(axis=(1, 2)) == 60).all()
        right = numpy.trace(readout.confusion, axis1=1, axis2=2)
        assert numpy.allclose(right / 60, readout.accuracy)
    best = before[0].weights[9].argmax(axis=1)
    assert (best == numpy.repeat([0, 1, 2], 12)).mean() > 0.9, "neurons speak for the type they fire for"
    report(folder)
    page = check_page(folder, FIGURES | {"decoding"})
    said = caption(page, "decoding")
    share = before[0].accuracy[found.half()]
    assert f"100 ms into the next event in {100 * share:.0f} % from these spikes" in said, said
    assert "shown_events.tsv" in said and "from those of input" in said
    assert f"{100 * share:.0f} % right" in page and "beyond chance" in page


def test_without_memory(folder):
    make(folder, drawn(), memory=False)
    found, _ = decoding.decode(run_folder.Run(folder))
    assert found.readouts[1][0].accuracy.mean() < 0.5
    report(folder)
    assert "as by chance" in check_page(folder, FIGURES | {"decoding"})


def test_states(folder):
    """Sums over the spikes of each neuron, one by one."""
    time, node = make(folder, drawn())
    neurons, when = numpy.array([3, 4, 17, 40]), numpy.array([55.0, 61.5, 300.0, 1000.0])
    spikes = decoding._spikes_of(neurons, time, node)
    found = decoding._states(*spikes, len(neurons), when)
    for row, moment in enumerate(when):
        for column, neuron in enumerate(neurons):
            mine = time[(node == neuron) & (time <= moment)]
            assert abs(found[row, column] - numpy.exp((mine - moment) / 30).sum()) < 1e-9


def test_ridge():
    """The readout is the ridge regression of the normal equations, its ridge the one of least error left out."""
    generator = numpy.random.default_rng(6)
    known, kind = generator.normal(2, 3, (40, 30)), generator.integers(0, 3, 40)
    known[:, :6] += 2 * kind[:, None]
    unit = numpy.sqrt(known.var(axis=0).mean())
    scaled = (known - known.mean(axis=0)) / unit
    target = numpy.eye(3)[kind] - numpy.eye(3)[kind].mean(axis=0)

    def solve(x, y, ridge):
        return numpy.linalg.solve(x.T @ x + ridge * x.shape[1] * numpy.eye(x.shape[1]), x.T @ y)

    def left_out(ridge):
        kept = [numpy.arange(40) != i for i in range(40)]
        return sum(((target[i] - scaled[i] @ solve(scaled[k], target[k], ridge)) ** 2).sum() for i, k in enumerate(kept))

    best = min(decoding.RIDGES, key=left_out)
    assert best not in (decoding.RIDGES[0], decoding.RIDGES[-1]), "these are the best of other rules"
    new = generator.normal(2, 3, (30, 30))
    named, weight = decoding._Ridge(known).name(new, kind, 3)
    assert numpy.allclose(weight, solve(scaled, target, best))
    value = (new - known.mean(axis=0)) / unit @ weight + numpy.eye(3)[kind].mean(axis=0)
    assert (named == value.argmax(axis=1)).all()


def test_tables(folder):
    """A table is found as the job names it: beside spikes or by a stimulus, whose start moves it; in the run's folder
    first."""
    kinds = drawn(50)
    task = "stimuli:\n- name: task\n  events: {file: 'a b/task_events.tsv', trial_type: go*, start_ms: 350}\n"
    for name, job, start_s in (("flow", task, 0.35), ("block", "- model: ou\n  events:\n    file: task_events.tsv\n"
                                                      "    trial_type: x\n    start_ms: 250.5\n", 0.2505),
                               ("none", "  events: {file: task_events.tsv}\n- {model: dc, start_ms: 7}\n", 0)):
        where = f"{folder}_{name}"
        make(where, kinds, job=job, table=None, start_s=start_s)
        found, missing = events.find_events(run_folder.Run(where))
        assert found is None and "task_events.tsv of the job is not found" in missing, missing
        beside = os.path.join(where, "jobs", "a b" if name == "flow" else "")
        os.makedirs(beside, exist_ok=True)
        write_table(os.path.join(beside, "task_events.tsv"), kinds)
        found, missing = events.find_events(run_folder.Run(where))
        assert missing is None and abs(found.onset_s[0] - start_s) < 1e-12 and abs(found.onset_s[2] - start_s - 0.4) < 1e-9
        write_table(os.path.join(where, "task_events.tsv"), kinds[:45] + ["n/a"])
        found, missing = events.find_events(run_folder.Run(where))
        assert len(found.onset_s) == 45 and found.kind.tolist() == kinds[:45]


def test_refused(folder):
    """Too little to learn from: no figure, and a sentence where a file is missing. A bad table is refused."""
    for name, kinds in (("few", drawn(30)), ("one", ["go"] * 80), ("rare", ["go"] * 76 + ["stop"] * 4)):
        make(f"{folder}_{name}", kinds)
        report(f"{folder}_{name}")
        check_page(f"{folder}_{name}", FIGURES)
    make(folder, drawn(), table=None)
    report(folder)
    assert "shown_spikes.tsv of the job is not found from here" in check_page(folder, FIGURES)
    with open(os.path.join(folder, "jobs", "shown_spikes.tsv"), "w", encoding="utf-8") as file:
        file.write("time_ms\tnode\n")
    report(folder)
    assert "not found from here" not in check_page(folder, FIGURES), "spikes need no table"
    with open(os.path.join(folder, "jobs", "shown_events.tsv"), "w", encoding="utf-8") as file:
        file.write("onset\tduration\ttrial_type\n0.1\t1\tgo\nsoon\t1\tgo\n")
    said = program(folder, 2)
    assert "shown_events.tsv:3: onset 'soon': expected a number of seconds" in said, said


if __name__ == "__main__":
    sys.exit(checks.main(globals()))
