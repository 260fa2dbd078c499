"""Figures of BOLD: the signal, functional connectivity, its dynamics."""

import numpy

from connectivity import TRUSTED_S, correlation, distance, symmetric, upper
from figures_brain import hemisphere_lines, log_weights
from groups import evenly, order_words, region_order
from style import (ACCENT, DIVERGING, EXCITATORY, INK, MUTED, NOTHING, OTHER, SEQUENTIAL, WIDTH, bare, carpet_bar,
                   name_rows, plain, pyplot, scale_step, shade_warmup, side_bar)
from words import count, duration, listed, short


def bold(run):
    """BOLD of some regions as traces and of all of them as a carpet. Returns (figure, caption) or None."""
    recorded = run.bold()
    if recorded is None or len(recorded[0]) < 3:
        return None
    time, signal = recorded
    percent, settled = 100 * signal, time > run.warmup_s
    settled = settled if settled.any() else numpy.ones(len(time), bool)
    order, left = region_order(run.region_names, run.centres_mm)
    figure, (top, carpet) = pyplot.subplots(2, 1, figsize=(WIDTH, 7.0), sharex=True, height_ratios=[1.1, 1])
    shown = order[numpy.linspace(0, len(order) - 1, min(8, len(order))).astype(int)]
    _traces(top, time, percent[:, shown], settled, [run.region_names[r] for r in shown])
    shade_warmup(top, run.warmup_s, time[-1])
    top.set_title(f"Signal change about the mean, {len(shown)} of {len(order):,} regions")

    deviation = percent[settled].std(axis=0)
    z = (percent - percent[settled].mean(axis=0)) / numpy.where(deviation > 0, deviation, 1)
    rows = order[evenly(len(order), 1000)]
    image = carpet.imshow(z[:, rows].T, aspect="auto", cmap=DIVERGING, vmin=-2.5, vmax=2.5, interpolation="nearest",
                          extent=(time[0] - run.bold_tr_s(), time[-1], len(rows) - 0.5, -0.5))
    carpet.set_facecolor(NOTHING)
    bare(carpet)
    if left and left < len(order):
        border = left * len(rows) / len(order)
        carpet.axhline(border - 0.5, color=INK, linewidth=0.8)
        carpet.set_yticks([border / 2, (border + len(rows)) / 2], ["left", "right"], rotation=90, va="center")
        carpet.tick_params(axis="y", length=0)
    elif len(rows) <= 28:
        name_rows(carpet, [run.region_names[r] for r in rows])
    else:
        carpet.set_ylabel("region")
    carpet.set_xlim(0, time[-1])
    carpet.set_xlabel("time (s)")
    carpet.set_title(f"{'All' if len(rows) == len(order) else f'{len(rows):,} of'} {len(order):,} regions")
    carpet_bar(figure, image, carpet, "z-score", extend="both")
    return figure, _bold_caption(run, deviation, left)


def _traces(axes, time, percent, settled, names):
    """One line for each region, all to one scale: that of the fluctuations after the warm-up. The rise from rest
    before is much larger, and cut."""
    centred = percent - percent[settled].mean(axis=0)
    gap = max(1e-12, numpy.nan_to_num(1.02 * numpy.ptp(centred[settled], axis=0)).max())
    for row in range(len(names)):
        axes.plot(time, numpy.clip(centred[:, row] / gap, -0.55, 0.55) - row, color=INK, linewidth=1.0)
    axes.set_yticks(-numpy.arange(len(names)), [plain(name) for name in names])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-len(names) + 0.05, 0.65)
    bar = scale_step(gap / 2)
    axes.plot([1.012] * 2, [0, bar / gap], color=ACCENT, linewidth=2.5, clip_on=False,
              transform=axes.get_yaxis_transform())
    axes.text(1.02, bar / gap / 2, f"{bar:g} %", va="center", color=ACCENT, fontsize=9.5,
              transform=axes.get_yaxis_transform())


def _bold_caption(run, deviation, left):
    caption = ("Blood-oxygen-level-dependent signal of the Balloon model in every region, one volume every "
               f"{duration(run.bold_tr_s())}, as a scanner would see it. Above, percent signal change; below, every "
               f"region in units of its own standard deviation (median {short(numpy.nanmedian(deviation))} %), "
               f"{order_words(run.centres_mm, left)}: a vertical stripe is a fluctuation that regions share.")
    if run.warmup_s > 0:
        caption += (f" The rise from rest during the first {duration(run.warmup_s)} (the warm-up) is left out of every "
                    "statistic.")
    return caption


# ---- functional connectivity


