"""The four states of figure 8 of N. Brunel, J. Comput. Neurosci. 8:183 (2000), by their published rates, by his mean-field
theory, and by numbers for what the figure shows: how irregularly neurons fire (median CV of intervals), how much the
activity of all fluctuates (standard deviation over mean in bins of .5 ms), how well it remembers its phase after one
period (autocorrelation), and at which frequency it oscillates.

  g, eta   state                             published       theory  here     sd/mean  after a period  CV
  3, 2     synchronous, regular              -               -       333      1.41     .98             0
  6, 4     fast oscillation, irregular       60.7, 180 Hz    55.84   59.2     .97      .8              .8
  5, 2     asynchronous, irregular           37.7            37.95   37.6     .57      .15             .42
  4.5, .9  slow oscillation, irregular       5.5, 22 Hz      6.52    5.9      2.0      -               .7

Rates in sp/s. An independent program gives 37.5, 58.2 and 5.9 at the same step of .1 ms. The rate of the second state
depends on the step: 60.5 at .05 ms and 60.8 at .02 ms. That of the fourth scatters by .3 from second to second, so it takes
16 s. The theory is of the asynchronous state: where the activity oscillates, rates differ from it, and did in the paper.

  test_brunel.py CALLOSUM
"""
from trains import autocorrelation, numpy, read, rhythm, together
from common import EXAMPLES, Run, testing
from siegert import fixed_point

BIN_MS = 0.5
NU_THRESHOLD_HZ = 10000  # of a neuron's external input in all, that which reaches the threshold on the mean


class State:
    def __init__(self, check, folder, g, eta, seconds):
        self.name = f"g {g:g}, eta {eta:g}"
        values = {f"populations.{p}.inputs.0.rate_hz": eta * NU_THRESHOLD_HZ for p in (0, 1)}
        values |= {f"projections.{p}.weight": -0.1 * g for p in (2, 3)}
        values |= {"simulation.duration_ms": 200 + round(seconds * 1000), "record.warmup_ms": 200, "record.spikes": "all"}
        run = Run(EXAMPLES / "brunel.yaml", folder / f"{g:g}_{eta:g}", values, threads=2)
        check(f"{self.name}: runs", run.code == 0)
        spikes = read(run)
        everyone = together([spikes["E"], spikes["I"]])
        counts = everyone.counts(BIN_MS)
        self.check, self.rate, self.cv = check, everyone.mean_rate(), numpy.median(everyone.interval_cvs())
        self.fluctuation, self.frequency = counts.std() / counts.mean(), rhythm(counts, BIN_MS)
        self.memory = autocorrelation(counts)
        print(f"  {self.name}: {self.rate:.2f} sp/s, CV {self.cv:.3f}, sd/mean {self.fluctuation:.2f}, "
              f"{self.frequency:.0f} Hz")

    def near(self, what, found, expected, relative):
        self.check(f"{self.name}: {what} {expected:g}", abs(found / expected - 1) < relative,
                   f"{found:.2f}, off by {100 * (found / expected - 1):+.1f} %, limit {100 * relative:g}")

    def within(self, what, found, low, high):
        self.check(f"{self.name}: {what}", low < found < high, f"{found:.3f}, expected {low:g} to {high:g}")


def main():
    theory = {state: fixed_point(*state) for state in [(5, 2), (6, 4), (4.5, .9)]}
    with testing(__doc__) as (check, folder):
        for state, published in {(5, 2): 37.95, (6, 4): 55.84, (4.5, .9): 6.52}.items():
            check(f"theory at g {state[0]:g}, eta {state[1]:g}: {published}", abs(theory[state] - published) < .01,
                  f"{theory[state]:.3f}")

        # Spikes that arrive within the refractory time are lost: all fire again two delays after they fired.
        regular = State(check, folder, 3, 2, 0.3)
        regular.near("fires every two delays, rate", regular.rate, 1000 / 3, 0.01)
        regular.within("regular", regular.cv, -1, 0.05)
        regular.within("all at once", regular.fluctuation, 1.2, 1.6)

        fast = State(check, folder, 6, 4, 1)
        fast.near("published rate", fast.rate, 60.7, 0.05)
        fast.near("published frequency", fast.frequency, 180, 0.1)
        fast.within("neurons fire in less than half the cycles", fast.rate / fast.frequency, 0, 0.5)
        fast.within("irregular", fast.cv, 0.6, 1.2)
        fast.within("activity fluctuates", fast.fluctuation, 0.8, 1.2)
        fast.within("remembers its phase for a period", fast.memory[round(1e3 / fast.frequency / BIN_MS)], 0.6, 1)

        asynchronous = State(check, folder, 5, 2, 2)
        asynchronous.near("published rate", asynchronous.rate, 37.7, 0.02)
        asynchronous.near("rate of the theory", asynchronous.rate, theory[5, 2], 0.02)
        asynchronous.within("irregular", asynchronous.cv, 0.35, 1)
        asynchronous.within("activity fluctuates least", asynchronous.fluctuation, 0.3, 0.7)
        asynchronous.within("forgets its phase within a period", asynchronous.memory[round(8 / BIN_MS)], -0.3, 0.3)

        slow = State(check, folder, 4.5, .9, 16)
        slow.near("published rate", slow.rate, 5.5, 0.1)
        slow.near("published frequency", slow.frequency, 22, 0.15)
        slow.within("neurons fire in less than half the cycles", slow.rate / slow.frequency, 0, 0.5)
        slow.within("irregular", slow.cv, 0.5, 1.2)
        slow.within("activity fluctuates most", slow.fluctuation, 1.7, 2.3)


main()
