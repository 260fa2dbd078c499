"""Puts a report together: draws what a run recorded, writes the page."""

import os

import numpy

import figures_activity
import figures_brain
import figures_run
import verdicts
from analysis import RateSummary, correlation, functional_connectivity, symmetric, upper
from page import page
from run_folder import MATRIX_REGIONS
from style import png


def make(run):
    """Writes report.html and figures/*.png into the run's folder; returns the page's path."""
    facts, figures = _draw(run)
    picture_folder = os.path.join(run.folder, "figures")
    os.makedirs(picture_folder, exist_ok=True)
    for name in os.listdir(picture_folder):  # those of an earlier report
        if name.endswith(".png"):
            os.unlink(os.path.join(picture_folder, name))
    for name, _, _, picture in figures:
        _write(os.path.join(picture_folder, name + ".png"), picture)
    text = page(_title(run), _lead(run), _notes(run), verdicts.cards(run, facts), verdicts.activity(run, facts),
                verdicts.machine(run), figures)
    path = os.path.join(run.folder, "report.html")
    _write(path, text.encode("utf-8"))
    return path


def _write(path, data):
    """A file is there whole or not at all."""
    temporary = path + ".part"
    with open(temporary, "wb") as file:
        file.write(data)
    os.replace(temporary, path)


def _draw(run):
    """(facts the table needs, list of (name, heading, caption, PNG)) of everything that was recorded."""
    facts, figures = {}, []

    def add(name, heading, caption, figure):
        if figure is not None:
            figures.append((name, heading, caption, png(figure)))

    rates = RateSummary(run) if run.rate_bins() and run.populations is not None else None
    region_hz = None
    if rates is not None and run.region_names and run.populations.region.max() >= 0:
        region_hz = rates.by_region(run.populations, rates.mean_hz)
    if rates is not None:
        values = region_hz if region_hz is not None else rates.mean_hz
        facts["rate_range"] = float(numpy.nanmin(values)), float(numpy.nanmax(values))
    if region_hz is not None:
        add("brain_map", "Where the brain is active",
            "Mean rate of every region after the warm-up, at the region's centre. Thin lines are the strongest "
            "tracts.",
            figures_brain.brain_map(run, region_hz))
    add("raster", "Spikes",
        "Every mark is a spike of one neuron. Rows are neurons, sorted by where they are; below, the mean rate in "
        "5 ms bins. The window opens at the end of the warm-up.", figures_activity.raster(run))
    if rates is not None:
        add("rates", "Rates over time", _rates_caption(run), figures_activity.rates_over_time(run, rates))
        add("rate_histogram", "How rates are distributed", "Mean rates after the warm-up.",
            figures_activity.rate_histogram(run, rates))
    add("connectome", "Structural connectome",
        "Weight of the tract from each region (column) to each other one (row), left hemisphere first, each from "
        "front to back. Grey: no tract.", figures_brain.connectome(run))
    add("bold", "BOLD",
        "Signal of the Balloon model in every region, as a scanner would see it. The rise from rest at the start "
        "belongs to the warm-up (shaded) and is left out of every statistic.", figures_brain.bold(run))
    _draw_functional(run, facts, add)
    add("currents", "Synaptic currents", "Mean over neurons of a type; currents that excite are positive.",
        figures_run.currents(run))
    add("timing", "Where the time went",
        "Bars are means over ranks; black lines reach from the fastest rank to the slowest. Light grey is building, "
        "blue computing and recording, dark grey what it costs that ranks and threads depend on each other.",
        figures_run.timing(run))
    return facts, figures


def _draw_functional(run, facts, add):
    recorded = run.bold()
    if recorded is None:
        return
    time, signal = recorded
    if len(run.region_names) > MATRIX_REGIONS:
        facts["fc_seconds"] = float(time[-1] - run.warmup_s)
        return
    matrix, facts["fc_seconds"] = functional_connectivity(time, signal, run.warmup_s)
    if matrix is None:
        return
    seconds = facts["fc_seconds"]
    empirical = run.empirical_connectivity()
    weights = run.tracts()
    structure = float("nan")
    if weights is not None:
        structure = correlation(upper(symmetric(weights)), upper(matrix))
    caption = (f"Pearson correlation of the BOLD of every pair of regions over {verdicts.duration(seconds)}, beside "
               "the structural weights (mean of both directions) in the same order of regions.")
    if seconds < 200:
        caption += " Too short: correlations over less than 200 s are not to be trusted."
    if empirical is not None and len(empirical) == len(matrix):
        caption += f" Simulated and measured agree at r = {correlation(upper(empirical), upper(matrix)):.2f}."
    else:
        empirical = None
    add("functional", "Functional connectivity", caption,
        figures_brain.functional(run, matrix, empirical, structure))


def _rates_caption(run):
    caption = "Above, the mean over all neurons; below, every region or population, in the same order as elsewhere."
    if run.warmup_s > 0:
        caption += f" The first {verdicts.duration(run.warmup_s)} (shaded) are the warm-up."
    return caption


def _title(run):
    name = os.path.basename(os.path.abspath(run.folder))
    if run.region_names:
        return f"{name}: a brain of {len(run.region_names)} regions"
    if run.populations is not None:
        return f"{name}: a network of {len(run.populations.names)} populations"
    return name


def _lead(run):
    summary = run.summary
    parts = []
    if "neurons" in summary:
        parts.append(f"{verdicts.number(summary['neurons'])} spiking neurons")
    if run.duration_s():
        parts.append(f"{verdicts.duration(run.duration_s())} of biology")
    if "ranks" in summary:
        ranks, threads = summary["ranks"], summary.get("threads", 1)
        parts.append(f"{ranks} rank{'s' if ranks != 1 else ''} × {threads} thread{'s' if threads != 1 else ''}")
    if "seed" in summary:
        parts.append(f"seed {summary['seed']}")
    return ", ".join(parts)


def _notes(run):
    notes = []
    status = run.summary.get("status")
    if not run.summary:
        notes.append("This run left no summary.json: it is still going on or did not reach its end. The figures show "
                     "what had been written.")
    elif status not in (None, "done"):
        notes.append(f"This run ended before its time (status: {status}). The figures show what had been written.")
    if run.shorter_than_warmup:
        notes.append("This run is not longer than its warm-up: figures and numbers show all of it.")
    if len(run.region_names) > MATRIX_REGIONS:
        notes.append(f"With more than {MATRIX_REGIONS:,} regions, connectivity matrices are not drawn.")
    return notes
