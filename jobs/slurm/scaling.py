#!/usr/bin/env python3
"""Collects the runs of scaling.sbatch into DIR/scaling.csv, DIR/scaling.txt and DIR/scaling.png.

  scaling.py DIR

DIR/strong/ranks_N/run_I and DIR/weak/ranks_N/run_I hold one run each. Of the runs on as many ranks the median counts. Where
runs of one network have different digests, that is said and the exit code is 1.
"""
import csv
import json
import pathlib
import statistics
import sys

COLUMNS = ("sweep", "ranks", "threads", "neurons", "synapses", "runs", "build_s", "simulate_s", "simulate_min_s", "simulate_max_s",
           "real_time_factor", "events_per_s", "wait_share", "peak_rss_bytes", "speedup", "efficiency", "digest")
SHOWN = (("ranks", "ranks", "d"), ("threads", "threads", "d"), ("neurons", "neurons", "d"), ("synapses", "synapses", ".4g"),
         ("runs", "runs", "d"), ("build_s", "build (s)", ".2f"), ("simulate_s", "simulate (s)", ".3f"),
         ("simulate_min_s", "least", ".3f"), ("simulate_max_s", "most", ".3f"),
         ("real_time_factor", "real time", ".3f"), ("events_per_s", "events/s", ".3g"), ("wait_share", "waiting", ".0%"),
         ("speedup", "speedup", ".2f"), ("efficiency", "efficiency", ".0%"))


def read(folder):
    """Summaries of a sweep by number of ranks; runs that did not end are left out."""
    found = {}
    for path in sorted(folder.glob("ranks_*/run_*/summary.json")):
        summary = json.loads(path.read_text(encoding="utf-8"))
        if summary.get("status") != "interrupted":
            found.setdefault(int(path.parts[-3].removeprefix("ranks_")), []).append(summary)
    return dict(sorted(found.items()))


def row(sweep, ranks, runs):
    """One line of the table: medians of the runs on as many ranks."""
    def middle(key):
        return statistics.median(run[key] for run in runs)

    seconds = [run["simulate_s"] for run in runs]
    line = {"sweep": sweep, "ranks": ranks, "runs": len(runs)}
    line |= {key: runs[0][key] for key in ("threads", "neurons", "synapses")}
    line |= {key: middle(key) for key in ("build_s", "simulate_s", "real_time_factor", "events_per_s")}
    line |= {"simulate_min_s": min(seconds), "simulate_max_s": max(seconds)}
    line["wait_share"] = statistics.median(run["timing"]["wait"]["mean"] / run["simulate_s"] for run in runs)
    line["peak_rss_bytes"] = max(run["peak_rss_bytes"] for run in runs)
    line["digest"] = " ".join(sorted({run["digest"] for run in runs}))
    return line


def table(sweep, runs):
    """Rows of a sweep. Speedup and efficiency are against the fewest ranks: of the same network, or of one that grew as they did."""
    rows = [row(sweep, ranks, each) for ranks, each in runs.items()]
    for line in rows:
        gain, more = rows[0]["simulate_s"] / line["simulate_s"], line["ranks"] / rows[0]["ranks"]
        if sweep == "weak":
            gain *= line["neurons"] / rows[0]["neurons"]
        line["speedup"], line["efficiency"] = gain, gain / more
    return rows


def differing(rows):
    """What has more than one digest: all of a strong sweep is one network, each size of a weak one another."""
    strong = {digest for line in rows if line["sweep"] == "strong" for digest in line["digest"].split()}
    found = ["the strong sweep"] if len(strong) > 1 else []
    return found + [f"the weak sweep on {line['ranks']} ranks" for line in rows if line["sweep"] == "weak" and " " in line["digest"]]


def text(rows, summary):
    """The table to read, one part for each sweep."""
    parts = [f"{summary['job']}: {summary['biological_s']:g} s of biology, seed {summary['seed']}, backend {summary['backend']}, "
             f"partition {summary['partition']}; Callosum {summary['version']} (git {summary['git']})"]
    for sweep in ("strong", "weak"):
        lines = [[name for _, name, _ in SHOWN]]
        lines += [[format(line[key], form) for key, _, form in SHOWN] for line in rows if line["sweep"] == sweep]
        if len(lines) > 1:
            widths = [max(len(line[k]) for line in lines) for k in range(len(SHOWN))]
            what = "the same network" if sweep == "strong" else "a network that grows with the ranks"
            lines = ["  ".join(word.rjust(width) for word, width in zip(line, widths)) for line in lines]
            parts.append("\n".join([f"{sweep}: {what}", *lines]))
    different = differing(rows)
    parts.append(f"DIGESTS DIFFER in {', '.join(different)}: please report this" if different
                 else "all runs of a network have the same digest")
    return "\n\n".join(parts) + "\n"


def draw(rows, path):
    """Time over ranks for each sweep, with what an ideal machine would take. Nothing where there is no matplotlib."""
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "report"))
    try:
        from style import ACCENT, DPI, EXCITATORY, MUTED, WIDTH, pyplot
    except ImportError as error:
        print(f"no {path.name}: {error}")
        return
    sweeps = [s for s in ("strong", "weak") if any(line["sweep"] == s for line in rows)]
    figure, axes = pyplot.subplots(1, len(sweeps), figsize=(WIDTH, 4.0), squeeze=False)
    for panel, sweep in zip(axes[0], sweeps):
        lines = [line for line in rows if line["sweep"] == sweep]
        ranks, seconds = [line["ranks"] for line in lines], [line["simulate_s"] for line in lines]
        spread = [[s - line["simulate_min_s"] for s, line in zip(seconds, lines)],
                  [line["simulate_max_s"] - s for s, line in zip(seconds, lines)]]
        ideal = [s * line["efficiency"] for s, line in zip(seconds, lines)]
        panel.plot(ranks, ideal, color=MUTED, linestyle="--", linewidth=1.2, label="ideal")
        panel.errorbar(ranks, seconds, yerr=spread, color=EXCITATORY if sweep == "strong" else ACCENT, marker="o", capsize=3,
                       label=f"median of {max(line['runs'] for line in lines)}, least to most")
        panel.set_xscale("log", base=2)
        panel.set_yscale("log")
        panel.set_xticks(ranks, [str(n) for n in ranks])
        panel.minorticks_off()
        panel.margins(0.12, 0.15)
        panel.set_xlabel("ranks")
        panel.set_ylabel("simulation (s)")
        panel.set_title("Strong: the same network" if sweep == "strong" else "Weak: a network that grows")
        for n, s, line in zip(ranks, seconds, lines):
            panel.annotate(f"{line['efficiency']:.0%}", (n, s), textcoords="offset points", xytext=(7, 5), color=MUTED,
                           fontsize=9)
        panel.legend(loc="best")
    figure.savefig(path, dpi=DPI)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    folder = pathlib.Path(sys.argv[1])
    runs = {sweep: read(folder / sweep) for sweep in ("strong", "weak")}
    rows = [line for sweep, found in runs.items() for line in table(sweep, found)]
    if not rows:
        sys.exit(f"scaling: {folder}: no run that ended: expected strong/ranks_N/run_I/summary.json or weak/...")
    with open(folder / "scaling.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    first = next(summary for found in runs.values() for each in found.values() for summary in each)
    words = text(rows, first)
    (folder / "scaling.txt").write_text(words, encoding="utf-8")
    print(words, end="")
    draw(rows, folder / "scaling.png")
    sys.exit(1 if differing(rows) else 0)


main()
