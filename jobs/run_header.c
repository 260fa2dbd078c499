#include "callosum_build.h"
#include "engine/sizes.h"
#include "jobs/run.h"
#include "jobs/text.h"
#include <hdf5.h>
#include <hwloc.h>
#include <stdlib.h>
#include <string.h>

/* "host: cores 0-3", of this process. */
static void describe_place(char *text, size_t size) {
  char host[MPI_MAX_PROCESSOR_NAME] = "?";
  char *cores = NULL;
  int length;
  MPI_Get_processor_name(host, &length);
  hwloc_topology_t topology;
  if (hwloc_topology_init(&topology) == 0) {
    hwloc_bitmap_t bound = hwloc_bitmap_alloc();
    if (hwloc_topology_load(topology) == 0 && hwloc_get_cpubind(topology, bound, HWLOC_CPUBIND_PROCESS) == 0)
      hwloc_bitmap_list_asprintf(&cores, bound);
    hwloc_bitmap_free(bound);
    hwloc_topology_destroy(topology);
  }
  snprintf(text, size, "%.63s, cores %.50s", host, cores ? cores : "?");
  free(cores);
}

/* Rank -> host -> cores; at most this many lines. */
enum { PLACE_SIZE = 128, PLACES_SHOWN = 16 };

static void print_places(const cls_run *run) {
  const cls_world *world = &run->world;
  char mine[PLACE_SIZE] = {0}, *all = NULL;
  describe_place(mine, sizeof mine);
  int shown = world->ranks < PLACES_SHOWN ? world->ranks : PLACES_SHOWN;
  /* Only the ranks that are shown send theirs: nothing grows with the job. */
  if (world->rank == 0) all = calloc((size_t)shown, PLACE_SIZE);
  if (world->rank > 0 && world->rank < shown) MPI_Send(mine, PLACE_SIZE, MPI_CHAR, 0, 7, world->comm);
  if (world->rank != 0) return;
  for (int r = 0; all && r < shown; r++) {
    if (r == 0)
      memcpy(all, mine, PLACE_SIZE);
    else
      MPI_Recv(all + (size_t)r * PLACE_SIZE, PLACE_SIZE, MPI_CHAR, r, 7, world->comm, MPI_STATUS_IGNORE);
    cls_log(world, 1, "  rank %d: %s, %d thread%s", r, all + (size_t)r * PLACE_SIZE, world->threads,
            world->threads == 1 ? "" : "s");
  }
  if (shown < world->ranks) cls_log(world, 1, "  ... and %d more ranks", world->ranks - shown);
  free(all);
}

void cls_run_print_header(const cls_run *run) {
  const cls_world *world = &run->world;
  const cls_job *job = run->job;
  const cls_network *network = job->network;
  unsigned major, minor, release;
  char mpi[MPI_MAX_LIBRARY_VERSION_STRING], memory[32];
  int length;
  H5get_libversion(&major, &minor, &release);
  MPI_Get_library_version(mpi, &length);
  mpi[strcspn(mpi, ",\n")] = 0;
  cls_log(world, 1, "Callosum %s (git %s, %s, %s%s%s), %s, HDF5 %u.%u.%u", CLS_VERSION, CALLOSUM_GIT,
          CALLOSUM_COMPILER, CALLOSUM_BUILD_TYPE, CALLOSUM_ARCH_NAME[0] ? " for " : "", CALLOSUM_ARCH_NAME,
          mpi, major, minor, release);
  cls_log(world, 1, "job %s (hash %016llx), seed %llu, backend %s, results in %s", job->path,
          (unsigned long long)job->hash, (unsigned long long)job->seed, run->backend->name, run->directory);
  print_places(run);
  cls_sizes sizes = {0};
  (void)cls_sizes_expected(network, world->ranks, world->threads, &sizes); /* without memory: 0 is printed */
  cls_print_bytes(memory, sizeof memory,
                  cls_sizes_bytes(&sizes, job->members) + sizes.description * world->ranks);
  cls_log(
      world, 1,
      "network: %llu neurons in %u populations, about %.4g synapses, delays %g to %g ms, about %s of memory",
      (unsigned long long)network->n_neurons, network->n_populations, network->expected_synapses,
      network->min_delay * job->dt_ms, network->max_delay * job->dt_ms, memory);
  cls_log(world, 1, "simulating %g ms in steps of %g ms, %d member%s", job->duration_ms, job->dt_ms,
          job->members, job->members == 1 ? "" : "s");
}
