/* One simulation: place, build, compute, record. */
#include "exchange/exchange.h"
#include "jobs/run.h"
#include "partition/partition.h"
#include <stdlib.h>
#include <unistd.h>

typedef struct {
  cls_placement *placement;
  cls_engine *engine;
  cls_recorder *recorder;
  cls_run_saver saver;
} pieces;

/* Places and builds. Nothing is written yet. */
static cls_status build(cls_run *run, pieces *p) {
  const cls_world *world = &run->world;
  const cls_network *network = run->job->network;
  if (run->backend->fits) CLS_TRY(run->backend->fits(world, network, run->job->members));
  int parts = run->backend->parts(
      world->threads, run->neurons / (uint64_t)world->ranks); /* threads may differ between ranks */
  MPI_Allreduce(MPI_IN_PLACE, &parts, 1, MPI_INT, MPI_SUM, world->comm);
  CLS_TRY(cls_placement_create(network, world->ranks, parts, &p->placement));
  cls_log(world, 2, "partition: %u blocks by %s onto %d ranks", p->placement->n_blocks,
          run->job->partition_method, world->ranks);
  CLS_TRY(cls_partition(network, run->job->partition_method, world->ranks, p->placement));
  /* Every rank came to the same answer if all have the same C library and processor: METIS leans on libm.
   * Rank 0's holds. */
  MPI_Bcast(p->placement->owner, (int)p->placement->n_blocks, MPI_INT32_T, 0, world->comm);
  cls_engine_options engine_options = {.members = run->job->members,
                                       .beat_ms = run->job->beat_ms,
                                       .begin = run->begin,
                                       .ask = cls_run_asked(),
                                       .saver = &p->saver.saver,
                                       .variants = run->variants,
                                       .identity = run->identity,
                                       .scaled = run->changes != NULL};
  CLS_TRY(cls_engine_create(world, network, p->placement, &engine_options, run->backend, &cls_exchange_mpi,
                            &p->engine));
  MPI_Barrier(world->comm);
  run->build_s = cls_seconds() - run->begun_s;
  cls_log(world, 1, "built in %.2f s", run->build_s);
  return CLS_OK;
}

static cls_status list_plastic(const void *engine, uint32_t projection, cls_plastic_synapse **list,
                               size_t *n) {
  return cls_engine_plastic(engine, projection, list, n);
}

/* The recorder: of a new run, or of one that goes on in its files. Checkpoints of later steps are of files that will not be so
 * any more: they go first. */
static cls_status open_recordings(cls_run *run, pieces *p) {
  const cls_world *world = &run->world;
  const cls_plastic_lister plastic = {p->engine, list_plastic};
  const cls_layout *layout = cls_engine_layout(p->engine);
  if (world->rank == 0 && run->restart) cls_run_clear_folder(run->directory, run->anew);
  if (run->restart) CLS_TRY(cls_checkpoint_forget(world, run->directory, run->from ? run->begin : -1));
  if (!run->from)
    return cls_recorder_create(world, run->job, p->placement, layout, &plastic, run->directory, run->steps,
                               &p->recorder);
  return cls_recorder_continue(world, run->job, p->placement, layout, &plastic, run->directory, run->steps,
                               run->begin, cls_checkpoint_loader(run->from), &p->recorder);
}

static cls_status load(cls_run *run, pieces *p) {
  const cls_keeper *keeper = cls_checkpoint_loader(run->from);
  const double begun = cls_seconds();
  CLS_TRY(cls_engine_keep(p->engine, keeper));
  CLS_TRY(cls_recorder_keep(p->recorder, p->engine, run->begin, keeper));
  cls_checkpoint_close(run->from);
  run->from = NULL;
  cls_log(&run->world, 2, "state loaded in %.2f s", cls_seconds() - begun);
  return CLS_OK;
}

/* All steps that are left, or as many as there are before a stop is asked for: in parts between changes. A checkpoint at the end is
 * one at the end of the last part. */
static cls_status advance(cls_run *run, pieces *p, cls_run_progress *progress) {
  const cls_run_changes *changes = run->changes;
  const bool at_end = p->saver.saver.at_end;
  run->reached = run->begin;
  do {
    int64_t end = run->steps;
    if (changes) {
      const int64_t next = changes->next(changes->self, run->reached);
      end = next < end ? next : end;
      CLS_TRY(changes->apply(changes->self, p->engine, run->reached));
    }
    p->saver.saver.at_end = at_end && end == run->steps;
    CLS_TRY(cls_engine_run(p->engine, end, cls_run_progress_step, progress, &run->reached));
  } while (run->reached < run->steps && !cls_engine_stopped(p->engine));
  return CLS_OK;
}

/* Computes and records. From here on a failure of one rank ends all (see below). */
static cls_status compute(cls_run *run, pieces *p, cls_run_result result, void *context) {
  const cls_world *world = &run->world;
  CLS_TRY(open_recordings(run, p));
  CLS_TRY(cls_engine_observe(p->engine, cls_recorder_observer(p->recorder)));
  if (run->from) CLS_TRY(load(run, p));
  p->saver.engine = p->engine;
  p->saver.recorder = p->recorder;
  cls_run_progress progress;
  cls_run_progress_begin(&progress, run);
  double begun = cls_seconds();
  CLS_TRY(advance(run, p, &progress));
  MPI_Barrier(world->comm);
  run->simulate_s = cls_seconds() - begun;
  run->interrupted = run->reached < run->steps;
  cls_run_progress_end(&progress);
  cls_statistics *statistics = NULL;
  cls_status status = cls_alloc(&statistics, (size_t)run->job->members, sizeof *statistics, "statistics");
  if (status == CLS_OK) status = cls_recorder_finish(p->recorder, statistics);
  if (status == CLS_OK) status = result(context, run, p->engine, statistics);
  free(statistics);
  return status;
}

cls_status cls_run_simulate(cls_run *run, cls_run_result result, void *context) {
  const cls_world *world = &run->world;
  pieces p = {0};
  cls_run_saver_begin(&p.saver, run);
  cls_status status = build(run, &p);
  if (status == CLS_OK) status = cls_run_make_folder(world, run->directory);
  if (status == CLS_OK) {
    status = compute(run, &p, result, context);
    if (status != CLS_OK && status != CLS_ERR_INPUT) {
      /* One rank may have failed alone: the others wait for it in vain, and closing files after a failed
       * collective write hangs. Say it and end all. A checkpoint that failed is known to all: one says it. */
      if (!p.saver.failed)
        fprintf(stderr, "callosum: rank %d: %s\n", world->rank, cls_error_message());
      else if (world->rank == 0)
        fprintf(stderr, "callosum: %s\n", cls_error_message());
      if (p.saver.failed) MPI_Barrier(world->comm);
      fflush(NULL);
      MPI_Abort(world->comm, status);
    }
  }
  /* Bad input that only the recorder can see (a measured BOLD of the wrong width): the folder is still empty. */
  if (status == CLS_ERR_INPUT && world->rank == 0) (void)rmdir(run->directory);
  cls_recorder_destroy(p.recorder);
  cls_engine_destroy(p.engine);
  cls_placement_destroy(p.placement);
  cls_checkpoint_close(run->from);
  run->from = NULL;
  return status;
}
