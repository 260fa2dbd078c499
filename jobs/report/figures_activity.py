"""Figures of spikes and rates: raster, rates over time, histograms."""

import numpy

from analysis import region_order
from style import (EXCITATORY, FAINT, INHIBITORY, INK, MUTED, OTHER, RATES, WIDTH, bare, colour_bar, pyplot,
                   shade_warmup, type_colour)

RASTER_NEURONS = 600
RASTER_MS = 2000.0


def _groups(run):
    """Order in which populations are drawn and the label of each: by region where there are regions."""
    populations = run.populations
    if not run.region_names or populations.region.max() < 0:
        return numpy.arange(len(populations.names)), list(populations.names)
    order, _ = region_order(run.region_names, run.centres_mm)
    rank = numpy.empty(len(order), dtype=int)
    rank[order] = numpy.arange(len(order))
    place = numpy.where(populations.region >= 0, rank[populations.region], len(order))
    labels = [run.region_names[r] if r >= 0 else populations.names[i] for i, r in enumerate(populations.region)]
    return numpy.lexsort((numpy.arange(len(place)), place)), labels


def raster(run):
    """Spikes of chosen neurons over 2 s after the warm-up, sorted by region, and their mean rate below."""
    if run.spike_group() is None or run.populations is None:
        return None
    begin = run.warmup_s * 1e3
    end = min(begin + RASTER_MS, run.duration_s() * 1e3) or begin + RASTER_MS
    time, node = run.spikes_between(begin, end)
    if len(time) == 0:
        return None
    populations = run.populations
    owner = numpy.searchsorted(populations.first, node, side="right") - 1
    recorded = numpy.flatnonzero(numpy.bincount(owner, minlength=len(populations.names)))
    order, labels = _groups(run)
    order = [p for p in order if p in set(recorded.tolist())]

    # Neurons evenly spaced over all of them, so that every population has its share of the rows.
    ends = numpy.cumsum(populations.count[order])
    total = int(ends[-1])
    share = min(1.0, RASTER_NEURONS / total)
    rows = numpy.floor(ends * share + 1e-9).astype(int)
    edges = numpy.concatenate([[0], rows[:-1]])
    row = int(rows[-1])
    figure, (top, bottom) = pyplot.subplots(2, 1, figsize=(WIDTH, 6.2), sharex=True, height_ratios=[4.2, 1])
    seconds = time * 1e-3
    for population, first_row, last_row in zip(order, edges, rows):
        if first_row == last_row:
            continue
        count = populations.count[population]
        picks = populations.first[population] + numpy.arange(last_row - first_row) * count // (last_row - first_row)
        mine = owner == population
        index = numpy.searchsorted(picks, node[mine])
        hit = (index < len(picks)) & (picks[numpy.minimum(index, len(picks) - 1)] == node[mine])
        top.plot(seconds[mine][hit], first_row + index[hit], linestyle="none", marker="|",
                 markersize=max(1.8, min(4.0, 1500 / row)), markeredgewidth=0.8,
                 color=type_colour(populations.types[population]), rasterized=True)
    _label_groups(top, order, edges, row, labels)
    top.set_ylim(row, 0)
    top.set_title(f"{row:,} of {total:,} recorded neurons")
    handles = [pyplot.Line2D([], [], color=colour, marker="o", linestyle="none", markersize=5, label=label)
               for colour, label, kind in ((EXCITATORY, "excitatory", "E"), (INHIBITORY, "inhibitory", "I"))
               if kind in {populations.types[p] for p in order}]
    if handles:
        top.legend(handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0,
                   handletextpad=0.2)

    width = 5.0
    bins = numpy.arange(begin, end + width / 2, width)
    for kind, colour in (("E", EXCITATORY), ("I", INHIBITORY), ("", OTHER)):
        kept = [p for p in order if populations.types[p] == kind]
        if not kept:
            continue
        counts, _ = numpy.histogram(time[numpy.isin(owner, kept)], bins)
        inhibitory = kind == "I"
        bottom.plot((bins[:-1] + width / 2) * 1e-3, counts / populations.count[kept].sum() / (width * 1e-3),
                    color=colour, linewidth=2.2 if inhibitory else 0.9, alpha=0.6 if inhibitory else 1,
                    zorder=1 if inhibitory else 2)
    bottom.set_ylabel("rate (sp/s)")
    bottom.set_xlabel("time (s)")
    bottom.set_xlim(begin * 1e-3, end * 1e-3)
    bottom.set_ylim(bottom=0)
    return figure


