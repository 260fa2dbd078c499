/* The recorder: hands what the engine shows to the recordings the job asks for, and to the statistics. */
#include "io/bold_file.h"
#include "io/current_file.h"
#include "io/lfp_file.h"
#include "io/neuron_file.h"
#include "io/rate_file.h"
#include "io/record_files.h"
#include "io/record_guard.h"
#include "io/record_watch.h"
#include "io/spectrum_file.h"
#include "io/spike_file.h"
#include "io/spike_statistics.h"
#include "io/trace_file.h"
#include "io/weight_file.h"
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* Counts that wait for a flush take at most this much memory of a rank: more frequent flushes see to it. */
#define WAITING_BYTES (192.0 * 1024 * 1024)
/* Steps between flushes: a spike that waits has room for so many in its word (spike_file.c). */
#define MOST_FLUSH_STEPS ((1ll << 24) - 1)

/* Waiting for the disk takes tens of milliseconds where writing takes a few. At the first flush and then,
 * after every wait, not again for this many times as long: at most 2 % of a run waits for disks. */
#define SYNC_PAUSE 50

/* How long a folder may be held by a run that is about to be gone. */
#define LOCK_PATIENCE_S 10

struct cls_recorder_ {
  cls_record record;
  char *directory;
  cls_groups populations, regions; /* regions: only where there are some */
  cls_recording *recordings;       /* in the order of their files' creation */
  size_t n_recordings, capacity;
  cls_bold_file *bold; /* one of them; NULL: not recorded */
  cls_spike_statistics *statistics;
  cls_observer observer;
  cls_record_watch watch;
  bool watches;         /* no recording needs all spikes */
  cls_image_rows *rows; /* [n_recordings] rank 0: where the rows of their files are */
  double synced_s;      /* rank 0: when a flush last went through to the disk, */
  double sync_cost_s;   /* and how long that took */
  int lock;             /* rank 0: of the folder, -1: none */
  bool opened;          /* files may be open */
  bool failed;          /* a file could not be written: nothing may be closed any more (io/hdf5_file.h) */
};

/* ---- what the engine calls ---- */

static cls_status see_spikes(void *self, int member, const cls_spikes *spikes) {
  const cls_recorder *r = self;
  for (size_t i = 0; i < r->n_recordings; i++) {
    const cls_recording *recording = &r->recordings[i];
    if (recording->spikes) CLS_TRY(recording->spikes(recording->self, member, spikes));
  }
  return CLS_OK;
}

static cls_status see_counts(void *self, int member, int tally, int64_t bin, int64_t n,
                             const uint32_t *count) {
  const cls_recorder *r = self;
  return cls_record_watch_counts(&r->watch, r->recordings, member, tally, bin, n, count);
}

static cls_status see_volumes(void *self, int member, int tally, int64_t volume, int64_t n,
                              const double *signal, const uint64_t *spikes) {
  const cls_recorder *r = self;
  return cls_record_watch_volumes(&r->watch, r->recordings, member, tally, volume, n, signal, spikes);
}

static cls_status see_marked(void *self, int member, const cls_spikes *spikes) {
  return cls_record_watch_marked(&((const cls_recorder *)self)->watch, member, spikes);
}

static int64_t next_look(void *self, int64_t now) {
  const cls_recorder *r = self;
  int64_t next = INT64_MAX;
  for (size_t i = 0; i < r->n_recordings; i++) {
    const int64_t interval = r->recordings[i].interval;
    if (interval > 0 && (now / interval + 1) * interval < next) next = (now / interval + 1) * interval;
    if (r->recordings[i].at_end && now < r->record.steps && r->record.steps < next) next = r->record.steps;
  }
  return next;
}

static bool looks(const cls_recorder *r, const cls_recording *recording, int64_t step) {
  if (recording->interval == 0) return false;
  return (step + 1) % recording->interval == 0 || (recording->at_end && step + 1 == r->record.steps);
}

