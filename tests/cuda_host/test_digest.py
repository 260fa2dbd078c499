"""The spikes of /cuda are those of /cpu/serial, bit for bit, and so are weights and recordings: every case on one rank, its
kernels executed on the CPU (cuda_host.h) under AddressSanitizer and UndefinedBehaviorSanitizer. How often it talks to the
GPU, and what it refuses.

  test_digest.py CALLOSUM     (CALLOSUM_cuda_asan and _plain beside it)
"""
import os

from cases import CASES, call, compare, form, run, testing


def launches(check, folder):
    """A window is one launch; with nothing recorded there is no copy back and no allocation while it goes on."""
    bare = {"record": {"warmup_ms": 5}}
    profile = [run(folder, "pd14", ms=ms, values=bare).summary.get("profile", {}) for ms in (50, 100)]
    check("kernels per step", all(p["launches"] * 10 <= p["steps"] for p in profile), [p.get("launches") for p in profile])
    check.equal("copies back that a longer run needs more", profile[1]["copies_from_gpu"], profile[0]["copies_from_gpu"])
    check.equal("allocations in the loop", [p["allocations"] for p in profile], [0, 0])
    shared = run(folder, "pd14", ms=20, ranks=2).summary["profile"]
    check("kernels per step, two ranks", shared["launches"] <= 3 * shared["steps"], shared)


def refusals(check, folder):
    job = CASES["demo"][0]
    small = call("run", job, "--backend", "/cuda", "--out", f"{folder}/small", program=form("plain"),
                 CALLOSUM_CUDA_HOST_BYTES="3000000")
    check("a network that does not fit", small.returncode == 3 and "synapses 0.01" in small.stderr and
          "would fit" in small.stderr and not os.path.exists(f"{folder}/small"), small.stderr.strip()[-300:])
    none = call("run", job, "--backend", "/cuda", "--out", f"{folder}/none", program=form("plain"),
                CALLOSUM_CUDA_HOST_DEVICES="0")
    check("no GPU", none.returncode == 2 and "finds no GPU" in none.stderr, none.stderr.strip()[-300:])


def main():
    with testing(__doc__) as (check, folder):
        refusals(check, folder)
        for case in CASES:
            compare(check, folder, case, 1, 1, "metis", "asan")
        compare(check, folder, "models", 1, 2, "metis", "asan")
        compare(check, folder, "plastic", 1, 2, "metis", "asan")
        launches(check, folder)


main()
