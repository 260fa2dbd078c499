"""The order in which threads take turns, and the number of blocks, do not change the spikes of /cuda.

  test_orders.py CALLOSUM     (CALLOSUM_cuda_plain beside it, see cuda_host.h)
"""
from cases import PROGRAM, found, run, testing

ORDERS = 20
VALUES = {"pd14": {"scale.neurons": 0.05}, "plastic": {}}


def main():
    with testing(__doc__) as (check, folder):
        for case, values in VALUES.items():
            digests = [found(run(folder, case, ms=20, values=values, CALLOSUM_CUDA_HOST_SEED=str(seed),
                                 CALLOSUM_CUDA_HOST_SMS=str(1 + seed % 4))) for seed in range(1, ORDERS + 1)]
            expected = run(folder, case, program=PROGRAM, backend="/cpu/serial", ms=20, values=values)
            check(f"{case}: there are spikes", expected.summary.get("spikes", 0) > 100, expected.summary.get("spikes"))
            check(f"{case}: {ORDERS} orders of threads give one digest", all(d == found(expected) for d in digests),
                  found(expected)[0][0])


main()
