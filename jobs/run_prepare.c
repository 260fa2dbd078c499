/* What a run needs before it begins: how it was launched, its threads, its backend. */
#include "backend/cpu/cpu.h"
#ifdef CALLOSUM_HAS_CUDA
#include "backend/cuda/cuda.h"
#endif
#include "jobs/run.h"
#include <hwloc.h>
#include <stdlib.h>
#include <string.h>

static const cls_backend *const backends[] = {
    &cls_backend_cpu_omp,
    &cls_backend_cpu_serial,
#ifdef CALLOSUM_HAS_CUDA
    &cls_backend_cuda,
#endif
};

/* A launcher that knows of more processes than MPI does started single ranks that would all write the same
 * files. */
cls_status cls_run_check_launcher(const cls_world *world) {
  static const char *const counts[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    const char *text = getenv(counts[i]);
    int launched = text ? atoi(text) : 0;
    CLS_CHECK(launched <= world->ranks || world->ranks > 1, CLS_ERR_INPUT,
              "the launcher started %d processes (%s), but MPI sees %d: expected one job of %d ranks; use "
              "this MPI's mpirun, or "
              "srun --mpi=pmix",
              launched, counts[i], world->ranks, launched);
  }
  return CLS_OK;
}

/* OMP_NUM_THREADS where set, else this process's cores; where all ranks of a node share the same cores, its
 * share. */
int cls_run_default_threads(MPI_Comm comm) {
  const char *set = getenv("OMP_NUM_THREADS");
  if (set && atoi(set) > 0) return atoi(set);
  hwloc_topology_t topology;
  MPI_Comm node;
  int ranks = 1, mine = 1, all = 1;
  MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  MPI_Comm_size(node, &ranks);
  MPI_Comm_free(&node);
  if (hwloc_topology_init(&topology) != 0) return 1;
  if (hwloc_topology_load(topology) == 0) {
    hwloc_bitmap_t bound = hwloc_bitmap_alloc();
    all = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    mine = hwloc_get_cpubind(topology, bound, HWLOC_CPUBIND_PROCESS) == 0 ? hwloc_bitmap_weight(bound) : all;
    hwloc_bitmap_free(bound);
  }
  hwloc_topology_destroy(topology);
  int threads = mine < all || ranks == 1 ? mine : all / ranks;
  return threads > 0 ? threads : 1;
}

static cls_status find_backend(const char *name, const cls_backend **backend) {
  const char *const cuda = "/cuda";
  for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
    if (strcmp(name, backends[i]->name) == 0) {
      *backend = backends[i];
      return CLS_OK;
    }
  CLS_CHECK(strcmp(name, cuda) != 0, CLS_ERR_INPUT,
            "backend '/cuda': this program was built without CUDA: configure with `cmake --preset cuda`");
  return cls_fail(CLS_ERR_INPUT, "backend '%s': expected /cpu/omp, /cpu/serial or /cuda", name);
}

cls_status cls_run_prepare(cls_run *run, const cls_world *world, cls_job *job, const char *backend,
                           const char *directory) {
  *run = (cls_run){.world = *world, .job = job, .directory = directory, .begun_s = cls_seconds()};
  CLS_TRY(find_backend(backend ? backend : job->backend, &run->backend));
  run->steps = (int64_t)(job->duration_ms / job->dt_ms + 0.5);
  run->neurons = job->network->n_neurons;
  run->science_hash = job->science_hash;
  return CLS_OK;
}