static cls_status look(void *self, int member, int64_t step, cls_view *view) {
  const cls_recorder *r = self;
  for (size_t i = 0; i < r->n_recordings; i++) {
    const cls_recording *recording = &r->recordings[i];
    if (looks(r, recording, step)) CLS_TRY(recording->look(recording->self, member, step, view));
  }
  return CLS_OK;
}

static cls_status flush_all(cls_recorder *r, int64_t step) {
  for (size_t i = 0; i < r->n_recordings; i++)
    if (r->recordings[i].flush) CLS_TRY(r->recordings[i].flush(r->recordings[i].self, step));
  return CLS_OK;
}

static cls_status flush(void *self, int64_t step) {
  cls_recorder *r = self;
  if (r->failed) return cls_fail(CLS_ERR_IO, "%s: a recording could not be written before", r->directory);
  const double begun = cls_seconds();
  int sync = begun - r->synced_s >= SYNC_PAUSE * r->sync_cost_s;
  MPI_Bcast(&sync, 1, MPI_INT, 0, r->record.world.comm);
  r->record.sync = sync != 0;
  r->record.reached = step;
  cls_status status = flush_all(r, step);
  if (status == CLS_OK && sync)
    status = cls_record_files_guard(&r->record, r->recordings, r->n_recordings, r->rows);
  r->failed = status != CLS_OK;
  if (sync) {
    r->synced_s = cls_seconds();
    r->sync_cost_s = r->synced_s - begun;
  }
  return status;
}

/* ---- what is kept ---- */

static cls_status keep_all(cls_recorder *r, const cls_keeper *keeper) {
  for (size_t i = 0; i < r->n_recordings; i++)
    if (r->recordings[i].keep) CLS_TRY(r->recordings[i].keep(r->recordings[i].self, keeper));
  return CLS_OK;
}

/* All files are made to say how far they go and are flushed, also where the last flush left it to a later one. The images beside
 * them are then of this step, too: no file is ever put back to before a checkpoint that counts. */
static cls_status save(cls_recorder *r, int64_t step, const cls_keeper *keeper) {
  CLS_CHECK(step == r->record.reached, CLS_ERR_INTERNAL,
            "recordings are kept at step %lld but were flushed at step %lld", (long long)step,
            (long long)r->record.reached);
  r->record.sync = true;
  CLS_TRY(flush_all(r, step));
  CLS_TRY(cls_record_files_guard(&r->record, r->recordings, r->n_recordings, r->rows));
  CLS_TRY(keep_all(r, keeper));
  return cls_record_files_save(&r->record, r->recordings, r->n_recordings, r->rows, keeper);
}

static cls_status load(cls_recorder *r, int64_t step, const cls_keeper *keeper) {
  CLS_CHECK(r->record.continued && step == r->record.reached, CLS_ERR_INTERNAL,
            "recordings of a run that is at step %lld are made those of step %lld",
            (long long)r->record.reached, (long long)step);
  return keep_all(r, keeper);
}

cls_status cls_recorder_keep(cls_recorder *r, cls_engine *engine, int64_t step, const cls_keeper *keeper) {
  CLS_CHECK(!r->failed, CLS_ERR_IO, "%s: a recording could not be written before", r->directory);
  r->record.engine = engine;
  const cls_status status = keeper->loading ? load(r, step, keeper) : save(r, step, keeper);
  r->record.engine = NULL;
  r->failed = status != CLS_OK && status != CLS_ERR_INPUT;
  return status;
}

/* ---- creation ---- */

