"""Figures of a brain: map of mean rates, structural connectome."""

import numpy
from matplotlib import colors
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.patches import Circle, Polygon
from scipy.spatial import ConvexHull

from connectivity import symmetric
from groups import evenly, order_words, region_order
from style import (ACCENT, EXCITATORY, INK, MUTED, NOTHING, RATES, SEQUENTIAL, WIDTH, bare, colour_bar, pyplot,
                   side_bar)
from words import count, listed, percent, short

TRACTS_DRAWN = 150


def hemisphere_lines(axes, left, regions, colour):
    """Marks the border between hemispheres in a matrix and names both."""
    if left is None or left in (0, regions):
        axes.set_xlabel("region")
        axes.set_ylabel("region")
        return
    axes.axhline(left - 0.5, color=colour, linewidth=0.9)
    axes.axvline(left - 0.5, color=colour, linewidth=0.9)
    ticks, labels = [left / 2 - 0.5, (left + regions) / 2 - 0.5], ["left", "right"]
    axes.set_xticks(ticks, labels)
    axes.set_yticks(ticks, labels, rotation=90, va="center")
    axes.tick_params(length=0)


def log_weights(axes, weights, left):
    """An image of weights with logarithmic colour; pairs without a tract are grey."""
    positive = weights[weights > 0]
    low, high = numpy.percentile(positive, 1), positive.max()
    norm = colors.LogNorm(low if low < high else high / 10, high)
    image = axes.imshow(numpy.ma.masked_less_equal(weights, 0), cmap=SEQUENTIAL, norm=norm, interpolation="nearest")
    axes.set_facecolor(NOTHING)
    bare(axes)
    hemisphere_lines(axes, left, len(weights), "#9aa5b1")
    return image


def connectome(run):
    """Structural weights (logarithmic colour) and how they fall with distance. Returns (figure, caption) or None."""
    weights = run.tracts()
    if weights is None or not (weights > 0).any():
        return None
    order, left = region_order(run.region_names, run.centres_mm)
    figure, (matrix, scatter) = pyplot.subplots(1, 2, figsize=(WIDTH, 4.5), width_ratios=[1.15, 1])
    image = log_weights(matrix, weights[numpy.ix_(order, order)], left)
    matrix.set_title("Weights of tracts")
    matrix.set_xlabel("from region")
    matrix.set_ylabel("to region")
    side_bar(figure, image, matrix, "weight")
    tracts = int((weights > 0).sum())
    pairs = len(weights) * (len(weights) - 1)
    caption = (f"Weight of the tract from each region (column) to each other one (row), "
               f"{order_words(run.centres_mm, left)}; grey: no tract. {tracts:,} of {pairs:,} possible tracts exist "
               f"({percent(tracts / max(1, pairs))}).")
    if numpy.isfinite(run.centres_mm).all():
        caption += _fall_with_distance(scatter, run, weights)
    else:
        _weight_histogram(scatter, weights)
    return figure, caption


def _fall_with_distance(axes, run, weights):
    target, source = numpy.nonzero(weights)
    distance = numpy.linalg.norm(run.centres_mm[target] - run.centres_mm[source], axis=1)
    across = (run.centres_mm[target, 0] > 0) != (run.centres_mm[source, 0] > 0)
    shown = evenly(len(target), 8000)
    for mask, colour, label in ((~across, EXCITATORY, "within a hemisphere"), (across, ACCENT, "between hemispheres")):
        points = shown[mask[shown]]
        axes.plot(distance[points], weights[target[points], source[points]], ".", markersize=4, alpha=0.4,
                  color=colour, label=label, rasterized=True, markeredgewidth=0)
    axes.set_yscale("log")
    axes.set_xlabel("distance of region centres (mm)")
    axes.set_ylabel("weight")
    axes.set_xlim(left=0)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (high / low) ** 0.15)
    axes.legend(markerscale=2.5, handletextpad=0.1, loc="upper right", ncols=2, columnspacing=0.8)
    axes.set_title("Weights over distance")
    with numpy.errstate(divide="ignore"):
        slope = numpy.polyfit(distance, numpy.log(weights[target, source]), 1)[0] if len(target) > 2 else 0
    if slope < 0:
        return (f" Within the scatter, weights fall with the distance of the centres: to half over every "
                f"{numpy.log(2) / -slope:.0f} mm (least squares of the logarithm).")
    return ""


def _weight_histogram(axes, weights):
    axes.hist(numpy.log10(weights[weights > 0]), 40, color=EXCITATORY)
    axes.set_xlabel("log10 of the weight")
    axes.set_ylabel("tracts")
    axes.set_title("Distribution of weights")


