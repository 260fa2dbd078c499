"""Figures of a sweep: lines over one key, heat maps over two, small multiples over more."""

import numpy
from matplotlib import colors

from style import (EXCITATORY, INK, NOTHING, RATES, SEQUENTIAL, WIDTH, bare, colour_bar, name_rows, plain, pyplot,
                   side_bar)
from words import count

MOST_PANELS = 12
MOST_FIGURES = 8


def figures(sweep):
    """Yields (name, heading, (figure, caption))."""
    if not sweep.results or not sweep.keys:
        return
    if len(sweep.keys) == 1:
        yield "sweep", f"Results over {sweep.keys[0]}", _lines(sweep)
    elif len(sweep.keys) == 2:
        yield "sweep", f"Results over {sweep.keys[0]} and {sweep.keys[1]}", _heat_maps(sweep)
    else:
        for name in list(sweep.results)[:MOST_FIGURES]:
            label = sweep.label(name)
            yield f"sweep_{name}", label[0].upper() + label[1:], _multiples(sweep, name)


def _key_label(key):
    """The last two parts of a key's path tell it apart."""
    return plain(".".join(key.split(".")[-2:]), 40)


def _replicates(sweep):
    return (f" Points are means over up to {sweep.replicates.max()} seeds." if sweep.replicates.max() > 1 else "")


def _missing(sweep):
    empty = sum(~numpy.isfinite(numpy.stack(list(sweep.results.values()))).any(axis=0))
    return f" {count(int(empty), 'point')} gave no result." if empty else ""


def _best(sweep, mark):
    found = sweep.best()
    if not found:
        return ""
    name, at = found
    where = ", ".join(f"{key} = {sweep.say(key, value)}" for key, value in zip(sweep.keys, sweep.values[at]))
    what = "the measured brain" if name == "fc_empirical_r" else "the structural connectome"
    return f" {mark} marks where function agrees best with {what}: r = {sweep.results[name][at]:.2f} at {where}."


# ---- one key


