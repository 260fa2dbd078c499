"""What readers of SONATA files (libsonata, pysonata, BMTK) really require, as assertions on files; and, where libsonata
itself is installed, what it reads."""

import importlib
import importlib.util

import h5py
import numpy

libsonata = importlib.import_module("libsonata") if importlib.util.find_spec("libsonata") else None


def check_root(file):
    assert file.attrs["magic"] == 0x0A7A and file.attrs["magic"].dtype == numpy.uint32
    assert file.attrs["version"].tolist() == [0, 1] and file.attrs["version"].dtype == numpy.uint32


def check_spikes(path, names, dt_ms, steps):
    with h5py.File(path, "r") as file:
        check_root(file)
        assert sorted(file["spikes"]) == sorted(names)
        for group in file["spikes"].values():
            times, nodes = group["timestamps"], group["node_ids"]
            assert times.dtype == numpy.float64 and nodes.dtype == numpy.uint64 and times.shape == nodes.shape
            assert times.ndim == 1 and times.attrs["units"] == "ms"
            kind = group.attrs.get_id("sorting").dtype
            assert h5py.check_enum_dtype(kind) == {"none": 0, "by_id": 1, "by_time": 2} and kind == numpy.uint8
            assert group.attrs["sorting"] == 2
            step = numpy.rint(times[()] / dt_ms).astype(numpy.int64)
            order = step * 10**6 + nodes[()].astype(numpy.int64)
            assert (numpy.diff(order) > 0).all() and step.min() >= 1 and step.max() <= steps
    if libsonata:
        reader = libsonata.SpikeReader(path)
        assert sorted(reader.get_population_names()) == sorted(names)
        for name in names:
            with h5py.File(path, "r") as file:
                assert len(reader[name].get()) == len(file[f"spikes/{name}/node_ids"])


def check_report(path, names, units, variable, interval_ms, frames, nodes):
    """`nodes`: global numbers, in order. Returns data [member, time, element]."""
    with h5py.File(path, "r") as file:
        check_root(file)
        assert sorted(file["report"]) == sorted(names)
        mapping = file[f"report/{names[0]}/mapping"]
        node_ids, elements = mapping["node_ids"], len(nodes)
        assert node_ids.dtype == numpy.uint64 and node_ids[()].tolist() == list(nodes) == sorted(nodes)
        assert node_ids.attrs["sorted"] == 1 and node_ids.attrs["sorted"].dtype == numpy.uint8
        pointers = mapping["index_pointers"]
        assert pointers.dtype == numpy.uint64 and pointers[()].tolist() == list(range(elements + 1))
        assert mapping["index_pointer"].id == pointers.id  # a hard link: the same object
        assert isinstance(file.get(f"report/{names[0]}/mapping/index_pointer", getlink=True), h5py.HardLink)
        assert mapping["element_ids"].dtype == numpy.uint32 and mapping["element_ids"][()].tolist() == [0] * elements
        assert mapping["element_pos"].dtype == numpy.float64 and mapping["element_pos"].shape == (elements,)
        time = mapping["time"]
        assert time.dtype == numpy.float64 and time.shape == (3,) and time.attrs["units"] == "ms"
        numpy.testing.assert_allclose(time[()], [interval_ms, interval_ms * (frames + 1), interval_ms], rtol=1e-12)
        for name in names:
            data = file[f"report/{name}/data"]
            assert data.dtype == numpy.float32 and data.shape == (frames, elements)
            assert data.attrs["units"] == units and data.attrs["variable"] == variable
            assert file[f"report/{name}/mapping/time"].id == time.id
        found = numpy.array([file[f"report/{name}/data"][()] for name in names])
    if libsonata:
        for reader in (libsonata.SomaReportReader(path), libsonata.ElementReportReader(path)):
            for name, values in zip(names, found):
                population = reader[name]
                assert population.data_units == units and population.time_units == "ms" and population.sorted
                frame = population.get()
                assert list(population.get_node_ids()) == list(nodes)
                numpy.testing.assert_array_equal(frame.data, values)
                numpy.testing.assert_allclose(frame.times, (numpy.arange(frames) + 1) * interval_ms, rtol=1e-12)
    return found
