"""What the tests of the CUDA build share: whether this build is one, and where its files are."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src" / "backend" / "cuda"
SKIPPED = 77  # exit code that ctest counts as skipped


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def cuda_build(program):
    """The folder of the build that made `program`, and its CUDA compiler. The test is skipped where that build has no CUDA."""
    build = pathlib.Path(program).resolve().parents[1]
    cache = (build / "CMakeCache.txt").read_text(encoding="utf-8")
    if "\nCALLOSUM_CUDA:BOOL=ON\n" not in cache:
        skip("this is a build without CUDA (preset cuda has it)")
    return build, re.search(r"^CMAKE_CUDA_COMPILER:\w+=(.+)$", cache, re.MULTILINE).group(1)
