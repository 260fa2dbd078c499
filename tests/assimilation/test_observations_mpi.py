"""Runs test_observations and test_operator on several ranks: rank 0 reads the files, all have the same; spikes of all are counted.

  test_observations_mpi.py CALLOSUM     (the programs are beside it)
"""
import pathlib
import subprocess
import sys

for name in ("observations", "operator"):
    program = pathlib.Path(sys.argv[1]).resolve().parent / f"assimilation_test_{name}"
    if not program.exists():
        print(f"skipped: {program.name} is not built")
        sys.exit(77)
    for ranks in (2, 3):
        done = subprocess.run(["mpirun", "--oversubscribe", "-n", str(ranks), str(program)], capture_output=True, text=True,
                              timeout=600, check=False)
        passed = (done.stdout + done.stderr).count("[  PASSED  ]")
        assert done.returncode == 0 and passed == ranks, f"{ranks} ranks: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        print(f"{program.name} holds on {ranks} ranks")
