/* The recorder: hands what the engine shows to the recordings the job asks for, and to the statistics. */
#include "io/bold_file.h"
#include "io/current_file.h"
#include "io/rate_file.h"
#include "io/spike_file.h"
#include "io/spike_statistics.h"
#include <math.h>
#include <stdlib.h>

/* Counts that wait for a flush take at most this much memory of a rank: more frequent flushes see to it. */
#define WAITING_BYTES (192.0 * 1024 * 1024)

/* Waiting for the disk takes tens of milliseconds where writing takes a few. At the first flush and then,
 * after every wait, not again for this many times as long: at most 2 % of a run waits for disks. */
#define SYNC_PAUSE 50

struct cls_recorder_ {
  cls_record record;
  char *directory;
  cls_groups populations, regions; /* regions: only where there are some */
  cls_spike_file *spikes;          /* NULL: not recorded; so the following */
  cls_rate_file *rates;
  cls_bold_file *bold;
  cls_current_file *currents;
  cls_spike_statistics *statistics;
  cls_observer observer;
  double synced_s;    /* rank 0: when a flush last went through to the disk, */
  double sync_cost_s; /* and how long that took */
  bool failed;        /* a file could not be written: nothing may be closed any more (io/hdf5_file.h) */
};

static cls_status see_spikes(void *self, int member, const cls_spikes *spikes) {
  cls_recorder *r = self;
  if (r->spikes) CLS_TRY(cls_spike_file_add(r->spikes, member, spikes));
  if (r->rates) CLS_TRY(cls_rate_file_add(r->rates, member, spikes));
  if (r->bold) CLS_TRY(cls_bold_file_add(r->bold, member, spikes));
  return member == 0 ? cls_spike_statistics_add(r->statistics, spikes) : CLS_OK;
}

static int64_t next_look(void *self, int64_t now) {
  const int64_t interval = cls_current_file_interval(((const cls_recorder *)self)->currents);
  return (now / interval + 1) * interval;
}

static cls_status look(void *self, int member, int64_t step, cls_view *view) {
  const int64_t *sums;
  CLS_TRY(cls_view_currents(view, &sums));
  return cls_current_file_add(((cls_recorder *)self)->currents, member, step, sums);
}

static cls_status flush_all(cls_recorder *r, int64_t step) {
  if (r->spikes) CLS_TRY(cls_spike_file_flush(r->spikes, step));
  if (r->rates) CLS_TRY(cls_rate_file_flush(r->rates, step));
  if (r->bold) CLS_TRY(cls_bold_file_flush(r->bold, step));
  if (r->currents) CLS_TRY(cls_current_file_flush(r->currents, step));
  return cls_spike_statistics_flush(r->statistics, step);
}

