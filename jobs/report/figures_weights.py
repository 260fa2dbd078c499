"""Figures of plastic weights: how they are distributed, and how they move."""

import numpy

from style import EXCITATORY, INHIBITORY, INK, MUTED, WIDTH, plain, pyplot, shade_warmup, shades
from words import count, duration, percent, short, unit

BINS = 50


def weights(run, found, total, sample):
    """A row for each projection: distribution, quantiles over time, single synapses. Returns (figure, caption)."""
    figure, axes = pyplot.subplots(len(found), 3, figsize=(WIDTH, 0.9 + 2.3 * len(found)), squeeze=False,
                                   width_ratios=[1, 1.25, 1.25])
    for projection, (left, middle, right) in zip(found, axes):
        colour = EXCITATORY if projection.w_max > 0 else INHIBITORY
        measure = unit(projection.unit)
        _distribution(left, projection, colour)
        _over_time(middle, projection, colour)
        _single(right, projection, colour)
        left.set_title(plain(projection.name, 24))
        for where in (middle, right):
            shade_warmup(where, run.warmup_s)
            where.set_ylim(*_span(projection))
            where.set_xlim(0, projection.time_s[-1])
        left.set_xlim(*_span(projection))
        left.set_ylabel("synapses")
        middle.set_ylabel(f"weight ({measure})" if measure else "weight")
    axes[0, 1].set_title("Mean and quantiles")
    axes[0, 2].set_title(f"{found[0].lines.shape[1]} of the synapses")
    axes[0, 0].legend(loc="upper center", handlelength=1.4)
    for where in axes[-1, 1:]:
        where.set_xlabel("time (s)")
    axes[-1, 0].set_xlabel(axes[-1, 1].get_ylabel())
    return figure, _caption(found, total, sample)


def _span(projection):
    """From 0 to the greatest weight, with some room."""
    low, high = sorted((0.0, projection.w_max))
    return low - 0.03 * (high - low), high + 0.03 * (high - low)


def _distribution(axes, projection, colour):
    """As drawn, and at the end. What all weights had at the start would hide the rest: the axis fits the end."""
    edges = numpy.linspace(*sorted((0.0, projection.w_max)), BINS + 1)
    before, after = (numpy.histogram(numpy.clip(values, edges[0], edges[-1]), edges)[0] / len(values)
                     for values in (projection.first, projection.last))
    axes.stairs(after, edges, color=colour, fill=True, alpha=0.35, linewidth=0)
    axes.stairs(after, edges, color=colour, linewidth=1.3, label="end")
    axes.stairs(before, edges, color=INK, linewidth=1.0, linestyle="--", label="start")
    axes.set_ylim(0, 1.15 * min(max(after.max(), before.max()), 3 * after.max()))
    axes.yaxis.set_major_formatter(pyplot.FuncFormatter(lambda value, _: percent(value)))


def _over_time(axes, projection, colour):
    levels = projection.levels
    axes.fill_between(projection.time_s, levels[:, 0], levels[:, 4], color=colour, alpha=0.15, linewidth=0)
    axes.fill_between(projection.time_s, levels[:, 1], levels[:, 3], color=colour, alpha=0.3, linewidth=0)
    axes.plot(projection.time_s, levels[:, 2], color=colour, linewidth=1.1, linestyle="--")
    axes.plot(projection.time_s, projection.mean, color=colour, linewidth=1.6)


def _single(axes, projection, colour):
    axes.axhline(0, color=MUTED, linewidth=0.6)
    axes.axhline(projection.w_max, color=MUTED, linewidth=0.6)
    for line, tone in zip(projection.lines.T, shades(colour, projection.lines.shape[1])):
        axes.plot(projection.time_s, line, color=tone, linewidth=0.9)


def _caption(found, total, sample):
    said = []
    for p in found:
        measure = " " + unit(p.unit) if unit(p.unit) else ""
        said.append(f"{p.name}: {count(p.total, 'synapse')}, mean {short(p.mean[0])} → {short(p.mean[-1])}{measure}, "
                    f"{percent(p.share_near(0))} end at 0 and {percent(p.share_near(p.w_max))} at the greatest weight, "
                    f"{short(p.w_max)}")
        if not numpy.isnan(p.alike()):
            said[-1] += f"; weights at the end correlate with those at the start by {short(p.alike())}"
    share = f"a sample of {percent(sample)} of the" if sample < 1 else "the"
    caption = f"Weights of {share} plastic synapses of {count(len(found), 'projection')}"
    caption += f" of {total}" if total > len(found) else ""
    caption += (f" over {duration(found[0].time_s[-1])}. Left, their distribution at the start (dashed) and at the end, "
                "middle, mean (line), median (dashed), and where half and 90 % of the synapses lie, right, single "
                "synapses. " + ". ".join(said) + ".")
    for p in [p for p in found if p.step > 1][:1]:
        caption += f" Of projections with many synapses, evenly chosen ones are drawn: {len(p.last):,} of {p.name}."
    return caption


def rows(found):
    """Rows of a table: every projection in numbers."""
    for p in found:
        yield [p.name, f"{p.total:,}", short(p.mean[0]), short(p.mean[-1]), short(float(p.first.std())),
               short(float(p.last.std())), *(short(level) for level in p.levels[-1][[0, 2, 4]]),
               percent(p.share_near(0)), percent(p.share_near(p.w_max)), unit(p.unit)]


HEADS = ["projection", "synapses", "mean at the start", "at the end", "SD at the start", "at the end", "5 %", "median",
         "95 %", "at 0", "at w_max", "unit"]
