/* Section `record:`: what is written down. */
#include "io/job.h"
#include "io/selection.h"
#include "io/welch.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  double warmup_ms, max_gb, flush_ms;
  const cls_yaml *spikes, *rates, *bold, *currents, *lfp, *spectra, *neurons, *traces, *weights,
      *empirical_bold;
} fields;

static const cls_key keys[] = {
    {"warmup_ms", CLS_KEY_NUMBER, offsetof(fields, warmup_ms), .unit = "ms", .min = 0, .max = 1e12,
     .doc = "biology left out of statistics; 20000 where BOLD is recorded, else 500"},
    {"spikes", CLS_KEY_ANY, offsetof(fields, spikes), .initial = "none",
     .doc = "none, all, or a selection of populations"},
    {"rates", CLS_KEY_MAP, offsetof(fields, rates), .doc = "rates of populations"},
    {"bold", CLS_KEY_MAP, offsetof(fields, bold), .doc = "BOLD signal of regions"},
    {"currents", CLS_KEY_MAP, offsetof(fields, currents), .doc = "synaptic currents, means over populations"},
    {"lfp", CLS_KEY_MAP, offsetof(fields, lfp),
     .doc = "proxies of the local field potential, from synaptic currents"},
    {"spectra", CLS_KEY_MAP, offsetof(fields, spectra), .doc = "power spectra of rates of populations"},
    {"neurons", CLS_KEY_ANY, offsetof(fields, neurons),
     .doc = "spike counts and irregularity of every neuron: none, all, or a selection of populations"},
    {"traces", CLS_KEY_LIST, offsetof(fields, traces), .doc = "states of chosen neurons"},
    {"weights", CLS_KEY_LIST, offsetof(fields, weights), .doc = "weights of plastic synapses"},
    {"max_gb", CLS_KEY_NUMBER, offsetof(fields, max_gb), .unit = "GB", .initial = "4", .min = 0, .max = 1e9,
     .doc = "recordings expected to be larger are refused"},
    {"flush_ms", CLS_KEY_NUMBER, offsetof(fields, flush_ms), .unit = "ms", .initial = "1000", .min = 0,
     .max = 1e9, .above_min = true, .doc = "biology between flushes of the files; a multiple of dt_ms"},
    {"empirical_bold", CLS_KEY_ANY, offsetof(fields, empirical_bold),
     .doc = "file with measured BOLD to compare functional connectivity with, or {file: PATH, ...}"},
};
const cls_schema cls_schema_record = {"record", "What is written down.", keys, CLS_KEYS(keys)};

static const cls_key rates_keys[] = {{"bin_ms", CLS_KEY_NUMBER, 0, .unit = "ms", .initial = "1", .min = 0,
                                      .max = 1e9, .above_min = true,
                                      .doc = "width of a bin; a multiple of dt_ms"}};
static const cls_key bold_keys[] = {{"tr_s", CLS_KEY_NUMBER, 0, .unit = "s", .initial = "0.8", .min = 0,
                                     .max = 1e6, .above_min = true,
                                     .doc = "time between samples; a multiple of 1 ms"}};
static const cls_key currents_keys[] = {{"interval_ms", CLS_KEY_NUMBER, 0, .unit = "ms", .initial = "1",
                                         .min = 0, .max = 1e9, .above_min = true,
                                         .doc = "time between samples; a multiple of dt_ms"}};
static const cls_key lfp_keys[] = {{"interval_ms", CLS_KEY_NUMBER, 0, .unit = "ms", .initial = "1", .min = 0,
                                    .max = 1e9, .above_min = true,
                                    .doc = "time between samples; a multiple of dt_ms"}};
typedef struct {
  double bin_ms, segment_ms;
  const cls_yaml *on;
} spectra_fields;
static const cls_key spectra_keys[] = {
    {"bin_ms", CLS_KEY_NUMBER, offsetof(spectra_fields, bin_ms), .unit = "ms", .initial = "1", .min = 0,
     .max = 1e9, .above_min = true, .doc = "width of a bin of the rate; a multiple of dt_ms"},
    {"segment_ms", CLS_KEY_NUMBER, offsetof(spectra_fields, segment_ms), .unit = "ms", .initial = "1000",
     .min = 0, .max = 1e9, .above_min = true,
     .doc = "length of a segment, a multiple of bin_ms: frequencies are multiples of 1 / segment"},
    {"on", CLS_KEY_ANY, offsetof(spectra_fields, on), .initial = "all",
     .doc = "all, or a selection of populations"},
};
const cls_schema cls_schema_rates = {"record.rates", "Spikes per bin.", rates_keys, 1};
const cls_schema cls_schema_bold = {"record.bold", "The Balloon model of every region.", bold_keys, 1};
const cls_schema cls_schema_currents = {"record.currents", "Means over populations.", currents_keys, 1};
const cls_schema cls_schema_lfp = {"record.lfp", "Sums of currents of excitatory neurons.", lfp_keys, 1};
const cls_schema cls_schema_spectra = {"record.spectra", "Welch's method, while the run goes on.",
                                       spectra_keys, CLS_KEYS(spectra_keys)};

