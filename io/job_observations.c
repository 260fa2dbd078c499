/* Key `assimilation.observations`: what is observed, and what becomes of measured signals before they are compared. */
#include "io/job_assimilation.h"
#include "network/intervention.h"
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const char *file, *variable, *receptor;
  const cls_yaml *band_hz, *rescale, *withhold_regions;
  int kind, orientation, detrend;
  double tr_s, error, relative_error, train_s, stop_s;
} fields;

static const char *const kinds[] = {"bold", "rate", "current", NULL};
/* In the order of cls_bold_orientation, which begins with what is said by leaving the key out. */
static const char *const orientations[] = {"time_x_region", "region_x_time", NULL};
static const char *const detrends[] = {"none", "mean", "linear", NULL};
static const cls_key keys[] = {
    {"kind", CLS_KEY_CHOICE, offsetof(fields, kind), .required = true, .choices = kinds,
     .doc = "BOLD of a region; its mean rate in a cycle (Hz); its mean synaptic current"},
    {"file", CLS_KEY_TEXT, offsetof(fields, file),
     .doc = "measured series, one for each region: CSV, TSV, MATLAB, HDF5 or NIfTI (CIFTI parcels, or "
            "regions x 1 x 1 x volumes); relative to the job file. A "
            "twin has none"},
    {"variable", CLS_KEY_TEXT, offsetof(fields, variable),
     .doc = "of a MATLAB file; dataset of an HDF5 file"},
    {"orientation", CLS_KEY_CHOICE, offsetof(fields, orientation), .choices = orientations,
     .doc = "left out: the side with names, or as long as the table of regions, is that of the regions"},
    {"tr_s", CLS_KEY_NUMBER, offsetof(fields, tr_s), .unit = "s", .min = 0, .max = 1e6, .above_min = true,
     .doc = "time between volumes, that of a cycle; left out: what a JSON file beside a TSV says, or taken "
            "for it"},
    {"error", CLS_KEY_NUMBER, offsetof(fields, error), .min = 0, .max = 1e12, .above_min = true,
     .doc = "standard deviation of an observation, in the unit of what the model predicts; this or "
            "relative_error"},
    {"relative_error", CLS_KEY_NUMBER, offsetof(fields, relative_error), .min = 0, .max = 1e6,
     .above_min = true, .doc = "the same as a share of the standard deviation of each region's series"},
    {"detrend", CLS_KEY_CHOICE, offsetof(fields, detrend), .initial = "none", .choices = detrends,
     .doc = "what is taken off a series: its mean, or a line"},
    {"band_hz", CLS_KEY_LIST, offsetof(fields, band_hz), .unit = "Hz",
     .doc = "[low, high] that is let through: a Butterworth filter of order 2 at each end, causal, which "
            "delays; low 0: no lower end"},
    {"rescale", CLS_KEY_MAP, offsetof(fields, rescale),
     .doc = "brings a measured signal into the range of the model's"},
    {"train_s", CLS_KEY_NUMBER, offsetof(fields, train_s), .unit = "s", .min = 0, .max = 1e9,
     .above_min = true,
     .doc = "detrend, rescale and relative_error know of the first so many seconds alone; left out: stop_s, "
            "or all"},
    {"stop_s", CLS_KEY_NUMBER, offsetof(fields, stop_s), .unit = "s", .min = 0, .max = 1e9, .above_min = true,
     .doc = "what is observed later is predicted and scored, but not assimilated; left out: never"},
    {"withhold_regions", CLS_KEY_ANY, offsetof(fields, withhold_regions),
     .doc = "regions, by name or pattern, whose observations are predicted and scored, but not assimilated"},
    {"receptor", CLS_KEY_TEXT, offsetof(fields, receptor),
     .doc = "current: through which; left out: their sum"},
};
const cls_schema cls_schema_observation = {"assimilation.observations[]", "Series that members predict.",
                                           keys, CLS_KEYS(keys)};

typedef struct {
  const cls_yaml *range;
  double mean, sd;
} rescale_fields;
static const cls_key rescale_keys[] = {
    {"range", CLS_KEY_LIST, offsetof(rescale_fields, range),
     .doc =
         "[low, high]: the extremes of each region's series; BOLD at rest was published with [0.02, 0.05]"},
    {"mean", CLS_KEY_NUMBER, offsetof(rescale_fields, mean), .doc = "or its mean"},
    {"sd", CLS_KEY_NUMBER, offsetof(rescale_fields, sd), .min = 0, .max = 1e12, .above_min = true,
     .doc = "and standard deviation"},
};
const cls_schema cls_schema_rescale = {"assimilation.observations[].rescale", "One of the two.", rescale_keys,
                                       CLS_KEYS(rescale_keys)};

