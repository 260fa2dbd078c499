"""Figures of an assimilation: what was estimated, what was forecast, whether the ensemble knew how wrong it was."""

import numpy

from groups import evenly
from style import (ACCENT, DIVERGING, EXCITATORY, FAINT, INHIBITORY, INK, MUTED, NOTHING, SEQUENTIAL, WIDTH, bare,
                   carpet_bar, colour_bar, legend_above, name_rows, plain, pyplot)
from words import count, listed, percent, short, unit

LINES = 3           # rows of a hyperparameter drawn as trajectories
MOST_DRAWN = 1000   # rows of a heat map
MOST_NAMED = 40     # rows of a matrix that are named
MOST_PAIRS = 8      # confounded pairs that a caption names


def _with_unit(name, text):
    text = unit(text)
    return f"{plain(name)} ({text})" if text else plain(name)


def _cycles(found):
    """Edges of an image over time."""
    step = found.tr_s or (found.time_s[1] - found.time_s[0] if len(found.time_s) > 1 else 1.0)
    return found.time_s[0] - step, found.time_s[-1]


# ---- hyperparameters


def trajectories(found, h):
    """One hyperparameter: some rows with their bands, and all rows as a heat map."""
    if not h.rows or len(found.time_s) < 2:
        return None
    many = len(h.rows) > LINES
    figure, axes = pyplot.subplots(2 if many else 1, 1, figsize=(WIDTH, 6.2 if many else 3.4), sharex=True,
                                  squeeze=False)
    top = axes[0, 0]
    chosen = evenly(len(h.rows), LINES)
    for row, colour in zip(chosen, (EXCITATORY, INHIBITORY, ACCENT)):
        top.fill_between(found.time_s, h.q05[:, row], h.q95[:, row], color=colour, alpha=0.2, linewidth=0)
        top.plot(found.time_s, h.median[:, row], color=colour, linewidth=1.4, label=plain(h.rows[row]))
        if h.truth is not None:
            top.plot(found.time_s, h.truth[:, row], color=colour, linewidth=1.2, linestyle=(0, (4, 2)))
    top.set_ylabel(_with_unit(h.name, h.unit))
    top.set_title(f"Median and 90 % of members, {count(len(chosen), 'value')} of {len(h.rows):,}" if many else
                  "Median and 90 % of members")
    legend_above(top)
    if many:
        rows = evenly(len(h.rows), MOST_DRAWN)
        image = axes[1, 0].imshow(h.median[:, rows].T, aspect="auto", cmap=SEQUENTIAL, interpolation="nearest",
                                  extent=(*_cycles(found), len(rows) - 0.5, -0.5))
        axes[1, 0].set_facecolor(NOTHING)
        bare(axes[1, 0])
        if len(rows) <= MOST_NAMED:
            name_rows(axes[1, 0], [h.rows[r] for r in rows])
        else:
            axes[1, 0].set_ylabel("region")
        axes[1, 0].set_title(f"Median of {'all' if len(rows) == len(h.rows) else f'{len(rows):,} of'} "
                             f"{len(h.rows):,} values")
        carpet_bar(figure, image, axes[1, 0], _with_unit(h.name, h.unit))
    axes[-1, 0].set_xlabel("time (s of biology)")
    axes[-1, 0].set_xlim(*_cycles(found))
    return figure, _trajectory_caption(found, h)


def _trajectory_caption(found, h):
    with numpy.errstate(invalid="ignore", divide="ignore"):
        left = numpy.nanmedian(h.sd[-1] / h.forecast_sd[0])
    shrank = f" At the end members spread over {percent(left)} of what they did at the start (median over values)." \
        if numpy.isfinite(left) else ""
    checked = found.against_truth(h)
    truth = f" Dashed: the truth of the twin. {truth_words(h, checked)}" if checked else ""
    return (f"{h.name} over {count(len(found.time_s), 'cycle')}, {found.members} members: lines are medians, bands "
            f"hold 90 % of the members." + shrank + truth)


def truth_words(h, checked):
    error, at_end, late = checked
    return (f"Relative error of {h.name} at the end: {percent(float(numpy.median(error)))} in the median, "
            f"{percent(float(numpy.quantile(error, 0.9)))} at the 90th percentile; 90 % intervals hold "
            f"{percent(at_end)} of the true values then, {percent(late)} over the second half of the cycles.")


