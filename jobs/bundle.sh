#!/bin/sh
# Makes a folder that runs on any x86-64 Linux with glibc 2.36 or newer, wherever it is put and whatever is installed there:
# the program (with CUDA where there is nvcc), the libraries it needs, Open MPI, the example jobs; and the same as FOLDER.tar.gz.
#
#   jobs/bundle.sh [--build BUILD] [FOLDER]     FOLDER: build/bundle, replaced if it was made by this script
#                                               BUILD: a folder with a finished build to take instead of building
#
#   FOLDER/callosum run JOB.yaml                        one process
#   FOLDER/mpirun -n 4 FOLDER/callosum run JOB.yaml     several; over hosts where FOLDER lies at the same path
#
# Its Open MPI speaks shared memory and TCP; plugins for other networks, and what they would bring along, stay behind.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/jobs/common.sh"

fail() {
  echo "bundle: $1" >&2
  exit 1
}

build=
if [ "${1:-}" = --build ]; then
  build=${2:?"bundle: --build: expected a folder"}
  shift 2
fi
folder=${1:-$root/build/bundle}
[ $# -le 1 ] || fail "expected one folder, found $*"
case "$folder" in -*) fail "unknown option '$folder': expected [--build BUILD] [FOLDER]" ;; esac
if [ -e "$folder" ] && { [ ! -f "$folder/environment.sh" ] || [ ! -f "$folder/libexec/orted" ]; }; then
  fail "$folder exists, and is no bundle: name another folder, or remove it"
fi
if [ -z "$build" ]; then
  preset=release
  if has_nvcc; then preset=cuda; fi
  build_preset "$preset" callosum_program
  build=$root/build/$preset
fi

rm -rf "$folder"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
trap 'rm -rf "$folder"' EXIT # what is not finished is not left behind
cmake --install "$build" --prefix "$folder" --strip >/dev/null
# Without PETSc and the hundred libraries it stands on.
cmake --build "$build" --target callosum_bare >/dev/null || fail "the program without PETSc cannot be built in $build"
program=$build/bin/bare/callosum
cp "$program" "$folder/bin/callosum"
strip "$folder/bin/callosum"
cp "$root/README.md" "$root/LICENSE" "$folder"

# ---- Open MPI: its launcher, its plugins, its messages ----
path_of() { ompi_info --parsable --path "$1" 2>/dev/null | cut -d: -f3; }
mkdir -p "$folder/libexec" "$folder/lib/openmpi" "$folder/lib/pmix" "$folder/share/openmpi" "$folder/etc"
binaries=$(path_of bindir)
cp "$binaries/orterun" "$folder/libexec/mpirun" # its name is what it calls itself
cp "$binaries/orted" "$folder/libexec"
cp "$(path_of pkgdatadir)"/*.txt "$folder/share/openmpi"
touch "$folder/etc/openmpi-mca-params.conf" "$folder/etc/openmpi-default-hostfile" # nothing of this machine's
# Left out: other networks, OpenSHMEM, watching of messages.
for plugin in "$(path_of pkglibdir)"/mca_*.so; do
  if ! ldd "$plugin" | grep -q -e 'lib\(ucp\|fabric\|psm2\|psm_infinipath\|ibverbs\|nl-3\|oshmem\|mca_common_monitoring\)\.so'; then
    cp "$plugin" "$folder/lib/openmpi"
  fi
done

# ---- the libraries that all of these need, less those of glibc ----
# needed FILE...: their paths, each once.
needed() {
  ldd "$@" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' |
    grep -v -E '/(libc|libm|libdl|librt|libpthread|libresolv|libutil|ld-linux-x86-64)\.so\.' | sort -u
}
# PMIx finds its plugins beside itself, Open MPI's names it.
pmix=$(needed "$folder"/lib/openmpi/mca_pmix_*.so | grep '/libpmix\.so' || true)
if [ -n "$pmix" ]; then
  pmix=$(dirname "$(readlink -f "$pmix")")
  [ -d "$pmix/pmix" ] || pmix=$pmix/pmix2/lib # as Debian has it
  cp "$pmix"/pmix/*.so "$folder/lib/pmix"
  cp -R "$pmix/../share/pmix" "$folder/share"
fi
libraries=$(needed "$program" "$folder"/libexec/* "$folder"/lib/openmpi/*.so "$folder"/lib/pmix/*.so)
if ldd "$program" "$folder"/lib/*/*.so | grep 'not found'; then
  fail "these libraries are not there"