/* ---- where from ---- */

static cls_status read_file(cls_job_reader *r, const cls_yaml *node, const fields *f,
                            cls_observation_options *o) {
  static const char *const of_files[] = {"variable", "orientation", "tr_s",   "detrend",
                                         "band_hz",  "rescale",     "train_s"};
  const bool twin = r->job->assimilation.twin.wanted;
  const cls_yaml *file = cls_yaml_get(node, "file");
  if (file && twin)
    return cls_yaml_fail(
        file, "value '%.80s': a twin is observed in the model: expected no file, or no section twin",
        f->file);
  if (!file && !twin)
    return cls_yaml_fail(node,
                         "neither a file nor a twin: expected file: PATH, or section assimilation.twin");
  o->orientation = f->orientation + 1;
  if (!file) {
    for (size_t i = 0; i < sizeof of_files / sizeof *of_files; i++)
      CLS_TRY(cls_job_idle_key(node, of_files[i], "a file"));
    return CLS_OK;
  }
  if (f->variable) CLS_TRY(cls_job_copy(f->variable, &o->variable));
  return cls_job_path(r, file, f->file, &o->path);
}

static cls_status read_times(const cls_job_reader *r, const cls_yaml *node, const fields *f,
                             cls_observation_options *o) {
  const double tr_s = r->job->assimilation.tr_s;
  o->tr_s = tr_s;
  if (f->tr_s > 0 && fabs(f->tr_s - tr_s) > 1e-6 * tr_s)
    return cls_yaml_fail(cls_yaml_get(node, "tr_s"),
                         "value %.10g: expected that of a cycle, assimilation.tr_s, which is %.10g", f->tr_s,
                         tr_s);
  o->stop_s = f->stop_s;
  o->train_s = f->train_s > 0 ? f->train_s : f->stop_s;
  if (o->stop_s > 0 && o->stop_s < tr_s * (1 - 1e-9))
    return cls_yaml_fail(cls_yaml_get(node, "stop_s"),
                         "value %.10g: leaves nothing to assimilate: expected at least a cycle, %.10g",
                         o->stop_s, tr_s);
  if (o->train_s > 0 && o->train_s < 3 * tr_s * (1 - 1e-9) && f->train_s > 0)
    return cls_yaml_fail(cls_yaml_get(node, "train_s"), "value %.10g: expected at least 3 cycles, %.10g",
                         o->train_s, 3 * tr_s);
  if (o->stop_s > 0 && o->train_s > o->stop_s)
    return cls_yaml_fail(cls_yaml_get(node, "train_s"),
                         "value %.10g: knows of what is withheld from stop_s %.10g on: expected at most that",
                         o->train_s, o->stop_s);
  return CLS_OK;
}

/* ---- what becomes of it ---- */

static cls_status read_band(cls_job_reader *r, const cls_yaml *node, cls_observation_options *o) {
  if (!node) return CLS_OK;
  const double nyquist = 0.5 / o->tr_s;
  CLS_TRY(cls_job_range(r, node, &o->band_low_hz, &o->band_high_hz));
  if (o->band_low_hz >= 0 && o->band_high_hz < nyquist) return CLS_OK;
  return cls_yaml_fail(node,
                       "[%.10g, %.10g]: expected frequencies from 0 to below half the sampling rate, %.10g",
                       o->band_low_hz, o->band_high_hz, nyquist);
}

static cls_status read_rescale(cls_job_reader *r, const cls_yaml *section, cls_observation_options *o) {
  rescale_fields f = {.mean = NAN, .sd = NAN};
  if (!section) return CLS_OK;
  CLS_TRY(cls_schema_read(r->tree, section, rescale_keys, CLS_KEYS(rescale_keys), &f));
  const bool mean = !isnan(f.mean), sd = !isnan(f.sd);
  if (mean != sd || mean == (f.range != NULL))
    return cls_yaml_fail(section, "expected {range: [low, high]}, or {mean: ..., sd: ...}");
  o->rescale = f.range ? CLS_RESCALE_RANGE : CLS_RESCALE_MOMENTS;
  if (f.range) return cls_job_range(r, f.range, &o->rescale_low, &o->rescale_high);
  o->rescale_mean = f.mean;
  o->rescale_sd = f.sd;
  return CLS_OK;
}

static cls_status read_error(const cls_yaml *node, const fields *f, cls_observation_options *o) {
  const int ways = (f->error > 0) + (f->relative_error > 0);
  if (ways != 1)
    return cls_yaml_fail(node, "%d of the keys error and relative_error: expected exactly one", ways);
  o->error_relative = f->relative_error > 0;
  o->error = o->error_relative ? f->relative_error : f->error;
  return CLS_OK;
}