static cls_status make_groups(cls_recorder *r) {
  const cls_network *network = r->record.network;
  uint32_t *group_of = NULL;
  CLS_TRY(cls_alloc(&group_of, network->n_populations, sizeof *group_of, "groups of populations"));
  for (uint32_t p = 0; p < network->n_populations; p++) group_of[p] = p;
  cls_status status = cls_groups_create(&r->record, group_of, network->n_populations, &r->populations);
  for (uint32_t p = 0; p < network->n_populations; p++) {
    const int region = network->populations[p].region;
    group_of[p] = region >= 0 ? (uint32_t)region : CLS_NO_SLOT;
  }
  if (status == CLS_OK && network->n_regions > 0)
    status = cls_groups_create(&r->record, group_of, network->n_regions, &r->regions);
  free(group_of);
  return status;
}

/* The place of one more recording, which is freed with the recorder, whatever its creation returns. */
static cls_status next(cls_recorder *r, cls_recording **recording) {
  CLS_TRY(cls_grow(&r->recordings, &r->capacity, r->n_recordings + 1, sizeof *r->recordings, "recordings"));
  *recording = &r->recordings[r->n_recordings++];
  **recording = (cls_recording){0};
  return CLS_OK;
}

/* Everything but the files: what may be refused is refused here. Local. */
static cls_status make_recordings(cls_recorder *r) {
  const cls_record *record = &r->record;
  const cls_record_options *options = &record->job->record;
  const cls_groups *regions = record->network->n_regions > 0 ? &r->regions : &r->populations;
  cls_recording *recording;
  if (options->spikes.wanted) {
    CLS_TRY(next(r, &recording));
    CLS_TRY(cls_spike_file_create(record, recording));
  }
  if (options->rates_bin_ms > 0) {
    CLS_TRY(next(r, &recording));
    CLS_TRY(cls_rate_file_create(record, &r->populations, recording));
  }
  if (options->bold_tr_s > 0) {
    CLS_TRY(next(r, &recording));
    CLS_TRY(cls_bold_file_create(record, &r->regions, recording));
    r->bold = recording->self;
  }
  if (options->currents_interval_ms > 0) {
    CLS_TRY(next(r, &recording));
    CLS_TRY(cls_current_file_create(record, &r->populations, recording));
  }
  if (options->lfp_interval_ms > 0) {
    CLS_TRY(next(r, &recording));
    CLS_TRY(cls_lfp_file_create(record, recording));
  }
  if (options->spectra.wanted) {
    CLS_TRY(next(r, &recording));
    CLS_TRY(cls_spectrum_file_create(record, recording));
  }
  if (options->neurons.wanted) {
    CLS_TRY(next(r, &recording));
    CLS_TRY(cls_neuron_file_create(record, recording));
  }
  for (int i = 0; i < options->n_traces; i++)
    for (int k = 0; k < options->traces[i].n_variables; k++) {
      CLS_TRY(next(r, &recording));
      CLS_TRY(cls_trace_file_create(record, &options->traces[i], k, recording));
    }
  for (int i = 0; i < options->n_weights; i++) {
    CLS_TRY(next(r, &recording));
    CLS_TRY(cls_weight_file_create(record, &options->weights[i], recording));
  }
  CLS_TRY(next(r, &recording));
  CLS_TRY(cls_spike_statistics_create(record, regions, recording));
  r->statistics = recording->self;
  return CLS_OK;
}

/* Steps between flushes: record.flush_ms, less where what waits would take too much memory. Collective. */
static cls_status choose_flush_interval(cls_recorder *r) {
  double mine = 0, most = 0; /* bytes that every step adds */
  int64_t steps = 0;
  for (size_t i = 0; i < r->n_recordings; i++) mine += r->recordings[i].waiting_bytes;
  MPI_Allreduce(&mine, &most, 1, MPI_DOUBLE, MPI_MAX, r->record.world.comm);
  CLS_TRY(cls_record_steps(&r->record, "record.flush_ms", r->record.job->record.flush_ms, 1, &steps));
  if (steps > MOST_FLUSH_STEPS) steps = MOST_FLUSH_STEPS;
  if (most * (double)steps > WAITING_BYTES) steps = (int64_t)(WAITING_BYTES / most);
  r->record.flush_interval = steps < 1 ? 1 : steps;
  return CLS_OK;
}

