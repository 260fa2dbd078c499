"""Figures of rates: over time, as bars, their spectra."""

import numpy
from scipy.signal import find_peaks

from groups import evenly
from rates import BANDS, by_octaves
from style import (FAINT, INK, MUTED, RATES, WIDTH, bare, carpet_bar, legend_above, name_rows, plain, pyplot, shades,
                   shade_warmup, type_colour)
from words import count, duration, kind_name, listed, short

FEW_BARS = 160


def rates_over_time(run, groups, rates):
    """Mean rate of types of neurons over time, and of every row (region, population) as a heat map. Returns (figure,
    caption)."""
    figure, (top, image_axes) = pyplot.subplots(2, 1, figsize=(WIDTH, 6.4), sharex=True, height_ratios=[1, 2.8])
    for column, kind in enumerate(groups.kinds):
        if groups.types.empty[column]:
            continue
        under = kind == "I"  # the two may be alike: inhibitory rates lie below and wider
        top.plot(rates.time_s, rates.type_hz[:, column], color=type_colour(kind), linewidth=2.4 if under else 1.0,
                 alpha=0.6 if under else 1, zorder=1 if under else 2, label=kind_name(kind))
    top.set_ylabel("rate (sp/s)")
    top.set_ylim(bottom=0)
    shade_warmup(top, run.warmup_s, rates.end_s)
    top.set_title(f"Mean over neurons, {duration(rates.column_s)} per point")
    legend_above(top)

    shown = _at_most_rows(~groups.rows.empty)
    table, names = rates.row_hz[:, shown], [groups.rows.names[i] for i in shown]
    settled = table[rates.time_s > run.warmup_s] if run.warmup_s < rates.time_s[-1] else table
    high = numpy.nanpercentile(settled, 99.5)
    image = image_axes.imshow(table.T, aspect="auto", cmap=RATES, vmin=0, vmax=high if high > 0 else 1,
                              extent=(0, rates.end_s, len(names) - 0.5, -0.5))
    bare(image_axes)
    left = int(numpy.searchsorted(shown, groups.left)) if groups.left else None
    if len(names) <= 28:
        name_rows(image_axes, names)
        image_axes.tick_params(axis="y", length=0)
    elif left and left < len(names):
        image_axes.axhline(left - 0.5, color="white", linewidth=1.2)
        image_axes.set_yticks([left / 2, (left + len(names)) / 2], ["left", "right"], rotation=90, va="center")
        image_axes.tick_params(axis="y", length=0)
    else:
        image_axes.set_ylabel(groups.what)
    image_axes.set_xlabel("time (s)")
    many = f", {len(names)} of {len(groups.rows.names):,}" if len(names) < (~groups.rows.empty).sum() else ""
    image_axes.set_title(f"Mean rate of each {groups.what}{many}")
    image_axes.set_xlim(0, rates.end_s)
    carpet_bar(figure, image, image_axes, "rate (sp/s)", extend="max")
    return figure, _time_caption(run, groups, rates)


def _at_most_rows(there, most=1000):
    rows = numpy.flatnonzero(there)
    return rows[evenly(len(rows), most)]


def _time_caption(run, groups, rates):
    settled = rates.type_hz[rates.time_s > run.warmup_s] if run.warmup_s < rates.time_s[-1] else rates.type_hz
    said = [f"{kind_name(kind)} neurons {short(settled[:, i].mean())} ± {short(settled[:, i].std())} sp/s"
            for i, kind in enumerate(groups.kinds) if not groups.types.empty[i]]
    caption = ("Above, the mean rate of all neurons of a type; mean and standard deviation over the points after the "
               f"warm-up are {listed(said).replace('all neurons ', '')}. Below, every {groups.what}: a vertical "
               f"stripe is a moment that the whole network shares, a horizontal one a {groups.what} that fires more or "
               "less than others.")
    if run.warmup_s > 0:
        caption += f" The first {duration(run.warmup_s)} (shaded) are the warm-up."
    return caption


def rate_bars(run, groups, rates):
    """Mean rate of each region or population, highest first. Returns (figure, caption)."""
    values = groups.rows.mean(numpy.nan_to_num(rates.mean_hz))
    there = numpy.flatnonzero(numpy.isfinite(values))
    if groups.what == "region" or len(there) > 40:
        figure = _ranked(run, groups, rates, values, there)
    else:
        names, kinds = ([of[i] for i in there] for of in (groups.rows.names, groups.row_types))
        figure = _bars(names, kinds, values[there], groups.what)
    low, high = there[numpy.argmin(values[there])], there[numpy.argmax(values[there])]
    quarter = numpy.percentile(values[there], [25, 75])
    return figure, (
        f"Mean rate after the warm-up of each of {count(len(there), groups.what)}: from {short(values[low])} sp/s "
        f"({groups.rows.names[low]}) to {short(values[high])} sp/s ({groups.rows.names[high]}); half of them lie "
        f"between {short(quarter[0])} and {short(quarter[1])} sp/s."
        + ("" if len(there) <= FEW_BARS else f" Lines are means over {len(there) / 100:.0f} neighbouring ranks."))


