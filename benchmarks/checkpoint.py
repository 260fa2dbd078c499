#!/usr/bin/python3
"""What a checkpoint costs: its time beside that of copying as many bytes to the same disk, its size beside that of the states in
it, and what checkpoints cost a run.

  benchmarks/checkpoint.py [--repeats 5] [--seconds 5] [--scale 1]

--seconds: biology of the run that is slowed down, the cortical microcircuit; --scale: of the sizes of all networks. A checkpoint
every 5 s stands in for one a minute: what it costs is divided by 12."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import measure

EVERY_S, MINUTE_S = 5, 60
# Name, job, values, ranks: what is saved once, at the end of a run of a few steps.
BRAIN = {"simulation__duration_ms": 20, "brain__neurons": 1000000, "brain__indegree": 10, "record": {"warmup_ms": 0}}
SAVED = {
    "brain, 1 rank": (BRAIN, 1),
    "brain, 2 ranks": (BRAIN, 2),
    "brain of 4 members, 2 ranks": ({**BRAIN, "simulation__members": 4}, 2),
}


def copy_seconds(source, to):
    """dd with a sync at its end, as a checkpoint has."""
    begun = time.monotonic()
    subprocess.run(["dd", f"if={source}", f"of={to}", "bs=1M", "conv=fsync"], check=True, capture_output=True)
    return time.monotonic() - begun


def states_bytes(manifest):
    """Of neurons' states, and of all arrays."""
    arrays = json.loads(manifest.read_text(encoding="utf-8"))["arrays"]
    size = {a["name"]: int(a["bytes"]) for a in arrays}
    states = sum(n for name, n in size.items() if name.count("/") == 3 and not any(
        part in name for part in ("recent_spikes", "past_spikes", "plastic_weights")))
    return states, sum(size.values())


def save(options, values, ranks):
    """One run that saves once: seconds of that, seconds of a copy, bytes."""
    settings = []
    for key, value in {**values, "checkpoint": {"at_end": True, "every_s": 0, "keep": 1}}.items():
        if key == "brain__neurons":
            value = round(value * options.scale)
        settings += ["--set", f"{key.replace('__', '.')}={value if isinstance(value, str) else json.dumps(value)}"]
    launcher = ["mpirun", "--oversubscribe", "-n", ranks] if ranks > 1 else []
    with tempfile.TemporaryDirectory(prefix="callosum_benchmark_", dir=options.folder or None) as folder:
        out = pathlib.Path(folder) / "out"
        measure.output([*launcher, options.bin / "callosum", "run", measure.EXAMPLES / "demo.yaml", "--out", out, "--quiet",
                        *settings], 1)
        summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
        (manifest,) = out.glob("checkpoint_*.json")
        os.sync()  # what else the run wrote is not part of it
        states, arrays = states_bytes(manifest)
        copied = copy_seconds(manifest.with_suffix(".h5"), pathlib.Path(folder) / "copy")
        return {"saved": summary["checkpoint_s"], "copied": copied, "bytes": manifest.with_suffix(".h5").stat().st_size,
                "states": states, "arrays": arrays}


def slowed(options, checkpoints):
    values = {"scale__neurons": options.scale, "scale__indegree": options.scale} if options.scale < 1 else {}
    section = {"checkpoint": {"every_s": EVERY_S, "keep": 1, "at_end": False}} if checkpoints else {}
    return measure.run(options, measure.EXAMPLES / "pd14.yaml", 1, 2, simulation__duration_ms=options.seconds * 1e3, **values,
                       **section)


def main():
    options = measure.arguments(__doc__, 5.0, folder="")
    cases = {name: (lambda v=values, r=ranks: save(options, v, r)) for name, (values, ranks) in SAVED.items()}
    cases |= {"plain": lambda: slowed(options, False), "saving": lambda: slowed(options, True)}
    results = measure.take_turns(options.repeats, cases)
    plain, saving = results.pop("plain"), results.pop("saving")
    rows = [("what is saved", "MB", "seconds", "dd of the same bytes, with sync (s)", "times dd", "bytes / bytes of neurons' states",
             "bytes / bytes of all arrays")]
    for name, runs in results.items():
        rows.append((name, measure.figure([r["bytes"] / 1e6 for r in runs], 1), measure.figure(measure.column(runs, "saved"), 3),
                     measure.figure(measure.column(runs, "copied"), 3),
                     measure.ratio(measure.column(runs, "saved"), measure.column(runs, "copied")),
                     measure.figure([r["bytes"] / r["states"] for r in runs], 3),
                     measure.figure([r["bytes"] / r["arrays"] for r in runs], 4)))
    measure.the_digest(plain, saving)
    more = [100 * (b["simulate_s"] / a["simulate_s"] - 1) * EVERY_S / MINUTE_S for a, b in zip(plain, saving)]
    times = measure.figure(measure.column(saving, "checkpoints"), 0)
    measure.section(options, f"The microcircuit, {options.seconds:g} s, with a checkpoint every {EVERY_S} s ({times} of them, "
                    f"{measure.figure([s['checkpoint_s'] / max(s['checkpoints'], 1) for s in saving], 3)} s each) and without: "
                    f"one every minute would slow it by {measure.figure(more)} %.", rows)


if __name__ == "__main__":
    if not measure.knows(measure.arguments(__doc__, 5.0, folder=""), measure.EXAMPLES / "demo.yaml", "checkpoint"):
        sys.exit(77)
    main()
