"""Figures of spikes: raster, rates and irregularity of single neurons."""

import numpy

from style import FAINT, INK, WIDTH, plain, pyplot, scale_step, type_colour
from words import count, duration, kind_name, listed, percent, short

RASTER_NEURONS = 600
RASTER_MS = 2000.0
SPARSE_SPIKES, SPARSE_MS = 400, 20000.0  # where fewer spikes are shown, the window is longer


class _Rows:
    """Which neurons a raster shows: evenly spaced over those recorded, so that every population has its share."""

    def __init__(self, populations, order):
        self.order = order
        ends = numpy.cumsum(populations.count[order])
        self.recorded = int(ends[-1])
        self.share = min(1.0, RASTER_NEURONS / self.recorded)
        self.ends = numpy.floor(ends * self.share + 1e-9).astype(int)
        self.edges = numpy.concatenate([[0], self.ends[:-1]])
        self.total = int(self.ends[-1])
        sizes = self.ends - self.edges
        owner = numpy.repeat(order, sizes)
        within = numpy.arange(self.total) - numpy.repeat(self.edges, sizes)
        self.neuron = populations.first[owner] + within * populations.count[owner] // numpy.repeat(sizes, sizes)
        self._by_neuron = numpy.argsort(self.neuron)

    def row(self, node):
        """Row of each neuron, -1 where it is not shown."""
        ascending = self.neuron[self._by_neuron]
        at = numpy.minimum(numpy.searchsorted(ascending, node), self.total - 1)
        return numpy.where(ascending[at] == node, self._by_neuron[at], -1)


def raster(run, groups):
    """Spikes of chosen neurons over 2 s after the warm-up, sorted by region, and their mean rate below.
    Returns (figure, caption) or None."""
    if run.spike_group() is None:
        return None
    found = window(run, groups, RASTER_MS)
    if found is None or (found[-1].row(found[1]) >= 0).sum() < SPARSE_SPIKES:
        found = window(run, groups, SPARSE_MS)
    if found is None:
        return None
    time, _, owner, begin, end, rows = found
    figure, (top, bottom) = pyplot.subplots(2, 1, figsize=(WIDTH, 6.4), sharex=True, height_ratios=[4.2, 1.1])
    marks(top, run, groups, found)
    means = _rates_below(bottom, time, owner, rows.order, run.populations, begin, end)
    legend = [pyplot.Line2D([], [], color=type_colour(kind), marker="o", linestyle="none", markersize=5,
                            label=kind_name(kind)) for kind in means if kind]
    if legend:
        top.legend(handles=legend, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0,
                   handletextpad=0.2)
    return figure, _raster_caption(run, groups, time, means, begin, end, rows)


def marks(axes, run, groups, found, height=1.0):
    """Marks of spikes, of what `window` found. height: of the axes, in those of a raster."""
    time, node, owner, _, _, rows = found
    row = rows.row(node)
    for kind in run.populations.kinds():
        mine = (row >= 0) & (run.populations.types[owner] == kind)
        axes.plot(time[mine] * 1e-3, row[mine], linestyle="none", marker="|", color=type_colour(kind), rasterized=True,
                  markersize=max(1.8, min(6.0, 1500 * height / rows.total)), markeredgewidth=0.9)
    _label_groups(axes, rows, run, groups)
    axes.set_ylim(rows.total, 0)
    axes.set_title(f"{count(rows.total, 'neuron')} of {rows.recorded:,} recorded")


def window(run, groups, width_ms):
    """(times, neurons, their populations, begin and end in ms, _Rows) of the time after the warm-up, or None where
    it holds no spike."""
    begin = run.warmup_s * 1e3
    end = min(begin + width_ms, run.duration_s() * 1e3) or begin + width_ms
    time, node, end = run.spikes_between(begin, end)
    if len(time) == 0:
        return None
    owner = run.populations.owner(node)
    recorded = numpy.unique(owner)
    place = groups.row_of[recorded]
    order = recorded[numpy.lexsort((recorded, numpy.where(place < 0, place.max() + 1, place)))]
    return time, node, owner, begin, end, _Rows(run.populations, order)


