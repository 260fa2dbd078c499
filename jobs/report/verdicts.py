"""Key numbers of a run with a plain word on each: what it is, what one expects of a working network, how it did.

Ranges are those of a working brain model (rates and irregularity of cortex, functional connectivity of resting-state
BOLD); they are a first look, not a proof. A number is that of summary.json, or where there is none what the report
computed from the recordings.
"""

import math
from dataclasses import dataclass

from connectivity import TRUSTED_S
from words import duration, number, percent, short, size

GOOD, LOOK, PLAIN = "good", "look", "plain"
COMPARED = {"fc_mean": "bold.h5", "sc_fc_r": "bold.h5", "fc_empirical_r": "bold.h5", "mean_rate_hz": "rates.h5"}


@dataclass
class Row:
    """One line of a table. level: GOOD, LOOK (deserves a look) or PLAIN (no judgement)."""
    name: str
    value: str
    verdict: str = ""
    level: str = PLAIN
    key: str = ""  # of summary.json, where the value is one of its numbers


@dataclass
class Tile:
    """One number of the first screen."""
    name: str
    value: str
    context: str
    verdict: str = ""
    level: str = PLAIN


def _judge(value, low, high, below, inside, above):
    """(verdict, level) of a value against a range."""
    if value is None or not math.isfinite(value):
        return "not measured", PLAIN
    if value < low:
        return below, LOOK
    if value > high:
        return above, LOOK
    return inside, GOOD


def real(values, key):
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def _known(run, facts, key):
    stated = real(run.summary, key)
    return stated if stated is not None else real(facts, key)


def activity(run, facts):
    """Rows on what the network did. facts: what the report computed itself (see report.py)."""
    rate = _known(run, facts, "mean_rate_hz")
    rows = [Row("Mean rate", f"{number(rate)} sp/s",
                *_judge(rate, 0.5, 30, "nearly silent", "alive (0.5 to 30)", "overexcited"), "mean_rate_hz")]
    if facts.get("rate_range"):
        rows.append(_range_of_rates(facts))
    variation = _known(run, facts, "isi_cv_median")
    rows.append(Row("Irregularity (median CV of intervals)", number(variation),
                    *_judge(variation, 0.7, 1.3, "more regular than cortex (0.7 to 1.3)",
                            "irregular, as in cortex (0.7 to 1.3)", "bursting (cortex: 0.7 to 1.3)"), "isi_cv_median"))
    pairs = _known(run, facts, "spike_correlation_mean")
    independent = "neurons fire nearly independently" if pairs is not None and pairs < 0.05 else "weakly correlated"
    rows.append(Row("Spike correlation (mean of pairs, 2 ms bins)", number(pairs),
                    *_judge(pairs, -0.05, 0.2, "unusually negative", independent, "the network fires in step"),
                    "spike_correlation_mean"))
    rows += _states(facts) + _decoded(facts) + _connectivity(run, facts)
    return [row for row in rows if row.verdict != "not measured"]


def _range_of_rates(facts):
    low, high = facts["rate_range"]
    where = facts["rate_of"]
    if low >= 0.5 and high <= 30:
        verdict = f"every {where} is alive and none overexcited (0.5 to 30)", GOOD
    else:
        outside = facts["rates_outside"]
        verdict = f"{outside:,} {where}{'s are' if outside != 1 else ' is'} outside 0.5 to 30", LOOK
    return Row(f"Mean rate of a {where}", f"{short(low)} to {short(high)} sp/s", *verdict)


def _states(facts):
    """Up and down states, where there are; cycles of cortex, in slow-wave sleep and anaesthesia, have 0.1 to 4 Hz (M.
    Torao-Angosto et al., Front. Syst. Neurosci. 15:609645, 2021)."""
    if "up_s" not in facts:
        return []
    frequency = 1 / (facts["up_s"] + facts["down_s"])
    return [Row("Mean duration of up and down states", f"{duration(facts['up_s'])} and {duration(facts['down_s'])}"),
            Row("Cycles of up and down states", f"{short(frequency)} Hz",
                *_judge(frequency, 0.1, 4, "slower than those of cortex (0.1 to 4)",
                        "slow oscillations, as of cortex asleep (0.1 to 4)", "faster than those of cortex (0.1 to 4)"))]


def _decoded(facts):
    """What a readout of the spikes tells of events; beyond chance: by 3 standard errors."""
    if "decoded" not in facts:
        return []
    names = "Type of an event, told from spikes at its end", \
        f"Type of the event before, told from spikes after {short(facts['decoded_after_ms'])} ms"
    rows = []
    for name, (share, chance, events) in zip(names, facts["decoded"]):
        beyond = share > chance + 3 * math.sqrt(chance * (1 - chance) / events)
        rows.append(Row(name, f"{percent(share)} right", f"{'beyond' if beyond else 'as by'} chance ({percent(chance)})",
                        GOOD if beyond else PLAIN))
    return rows


