/* Section `record:`: what is written down. */
#include "io/job.h"
#include "io/selection.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  double warmup_ms, max_gb, flush_ms;
  const cls_yaml *spikes, *rates, *bold, *currents;
  const char *empirical_bold;
} fields;

static const cls_key keys[] = {
    {"warmup_ms", CLS_KEY_NUMBER, offsetof(fields, warmup_ms), .unit = "ms", .min = 0, .max = 1e12,
     .doc = "biology left out of statistics; 20000 where BOLD is recorded, else 500"},
    {"spikes", CLS_KEY_ANY, offsetof(fields, spikes), .initial = "none",
     .doc = "none, all, or a selection of populations"},
    {"rates", CLS_KEY_MAP, offsetof(fields, rates), .doc = "rates of populations"},
    {"bold", CLS_KEY_MAP, offsetof(fields, bold), .doc = "BOLD signal of regions"},
    {"currents", CLS_KEY_MAP, offsetof(fields, currents), .doc = "synaptic currents, means over populations"},
    {"max_gb", CLS_KEY_NUMBER, offsetof(fields, max_gb), .unit = "GB", .initial = "4", .min = 0, .max = 1e9,
     .doc = "recordings expected to be larger are refused"},
    {"flush_ms", CLS_KEY_NUMBER, offsetof(fields, flush_ms), .unit = "ms", .initial = "1000", .min = 0,
     .max = 1e9, .above_min = true, .doc = "biology between flushes of the files; a multiple of dt_ms"},
    {"empirical_bold", CLS_KEY_TEXT, offsetof(fields, empirical_bold),
     .doc = "file with measured BOLD (time x region, CSV or TSV) to compare functional connectivity with"},
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
const cls_schema cls_schema_rates = {"record.rates", "Spikes per bin.", rates_keys, 1};
const cls_schema cls_schema_bold = {"record.bold", "The Balloon model of every region.", bold_keys, 1};
const cls_schema cls_schema_currents = {"record.currents", "Means over populations.", currents_keys, 1};

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
  CLS_TRY(read_bold(r, f.bold, record));
  if (!f.empirical_bold) return CLS_OK;
  const cls_yaml *empirical = cls_yaml_get(section, "empirical_bold");
  if (!f.bold)
    return cls_yaml_fail(empirical, "is compared with simulated BOLD: expected record.bold beside it");
  return cls_job_path(r, empirical, f.empirical_bold, &record->empirical_bold);
}

cls_status cls_job_check_files(cls_job_reader *r) {
  const char *path = r->job->record.empirical_bold;
  if (!path || access(path, R_OK) == 0) return CLS_OK;
  return cls_yaml_fail(cls_yaml_get(cls_yaml_get(r->root, "record"), "empirical_bold"),
                       "%s cannot be read: %s", path, strerror(errno));
}

/* ---- what the finished network decides ---- */

static bool is_word(const cls_yaml *node, const char *word) {
  return node->kind == CLS_YAML_SCALAR && strcmp(node->text, word) == 0;
}

/* none, all, or a selection. */
static cls_status choose(cls_job_reader *r, const cls_yaml *node, cls_chosen *chosen) {
  const uint32_t all = r->job->network->n_populations;
  if (!node || is_word(node, "none") || (node->kind == CLS_YAML_LIST && node->n == 0)) return CLS_OK;
  chosen->wanted = true;
  if (!is_word(node, "all")) return cls_selection_find(r, node, &chosen->population, &chosen->n);
  CLS_TRY(cls_alloc(&chosen->population, all, sizeof *chosen->population, "chosen populations"));
  while (chosen->n < all) chosen->population[chosen->n] = chosen->n, chosen->n++;
  return CLS_OK;
}

cls_status cls_job_check_record(cls_job_reader *r) {
  cls_record_options *record = &r->job->record;
  const cls_network *network = r->job->network;
  const cls_yaml *section;
  CLS_TRY(cls_yaml_section(r->tree, r->root, "record", &section));
  const cls_yaml *spikes = cls_yaml_get(section, "spikes");
  CLS_TRY(choose(r, spikes, &record->spikes));
  const double bytes_per_spike = 16; /* a time and a neuron, 8 bytes each (SONATA) */
  double rate = 0;
  for (uint32_t i = 0; i < record->spikes.n; i++) {
    const cls_population *p = &network->populations[record->spikes.population[i]];
    rate += (double)p->n * p->rate_hz;
  }
  double spikes_expected = rate * r->job->duration_ms / 1000 * r->job->members;
  double gb = spikes_expected * bytes_per_spike / 1e9;
  if (gb > record->max_gb)
    return cls_yaml_fail(spikes,
                         "about %.3g spikes are expected, %.3g GB, above record.max_gb %.10g: record fewer "
                         "populations or raise record.max_gb",
                         spikes_expected, gb, record->max_gb);
  return CLS_OK;
}

void cls_job_free_record(cls_record_options *record) {
  free(record->spikes.population);
  free(record->empirical_bold);
}
