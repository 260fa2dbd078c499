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
    import inputs
    import run_folder
    import states
except ImportError as error:
    skip(f"this Python has no {error.name}")


def up_and_down(check, folder):
    """Up states that end by adaptation, in cycles of 0.1 to 4 Hz (M. Torao-Angosto et al., Front. Syst. Neurosci.
    15:609645, 2021): without it (b = 0) the network is awake, as in A. Destexhe, J. Comput. Neurosci. 27:493 (2009)."""
    def found(name, values):
        return states.find_states(run_folder.Run(Run(EXAMPLES / "updown.yaml", folder / name, values).out))

    sleep = found("sleep", {"simulation.duration_ms": 13000, "record.spikes": "none"})
    if not check("updown: the rate has two levels, the valley below half of the lower peak", sleep and sleep.clear(),
                 f"valley {sleep.valley:.2f}, {len(sleep.up_s)} up states" if sleep else "no valley"):
        return
    for word, seconds in (("up", sleep.up_s), ("down", sleep.down_s)):
        check(f"updown: {word} states last 0.2 to 2 s", 0.2 < seconds.mean() < 2,
              f"{seconds.mean():.2f} s, {seconds.min():.2f} to {seconds.max():.2f}")
    frequency = 1 / (sleep.up_s.mean() + sleep.down_s.mean())
    check("updown: cycles of 0.1 to 4 Hz, as in cortex asleep", 0.1 < frequency < 4, f"{frequency:.2f} Hz")
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


STATIC = {f"projections.{k}.plasticity.stdp.{key}": 0 for k in (1, 2) for key in ("a_plus", "a_minus")}
TWICE = {"populations.0.inputs.0.rate_hz": 2, "populations.2.inputs.0.rate_hz": 20}


def stdp(check, folder):
    """Inputs that are correlated win, the others fade, and weights part: S. Song & L. F. Abbott, Neuron 32:339 (2001).
    Where all inputs fire twice as often, the rate changes little: S. Song, K. D. Miller & L. F. Abbott, Nat. Neurosci.
    3:919 (2000), figure 3."""
    def ended(name, values, duration_ms):
        """The run, and the rate of the neurons over its second half."""
        values = {"simulation.duration_ms": duration_ms, "record.spikes": "none", **values}
        run = run_folder.Run(Run(EXAMPLES / "stdp.yaml", folder / name, values).out)
        rates = run.files["rates"]["rates/data"][:, run.populations.names.index("neurons")]
        return run, rates[len(rates) // 2:].mean()

    run, rate = ended("plastic", {}, 50000)
    found = inputs.input_weights("weights_inputs", run.weights["weights_inputs"])
    group = {projection.name: projection for projection in found.projections}
    for name, low, high in (("correlated", 0.7, 1), ("independent", 0, 0.25)):
        begun, mean = group[name].initial.mean(), group[name].final.mean()
        check(f"stdp: weights of {name} inputs begin at half", abs(begun - 0.5) < 0.02, f"{begun:.3f}")
        check(f"stdp: and end at {low} to {high} of the greatest", low < mean < high, f"{mean:.2f}")
    final = numpy.concatenate([projection.final for projection in found.projections])
    parted = ((final < 0.2) | (final > 0.8)).mean()
    check("stdp: weights part: 0.4 of them within a fifth of the bounds before, now", parted > 0.65, f"{parted:.2f}")
    _, faster = ended("twice", TWICE, 50000)
    check("stdp: inputs of twice the rate, rate of the neurons", 0.7 < faster / rate < 2, f"{rate:.1f} to {faster:.1f} sp/s")
    fixed = [ended(name, {**STATIC, **values}, 5000)[1] for name, values in (("static", {}), ("static twice", TWICE))]
    check("stdp: the same without plasticity", fixed[1] / fixed[0] > 4, f"{fixed[0]:.1f} to {fixed[1]:.1f} sp/s")


def main():
    with testing(__doc__) as (check, folder):
        up_and_down(check, folder)
        reservoir(check, folder)
        stdp(check, folder)


main()