/* ---- what is withheld ---- */

static cls_status withhold(cls_job_reader *r, const cls_yaml *node, cls_observation_options *o) {
  const cls_network *network = r->job->network;
  const uint32_t sites = cls_site_count(network);
  const char *what = network->n_regions > 0 ? "region" : "population";
  char words[128];
  bool any = false;
  if (node->kind != CLS_YAML_SCALAR || !*node->text)
    return cls_yaml_fail(node, "%s: expected the name of a %s, or a pattern",
                         cls_yaml_describe(node, words, sizeof words), what);
  for (uint32_t s = 0; s < sites; s++) {
    if (fnmatch(node->text, cls_site_name(network, s), 0) != 0) continue;
    any = o->withheld[s] = true;
  }
  if (!any)
    return cls_yaml_fail(node,
                         "value '%.60s': matches no %s: expected the name of a %s, as '%s', or a pattern",
                         node->text, what, what, sites > 0 ? cls_site_name(network, 0) : "");
  return cls_job_copy(node->text, &o->withheld_regions[o->n_withheld_regions++]);
}

static cls_status read_withheld(cls_job_reader *r, const cls_yaml *node, cls_observation_options *o) {
  const uint32_t sites = cls_site_count(r->job->network);
  CLS_TRY(cls_alloc(&o->withheld, sites, sizeof *o->withheld, "withheld regions"));
  if (!node) return CLS_OK;
  const bool list = node->kind == CLS_YAML_LIST;
  CLS_TRY(cls_alloc(&o->withheld_regions, list ? node->n : 1, sizeof *o->withheld_regions,
                    "names of withheld regions"));
  for (size_t i = 0; i < (list ? node->n : 1); i++) CLS_TRY(withhold(r, list ? node->items[i] : node, o));
  for (uint32_t s = 0; s < sites; s++)
    if (!o->withheld[s]) return CLS_OK;
  return cls_yaml_fail(node, "withholds all %u: expected some that are observed", sites);
}

/* ---- an element ---- */

static cls_status check_kind(const cls_job_reader *r, const cls_yaml *node, const fields *f,
                             cls_observation_options *o) {
  const cls_network *network = r->job->network;
  o->kind = (cls_observe_kind)f->kind;
  if (o->kind == CLS_OBSERVE_BOLD && network->n_regions == 0)
    return cls_yaml_fail(
        cls_yaml_get(node, "kind"),
        "value 'bold': the job has no section brain, so no regions: expected rate or current");
  if (o->kind != CLS_OBSERVE_CURRENT) return cls_job_idle_key(node, "receptor", "kind: current");
  if (!f->receptor) return CLS_OK;
  for (uint32_t p = 0; p < network->n_populations; p++)
    if (cls_model_receptor(network->populations[p].model, f->receptor) >= 0)
      return cls_job_copy(f->receptor, &o->current_receptor);
  const cls_model *model = network->populations[0].model;
  const char *names[CLS_MAX_RECEPTORS];
  int n = 0;
  for (int port = 0; port < model->n_ports; port++)
    for (int k = 0; k < model->ports[port].receptors; k++) names[n++] = model->ports[port].receptor[k];
  return cls_schema_unknown(cls_yaml_get(node, "receptor"), "receptor", f->receptor, names, n);
}

static cls_status read_element(cls_job_reader *r, const cls_yaml *node, cls_observation_options *o) {
  fields f = {.orientation = -1};
  CLS_TRY(cls_schema_read(r->tree, node, keys, CLS_KEYS(keys), &f));
  CLS_TRY(check_kind(r, node, &f, o));
  CLS_TRY(read_file(r, node, &f, o));
  CLS_TRY(read_times(r, node, &f, o));
  CLS_TRY(read_band(r, f.band_hz, o));
  CLS_TRY(read_rescale(r, f.rescale, o));
  CLS_TRY(read_error(node, &f, o));
  o->detrend = (cls_detrend)f.detrend;
  return read_withheld(r, f.withhold_regions, o);
}

cls_status cls_job_read_observations(cls_job_reader *r, const cls_yaml *list) {
  cls_assimilation_options *a = &r->job->assimilation;
  if (list->n == 0 || list->n > 100)
    return cls_yaml_fail(list, "a list of %zu: expected 1 to 100 observations", list->n);
  CLS_TRY(cls_alloc(&a->observe, list->n, sizeof *a->observe, "observations"));
  for (size_t i = 0; i < list->n; i++) CLS_TRY(read_element(r, list->items[i], &a->observe[a->n_observe++]));
  return CLS_OK;
}