/* What the engine will call the tally of BOLD. */
static void tell_bold(const cls_recorder *r) {
  for (int t = 0; r->bold && r->watches && t < r->watch.watch.n_tallies; t++)
    if (r->recordings[r->watch.recording[t]].self == r->bold) cls_bold_file_watched(r->bold, t);
}

static cls_status prepare(cls_recorder *r) {
  const MPI_Comm comm = r->record.world.comm;
  CLS_TRY(cls_agree(comm, make_groups(r)));
  CLS_TRY(cls_agree(comm, make_recordings(r)));
  for (size_t i = 0; i < r->n_recordings; i++)
    if (r->recordings[i].prepare) CLS_TRY(r->recordings[i].prepare(r->recordings[i].self));
  CLS_TRY(choose_flush_interval(r));
  cls_status status = cls_record_watch_create(r->recordings, r->n_recordings, r->record.flush_interval,
                                              &r->watch, &r->watches);
  if (status == CLS_OK) status = cls_alloc(&r->rows, r->n_recordings, sizeof *r->rows, "files of recordings");
  if (status == CLS_OK) tell_bold(r);
  return cls_agree(comm, status);
}

/* Collective. `keeper`: where the files that are there were left; NULL: new ones are made. */
static cls_status open_files(cls_recorder *r, const cls_keeper *keeper) {
  cls_status status = CLS_OK;
  if (r->record.world.rank == 0) status = cls_guard_lock(r->directory, LOCK_PATIENCE_S, &r->lock);
  CLS_TRY(cls_agree(r->record.world.comm, status));
  if (keeper) CLS_TRY(cls_record_files_restore(&r->record, r->recordings, r->n_recordings, r->rows, keeper));
  r->opened = true;
  for (size_t i = 0; i < r->n_recordings; i++)
    if (r->recordings[i].open) CLS_TRY(r->recordings[i].open(r->recordings[i].self));
  return cls_record_files_guard(&r->record, r->recordings, r->n_recordings, r->rows);
}

static cls_status create(const cls_world *world, const cls_job *job, const cls_placement *placement,
                         const cls_layout *layout, const cls_plastic_lister *plastic, const char *directory,
                         int64_t steps, int64_t begin, const cls_keeper *keeper, cls_recorder **recorder) {
  cls_recorder *r = NULL;
  *recorder = NULL;
  cls_status status = cls_alloc(&r, 1, sizeof *r, "recorder");
  if (status == CLS_OK) {
    r->lock = -1;
    r->directory = cls_format("%s", directory);
    if (!r->directory) status = cls_fail(CLS_ERR_MEMORY, "out of memory for the recorder");
    const double warmup = ceil(job->record.warmup_ms / job->network->dt_ms - 1e-6);
    r->record = (cls_record){.world = *world,
                             .job = job,
                             .network = job->network,
                             .placement = placement,
                             .layout = layout,
                             .plastic = *plastic,
                             .directory = r->directory,
                             .members = job->members,
                             .steps = steps,
                             .reached = begin,
                             .continued = keeper != NULL,
                             .warmup_step = warmup > 0 && warmup < (double)steps ? (int64_t)warmup : 0};
  }
  status = cls_agree(world->comm, status);
  if (status == CLS_OK) status = prepare(r);
  if (status == CLS_OK) {
    status = open_files(r, keeper);
    r->failed = status != CLS_OK && status != CLS_ERR_INPUT;
  }
  if (status != CLS_OK) {
    cls_recorder_destroy(r);
    return status;
  }
  r->observer = (cls_observer){.self = r,
                               .spikes = see_spikes,
                               .watch = r->watches ? &r->watch.watch : NULL,
                               .counts = see_counts,
                               .volumes = see_volumes,
                               .marked = see_marked,
                               .next_look = next_look,
                               .look = look,
                               .flush_interval = r->record.flush_interval,
                               .flush = flush};
  *recorder = r;
  return CLS_OK;
}