static cls_status flush(void *self, int64_t step) {
  cls_recorder *r = self;
  if (r->failed) return cls_fail(CLS_ERR_IO, "%s: a recording could not be written before", r->directory);
  const double begun = cls_seconds();
  int sync = begun - r->synced_s >= SYNC_PAUSE * r->sync_cost_s;
  MPI_Bcast(&sync, 1, MPI_INT, 0, r->record.world.comm);
  r->record.sync = sync != 0;
  r->record.reached = step;
  const cls_status status = flush_all(r, step);
  r->failed = status != CLS_OK;
  if (sync) {
    r->synced_s = cls_seconds();
    r->sync_cost_s = r->synced_s - begun;
  }
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

/* Steps between flushes: record.flush_ms, less where counts would take too much memory. Collective. */
static cls_status choose_flush_interval(cls_recorder *r) {
  const cls_record_options *options = &r->record.job->record;
  const double dt = r->record.network->dt_ms, members = r->record.members;
  double per_ms = 0, most = 0; /* bytes that wait for each ms of biology */
  if (options->rates_bin_ms > 0) per_ms += r->populations.n_slots / options->rates_bin_ms;
  if (options->bold_tr_s > 0) per_ms += r->regions.n_slots;
  if (options->currents_interval_ms > 0)
    per_ms += (double)r->populations.n_slots * CLS_MAX_RECEPTORS / options->currents_interval_ms;
  per_ms *= 4 * sizeof(int64_t) * members; /* waiting, packed, received, summed */
  MPI_Allreduce(&per_ms, &most, 1, MPI_DOUBLE, MPI_MAX, r->record.world.comm);
  CLS_TRY(cls_record_steps(&r->record, "record.flush_ms", options->flush_ms, 1, &r->record.flush_interval));
  if (most * dt * (double)r->record.flush_interval > WAITING_BYTES)
    r->record.flush_interval = (int64_t)(WAITING_BYTES / (most * dt));
  if (r->record.flush_interval < 1) r->record.flush_interval = 1;
  return CLS_OK;
}

/* Everything but the files: what may be refused is refused here. Collective. */
static cls_status prepare(cls_recorder *r) {
  const cls_record_options *options = &r->record.job->record;
  const MPI_Comm comm = r->record.world.comm;
  CLS_TRY(cls_agree(comm, make_groups(r)));
  CLS_TRY(choose_flush_interval(r));
  cls_status status = CLS_OK;
  if (options->spikes != CLS_SPIKES_NONE) status = cls_spike_file_create(&r->record, &r->spikes);
  if (status == CLS_OK && options->rates_bin_ms > 0)
    status = cls_rate_file_create(&r->record, &r->populations, &r->rates);
  if (status == CLS_OK && options->currents_interval_ms > 0)
    status = cls_current_file_create(&r->record, &r->populations, &r->currents);
  if (status == CLS_OK)
    status = cls_spike_statistics_create(
        &r->record, r->record.network->n_regions > 0 ? &r->regions : &r->populations, &r->statistics);
  if (status == CLS_OK && options->bold_tr_s > 0)
    status = cls_bold_file_create(&r->record, &r->regions, &r->bold);
  return cls_agree(comm, status);
}

static cls_status open_files(cls_recorder *r) {
  if (r->spikes) CLS_TRY(cls_spike_file_open(r->spikes));
  if (r->rates) CLS_TRY(cls_rate_file_open(r->rates));
  if (r->bold) CLS_TRY(cls_bold_file_open(r->bold));
  if (r->currents) CLS_TRY(cls_current_file_open(r->currents));
  return CLS_OK;
}

static void fill_observer(cls_recorder *r) {
  r->observer = (cls_observer){
      .self = r, .spikes = see_spikes, .flush = flush, .flush_interval = r->record.flush_interval};
  if (!r->currents) return;
  r->observer.next_look = next_look;
  r->observer.look = look;
}

cls_status cls_recorder_create(const cls_world *world, const cls_job *job, const cls_placement *placement,
                               const cls_layout *layout, const char *directory, int64_t steps,
                               cls_recorder **recorder) {
  cls_recorder *r = NULL;
  *recorder = NULL;
  cls_status status = cls_alloc(&r, 1, sizeof *r, "recorder");
  if (status == CLS_OK) {
    r->directory = cls_format("%s", directory);
    if (!r->directory) status = cls_fail(CLS_ERR_MEMORY, "out of memory for the recorder");
    const double warmup = ceil(job->record.warmup_ms / job->network->dt_ms - 1e-6);
    r->record = (cls_record){.world = *world,
                             .job = job,
                             .network = job->network,
                             .placement = placement,
                             .layout = layout,
                             .directory = r->directory,
                             .members = job->members,
                             .steps = steps,
                             .warmup_step = warmup > 0 && warmup < (double)steps ? (int64_t)warmup : 0};
  }
  status = cls_agree(world->comm, status);
  if (status == CLS_OK) status = prepare(r);
  if (status == CLS_OK) {
    status = open_files(r);
    r->failed = status != CLS_OK && status != CLS_ERR_INPUT;
  }
  if (status != CLS_OK) {
    cls_recorder_destroy(r);
    return status;
  }
  fill_observer(r);
  *recorder = r;
  return CLS_OK;
}

const cls_observer *cls_recorder_observer(const cls_recorder *recorder) { return &recorder->observer; }

/* ---- the end ---- */

static cls_status close_files(cls_recorder *r, bool whole) {
  if (r->spikes) CLS_TRY(cls_spike_file_close(r->spikes, whole));
  if (r->rates) CLS_TRY(cls_rate_file_close(r->rates, whole));
  if (r->bold) CLS_TRY(cls_bold_file_close(r->bold, whole));
  if (r->currents) CLS_TRY(cls_current_file_close(r->currents, whole));
  return CLS_OK;
}

cls_status cls_recorder_finish(cls_recorder *r, cls_statistics *statistics) {
  *statistics = (cls_statistics){.fc_mean = NAN, .sc_fc_r = NAN, .fc_empirical_r = NAN, .fc_seconds = 0};
  CLS_CHECK(!r->failed, CLS_ERR_IO, "%s: a recording could not be written before", r->directory);
  CLS_TRY(cls_spike_statistics_finish(r->statistics, r->record.reached, statistics));
  if (r->bold) {
    cls_connectivity connectivity;
    CLS_TRY(cls_bold_file_connectivity(r->bold, &connectivity));
    statistics->fc_mean = connectivity.mean;
    statistics->sc_fc_r = connectivity.structure_r;
    statistics->fc_empirical_r = connectivity.measured_r;
    statistics->fc_seconds = connectivity.seconds;
  }
  const cls_status status = close_files(r, true);
  r->failed = status != CLS_OK;
  return status;
}

void cls_recorder_destroy(cls_recorder *r) {
  if (!r) return;
  if (!r->failed) close_files(r, false);
  cls_spike_file_free(r->spikes);
  cls_rate_file_free(r->rates);
  cls_bold_file_free(r->bold);
  cls_current_file_free(r->currents);
  cls_spike_statistics_free(r->statistics);
  cls_groups_destroy(&r->populations);
  cls_groups_destroy(&r->regions);
  free(r->directory);
  free(r);
}
