#include "callosum_build.h"
#include "io/json_numbers.h"
#include "jobs/run_profile.h"
#include "jobs/run_replay.h"
#include "jobs/summary_file.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The sections of the table of times, over ranks. Update and deliver are those of a rank's slowest thread;
 * what is not in any section (waiting for the slowest thread, looking after the loop) is `other`. */
enum { CREATE, CONNECT, UPDATE, DELIVER, EXCHANGE, WAIT, RECORD, SAVE, OTHER, N_SECTIONS };
static const char *const section_name[N_SECTIONS] = {"create", "connect", "update",     "deliver", "exchange",
                                                     "wait",   "record",  "checkpoint", "other"};

typedef struct {
  double min[N_SECTIONS], mean[N_SECTIONS], max[N_SECTIONS];
  int slowest[N_SECTIONS];
  uint64_t synapses, spikes, events, messages, packets, late_packets, sent_bytes, store_bytes, state_bytes,
      route_bytes;
  uint64_t events_now; /* of this part of a run that was continued */
  uint64_t peak_rss;
} totals;

static void gather(const cls_run *run, const cls_engine *engine, totals *t) {
  cls_engine_report r;
  cls_engine_measure(engine, &r);
  double time[N_SECTIONS] = {r.create_s,   r.connect_s, r.update_s, r.deliver_s,
                             r.exchange_s, r.wait_s,    r.record_s, 0};
  double known = 0;
  for (int s = UPDATE; s < OTHER; s++) known += time[s];
  time[OTHER] = run->simulate_s > known ? run->simulate_s - known : 0;
  uint64_t count[] = {r.synapses,    r.spikes,       r.events,        r.messages,
                      r.packets,     r.sent_bytes,   r.store_bytes,   r.state_bytes,
                      r.route_bytes, r.late_packets, r.spikes_before, r.events_before};
  enum { COUNTS = sizeof count / sizeof *count };
  uint64_t sum[COUNTS], rss = cls_peak_rss_bytes();
  MPI_Comm comm = run->world.comm;
  MPI_Allreduce(time, t->min, N_SECTIONS, MPI_DOUBLE, MPI_MIN, comm);
  MPI_Allreduce(time, t->mean, N_SECTIONS, MPI_DOUBLE, MPI_SUM, comm);
  MPI_Allreduce(time, t->max, N_SECTIONS, MPI_DOUBLE, MPI_MAX, comm);
  MPI_Allreduce(count, sum, COUNTS, MPI_UINT64_T, MPI_SUM, comm);
  MPI_Allreduce(&rss, &t->peak_rss, 1, MPI_UINT64_T, MPI_MAX, comm);
  for (int s = 0; s < N_SECTIONS; s++) t->mean[s] /= run->world.ranks;
  t->synapses = sum[0], t->spikes = sum[1], t->events = sum[2], t->messages = sum[3], t->packets = sum[4];
  t->sent_bytes = sum[5], t->store_bytes = sum[6], t->state_bytes = sum[7], t->route_bytes = sum[8];
  t->late_packets = sum[9];
  t->events_now = t->events;
  t->spikes += sum[10], t->events += sum[11];
}

static void print_table(const cls_run *run, const totals *t) {
  const cls_world *world = &run->world;
  cls_log(world, 1, "\n  section      min (s)  mean (s)   max (s)   share");
  for (int s = 0; s < N_SECTIONS; s++)
    cls_log(world, 1, "  %-10s %9.3f %9.3f %9.3f  %5.1f %%", section_name[s], t->min[s], t->mean[s],
            t->max[s], 100 * t->mean[s] / (run->build_s + run->simulate_s));
  double waits = t->max[WAIT] / (run->simulate_s > 0 ? run->simulate_s : 1);
  if (world->ranks > 1 && waits > 0.25)
    cls_log(world, 1,
            "note: a rank waits %.0f %% of the time for others: work is uneven or windows are short; "
            "compare partitions with `callosum partition JOB --ranks %d --method all`",
            100 * waits, world->ranks);
}

static void add_statistics(cJSON *o, const cls_statistics *s) {
  cls_summary_number(o, "mean_rate_hz", s->mean_rate_hz);
  cls_summary_number(o, "rate_min_hz", s->rate_min_hz);
  cls_summary_number(o, "rate_max_hz", s->rate_max_hz);
  cls_summary_number(o, "isi_cv_median", s->isi_cv_median);
  cls_summary_number(o, "spike_correlation_mean", s->spike_correlation_mean);
  cls_summary_number(o, "fc_mean", s->fc_mean);
  cls_summary_number(o, "sc_fc_r", s->sc_fc_r);
  cls_summary_number(o, "fc_empirical_r", s->fc_empirical_r);
  cls_summary_number(o, "fc_seconds", s->fc_seconds);
}

/* Hashes of spikes and of plastic weights, per member; how many such weights there are. */
typedef struct {
  uint64_t *spikes, *weights, plastic;
} digests;

