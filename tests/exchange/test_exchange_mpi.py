"""Runs test_exchange on several ranks, and the one whose GPU is executed on the CPU.

  test_exchange_mpi.py CALLOSUM     (the programs are beside it)
"""
import os
import pathlib
import subprocess
import sys

folder = pathlib.Path(sys.argv[1]).resolve().parent
programs = [folder / name for name in ("exchange_test_exchange", "cuda_host_exchange_test_exchange_plain",
                                            "cuda_host_exchange_test_exchange_asan")]
present = [path for path in programs if path.exists()]
if not present:
    print(f"skipped: {programs[0]} is not built")
    sys.exit(77)
environment = dict(os.environ, OMPI_MCA_mpi_yield_when_idle="1")
for program in present:
    for ranks in (2, 3, 4):
        done = subprocess.run(["mpirun", "--oversubscribe", "-n", str(ranks), str(program)], capture_output=True, text=True,
                              timeout=900, env=environment, check=False)
        passed = (done.stdout + done.stderr).count("[  PASSED  ]")
        assert done.returncode == 0 and passed == ranks, \
            f"{program}, {ranks} ranks: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        print(f"{program.name} holds on {ranks} ranks")