void cls_job_free_observations(cls_assimilation_options *a) {
  for (uint32_t i = 0; i < a->n_observe; i++) {
    cls_observation_options *o = &a->observe[i];
    for (uint32_t k = 0; k < o->n_withheld_regions; k++) free(o->withheld_regions[k]);
    free(o->withheld_regions);
    free(o->withheld);
    free(o->current_receptor);
    free(o->variable);
    free(o->path);
    cls_empirical_free(o->measured);
  }
  free(a->observe);
}

/* ---- files ---- */

/* What is fitted needs numbers that differ within the training part of every series. */
static cls_status check_training(const cls_job_reader *r, const cls_observation_options *o) {
  const cls_empirical *e = o->measured;
  const bool fits = o->detrend != CLS_DETREND_NONE || o->rescale != CLS_RESCALE_NONE || o->error_relative;
  const uint64_t train = cls_observation_volumes(o, e->volumes);
  for (uint32_t s = 0; s < e->regions && fits; s++) {
    uint64_t present = 0, all = 0;
    double first = NAN;
    bool varies = false;
    for (uint64_t t = 0; t < e->volumes; t++) {
      const double value = e->data[t * e->regions + s];
      all += !isnan(value);
      if (isnan(value) || t >= train) continue;
      if (present++ == 0) first = value;
      varies = varies || value != first;
    }
    CLS_CHECK(all == 0 || (present >= 3 && varies), CLS_ERR_INPUT,
              "%s: region %s has %llu numbers within the first %llu volumes (train_s, stop_s)%s: expected at "
              "least 3 that differ",
              o->path, cls_site_name(r->job->network, s), (unsigned long long)present,
              (unsigned long long)train, varies ? "" : ", which do not vary");
  }
  return CLS_OK;
}

/* A network that is written out has no connectome: its sites are its populations. */
static cls_status read_series(const cls_job_reader *r, cls_observation_options *o, cls_notes *notes) {
  const cls_job *job = r->job;
  const cls_connectome *c = job->connectome;
  const uint32_t n = cls_site_count(job->network);
  char **names = NULL;
  CLS_TRY(cls_alloc(&names, n, sizeof *names, "names of regions"));
  for (uint32_t s = 0; s < n; s++) names[s] = (char *)cls_site_name(job->network, s);
  const cls_empirical_request request = {.path = o->path,
                                         .variable = o->variable,
                                         .orientation = (cls_bold_orientation)o->orientation,
                                         .tr_s = o->tr_s,
                                         .gaps = true};
  const cls_empirical_regions regions = {.n = n,
                                         .names = names,
                                         .names_made_up = c && c->names_made_up,
                                         .listed = c ? job->listed_regions : n,
                                         .kept = c ? job->kept_regions : NULL};
  const cls_status status = cls_empirical_read(&request, &regions, notes, &o->measured);
  free(names);
  CLS_TRY(status);
  return check_training(r, o);
}

/* Of rank 0. */
static cls_status read_measured(cls_job_reader *r, uint32_t i) {
  cls_observation_options *o = &r->job->assimilation.observe[i];
  const cls_yaml *list = cls_yaml_get(cls_yaml_get(r->root, "assimilation"), "observations");
  cls_notes notes = {0};
  if (!o->path) return CLS_OK;
  cls_status status = read_series(r, o, &notes);
  for (size_t k = 0; k < notes.n && status == CLS_OK; k++)
    cls_log(r->world, 1, "observed %s: %s", kinds[o->kind], notes.lines[k]);
  cls_notes_free(&notes);
  if (status == CLS_OK) return CLS_OK;
  cls_yaml_prefix(cls_yaml_get(list->items[i], "file"), status);
  return status == CLS_ERR_LIMIT || status == CLS_ERR_IO ? CLS_ERR_INPUT : status;
}

uint64_t cls_observation_volumes(const cls_observation_options *o, uint64_t volumes) {
  const double train = floor(o->train_s / o->tr_s * (1 + 1e-9));
  return o->train_s > 0 && train < (double)volumes ? (uint64_t)train : volumes;
}

cls_status cls_job_fetch_observations(cls_job_reader *r) {
  cls_assimilation_options *a = &r->job->assimilation;
  uint32_t volumes = 0;
  if (!a->wanted) return CLS_OK;
  for (uint32_t i = 0; i < a->n_observe; i++) {
    CLS_TRY(cls_job_agree_root(r->world, r->world->rank == 0 ? read_measured(r, i) : CLS_OK));
    if (a->observe[i].measured && a->observe[i].measured->volumes > volumes)
      volumes = (uint32_t)a->observe[i].measured->volumes;
  }
  MPI_Bcast(&volumes, 1, MPI_UINT32_T, 0, r->world->comm);
  return cls_agree(r->world->comm, cls_job_settle_cycles(r, volumes));
}
