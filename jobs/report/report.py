"""Puts a report together: draws what a run or a sweep left in a folder, writes the page."""

import os

import numpy

import advice
import connectivity
import decoding
import figures_assimilation
import figures_bold
import figures_brain
import figures_decoding
import figures_inputs
import figures_rates
import figures_run
import figures_signals
import figures_spikes
import figures_states
import figures_sweep
import figures_weights
import inputs
import signals
import verdicts
import weights
from assimilation import SCORE_NAMES, SCORES, Assimilation
from groups import Groups
from neurons import neuron_statistics
from page import Figure, Section, bullets, folded, folded_html, grid, page, table
from rates import RateSummary, recorded_spectra
from run_folder import ASSIMILATION, MATRIX_REGIONS
from states import find_states
from style import png
from sweep import LABELS, Sweep
from words import count, duration, listed, number, percent, short

MOST_TRACES = 8
MOST_PROJECTIONS = 6  # of a recording of weights
MOST_ROWS = 200  # of tables of points and members
OPEN_LINES = 60  # a longer job text is folded
FOOTER = ("Made by callosum report from the files beside this page. Every figure is also a PNG file in the folder "
          "figures; the numbers are in summary.json and in the HDF5 files that the figures name.")


def make(run):
    """Writes report.html and figures/*.png into the run's folder; returns the page's path."""
    book = Report(run)
    sections = book.sections()
    folder = os.path.join(run.folder, "figures")
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):  # those of an earlier report
        if name.endswith(".png"):
            os.unlink(os.path.join(folder, name))
    for section in sections:
        for figure in section.figures:
            _write(os.path.join(folder, figure.name + ".png"), figure.picture)
    text = page(book.title(), book.lead(), book.notes(), book.tiles(), sections, FOOTER)
    path = os.path.join(run.folder, "report.html")
    _write(path, text.encode("utf-8"))
    return path


def _write(path, data):
    """A file is there whole or not at all."""
    temporary = path + ".part"
    with open(temporary, "wb") as file:
        file.write(data)
    os.replace(temporary, path)


def _add(section, name, heading, alt, sources, drawn):
    """drawn: (figure, caption), or None where there is nothing to draw."""
    if drawn is not None:
        section.figures.append(Figure(name, heading, alt, drawn[1], sources, png(drawn[0])))


