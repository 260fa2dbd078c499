"""Look of all figures: one typeface, one palette that colour-blind readers can tell apart, units on every axis."""

import base64
import io

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402  (the backend must be chosen first)

# Okabe & Ito (2008), readable with every common form of colour blindness.
INK = "#1f2933"
MUTED = "#6b7785"
FAINT = "#d9dee4"
EXCITATORY = "#0072b2"
INHIBITORY = "#d55e00"
ACCENT = "#009e73"
OTHER = "#56606b"

# Perceptually uniform (sequential) or balanced in lightness (diverging): safe for colour-blind readers.
SEQUENTIAL = "viridis"
RATES = "magma"
DIVERGING = "RdBu_r"

WIDTH = 10.0  # inches: every figure has the page's width
DPI = 130

pyplot.rcParams.update({
    "font.family": "sans-serif",
    "font.sans-serif": ["Inter", "Source Sans 3", "Liberation Sans", "DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelsize": 10,
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
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.constrained_layout.use": True,
    "image.interpolation": "nearest",
    "path.simplify": True,
})


def type_colour(kind):
    """Colour of a population type: 'E', 'I' or anything else."""
    return {"E": EXCITATORY, "I": INHIBITORY}.get(kind, OTHER)


def bare(axes):
    """An image's axes: no frame, short ticks."""
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=2)


def colour_bar(figure, mappable, axes, label, **options):
    bar = figure.colorbar(mappable, ax=axes, **{"pad": 0.015, "fraction": 0.046, "aspect": 28, **options})
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2)
    bar.set_label(label)
    return bar


def side_bar(figure, mappable, axes, label):
    """A colour bar as tall as a square image."""
    bar = figure.colorbar(mappable, cax=axes.inset_axes([1.03, 0, 0.045, 1]))
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2)
    bar.set_label(label)


def shade_warmup(axes, warmup_s):
    """Marks the time that is left out of every statistic."""
    if warmup_s > 0:
        axes.axvspan(0, warmup_s, color=FAINT, alpha=0.6, linewidth=0, zorder=0)


def png(figure):
    """The figure as bytes of a PNG file; the figure is closed."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    pyplot.close(figure)
    return buffer.getvalue()


def data_uri(png_bytes):
    return "data:image/png;base64," + base64.b64encode(png_bytes).decode("ascii")