def _rates_below(axes, time, owner, order, populations, begin, end):
    """{type: mean rate of its recorded neurons in the window}"""
    width = max(1.0, scale_step((end - begin) / 400))
    bins = numpy.arange(begin, end + width / 2, width)
    means = {}
    for kind in populations.kinds():
        kept = order[populations.types[order] == kind]
        if not len(kept):
            continue
        neurons = populations.count[kept].sum()
        mine = populations.types[owner] == kind
        counts, _ = numpy.histogram(time[mine], bins)
        means[kind] = mine.sum() / neurons / ((end - begin) * 1e-3)
        under = kind == "I"  # the two may be alike: inhibitory rates lie below and wider
        axes.plot((bins[:-1] + width / 2) * 1e-3, counts / neurons / (width * 1e-3), color=type_colour(kind),
                  linewidth=2.4 if under else 1.0, alpha=0.6 if under else 1, zorder=1 if under else 2)
    axes.set_ylabel("rate (sp/s)")
    axes.set_xlabel("time (s)")
    axes.set_title(f"Mean over recorded neurons in bins of {width:g} ms", fontsize=10.5)
    axes.set_xlim(begin * 1e-3, end * 1e-3)
    axes.set_ylim(bottom=0)
    return means


def _raster_caption(run, groups, time, means, begin, end, rows):
    what = {"region": "by region, " + ("left hemisphere first" if groups.left else "in the connectome's order"),
            "population": "by population"}.get(groups.what, f"by {groups.what}")
    rates = listed(f"{kind_name(kind)} neurons fire at {short(rate)} sp/s" for kind, rate in means.items())
    rates = rates.replace("all neurons fire", "neurons fire")
    after = " that follow the warm-up" if run.warmup_s > 0 else ""
    return (f"Every mark is a spike of one neuron over the {duration((end - begin) * 1e-3)}{after}; rows are neurons, "
            f"sorted {what}. A vertical band is a moment at which many neurons of a group fire together, and a peak "
            f"of the rates below. In this window {rates} on average ({count(len(time), 'spike')} of "
            f"{count(rows.recorded, 'recorded neuron')}).")


def _label_groups(axes, rows, run, groups):
    """Group names at the middle of their rows, as many as can be read; thin lines where there are few groups."""
    starts, names = [], []
    for population, edge in zip(rows.order, rows.edges):
        place = groups.row_of[population]
        name = groups.rows.names[place] if place >= 0 else run.populations.names[population]
        if not names or name != names[-1]:
            starts.append(edge)
            names.append(name)
    middles = (numpy.array(starts) + numpy.array(starts[1:] + [rows.total])) / 2
    if len(names) <= 30:
        for edge in starts[1:]:
            axes.axhline(edge - 0.5, color=FAINT, linewidth=0.7, zorder=0)
    labels, last = [], -numpy.inf
    for middle, name in zip(middles, names):  # no two labels closer than a line of text
        if middle - last >= rows.total / 27:
            labels.append((middle, name))
            last = middle
    axes.set_yticks([m for m, _ in labels], [plain(n) for _, n in labels])
    axes.tick_params(axis="y", length=0)