class Report:
    """facts: numbers the report computed itself, for the verdicts."""

    def __init__(self, run):
        self.run, self.facts = run, {}
        self.groups = Groups(run) if run.populations is not None and len(run.populations.names) else None
        self.rates = None
        self.sweep = Sweep(run.folder) if run.has_sweep else None
        self.filter = Assimilation(run.folder) if run.has_assimilation else None

    def sections(self):
        """All that have something to show; the overview, which needs the facts of the others, is made last."""
        drawn = [self._sweep(), self._assimilation(), self._activity(), self._brain(), self._connectivity(),
                 self._plasticity(), self._signals(), self._machine()]
        return [self._overview()] + [s for s in drawn if s.figures or s.notes or s.html]

    def _overview(self):
        section = Section("overview", "Overview")
        rows = verdicts.activity(self.run, self.facts)
        if rows:
            section.html.append(table(rows, ("What the network did", "Value", "In plain words")))
        return section

    # ---- what the network did

    def _activity(self):
        run, groups = self.run, self.groups
        section = Section("activity", "Activity")
        if groups is None:
            return section
        group = run.spike_group()
        _add(section, "raster", "Spikes", "Raster of spikes, one row for each neuron, over time; below, mean rates.",
             [("spikes.h5", group.name)] if group is not None else [], figures_spikes.raster(run, groups))
        source = [("rates.h5", "/rates/data")]
        if run.rate_bins():
            self.rates = RateSummary(run, groups)
            self._rate_facts()
            _add(section, "rates", "Rates over time",
                 f"Mean rates over time as lines, and of each {groups.what} as a heat map.", source,
                 figures_rates.rates_over_time(run, groups, self.rates))
            _add(section, "rate_bars", f"Rate of each {groups.what}",
                 f"Bars of the mean rate of each {groups.what}.", source,
                 figures_rates.rate_bars(run, groups, self.rates))
            if groups.layers:
                _add(section, "layers", "Rate of each layer", "Bars of the mean rate of each layer and type.", source,
                     figures_rates.layer_bars(groups, self.rates))
        self._states(section)
        self._decoding(section)
        self._neurons(section)
        spectra = recorded_spectra(run) or (self.rates.spectra if self.rates else None)
        if spectra and len(spectra.population):
            _add(section, "spectra", "Spectra of rates", "Power of population rates over frequency, both logarithmic.",
                 [spectra.source], figures_rates.spectra(run, spectra, self.rates))
        elif spectra:
            section.notes.append("Spectra of rates are not drawn: the populations are silent.")
        elif self.rates:
            section.notes.append("Spectra of rates are not drawn: the recording after the warm-up is too short for "
                                 f"8 segments of at least 64 bins of {self.rates.bin_ms:g} ms.")
        return section

    def _rate_facts(self):
        mean, populations = self.rates.mean_hz, self.run.populations
        there = numpy.isfinite(mean)
        self.facts["mean_rate_hz"] = float(mean[there] @ populations.count[there] / max(1, populations.count.sum()))
        values = self.groups.rows.mean(numpy.nan_to_num(mean))
        values = values[numpy.isfinite(values)]
        self.facts.update(rate_range=(float(values.min()), float(values.max())), rate_of=self.groups.what,
                          rates_outside=int(((values < 0.5) | (values > 30)).sum()))

    def _states(self, section):
        """Drawn where the network has two levels: for most it is no question."""
        states = find_states(self.run)
        if states is None or not states.clear():
            return
        self.facts.update(up_s=float(states.up_s.mean()), down_s=float(states.down_s.mean()))
        group = self.run.spike_group()
        _add(section, "states", "Up and down states",
             "Spikes and mean rate over time with up states shaded; distributions of the rate and of the durations of "
             "states.",
             [("rates.h5", "/rates/data")] + ([("spikes.h5", group.name)] if group is not None else []),
             figures_states.up_and_down(self.run, self.groups, states))

    def _decoding(self, section):
        found, missing = decoding.decode(self.run)
        if missing:
            section.notes.append(missing)
        if found is None:
            return
        network, half = found.network(), found.half()
        self.facts.update(decoded=[(found.readouts[0][network].accuracy[-1], found.chance[0], found.tested[0]),
                                   (found.readouts[1][network].accuracy[half], found.chance[1], found.tested[1])],
                          decoded_after_ms=found.moments_ms[half])
        _add(section, "decoding", "What the spikes tell of events",
             "Lines of how often a readout names the type of an event and of the one before, over time since the event "
             "began; matrices of true and named types; weights of the readout.",
             [("spikes.h5", self.run.spike_group().name)], figures_decoding.decoding(found))

    def _neurons(self, section):
        statistics = neuron_statistics(self.run)
        if statistics is None:
            return
        known = statistics.isi_cv[numpy.isfinite(statistics.isi_cv)]
        if len(known):
            self.facts["isi_cv_median"] = float(numpy.median(known))
        _add(section, "neurons", "Single neurons",
             "Histograms over neurons of mean rates and of the coefficient of variation of intervals.",
             [statistics.source], figures_spikes.neurons(statistics))

    # ---- the brain

    def _brain(self):
        run = self.run
        section = Section("brain", "The brain")
        if self.rates is not None and run.has_regions():
            by_row = self.groups.rows.mean(numpy.nan_to_num(self.rates.mean_hz))
            region_hz = numpy.empty(len(by_row))
            region_hz[self.groups.order] = by_row
            _add(section, "brain_map", "Where the brain is active",
                 "Regions at their places in the brain, from the left, from above and from the right, coloured by "
                 "rate.",
                 [("rates.h5", "/rates/data"), ("rates.h5", "/regions/centre_mm")],
                 figures_brain.brain_map(run, region_hz))
        _add(section, "bold", "BOLD", "BOLD signal of some regions as lines and of all regions as a carpet over time.",
             [("bold.h5", "/bold/data")], figures_bold.bold(run))
        return section

    def _connectivity(self):
        run = self.run
        section = Section("connectivity", "Connectivity")
        if len(run.region_names) > MATRIX_REGIONS:
            section.notes.append(f"With more than {MATRIX_REGIONS:,} regions, connectivity matrices are not drawn.")
            return section
        _add(section, "connectome", "Structural connectome",
             "Matrix of the weights of tracts between regions, and weights over distance.",
             [("bold.h5", "/tracts")], figures_brain.connectome(run))
        recorded = run.bold()
        if recorded is None:
            return section
        matrix, seconds = connectivity.functional_connectivity(*recorded, run.warmup_s, run.bold_tr_s())
        if matrix is None:
            section.notes.append("Functional connectivity is not drawn: fewer than 3 volumes of BOLD follow the "
                                 "warm-up.")
            return section
        self._functional(section, matrix, seconds)
        self._dynamics(section, recorded)
        return section

    def _functional(self, section, matrix, seconds):
        run = self.run
        measured, name = None, ""
        if run.empirical() is not None:
            signal, _, name, _ = run.empirical()
            with numpy.errstate(invalid="ignore", divide="ignore"):
                measured = numpy.corrcoef(signal.T)
        pairs = connectivity.upper(matrix)
        self.facts["fc_seconds"] = seconds
        self.facts["fc_mean"] = float(numpy.nanmean(pairs)) if numpy.isfinite(pairs).any() else float("nan")
        weights = run.tracts()
        if weights is not None:
            structure = connectivity.upper(connectivity.symmetric(weights))
            self.facts["sc_fc_r"] = connectivity.correlation(structure, pairs)
        if measured is not None:
            self.facts["fc_empirical_r"] = connectivity.correlation(connectivity.upper(measured), pairs)
        elif "empirical" in run.files["bold"]:
            section.notes.append("The measured BOLD in bold.h5 is not compared: it has fewer than 3 volumes, or not as "
                                 "many regions as the network.")
        sources = [("bold.h5", "/bold/data")] + ([("bold.h5", "/tracts")] if weights is not None else []) + (
            [("bold.h5", "/empirical/data")] if measured is not None else [])
        _add(section, "functional", "Functional connectivity",
             "Matrices of structural and functional connectivity side by side, and scatter plots of pairs of regions.",
             sources, figures_bold.functional(run, matrix, measured, seconds, name))

    def _dynamics(self, section, recorded):
        run = self.run
        time, signal = recorded
        least = connectivity.LEAST_WINDOWS * connectivity.WINDOW_S
        kept, tr = signal[time > run.warmup_s], run.bold_tr_s()
        simulated = connectivity.connectivity_dynamics(kept, tr)
        measured, name, why = None, "", ""
        if run.empirical() is not None:
            series, measured_tr, name, _ = run.empirical()
            measured = connectivity.connectivity_dynamics(series, measured_tr) if measured_tr else None
            why = f"it lasts {duration(len(series) * measured_tr)}" if measured_tr else \
                "its repetition time is not known"
        if simulated is None or not len(simulated.apart()):
            section.notes.append(
                f"The dynamics of functional connectivity are not drawn: {duration(len(kept) * tr)} of BOLD follow the "
                f"warm-up, and at least {connectivity.LEAST_WINDOWS} windows of {connectivity.WINDOW_S:g} s "
                f"({least:g} s) in which 3 regions vary are needed.")
            return
        if measured is not None and not len(measured.apart()):
            measured, why = None, "too few of its regions vary"
        if measured is None and why:
            section.notes.append(f"The dynamics of the measured BOLD are not drawn: {why}; at least {least:g} s are "
                                 "needed.")
        figure, caption, apart = figures_bold.dynamics(simulated, measured, name)
        self.facts["fcd_distance"] = apart
        _add(section, "dynamics", "Dynamics of functional connectivity",
             "Matrix of how alike the functional connectivity of any two windows of time is, and the distribution of "
             "its values.", [("bold.h5", "/bold/data")] + ([("bold.h5", "/empirical/data")] if measured else []),
             (figure, caption))

    # ---- plastic synapses

    def _plasticity(self):
        run = self.run
        section = Section("plasticity", "Plasticity")
        for name in list(run.weights)[:MOST_TRACES]:
            found, total = weights.projections(run, name, MOST_PROJECTIONS)
            label = name.removeprefix("weights_")
            if not found or len(found[0].time_s) < 2:
                section.notes.append(f"Weights {label} are not drawn: none were written yet.")
                continue
            _add(section, name, f"Weights: {label}",
                 "Distributions of weights, their quantiles over time and single synapses, of "
                 f"{count(len(found), 'projection')}.", [(name + ".h5", "/weights/data")],
                 figures_weights.weights(run, found, total, weights.sample(run, name)))
            section.html.append(grid(list(figures_weights.rows(found)), figures_weights.HEADS,
                                     f"Weights {label} in numbers"))
            by_source = inputs.input_weights(name, run.weights[name])
            if by_source is not None:
                _add(section, name + "_by_source", f"Weights by source: {label}",
                     "Mean weight of every source neuron over time, and at the end.", [(name + ".h5", "/weights/data")],
                     figures_inputs.inputs(by_source))
        if len(run.weights) > MOST_TRACES:
            section.notes.append(f"Weights of the first {MOST_TRACES} of {len(run.weights)} files are drawn.")
        return section

    # ---- sampled signals

    def _signals(self):
        run = self.run
        section = Section("signals", "Signals")
        drawn = 0
        for name in run.traces:
            found = signals.trace(run, name) if drawn < MOST_TRACES else None
            if found is None:
                continue
            drawn += 1
            label = name.removeprefix("trace_")
            _add(section, name, f"Traces: {label}", f"Lines of {label} of some neurons over time.", [found.source],
                 figures_signals.trace(label, found))
        if len(run.traces) > MOST_TRACES:
            section.notes.append(f"Traces of the first {MOST_TRACES} of {len(run.traces)} files are drawn.")
        potential = signals.field_potential(run)
        if potential:
            _add(section, "lfp", "Field potential", "Lines of the field potential over time, and their spectra.",
                 [potential[0].source], figures_signals.field_potential(*potential))
        flowing = signals.currents(run)
        if flowing:
            _add(section, "currents", "Synaptic currents", "Mean synaptic currents of each receptor over time.",
                 [("currents.h5", "/currents/data")], figures_signals.currents(run, flowing))
        return section

    # ---- the sweep

    def _sweep(self):
        section = Section("sweep", "Sweep")
        sweep = self.sweep
        if sweep is None:
            return section
        for name, heading, drawn in figures_sweep.figures(sweep):
            alt = f"Results of a sweep over {listed(sweep.keys)}."
            _add(section, name, heading, alt, [("sweep.h5", "/sweep/results")], drawn)
        if not section.figures:
            section.notes.append("Nothing to draw: no key takes two values, or no point gave a result.")
        if len(sweep.all_values):
            section.html.append(folded_html(f"All {count(len(sweep.all_values), 'point')}", self._sweep_table()))
        return section

    def _sweep_table(self):
        sweep = self.sweep
        heads = ["point", *sweep.all_keys, *(sweep.label(name) for name in sweep.all_results)]
        heads += ["digest"] if sweep.digests else []
        rows = []
        for i in range(min(MOST_ROWS, len(sweep.all_values))):
            rows.append([str(i), *(sweep.say(key, value) for key, value in zip(sweep.all_keys, sweep.all_values[i])),
                         *(short(column[i]) for column in sweep.all_results.values())]
                        + ([sweep.digests[i]] if i < len(sweep.digests) else [""] if sweep.digests else []))
        more = "" if len(rows) == len(sweep.all_values) else f", the first {MOST_ROWS} of {len(sweep.all_values):,}"
        return grid(rows, heads, f"Points of the sweep and their results{more}")

    # ---- the assimilation

    def _assimilation(self):
        section = Section("assimilation", "Assimilation")
        found = self.filter
        if found is None:
            return section
        if len(found.time_s):
            self._filter_figures(section, found)
        else:
            section.notes.append("No cycle has ended yet.")
        if len(found.time_s) == 1:
            section.notes.append("Estimates are drawn over time from two cycles on.")
        if found.scores:
            section.html.append(self._score_table(found))
        rows = verdicts.assimilation(found) if len(found.time_s) else []
        if rows:
            section.html.append(table(rows, ("How the filter did", "Value", "In plain words")))
        return section

    def _filter_figures(self, section, found):
        for h in found.hyperparameters[:MOST_TRACES]:
            path = f"/hyperparameters/{h.name}"
            _add(section, "hyperparameter_" + "".join(c if c.isalnum() else "_" for c in h.name), f"Estimate: {h.name}",
                 f"Lines of estimated values of {h.name} over time with bands, and of all regions as a heat map.",
                 [(ASSIMILATION, path)], figures_assimilation.trajectories(found, h))
        if len(found.hyperparameters) > MOST_TRACES:
            section.notes.append(f"The first {MOST_TRACES} of {len(found.hyperparameters)} hyperparameters are drawn.")
        _add(section, "truth", "Truth and estimate", "Scatter plots of estimated over true values with intervals.",
             [(ASSIMILATION, "/truth")], figures_assimilation.truth(found))
        _add(section, "forecasts", "Forecast and observation",
             "Forecast as a line with a band, and observations as dots, over time.",
             [(ASSIMILATION, "/observations")], figures_assimilation.forecasts(found))
        _add(section, "consistency", "Does the ensemble know how wrong it is",
             "Innovation chi-square over time, histogram of ranks, actual over expected errors, inflation over time.",
             [(ASSIMILATION, "/observations")], figures_assimilation.consistency(found))
        _add(section, "posterior", "Which values the data tell apart",
             "Matrix of the correlations of estimated values over the members at the end.",
             [(ASSIMILATION, "/hyperparameters")], figures_assimilation.posterior(found))

    def _score_table(self, found):
        keys = [key for key in SCORE_NAMES if any(verdicts.real(row, key) is not None for row in found.scores.values())]
        rows = [[name, *(short(verdicts.real(row, key)) for key in keys)]
                for name, row in found.scores.items()]
        return grid(rows, ["", *(SCORE_NAMES[key] for key in keys)],
                    f"Scores on data that were withheld ({SCORES}): r near 1 is good, distances and errors near 0")

    # ---- the run

    def _machine(self):
        run = self.run
        section = Section("run", "The run" if run.summary or run.files else "The job")
        _add(section, "timing", "Where the time went", "Bars of the seconds spent in every section of the run.",
             [("summary.json", "timing")], figures_run.timing(run.summary))
        rows = advice.sections(run.summary)
        if rows:
            total = sum(row[3] for row in rows)
            section.html.append(grid([[f"{what} ({name})" if what else name, f"{least:.3f}", f"{mean:.3f}",
                                       f"{most:.3f}", percent(mean / total)] for name, what, least, mean, most in rows],
                                     ["section", "min (s)", "mean (s)", "max (s)", "share"],
                                     "Wall time of every section: least, mean and most of all ranks"))
            section.html.append(bullets(advice.advice(run.summary)))
        machine = verdicts.machine(run)
        if run.summary:
            section.html.append(table(machine, ("What it took", "Value", "")))
        members = run.summary.get("members_statistics")
        if isinstance(members, list) and len(members) > 1:
            section.html.append(folded_html(f"All {len(members)} members", self._member_table(members)))
        job = run.attribute("job") or (self.sweep.job if self.sweep else self.filter.job if self.filter else "")
        if job:
            section.html.append(folded("The job as run", job, job.count("\n") <= OPEN_LINES))
        return section

    def _member_table(self, members):
        keys = [key for key in LABELS if any(verdicts.real(member, key) is not None for member in members)]
        digests = self.run.summary.get("digests") or []
        rows = [[str(m), *(short(verdicts.real(member, key)) for key in keys), *(str(d) for d in digests[m:m + 1])]
                for m, member in enumerate(members[:MOST_ROWS])]
        return grid(rows, ["member", *(LABELS[key] for key in keys)] + (["digest"] if digests else []),
                    "Statistics of every member after the warm-up")

    # ---- words above

    def tiles(self):
        of_filter = verdicts.filter_tiles(self.filter) if self.filter is not None and len(self.filter.time_s) else []
        return of_filter + verdicts.tiles(self.run, self.facts)

    def title(self):
        run = self.run
        name = os.path.basename(os.path.abspath(run.folder))
        if self.sweep is not None and not run.files:
            return f"{name}: a sweep of {count(len(self.sweep.all_values), 'point')}"
        if self.filter is not None and not run.files:
            return f"{name}: an assimilation of {count(len(self.filter.time_s), 'cycle')}"
        if run.region_names:
            return f"{name}: a brain of {count(len(run.region_names), 'region')}"
        if run.populations is not None:
            return f"{name}: a network of {count(len(run.populations.names), 'population')}"
        return name

    def lead(self):
        run, summary, parts = self.run, self.run.summary, []
        if self.sweep is not None and not run.files:
            fixed = f"; {', '.join(self.sweep.fixed)} throughout" if self.sweep.fixed else ""
            return "over " + listed(self.sweep.all_keys) + fixed if self.sweep.all_keys else ""
        if self.filter is not None:
            parts.append(f"{listed(h.name for h in self.filter.hyperparameters)} from "
                         f"{count(len(self.filter.names), 'observation')} a cycle, {self.filter.members} members")
        if summary.get("neurons"):
            parts.append(f"{number(summary['neurons'])} spiking neurons")
        if run.duration_s():
            parts.append(f"{duration(run.duration_s())} of biology")
        if "ranks" in summary:
            parts.append(f"{count(summary['ranks'], 'rank')} × {count(summary.get('threads', 1), 'thread')}")
        seed = summary.get("seed", run.attribute("seed"))
        if seed is not None:
            parts.append(f"seed {seed}")
        if summary.get("digest"):
            parts.append(f"digest {summary['digest']}")
        return ", ".join(parts)

    def notes(self):
        run, notes = self.run, []
        status = run.summary.get("status")
        if not run.summary and run.files:
            notes.append("This run left no summary.json: it is still going on or did not reach its end. The figures "
                         "show what had been written.")
        elif status not in (None, "done"):
            notes.append(f"This run ended before its time (status: {status}). The figures show what had been written.")
        if run.unfinished():
            notes.append(f"Not closed by the run: {listed(run.unfinished())}. What was written up to "
                         f"{duration(run.duration_s())} is shown.")
        members = run.summary.get("members") or run.attribute("members") or 1
        if members > 1:
            notes.append(f"An ensemble of {members} members: figures and numbers are those of member 0, the plain run.")
        if run.shorter_than_warmup:
            notes.append("This run is not longer than its warm-up: figures and numbers show all of it.")
        return notes + verdicts.disagreements(run, self.facts)
