"""Figure of plastic weights by source: the mean weight of each over time, and what it came to at the end."""

import numpy

from style import INK, SEQUENTIAL, SERIES, WIDTH, bare, carpet_bar, plain, pyplot
from words import count, duration, percent

EDGE = 0.1  # of the range: weights this near a bound have reached it


def inputs(found):
    """found: inputs.InputWeights. Returns (figure, caption)."""
    figure, (top, bottom) = pyplot.subplots(2, 1, figsize=(WIDTH, 6.8), height_ratios=[1.4, 1])
    _over_time(figure, top, found)
    _at_the_end(bottom, found)
    return figure, _caption(found)


def _sorted(projection):
    return numpy.argsort(-projection.share[-1], kind="stable")


def _over_time(figure, axes, found):
    """A row for each input, those of a projection by their weight at the end."""
    table = numpy.concatenate([p.share[:, _sorted(p)] for p in found.projections], axis=1)
    edges = _edges(found)
    times = found.time_s
    middle = (times[1:] + times[:-1]) / 2
    columns = numpy.concatenate([[times[0]], middle, [times[-1]]])
    image = axes.pcolormesh(columns, numpy.arange(edges[-1] + 1), 100 * table.T, cmap=SEQUENTIAL, vmin=0, vmax=100,
                            rasterized=True)
    for edge in edges[1:-1]:
        axes.axhline(edge, color="white", linewidth=1.6)
    bare(axes)
    axes.set_ylim(edges[-1], 0)
    axes.set_yticks((edges[1:] + edges[:-1]) / 2, [plain(p.name) for p in found.projections], rotation=90, va="center")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("time (s)")
    axes.set_title(f"{count(edges[-1], 'source')}, by their weight at the end")
    carpet_bar(figure, image, axes, "weight (% of the greatest)")


def _edges(found):
    return numpy.concatenate([[0], numpy.cumsum([p.share.shape[1] for p in found.projections])])


def _at_the_end(axes, found):
    """Of every input, in the order above: the mean over its synapses, and the range of the middle 80 % of them."""
    edges = _edges(found)
    for number, projection in enumerate(found.projections):
        colour, order = SERIES[number % len(SERIES)], _sorted(projection)
        place = edges[number] + numpy.arange(len(order)) + 0.5
        low, high = (100 * bound[order] for bound in _range(projection))
        axes.fill_between(place, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(place, 100 * projection.share[-1][order], color=colour, linewidth=2)
        axes.plot(place, 100 * projection.share[0][order], linestyle="none", marker=".", markersize=2.5, color=INK,
                  alpha=0.35, label="in the beginning" if number == 0 else None, rasterized=True)
    axes.plot([], [], color=INK, linewidth=2, label="at the end")
    axes.set_xlim(0, edges[-1])
    axes.set_ylim(0, 105)
    axes.set_xticks((edges[1:] + edges[:-1]) / 2, [plain(p.name) for p in found.projections])
    axes.tick_params(axis="x", length=0)
    for edge in edges[1:-1]:
        axes.axvline(edge, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_ylabel("weight (% of the greatest)")
    axes.set_title("Mean weight of each source")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0, handlelength=1.4)


def _range(projection):
    """10th and 90th percentile of the final weights of every source."""
    order = numpy.lexsort((projection.final, projection.row))
    size = numpy.bincount(projection.row, minlength=projection.share.shape[1])
    first = numpy.cumsum(size) - size
    ranked = projection.final[order]
    return [ranked[first + numpy.rint(share * (size - 1)).astype(int)] for share in (0.1, 0.9)]


def reached(projection):
    """(share of synapses that ended near 0, near the greatest weight)"""
    return float((projection.final < EDGE).mean()), float((projection.final > 1 - EDGE).mean())


def _caption(found):
    said = []
    for projection in found.projections:
        low, high = reached(projection)
        said.append(f"those of {projection.name} go from {percent(projection.initial.mean())} to "
                    f"{percent(projection.final.mean())} of the greatest weight on average, {percent(low)} end within a "
                    f"tenth of it from 0 and {percent(high)} within a tenth from it")
    return (f"Above, a row is a source neuron, its colour the mean weight of its synapses over the "
            f"{duration(found.time_s[-1])} of the run: {'; '.join(said)}. Below, sources in the same order: lines are "
            "means over the synapses of a source, shades reach from the 10th to the 90th percentile. Where inputs "
            "compete for the spikes of a neuron, weights part into strong and weak ones.")