def _label_groups(axes, order, edges, rows, labels):
    """Group names at the middle of their rows, as many as can be read; thin lines where there are few groups."""
    starts, names = [], []
    for population, edge in zip(order, edges):
        if not names or labels[population] != names[-1]:
            starts.append(edge)
            names.append(labels[population])
    ends = starts[1:] + [rows]
    if len(names) <= 24:
        for edge in starts[1:]:
            axes.axhline(edge - 0.5, color=FAINT, linewidth=0.7, zorder=0)
    step = -(-len(names) // 24)
    middles = [(a + b) / 2 for a, b in zip(starts, ends)]
    axes.set_yticks(middles[::step], names[::step])
    axes.tick_params(axis="y", length=0)


def rates_over_time(run, rates):
    """Mean rate of the network over time, and of every region (or population) as a heat map."""
    populations = run.populations
    by_region = bool(run.region_names) and populations.region.max() >= 0
    if by_region:
        table = rates.by_region(populations, rates.binned_hz)
        order, left = region_order(run.region_names[:table.shape[1]], run.centres_mm[:table.shape[1]])
        names, what = [run.region_names[i] for i in order], "region"
        table = table[:, order]
    else:
        table, names, left, what = rates.binned_hz, populations.names, None, "population"
    figure, (top, image_axes) = pyplot.subplots(2, 1, figsize=(WIDTH, 6.2), sharex=True, height_ratios=[1, 3])
    shade_warmup(top, run.warmup_s)
    kinds = [k for k in ("E", "I") if k in populations.types]
    for kind in kinds or [""]:
        kept = numpy.array([t == kind for t in populations.types]) if kinds else populations.count > 0
        mean = rates.binned_hz[:, kept] @ populations.count[kept] / populations.count[kept].sum()
        # Inhibitory rates lie below and wider: the two may be alike.
        inhibitory = kind == "I"
        top.plot(rates.time_s, mean, color=type_colour(kind), linewidth=2.2 if inhibitory else 0.9,
                 alpha=0.6 if inhibitory else 1, zorder=1 if inhibitory else 2,
                 label={"E": "excitatory", "I": "inhibitory"}.get(kind, "all"))
    top.set_ylabel("mean (sp/s)")
    top.set_ylim(bottom=0)
    top.set_title(f"Mean over neurons, {_span(rates.column_s)} per point")
    top.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=0)
    if run.warmup_s > 0.04 * rates.end_s:
        top.text(run.warmup_s / 2, top.get_ylim()[1] * 0.06, "warm-up", ha="center", color=MUTED, fontsize=9)

    settled = table[rates.time_s > run.warmup_s] if run.warmup_s < rates.time_s[-1] else table
    image = image_axes.imshow(table.T, aspect="auto", cmap=RATES, vmin=0, vmax=numpy.nanpercentile(settled, 99.5),
                              extent=(0, rates.end_s, len(names) - 0.5, -0.5), interpolation="nearest")
    bare(image_axes)
    if len(names) <= 24:
        image_axes.set_yticks(range(len(names)), names)
    elif not left or left == len(names):
        image_axes.set_ylabel(what)
    else:
        image_axes.axhline(left - 0.5, color="white", linewidth=1)
        image_axes.set_yticks([left / 2, (left + len(names)) / 2], ["left", "right"], rotation=90, va="center")
    image_axes.set_xlabel("time (s)")
    image_axes.set_title(f"Mean rate of each {what}")
    image_axes.set_xlim(0, rates.end_s)
    colour_bar(figure, image, image_axes, "rate (sp/s)")
    return figure


