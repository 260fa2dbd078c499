#!/usr/bin/env python3
"""Writes what is shown to the network of reservoir.yaml: reservoir_spikes.tsv, spikes of six input channels, and
reservoir_events.tsv, which pattern was shown when.

  jobs/examples/make_reservoir.py [FOLDER]      the folder of this script where none is named

Four patterns of 200 ms, A to D, are drawn once: in each, every channel fires four spikes at random times. 300 times one
of them is shown, each of its spikes moved by a Gaussian of 4 ms, right after the one before, in random order, but each
five times among every 20; after W. Maass, T. Natschlaeger & H. Markram, Neural Comput. 14:2531 (2002), whose patterns
are made the same way. All channels fire at 20 spikes/s in every pattern: rates do not tell which one it is.
"""
import os
import random
import sys

PATTERNS, CHANNELS, SHOWN = "ABCD", 6, 300
LENGTH_MS, SPIKES, JITTER_MS = 200, 4, 4.0


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    draw = random.Random(2002)
    patterns = {name: [(draw.uniform(0, LENGTH_MS), channel) for channel in range(CHANNELS) for _ in range(SPIKES)]
                for name in PATTERNS}
    order = []
    while len(order) < SHOWN:
        order += draw.sample(PATTERNS * 5, 20)
    spikes = []
    for number, name in enumerate(order):
        for time, channel in patterns[name]:
            moved = round(number * LENGTH_MS + time + draw.gauss(0, JITTER_MS), 1)
            if moved > 0:
                spikes.append((moved, channel))
    with open(os.path.join(folder, "reservoir_spikes.tsv"), "w", encoding="utf-8") as file:
        file.write("# Written by make_reservoir.py\ntime_ms\tnode\n")
        file.writelines(f"{time:.1f}\t{channel}\n" for time, channel in sorted(spikes))
    with open(os.path.join(folder, "reservoir_events.tsv"), "w", encoding="utf-8") as file:
        file.write("onset\tduration\ttrial_type\n")
        file.writelines(f"{number * LENGTH_MS / 1000:.1f}\t{LENGTH_MS / 1000:.1f}\t{name}\n"
                        for number, name in enumerate(order))


main()
