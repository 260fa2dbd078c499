"""Figures of a brain: connectome, BOLD, functional connectivity, map of mean rates."""

import numpy
from matplotlib import colors
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.patches import Circle, Polygon
from scipy.spatial import ConvexHull

from analysis import region_order, symmetric, upper
from style import (ACCENT, DIVERGING, EXCITATORY, INK, MUTED, RATES, SEQUENTIAL, WIDTH, bare, colour_bar,
                   pyplot, shade_warmup, side_bar)


def _hemisphere_lines(axes, left, count, colour):
    """Marks the border between hemispheres in a matrix and names both."""
    if left is None or left in (0, count):
        axes.set_xlabel("region")
        axes.set_ylabel("region")
        return
    axes.axhline(left - 0.5, color=colour, linewidth=0.9)
    axes.axvline(left - 0.5, color=colour, linewidth=0.9)
    ticks, labels = [left / 2 - 0.5, (left + count) / 2 - 0.5], ["left", "right"]
    axes.set_xticks(ticks, labels)
    axes.set_yticks(ticks, labels, rotation=90, va="center")
    axes.tick_params(length=0)


def _log_weights(axes, weights, left):
    positive = weights[weights > 0]
    norm = colors.LogNorm(numpy.percentile(positive, 1), positive.max())
    image = axes.imshow(numpy.ma.masked_less_equal(weights, 0), cmap=SEQUENTIAL, norm=norm)
    axes.set_facecolor("#eef0f3")
    bare(axes)
    _hemisphere_lines(axes, left, len(weights), "#b0b8c1")
    return image


def connectome(run):
    """Structural weights (logarithmic colour) and how they fall with distance."""
    weights = run.tracts()
    if weights is None or not (weights > 0).any():
        return None
    order, left = region_order(run.region_names, run.centres_mm)
    figure, (matrix, scatter) = pyplot.subplots(1, 2, figsize=(WIDTH, 4.4), width_ratios=[1.15, 1])
    image = _log_weights(matrix, weights[numpy.ix_(order, order)], left)
    matrix.set_title("Weights")
    matrix.set_xlabel("from region")
    matrix.set_ylabel("to region")
    side_bar(figure, image, matrix, "weight")
    if numpy.isfinite(run.centres_mm).all():
        target, source = numpy.nonzero(weights)
        distance = numpy.linalg.norm(run.centres_mm[target] - run.centres_mm[source], axis=1)
        shown = _at_most(len(target))
        target, source, distance = target[shown], source[shown], distance[shown]
        across = (run.centres_mm[target, 0] > 0) != (run.centres_mm[source, 0] > 0)
        for mask, colour, label in ((~across, EXCITATORY, "within a hemisphere"), (across, ACCENT, "between them")):
            scatter.plot(distance[mask], weights[target, source][mask], ".", markersize=3, alpha=0.45, color=colour,
                         label=label, rasterized=True)
        scatter.set_yscale("log")
        scatter.set_xlabel("distance of region centres (mm)")
        scatter.set_ylabel("weight")
        scatter.set_xlim(left=0)
        scatter.legend(markerscale=3, handletextpad=0.1, loc="upper right")
        scatter.set_title("Weights fall with distance")
    else:
        positive = weights[weights > 0]
        scatter.hist(numpy.log10(positive), 40, color=EXCITATORY)
        scatter.set_xlabel("log10 weight")
        scatter.set_ylabel("tracts")
        scatter.set_title("Distribution of weights")
    return figure


