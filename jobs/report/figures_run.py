"""Figures of the run itself: where the time went, and synaptic currents where they were recorded."""

import numpy

from style import ACCENT, EXCITATORY, FAINT, INHIBITORY, INK, MUTED, OTHER, WIDTH, pyplot, shade_warmup

SECTIONS = {
    "create": "laying out neurons",
    "connect": "drawing synapses, building routes",
    "update": "advancing neurons",
    "deliver": "delivering spikes to synapses",
    "exchange": "packing and sending spikes",
    "wait": "waiting for other ranks",
    "record": "recording",
    "other": "waiting for threads, the loop itself",
}


def timing(run):
    """Seconds of every section of the run: mean over ranks, and the range from the fastest to the slowest."""
    table = run.summary.get("timing")
    if not isinstance(table, dict) or not table:
        return None
    names = [name for name in SECTIONS if name in table] + [name for name in table if name not in SECTIONS]
    values = numpy.array([[float(table[name].get(key) or 0) for key in ("min", "mean", "max")] for name in names])
    figure, axes = pyplot.subplots(figsize=(WIDTH, 0.6 + 0.42 * len(names)))
    place = numpy.arange(len(names))
    colour = [MUTED if name in ("create", "connect") else OTHER if name in ("exchange", "wait", "other") else EXCITATORY
              for name in names]
    axes.barh(place, values[:, 1], color=colour, height=0.62)
    if run.summary.get("ranks", 1) > 1:
        axes.hlines(place, values[:, 0], values[:, 2], color=INK, linewidth=1.6)
        axes.plot(values[:, [0, 2]].T, [place, place], "|", color=INK, markersize=8)
    total = values[:, 1].sum() or 1.0
    for y, (_, mean, most) in zip(place, values):
        axes.text(max(mean, most), y, f"  {mean:.3g} s, {mean / total:.0%}", va="center", fontsize=9)
    axes.set_yticks(place, [f"{name}: {SECTIONS[name]}" if name in SECTIONS else name for name in names])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlim(left=0)
    axes.set_xlabel("seconds (mean over ranks)")
    return figure


def currents(run):
    """Mean synaptic current of each receptor: a panel for every type of neuron."""
    recorded = run.currents()
    if recorded is None:
        return None
    time_s, means = recorded
    kinds = sorted(means, key=lambda key: ("EI".find(key[0]) % 3, key))[:6]
    figure, axes = pyplot.subplots(len(kinds), 1, figsize=(WIDTH, 1.0 + 2.0 * len(kinds)), sharex=True, squeeze=False)
    for (kind, names, unit), where in zip(kinds, axes[:, 0]):
        shade_warmup(where, run.warmup_s)
        where.axhline(0, color=FAINT, linewidth=0.8)
        for receptor, name in enumerate(names):
            values = means[kind, names, unit][:, receptor]
            if name and numpy.abs(values).max() > 0:
                where.plot(time_s, values, color=_receptor_colour(name, receptor), linewidth=1, label=name)
        onto = {"E": "excitatory", "I": "inhibitory"}.get(kind, "other")
        where.set_title(f"Onto {onto} neurons")
        where.set_ylabel(f"current ({unit})" if unit else "current")
        where.set_xlim(0, max(run.duration_s(), time_s[-1]))
        if where.get_legend_handles_labels()[0]:
            where.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=5, borderaxespad=0)
    axes[-1, 0].set_xlabel("time (s)")
    return figure


def _receptor_colour(name, receptor):
    """Blue for what excites, orange for what inhibits, where the name tells."""
    known = {"AMPA": EXCITATORY, "NMDA": "#56b4e9", "GABA_A": INHIBITORY, "GABA_B": "#e69f00", "exc": EXCITATORY,
             "inh": INHIBITORY}
    return known.get(name, (ACCENT, OTHER, INK, MUTED)[receptor % 4])
