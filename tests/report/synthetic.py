"""Makes small run folders as the program leaves them, so that the report can be tested without running it."""

import json
import os

import h5py
import numpy

TEXT = h5py.string_dtype()
RECORDED = ("spikes", "rates", "bold", "currents")
EVERYTHING = RECORDED + ("neurons", "spectra", "lfp", "traces", "weights", "empirical")
JOB = "simulation: {duration_ms: 240000, seed: 1}\nbrain: {neurons: 400}\n"


def summary(**changes):
    """A complete summary.json of a brain run."""
    values = {"status": "done", "job": "brain.yaml", "job_hash": "00112233aabbccdd", "neurons": 400,
              "synapses": 40000, "bytes_per_synapse": 5.25, "bytes_per_neuron": 88.5, "route_bytes": 4096,
              "peak_rss_bytes": 104857600, "build_s": 0.531, "simulate_s": 97.25,
              "biological_s": 240.0, "real_time_factor": 0.4052, "spikes": 739200, "events": 73920000,
              "events_per_s": 760102.8, "mean_rate_hz": 7.712, "digest": "0123456789abcdef", "ranks": 2,
              "threads": 1, "backend": "/cpu/omp", "partition": "metis", "seed": 1, "version": "0.1.0",
              "git": "f00dfeed", "isi_cv_median": 1.093, "spike_correlation_mean": 0.0123, "fc_mean": 0.2143,
              "sc_fc_r": 0.6321, "fc_empirical_r": None, "timing": timing()}
    values.update(changes)
    return values


def timing(**means):
    """Seconds of every section: mean as given or usual, least and most 10 % below and 20 % above."""
    usual = {"create": 0.12, "connect": 0.41, "update": 61.3, "deliver": 24.6, "exchange": 2.2, "wait": 5.1,
             "record": 3.9, "other": 1.1}
    return {name: {"min": base * 0.9, "mean": base, "max": base * 1.2} for name, base in {**usual, **means}.items()}


def connectome(regions, generator):
    """(names, centres_mm, weights) of two half ellipsoids of regions with log-normal weights."""
    half = regions // 2
    angle, height = generator.uniform(0, 2 * numpy.pi, half), generator.uniform(-0.6, 1, half)
    radius = numpy.sqrt(1 - height ** 2)
    left = numpy.column_stack([-20 - 42 * numpy.abs(radius * numpy.cos(angle)), 75 * radius * numpy.sin(angle) - 15,
                               45 * height + 15])
    centres = numpy.concatenate([left, left * [-1, 1, 1]])
    names = [f"L{i:03}" for i in range(half)] + [f"R{i:03}" for i in range(half)]
    distance = numpy.linalg.norm(centres[:, None] - centres[None], axis=2)
    weights = numpy.exp(-distance / 30 + generator.normal(0, 1, distance.shape))
    weights = (weights + weights.T) / 2 * (generator.random(distance.shape) < 0.4)
    weights = numpy.triu(weights, 1)
    return names, centres, weights + weights.T


class Folder:
    """What all files of a run have in common."""

    def __init__(self, folder, attributes, populations, regions, centres, weights, members):
        self.folder, self.attributes, self.populations = folder, attributes, populations
        self.regions, self.centres, self.weights, self.members = regions, centres, weights, members

    def file(self, name):
        file = h5py.File(os.path.join(self.folder, f"{name}.h5"), "w")
        file.attrs.update(self.attributes)
        group = file.create_group("callosum/populations")
        group.create_dataset("name", data=self.populations["name"], dtype=TEXT)
        group["type"] = numpy.array([ord(kind) for kind in self.populations["type"]], dtype="u1")
        for column in ("first", "count", "region"):
            group[column] = self.populations[column]
        if self.regions:
            file.create_dataset("regions/name", data=self.regions, dtype=TEXT)
            file["regions/centre_mm"] = self.centres
        return file

    def of_members(self, values):
        """[time, ...] as the program writes it: of an ensemble [time, member, ...], the others made different."""
        if self.members == 1:
            return values
        return numpy.stack([values] + [values * 2 + 1] * (self.members - 1), axis=1)