def functional(run, simulated, measured, seconds, name):
    """Structural, simulated and measured connectivity in the same order of regions, and the pairs of regions of
    each two of them. measured: matrix or None; name: what it is called. Returns (figure, caption)."""
    weights = run.tracts()
    if weights is not None and not (weights > 0).any():
        weights = None
    order, left = region_order(run.region_names, run.centres_mm)
    grid = numpy.ix_(order, order)
    matrices = [("Simulated FC", simulated)] + ([("Measured FC", measured)] if measured is not None else [])
    scatters = []
    if weights is not None:
        structure = upper(symmetric(weights))
        scatters += [("structural weight", structure, f"{title.split()[0].lower()} FC (r)", upper(matrix))
                     for title, matrix in matrices]
    if measured is not None:
        scatters.append(("measured FC (r)", upper(measured), "simulated FC (r)", upper(simulated)))
    panels = (weights is not None) + len(matrices)
    rows = 1 if panels + len(scatters) <= 3 else 2
    columns = max(panels, len(scatters)) if rows == 2 else panels + len(scatters)
    columns = max(columns, 2)
    figure, axes = _squares(rows, columns)
    spare = list(axes.flat)
    if weights is not None:
        where = spare.pop(0)
        image = log_weights(where, symmetric(weights)[grid], left)
        where.set_title("Structural")
        side_bar(figure, image, where, "weight")
    limit = _limit(matrices)
    for title, matrix in matrices:
        _draw_matrix(figure, spare.pop(0), title, matrix[grid], left, limit)
    if rows == 2:
        spare = list(axes[1])
    found = {}
    for x_label, x, y_label, y in scatters:
        where = spare.pop(0)
        r = correlation(x, y)
        found[x_label, y_label] = r
        _draw_pairs(where, x_label, x, y_label, y, r)
    if not scatters:
        _draw_values(spare.pop(0), upper(simulated))
    for where in spare:
        where.set_visible(False)
    caption = _functional_caption(run, simulated, measured, found, seconds, left, name)
    return figure, caption


def _squares(rows, columns):
    """Square panels. Two rows of matrices and scatters are placed by hand: their labels differ too much for a layout
    that keeps them aligned and whole."""
    if rows == 1:
        return pyplot.subplots(1, columns, figsize=(WIDTH, 3.1 if columns == 3 else 4.4), squeeze=False,
                               layout="compressed")
    side, left = (1.95, 0.74) if columns == 3 else (3.2, 0.9)
    pitch, down = (WIDTH - 0.55) / columns, side + 0.9
    figure = pyplot.figure(figsize=(WIDTH, rows * down + 0.1), layout="none")
    height = rows * down + 0.1
    return figure, numpy.array([[
        figure.add_axes([(column * pitch + left) / WIDTH, 1 - (row * down + 0.36 + side) / height, side / WIDTH,
                         side / height]) for column in range(columns)] for row in range(rows)])


def _limit(matrices):
    """One colour scale for all: round, and reached by the largest values."""
    values = numpy.concatenate([numpy.abs(upper(matrix)) for _, matrix in matrices])
    values = values[numpy.isfinite(values)]
    return min(1.0, numpy.ceil(10 * numpy.percentile(values, 99.5)) / 10) if len(values) and values.max() > 0 else 1.0


def _draw_matrix(figure, axes, title, matrix, left, limit):
    shown = matrix.copy()
    numpy.fill_diagonal(shown, numpy.nan)
    image = axes.imshow(shown, cmap=DIVERGING, vmin=-limit, vmax=limit,
                        interpolation="nearest" if len(shown) < 400 else "antialiased")
    axes.set_facecolor(NOTHING)
    bare(axes)
    hemisphere_lines(axes, left, len(shown), MUTED)
    axes.set_title(title)
    side_bar(figure, image, axes, "Pearson's r")


