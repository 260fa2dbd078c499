"""Figures of sampled signals: traces of single neurons, field potentials, synaptic currents."""

import numpy

from rates import by_octaves
from style import (ACCENT, EXCITATORY, FAINT, INHIBITORY, INK, MUTED, OTHER, SERIES, WIDTH, legend_above, plain, pyplot,
                   scale_step, shade_warmup, type_colour)
from words import count, duration, kind_name, listed, short, unit

QUANTITIES = {"mV": "potential", "pA": "current", "nA": "current", "uA/cm2": "current", "nS": "conductance",
              "mS/cm2": "conductance", "Hz": "rate"}


def trace(name, signals):
    """A row for each element, all to one scale. Returns (figure, caption)."""
    lines = signals.values.shape[1]
    figure, axes = pyplot.subplots(lines, 1, figsize=(WIDTH, 1.0 + 1.05 * max(2, lines)), sharex=True, sharey=True,
                                   squeeze=False)
    quantity = signals.variable.removesuffix("_" + signals.unit) or QUANTITIES.get(signals.unit, "value")
    measure = unit(signals.unit)
    marked = False
    for line, where in enumerate(axes[:, 0]):
        colour = type_colour(signals.kinds[line])
        where.plot(signals.time_s, signals.values[:, line], color=colour, linewidth=1.0)
        if len(signals.spikes_s[line]):
            marked = True
            where.plot(signals.spikes_s[line], numpy.full(len(signals.spikes_s[line]), 0.97), "v", color=INK,
                       markersize=4, clip_on=False, transform=where.get_xaxis_transform())
        where.text(1.01, 0.5, plain(signals.names[line]), transform=where.transAxes, va="center", fontsize=9.5,
                   color=colour)
        if line < lines - 1:
            where.spines["bottom"].set_visible(False)
            where.tick_params(axis="x", length=0)
    axes[-1, 0].set_xlabel("time (s)")
    axes[-1, 0].set_xlim(signals.time_s[0], signals.time_s[-1])
    figure.supylabel(plain(quantity + (f" ({measure})" if measure else "")), fontsize=10.5)
    axes[0, 0].set_title(f"{plain(name, 60)}: {lines} of {count(signals.total, 'recorded element')}")
    values = signals.values[numpy.isfinite(signals.values)]
    caption = (f"{quantity[0].upper() + quantity[1:]} of {count(lines, 'recorded element')} (right: population and "
               f"number in it) over {duration(signals.time_s[-1] - signals.time_s[0])}, all to the same scale")
    if len(values):
        low, high, mean = (0.0 if abs(v) < 1e-3 * numpy.abs(values).max() else v
                           for v in (values.min(), values.max(), values.mean()))
        caption += f": from {short(low)} to {short(high)} {measure}".rstrip() + f", mean {short(mean)}"
    caption += "." + (" Triangles are the spikes of the neuron." if marked else "")
    return figure, caption


def field_potential(signals, spectra):
    """Traces of groups, and their spectra where the recording is long enough. Returns (figure, caption)."""
    lines = signals.values.shape[1]
    panels = 2 if spectra else 1
    figure, axes = pyplot.subplots(1, panels, figsize=(WIDTH, 1.4 + 0.5 * max(5, lines)), squeeze=False,
                                   width_ratios=[1.7, 1] if spectra else [1])
    left = axes[0, 0]
    centred = signals.values - numpy.nanmean(signals.values, axis=0)
    gap = 0.8 * numpy.nanmax(numpy.ptp(centred, axis=0)) or 1
    for line in range(lines):
        left.plot(signals.time_s, centred[:, line] / gap - line, color=SERIES[line % len(SERIES)], linewidth=1.0)
    left.set_yticks(-numpy.arange(lines), [plain(name) for name in signals.names])
    left.tick_params(axis="y", length=0)
    left.spines["left"].set_visible(False)
    left.set_xlim(signals.time_s[0], signals.time_s[-1])
    left.set_xlabel("time (s)")
    left.set_title("Signal about its mean")
    bar = scale_step(gap / 2)
    left.plot([1.012] * 2, [-bar / gap / 2, bar / gap / 2], color=INK, linewidth=2.5, clip_on=False,
              transform=left.get_yaxis_transform())
    left.text(1.02, 0, f"{bar:g} {unit(signals.unit)}", va="center", fontsize=9.5, transform=left.get_yaxis_transform())
    spread = numpy.nanstd(signals.values, axis=0)
    caption = ("Proxy of the local field potential: absolute synaptic currents, summed over excitatory neurons, of "
               f"{lines} of {count(signals.total, 'group')} over "
               f"{duration(signals.time_s[-1] - signals.time_s[0])}, all to the same scale; standard deviations are "
               f"{short(numpy.nanmin(spread))} to {short(numpy.nanmax(spread))} {unit(signals.unit)}.")
    if spectra:
        caption += _potential_spectra(axes[0, 1], signals, spectra)
    return figure, caption


