#!/usr/bin/python3
"""What a neuron's background noise costs in a step, beside the membrane that it drives (benchmarks/noise.c).

  benchmarks/noise.py [--repeats 5] [--seconds 0.2]

--seconds: of biology. One thread, tiles in the first-level cache."""
import json

import measure

ROWS = {"poisson_least": "`poisson`, 1.20 spikes per step", "poisson_most": "`poisson`, 2.32 spikes per step", "ou": "`ou`",
        "lif_psc_exp": "membrane of `lif_psc_exp`", "lif_dtb": "membrane of `lif_dtb`"}


def main():
    options = measure.arguments(__doc__, 0.2)
    command = [options.bin / "noise", str(max(1, round(options.seconds * 1e4)))]
    runs = measure.take_turns(options.repeats, {"noise": lambda: json.loads(measure.output(command))})["noise"]
    measure.section(options, "Nanoseconds per neuron and step.",
                    [("what", "ns")] + [(text, measure.figure(measure.column(runs, key))) for key, text in ROWS.items()])


if __name__ == "__main__":
    main()