def neurons(statistics):
    """Distributions over neurons of rates and of the irregularity of intervals. Returns (figure, caption)."""
    kinds = [kind for kind in ("E", "I", "") if (statistics.kind == kind).any()]
    regular = numpy.isfinite(statistics.isi_cv)
    panels = 2 if regular.any() else 1
    figure, axes = pyplot.subplots(1, panels, figsize=(WIDTH, 3.9), squeeze=False)
    rates = {kind: statistics.rate_hz[(statistics.kind == kind) & numpy.isfinite(statistics.rate_hz)] for kind in kinds}
    _histogram(axes[0, 0], rates, "rate of a neuron (sp/s)", " sp/s")
    axes[0, 0].set_title("Rates")
    silent = numpy.mean(numpy.concatenate(list(rates.values())) == 0)
    said = [f"{kind_name(kind)} neurons {short(numpy.median(v))}" for kind, v in rates.items() if len(v)]
    caption = (f"Each neuron's mean rate after the warm-up: medians are, in spikes per second, "
               f"{listed(said).replace('all neurons ', '')}; {_silence(silent)}.")
    if panels == 2:
        values = {kind: statistics.isi_cv[(statistics.kind == kind) & regular] for kind in kinds}
        _histogram(axes[0, 1], values, "CV of interspike intervals", "", (1, "Poisson"))
        axes[0, 1].set_title("Irregularity")
        caption += (" The coefficient of variation (CV) of a neuron's intervals is 0 for a clock and 1 for a Poisson "
                    "process; cortex lies between 0.7 and 1.3. Its median is "
                    f"{short(numpy.median(statistics.isi_cv[regular]))} over the "
                    f"{percent(regular.mean())} of neurons with at least 4 intervals.")
    else:
        caption += " No neuron fired the 5 spikes that a coefficient of variation of its intervals needs."
    drawn = len(statistics.rate_hz)
    thinned = f", every {round(statistics.total / drawn)}th of them" if drawn < statistics.total * 0.9 else ""
    return figure, f"{caption} ({count(statistics.total, 'neuron')}: {statistics.which}{thinned}.)"


def _silence(share):
    return "none is silent" if share == 0 else f"{percent(share)} of the neurons are silent"


def _histogram(axes, samples, label, unit, mark=None):
    """Shares of neurons, one outline for each type, and a triangle at each median. mark: (value, word) of a line."""
    everything = numpy.concatenate(list(samples.values()))
    low, high = numpy.percentile(everything, [0.2, 99.7]) if len(everything) else (0, 1)
    if low < 0.4 * high:
        low = 0
    if mark:
        low, high = min(low, mark[0]), max(high, mark[0])
    high = high if high > low else low + 1
    bins = _bins(everything, low, high)
    for kind, values in samples.items():
        if not len(values):
            continue
        share = 100 * numpy.histogram(values, bins)[0] / len(values)
        colour, median = type_colour(kind), numpy.median(values)
        axes.stairs(share, bins, fill=True, color=colour, alpha=0.25)
        axes.stairs(share, bins, color=colour, linewidth=1.5, label=f"{kind_name(kind)}: median {short(median)}{unit}")
        axes.plot(median, 0, marker="^", color=colour, markersize=8, clip_on=False, zorder=4,
                  transform=axes.get_xaxis_transform())
    axes.set_xlabel(label)
    axes.set_ylabel("neurons (%)")
    room = 0.03 * (bins[-1] - bins[0])
    axes.set_xlim(bins[0] if low == 0 else bins[0] - room, bins[-1] + room)
    axes.set_ylim(0, axes.get_ylim()[1] * 1.35)
    if mark:
        axes.axvline(mark[0], ymax=0.76, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        axes.text(mark[0], 0.77, mark[1], fontsize=9.5, ha="center", va="bottom", transform=axes.get_xaxis_transform())
    axes.legend(loc="upper left", handlelength=1.2, borderaxespad=0)


def _bins(values, low, high):
    """16 to 50 bins, more for more neurons. Short recordings count few spikes: whole counts to a bin, or the bins are
    a comb."""
    width = (high - low) / numpy.clip(2.5 * len(values) ** (1 / 3), 16, 50)
    inside = numpy.unique(values[(values >= low) & (values <= high)])
    if 1 < len(inside) < 2000:
        quantum = numpy.diff(inside).min()
        if quantum > width / 50:
            width = quantum * max(1, round(width / quantum))
    return numpy.arange(max(low - width / 2, -width / 2 if low == 0 else -numpy.inf), high + width, width)
