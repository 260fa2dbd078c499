"""Runs test_observations on several ranks: rank 0 reads the files, all have the same.

  test_observations_mpi.py CALLOSUM     (the program is beside it)
"""
import pathlib
import subprocess
import sys

program = pathlib.Path(sys.argv[1]).resolve().parent / "assimilation_test_observations"
if not program.exists():
    print("skipped: assimilation_test_observations is not built")
    sys.exit(77)
for ranks in (2, 3):
    done = subprocess.run(["mpirun", "--oversubscribe", "-n", str(ranks), str(program)], capture_output=True, text=True,
                          timeout=600, check=False)
    passed = (done.stdout + done.stderr).count("[  PASSED  ]")
    assert done.returncode == 0 and passed == ranks, f"{ranks} ranks: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    print(f"observations are the same on {ranks} ranks")
