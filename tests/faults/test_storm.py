"""Runs that are killed at random moments come to the end of the run that was not (storm.py). benchmarks/kills.py does the same
more often.

  test_storm.py CALLOSUM
"""
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from common import PROGRAM, skip, testing  # noqa: E402

try:
    import h5py  # noqa: F401
except ImportError as error:
    skip(f"this Python has no {error.name}")
from broken import differences  # noqa: E402
from storm import Storm  # noqa: E402

KILLS = {"demo": 4, "plastic": 3}

with testing(__doc__) as (check, folder):
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    for name, kills in KILLS.items():
        storm = Storm(name, kills, folder / name, random.Random(f"{seed} {name}"), PROGRAM).rage()
        found = differences(storm.run, storm.plain)
        check(f"{name}: after {kills} kills", not found, found[:4] or f"digest {storm.run.digest}, {storm.killed}")
        check(f"{name}: most starts went on from a checkpoint", storm.continued >= storm.restarts // 2,
              f"{storm.continued} of {storm.restarts}")
        check(f"{name}: no checkpoint counted that was not whole", not storm.not_whole, storm.not_whole[:3])
        check(f"{name}: a killed rank ends all within a minute", storm.hung == 0 and not storm.odd, storm.odd or storm.hung)
        check(f"{name}: recordings can be read after every kill", not storm.unreadable, storm.unreadable[:3])
