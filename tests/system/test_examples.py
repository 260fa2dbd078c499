"""The example jobs that show a phenomenon show it: each number is the one its header is about.

  test_examples.py CALLOSUM
"""
import subprocess
import sys

from common import EXAMPLES, ROOT, Run, call, skip, testing

sys.path.insert(0, str(ROOT / "jobs" / "report"))
try:
    import numpy

    import decoding
    import run_folder
    import states
except ImportError as error:
    skip(f"this Python has no {error.name}")


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


def reservoir(check, folder):
    """W. Maass, T. Natschlaeger & H. Markram, Neural Comput. 14:2531 (2002): a readout of the network tells the pattern
    before the present one when the input has forgotten it, and the network's own synapses are what remembers. Chance is
    a quarter of 118 withheld patterns: 25 % +- 4."""
    subprocess.run([sys.executable, EXAMPLES / "make_reservoir.py", folder], check=True)
    for name in ("reservoir_spikes.tsv", "reservoir_events.tsv"):
        check(f"reservoir: {name} is what make_reservoir.py writes",
              (folder / name).read_bytes() == (EXAMPLES / name).read_bytes())

    def told(name, values):
        found, missing = decoding.decode(run_folder.Run(Run(EXAMPLES / "reservoir.yaml", folder / name, values).out))
        check(f"reservoir: {name}: the table of events is found", missing is None, missing or "")
        return [dict(zip(found.groups, group)) for group in found.readouts], found.half()

    (now, before), half = told("whole", {})
    late = half + 5
    share = before["E and I"].accuracy[half]
    check("reservoir: the present pattern is told", now["E and I"].accuracy[half:].min() > 0.95)
    check("reservoir: the one before, 100 ms after its end, by the network", share > 0.65, f"{share:.2f}")
    check("reservoir: and not by the input", before["input"].accuracy[half] < 0.4, f"{before['input'].accuracy[half]:.2f}")
    check("reservoir: nor by a readout trained on shuffled patterns", before["E and I"].shuffled < 0.35,
          f"{before['E and I'].shuffled:.2f}")
    (_, alone), _ = told("alone", {f"projections.{k}.weight": 0 for k in (2, 3, 4, 5)})
    shares = before["E and I"].accuracy[late], alone["E and I"].accuracy[late]
    check("reservoir: 150 ms after its end, with recurrent synapses", shares[0] > 0.45, f"{shares[0]:.2f}")
    check("reservoir: and not without them", shares[1] < 0.4, f"{shares[1]:.2f}")
    done = call("report", folder / "whole")
    page = (folder / "whole" / "report.html").read_text(encoding="utf-8") if done.returncode == 0 else done.stderr
    check("reservoir: the report says so", f"100 ms into the next event in {100 * share:.0f} %" in page)


def main():
    with testing(__doc__) as (check, folder):
        up_and_down(check, folder)
        reservoir(check, folder)


main()