def layer_bars(groups, rates):
    """Mean rate of each layer and type over all regions. Returns (figure, caption)."""
    values = groups.layers.mean(numpy.nan_to_num(rates.mean_hz))
    there = numpy.flatnonzero(numpy.isfinite(values))
    names, kinds = ([of[i] for i in there] for of in (groups.layers.names, groups.layer_types))
    said = listed(f"{name} {short(value)}" for name, value in zip(names, values[there]))
    return _bars(names, kinds, values[there], "layer"), (
        f"Mean rate after the warm-up of each layer and type, over the neurons of all regions: {said} sp/s.")


def _bars(names, kinds, values, what):
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.0 + 0.3 * max(4, len(names))))
    place = numpy.arange(len(names))
    axes.barh(place, values, color=[type_colour(kind) for kind in kinds], height=0.72)
    for y, value in zip(place, values):
        axes.text(value, y, f" {short(value)}", va="center", fontsize=9.5, color=INK)
    axes.set_yticks(place, [plain(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("mean rate (sp/s)")
    axes.margins(x=0.1)
    axes.set_xlim(left=0)
    handles = [pyplot.Rectangle((0, 0), 1, 1, color=type_colour(kind), label=kind_name(kind)) for kind in ("E", "I")
               if kind in kinds]
    if len(handles) > 1:
        axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)
    axes.set_title(f"Mean rate of each {what}")
    return figure


def _ranked(run, groups, rates, values, there):
    """Bars from the highest to the lowest, and the rate of each type as a mark; curves where bars would be too
    thin."""
    order = there[numpy.argsort(-values[there], kind="stable")]
    figure, axes = pyplot.subplots(figsize=(WIDTH, 3.9))
    place, few = numpy.arange(len(order)), len(order) <= FEW_BARS
    marked = [kind for kind in groups.kinds if kind and groups.what == "region"]
    colour = FAINT if marked else type_colour("")
    if few:
        axes.bar(place, values[order], width=0.8, color=colour, label="all neurons")
    else:
        axes.fill_between(place, values[order], color=colour, linewidth=0, label="all neurons")
    for kind in marked:
        mine = groups.rows_of_kind(run.populations, numpy.nan_to_num(rates.mean_hz), kind)[order]
        if few:
            axes.plot(place, mine, marker="o" if kind == "E" else "D", markersize=4.5, linestyle="none",
                      color=type_colour(kind), label=kind_name(kind), alpha=0.9)
        else:
            edges = numpy.linspace(0, len(order), 101).astype(int)
            means = [numpy.nanmean(mine[a:b]) for a, b in zip(edges[:-1], edges[1:])]
            axes.plot((edges[:-1] + edges[1:]) / 2, means, color=type_colour(kind), linewidth=1.6,
                      label=kind_name(kind))
    if few:
        name_rows(axes, [groups.rows.names[i] for i in order], most=80, axis="x")
        axes.tick_params(axis="x", labelsize=9.5 if len(order) <= 40 else 8)
    else:
        axes.set_xlabel(f"rank of the {groups.what}")
    axes.set_xlim(-0.7, len(order) - 0.3)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("mean rate (sp/s)")
    axes.set_title(f"{count(len(order), groups.what)}, from the highest to the lowest rate")
    legend_above(axes)
    return figure


def spectra(run, found, rates):
    """Power spectra of population rates, one panel for each type. found: Spectra; rates: RateSummary or None. Returns
    (figure, caption)."""
    frequency, power = by_octaves(found.frequency_hz, found.power)
    types = run.populations.types[found.population]
    kinds = [kind for kind in run.populations.kinds() if (types == kind).any()]
    figure, axes = pyplot.subplots(1, len(kinds), figsize=(WIDTH, 4.2), squeeze=False, sharey=True)
    peaks, floors = {}, False
    for kind, where in zip(kinds, axes[0]):
        mine = numpy.flatnonzero(types == kind)
        names = [run.populations.names[i] for i in found.population[mine]]
        floor = _poisson_floor(run, found, mine, rates)
        if floor:
            floors = True
            where.axhline(floor, color=INK, linewidth=1, linestyle=(0, (4, 3)), label="independent Poisson neurons")
        _population_lines(where, frequency, power[mine], names, kind)
        peaks[kind] = _peak(frequency, numpy.nanmean(power[mine], axis=0), found, mine)
        where.set_xscale("log")
        where.set_yscale("log")
        where.xaxis.set_major_formatter(pyplot.FuncFormatter(lambda value, _: f"{value:g}"))
        where.set_xlabel("frequency (Hz)")
        where.set_xlim(frequency[0], frequency[-1])
        where.set_title(f"{kind_name(kind).capitalize()} populations" if kind else "Populations")
    below = _make_room(axes[0])
    for kind, where in zip(kinds, axes[0]):
        where.legend(loc="lower left", handlelength=1.6)
        if peaks[kind]:
            where.axvline(peaks[kind], below, 0.92, color=MUTED, linewidth=0.9, zorder=0)
            where.text(peaks[kind], 0.93, f"{short(peaks[kind])} Hz", ha="center", va="bottom", fontsize=9.5,
                       transform=where.get_xaxis_transform())
    axes[0, 0].set_ylabel(f"power, {found.unit}")
    return figure, _spectra_caption(found, peaks, floors)


def _population_lines(axes, frequency, power, names, kind):
    """Every population where they are few, else their mean and the range that holds 80 % of them."""
    power = numpy.where(power > 0, power, numpy.nan)
    if len(power) <= 6:
        for line, name, colour in zip(power, names, shades(type_colour(kind), len(power))):
            axes.plot(frequency, line, color=colour, linewidth=1.6, label=plain(name))
        return
    low, high = numpy.nanpercentile(power, [10, 90], axis=0)
    axes.fill_between(frequency, low, high, color=type_colour(kind), alpha=0.2, linewidth=0,
                      label=f"80 % of {len(power)} populations")
    axes.plot(frequency, numpy.nanmean(power, axis=0), color=type_colour(kind), linewidth=2, label="mean", zorder=3)


def _make_room(axes):
    """Below the lines for the legends, above for the names of peaks; all panels share the axis. Returns the share of
    its height that legends take."""
    entries = max(len(where.get_legend_handles_labels()[0]) for where in axes)
    low, high = axes[0].get_ylim()
    span, below = numpy.log(high / low), 0.04 + 0.065 * entries
    axes[0].set_ylim(low * numpy.exp(-span * below / (0.92 - below)), high * numpy.exp(span * 0.08 / (0.92 - below)))
    return below


def _poisson_floor(run, found, mine, rates):
    """Power of the mean rate of N independent Poisson neurons of rate r: 2 r / N at every frequency (one-sided), mean
    over populations. None where the unit is another or rates are not known."""
    if rates is None or found.unit not in ("(sp/s)²/Hz", "Hz²/Hz"):
        return None
    index = found.population[mine]
    floor = numpy.nanmean(2 * rates.mean_hz[index] / numpy.maximum(run.populations.count[index], 1))
    return float(floor) if floor > 0 else None


def _peak(frequency, power, found, mine):
    """Frequency of the highest peak that stands out by a factor of 2 and is not at an end, or None: a band first, then
    the highest line in and beside it."""
    good = power > 0
    if good.sum() < 8:
        return None
    peaks, details = find_peaks(numpy.log10(power[good]), prominence=numpy.log10(2), width=2)
    if not len(peaks):
        return None
    band = frequency[good][peaks[numpy.argmax(details["prominences"])]]
    near = numpy.flatnonzero(numpy.abs(numpy.log2(found.frequency_hz / band)) < 1 / BANDS)
    if not len(near):
        return float(band)
    return float(found.frequency_hz[near[numpy.argmax(numpy.nanmean(found.power[mine][:, near], axis=0))]])


def _spectra_caption(found, peaks, floors):
    caption = (f"Power spectral density of the rates of populations after the warm-up ({found.method}; drawn as "
               "means over twelfths of an octave). A hump is a rhythm; a slope down to the right are slow "
               "fluctuations.")
    said = [f"at {short(peak)} Hz" + (f" for {kind_name(kind)} populations" if kind else "")
            for kind, peak in peaks.items() if peak]
    caption += f" The most prominent peak lies {listed(said)}." if said else " No peak stands out by a factor of 2."
    if floors:
        caption += (" The dashed line is what as many independent Poisson neurons of the same rates would give: power "
                    "above it is correlated firing.")
    return caption
