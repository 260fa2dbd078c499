"""Makes small run folders as the program leaves them, so that the report can be tested without running it."""

import json
import os

import h5py
import numpy


def summary(**changes):
    """A complete summary.json of a brain run."""
    values = {"status": "done", "neurons": 400, "synapses": 40000, "bytes_per_synapse": 5.25,
              "bytes_per_neuron": 88.5, "peak_rss_bytes": 104857600, "build_s": 0.531, "simulate_s": 97.25,
              "biological_s": 240.0, "real_time_factor": 0.4052, "spikes": 739200, "events": 73920000,
              "events_per_s": 760102.8, "mean_rate_hz": 7.712, "digest": "0123456789abcdef", "ranks": 2,
              "threads": 1, "backend": "/cpu/omp", "seed": 1, "version": "0.1.0", "isi_cv_median": 1.093,
              "spike_correlation_mean": 0.0123, "fc_mean": 0.2143, "sc_fc_r": 0.6321, "fc_empirical_r": None,
              "timing": {name: {"min": base * 0.9, "mean": base, "max": base * 1.2}
                         for name, base in (("create", 0.12), ("connect", 0.41), ("update", 61.3), ("deliver", 24.6),
                                            ("exchange", 2.2), ("wait", 5.1), ("record", 3.9), ("other", 1.1))}}
    values.update(changes)
    return values


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


def make(folder, regions=8, neurons=400, seconds=240.0, warmup_s=20.0, tr_s=0.8, bin_ms=10.0, seed=1,
         record=("spikes", "rates", "bold", "currents"), layers=(), **changes):
    """Writes a run folder and returns what went in: rates, BOLD, weights, spikes. Regions of E and I populations, or
    `layers` (names of populations) without regions."""
    generator = numpy.random.default_rng(seed)
    os.makedirs(folder)
    names, centres, weights = connectome(regions, generator) if not layers else ([], numpy.zeros((0, 3)), None)
    populations = _populations(names, layers, neurons)
    truth = {"names": names, "populations": populations, "weights": weights}
    volumes = int(round(seconds / tr_s))
    slow = _bold(volumes, weights, generator) if names else None
    bins = int(round(seconds * 1e3 / bin_ms))
    rates = _rates(populations, bins, bin_ms, slow, tr_s, generator)
    attributes = {"warmup_ms": warmup_s * 1e3, "dt_ms": 0.1, "seed": seed, "callosum_version": "0.1.0",
                  "job": "simulation: {}\n", "recorded_ms": seconds * 1e3, "complete": 1}
    spikes = _spikes(populations, rates, bin_ms, generator)
    truth.update(rates=rates, bold=slow, spikes=spikes)
    if "rates" in record:
        with _file(folder, "rates", attributes, populations, names, centres, weights) as file:
            file["rates/data"] = rates.astype("f4")
            file["rates/time_ms"] = (numpy.arange(bins) + 1) * bin_ms
    if "bold" in record and names:
        with _file(folder, "bold", attributes, populations, names, centres, weights) as file:
            file["bold/data"] = slow * 0.01
            file["bold/time_s"] = (numpy.arange(volumes) + 1) * tr_s
    if "spikes" in record:
        with _file(folder, "spikes", attributes, populations, names, centres, weights) as file:
            file["spikes/network/timestamps"], file["spikes/network/node_ids"] = spikes
    if "currents" in record:
        with _file(folder, "currents", attributes, populations, names, centres, weights) as file:
            level = numpy.array([0.5, 0.1, -0.4, 0])
            noise = generator.normal(0, 0.02, (bins, len(rates[0]), 4))
            file["currents/data"] = numpy.where(level != 0, level + noise, 0).astype("f4")
            file.create_dataset("currents/receptors", data=["AMPA", "NMDA", "GABA_A", "GABA_B"] * len(rates[0]),
                                dtype=h5py.string_dtype())
            file.create_dataset("currents/unit", data=["uA/cm2"] * len(rates[0]), dtype=h5py.string_dtype())
            file["currents/time_ms"] = (numpy.arange(bins) + 1) * bin_ms
    with open(os.path.join(folder, "summary.json"), "w", encoding="utf-8") as file:
        json.dump(summary(neurons=neurons, biological_s=seconds, seed=seed, **changes), file)
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
    mixing = numpy.eye(len(weights)) + 3 * weights / weights.sum(axis=1).max() + 0.05
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
    expected = base * drive * populations["count"] * bin_ms * 1e-3
    return generator.poisson(expected) / (populations["count"] * bin_ms * 1e-3)


def _spikes(populations, rates, bin_ms, generator, limit_s=30):
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


def _file(folder, name, attributes, populations, regions, centres, weights):
    file = h5py.File(os.path.join(folder, f"{name}.h5"), "w")
    file.attrs.update(attributes)
    text = h5py.string_dtype()
    group = file.create_group("callosum/populations")
    group.create_dataset("name", data=populations["name"], dtype=text)
    group["type"] = numpy.array([ord(kind) for kind in populations["type"]], dtype="u1")
    for column in ("first", "count", "region"):
        group[column] = populations[column]
    if regions:
        file.create_dataset("regions/name", data=regions, dtype=text)
        file["regions/centre_mm"] = centres
        target, source = numpy.nonzero(weights)
        file["tracts/row"] = numpy.concatenate([[0], numpy.cumsum(numpy.bincount(target, minlength=len(weights)))])
        file["tracts/source"] = source
        file["tracts/weight"] = weights[target, source]
        file["tracts/length_mm"] = 1.3 * numpy.linalg.norm(centres[target] - centres[source], axis=1)
    return file
