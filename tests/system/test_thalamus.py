"""The cortical microcircuit answers a thalamic pulse layer by layer (Potjans & Diesmann, Cereb. Cortex 24:785, 2014,
figure 10): layer 4, where the thalamus ends, first, then 2/3 and 5. At full size, over ten pulses.

  test_thalamus.py CALLOSUM
"""

from common import EXAMPLES, Run, skip, testing

try:
    import h5py
    import numpy
except ImportError as error:
    skip(f"this Python has no {error.name}")

START, PERIOD, WIDTH, PULSES = 200, 160, 10, 10  # ms
LAYERS = {"2/3": ("23E", "23I"), "4": ("4E", "4I"), "5": ("5E", "5I"), "6": ("6E", "6I")}
WINDOW = 40  # ms after a pulse


def layer_rates(folder):
    """Rate of each layer in bins of 1 ms, all its neurons together; and that of the thalamus."""
    with h5py.File(folder / "rates.h5", "r") as file:
        names = [name.decode() for name in file["callosum/populations/name"]]
        size = file["callosum/populations/count"][()].astype(float)
        rates = file["rates/data"][()]
    mean = lambda populations: numpy.average(rates[:, [names.index(p) for p in populations]], axis=1,
                                             weights=[size[names.index(p)] for p in populations])
    return {layer: mean(populations) for layer, populations in LAYERS.items()}, mean(["TC"])


def around_pulses(rate):
    """Mean over pulses: 100 ms before, and WINDOW after the beginning."""
    begin = START + PERIOD * numpy.arange(PULSES)
    return (numpy.mean([rate[t - 100:t] for t in begin], axis=0),
            numpy.mean([rate[t:t + WINDOW] for t in begin], axis=0))


def half_rise(before, after):
    """When the response passes half its peak over the base, in ms from the pulse on, between bins by a straight line."""
    half = (before.mean() + after.max()) / 2
    at = int(numpy.argmax(after >= half))
    return at + 0.5 if at == 0 else at - 0.5 + (half - after[at - 1]) / (after[at] - after[at - 1])


def main():
    values = {"simulation.duration_ms": START + PERIOD * PULSES, "record.warmup_ms": 100,
              "populations.8.inputs.0.waveform": {"kind": "pulses", "start_ms": START, "period_ms": PERIOD,
                                                  "width_ms": WIDTH}}
    with testing(__doc__) as (check, folder):
        run = Run(EXAMPLES / "pd14_thalamus.yaml", f"{folder}/run", values)
        check.equal("runs", run.code, 0)
        layers, thalamus = layer_rates(run.out)
        before, after = around_pulses(thalamus)
        check("the thalamus fires during the pulse only, at 120 Hz", before.max() == 0 and after[WIDTH:].max() == 0 and
              abs(after[:WIDTH].mean() - 120) < 4 * numpy.sqrt(120 / (90 * PULSES * WIDTH * 1e-3)), f"{after[:WIDTH].mean():.1f}")
        rise, peak = {}, {}
        for layer, rate in layers.items():
            before, after = around_pulses(rate)
            rise[layer], peak[layer] = half_rise(before, after), int(numpy.argmax(after))
            print(f"layer {layer}: base {before.mean():.2f} spikes/s, half its rise after {rise[layer]:.2f} ms, peak of "
                  f"{after.max():.0f} in millisecond {peak[layer]}")
            limit = before.mean() + 6 * before.std()
            check(f"layer {layer} responds", after.max() > limit, f"{after.max():.1f}, limit {limit:.1f} spikes/s")
            check(f"layer {layer} is silenced afterwards", after[20:].mean() < before.mean(),
                  f"{after[20:].mean():.2f}, limit {before.mean():.2f} spikes/s")
        order = ", ".join(f"{layer} after {rise[layer]:.2f} ms" for layer in LAYERS)
        # 2/3 and 5 are less than a bin apart
        check("layer 4 rises first, then 2/3 and 5", rise["4"] + 1 < rise["2/3"] < rise["5"] + 0.5, order)
        check("layer 6 rises after 4", rise["6"] > rise["4"], order)
        check("peaks come in this order too", peak["4"] <= peak["2/3"] <= peak["5"] and peak["4"] < peak["5"], f"{peak} ms")


main()