/* Digest and statistics of each member of an ensemble. */
static void add_members(cJSON *o, int members, const uint64_t *digest, const cls_statistics *s) {
  cJSON *list = cJSON_AddArrayToObject(o, "digests");
  cJSON *statistics = cJSON_AddArrayToObject(o, "members_statistics");
  for (int m = 0; list && statistics && m < members; m++) {
    char text[20];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)digest[m]);
    cJSON_AddItemToArray(list, cJSON_CreateString(text));
    cJSON *member = cJSON_CreateObject();
    add_statistics(member, &s[m]);
    cJSON_AddItemToArray(statistics, member);
  }
}

/* Weights of plastic synapses at the end, of each member. */
static void add_weights(cJSON *o, int members, const uint64_t *weights, uint64_t plastic) {
  cls_json_count(o, "plastic_synapses", plastic);
  cJSON *list = plastic > 0 ? cJSON_AddArrayToObject(o, "weights_digests") : NULL;
  for (int m = 0; list && m < members; m++) {
    char text[20];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)weights[m]);
    cJSON_AddItemToArray(list, cJSON_CreateString(text));
  }
}

static void add_replay(cJSON *o, const cls_replay *replay) {
  cJSON *of = cJSON_AddObjectToObject(o, "hyperparameters");
  cJSON_AddStringToObject(of, "file", replay->file);
  cls_json_count(of, "cycles", replay->cycles);
  cls_summary_number(of, "tr_s", replay->tr_s);
  cJSON_AddStringToObject(of, replay->fixed ? "fixed" : "after", replay->how);
}

/* Seconds of biology that this run computed, without those before the checkpoint it was continued from. */
static double biology_now(const cls_run *run) {
  return (double)(run->reached - run->begin) * run->job->dt_ms * 1e-3;
}

static cJSON *make_json(const cls_run *run, const totals *t, const digests *d, const cls_statistics *s) {
  const uint64_t *digest = d->spikes;
  const cls_job *job = run->job;
  double biology = (double)run->reached * job->dt_ms * 1e-3;
  double synapses = t->synapses > 0 ? (double)t->synapses : NAN;
  cJSON *o = cJSON_CreateObject();
  if (!o) return NULL;
  cJSON_AddStringToObject(o, "status", run->interrupted ? "interrupted" : "done");
  cJSON_AddStringToObject(o, "job", job->path);
  cls_json_hex(o, "job_hash", job->hash);
  cls_json_hex(o, "science_hash", run->science_hash);
  cls_json_count(o, "neurons", run->neurons);
  cls_json_count(o, "synapses", t->synapses);
  cls_summary_number(o, "bytes_per_synapse", (double)t->store_bytes / synapses);
  cls_summary_number(o, "bytes_per_neuron", (double)t->state_bytes / (double)run->neurons);
  cls_json_count(o, "route_bytes", t->route_bytes);
  cls_json_count(o, "peak_rss_bytes", t->peak_rss);
  cls_summary_number(o, "build_s", run->build_s);
  cls_summary_number(o, "simulate_s", run->simulate_s);
  cls_summary_number(o, "biological_s", biology);
  cls_summary_number(o, "real_time_factor", run->simulate_s / biology_now(run));
  if (run->begin > 0) cls_json_count(o, "restarted_from_step", (uint64_t)run->begin);
  cls_summary_number(o, "checkpoints", run->checkpoints);
  cls_summary_number(o, "checkpoint_s", run->checkpoint_s);
  cls_json_count(o, "checkpoint_bytes", run->checkpoint_bytes);
  cls_json_count(o, "spikes", t->spikes);
  cls_json_count(o, "events", t->events);
  cls_summary_number(o, "events_per_s", (double)t->events_now / run->simulate_s);
  cls_json_count(o, "messages", t->messages);
  cls_json_count(o, "packets", t->packets);
  cls_json_count(o, "late_packets", t->late_packets);
  cls_json_count(o, "sent_bytes", t->sent_bytes);
  add_statistics(o, s);
  cls_summary_number(o, "warmup_ms", job->record.warmup_ms);
  cls_json_hex(o, "digest", digest[0]);
  if (run->replay) add_replay(o, run->replay);
  if (job->members > 1) add_members(o, job->members, digest, s);
  add_weights(o, job->members, d->weights, d->plastic);
  cls_summary_number(o, "members", job->members);
  cls_summary_number(o, "ranks", run->world.ranks);
  cls_summary_number(o, "threads", run->world.threads);
  cJSON_AddStringToObject(o, "backend", run->backend->name);
  cJSON_AddStringToObject(o, "partition", job->partition_method);
  cls_summary_number(o, "dt_ms", job->dt_ms);
  cls_json_count(o, "seed", job->seed);
  cJSON_AddStringToObject(o, "version", CLS_VERSION);
  cJSON_AddStringToObject(o, "git", CALLOSUM_GIT);
  cJSON *timing = cJSON_AddObjectToObject(o, "timing");
  for (int k = 0; timing && k < N_SECTIONS; k++) {
    cJSON *section = cJSON_AddObjectToObject(timing, section_name[k]);
    cls_summary_number(section, "min", t->min[k]);
    cls_summary_number(section, "mean", t->mean[k]);
    cls_summary_number(section, "max", t->max[k]);
  }
  return o;
}

