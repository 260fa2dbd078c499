"""Where the time of a run went, and what to do about it."""

import math

from words import percent

SECTIONS = {
    "create": "laying out neurons",
    "connect": "drawing synapses, building routes",
    "update": "advancing neurons",
    "deliver": "delivering spikes to synapses",
    "exchange": "packing and sending spikes",
    "wait": "waiting for other ranks",
    "record": "recording",
    "checkpoint": "writing checkpoints",
    "other": "waiting for threads, the loop itself",
}
BUILDING = ("create", "connect")


def sections(summary):
    """List of (name, what it is, min, mean, max in s), in the order of a run; empty where there is none."""
    table = summary.get("timing")
    if not isinstance(table, dict):
        return []
    names = [name for name in SECTIONS if name in table] + [name for name in table if name not in SECTIONS]
    rows = []
    for name in names:
        entry = table[name] if isinstance(table[name], dict) else {}
        rows.append((name, SECTIONS.get(name, ""), *(_seconds(entry.get(key)) for key in ("min", "mean", "max"))))
    return rows if any(row[3] > 0 for row in rows) else []


def _seconds(value):
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else 0.0


def advice(summary):
    """Sentences: what stands out, and the remedy. At least one where there are times."""
    rows = sections(summary)
    if not rows:
        return []
    least, mean, most = ({row[0]: row[k] for row in rows} for k in (2, 3, 4))
    loop = sum(value for name, value in mean.items() if name not in BUILDING)
    build = sum(mean.get(name, 0) for name in BUILDING)
    if loop <= 0:
        return []
    share = {name: value / loop for name, value in mean.items()}
    said = _between_ranks(summary, least, mean, most, loop)
    if share.get("record", 0) > 0.15:
        said.append(f"Recording takes {percent(share['record'])} of simulating: record fewer spikes (record.spikes "
                    "with patterns of population names), wider bins of rates, longer intervals of currents, field "
                    "potentials and traces, or longer ones between flushes (record.flush_ms).")
    if share.get("exchange", 0) > 0.2:
        said.append(f"Packing and sending spikes takes {percent(share['exchange'])} of simulating: fewer ranks with "
                    "more threads each send fewer and larger packets.")
    if share.get("other", 0) > 0.2:
        said.append(f"Threads wait for each other {percent(share['other'])} of the time: more ranks with fewer threads "
                    "each, or a network with more work per thread.")
    if share.get("update", 0) > 0.5:
        said.append(f"Advancing neurons dominates ({percent(share['update'])}): this work is the number of neurons "
                    "times the number of steps, whatever they fire. More ranks or threads divide it; a longer "
                    "simulation.dt_ms shortens it where the model allows one.")
    elif share.get("deliver", 0) > 0.5:
        said.append(f"Delivering spikes dominates ({percent(share['deliver'])}): this work is the number of synaptic "
                    "events, spikes times synapses of a neuron. More ranks or threads divide it.")
    if build > loop:
        said.append(f"Building took longer than simulating ({build:.3g} s against {loop:.3g} s): more ranks build "
                    "faster, and a longer run is worth the network.")
    if str(summary.get("backend", "")).endswith("/serial"):
        said.append("This was the reference backend: simulation.backend: /cpu/omp is faster and gives the same digest.")
    return said or ["Nothing stands out: no section asks for a change."]


def _between_ranks(summary, least, mean, most, loop):
    ranks = summary.get("ranks", 1)
    if not isinstance(ranks, int) or ranks < 2:
        return []
    said = []
    wait, usual, job = most.get("wait", 0) / loop, mean.get("wait", 0) / loop, summary.get("job", "JOB")
    if least.get("wait", 0) > 0.25 * loop:
        said.append(f"Every rank waits at least {percent(least['wait'] / loop)} of the time: windows between "
                    "exchanges are short, as short delays run between ranks. Compare partitions with `callosum "
                    f"partition {job} --ranks {ranks} --method all`, or use fewer ranks with more threads.")
    elif wait > 0.25:
        said.append(f"A rank waits {percent(wait)} of the time for others (mean {percent(usual)}): work is "
                    f"uneven. Compare partitions with `callosum partition {job} --ranks {ranks} --method all`.")
    for name in ("update", "deliver"):
        if mean.get(name, 0) > 0.1 * loop and most[name] > 1.3 * mean[name]:
            said.append(f"The slowest rank takes {most[name] / mean[name]:.2g} times the mean for {SECTIONS[name]}: "
                        "the partition is uneven, or processors differ.")
    return said