def _at_most(count, most=8000):
    """Indices of points to draw: all of them, or evenly spaced ones where a cloud of so many would be a blot."""
    return numpy.arange(count)[:: -(-count // most)] if count else numpy.arange(0)


def bold(run):
    """BOLD of some regions as traces and of all of them as a carpet."""
    recorded = run.bold()
    if recorded is None or len(recorded[0]) < 3:
        return None
    time, signal = recorded
    percent = 100 * signal
    settled = time > run.warmup_s
    order, left = region_order(run.region_names, run.centres_mm)
    shown = order[numpy.linspace(0, len(order) - 1, min(8, len(order))).astype(int)]
    figure, (top, carpet) = pyplot.subplots(2, 1, figsize=(WIDTH, 6.6), sharex=True, height_ratios=[1.1, 1])
    shade_warmup(top, run.warmup_s)
    # The rise from rest during the warm-up is much larger than the fluctuations that follow: the scale is theirs.
    centred = percent[:, shown] - percent[settled][:, shown].mean(axis=0)
    gap = max(6 * centred[settled].std(), 1e-12)
    for row, region in enumerate(shown):
        top.plot(time, numpy.clip(centred[:, row] / gap, -0.5, 0.5) - row, color=INK, linewidth=0.9)
    top.set_yticks(-numpy.arange(len(shown)), [run.region_names[r] for r in shown])
    top.tick_params(axis="y", length=0)
    top.spines["left"].set_visible(False)
    top.set_ylim(-len(shown) + 0.35, 0.65)
    bar = _round_down(gap / 2)
    top.plot([time[-1] * 1.012] * 2, numpy.array([0, bar / gap]) + 0.1, color=ACCENT, linewidth=2.5, clip_on=False)
    top.text(time[-1] * 1.02, 0.1 + bar / gap / 2, f"{bar:g} %", va="center", color=ACCENT, fontsize=9)
    top.set_title(f"Signal change about the mean, {len(shown)} of {len(order)} regions")
    if run.warmup_s > 0.04 * time[-1]:
        top.text(run.warmup_s / 2, 0.47 - len(shown), "warm-up", ha="center", color=MUTED, fontsize=9)

    deviation = percent[settled].std(axis=0)
    z = (percent - percent[settled].mean(axis=0)) / numpy.where(deviation > 0, deviation, 1)
    interval = time[1] - time[0]
    image = carpet.imshow(z[:, order].T, aspect="auto", cmap=DIVERGING, vmin=-2.5, vmax=2.5,
                          extent=(time[0] - interval, time[-1], len(order) - 0.5, -0.5))
    bare(carpet)
    if left and left < len(order):
        carpet.axhline(left - 0.5, color=INK, linewidth=0.8)
        carpet.set_yticks([left / 2, (left + len(order)) / 2], ["left", "right"], rotation=90, va="center")
    else:
        carpet.set_ylabel("region")
    carpet.set_xlim(0, time[-1])
    carpet.set_xlabel("time (s)")
    carpet.set_title(f"All {len(order)} regions")
    colour_bar(figure, image, carpet, "z-score")
    return figure


def _round_down(value):
    """The largest of 1, 2, 5 x 10^k not above value."""
    power = 10 ** numpy.floor(numpy.log10(value))
    return power * max(step for step in (1, 2, 5) if step * power <= value * (1 + 1e-9))


def functional(run, fc, empirical, structure_r):
    """Functional connectivity beside the structural one (and the measured one), and the pairs of both."""
    weights = run.tracts()
    order, left = region_order(run.region_names, run.centres_mm)
    grid = numpy.ix_(order, order)
    matrices = [("Functional", fc)]
    if empirical is not None:
        matrices.append(("Measured", empirical))
    panels = len(matrices) + (2 if weights is not None else 0)
    columns = min(panels, 3)
    rows = -(-panels // columns)
    figure, axes = pyplot.subplots(rows, columns, figsize=(WIDTH, 3.3 * rows), squeeze=False)
    axes = list(axes.flat)
    for spare in axes[panels:]:
        spare.set_visible(False)
    if weights is not None:
        where = axes.pop(0)
        image = _log_weights(where, symmetric(weights)[grid], left)
        where.set_title("Structural")
        side_bar(figure, image, where, "weight")
    for title, matrix in matrices:
        where = axes.pop(0)
        shown = matrix[grid].copy()
        numpy.fill_diagonal(shown, numpy.nan)
        image = where.imshow(shown, cmap=DIVERGING, vmin=-1, vmax=1)
        bare(where)
        _hemisphere_lines(where, left, len(shown), MUTED)
        where.set_title(f"{title} (mean {numpy.nanmean(upper(matrix)):.2f})")
        side_bar(figure, image, where, "Pearson's r")
    if weights is not None:
        _structure_scatter(axes.pop(0), upper(symmetric(weights)), upper(fc), structure_r)
    return figure


def _structure_scatter(axes, weight, function, structure_r):
    linked = weight > 0
    shown = numpy.flatnonzero(linked)[_at_most(linked.sum(), 4000)]
    axes.plot(weight[shown], function[shown], ".", markersize=3, alpha=0.4, color=EXCITATORY, rasterized=True)
    axes.set_xscale("log")
    axes.set_xlabel("structural weight")
    axes.set_ylabel("functional connectivity (r)")
    if numpy.isfinite(structure_r):
        axes.set_title(f"Pairs of regions (r = {structure_r:.2f})")
    axes.set_box_aspect(1)
    elsewhere = function[~linked & numpy.isfinite(function)]
    if len(elsewhere):  # these pairs have no place on a logarithmic axis
        axes.axhline(elsewhere.mean(), color=INK, linewidth=1, linestyle="--", label="mean of pairs without a tract")
        low, high = axes.get_ylim()
        axes.set_ylim(low - 0.1 * (high - low), high)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.03, -0.01), fontsize=8)


def brain_map(run, region_hz):
    """Mean rates at the region centres: left side, from above, right side."""
    centres = run.centres_mm[:len(region_hz)]
    if len(centres) == 0 or not numpy.isfinite(centres).all():
        return None
    weights = run.tracts()
    norm = colors.Normalize(max(0, numpy.nanpercentile(region_hz, 2)), numpy.nanpercentile(region_hz, 98))
    left = centres[:, 0] <= 0
    # (title, horizontal axis and its sign, vertical axis, depth towards the viewer, regions shown)
    views = [("Left hemisphere", 1, -1, 2, -centres[:, 0], left),
             ("From above", 0, 1, 1, centres[:, 2], numpy.ones(len(left), bool)),
             ("Right hemisphere", 1, 1, 2, centres[:, 0], ~left)]
    views = [view for view in views if view[5].any()]
    spans = [numpy.ptp(centres[:, view[1]]) + 36 for view in views]
    heights = [numpy.ptp(centres[:, view[3]]) + 36 for view in views]
    scale = WIDTH * 0.92 / sum(spans)
    figure, axes = pyplot.subplots(1, len(views), figsize=(WIDTH, max(heights) * scale + 0.45), width_ratios=spans)
    axes = numpy.atleast_1d(axes)
    for where, (title, horizontal, sign, vertical, depth, shown) in zip(axes, views):
        x, y = sign * centres[:, horizontal], centres[:, vertical]
        where.add_collection(_silhouette(x[shown], y[shown]))
        if weights is not None:
            where.add_collection(_strong_tracts(symmetric(weights), x, y, shown))
        near = numpy.argsort(depth[shown])
        size = 120 * numpy.clip(76 / shown.sum() / 2, 0.12, 1)
        points = where.scatter(x[shown][near], y[shown][near], c=region_hz[shown][near], cmap=RATES, norm=norm, s=size,
                               edgecolor="white", linewidth=0.6, zorder=3)
        where.set_aspect("equal")
        where.set_xlim(x.min() - 18, x.max() + 18)
        where.set_ylim(y.min() - 18, y.max() + 18)
        where.axis("off")
        where.set_title(title, loc="center")
        ends = {"Left hemisphere": ("front", "back"), "From above": ("left", "right"),
                "Right hemisphere": ("back", "front")}[title]
        for text, place, align in ((ends[0], 0.02, "left"), (ends[1], 0.98, "right")):
            where.text(place, 0.0, text, transform=where.transAxes, ha=align, va="bottom", color=MUTED, fontsize=9)
    _millimetres(axes[-1])
    colour_bar(figure, points, list(axes), "mean rate (sp/s)", fraction=0.02, aspect=22, shrink=0.75)
    return figure


def _silhouette(x, y):
    """A soft outline of what is shown: the convex hull of the regions and a disc about each of them."""
    points = numpy.column_stack([x, y])
    radius = 15 * numpy.clip((40 / len(points)) ** 0.5, 0.5, 1)
    shapes = [Circle(point, radius) for point in points]
    if len(points) > 2 and numpy.linalg.matrix_rank(points - points[0]) == 2:
        hull = points[ConvexHull(points).vertices]
        shapes.append(Polygon(hull + radius / 2 * _outward(hull)))
    return PatchCollection(shapes, facecolor="#eceff3", edgecolor="none", zorder=0)


def _outward(hull):
    """Unit vectors from the middle of a polygon to its corners."""
    arrow = hull - hull.mean(axis=0)
    return arrow / numpy.linalg.norm(arrow, axis=1, keepdims=True)


def _strong_tracts(weights, x, y, shown):
    """The strongest tracts among the regions shown, at most 150 of them."""
    target, source = numpy.nonzero(numpy.triu(weights, 1) * numpy.outer(shown, shown))
    kept = numpy.argsort(weights[target, source])[-150:]
    target, source = target[kept], source[kept]
    lines = numpy.stack([numpy.column_stack([x[target], y[target]]), numpy.column_stack([x[source], y[source]])], 1)
    return LineCollection(lines, colors="#8794a3", linewidths=0.6, alpha=0.45, zorder=1)


def _millimetres(axes, length=20):
    right, bottom = axes.get_xlim()[1], axes.get_ylim()[0]
    top = bottom + 10
    axes.plot([right - length - 4, right - 4], [top, top], color=INK, linewidth=1.5)
    axes.text(right - length / 2 - 4, top + 1.5, f"{length} mm", ha="center", va="bottom", fontsize=8)
