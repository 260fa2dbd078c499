/* How much a job will record, before it does. */
#include "io/job.h"
#include <math.h>
#include <stdlib.h>

/* A recording and the bytes it is expected to take. */
typedef struct {
  const cls_yaml *node;
  double bytes;
} share;

enum { SPIKES, RATES, BOLD, CURRENTS, LFP, SPECTRA, NEURONS, N_FIXED };

/* A series of `bytes` per member and 8 for the time, at every interval. */
static double series(const cls_job *job, double interval_ms, double bytes) {
  if (!(interval_ms > 0)) return 0;
  return floor(job->duration_ms / interval_ms * (1 + 1e-12)) * (bytes * job->members + 8);
}

static double neurons_of(const cls_network *network, const cls_chosen *chosen) {
  double n = 0;
  for (uint32_t i = 0; i < chosen->n; i++) n += (double)network->populations[chosen->population[i]].n;
  return n;
}

static double spikes_of(const cls_job *job) {
  double rate = 0;
  for (uint32_t i = 0; i < job->record.spikes.n; i++) {
    const cls_population *p = &job->network->populations[job->record.spikes.population[i]];
    rate += (double)p->n * p->rate_hz;
  }
  return rate * job->duration_ms / 1000 * job->members;
}

static double most_receptors(const cls_network *network) {
  int most = 0;
  for (uint32_t p = 0; p < network->n_populations; p++)
    if (network->populations[p].model->n_receptors > most) most = network->populations[p].model->n_receptors;
  return most;
}

static double trace_bytes(const cls_job *job, const cls_trace *trace) {
  double neurons = 0;
  for (uint32_t i = 0; i < trace->populations.n; i++)
    neurons += (double)cls_trace_neurons(trace, job->network, trace->populations.population[i]);
  const double mapping = 8 + 8 + 4 + 8; /* node, pointer, element, position */
  return trace->n_variables *
         (series(job, trace->interval_ms, 4 * neurons) + mapping * neurons * job->members);
}

static void fill(const cls_job *job, const cls_yaml *section, share *shares) {
  static const char *const keys[N_FIXED] = {"spikes", "rates",   "bold",   "currents",
                                            "lfp",    "spectra", "neurons"};
  const cls_record_options *record = &job->record;
  const cls_network *network = job->network;
  const double populations = network->n_populations, regions = network->n_regions;
  for (int i = 0; i < N_FIXED; i++) shares[i].node = cls_yaml_get(section, keys[i]);
  shares[SPIKES].bytes = 16 * spikes_of(job); /* a time and a neuron, 8 bytes each (SONATA) */
  shares[RATES].bytes = series(job, record->rates_bin_ms, 4 * populations);
  shares[BOLD].bytes = series(job, 1000 * record->bold_tr_s, 16 * regions);
  shares[CURRENTS].bytes =
      series(job, record->currents_interval_ms, 4 * populations * most_receptors(network));
  shares[LFP].bytes = series(job, record->lfp_interval_ms, 4 * (regions > 0 ? regions : populations));
  if (record->spectra.n > 0)
    shares[SPECTRA].bytes =
        (record->spectra_segment_ms / record->spectra_bin_ms / 2 + 1) * 8 * record->spectra.n * job->members;
  shares[NEURONS].bytes = 20 * neurons_of(network, &record->neurons) * job->members;
  for (int i = 0; i < record->n_traces; i++)
    shares[N_FIXED + i] = (share){.node = cls_yaml_get(section, "traces")->items[i],
                                  .bytes = trace_bytes(job, &record->traces[i])};
}

/* Blames the first recording that alone is too large, else the largest. */
static const share *to_blame(const share *shares, int n, double limit) {
  const share *largest = &shares[0];
  for (int i = 0; i < n; i++) {
    if (shares[i].bytes > limit) return &shares[i];
    if (shares[i].bytes > largest->bytes) largest = &shares[i];
  }
  return largest;
}

static cls_status refuse(const cls_job *job, const share *shares, int n, double total) {
  const double limit = job->record.max_gb * 1e9;
  const share *worst = to_blame(shares, n, limit);
  if (worst == &shares[SPIKES])
    return cls_yaml_fail(
        worst->node,
        "about %.3g spikes are expected, %.3g GB of %.3g GB in all, above record.max_gb %.10g: "
        "record fewer populations or raise record.max_gb",
        spikes_of(job), worst->bytes / 1e9, total / 1e9, job->record.max_gb);
  return cls_yaml_fail(
      worst->node,
      "about %.3g GB of %.3g GB in all are expected, above record.max_gb %.10g: record less or "
      "raise record.max_gb",
      worst->bytes / 1e9, total / 1e9, job->record.max_gb);
}

cls_status cls_job_check_size(cls_job_reader *r, const cls_yaml *section) {
  const cls_job *job = r->job;
  const int n = N_FIXED + job->record.n_traces;
  share *shares = NULL;
  double total = 0;
  CLS_TRY(cls_alloc(&shares, (size_t)n, sizeof *shares, "sizes of recordings"));
  fill(job, section, shares);
  for (int i = 0; i < n; i++) total += shares[i].bytes;
  cls_status status = total > job->record.max_gb * 1e9 ? refuse(job, shares, n, total) : CLS_OK;
  free(shares);
  return status;
}
