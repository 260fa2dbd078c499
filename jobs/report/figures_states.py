"""Figure of up and down states: spikes and rate with the states marked, the distribution of rates, durations."""

import numpy

from figures_spikes import marks, window
from style import ACCENT, INK, OTHER, WIDTH, pyplot, type_colour
from words import duration, kind_name, percent, short

SHOWN_MS = 10000.0
UP, DOWN = ACCENT, OTHER


def up_and_down(run, groups, states):
    """Returns (figure, caption)."""
    spikes = window(run, groups, SHOWN_MS) if run.spike_group() is not None else None
    figure = pyplot.figure(figsize=(WIDTH, 7.4 if spikes else 5.4))
    upper, lower = figure.subfigures(2, 1, height_ratios=[4.4 if spikes else 2.4, 3])
    over_time = upper.subplots(2 if spikes else 1, 1, sharex=True, squeeze=False,
                               height_ratios=[1.5, 1] if spikes else [1])[:, 0]
    if spikes:
        marks(over_time[0], run, groups, spikes, 0.5)
    _rate(over_time[-1], states)
    _mark(over_time, states)
    left, right = lower.subplots(1, 2, width_ratios=[1, 1])
    _levels(left, states)
    _durations(right, states)
    return figure, _caption(run, states)


def _rate(axes, states):
    axes.semilogy(states.time_s, states.rate_hz, color=type_colour(states.which), linewidth=1.1)
    axes.axhline(states.threshold_hz, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_ylim(states.floor_hz * 0.7, states.rate_hz.max() * 1.4)
    axes.set_ylabel("rate (sp/s)")
    axes.set_xlabel("time (s)")
    axes.set_title(f"Mean rate of {kind_name(states.which)} neurons; up states shaded", fontsize=10.5)


def _mark(over_time, states):
    begin = states.time_s[0]
    end = min(states.time_s[-1], begin + SHOWN_MS * 1e-3)
    for axes in over_time:
        for first, last in zip(states.starts_s, states.ends_s):
            if first < end:
                axes.axvspan(first, min(last, end), color=UP, alpha=0.14, linewidth=0, zorder=0)
        axes.set_xlim(begin, end)


def _levels(axes, states):
    """Distribution of the logarithm of the rate, parted at its valley."""
    rate = 10 ** states.level
    share = 100 * states.density
    shown = share > 1e-3 * share.max()
    for mine, colour, word in ((states.level <= numpy.log10(states.threshold_hz), DOWN, "down"),
                               (states.level >= numpy.log10(states.threshold_hz), UP, "up")):
        axes.fill_between(rate[mine & shown], share[mine & shown], color=colour, alpha=0.35, linewidth=0, label=word)
        axes.plot(rate[mine & shown], share[mine & shown], color=colour, linewidth=1.5)
    axes.axvline(states.threshold_hz, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_xscale("log")
    axes.set_ylim(0, share.max() * 1.15)
    axes.set_xlabel("rate (sp/s)")
    axes.set_ylabel("time (% per decade)")
    axes.set_title("Levels of the rate")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0, handlelength=1)


def _durations(axes, states):
    longest = max(states.up_s.max(), states.down_s.max())
    bins = numpy.linspace(0, longest * 1.001, int(numpy.clip(len(states.up_s), 10, 30)) + 1)
    for values, colour, word in ((states.down_s, DOWN, "down"), (states.up_s, UP, "up")):
        axes.hist(values, bins, color=colour, alpha=0.35)
        axes.hist(values, bins, color=colour, histtype="step", linewidth=1.5,
                  label=f"{word}: mean {duration(values.mean())}")
        axes.plot(values.mean(), 0, marker="^", color=colour, markersize=8, clip_on=False, zorder=4,
                  transform=axes.get_xaxis_transform())
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("duration (s)")
    axes.set_ylabel("states")
    axes.set_xlim(0, bins[-1] * 1.04)
    axes.set_title("Durations")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0, handlelength=1)


def _caption(run, states):
    whose = kind_name(states.which).replace("all", "") + " "
    cycle = states.up_s.mean() + states.down_s.mean()
    after = " after the warm-up" if run.warmup_s > 0 else ""
    return (f"The network alternates between two levels: {whose.lstrip()}neurons fire at "
            f"{short(states.mean_hz(True))} sp/s in up states and at {short(states.mean_hz(False))} sp/s in down "
            f"states{after}. Up states last {_spread(states.up_s)}, down states {_spread(states.down_s)} (mean and "
            f"standard deviation of {len(states.up_s)} and {len(states.down_s)}), {percent(states.up.mean())} of the "
            f"time is up, and a cycle takes {duration(cycle)} ({short(1 / cycle)} Hz). The logarithm of the rate has two peaks: the valley "
            f"between them, {percent(states.valley)} as high as the lower one, is where states are told apart, at "
            f"{short(states.threshold_hz)} sp/s (dashed). A spike counts as a Gaussian of 20 ms; what is shorter than "
            "50 ms belongs to the state around it. The slow oscillations of cortex asleep have 0.1 to 4 Hz.")


def _spread(seconds):
    return f"{duration(seconds.mean())} ± {duration(seconds.std())}"
