"""Figure of what the spikes tell of events: how often a readout is right, over the time since an event began; what it
confuses; what its weights are."""

import numpy

from decoding import TAU_MS
from style import ACCENT, DIVERGING, EXCITATORY, INHIBITORY, INK, SEQUENTIAL, WIDTH, bare, name_rows, plain, pyplot, side_bar
from words import count, listed, percent

LINES = (EXCITATORY, INHIBITORY, ACCENT, "#cc79a7")
TASKS = ("What is shown", "What was shown before")


def decoding(found):
    """found: decoding.Decoding. Returns (figure, caption)."""
    figure = pyplot.figure(figsize=(WIDTH, 7.0))
    upper, lower = figure.subfigures(2, 1, height_ratios=[1, 1])
    for lag, axes in enumerate(upper.subplots(1, 2, sharey=True)):
        _over_time(axes, found, lag)
    half = found.half()
    network = found.network()
    first, second, third = lower.subplots(1, 3, width_ratios=[1, 1, 1.35])
    _confusion(first, found, 0, -1)
    _confusion(second, found, 1, half)
    second.set_ylabel("")
    _weights(lower, third, found, found.readouts[1][network].weights[half])
    return figure, _caption(found)


def _over_time(axes, found, lag):
    last = found.moments_ms[-1]
    for group, name in enumerate(found.groups):
        axes.plot(found.moments_ms, 100 * found.readouts[lag][group].accuracy, color=LINES[group], marker="o",
                  markersize=3.5, linewidth=1.8 if group == found.network() else 1.3, label=plain(name))
    axes.axhline(100 * found.chance[lag], color=INK, linewidth=1, linestyle=(0, (4, 3)))
    if lag == 0:
        axes.text(last, 100 * found.chance[lag] - 1.5, "chance", ha="right", va="top", fontsize=9.5)
    axes.set_xlim(0, last * 1.03)
    axes.set_ylim(0, 103)
    axes.set_xlabel("time since the event began (ms)")
    if lag == 0:
        axes.set_ylabel("withheld events (%)")
    axes.set_title(TASKS[lag])
    if lag == 1:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0, handlelength=1.4)


def _confusion(axes, found, lag, moment):
    """Of the network: rows are true types, columns named ones, in % of the true type."""
    table = found.readouts[lag][found.network()].confusion[moment].astype(float)
    share = 100 * table / numpy.maximum(table.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap=SEQUENTIAL, vmin=0, vmax=100)
    if len(found.types) <= 5:
        for (row, column), value in numpy.ndenumerate(share):
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=9.5,
                      color="white" if value < 60 else INK)
    bare(axes)
    name_rows(axes, found.types)
    name_rows(axes, found.types, axis="x", rotation=0 if max(map(len, found.types)) < 4 else 90)
    axes.set_xlabel("named")
    axes.set_ylabel("shown")
    axes.set_title(f"{'Shown' if lag == 0 else 'Before'}, after {found.moments_ms[moment]:g} ms (%)", fontsize=10.5)


def _weights(figure, axes, found, weights):
    """Neurons by the type they speak for most."""
    most = numpy.percentile(numpy.abs(weights), 99.5) or 1
    weights = weights[numpy.abs(weights).max(axis=1) > 1e-3 * most]  # others hardly fired
    best = weights.argmax(axis=1)
    order = numpy.lexsort((-weights.max(axis=1), best))
    image = axes.imshow(1e3 * weights[order], aspect="auto", cmap=DIVERGING, vmin=-1e3 * most, vmax=1e3 * most,
                        interpolation="nearest")
    bare(axes)
    name_rows(axes, found.types, axis="x", rotation=0 if max(map(len, found.types)) < 4 else 90)
    axes.set_ylabel("neurons, by the type they speak for")
    axes.set_yticks([])
    axes.set_title("Weights of that readout", fontsize=10.5)
    side_bar(figure, image, axes, "weight (1/1000 per s.d.)")


def _caption(found):
    network, half = found.network(), found.half()
    now, before = (found.readouts[lag][network] for lag in (0, 1))
    others = [g for g in range(len(found.groups)) if g != network]
    moment = f"{found.moments_ms[half]:g} ms"
    compared = ""
    if others:
        compared = ", " + listed(f"{percent(found.readouts[1][g].accuracy[half])} from those of {found.groups[g]}"
                                 for g in others)
    return (f"Of each event in {found.events.name} a linear readout names the type from the spikes of a group of "
            f"neurons, each counted with a weight that falls with {TAU_MS:g} ms. It learned from the first "
            f"{found.trained} events and is tested on the {found.tested[0]} others. At the end of an event it is "
            f"right in {percent(now.accuracy[-1])} of them from the spikes of {found.groups[network]}. What was shown "
            f"before, it says rightly {moment} into the next event in {percent(before.accuracy[half])} from these "
            f"spikes{compared}; by chance it would in {percent(found.chance[1])}, and trained on shuffled types it "
            f"does in {percent(before.shuffled)}. What outlasts the readout's own {TAU_MS:g} ms is memory of the "
            f"network. Below, of {count(found.neurons[network], 'neuron')} of {found.groups[network]}: how often each "
            "type is named for each, and the weights of the readout.")
