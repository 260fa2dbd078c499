#!/usr/bin/python3
"""Callosum against Brian 2 and NEST, in turn, on the networks of Brette et al. (2007) and the cortical microcircuit.

  benchmarks/peers.py [--repeats 5] [--seconds 2] [--networks coba,cuba,pd14]

Brian 2 (Debian: python3-brian): its C++ standalone mode on one thread (benchmarks/brian_network.py). NEST, where Python
can import it: COBA on one thread, and the microcircuit on two, one second, once (benchmarks/nest_network.py). What is not
installed is left out, with a message. Times are those of the simulation alone, spikes kept in memory; ratios are taken turn
by turn. Networks are drawn by each simulator for itself: rates and irregularity (median CV of intervals) must agree.
Exit status 77: there is no peer here."""
import json
import pathlib
import subprocess
import sys
import tempfile

import measure
import numpy

SEED, WARMUP_S = 1, 0.2
FOLDER = pathlib.Path(__file__).resolve().parent


def installed(name):
    found = subprocess.run([sys.executable, "-c", f"import {name}"], capture_output=True, check=False).returncode == 0
    if not found:
        print(f"{name} is not installed for {sys.executable}: left out", file=sys.stderr)
    return found


def brian_program(options, name, folder):
    """Compiles the network; what it returns runs it."""
    print(f"compiling {name} of Brian 2", file=sys.stderr, flush=True)
    measure.output([sys.executable, FOLDER / "brian_network.py", name, folder, options.seconds * 1e3, SEED])
    files = json.loads((folder / "spikes.json").read_text(encoding="utf-8"))

    def run():
        measure.output([folder / "main"], cwd=folder)
        simulate_s = float((folder / "results" / "last_run_info.txt").read_text(encoding="utf-8").split()[0])
        i, t = (numpy.fromfile(folder / files[key][0], files[key][1]) for key in ("i", "t"))
        rate, cv = measure.irregularity(i, t, 4000, WARMUP_S, options.seconds)
        return {"simulate_s": simulate_s, "real_time_factor": simulate_s / options.seconds, "mean_rate_hz": rate,
                "isi_cv_median": cv}

    return run


def nest(name, seconds, threads):
    return json.loads(measure.output([sys.executable, FOLDER / "nest_network.py", name, seconds * 1e3, SEED, threads], threads))


def callosum(options, job, seconds, threads):
    return measure.run(options, job, 1, threads, simulation__duration_ms=round(seconds * 1e3),
                       record=f"{{warmup_ms: {WARMUP_S * 1e3:g}}}")


def main():
    options = measure.arguments(__doc__, 2.0, networks="coba,cuba,pd14")
    networks = options.networks.split(",")
    peers = {"Brian 2": installed("brian2"), "NEST": installed("nest")}
    if not any(peers.values()):
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="callosum_peers_") as scratch:
        cases = {}
        for name in [name for name in ("coba", "cuba") if name in networks]:
            cases[name, "Callosum", 1] = lambda n=name: callosum(options, measure.JOBS / f"{n}.yaml", options.seconds, 1)
            if peers["Brian 2"]:
                cases[name, "Brian 2", 1] = brian_program(options, name, pathlib.Path(scratch) / name)
        if peers["NEST"] and "coba" in networks:
            cases["coba", "NEST", 1] = lambda: nest("coba", options.seconds, 1)
        results = measure.take_turns(options.repeats, cases)
        if peers["NEST"] and "pd14" in networks:
            large = {("pd14", "Callosum", 2): lambda: callosum(options, measure.EXAMPLES / "pd14.yaml", 1.0, 2),
                     ("pd14", "NEST", 2): lambda: nest("pd14", 1.0, 2)}
            results |= measure.take_turns(1, large)

    rows = [("network", "simulator", "threads", "real-time factor", "times Callosum", "rate (Hz)", "CV")]
    for (network, simulator, threads), runs in sorted(results.items()):
        factor, ours = ([r["real_time_factor"] for r in results[network, who, threads]] for who in (simulator, "Callosum"))
        rate, cv = (["-" if r[key] is None else f"{r[key]:.2f}" for r in runs][0] for key in ("mean_rate_hz", "isi_cv_median"))
        rows.append((network.upper(), simulator, threads, measure.figure(factor, 4),
                     measure.ratio(factor, ours) if simulator != "Callosum" else "", rate, cv))
    measure.section(options, f"Peers on the same machine, in turn; {options.seconds:g} s of biology.", rows)


if __name__ == "__main__":
    main()