def truth(found):
    """Estimates at the end against the truth, or None where it is not known."""
    known = [(h, found.against_truth(h)) for h in found.hyperparameters]
    known = [(h, checked) for h, checked in known if checked]
    if not known:
        return None
    columns = min(3, len(known))
    rows = -(-len(known) // columns)
    figure, axes = pyplot.subplots(rows, columns, figsize=(WIDTH, 0.4 + 3.6 * rows), squeeze=False)
    for (h, checked), where in zip(known, axes.flat):
        x, y = h.truth[-1], h.median[-1]
        where.errorbar(x, y, yerr=[numpy.maximum(0, y - h.q05[-1]), numpy.maximum(0, h.q95[-1] - y)], fmt="o",
                       markersize=4, color=EXCITATORY, ecolor=EXCITATORY, elinewidth=0.8, alpha=0.8)
        ends = [numpy.nanmin([x, h.q05[-1]]), numpy.nanmax([x, h.q95[-1]])]
        where.plot(ends, ends, color=MUTED, linewidth=1, zorder=0)
        where.set_xlabel("truth" + (f" ({unit(h.unit)})" if unit(h.unit) else ""))
        where.set_ylabel("estimate")
        where.set_title(plain(h.name, 40), fontsize=10.5)
    for where in list(axes.flat)[len(known):]:
        where.set_visible(False)
    return figure, ("Medians of the members at the end against the truth of the twin, with 90 % intervals; on the line "
                    "they agree. " + " ".join(truth_words(h, checked) for h, checked in known))


# ---- forecasts


def forecasts(found):
    """Forecast against observation where it is best, in the middle and worst."""
    r = found.correlations()
    order = numpy.argsort(r)[numpy.isfinite(numpy.sort(r))]
    if not len(order):
        return None
    chosen = list(dict.fromkeys([order[-1], order[len(order) // 2], order[0]]))
    figure, axes = pyplot.subplots(len(chosen), 1, figsize=(WIDTH, 0.5 + 2.1 * len(chosen)), sharex=True, squeeze=False)
    for i, where in zip(chosen, axes[:, 0]):
        spread = numpy.sqrt(numpy.nan_to_num(found.error[:, i]) ** 2 + found.predicted_sd[:, i] ** 2)
        mean = found.predicted_mean[:, i]
        where.fill_between(found.time_s, mean - 1.645 * spread, mean + 1.645 * spread, color=EXCITATORY, alpha=0.2,
                           linewidth=0)
        where.plot(found.time_s, mean, color=EXCITATORY, linewidth=1.2, label="forecast")
        where.plot(found.time_s, found.observed[:, i], ".", color=INK, markersize=4, label="observed")
        if numpy.isfinite(found.withheld[:, i]).any():
            where.plot(found.time_s, found.withheld[:, i], ".", color=INHIBITORY, markersize=4, label="withheld")
        where.set_title(f"{plain(found.names[i])}: r = {r[i]:.2f}", fontsize=10.5)
        where.set_ylabel(unit(found.units[i]) if unit(found.units[i]) else "signal")
    legend_above(axes[0, 0])
    axes[-1, 0].set_xlabel("time (s of biology)")
    axes[-1, 0].set_xlim(*_cycles(found))
    held = numpy.isfinite(found.withheld).any()
    apart = found.correlations(withheld=True)[numpy.isfinite(found.correlations(withheld=True))] if held else []
    return figure, ("One cycle ahead: what the members foretold before they saw it (the band holds 90 % with the error "
                    f"of observation) and what was observed, where they agree best, in the middle and worst of "
                    f"{count(len(order), 'observation')}. Correlation over cycles: median "
                    f"{short(numpy.median(r[order]))}"
                    + (f"; of what was withheld, {short(numpy.median(apart))}." if len(apart) else "."))


# ---- whether the ensemble knows


def consistency(found):
    """Chi-square over time, ranks, spread against skill, inflation."""
    chi2 = found.chi2()
    if not numpy.isfinite(chi2).any():
        return None
    inflated = found.inflation is not None and (found.inflation != 1).any()
    figure, axes = pyplot.subplots(2, 2, figsize=(WIDTH, 6.4))
    _chi2(axes[0, 0], found, chi2)
    counts = found.rank_histogram()
    axes[0, 1].bar(numpy.arange(len(counts)), counts, width=1, color=EXCITATORY, edgecolor="white", linewidth=0.4)
    axes[0, 1].axhline(counts.sum() / len(counts), color=MUTED, linewidth=1)
    axes[0, 1].set_xlabel("rank of the observation among members")
    axes[0, 1].set_ylabel("observations")
    axes[0, 1].set_title("Ranks")
    _spread(axes[1, 0], found)
    if inflated:
        inflation = found.inflation
        axes[1, 1].fill_between(found.time_s, inflation.min(axis=1), inflation.max(axis=1), color=ACCENT, alpha=0.2,
                                linewidth=0)
        axes[1, 1].plot(found.time_s, inflation.mean(axis=1), color=ACCENT, linewidth=1.4)
        axes[1, 1].set_xlabel("time (s of biology)")
        axes[1, 1].set_ylabel("factor on variances")
        axes[1, 1].set_title("Inflation: mean and range of regions")
    else:
        axes[1, 1].set_visible(False)
    return figure, _consistency_caption(found, chi2, counts, inflated)


def _chi2(axes, found, chi2):
    there = numpy.isfinite(chi2)
    mean = numpy.where(there, chi2, 0).sum(axis=1) / there.sum(axis=1)  # NaN where all is withheld
    axes.plot(found.time_s, mean, color=FAINT, linewidth=0.8)
    width = max(1, len(mean) // 20)
    known = numpy.isfinite(mean)
    kernel = numpy.ones(width)
    smooth = numpy.convolve(numpy.where(known, mean, 0), kernel, "same") / numpy.maximum(
        1, numpy.convolve(known, kernel, "same"))
    axes.plot(found.time_s, numpy.where(known, smooth, numpy.nan), color=EXCITATORY, linewidth=1.5)
    axes.axhline(1, color=MUTED, linewidth=1)
    axes.set_yscale("log")
    for which in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        which(lambda value, _: f"{value:g}")
    axes.set_xlabel("time (s of biology)")
    axes.set_ylabel("chi-square per observation")
    axes.set_title("Innovations")


def _spread(axes, found):
    """Of bins of equal numbers of forecasts: their expected and their actual error."""
    expected = numpy.sqrt(found.predicted_sd ** 2 + numpy.nan_to_num(found.error) ** 2)
    for against, colour, name in ((found.observed, EXCITATORY, "assimilated"),
                                  (found.withheld, INHIBITORY, "withheld")):
        actual = found.predicted_mean - against
        known = numpy.isfinite(actual) & numpy.isfinite(expected)
        if known.sum() < 20:
            continue
        spread, square = expected[known], actual[known] ** 2
        bins = numpy.array_split(numpy.argsort(spread), min(12, known.sum() // 10))
        x = [numpy.sqrt((spread[b] ** 2).mean()) for b in bins]
        axes.plot(x, [numpy.sqrt(square[b].mean()) for b in bins], "o-", color=colour, markersize=4, linewidth=1,
                  label=name)
    low, high = axes.get_xlim()
    axes.plot([low, high], [low, high], color=MUTED, linewidth=1, zorder=0)
    axes.set_xlabel("expected error (spread and error)")
    axes.set_ylabel("actual error")
    axes.set_title("Spread against skill")
    if len(axes.get_lines()) > 2:
        legend_above(axes, 2)


def _consistency_caption(found, chi2, counts, inflated):
    mean = float(numpy.nanmean(chi2))
    verdict = "as it should" if 0.8 <= mean <= 1.25 else \
        "more than expected: the ensemble is too sure of itself" if mean > 1 else \
        "less than expected: the ensemble is wider than it need be"
    outer = (counts[0] + counts[-1]) / max(1, counts.sum())
    even = 2 / len(counts)
    ranks = "too often outside all members" if outer > 1.5 * even else \
        "too seldom outside all members" if outer < even / 1.5 else "as often outside all members as it should be"
    held = numpy.isfinite(found.withheld).any()
    more = " Inflation widens the ensemble before the analysis; 1 is none." if inflated else ""
    return (f"Whether the ensemble knows how wrong it is. Innovations scatter by {short(mean)} of their expected "
            f"variance (1 is right), {verdict}. The observation lies {ranks} ({percent(float(outer))}, {percent(even)} "
            "expected); equal bars are right. On the grey line errors are as large as the ensemble expects"
            + (", of what was assimilated and of what was withheld." if held else ".") + more)


def posterior(found):
    """Correlations of all values over the last ensemble, with the confounded pairs in words."""
    matrix = found.posterior_correlation()
    if matrix is None:
        return None
    labels = found.labels()
    figure, axes = pyplot.subplots(figsize=(WIDTH, 7.6))
    image = axes.imshow(matrix, cmap=DIVERGING, vmin=-1, vmax=1, interpolation="nearest" if len(matrix) < 300 else None)
    axes.set_facecolor(NOTHING)
    bare(axes)
    if len(labels) <= MOST_NAMED:
        name_rows(axes, labels, most=MOST_NAMED)
        name_rows(axes, labels, most=MOST_NAMED, axis="x")
    else:
        middles = [h.first + len(h.rows) / 2 - 0.5 for h in found.hyperparameters]
        names = [plain(h.name) for h in found.hyperparameters]
        axes.set_yticks(middles, names)
        axes.set_xticks(middles, names, rotation=20, ha="right", rotation_mode="anchor")
    for h in found.hyperparameters[1:]:
        axes.axhline(h.first - 0.5, color=INK, linewidth=0.8)
        axes.axvline(h.first - 0.5, color=INK, linewidth=0.8)
    colour_bar(figure, image, axes, "correlation over members")
    return figure, ("Correlation of every two estimated values over the members at the end. " + confounded_words(found))


def confounded_words(found):
    if found.confounded is None:
        return "Which pairs the data do not separate is worked out at the end of the run."
    if not found.confounded:
        return "No pair of hyperparameters on the same region is confounded: the data tell them apart, or say " \
               "nothing of either."
    said = [f"{a} and {b} (their {what}, r = {r:.2f})" for a, b, what, r in found.confounded[:MOST_PAIRS]]
    more = len(found.confounded) - len(said)
    return (f"The data do not separate {count(len(found.confounded), 'pair')}, of which they determine one combination "
            f"only: {listed(said)}" + (f", and {more:,} more" if more > 0 else "") + ". Their single values are not to "
            "be trusted.")