def _connectivity(run, facts):
    seconds = facts.get("fc_seconds", 0)
    if not seconds:
        return []
    brief = seconds < TRUSTED_S
    rows = [Row("BOLD behind functional connectivity", duration(seconds),
                f"too short: correlations below {TRUSTED_S} s are not to be trusted" if brief
                else f"long enough ({TRUSTED_S} s)", LOOK if brief else GOOD)]

    def add(name, key, low, high, below, inside, above=""):
        value = _known(run, facts, key)
        verdict, level = _judge(value, low, high, below, inside, above)
        if value is not None and brief:
            verdict, level = "too short to judge", PLAIN
        rows.append(Row(name, number(value), verdict, level, key))

    add("Mean functional connectivity", "fc_mean", 0.1, 0.4, "regions hardly fluctuate together (0.1 to 0.4)",
        "as in resting-state BOLD (0.1 to 0.4)", "regions fluctuate as one (0.1 to 0.4)")
    structure = _known(run, facts, "sc_fc_r")
    add("Structure against function, r", "sc_fc_r", 0.5, 1.0,
        "structure hardly shows (0.5 or more)" if structure is not None and structure < 0.3 else
        "structure shows in part (0.5 or more)", "function follows structure (0.5 or more)")
    add("Simulated against measured, r", "fc_empirical_r", 0.3, 1.0,
        "weak agreement with the measured brain (0.3 or more)", "resembles the measured brain (0.3 or more)")
    if real(facts, "fcd_distance") is not None:
        rows.append(Row("Dynamics of connectivity against measured, Kolmogorov-Smirnov distance",
                        number(facts["fcd_distance"]), "0: the same distribution, 1: apart"))
    return rows


def assimilation(found):
    """Rows on how a filter did; found: assimilation.Assimilation."""
    rows, numbers = [], filter_numbers(found)
    rows.append(Row("Members alive", f"{numbers['alive']} of {found.members}",
                    *(("all", GOOD) if numbers["alive"] == found.members else ("some were lost", LOOK))))
    rows.append(Row("Innovation chi-square", short(numbers["chi2"]), *_innovations(numbers["chi2"])))
    rows.append(Row("Forecast against observation, r", short(numbers["forecast_r"]),
                    "median over observations, one cycle ahead"))
    rows.append(Row("The same of what was withheld", short(numbers["withheld_r"]), "never assimilated"))
    rows.append(Row("Mean CRPS of forecasts", short(numbers["crps"]), "in the unit of observations; 0 is perfect"))
    if found.confounded is not None:
        pairs = len(found.confounded)
        rows.append(Row("Confounded pairs", str(pairs),
                        *(("none: see the correlations", GOOD) if not pairs else
                          ("the data determine a combination of two values only", LOOK))))
    return [row for row in rows if row.value != "–"]


