"""Figure of the run itself: where the time went."""

import numpy

from advice import BUILDING, sections
from style import EXCITATORY, INK, OTHER, WIDTH, pyplot
from words import duration, percent

CLOCK = {"exchange", "wait", "other"}  # what it costs that ranks and threads depend on each other


def timing(summary):
    """Seconds of every section of the run: mean over ranks, and the range from the fastest to the slowest. Returns
    (figure, caption) or None."""
    rows = sections(summary)
    if not rows:
        return None
    values = numpy.array([row[2:] for row in rows])
    several = summary.get("ranks", 1) != 1
    figure, axes = pyplot.subplots(figsize=(WIDTH, 1.0 + 0.42 * len(rows)))
    place = numpy.arange(len(rows))
    colour = ["#a9b4c0" if row[0] in BUILDING else OTHER if row[0] in CLOCK else EXCITATORY for row in rows]
    axes.barh(place, values[:, 1], color=colour, height=0.66)
    if several:
        axes.hlines(place, values[:, 0], values[:, 2], color=INK, linewidth=1.6)
        axes.plot(values[:, [0, 2]].T, [place, place], "|", color=INK, markersize=8)
    total = values[:, 1].sum()
    for y, (_, mean, most) in zip(place, values):
        axes.text(max(mean, most if several else 0), y, f"  {mean:.3g} s, {percent(mean / total)}", va="center",
                  fontsize=9.5)
    axes.set_yticks(place, [f"{what} ({name})" if what else name for name, what, *_ in rows])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.margins(x=0.14)
    axes.set_xlim(left=0)
    axes.set_xlabel("time (s)" + (", mean over ranks" if several else ""))
    legend = [pyplot.Rectangle((0, 0), 1, 1, color=c, label=label) for c, label in
              (("#a9b4c0", "building"), (EXCITATORY, "computing, recording"), (OTHER, "waiting, exchanging"))]
    axes.legend(handles=legend, loc="lower right", bbox_to_anchor=(1, 1), ncols=3, borderaxespad=0, handlelength=1)
    most = int(values[:, 1].argmax())
    caption = (f"Wall time of every section. Most of it, {duration(values[most, 1])} of {duration(total)} "
               f"({percent(values[most, 1] / total)}), is {rows[most][1] or rows[most][0]}.")
    if several:
        caption += " Bars are means over ranks; black lines reach from the fastest rank to the slowest."
    return figure, caption
