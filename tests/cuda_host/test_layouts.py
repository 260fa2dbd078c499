"""The spikes of /cuda are those of /cpu/serial also on several ranks and with members, and so are weights and recordings.

  test_layouts.py CALLOSUM     (CALLOSUM_cuda_plain beside it, see cuda_host.h)
"""
from cases import compare, testing

# (ranks, members, partition); test_digest.py has each case on one rank.
LAYOUTS = {"demo": [(1, 3, "metis"), (2, 1, "contiguous")], "pd14": [(2, 2, "round_robin"), (3, 1, "metis")],
           "all_rules": [(2, 1, "round_robin")], "models": [(3, 2, "contiguous")], "units": [(2, 1, "metis")],
           "plastic": [(1, 2, "metis"), (3, 1, "round_robin")], "procedural": [(2, 2, "contiguous")],
           "updown": [(2, 2, "metis")], "reservoir": [(2, 1, "metis")]}


def main():
    with testing(__doc__) as (check, folder):
        for case, layouts in LAYOUTS.items():
            for layout in layouts:
                compare(check, folder, case, *layout, "plain")


main()