def filter_numbers(found):
    def median(values):
        known = [value for value in values if math.isfinite(value)]
        return sorted(known)[len(known) // 2] if known else float("nan")

    def mean(values):
        known = [value for value in values.flat if math.isfinite(value)]
        return sum(known) / len(known) if known else float("nan")

    return {"chi2": mean(found.chi2()), "crps": mean(found.crps), "forecast_r": median(found.correlations()),
            "withheld_r": median(found.correlations(withheld=True)),
            "alive": int(found.alive[-1]) if found.alive is not None and len(found.alive) else found.members}


def _innovations(chi2):
    return _judge(chi2, 0.8, 1.25, "the ensemble is wider than it need be (0.8 to 1.25)",
                  "the ensemble knows how wrong it is (0.8 to 1.25)",
                  "the ensemble is too sure of itself (0.8 to 1.25)")


def filter_tiles(found):
    numbers = filter_numbers(found)
    chosen = [Tile("cycles", number(len(found.time_s)), f"{found.members} members")]
    if math.isfinite(numbers["forecast_r"]):
        chosen.append(Tile("forecast and observation", short(numbers["forecast_r"]), "median correlation over cycles"))
    if math.isfinite(numbers["chi2"]):
        verdict, level = _innovations(numbers["chi2"])
        chosen.append(Tile("innovations", short(numbers["chi2"]), "chi-square per observation", verdict.split(" (")[0],
                           level))
    return chosen


def disagreements(run, facts):
    """Sentences on numbers of summary.json that the recordings do not bear out: files of different runs, perhaps."""
    said = []
    for key, file in COMPARED.items():
        stated, found = real(run.summary, key), real(facts, key)
        if stated is not None and found is not None and abs(stated - found) > 0.02 * max(1, abs(stated)):
            said.append(f"summary.json says {key} = {number(stated)}, {file} gives {number(found)}: are they of the "
                        "same run?")
    return said


def machine(run):
    """Rows on what the run took."""
    summary = run.summary
    rows = [Row("Neurons", number(summary.get("neurons")), key="neurons"),
            Row("Synapses", number(summary.get("synapses")), key="synapses"),
            Row("Biology simulated", duration(real(summary, "biological_s")), key="biological_s"),
            Row("Building the network", duration(real(summary, "build_s")), key="build_s"),
            Row("Simulating", duration(real(summary, "simulate_s")), key="simulate_s")]
    factor = real(summary, "real_time_factor")
    if factor:
        rows.append(Row("Real-time factor (wall over biology)", number(factor), _pace(factor), PLAIN,
                        "real_time_factor"))
    rows += [Row("Spikes", number(summary.get("spikes")), key="spikes"),
             Row("Synaptic events", number(summary.get("events")),
                 f"{number(real(summary, 'events_per_s'))} per second", PLAIN, "events"),
             *_memory(summary),
             Row("Ranks and threads", f"{summary.get('ranks', '–')} × {summary.get('threads', '–')}", key="ranks"),
             Row("Backend", str(summary.get("backend", "–")), key="backend"),
             Row("Partition", str(summary.get("partition", "–")), key="partition"),
             Row("Seed", str(summary.get("seed", run.attribute("seed") or "–")), key="seed"),
             Row("Digest", str(summary.get("digest", "–")), "the same on any ranks, threads and backend", PLAIN,
                 "digest")]
    digests = summary.get("digests")
    if isinstance(digests, list) and len(digests) > 1:
        rows.append(Row(f"Digests of {len(digests)} members", ", ".join(str(d) for d in digests[:8])
                        + (" ..." if len(digests) > 8 else ""), key="digests"))
    version = summary.get("version", run.attribute("callosum_version") or "–")
    git = f"commit {summary['git']}" if summary.get("git") else ""
    rows += [Row("Version of Callosum", str(version), git, PLAIN, "version"),
             Row("Hash of the job", str(summary.get("job_hash", "–")), key="job_hash")]
    return [row for row in rows if row.value not in ("–", "– × –")]


def _pace(factor):
    if factor < 1:
        return f"{1 / factor:.3g} times faster than the brain"
    return f"{factor:.3g} times slower than the brain"


def _memory(summary):
    synapses, per_synapse = real(summary, "synapses"), real(summary, "bytes_per_synapse")
    store = f"{size(synapses * per_synapse)} in all" if synapses and per_synapse else ""
    neurons, per_neuron = real(summary, "neurons"), real(summary, "bytes_per_neuron")
    state = f"{size(neurons * per_neuron)} in all" if neurons and per_neuron else ""
    return [Row("Bytes per synapse", number(per_synapse), store, PLAIN, "bytes_per_synapse"),
            Row("Bytes per neuron", number(per_neuron), state, PLAIN, "bytes_per_neuron"),
            Row("Memory of routes", size(summary.get("route_bytes")), key="route_bytes"),
            Row("Peak memory of a rank", size(summary.get("peak_rss_bytes")), key="peak_rss_bytes")]


def tiles(run, facts):
    """The few numbers of the first screen, each with its verdict."""
    summary = run.summary
    chosen = []
    if summary.get("neurons"):
        chosen.append(Tile("neurons", number(summary["neurons"]), f"{number(summary.get('synapses'))} synapses"))
    if run.duration_s():
        factor = real(summary, "real_time_factor")
        took = real(summary, "simulate_s")
        chosen.append(Tile("biology", duration(run.duration_s()), f"simulated in {duration(took)}" if took is not None
                           else "recorded", _pace(factor) if factor else ""))
    rows = {row.key: row for row in activity(run, facts) if row.key}
    for key, name, context in (("mean_rate_hz", "mean rate", "spikes per second and neuron"),
                               ("isi_cv_median", "irregularity", "median CV of intervals"),
                               ("sc_fc_r", "structure and function", "correlation r over pairs"),
                               ("fc_empirical_r", "simulated and measured", "correlation r over pairs")):
        if key in rows:
            value = short(_known(run, facts, key))
            chosen.append(Tile(name, value, context, rows[key].verdict.split(" (")[0], rows[key].level))
    return chosen
