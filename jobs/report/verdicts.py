"""Key numbers of a run with a plain word on each: what it is, what one expects of a working network, how it did.

Ranges are those of a working brain model (rates and irregularity of cortex, functional connectivity of resting-state
BOLD); they are a first look, not a proof.
"""

import math
from dataclasses import dataclass

GOOD, LOOK, PLAIN = "good", "look", "plain"


@dataclass
class Row:
    """One line of the table. level: GOOD, LOOK (deserves a look) or PLAIN (no judgement)."""
    name: str
    value: str
    verdict: str = ""
    level: str = PLAIN
    key: str = ""  # of summary.json, where the value is one of its numbers


def number(value):
    """A number as people read it: 20,000 or 7.71 or 1.3e-05; a dash where there is none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) < 10 else f"{value:,.4g}"
    return f"{value:.3g}" if abs(value) < 1e-3 else f"{value:,.0f}"


def size(value):
    """Bytes with a binary prefix."""
    if value is None:
        return "–"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return ""


def duration(seconds):
    """Seconds as people say them: 850 ms, 12.3 s, 4 min 10 s, 2 h 05 min."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _judge(value, low, high, below, inside, above):
    """(verdict, level) of a value against a range."""
    if value is None or not math.isfinite(value):
        return "not measured", PLAIN
    if value < low:
        return below, LOOK
    if value > high:
        return above, LOOK
    return inside, GOOD


def _real(summary, key):
    value = summary.get(key)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def activity(run, facts):
    """Rows on what the network did. facts: what the report computed itself (see __main__.py)."""
    summary, rows = run.summary, []
    rate = _real(summary, "mean_rate_hz")
    rows.append(Row("Mean rate", f"{number(rate)} sp/s",
                    *_judge(rate, 0.5, 30, "nearly silent", "alive", "overexcited"), "mean_rate_hz"))
    where = "region" if run.region_names else "population"
    if facts.get("rate_range"):
        low, high = facts["rate_range"]
        if low >= 0.5 and high <= 30:
            verdict = f"every {where} is alive and none overexcited (0.5 to 30)", GOOD
        else:
            verdict = f"some {where}s are outside 0.5 to 30", LOOK
        rows.append(Row(f"Mean rate of a {where}", f"{number(low)} to {number(high)} sp/s", *verdict))
    variation = _real(summary, "isi_cv_median")
    rows.append(Row("Irregularity (median CV of intervals)", number(variation),
                    *_judge(variation, 0.7, 1.3, "more regular than cortex (0.7 to 1.3)",
                            "irregular, as in cortex (0.7 to 1.3)", "bursting (cortex: 0.7 to 1.3)"), "isi_cv_median"))
    pairs = _real(summary, "spike_correlation_mean")
    rows.append(Row("Spike correlation (mean of pairs, 2 ms bins)", number(pairs),
                    *_judge(pairs, -0.05, 0.2, "unusually negative", "neurons fire independently",
                            "the network fires in step"), "spike_correlation_mean"))
    rows += _connectivity(summary, facts)
    return [row for row in rows if row.verdict != "not measured"]


def _connectivity(summary, facts):
    seconds = facts.get("fc_seconds", 0)
    mean, structure = _real(summary, "fc_mean"), _real(summary, "sc_fc_r")
    measured = _real(summary, "fc_empirical_r")
    rows = []
    if seconds:
        short = seconds < 200
        rows.append(Row("BOLD behind functional connectivity", duration(seconds),
                        "too short: correlations below 200 s are not to be trusted" if short else "long enough (200 s)",
                        LOOK if short else GOOD))

        def judged(verdict, level):
            return ("too short to judge", PLAIN) if short else (verdict, level)

        rows.append(Row("Mean functional connectivity", number(mean),
                        *judged(*_judge(mean, 0.1, 0.4, "regions hardly fluctuate together (0.1 to 0.4)",
                                        "as in resting-state BOLD (0.1 to 0.4)",
                                        "regions fluctuate as one (0.1 to 0.4)")), "fc_mean"))
        rows.append(Row("Structure against function, r", number(structure),
                        *judged(*_judge(structure, 0.5, 1.0, "structure hardly shows (0.5 or more)",
                                        "function follows structure (0.5 or more)", "")), "sc_fc_r"))
        if measured is not None:
            rows.append(Row("Simulated against measured, r", number(measured),
                            *judged(*_judge(measured, 0.3, 1.0, "weak agreement with the measured brain",
                                            "agrees with the measured brain", "")), "fc_empirical_r"))
    return rows


def machine(run):
    """Rows on what the run took."""
    summary = run.summary
    rows = [Row("Neurons", number(summary.get("neurons")), key="neurons"),
            Row("Synapses", number(summary.get("synapses")), key="synapses"),
            Row("Biology simulated", duration(_real(summary, "biological_s")), key="biological_s"),
            Row("Building the network", duration(_real(summary, "build_s")), key="build_s"),
            Row("Simulating", duration(_real(summary, "simulate_s")), key="simulate_s")]
    factor = _real(summary, "real_time_factor")
    if factor:
        pace = f"{1 / factor:.3g} times faster than" if factor < 1 else f"{factor:.3g} times slower than"
        rows.append(Row("Real-time factor (wall over biology)", number(factor), f"{pace} the brain", PLAIN,
                        "real_time_factor"))
    rows += [Row("Spikes", number(summary.get("spikes")), key="spikes"),
             Row("Synaptic events", number(summary.get("events")),
                 f"{number(_real(summary, 'events_per_s'))} per second", PLAIN, "events"),
             Row("Bytes per synapse", number(_real(summary, "bytes_per_synapse")), key="bytes_per_synapse"),
             Row("Bytes per neuron", number(_real(summary, "bytes_per_neuron")), key="bytes_per_neuron"),
             Row("Peak memory of a rank", size(summary.get("peak_rss_bytes")), key="peak_rss_bytes"),
             Row("Ranks and threads", f"{summary.get('ranks', '–')} × {summary.get('threads', '–')}", key="ranks"),
             Row("Backend", str(summary.get("backend", "–")), key="backend"),
             Row("Seed", str(summary.get("seed", "–")), key="seed"),
             Row("Digest", str(summary.get("digest", "–")), "the same on any ranks, threads and backend", PLAIN,
                 "digest"),
             Row("Version", str(summary.get("version", "–")), key="version")]
    return [row for row in rows if row.value not in ("–", "– × –")]


def cards(run, facts):
    """The few numbers of the first screen: (value, unit or context, name)."""
    summary = run.summary
    chosen = [(number(summary.get("neurons")), f"{number(summary.get('synapses'))} synapses", "neurons"),
              (duration(_real(summary, "biological_s")), f"simulated in {duration(_real(summary, 'simulate_s'))}",
               "of biology"),
              (number(_real(summary, "mean_rate_hz")), "spikes per second and neuron", "mean rate")]
    if facts.get("fc_seconds") and _real(summary, "sc_fc_r") is not None:
        short = " (too short)" if facts["fc_seconds"] < 200 else ""
        chosen.append((number(_real(summary, "sc_fc_r")), f"structure against function{short}", "correlation r"))
    elif _real(summary, "isi_cv_median") is not None:
        chosen.append((number(_real(summary, "isi_cv_median")), "median CV of intervals", "irregularity"))
    return [card for card in chosen if card[0] != "–"]
