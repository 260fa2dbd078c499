"""Memory on a measured connectome of 998 regions: what a rank holds shrinks as ranks are added, a synapse takes less
than 7 bytes, and every neuron has exactly the in-degree that was asked for.

  test_memory.py CALLOSUM
"""

from common import JOBS, Run, data, testing

NEURONS, INDEGREE, MOST_OF_BEFORE = 200000, 100, 0.75


def main():
    connectome = data("tvb", "connectivity_998.zip")
    beyond, digests = {}, {}
    with testing(__doc__) as (check, folder):
        for ranks in (1, 2, 4):
            how = {"ranks": ranks, "options": ["--threads", "1"]}
            empty = Run(JOBS / "tiny.yaml", folder / f"empty{ranks}", **how).summary["peak_rss_bytes"]
            run = Run(JOBS / "large.yaml", folder / f"large{ranks}", {"brain.connectome": f"{{file: {connectome}}}"}, **how)
            s = run.summary
            check.equal(f"{ranks} ranks: exit code", run.code, 0)
            peak = s.get("peak_rss_bytes", 0)
            beyond[ranks], digests[ranks] = peak - empty, (s.get("spikes"), run.digest)
            print(f"{ranks} ranks: peak memory {peak / 1e6:.1f} MB, an empty program {empty / 1e6:.1f} MB; synapse store "
                  f"{s.get('bytes_per_synapse', 0) * NEURONS * INDEGREE / ranks / 1e6:.1f} MB a rank, "
                  f"routes {s.get('route_bytes', 0) / 1e6:.1f} MB in all, built in {s.get('build_s', 0):.1f} s")
            check.equal(f"{ranks} ranks: neurons", s.get("neurons"), NEURONS)
            check.equal(f"{ranks} ranks: synapses", s.get("synapses"), NEURONS * INDEGREE)
            size = s.get("bytes_per_synapse", 99)
            check(f"{ranks} ranks: bytes per synapse below 7", 4 <= size < 7, f"{size:.3f}")
            # The store must be in the peak: else the peak is not measured where memory is needed.
            store = size * NEURONS * INDEGREE / ranks
            check(f"{ranks} ranks: the peak holds the rank's share of the synapses", beyond[ranks] > 0.9 * store,
                  f"{beyond[ranks] / 1e6:.1f} MB beyond the empty program, share {store / 1e6:.1f} MB")
            if ranks > 1:
                share = beyond[ranks] / beyond[ranks // 2]
                check(f"{ranks} ranks: memory beyond the empty program falls", share <= MOST_OF_BEFORE,
                      f"{share:.3f} of that on {ranks // 2}, at most {MOST_OF_BEFORE}")
        check.equal("spikes and digest on 2 and 4 ranks", [digests[2], digests[4]], [digests[1]] * 2)


main()