/* One number in a mapping of its own; *value stays 0 where the mapping is absent. */
static cls_status read_interval(cls_job_reader *r, const cls_yaml *section, const cls_key *key, double factor,
                                double unit, const char *unit_name, double *value) {
  if (!section) return CLS_OK;
  CLS_TRY(cls_schema_read(r->tree, section, key, 1, value));
  double rounded = *value * factor;
  CLS_TRY(cls_job_multiple(section, key->name, &rounded, unit, unit_name));
  /* What was written stays as it was written; only a default may have moved. */
  if (!cls_yaml_get(section, key->name)) *value = rounded / factor;
  return CLS_OK;
}

static cls_status read_bold(cls_job_reader *r, const cls_yaml *bold, cls_record_options *record) {
  if (!bold) return CLS_OK;
  CLS_TRY(read_interval(r, bold, bold_keys, 1000, 1, "1 ms, the step of the Balloon model in ms",
                        &record->bold_tr_s));
  double steps = 1 / r->job->dt_ms;
  if (!(fabs(steps - rint(steps)) < 1e-6 && steps > 0.5))
    return cls_yaml_fail(
        bold,
        "BOLD steps by 1 ms, and simulation.dt_ms %.10g does not divide 1 ms: expected 1, 0.5, "
        "0.25, 0.2, 0.1 ...",
        r->job->dt_ms);
  if (!cls_yaml_get(r->root, "brain"))
    return cls_yaml_fail(
        bold, "BOLD is a signal of regions, and populations that are written out have none: expected a "
              "job with a section 'brain'");
  return CLS_OK;
}

static cls_status read_spectra(cls_job_reader *r, const cls_yaml *spectra, cls_record_options *record) {
  spectra_fields f;
  if (!spectra) return CLS_OK;
  CLS_TRY(cls_schema_read(r->tree, spectra, spectra_keys, CLS_KEYS(spectra_keys), &f));
  CLS_TRY(cls_job_multiple(spectra, "bin_ms", &f.bin_ms, r->job->dt_ms, "simulation.dt_ms"));
  CLS_TRY(cls_job_multiple(spectra, "segment_ms", &f.segment_ms, f.bin_ms, "bin_ms"));
  if (f.segment_ms < 1.5 * f.bin_ms || f.segment_ms > CLS_WELCH_MAX * f.bin_ms)
    return cls_yaml_fail(cls_yaml_get(spectra, cls_yaml_get(spectra, "segment_ms") ? "segment_ms" : "bin_ms"),
                         "a segment of %.10g ms: expected 2 to %d bins of %.10g ms", f.segment_ms,
                         CLS_WELCH_MAX, f.bin_ms);
  record->spectra_bin_ms = f.bin_ms;
  record->spectra_segment_ms = f.segment_ms;
  return CLS_OK;
}

cls_status cls_job_read_record(cls_job_reader *r) {
  cls_record_options *record = &r->job->record;
  const cls_yaml *section;
  fields f = {.warmup_ms = -1};
  CLS_TRY(cls_yaml_section(r->tree, r->root, "record", &section));
  CLS_TRY(cls_schema_read(r->tree, section, keys, CLS_KEYS(keys), &f));
  CLS_TRY(cls_job_multiple(section, "flush_ms", &f.flush_ms, r->job->dt_ms, "simulation.dt_ms"));
  record->max_gb = f.max_gb;
  record->flush_ms = f.flush_ms;
  record->warmup_ms = f.warmup_ms >= 0 ? f.warmup_ms : f.bold ? 20000 : 500;
  CLS_TRY(read_interval(r, f.rates, rates_keys, 1, r->job->dt_ms, "simulation.dt_ms", &record->rates_bin_ms));
  CLS_TRY(read_interval(r, f.currents, currents_keys, 1, r->job->dt_ms, "simulation.dt_ms",
                        &record->currents_interval_ms));
  CLS_TRY(read_interval(r, f.lfp, lfp_keys, 1, r->job->dt_ms, "simulation.dt_ms", &record->lfp_interval_ms));
  CLS_TRY(read_spectra(r, f.spectra, record));
  CLS_TRY(read_bold(r, f.bold, record));
  if (!f.empirical_bold) return CLS_OK;
  if (!f.bold)
    return cls_yaml_fail(f.empirical_bold, "is compared with simulated BOLD: expected record.bold beside it");
  return cls_job_read_empirical(r, f.empirical_bold);
}

cls_status cls_job_check_files(cls_job_reader *r) {
  const char *path = r->job->record.empirical_bold;
  if (!path || access(path, R_OK) == 0) return CLS_OK;
  return cls_yaml_fail(r->empirical_file, "%s cannot be read: %s", path, strerror(errno));
}

/* ---- what the finished network decides ---- */

static bool is_word(const cls_yaml *node, const char *word) {
  return node->kind == CLS_YAML_SCALAR && strcmp(node->text, word) == 0;
}