def _span(seconds):
    return f"{seconds * 1e3:g} ms" if seconds < 1 else f"{seconds:.3g} s"


def rate_histogram(run, rates):
    """Mean rates: their distribution over regions and over neurons, or one bar per population."""
    populations = run.populations
    panels = []
    if run.region_names and populations.region.max() >= 0:
        panels.append(_region_histogram)
    else:
        panels.append(_population_bars)
    if run.spike_group() is not None and run.duration_s() > run.warmup_s:
        panels.append(_neuron_histogram)
    figure, axes = pyplot.subplots(1, len(panels), figsize=(WIDTH, 3.5), squeeze=False)
    for draw, where in zip(panels, axes[0]):
        draw(run, rates, where)
    return figure


def _region_histogram(run, rates, axes):
    kinds = [k for k in ("E", "I") if k in run.populations.types] or [None]
    values = [rates.by_region(run.populations, rates.mean_hz, kind) for kind in kinds]
    values = [v[numpy.isfinite(v)] for v in values]
    bins = numpy.linspace(0, max(v.max() for v in values) * 1.02 + 1e-9, 31)
    for kind, value in zip(kinds, values):
        label = {"E": "excitatory", "I": "inhibitory"}.get(kind, "all neurons")
        axes.hist(value, bins, color=type_colour(kind), alpha=0.75, label=f"{label}, mean {value.mean():.1f} sp/s")
    axes.set_xlabel("mean rate of a region (sp/s)")
    axes.set_ylabel("regions")
    axes.set_title("Regions")
    _legend_above(axes)


def _population_bars(run, rates, axes):
    populations, place = run.populations, numpy.arange(len(rates.mean_hz))
    if len(place) > 40:
        axes.hist(rates.mean_hz, 30, color=OTHER)
        axes.set_xlabel("mean rate of a population (sp/s)")
        axes.set_ylabel("populations")
    else:
        axes.barh(place, rates.mean_hz, color=[type_colour(t) for t in populations.types], height=0.7)
        for y, value in zip(place, rates.mean_hz):
            axes.text(value, y, f" {value:.2f}", va="center", fontsize=9, color=INK)
        axes.set_yticks(place, populations.names)
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("mean rate (sp/s)")
        axes.margins(x=0.12)
    axes.set_title("Populations")


def _neuron_histogram(run, rates, axes):
    """Rates of single neurons of the populations whose spikes were recorded."""
    populations = run.populations
    counts = run.spike_counts(run.warmup_s * 1e3, int((populations.first + populations.count).max()))
    seconds = run.duration_s() - run.warmup_s
    for kind in ("E", "I", ""):
        values = [counts[f:f + n] for f, n, t in zip(populations.first, populations.count, populations.types)
                  if t == kind and counts[f:f + n].any()]
        if not values:
            continue
        hz = numpy.concatenate(values) / seconds
        top = max(numpy.percentile(hz, 99.5), 1 / seconds)
        width = max(1.0, round(top * seconds / 50)) / seconds  # whole spikes per bin: no comb
        label = {"E": "excitatory", "I": "inhibitory"}.get(kind, "all")
        axes.hist(hz, numpy.arange(-0.5 / seconds, top + width, width), histtype="stepfilled", alpha=0.6,
                  color=type_colour(kind), density=True, label=f"{label}, {(hz == 0).mean():.0%} silent")
    axes.set_xlabel("rate of a neuron (sp/s)")
    axes.set_ylabel("density (s)")
    axes.set_title("Neurons with recorded spikes")
    _legend_above(axes)


def _legend_above(axes):
    """A legend in room of its own over the bars."""
    axes.set_ylim(top=axes.get_ylim()[1] * 1.3)
    axes.legend(loc="upper right")