def make(folder, regions=8, neurons=400, seconds=240.0, warmup_s=20.0, tr_s=0.8, bin_ms=10.0, seed=1,
         record=RECORDED, layers=(), members=1, complete=1, spike_limit_s=30, **changes):
    """Writes a run folder and returns what went in: rates, BOLD, weights, spikes, and so on. Regions of E and I
    populations, or `layers` (names of populations) without regions. changes: of the summary."""
    generator = numpy.random.default_rng(seed)
    os.makedirs(folder)
    names, centres, weights = connectome(regions, generator) if not layers else ([], numpy.zeros((0, 3)), None)
    populations = _populations(names, layers, neurons)
    truth = {"names": names, "populations": populations, "weights": weights, "centres": centres}
    slow = _bold(int(round(seconds / tr_s)), weights, generator) if names else None
    bins = int(round(seconds * 1e3 / bin_ms))
    rates = _rates(populations, bins, bin_ms, slow, tr_s, generator)
    attributes = {"warmup_ms": warmup_s * 1e3, "dt_ms": 0.1, "seed": seed, "callosum_version": "0.1.0", "job": JOB,
                  "recorded_ms": seconds * 1e3, "complete": complete, "members": members}
    where = Folder(folder, attributes, populations, names, centres, weights, members)
    spikes = _spikes(populations, rates, bin_ms, generator, spike_limit_s)
    truth.update(rates=rates, bold=slow, spikes=spikes)
    if "rates" in record:
        with where.file("rates") as file:
            file["rates/data"] = where.of_members(rates).astype("f4")
            file["rates/time_ms"] = (numpy.arange(bins) + 1) * bin_ms
            file["rates"].attrs["bin_ms"] = bin_ms
    if "bold" in record and names:
        truth["empirical"] = _write_bold(where, slow * 0.01, tr_s, "empirical" in record, generator)
    if "spikes" in record:
        with where.file("spikes") as file:
            for member in range(members):
                group = file.create_group("spikes/network" + (f"_member{member}" if member else ""))
                group["timestamps"], group["node_ids"] = (v[:len(v) // (member + 1)] for v in spikes)
    if "currents" in record:
        _write_currents(where, bins, bin_ms, generator)
    if "neurons" in record:
        truth["neurons"] = _write_neurons(where, neurons, generator)
    if "spectra" in record:
        _write_spectra(where)
    if "lfp" in record:
        truth["lfp"] = _write_lfp(where, generator)
    if "traces" in record:
        _write_trace(where, "trace_probe_V_m", "mV", -60 + 4 * generator.standard_normal((20000, 5)), spikes[1])
        _write_trace(where, "trace_probe_g_ampa", "nS", generator.random((20000, 5)) ** 2, spikes[1])
    if "weights" in record:
        truth["plastic"] = _write_weights(where, seconds, generator)
    with open(os.path.join(folder, "summary.json"), "w", encoding="utf-8") as file:
        json.dump(summary(**{"neurons": neurons, "biological_s": seconds, "seed": seed, "members": members,
                             "warmup_ms": warmup_s * 1e3, **changes}), file)
    return truth


def _populations(names, layers, neurons):
    """Columns name, first, count, region, type."""
    if layers:
        rows = [(name, -1, name[-1], neurons // len(layers)) for name in layers]
    else:
        each = neurons // len(names)
        rows = [(f"{name}/{kind}", region, kind, each * share // 5)
                for region, name in enumerate(names) for kind, share in (("E", 4), ("I", 1))]
    count = numpy.array([row[3] for row in rows])
    return {"name": [row[0] for row in rows], "region": numpy.array([row[1] for row in rows]),
            "type": [row[2] for row in rows], "count": count, "first": numpy.cumsum(count) - count}


def _bold(volumes, weights, generator):
    """Slow fluctuations that follow the weights, and a rise from rest during the first seconds."""
    mixing = numpy.eye(len(weights)) + 3 * weights / max(1e-9, weights.sum(axis=1).max()) + 0.05
    noise = generator.normal(size=(volumes + 20, len(weights)))
    smooth = numpy.stack([numpy.convolve(column, numpy.hanning(9), "valid")[:volumes] for column in noise.T], 1)
    return smooth @ mixing.T * 0.2 + 8 * (1 - numpy.exp(-numpy.arange(volumes) / 6))[:, None]


def _rates(populations, bins, bin_ms, slow, tr_s, generator):
    base = numpy.where(numpy.array(populations["type"]) == "E", 7.0, 10.0) * generator.uniform(
        0.7, 1.4, len(populations["count"]))
    drive = numpy.ones((bins, len(base)))
    if slow is not None:
        volume = numpy.minimum((numpy.arange(bins) * bin_ms * 1e-3 / tr_s).astype(int), len(slow) - 1)
        settled = slow - slow[len(slow) // 4:].mean(axis=0)
        drive = numpy.clip(1 + 0.3 * settled[volume][:, populations["region"]], 0.2, 3)
    size = numpy.maximum(populations["count"], 1) * bin_ms * 1e-3
    return generator.poisson(base * drive * size) / size


def _spikes(populations, rates, bin_ms, generator, limit_s):
    """Spikes whose counts are those of the rates, for the first seconds."""
    rates = rates[:int(limit_s * 1e3 / bin_ms)]
    counts = numpy.rint(rates * populations["count"] * bin_ms * 1e-3).astype(int)
    step, population = numpy.nonzero(counts)
    repeat = counts[step, population]
    step, population = numpy.repeat(step, repeat), numpy.repeat(population, repeat)
    time = (step + generator.random(len(step))) * bin_ms
    node = populations["first"][population] + generator.integers(0, populations["count"][population])
    order = numpy.lexsort((node, time))
    return time[order], node[order].astype("u8")


def _write_bold(where, signal, tr_s, empirical, generator):
    measured = None
    with where.file("bold") as file:
        file["bold/data"] = where.of_members(signal)
        file["bold/time_s"] = (numpy.arange(len(signal)) + 1) * tr_s
        file["bold"].attrs["tr_s"] = tr_s
        target, source = numpy.nonzero(where.weights)
        file["tracts/row"] = numpy.concatenate(
            [[0], numpy.cumsum(numpy.bincount(target, minlength=len(where.weights)))])
        file["tracts/source"] = source
        file["tracts/weight"] = where.weights[target, source]
        file["tracts/length_mm"] = 1.3 * numpy.linalg.norm(where.centres[target] - where.centres[source], axis=1)
        if empirical:
            measured = 1000 + 10 * _bold(170, where.weights ** 0.5, generator)[20:]
            file["empirical/data"] = measured
            file["empirical"].attrs["tr_s"] = 2.0
            file["empirical"].attrs["origin"] = "/data/sub-01.tsv"
            file["empirical"].attrs["matched_by"] = "name"
            file.create_dataset("empirical/name", data=where.regions, dtype=TEXT)
    return measured


def _write_currents(where, bins, bin_ms, generator):
    populations = len(where.populations["name"])
    with where.file("currents") as file:
        level = numpy.array([0.5, 0.1, -0.4, 0])
        noise = generator.normal(0, 0.02, (bins, populations, 4))
        file["currents/data"] = where.of_members(numpy.where(level != 0, level + noise, 0)).astype("f4")
        file.create_dataset("currents/receptors", data=["AMPA", "NMDA", "GABA_A", "GABA_B"] * populations, dtype=TEXT)
        file.create_dataset("currents/unit", data=["uA/cm2"] * populations, dtype=TEXT)
        file["currents/time_ms"] = (numpy.arange(bins) + 1) * bin_ms


def _write_neurons(where, neurons, generator):
    rate = generator.lognormal(1.8, 0.6, neurons).astype("f4")
    variation = generator.normal(1.05, 0.12, neurons).astype("f4")
    variation[::7] = numpy.nan
    with where.file("neurons") as file:
        file["neurons/node_ids"] = numpy.arange(neurons, dtype="u8")
        file["neurons/spike_count"] = (rate * 220).astype("u4")
        file["neurons/rate_hz"] = rate
        file["neurons/isi_cv"] = variation
        file["neurons/counted_ms"] = [20000.0, 240000.0]
    return rate, variation


def _write_spectra(where):
    """A rhythm of 40 Hz over a slope."""
    chosen = numpy.arange(0, len(where.populations["name"]), 2)
    frequency = numpy.arange(0, 500.5, 0.5)
    power = 1 / (1 + frequency / 10) + 3 * numpy.exp(-((frequency - 40) / 6) ** 2)
    with where.file("spectra") as file:
        file["spectra/frequency_hz"] = frequency
        file["spectra/power"] = power * (1 + 0.1 * chosen[:, None])
        file["spectra/power"].attrs["units"] = "(sp/s)^2/Hz"
        file["spectra/population"] = chosen.astype("u4")
        file["spectra/segments"] = numpy.array([120], dtype="u8")
        file["spectra"].attrs.update({"bin_ms": 1.0, "segment_ms": 2000.0})


def _write_lfp(where, generator):
    time = numpy.arange(1, 40001) * 0.5
    regions = max(2, len(where.regions))
    data = 5 + numpy.sin(2 * numpy.pi * 0.008 * time)[:, None] * numpy.linspace(1, 2, regions)
    data += generator.normal(0, 0.4, data.shape)
    data[:, 1] = numpy.nan  # a region without excitatory neurons
    with where.file("lfp") as file:
        file["lfp/data"] = where.of_members(data).astype("f4")
        file["lfp/data"].attrs["units"] = "uA/cm2"
        file["lfp/time_ms"] = time
        file["lfp"].attrs["over"] = "region"
    return data


def _write_trace(where, name, unit, values, spiking):
    """A SONATA report of five neurons, sampled every ms."""
    with where.file(name) as file:
        file["report/network/data"] = values.astype("f4")
        file["report/network/data"].attrs.update({"units": unit, "variable": name.split("probe_")[1]})
        mapping = file["report/network"].create_group("mapping")
        mapping["node_ids"] = numpy.unique(spiking)[:5].astype("u8")
        mapping["index_pointers"] = numpy.arange(6, dtype="u8")
        mapping["element_ids"] = numpy.zeros(5, dtype="u4")
        mapping["time"] = numpy.array([1.0, len(values) + 1, 1.0])
        mapping["time"].attrs["units"] = "ms"


def _write_weights(where, seconds, generator):
    """Of two projections with synapses, one excitatory that learns and one inhibitory that does not move, and one without."""
    first = numpy.array([0, 3000, 3000, 4000])
    w_max = numpy.array([80.0, 30.0, -200.0])
    time = numpy.append(numpy.arange(1, int(seconds)), seconds) * 1e3
    initial = numpy.concatenate([generator.uniform(0, 80, 3000), numpy.full(1000, -120.0)])
    aim = numpy.where(generator.random(4000) < 0.3, 80.0, 0.0)
    aim[3000:] = -120
    data = (aim + (initial - aim) * numpy.exp(-time[:, None] / seconds / 100)).astype("f4")
    with where.file("weights_all") as file:
        for member in range(where.members):
            group = file.create_group("weights" + (f"_member{member}" if member else ""))
            group["data"] = data / (member + 1)
            group["data"].attrs["units"] = "pA"
        group = file["weights"]
        group.attrs["sample"] = 0.25
        group["time_ms"], group["initial"] = time, initial.astype("f4")
        group["source_id"] = group["target_id"] = numpy.arange(4000, dtype="u8") % 7
        group["delay_ms"] = numpy.full(4000, 1.5, dtype="f4")
        group["projection"] = numpy.repeat([0, 1, 2], numpy.diff(first)).astype("u4")
        group.create_dataset("projections/name", data=["A->A <all>", "A->B", "B->$A$"], dtype=TEXT)
        group.create_dataset("projections/unit", data=["pA"] * 3, dtype=TEXT)
        group["projections/number"] = numpy.array([0, 2, 3], dtype="u4")
        group["projections/first"], group["projections/w_max"] = first.astype("u8"), w_max
    return initial, data


def make_sweep(folder, keys, unfinished=(), seed=1, empirical=True):
    """Writes sweep.h5 over the grid of keys {name: values}; points with these numbers gave no result. Returns
    (values [point, key], results {name: [point]})."""
    os.makedirs(folder, exist_ok=True)
    generator = numpy.random.default_rng(seed)
    grids = numpy.meshgrid(*keys.values(), indexing="ij")
    values = numpy.stack([grid.ravel() for grid in grids], axis=1)
    span = numpy.ptp(values, axis=0) if len(values) else 1
    unit = (values - (values.min(axis=0) if len(values) else 0)) / numpy.where(span > 0, span, 1)
    drive = unit.sum(axis=1) + 0.05 * generator.random(len(values))
    results = {"mean_rate_hz": 2 + 12 * drive, "rate_min_hz": 1 + 6 * drive, "rate_max_hz": 5 + 30 * drive,
               "isi_cv_median": 1.2 - 0.3 * drive, "spike_correlation_mean": 0.01 * drive, "fc_mean": 0.3 * drive,
               "sc_fc_r": 0.6 - (drive - 0.7) ** 2, "fc_empirical_r": 0.45 - (drive - 0.9) ** 2}
    if not empirical:
        results["fc_empirical_r"] = numpy.full(len(values), numpy.nan)
    for column in results.values():
        column[list(unfinished)] = numpy.nan
    with h5py.File(os.path.join(folder, "sweep.h5"), "w") as file:
        file.attrs.update({"job": JOB, "callosum_version": "0.1.0"})
        file.create_dataset("sweep/keys", data=list(keys), dtype=TEXT)
        file["sweep/values"] = values
        file.create_dataset("sweep/text", data=[f"{value:g}" for value in values.ravel()], dtype=TEXT)
        file["sweep/done"] = numpy.array([i not in unfinished for i in range(len(values))], dtype="u1")
        file["sweep/results/fc_seconds"] = numpy.full(len(values), 220.0)
        for name, column in results.items():
            file[f"sweep/results/{name}"] = column
        file.create_dataset("sweep/digest", data=[f"{i:016x}" for i in range(len(values))], dtype=TEXT)
    return values, results