static cls_status choose_all(cls_job_reader *r, cls_chosen *chosen) {
  const uint32_t all = r->job->network->n_populations;
  chosen->wanted = true;
  CLS_TRY(cls_alloc(&chosen->population, all, sizeof *chosen->population, "chosen populations"));
  for (uint32_t p = 0; p < all; p++) chosen->population[chosen->n++] = p;
  return CLS_OK;
}

/* none, all, or a selection. */
static cls_status choose(cls_job_reader *r, const cls_yaml *node, cls_chosen *chosen) {
  if (!node || is_word(node, "none") || (node->kind == CLS_YAML_LIST && node->n == 0)) return CLS_OK;
  if (is_word(node, "all")) return choose_all(r, chosen);
  chosen->wanted = true;
  return cls_selection_find(r, node, &chosen->population, &chosen->n);
}

/* As above, but a recording of nobody is refused. */
static cls_status choose_some(cls_job_reader *r, const cls_yaml *node, cls_chosen *chosen) {
  CLS_TRY(choose(r, node, chosen));
  if (chosen->wanted && chosen->n == 0)
    return cls_yaml_fail(node, "selects no population: expected at least one of %u",
                         r->job->network->n_populations);
  return CLS_OK;
}

/* Biology that statistics look at. */
static double measured_ms(const cls_job *job) {
  const bool shorter = job->duration_ms <= job->record.warmup_ms;
  return job->duration_ms - (shorter ? 0 : job->record.warmup_ms);
}

static cls_status choose_neurons(cls_job_reader *r, const cls_yaml *node) {
  const double steps = measured_ms(r->job) / r->job->dt_ms;
  CLS_TRY(choose_some(r, node, &r->job->record.neurons));
  if (r->job->record.neurons.wanted && steps >= 0x1p32)
    return cls_yaml_fail(node,
                         "intervals between spikes are counted in steps, and there are %.0f after the "
                         "warm-up: expected fewer than 2^32",
                         steps);
  return CLS_OK;
}

static cls_status choose_spectra(cls_job_reader *r, const cls_yaml *spectra) {
  const cls_record_options *record = &r->job->record;
  if (!spectra) return CLS_OK;
  const cls_yaml *on = cls_yaml_get(spectra, "on");
  CLS_TRY(on ? choose_some(r, on, &r->job->record.spectra) : choose_all(r, &r->job->record.spectra));
  if (measured_ms(r->job) < record->spectra_segment_ms)
    cls_warn(r->world,
             "record.spectra: no segment of %g ms fits into the %g ms after the warm-up: spectra stay empty",
             record->spectra_segment_ms, measured_ms(r->job));
  return CLS_OK;
}

/* Currents of the excitatory populations of a region are added up: they must be of one kind. */
static cls_status check_lfp(cls_job_reader *r, const cls_yaml *lfp) {
  const cls_network *network = r->job->network;
  const cls_population *seen = NULL, **first = NULL;
  if (!lfp) return CLS_OK;
  CLS_TRY(cls_alloc(&first, network->n_regions, sizeof *first, "regions"));
  cls_status status = CLS_OK;
  for (uint32_t i = 0; i < network->n_populations && status == CLS_OK; i++) {
    const cls_population *p = &network->populations[i];
    if (p->type != 'E') continue;
    seen = p;
    if (p->region < 0) continue;
    if (!first[p->region]) first[p->region] = p;
    if (first[p->region]->model != p->model)
      status = cls_yaml_fail(lfp,
                             "currents of %s (%s) and of %s (%s) cannot be added: expected one model for the "
                             "excitatory populations of region %s",
                             first[p->region]->name, first[p->region]->model->name, p->name, p->model->name,
                             network->regions[p->region].name);
  }
  free(first);
  if (status == CLS_OK && !seen)
    status =
        cls_yaml_fail(lfp, "no population is excitatory: expected 'type: E' where populations are written "
                           "out");
  return status;
}

cls_status cls_job_check_record(cls_job_reader *r) {
  cls_record_options *record = &r->job->record;
  const cls_yaml *section;
  CLS_TRY(cls_yaml_section(r->tree, r->root, "record", &section));
  CLS_TRY(choose(r, cls_yaml_get(section, "spikes"), &record->spikes));
  CLS_TRY(choose_neurons(r, cls_yaml_get(section, "neurons")));
  CLS_TRY(check_lfp(r, cls_yaml_get(section, "lfp")));
  CLS_TRY(choose_spectra(r, cls_yaml_get(section, "spectra")));
  CLS_TRY(cls_job_read_traces(r, cls_yaml_get(section, "traces")));
  CLS_TRY(cls_job_read_weights(r, cls_yaml_get(section, "weights")));
  CLS_TRY(cls_job_check_size(r, section));
  cls_job_warn_of_traces(r);
  return CLS_OK;
}

void cls_job_free_record(cls_record_options *record) {
  free(record->spikes.population);
  free(record->neurons.population);
  free(record->spectra.population);
  free(record->empirical_bold);
  cls_job_free_traces(record);
  cls_job_free_weights(record);
}