def _potential_spectra(axes, signals, spectra):
    frequency, power = by_octaves(*spectra.usable())
    for line in range(len(power)):
        axes.plot(frequency, power[line], color=SERIES[line % len(SERIES)], linewidth=1.3)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(pyplot.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(frequency[0], frequency[-1])
    axes.set_xlabel("frequency (Hz)")
    axes.set_ylabel(f"power, ({unit(signals.unit)})²/Hz" if unit(signals.unit) else "power")
    axes.set_title("Spectra")
    return (f" Right, the power spectral density of each in the same colour (Welch's method, {spectra.segments} "
            f"segments of {spectra.length * spectra.sample_ms:g} ms after the warm-up, means over twelfths of an "
            "octave).")


def currents(run, recorded):
    """Mean synaptic current of each receptor: a panel for every type of neuron. Returns (figure, caption)."""
    time_s, means = recorded
    kinds = sorted(means, key=lambda key: ("EI".find(key[0]) % 3, key))[:6]
    figure, axes = pyplot.subplots(len(kinds), 1, figsize=(WIDTH, 1.2 + 2.0 * len(kinds)), sharex=True, squeeze=False)
    settled = time_s > run.warmup_s if (time_s > run.warmup_s).any() else time_s > -1
    said = []
    for key, where in zip(kinds, axes[:, 0]):
        kind, names, measure = key[0], key[1], unit(key[2])
        end = max(run.duration_s(), time_s[-1])
        shade_warmup(where, run.warmup_s, end if where is axes[0, 0] else None)
        where.axhline(0, color=FAINT, linewidth=0.8)
        for receptor, name in enumerate(names):
            values = means[key][:, receptor]
            if name and numpy.abs(values).max() > 0:
                where.plot(time_s, values, color=_receptor_colour(name, receptor), linewidth=1.1, label=plain(name))
        total = means[key][settled].mean(axis=0)
        onto = kind_name(kind) if kind else "other"
        said.append(f"{onto} neurons receive {short(total[total > 0].sum())} of excitation against "
                    f"{short(total[total < 0].sum())} of inhibition" + (f" {measure}" if measure else ""))
        where.set_title(f"Onto {onto} neurons")
        where.set_ylabel(f"current ({measure})" if measure else "current")
        where.set_xlim(0, end)
        legend_above(where, columns=5)
    axes[-1, 0].set_xlabel("time (s)")
    return figure, ("Synaptic currents, mean over neurons of a type; currents that excite are positive. On average "
                    f"over the time after the warm-up, {listed(said)}.")


def _receptor_colour(name, receptor):
    """Blue for what excites, orange for what inhibits, where the name tells."""
    known = {"AMPA": EXCITATORY, "NMDA": "#56b4e9", "GABA_A": INHIBITORY, "GABA_B": "#e69f00", "exc": EXCITATORY,
             "inh": INHIBITORY}
    return known.get(name, (ACCENT, OTHER, INK, MUTED)[receptor % 4])
