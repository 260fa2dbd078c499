"""What became of plastic inputs in the report: means over targets by their definition, bounds that were reached."""

import os
import sys

import h5py
import numpy

import checks
from checks import caption, check_page, report

import figures_inputs  # noqa: E402  (checks puts the folders on the path)
import inputs  # noqa: E402
import synthetic  # noqa: E402

W_MAX = (40.0, -80.0)


def make(folder, sources=(30, 12), moments=700, seed=1):
    """weights_all.h5 as the program leaves it: two projections, each source with two to four synapses, whose weights go
    straight from where they began to 0 or to the greatest, by the parity of their source."""
    os.makedirs(folder)
    generator = numpy.random.default_rng(seed)
    source = [numpy.sort(numpy.repeat(100 * p + numpy.arange(n), generator.integers(2, 5, n)))
              for p, n in enumerate(sources)]
    source = [generator.permutation(s) for s in source]  # the file is by target
    first = numpy.concatenate([[0], numpy.cumsum([len(s) for s in source])])
    source, w_max = numpy.concatenate(source), numpy.repeat(W_MAX, numpy.diff(first))
    initial = generator.random(len(source)).astype("f4")
    part = (numpy.arange(1, moments + 1) / moments)[:, None]
    share = initial * (1 - part) + (source % 2) * part
    with h5py.File(os.path.join(folder, "weights_all.h5"), "w") as file:
        file["weights/data"] = (share * w_max).astype("f4")
        file["weights/time_ms"] = numpy.arange(1.0, moments + 1) * 500
        file["weights/initial"] = (initial * w_max).astype("f4")
        file["weights/source_id"], file["weights/target_id"] = source.astype("u8"), source.astype("u8")
        file["weights/projections/first"], file["weights/projections/w_max"] = first.astype("u8"), numpy.array(W_MAX)
        for key, values in (("name", ["in", "out of"]), ("unit", ["pA", "pA"])):
            file.create_dataset(f"weights/projections/{key}", data=values, dtype=synthetic.TEXT)
    return source, first, numpy.concatenate([initial[None], share])


def test_means(folder):
    source, first, share = make(folder)
    with h5py.File(os.path.join(folder, "weights_all.h5"), "r") as file:
        found = inputs.input_weights("weights_all", file)
    assert [p.name for p in found.projections] == ["in", "out of"] and found.file == "weights_all.h5"
    assert len(found.time_s) == 301 and found.time_s[0] == 0 and found.time_s[-1] == 350
    moment = numpy.rint(found.time_s / 0.5).astype(int)
    for p, projection in enumerate(found.projections):
        mine = slice(first[p], first[p + 1])
        assert projection.share.shape == (301, (30, 12)[p])
        for row, neuron in enumerate(numpy.unique(source[mine])):
            expected = share[:, mine][:, source[mine] == neuron].mean(axis=1)
            assert numpy.allclose(projection.share[:, row], expected[moment], atol=1e-6)
        assert numpy.allclose(projection.final, source[mine] % 2, atol=1e-6)
        assert numpy.allclose(figures_inputs.reached(projection), [(source[mine] % 2 == k).mean() for k in (0, 1)])
        low, high = figures_inputs._range(projection)
        assert (low == high).all() and numpy.allclose(low, numpy.arange(len(low)) % 2, atol=1e-6)
    figure, said = figures_inputs.inputs(found)
    image = numpy.asarray(figure.axes[0].collections[0].get_array()).reshape(42, 301)
    assert numpy.allclose(image[:15, -1], 100) and numpy.allclose(image[15:30, -1], 0)
    assert "of in go from" in said and "50 % of the greatest weight on average" in said, said


def test_page(folder):
    """Drawn beside the other figure of weights, but where sources are too many to be rows."""
    make(folder, moments=3)
    report(folder)
    page = check_page(folder, {"weights_all", "weights_all_by_source"})
    assert "Weights by source: all" in page
    assert "those of in go from" in caption(page, "weights_all_by_source")
    most, inputs.MOST_SOURCES = inputs.MOST_SOURCES, 41
    report(folder)
    inputs.MOST_SOURCES = most
    check_page(folder, {"weights_all"})


if __name__ == "__main__":
    sys.exit(checks.main(globals()))
