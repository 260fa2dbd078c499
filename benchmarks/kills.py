#!/usr/bin/python3
"""The full storm of kills (tests/faults/storm.py): runs are killed at random moments, one rank or all, and go on by --restart auto;
in the end all they left is compared with what an unbroken run leaves.

  benchmarks/kills.py [--repeats 1] [--kills 12] [--seed N]

--kills: of each of the four jobs. Prints a table; the exit status is 1 where anything differed."""
import pathlib
import random
import sys
import tempfile

import measure

sys.path[1:1] = [str(measure.ROOT / "tests" / "system"), str(measure.ROOT / "tests" / "faults")]


def main():
    options = measure.arguments(__doc__, 1.0, kills=12, seed=random.SystemRandom().randrange(10**6))
    program = str(options.bin / "callosum")
    given, sys.argv[1:] = sys.argv[1:], [program]  # where the tests look for it
    from broken import CASES, differences  # pylint: disable=import-outside-toplevel
    from storm import MOMENTS, Storm  # pylint: disable=import-outside-toplevel
    rows = [("job", "kills", *(f"during {moment}" for moment in MOMENTS), "starts", "from a checkpoint", "checkpoints that counted and were not whole",
             "hung", "recordings unreadable after a kill", "differences at the end")]
    bad = 0
    with tempfile.TemporaryDirectory(prefix="callosum_storm_") as folder:
        for name in CASES:
            print(f"{name}: {options.kills} kills", file=sys.stderr, flush=True)
            storm = Storm(name, options.kills, pathlib.Path(folder) / name, random.Random(f"{options.seed} {name}"), program).rage()
            found = differences(storm.run, storm.plain) + storm.odd
            for line in found + storm.not_whole + storm.unreadable:
                print(f"{name}: {line}", file=sys.stderr)
            bad += len(found) + len(storm.not_whole) + storm.hung
            rows.append((name, sum(storm.killed.values()), *storm.killed.values(), storm.restarts, storm.continued, len(storm.not_whole), storm.hung,
                         len(storm.unreadable), len(found)))
    sys.argv[1:], options.repeats = given, 1
    measure.section(options, f"Seed {options.seed}; 1 to 3 ranks in turn, a checkpoint every 17.3 ms of biology.",
                    [tuple(map(str, row)) for row in rows])
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