cls_status cls_recorder_create(const cls_world *world, const cls_job *job, const cls_placement *placement,
                               const cls_layout *layout, const cls_plastic_lister *plastic,
                               const char *directory, int64_t steps, cls_recorder **recorder) {
  return create(world, job, placement, layout, plastic, directory, steps, 0, NULL, recorder);
}

cls_status cls_recorder_continue(const cls_world *world, const cls_job *job, const cls_placement *placement,
                                 const cls_layout *layout, const cls_plastic_lister *plastic,
                                 const char *directory, int64_t steps, int64_t begin,
                                 const cls_keeper *keeper, cls_recorder **recorder) {
  return create(world, job, placement, layout, plastic, directory, steps, begin, keeper, recorder);
}

const cls_observer *cls_recorder_observer(const cls_recorder *recorder) { return &recorder->observer; }

/* ---- the end ---- */

static cls_status close_files(cls_recorder *r, bool whole) {
  for (size_t i = 0; i < r->n_recordings; i++)
    if (r->recordings[i].close) CLS_TRY(r->recordings[i].close(r->recordings[i].self, whole));
  cls_record_files_unguard(&r->record, r->recordings, r->n_recordings);
  return CLS_OK;
}

static cls_status find_connectivity(cls_recorder *r, cls_statistics *statistics) {
  cls_connectivity *connectivity = NULL;
  const int members = r->record.members;
  cls_status status =
      cls_alloc(&connectivity, (size_t)members, sizeof *connectivity, "functional connectivity");
  status = cls_agree(r->record.world.comm, status);
  if (status == CLS_OK) status = cls_bold_file_connectivity(r->bold, connectivity);
  for (int m = 0; m < members && status == CLS_OK; m++) {
    statistics[m].fc_mean = connectivity[m].mean;
    statistics[m].sc_fc_r = connectivity[m].structure_r;
    statistics[m].fc_empirical_r = connectivity[m].measured_r;
    statistics[m].fc_seconds = connectivity[m].seconds;
  }
  free(connectivity);
  return status;
}

static cls_status finish_all(cls_recorder *r) {
  for (size_t i = 0; i < r->n_recordings; i++)
    if (r->recordings[i].finish) CLS_TRY(r->recordings[i].finish(r->recordings[i].self));
  return close_files(r, true);
}

cls_status cls_recorder_finish(cls_recorder *r, cls_statistics *statistics) {
  for (int m = 0; m < r->record.members; m++)
    statistics[m] = (cls_statistics){.fc_mean = NAN, .sc_fc_r = NAN, .fc_empirical_r = NAN, .fc_seconds = 0};
  CLS_CHECK(!r->failed, CLS_ERR_IO, "%s: a recording could not be written before", r->directory);
  CLS_TRY(cls_spike_statistics_finish(r->statistics, r->record.reached, statistics));
  cls_status status = r->bold ? find_connectivity(r, statistics) : CLS_OK;
  if (status == CLS_OK) status = finish_all(r);
  r->failed = status != CLS_OK;
  return status;
}

void cls_recorder_destroy(cls_recorder *r) {
  if (!r) return;
  if (r->opened && !r->failed) close_files(r, false);
  for (size_t i = 0; i < r->n_recordings; i++)
    if (r->recordings[i].self) r->recordings[i].free(r->recordings[i].self);
  for (size_t i = 0; i < r->n_recordings && r->rows; i++) cls_image_rows_free(&r->rows[i]);
  free(r->rows);
  if (r->lock >= 0) close(r->lock);
  cls_record_watch_destroy(&r->watch);
  cls_groups_destroy(&r->populations);
  cls_groups_destroy(&r->regions);
  free(r->recordings);
  free(r->directory);
  free(r);
}