def brain_map(run, region_hz):
    """Mean rates at the region centres: left side, from above, right side. Returns (figure, caption) or None."""
    centres = run.centres_mm
    if len(centres) == 0 or not numpy.isfinite(centres).all() or not numpy.isfinite(region_hz).any():
        return None
    weights = run.tracts()
    low, high = max(0, numpy.nanpercentile(region_hz, 2)), numpy.nanpercentile(region_hz, 98)
    norm = colors.Normalize(low, high if high > low else low + 1)
    left = centres[:, 0] <= 0
    # (title, horizontal axis and its sign, vertical axis, depth towards the viewer, regions shown)
    views = [("Left hemisphere", 1, -1, 2, -centres[:, 0], left),
             ("From above", 0, 1, 1, centres[:, 2], numpy.ones(len(left), bool)),
             ("Right hemisphere", 1, 1, 2, centres[:, 0], ~left)]
    views = [view for view in views if view[5].any()]
    spans = [numpy.ptp(centres[:, view[1]]) + 36 for view in views]
    heights = [numpy.ptp(centres[:, view[3]]) + 36 for view in views]
    scale = WIDTH * 0.9 / sum(spans)
    figure, axes = pyplot.subplots(1, len(views), figsize=(WIDTH, max(heights) * scale + 0.5), width_ratios=spans,
                                   squeeze=False)
    axes = axes[0]
    for where, (title, horizontal, sign, vertical, depth, shown) in zip(axes, views):
        x, y = sign * centres[:, horizontal], centres[:, vertical]
        where.add_collection(_silhouette(x[shown], y[shown]))
        if weights is not None:
            where.add_collection(_strong_tracts(symmetric(weights), x, y, shown))
        near = numpy.argsort(depth[shown])
        size = 135 * numpy.clip(76 / shown.sum() / 2, 0.08, 1)
        points = where.scatter(x[shown][near], y[shown][near], c=region_hz[shown][near], cmap=RATES, norm=norm, s=size,
                               edgecolor="white", linewidth=0.7 if len(centres) < 300 else 0.3, zorder=3,
                               plotnonfinite=False)
        where.set_aspect("equal")
        where.set_xlim(x.min() - 18, x.max() + 18)
        where.set_ylim(y[shown].min() - 18, y[shown].max() + 18)
        where.axis("off")
        where.set_title(title, loc="center")
        ends = {"Left hemisphere": ("front", "back"), "From above": ("left", "right"),
                "Right hemisphere": ("back", "front")}[title]
        for text, place, align in ((ends[0], 0.02, "left"), (ends[1], 0.98, "right")):
            where.text(place, -0.02, text, transform=where.transAxes, ha=align, va="top", color=MUTED, fontsize=9.5)
    _millimetres(axes[-1])
    colour_bar(figure, points, list(axes), "mean rate (sp/s)", fraction=0.02, aspect=22, shrink=0.8,
               extend="both" if numpy.nanmin(region_hz) < low or numpy.nanmax(region_hz) > high else "neither")
    return figure, _map_caption(run, region_hz, left, weights)


def _map_caption(run, region_hz, left, weights):
    known = numpy.flatnonzero(numpy.isfinite(region_hz))
    best = known[numpy.argsort(-region_hz[known])][:3]
    caption = (f"Mean rate of {count(len(known), 'region')} after the warm-up, at the region's centre. Most active are "
               + listed(f"{run.region_names[i]} ({short(region_hz[i])} sp/s)" for i in best) + ".")
    if left.any() and not left.all():
        sides = [numpy.nanmean(region_hz[side]) for side in (left, ~left)]
        caption += f" The hemispheres' means are {short(sides[0])} (left) and {short(sides[1])} sp/s (right)."
    if weights is not None:
        caption += f" Thin lines are the strongest tracts, at most {TRACTS_DRAWN} in a view."
    return caption


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
    """The strongest tracts among the regions shown."""
    target, source = numpy.nonzero(numpy.triu(weights, 1) * numpy.outer(shown, shown))
    kept = numpy.argsort(weights[target, source])[-TRACTS_DRAWN:]
    target, source = target[kept], source[kept]
    lines = numpy.stack([numpy.column_stack([x[target], y[target]]), numpy.column_stack([x[source], y[source]])], 1)
    return LineCollection(lines, colors="#8794a3", linewidths=0.6, alpha=0.45, zorder=1)


def _millimetres(axes, length=20):
    right, bottom = axes.get_xlim()[1], axes.get_ylim()[0]
    axes.plot([right - length - 4, right - 4], [bottom + 6, bottom + 6], color=INK, linewidth=1.5)
    axes.text(right - length / 2 - 4, bottom + 8, f"{length} mm", ha="center", va="bottom", fontsize=9)
