"""jobs/setup.sh must name a package for everything the tree uses: headers, pkg-config modules, programs and Python
modules are traced to the Debian package they come from, which has to be in the list or in what the list depends on.
Skipped (77) where dpkg is not there."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDERS = ("src", "io", "partition", "jobs", "tests", "benchmarks", ".ci")
# Programs that scripts and tests start, beside those of Debian's essential packages.
PROGRAMS = ("gcc", "g++", "cmake", "ctest", "ninja", "pkg-config", "git", "mpirun", "clang-format", "h5dump", "python3", "nm",
            "xargs")
# Headers of CUDA, which is not a package of Debian; the tests have their own, which come first.
CUDA = ("cooperative_groups.h", "cuda_runtime_api.h")
# Headers of later versions of a library, included under a condition.
LATER = ("H5FDdevelop.h",)
PKG_CONFIG = ("mpi-c", "hdf5-openmpi", "yaml-0.1", "libcjson", "libzip", "hwloc", "fftw3", "expat", "cmocka")


def files(*endings):
    for folder in FOLDERS:
        for path, _, names in os.walk(os.path.join(ROOT, folder)):
            yield from (os.path.join(path, name) for name in names if name.endswith(endings))


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def dependency_closure(packages):
    """The packages and everything they depend on, read from dpkg's table; recommended packages are not in it."""
    depends, provides = {}, {}
    status = output("dpkg-query", "-W", "-f", "${Package}\t${Essential}\t${Pre-Depends}, ${Depends}\t${Provides}\n")
    essential = []
    for line in status.splitlines():
        name, is_essential, needs, gives = line.split("\t")
        depends.setdefault(name, []).extend(re.split(r"[,|]", needs))
        for virtual in gives.split(","):
            if virtual:
                provides.setdefault(bare(virtual), []).append(name)
        if is_essential == "yes":
            essential.append(name)
    found, waiting = set(), list(packages) + essential
    while waiting:
        name = bare(waiting.pop())
        if not name or name in found:
            continue
        if name in depends:
            found.add(name)
            waiting += depends[name]
        else:
            waiting += [p for p in provides.get(name, []) if p not in found]
    return found


def bare(name):
    """A package's name without version and architecture."""
    return re.split(r"[ (:]", name.strip())[0]


def owner(path):
    """The package a file belongs to."""
    for candidate in (path, os.path.realpath(path), "/usr" + path, path.removeprefix("/usr")):
        found = output("dpkg", "-S", candidate)
        if found:
            return bare(found.split(":")[0].split(",")[0])
    return None


def used_headers():
    """Paths of the system headers the C and C++ sources include."""
    names = set()
    for path in files(".c", ".h", ".cpp", ".cu", ".cuh"):
        with open(path, encoding="utf-8") as file:
            names |= set(re.findall(r"^\s*#\s*include\s*<([^>]+)>", file.read(), re.M))
    names -= set(CUDA) | set(LATER)
    flags = output("pkg-config", "--cflags", *PKG_CONFIG).split()
    # cmocka.h needs them before it.
    first = "#include <stddef.h>\n#include <stdint.h>\n#include <stdarg.h>\n#include <setjmp.h>\n"
    for name in sorted(names):
        # Those of C++ have no ending.
        language = ["-std=gnu11", "-x", "c"] if name.endswith(".h") else ["-x", "c++"]
        program = subprocess.run(["gcc", "-fopenmp", *flags, "-E", "-H", *language, "-"],
                                 input=f"{first}#include <{name}>\n", capture_output=True, text=True, check=False)
        hits = [line[2:] for line in program.stderr.splitlines() if line.startswith(". ") and line.endswith("/" + name)]
        yield name, (os.path.normpath(hits[0]) if hits else None)


def used_modules():
    """Files of the Python modules imported that are neither of the tree nor of the standard library."""
    names, own = set(), {os.path.splitext(os.path.basename(path))[0] for path in files(".py")}
    for path in files(".py"):
        with open(path, encoding="utf-8") as file:
            names |= set(re.findall(r"^\s*(?:import|from)\s+([A-Za-z_]\w*)", file.read(), re.M))
    for name in sorted(names - own - set(sys.stdlib_module_names)):
        found = importlib.util.find_spec(name)
        yield name, found.origin if found else None


def main():
    if not shutil.which("dpkg-query"):
        print("skipped: this is not a Debian system")
        return 77
    if not sys.executable.startswith("/usr/bin/"):
        print(f"skipped: {sys.executable} is not Debian's Python")
        return 77
    script = os.path.join(ROOT, "jobs", "setup.sh")
    packages = output(script, "--list").split()
    assert len(packages) > 15 and len(packages) == len(set(packages)), packages
    state = subprocess.run([script, "--check"], capture_output=True, text=True, check=False)
    assert state.returncode == 0, f"not everything is installed: {state.stdout}"
    covered = dependency_closure(packages)
    uses = [(f"<{name}>", path) for name, path in used_headers()]
    uses += [(f"import {name}", path) for name, path in used_modules()]
    uses += [(name, shutil.which(name, path="/usr/bin:/bin")) for name in PROGRAMS]
    uses += [("libmetis", "/usr/lib/x86_64-linux-gnu/libmetis.so")] if os.uname().machine == "x86_64" else []
    problems = []
    for what, path in uses:
        package = owner(path) if path else None
        if package is None:
            problems.append(f"{what}: no package provides it here ({path})")
        elif package not in covered:
            problems.append(f"{what}: comes from {package}, which jobs/setup.sh does not name")
    print("\n".join(problems) or f"{len(uses)} headers, programs and modules are covered by {len(packages)} packages")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
