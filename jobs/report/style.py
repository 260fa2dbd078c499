"""Look of all figures: one typeface, one palette that colour-blind readers can tell apart, units on every axis."""

import io

import matplotlib
import numpy

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (the backend must be chosen first)

# Okabe & Ito (2008), readable with every common form of colour blindness.
INK = "#1f2933"
MUTED = "#5b6775"
FAINT = "#d9dee4"
EXCITATORY = "#0072b2"
INHIBITORY = "#d55e00"
ACCENT = "#009e73"
OTHER = "#56606b"
SERIES = (EXCITATORY, INHIBITORY, ACCENT, "#cc79a7", "#56b4e9", "#e69f00", OTHER, INK)

# Perceptually uniform (sequential) or balanced in lightness (diverging): safe for colour-blind readers.
SEQUENTIAL = "viridis"
RATES = matplotlib.colors.LinearSegmentedColormap.from_list(  # without magma's black: points stay coloured
    "rates", matplotlib.colormaps["magma"](numpy.linspace(0.08, 0.97, 256)))
DIVERGING = "RdBu_r"
NOTHING = "#e6eaee"  # where a matrix has no value

WIDTH = 10.0  # inches: every figure has the page's width
DPI = 160     # 1600 pixels: a slide of a talk

pyplot.rcParams.update({
    "font.family": "sans-serif",
    "font.sans-serif": ["Inter", "Source Sans 3", "Liberation Sans", "Arial", "DejaVu Sans"],
    "font.size": 10.5,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 10.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
    "image.interpolation": "antialiased",  # large matrices shrink to fewer pixels than they have rows
    "path.simplify": True,
})


def type_colour(kind):
    """Colour of a population type: 'E', 'I' or anything else."""
    return {"E": EXCITATORY, "I": INHIBITORY}.get(kind, ACCENT)


def shades(colour, count):
    """That many tones of a colour, from dark to light."""
    base = numpy.array(matplotlib.colors.to_rgb(colour))
    mix = numpy.linspace(-0.35, 0.55, count) if count > 1 else [0]
    return [tuple(base * (1 + m)) if m < 0 else tuple(base + (1 - base) * m) for m in mix]


def bare(axes):
    """An image's axes: no frame, short ticks."""
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=2)


def colour_bar(figure, mappable, axes, label, **options):
    """A colour bar that takes its room from the axes (several of them, or one)."""
    bar = figure.colorbar(mappable, ax=axes, **{"pad": 0.015, "fraction": 0.046, "aspect": 28, **options})
    return _plain_bar(bar, label)


def side_bar(figure, mappable, axes, label, gap=0.03, width=0.045, **options):
    """A colour bar as tall as an image, right of it; gap and width in widths of the image."""
    return _plain_bar(figure.colorbar(mappable, cax=axes.inset_axes([1 + gap, 0, width, 1]), **options), label)


def carpet_bar(figure, mappable, axes, label, **options):
    """The same for an image as wide as the page."""
    return side_bar(figure, mappable, axes, label, 0.012, 0.014, **options)


def _plain_bar(bar, label):
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2)
    bar.set_label(label)
    return bar


def shade_warmup(axes, warmup_s, end_s=None):
    """Marks the time that is left out of every statistic; names it where there is room (end_s: that of the axis)."""
    if warmup_s <= 0:
        return
    axes.axvspan(0, warmup_s, color=FAINT, alpha=0.6, linewidth=0, zorder=0)
    if end_s and warmup_s > 0.07 * end_s:
        axes.text(warmup_s / 2, 0.03, "warm-up", transform=axes.get_xaxis_transform(), ha="center", va="bottom",
                  color=MUTED, fontsize=9.5, bbox={"facecolor": "#e8ebee", "edgecolor": "none", "pad": 1.0})


def legend_above(axes, columns=4):
    """A legend in the line of the title, at the right."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(handles, labels, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=columns, borderaxespad=0,
                    handlelength=1.4, columnspacing=1.2)


def plain(name, most=26):
    """A name as a label: no mathematics in it, and short."""
    name = " ".join(name.split())
    return (name if len(name) <= most else name[:most - 1] + "…").replace("$", r"\$")


def name_rows(axes, names, most=28, axis="y", rotation=90):
    """Names at a dimension of an image or of bars; where there are too many to read, evenly chosen ones."""
    names, step = [plain(name) for name in names], -(-len(names) // most)
    ticks = list(range(0, len(names), step))
    if axis == "y":
        axes.set_yticks(ticks, [names[t] for t in ticks])
    else:
        axes.set_xticks(ticks, [names[t] for t in ticks], rotation=rotation, rotation_mode="anchor",
                        ha="right" if rotation else "center", va="center" if rotation == 90 else "top")
    axes.tick_params(axis=axis, length=0 if step == 1 else 3)


def scale_step(value):
    """The largest of 1, 2, 5 x 10^k not above a positive value: the length of a scale bar. 1 where there is no
    value."""
    if not value > 0 or not numpy.isfinite(value):
        return 1.0
    power = 10 ** numpy.floor(numpy.log10(value))
    return power * max(step for step in (1, 2, 5) if step * power <= value * (1 + 1e-9))


def png(figure):
    """The figure as bytes of a PNG file; the figure is closed."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    pyplot.close(figure)
    return buffer.getvalue()
