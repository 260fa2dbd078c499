"""The example jobs that show a phenomenon show it: each number is the one its header is about.

  test_examples.py CALLOSUM
"""
import sys

from common import EXAMPLES, ROOT, Run, skip, testing

try:
    import h5py  # noqa: F401  (the report reads with it)
    import numpy
except ImportError as error:
    skip(f"this Python has no {error.name}")

sys.path.insert(0, str(ROOT / "jobs" / "report"))
import run_folder  # noqa: E402
import states  # noqa: E402


def up_and_down(check, folder):
    """States of 0.2 to 2 s (M. Torao-Angosto et al., Front. Syst. Neurosci. 15:609645, 2021) that end by adaptation:
    without it (b = 0) the network is awake, as in A. Destexhe, J. Comput. Neurosci. 27:493 (2009)."""
    def found(name, values):
        return states.find_states(run_folder.Run(Run(EXAMPLES / "updown.yaml", folder / name, values).out))

    sleep = found("sleep", {"simulation.duration_ms": 13000, "record.spikes": "none"})
    check("updown: the rate has two levels, the valley below half of the lower peak", sleep is not None and sleep.clear(),
          f"valley {sleep.valley:.2f}, {len(sleep.up_s)} up states")
    for word, seconds in (("up", sleep.up_s), ("down", sleep.down_s)):
        check(f"updown: {word} states last 0.2 to 2 s", 0.2 < seconds.mean() < 2,
              f"{seconds.mean():.2f} s, {seconds.min():.2f} to {seconds.max():.2f}")
    check("updown: down states are nearly silent", sleep.mean_hz(False) < 0.1 < 1 < sleep.mean_hz(True),
          f"{sleep.mean_hz(False):.3f} and {sleep.mean_hz(True):.2f} sp/s")
    awake = {"simulation.duration_ms": 5000, "record.spikes": "none", "populations.0.params.b_pA": 0}
    one = found("awake", awake)
    check("updown: one level without adaptation", one is None or not one.clear(), f"valley {one.valley:.2f}" if one else "")
    rates = run_folder.Run(folder / "awake").files["rates"]["rates/data"][1000:, 0]
    quiet = numpy.convolve(rates, numpy.full(50, 0.02), "valid").min()
    check("updown: and no 50 ms in which excitatory neurons are silent", quiet > 0.3, f"{quiet:.2f} sp/s at least")


def main():
    with testing(__doc__) as (check, folder):
        up_and_down(check, folder)


main()