def _lines(sweep):
    names = list(sweep.results)
    columns = 2 if len(names) > 1 else 1
    rows = -(-len(names) // columns)
    figure, axes = pyplot.subplots(rows, columns, figsize=(WIDTH, 0.5 + 2.5 * rows), squeeze=False, sharex=True)
    x = sweep.values[:, 0]
    best = sweep.best()
    for name, where in zip(names, axes.flat):
        y = sweep.results[name]
        good = numpy.isfinite(y)  # x ascends
        where.plot(x[good], y[good], marker="o", markersize=5, color=EXCITATORY, linewidth=1.4)
        if sweep.replicates.max() > 1:
            where.fill_between(x[good], sweep.low[name][good], sweep.high[name][good], color=EXCITATORY, alpha=0.18,
                               linewidth=0)
        if best and best[0] == name:
            where.plot(x[best[1]], y[best[1]], marker="o", markersize=12, markerfacecolor="none", markeredgecolor=INK,
                       markeredgewidth=1.6)
        where.set_title(plain(sweep.label(name)), fontsize=10.5)
        where.margins(y=0.15)
        if sweep.keys[0] in sweep.words:
            name_rows(where, sweep.words[sweep.keys[0]], most=9, axis="x", rotation=45)
        elif x.min() > 0 and x.max() / x.min() >= 20:
            where.set_xscale("log")
    for where in list(axes.flat)[len(names):]:
        where.set_visible(False)
    for column in range(columns):
        lowest = max(r for r in range(rows) if r * columns + column < len(names))
        axes[lowest, column].set_xlabel(_key_label(sweep.keys[0]))
        axes[lowest, column].tick_params(labelbottom=True)
    band = " The band reaches from the lowest to the highest." if sweep.replicates.max() > 1 else ""
    ends = [sweep.say(sweep.keys[0], value) for value in (x[0], x[-1])]
    return figure, (f"Results of {count(len(x), 'point')} over {sweep.keys[0]}, from {ends[0]} to {ends[1]}."
                    + _replicates(sweep) + band + _best(sweep, "The ring") + _missing(sweep))


# ---- two keys


def _heat_maps(sweep):
    names = list(sweep.results)
    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    across, up = sweep.axes()[:2]
    figure, axes = pyplot.subplots(rows, columns, figsize=(WIDTH, 0.7 + (2.75 if columns == 3 else 4.0) * rows),
                                   squeeze=False)
    figure.get_layout_engine().set(wspace=0.05, hspace=0.03)
    best = sweep.best()
    for place, (name, where) in enumerate(zip(names, axes.flat)):
        image = _draw_points(where, sweep, name, numpy.arange(len(sweep.values)), across, up, _norm(sweep, name),
                             best[1] if best and best[0] == name else None)
        where.set_title(plain(sweep.label(name)), fontsize=10.5)
        side_bar(figure, image, where, "")
        if place % columns == 0:
            where.set_ylabel(_key_label(sweep.keys[up]))
        else:
            where.tick_params(labelleft=False)
        if place + columns >= len(names):
            where.set_xlabel(_key_label(sweep.keys[across]))
        else:
            where.tick_params(labelbottom=False)
    for where in list(axes.flat)[len(names):]:
        where.set_visible(False)
    is_grid = sweep.is_grid(across, up)
    grey = " Grey: no point, or one without a result." if is_grid else " Crosses: no result."
    return figure, (f"Every {'cell' if is_grid else 'mark'} is a point: {len(sweep.values):,} of them over "
                    f"{sweep.keys[across]} and {sweep.keys[up]}." + grey + _replicates(sweep) + _best(sweep, "The ring")
                    + _missing(sweep))


def _norm(sweep, name):
    values = sweep.results[name][numpy.isfinite(sweep.results[name])]
    low, high = values.min(), values.max()
    return colors.Normalize(low, high if high > low else low + (abs(low) or 1))


def _draw_points(axes, sweep, name, points, across, up, norm, best):
    """Cells of a grid, or marks where points lie anywhere. Returns what a colour bar needs."""
    colours = RATES if "rate" in name else SEQUENTIAL
    values, x, y = sweep.results[name][points], sweep.values[points, across], sweep.values[points, up]
    axes.set_box_aspect(1)
    if not sweep.is_grid(across, up):
        axes.scatter(x[~numpy.isfinite(values)], y[~numpy.isfinite(values)], marker="x", color="#9aa5b1", s=30)
        image = axes.scatter(x, y, c=values, cmap=colours, norm=norm, s=60, edgecolor="white", linewidth=0.6)
        if best is not None:
            axes.scatter(sweep.values[best, across], sweep.values[best, up], s=170, facecolor="none", edgecolor=INK,
                         linewidth=1.8)
        return image
    xs, ys = (numpy.unique(sweep.values[:, key]) for key in (across, up))
    table = numpy.full((len(ys), len(xs)), numpy.nan)
    table[numpy.searchsorted(ys, y), numpy.searchsorted(xs, x)] = values
    image = axes.imshow(table, origin="lower", aspect="auto", cmap=colours, norm=norm, interpolation="nearest")
    axes.set_facecolor(NOTHING)
    bare(axes)
    across_names = [sweep.say(sweep.keys[across], value, 3) for value in xs]
    name_rows(axes, across_names, most=9, axis="x", rotation=45 if sum(map(len, across_names)) > 14 else 0)
    name_rows(axes, [sweep.say(sweep.keys[up], value, 3) for value in ys], most=9)
    if len(xs) <= 5 and len(ys) <= 8:
        for (row, column), value in numpy.ndenumerate(table):
            if numpy.isfinite(value):
                axes.text(column, row, f"{value:.2g}", ha="center", va="center", fontsize=8.5,
                          color="white" if _is_dark(image.cmap(norm(value))) else INK)
    if best is not None:
        axes.plot(numpy.searchsorted(xs, sweep.values[best, across]), numpy.searchsorted(ys, sweep.values[best, up]),
                  marker="o", markersize=24 if len(xs) <= 10 else 13, markerfacecolor="none", markeredgewidth=2,
                  markeredgecolor=INK, clip_on=False)
        axes.plot(numpy.searchsorted(xs, sweep.values[best, across]), numpy.searchsorted(ys, sweep.values[best, up]),
                  marker="o", markersize=27 if len(xs) <= 10 else 15.5, markerfacecolor="none", markeredgewidth=1.2,
                  markeredgecolor="white", clip_on=False)
    return image


def _is_dark(colour):
    return numpy.dot(colour[:3], (0.299, 0.587, 0.114)) < 0.55


# ---- more keys


def _multiples(sweep, name):
    across, up, *others = sweep.axes()
    settings, place = numpy.unique(sweep.values[:, others], axis=0, return_inverse=True)
    place = place.reshape(-1)
    shown = numpy.arange(len(settings)) if len(settings) <= MOST_PANELS else \
        numpy.linspace(0, len(settings) - 1, MOST_PANELS).astype(int)
    columns = min(4, len(shown))
    rows = -(-len(shown) // columns)
    figure, axes = pyplot.subplots(rows, columns, figsize=(WIDTH, 0.8 + 2.9 * rows), squeeze=False, sharex=True,
                                   sharey=True)
    norm, best = _norm(sweep, name), sweep.best()
    for setting, where in zip(shown, axes.flat):
        points = numpy.flatnonzero(place == setting)
        mark = best[1] if best and best[0] == name and place[best[1]] == setting else None
        image = _draw_points(where, sweep, name, points, across, up, norm, mark)
        where.set_title("\n".join(f"{_key_label(sweep.keys[k])} = {plain(sweep.say(sweep.keys[k], value))}"
                                  for k, value in zip(others, settings[setting])), fontsize=9.5)
    for where in list(axes.flat)[len(shown):]:
        where.set_visible(False)
    figure.supxlabel(_key_label(sweep.keys[across]), fontsize=10.5)
    figure.supylabel(_key_label(sweep.keys[up]), fontsize=10.5)
    colour_bar(figure, image, list(axes.flat), plain(sweep.label(name)), fraction=0.03, aspect=30)
    said = ""
    if len(shown) < len(settings):
        said = f" {len(shown)} of {len(settings)} settings of the other keys are shown."
    ring = _best(sweep, "The ring") if best and best[0] == name else ""
    return figure, (f"Every panel is a setting of {', '.join(sweep.keys[k] for k in others)}; within it, "
                    f"{sweep.keys[across]} runs to the right and {sweep.keys[up]} upwards; colours are the same in all "
                    "panels." + said + _replicates(sweep) + ring + _missing(sweep))