def _draw_pairs(axes, x_label, x, y_label, y, r):
    """A point for each pair of regions; on a logarithmic axis of weights those without a tract have no place: a
    line shows their mean."""
    structural = x_label.startswith("structural")
    good = numpy.flatnonzero(numpy.isfinite(x) & numpy.isfinite(y) & ((x > 0) | (not structural)))
    shown = good[evenly(len(good), 4000)]
    axes.plot(x[shown], y[shown], ".", markersize=3.5, alpha=0.35, color=EXCITATORY, rasterized=True, markeredgewidth=0)
    if structural and len(good):
        axes.set_xscale("log")
        unlinked = y[(x <= 0) & numpy.isfinite(y)]
        if len(unlinked):
            axes.axhline(unlinked.mean(), color=INK, linewidth=1.1, linestyle=(0, (4, 3)), label="mean, no tract")
            low, high = axes.get_ylim()
            axes.set_ylim(low - 0.13 * (high - low), high)
            axes.legend(loc="lower left", bbox_to_anchor=(-0.03, -0.02), fontsize=9)
    elif len(shown):
        low, high = min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1])
        axes.plot([low, high], [low, high], color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.set_box_aspect(1)
    axes.set_title(f"r = {r:.2f}" if numpy.isfinite(r) else "r is not defined")


def _draw_values(axes, values):
    values = values[numpy.isfinite(values)]
    axes.hist(values, numpy.linspace(-1, 1, 61), color=EXCITATORY)
    axes.set_xlim(-1, 1)
    axes.set_xlabel("Pearson's r")
    axes.set_ylabel("pairs of regions")
    axes.set_title("Distribution")
    axes.set_box_aspect(1)


def _functional_caption(run, simulated, measured, found, seconds, left, name):
    caption = (f"Functional connectivity (FC): Pearson correlation of the BOLD of every pair of regions over "
               f"{duration(seconds)} after the warm-up, {order_words(run.centres_mm, left)}; red pairs rise and fall "
               "together, blue ones in opposition.")
    means = [short(numpy.nanmean(upper(matrix))) + what for what, matrix in
             (("" if measured is None else " (simulated)", simulated), (" (measured)", measured))
             if matrix is not None and numpy.isfinite(upper(matrix)).any()]
    if means:
        caption += f" The mean of all pairs is {listed(means)}."
    for (x_label, y_label), r in found.items():
        if not numpy.isfinite(r):
            continue
        if x_label.startswith("structural"):
            which = "Simulated FC" if y_label.startswith("simulated") else "Measured FC"
            caption += f" {which} correlates with the structural weights (mean of both directions) at r = {r:.2f}."
        else:
            of = f" ({name})" if name else ""
            caption += (f" Simulated and measured FC{of} correlate at r = {r:.2f} over "
                        f"{len(upper(simulated)):,} pairs of regions; the dashed line is equality.")
            matched = run.empirical()[3]
            caption += f" Measured regions were matched by {matched}." if matched else ""
    if any(x_label.startswith("structural") for x_label, _ in found):
        caption += " The axis of weights is logarithmic, r that of the weights themselves."
    if seconds < TRUSTED_S:
        caption += f" Too short: correlations over less than {TRUSTED_S} s are not to be trusted."
    return caption


# ---- dynamics


def dynamics(simulated, measured, name):
    """Matrices of the dynamics of functional connectivity and the distributions of their values; measured: Dynamics
    or None. Returns (figure, caption, Kolmogorov-Smirnov distance or NaN)."""
    shown = [("Simulated", simulated, EXCITATORY)] + ([("Measured", measured, OTHER)] if measured else [])
    figure, axes = pyplot.subplots(1, len(shown) + 1, figsize=(WIDTH, 3.4 if measured else 4.6), squeeze=False)
    values = [upper(d.matrix) for _, d, _ in shown]
    low = min(0.0, numpy.floor(10 * min(numpy.nanpercentile(v, 1) for v in values)) / 10)
    figure.get_layout_engine().set(wspace=0.06)
    for where, (title, d, _) in zip(axes[0], shown):
        end = d.starts_s[-1] + d.step * d.tr_s
        image = where.imshow(d.matrix, cmap=SEQUENTIAL, vmin=low, vmax=1, extent=(0, end, end, 0),
                             interpolation="nearest")
        bare(where)
        where.set_xlabel("start of window (s)")
        where.set_ylabel("start of window (s)" if d is simulated else "")
        where.set_title(f"{title} FCD")
        side_bar(figure, image, where, "correlation of FC (r)" if d is shown[-1][1] else "")
    last = axes[0, -1]
    samples = [d.apart() for _, d, _ in shown]
    bins = numpy.linspace(min(-0.2, *(s.min() for s in samples)), 1, 41)
    for sample, (title, _, colour) in zip(samples, shown):
        share = numpy.histogram(sample, bins)[0] / len(sample) * 100
        last.stairs(share, bins, fill=True, color=colour, alpha=0.25)
        last.stairs(share, bins, color=colour, linewidth=1.6,
                    label=f"{title.lower()}, median {short(numpy.median(sample))}")
    apart = distance(*samples) if measured else float("nan")
    last.set_xlabel("FCD value (r)")
    last.set_ylabel("pairs of windows (%)")
    last.set_ylim(top=last.get_ylim()[1] * 1.3)
    last.legend(loc="upper left", handlelength=1.2)
    last.set_box_aspect(1)
    last.set_title(f"KS distance {apart:.2f}" if measured else "Separate windows")
    return figure, _dynamics_caption(simulated, measured, samples, apart, name), apart


def _dynamics_caption(simulated, measured, samples, apart, name):
    window = simulated.width * simulated.tr_s
    caption = (f"Dynamics of functional connectivity (FCD): how alike the FC of two windows of {duration(window)} is, "
               f"for {count(len(simulated.matrix), 'window')} that start {duration(simulated.step * simulated.tr_s)} "
               "apart. A bright block is a spell of steady FC, a dark band a moment at which it changes. Near the "
               f"diagonal, windows share volumes and must be alike; the distribution counts the "
               f"{count(len(samples[0]), 'pair')} that share none.")
    separate = int(simulated.seconds // window)
    if separate < 10:
        caption += f" The recording holds only {separate} separate windows: a first look."
    if simulated.regions < simulated.of_regions:
        caption += f" Computed over {simulated.regions} of {simulated.of_regions:,} regions."
    if measured:
        of = f" ({name})" if name else ""
        caption += (f" Measured{of}: {count(len(measured.matrix), 'window')} of {measured.width} volumes, simulated "
                    f"ones have {simulated.width}. The Kolmogorov-Smirnov distance of the two distributions is "
                    f"{apart:.2f} (0: the same, 1: apart); there is no p value, as windows overlap.")
    return caption
