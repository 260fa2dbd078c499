#!/bin/sh
# Installs what Callosum needs from Debian 12 (bookworm). Runs as often as one likes: only what is missing is
# installed, and nothing happens where everything is there.
#
#   jobs/setup.sh           install what is missing
#   jobs/setup.sh --check   only say what is missing (exit status 1 if anything is)
#   jobs/setup.sh --list    print the names of all packages
# shellcheck disable=SC2086,SC2116,SC2046 # lists of words are meant to be split
set -eu

# Compiler and build.
BUILD="build-essential cmake ninja-build pkg-config git"
# Libraries: PETSc with LAPACK (assimilation); MPI, parallel HDF5, job files, summaries, random numbers, partitioning, connectome archives, checksums,
# core map, spectra, images, XML, tests.
LIBRARIES="libpetsc-real3.18-dev liblapack-dev libblas-dev libopenmpi-dev openmpi-bin libhdf5-openmpi-dev libyaml-dev libcjson-dev librandom123-dev libmetis-dev
  libzip-dev libbz2-dev zlib1g-dev libxxhash-dev libhwloc-dev libfftw3-dev
  libnifti2-dev libexpat1-dev libcmocka-dev"
# The report and the tests written in Python; h5dump; the format check; fuzzing.
TOOLS="python3 python3-numpy python3-scipy python3-h5py python3-matplotlib hdf5-tools clang-format
  clang libclang-rt-dev libomp-dev"
# Clusters: groups of cores, and what the tests of jobs/slurm start a SLURM of their own from.
CLUSTER="hwloc-nox slurm-client slurmctld slurmd munge"
PACKAGES=$(echo $BUILD $LIBRARIES $TOOLS $CLUSTER)

case "${1:-}" in
  "" | --check) ;;
  --list) printf '%s\n' $PACKAGES; exit 0 ;;
  *) echo "setup: unknown option '$1': expected --check, --list or nothing" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
  echo "setup: this is not a Debian system; please install the equivalents of: $PACKAGES" >&2
  exit 1
fi

missing=""
for package in $PACKAGES; do
  state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || state=absent
  [ "$state" = installed ] || missing="$missing $package"
done
missing=${missing# }

if [ -z "$missing" ]; then
  echo "setup: all packages are installed"
  exit 0
fi
echo "setup: missing: $missing"
[ "${1:-}" != --check ] || exit 1

if [ "$(id -u)" = 0 ]; then
  as_root=""
elif command -v sudo >/dev/null; then
  as_root="sudo"
else
  echo "setup: neither root nor sudo: ask your administrator for: apt-get install $missing" >&2
  exit 1
fi
# env: sudo drops variables of its caller.
apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q"
$apt update || echo "setup: the package lists could not be refreshed; trying with what is there" >&2
if ! $apt install -y --no-install-recommends $missing; then
  echo "setup: could not install: $missing" >&2
  exit 1
fi
echo "setup: done"