fi
for library in $libraries; do
  cp -L "$library" "$folder/lib"
done
# What Open MPI's libraries know of places would hide the program's: it is taken out, by what `cmake --install` does it with.
for library in "$folder"/lib/*.so.* "$folder"/lib/*/*.so; do
  echo "file(RPATH_REMOVE FILE \"$library\")"
done >"$folder/rpath.cmake"
cmake -P "$folder/rpath.cmake" >/dev/null 2>&1 || fail "cmake cannot take a run-time path out of a library"
rm "$folder/rpath.cmake"

# ---- whose they are ----
if command -v dpkg-query >/dev/null; then
  # dpkg knows a library by the path it was installed under, with or without /usr.
  for library in $libraries "$binaries/orterun"; do readlink -f "$library"; done | sed 'p; s/^\/usr//' |
    xargs dpkg-query -S 2>/dev/null | sed 's/[:,].*//' | sort -u | while read -r package; do
    mkdir -p "$folder/share/licences"
    cp -L "/usr/share/doc/$package/copyright" "$folder/share/licences/$package"
  done
fi

# ---- launchers: nothing but a shell is needed to run them ----
cat >"$folder/environment.sh" <<'END'
# Tells Open MPI and PMIx where they are, and the program where it is if /proc does not. `here` is this folder.
export OPAL_PREFIX="$here" OPAL_BINDIR="$here/bin" OPAL_LIBDIR="$here/lib" OPAL_PKGLIBDIR="$here/lib/openmpi"
export OPAL_DATADIR="$here/share" OPAL_PKGDATADIR="$here/share/openmpi" OPAL_SYSCONFDIR="$here/etc" PMIX_SYSCONFDIR="$here/etc"
export PMIX_PREFIX="$here" PMIX_LIBDIR="$here/lib" PMIX_PKGLIBDIR="$here/lib/pmix" PMIX_PKGDATADIR="$here/share/pmix"
export LD_ORIGIN_PATH="$here/bin" HWLOC_HIDE_ERRORS="${HWLOC_HIDE_ERRORS:-2}"
# Open MPI wants a PATH and a HOME, whatever they are.
export HOME="${HOME:-/}"
case ":${PATH:-}:" in *":$here/bin:"*) ;; *) export PATH="$here/bin${PATH:+:$PATH}" ;; esac
# Shared file pointers, which nobody here uses, would stop a file from being opened where there is no /dev/shm.
if [ ! -d /dev/shm ]; then export OMPI_MCA_sharedfp="${OMPI_MCA_sharedfp:-individual}"; fi
# Without ssh mpirun would not even start processes on this machine.
if ! command -v ssh >/dev/null && ! command -v rsh >/dev/null; then
  export OMPI_MCA_plm_rsh_agent="${OMPI_MCA_plm_rsh_agent:-no_ssh}"
fi
END
cat >"$folder/bin/no_ssh" <<'END'
#!/bin/sh
echo "mpirun: a process cannot be started on host $1: there is no ssh on this one" >&2
exit 1
END
chmod +x "$folder/bin/no_ssh"
# launcher PLACE UP PROGRAM [SETTING]: PLACE, from which UP leads to the top, starts PROGRAM.
launcher() {
  cat >"$folder/$1" <<END
#!/bin/sh
self=\$0
if [ -h "\$self" ]; then self=\$(readlink -f "\$self"); fi
here=\$(cd "\${self%/*}$2" && pwd) || exit 1
. "\$here/environment.sh"
${4:-}exec "\$here/$3" "\$@"
END
  chmod +x "$folder/$1"
}
# The program has its own way to its libraries. Those of Open MPI get it from the environment.
# shellcheck disable=SC2016 # for the launchers to expand
libraries='LD_LIBRARY_PATH=$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} '
launcher callosum "" bin/callosum
launcher mpirun "" libexec/mpirun "$libraries"
launcher bin/orted /.. libexec/orted "$libraries"

name=$(basename "$folder")
tar -C "$(dirname "$folder")" --sort=name --owner=0 --group=0 --numeric-owner -c "$name" | gzip -9n >"$folder.tar.gz"
trap - EXIT
echo "$folder ($(du -sm "$folder" | cut -f1) MiB), $folder.tar.gz ($(du -sm "$folder.tar.gz" | cut -f1) MiB)"