/* Over which rates the members of an ensemble spread. */
static void print_members(const cls_run *run, const cls_statistics *s) {
  double least = s->mean_rate_hz, most = least;
  for (int m = 1; m < run->job->members; m++) {
    least = fmin(least, s[m].mean_rate_hz);
    most = fmax(most, s[m].mean_rate_hz);
  }
  cls_log(&run->world, 1, "  this is member 0; mean rates of the %d members: %.3f to %.3f Hz",
          run->job->members, least, most);
}

static void print_summary(const cls_run *run, const totals *t, const digests *d, const cls_statistics *s) {
  const cls_world *world = &run->world;
  double biology = (double)run->reached * run->job->dt_ms * 1e-3;
  cls_log(world, 1, "\n%s%.4g s of biology in %.2f s (real-time factor %.3f), built in %.2f s",
          run->interrupted ? "INTERRUPTED after " : "", biology, run->simulate_s,
          run->simulate_s / biology_now(run), run->build_s);
  if (run->begin > 0)
    cls_log(world, 1, "  of it %.4g s now, the rest before the checkpoint it was continued from",
            biology_now(run));
  if (run->checkpoints > 0)
    cls_log(world, 1, "  %d checkpoint%s in %.2f s, the last of %.3g GB", run->checkpoints,
            run->checkpoints == 1 ? "" : "s", run->checkpoint_s, (double)run->checkpoint_bytes * 1e-9);
  cls_log(world, 1, "  %llu neurons, %llu synapses (%.2f bytes each), peak memory of a rank %.3g GB",
          (unsigned long long)run->neurons, (unsigned long long)t->synapses,
          t->synapses ? (double)t->store_bytes / (double)t->synapses : 0.0, (double)t->peak_rss * 1e-9);
  cls_log(world, 1, "  %llu spikes, %.4g events (%.3g per second), %llu spikes sent in %llu packets",
          (unsigned long long)t->spikes, (double)t->events, (double)t->events_now / run->simulate_s,
          (unsigned long long)t->messages, (unsigned long long)t->packets);
  cls_log(world, 1,
          "  mean rate %.3f Hz (%.3f to %.3f), median CV of intervals %.3f, mean spike correlation %.4f",
          s->mean_rate_hz, s->rate_min_hz, s->rate_max_hz, s->isi_cv_median, s->spike_correlation_mean);
  if (isfinite(s->fc_mean)) {
    cls_log(world, 1,
            "  functional connectivity %.3f, its correlation with the structural one %.3f (%.0f s of BOLD%s)",
            s->fc_mean, s->sc_fc_r, s->fc_seconds,
            s->fc_seconds < 200 ? ": TOO SHORT to be trusted, expected at least 200 s" : "");
    if (isfinite(s->fc_empirical_r))
      cls_log(world, 1, "  correlation with the empirical functional connectivity %.3f", s->fc_empirical_r);
  }
  if (run->job->members > 1) print_members(run, s);
  for (int m = 0; m < run->job->members; m++)
    cls_log(world, m == 0 ? 0 : 1, m == 0 ? "digest %016llx" : "digest %016llx of member %d",
            (unsigned long long)d->spikes[m], m);
  for (int m = 0; d->plastic > 0 && m < run->job->members; m++)
    cls_log(world, 1, "digest of %llu weights %016llx of member %d", (unsigned long long)d->plastic,
            (unsigned long long)d->weights[m], m);
}

cls_status cls_run_summarise(const cls_run *run, const cls_engine *engine, const cls_statistics *statistics) {
  totals t;
  digests d = {0};
  cls_run_profile profile;
  const size_t members = (size_t)run->job->members;
  gather(run, engine, &t);
  cls_run_profile_gather(run, engine, &profile);
  CLS_TRY(cls_alloc(&d.spikes, members, sizeof *d.spikes, "digests"));
  CLS_TRY(cls_alloc(&d.weights, members, sizeof *d.weights, "digests"));
  for (int m = 0; m < run->job->members; m++) {
    CLS_TRY(cls_engine_digest(engine, m, &d.spikes[m]));
    CLS_TRY(cls_engine_weights_digest(engine, m, &d.weights[m], &d.plastic));
  }
  print_table(run, &t);
  if (run->profile) cls_run_profile_print(run, &profile);
  print_summary(run, &t, &d, statistics);
  cls_status status = CLS_OK;
  if (run->world.rank == 0) {
    cJSON *json = make_json(run, &t, &d, statistics);
    if (json) cls_run_profile_add(json, &profile);
    status = cls_summary_write(run->directory, json);
    cJSON_Delete(json);
  }
  free(d.spikes);
  free(d.weights);
  return status;
}
