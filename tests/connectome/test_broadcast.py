"""Runs the unit test of the connectome's broadcast on several ranks."""
import os
import subprocess
import sys

build = os.path.dirname(os.path.dirname(os.path.abspath(sys.argv[1])))
candidates = [os.path.join(build, folder, "connectome_test_broadcast") for folder in ("bin", "tests")]
program = next((path for path in candidates if os.path.exists(path)), None)
if program is None:
    print("skipped: connectome_test_broadcast is not built")
    sys.exit(77)

for ranks in (2, 3):
    run = subprocess.run(["mpirun", "--oversubscribe", "-n", str(ranks), program],
                         capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, f"{ranks} ranks: exit code {run.returncode}\n{run.stdout}\n{run.stderr}"
print("the connectome arrives on 2 and 3 ranks")
