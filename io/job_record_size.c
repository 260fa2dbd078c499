/* How much a job will record, before it does. */
#include "io/job.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SPIKES, RATES, BOLD, CURRENTS, LFP, SPECTRA, NEURONS, N_FIXED };
static const char *const keys[N_FIXED] = {"spikes", "rates", "bold", "currents", "lfp", "spectra", "neurons"};

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

static double weight_bytes(const cls_job *job, const cls_weights *weights) {
  double synapses = 0;
  for (uint32_t i = 0; i < weights->n; i++)
    synapses +=
        cls_projection_expected_synapses(job->network, &job->network->projections[weights->projection[i]]);
  const double columns = 8 + 8 + 4 + 4 + 4; /* source, target, delay, projection, initial */
  synapses *= weights->sample;
  return series(job, weights->interval_ms, 4 * synapses) + 4 * synapses * job->members + columns * synapses;
}

/* In the order of `keys`, then the traces and the weights. */
static void fill(const cls_job *job, cls_recording_size *sizes) {
  const cls_record_options *record = &job->record;
  const double populations = job->network->n_populations, regions = job->network->n_regions;
  const double width = 4 * populations * most_receptors(job->network);
  sizes[SPIKES].bytes = 16 * spikes_of(job); /* a time and a neuron, 8 bytes each (SONATA) */
  sizes[RATES].bytes = series(job, record->rates_bin_ms, 4 * populations);
  sizes[BOLD].bytes = series(job, 1000 * record->bold_tr_s, 16 * regions);
  sizes[CURRENTS].bytes = series(job, record->currents_interval_ms, width);
  sizes[LFP].bytes = series(job, record->lfp_interval_ms, 4 * (regions > 0 ? regions : populations));
  if (record->spectra.n > 0)
    sizes[SPECTRA].bytes =
        (record->spectra_segment_ms / record->spectra_bin_ms / 2 + 1) * 8 * record->spectra.n * job->members;
  sizes[NEURONS].bytes = 20 * neurons_of(job->network, &record->neurons) * job->members;
  for (int i = 0; i < N_FIXED; i++) snprintf(sizes[i].name, sizeof sizes[i].name, "%s.h5", keys[i]);
  for (int i = 0; i < record->n_traces; i++) {
    cls_recording_size *size = &sizes[N_FIXED + i];
    snprintf(size->name, sizeof size->name, "trace_%s_*.h5", record->traces[i].name);
    size->bytes = trace_bytes(job, &record->traces[i]);
  }
  for (int i = 0; i < record->n_weights; i++) {
    cls_recording_size *size = &sizes[N_FIXED + record->n_traces + i];
    snprintf(size->name, sizeof size->name, "weights_%s.h5", record->weights[i].name);
    size->bytes = weight_bytes(job, &record->weights[i]);
  }
}

static int recordings(const cls_job *job) { return N_FIXED + job->record.n_traces + job->record.n_weights; }

cls_status cls_job_recording_sizes(const cls_job *job, cls_recording_size **sizes, int *n) {
  const int all = recordings(job);
  *n = 0;
  CLS_TRY(cls_alloc(sizes, (size_t)all, sizeof **sizes, "sizes of recordings"));
  fill(job, *sizes);
  for (int i = 0; i < all; i++)
    if ((*sizes)[i].bytes > 0) (*sizes)[(*n)++] = (*sizes)[i];
  return CLS_OK;
}

/* ---- the limit ---- */

/* Blames the first recording that alone is too large, else the largest. */
static int to_blame(const cls_recording_size *sizes, int n, double limit) {
  int largest = 0;
  for (int i = 0; i < n; i++) {
    if (sizes[i].bytes > limit) return i;
    if (sizes[i].bytes > sizes[largest].bytes) largest = i;
  }
  return largest;
}

static cls_status refuse(const cls_job *job, const cls_yaml *section, const cls_recording_size *sizes, int n,
                         double total) {
  const int worst = to_blame(sizes, n, job->record.max_gb * 1e9), listed = worst - N_FIXED;
  const cls_yaml *node = worst < N_FIXED ? cls_yaml_get(section, keys[worst])
                         : listed < job->record.n_traces
                             ? cls_yaml_get(section, "traces")->items[listed]
                             : cls_yaml_get(section, "weights")->items[listed - job->record.n_traces];
  if (worst == SPIKES)
    return cls_yaml_fail(
        node,
        "about %.3g spikes are expected, %.3g GB of %.3g GB in all, above record.max_gb %.10g: "
        "record fewer populations or raise record.max_gb",
        spikes_of(job), sizes[worst].bytes / 1e9, total / 1e9, job->record.max_gb);
  return cls_yaml_fail(
      node,
      "about %.3g GB of %.3g GB in all are expected, above record.max_gb %.10g: record less or "
      "raise record.max_gb",
      sizes[worst].bytes / 1e9, total / 1e9, job->record.max_gb);
}

cls_status cls_job_check_size(cls_job_reader *r, const cls_yaml *section) {
  const int n = recordings(r->job);
  cls_recording_size *sizes = NULL;
  double total = 0;
  CLS_TRY(cls_alloc(&sizes, (size_t)n, sizeof *sizes, "sizes of recordings"));
  fill(r->job, sizes);
  for (int i = 0; i < n; i++) total += sizes[i].bytes;
  const bool fits = total <= r->job->record.max_gb * 1e9;
  cls_status status = fits ? CLS_OK : refuse(r->job, section, sizes, n, total);
  free(sizes);
  return status;
}
