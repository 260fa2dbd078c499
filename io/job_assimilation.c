/* Section `assimilation:`: how an ensemble of a job is fitted to recordings. */
#include "io/job_assimilation.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_PASSES = 4, DEFAULT_WINDOW = 10, MOST_CYCLES = 100000000 };

typedef struct {
  int64_t members, min_members, cycles, lag, burn_in, groups, passes, window, checkpoint_every, seed;
  int method;
  double tr_s, gamma, innovation_limit;
  bool rotate, control;
  const cls_yaml *localisation, *inflation, *hyperparameters, *observations, *twin;
} fields;

/* As cls_method_names of assimilation/analysis.h. */
static const char *const methods[] = {"enkf",  "denkf", "etkf", "letkf", "ensrf",
                                      "esmda", "ies",   "hmda", NULL};
enum { LETKF = 3 };

static const cls_key keys[] = {
    {"members", CLS_KEY_INTEGER, offsetof(fields, members), .initial = "40", .min = 2, .max = 10000,
     .doc = "of the ensemble"},
    {"min_members", CLS_KEY_INTEGER, offsetof(fields, min_members), .min = 2, .max = 10000,
     .doc = "members that fail are left out while so many remain; left out: half of them"},
    {"method", CLS_KEY_CHOICE, offsetof(fields, method), .initial = "letkf", .choices = methods,
     .doc = "what makes an analysis of forecasts and observations; esmda and ies smooth"},
    {"tr_s", CLS_KEY_NUMBER, offsetof(fields, tr_s), .unit = "s", .initial = "0.8", .min = 0, .max = 1e6,
     .above_min = true,
     .doc = "biology of a cycle, after which observations are taken into account; a multiple of 1 ms and of "
            "dt_ms"},
    {"cycles", CLS_KEY_INTEGER, offsetof(fields, cycles), .min = 1, .max = MOST_CYCLES,
     .doc = "how many; left out: as many as simulation.duration_ms holds and files have volumes"},
    {"burn_in", CLS_KEY_INTEGER, offsetof(fields, burn_in), .initial = "5", .min = 0, .max = MOST_CYCLES,
     .doc = "cycles before the first analysis"},
    {"groups", CLS_KEY_INTEGER, offsetof(fields, groups), .initial = "0", .min = 0, .max = 1000000,
     .doc = "of ranks that share out the members; 0: chosen. Results do not depend on it"},
    {"localisation", CLS_KEY_MAP, offsetof(fields, localisation),
     .doc = "which observations may change which regions; left out: own with letkf, else none"},
    {"inflation", CLS_KEY_MAP, offsetof(fields, inflation), .doc = "how the spread of members is kept up"},
    {"rotate", CLS_KEY_BOOL, offsetof(fields, rotate), .initial = "false",
     .doc = "etkf, letkf, ensrf: anomalies are turned at random after each analysis"},
    {"gamma", CLS_KEY_NUMBER, offsetof(fields, gamma), .initial = "0.5", .min = 0, .max = 1,
     .doc = "hmda: weight of a region's own observation, 1 - gamma that of all others"},
    {"innovation_limit", CLS_KEY_NUMBER, offsetof(fields, innovation_limit), .initial = "0", .min = 0,
     .max = 1e6,
     .doc = "innovations count at most so many of their expected standard deviations, so that a sudden "
            "change is followed in "
            "steps; 0: no limit"},
    {"lag", CLS_KEY_INTEGER, offsetof(fields, lag), .unit = "cycles", .initial = "0", .min = 0, .max = 1000,
     .doc = "filters: an observation also corrects what hyperparameters were up to so many cycles ago "
            "(`smoothed`): blood "
            "flow shows late what neurons do"},
    {"passes", CLS_KEY_INTEGER, offsetof(fields, passes), .min = 1, .max = 1000,
     .doc = "esmda, ies: how often a window is run; left out: 4"},
    {"window", CLS_KEY_INTEGER, offsetof(fields, window), .unit = "cycles", .min = 1, .max = MOST_CYCLES,
     .doc = "esmda, ies: cycles that are taken into account together; left out: 10"},
    {"checkpoint_every", CLS_KEY_INTEGER, offsetof(fields, checkpoint_every), .unit = "cycles",
     .initial = "25", .min = 0, .max = MOST_CYCLES,
     .doc = "between checkpoints; 0: only at the end and when a signal asks for one"},
    {"seed", CLS_KEY_INTEGER, offsetof(fields, seed), .min = 0, .max = 0x1p63,
     .doc = "of all that the assimilation draws; left out: simulation.seed"},
    {"control", CLS_KEY_BOOL, offsetof(fields, control), .initial = "false",
     .doc =
         "for comparison: hyperparameters are estimated, but neurons keep what the job says; what corrected "
         "haemodynamics achieve alone"},
    {"hyperparameters", CLS_KEY_LIST, offsetof(fields, hyperparameters), .required = true,
     .doc = "what is estimated"},
    {"observations", CLS_KEY_LIST, offsetof(fields, observations), .required = true,
     .doc = "what is observed"},
    {"twin", CLS_KEY_MAP, offsetof(fields, twin),
     .doc = "observations are those of the same brain with values that are known, simulated first"},
};
const cls_schema cls_schema_assimilation = {
    "assimilation", "An ensemble that follows recordings and estimates what they tell of its parameters.",
    keys, CLS_KEYS(keys)};

typedef struct {
  int kind;
  double half_width_mm;
} localisation_fields;
static const char *const localisations[] = {"none", "own", "distance", "connectome", NULL};
static const cls_key localisation_keys[] = {
    {"kind", CLS_KEY_CHOICE, offsetof(localisation_fields, kind), .required = true, .choices = localisations,
     .doc = "own: a region's own observations; distance: fading with the distance of centres; connectome: "
            "with that "
            "along tracts"},
    {"half_width_mm", CLS_KEY_NUMBER, offsetof(localisation_fields, half_width_mm), .unit = "mm", .min = 0,
     .max = 1e6, .above_min = true,
     .doc = "distance, connectome: c of Gaspari and Cohn's function, which is 0 from 2 c on"},
};
const cls_schema cls_schema_localisation = {"assimilation.localisation",
                                            "Which observations may change which regions.", localisation_keys,
                                            CLS_KEYS(localisation_keys)};

typedef struct {
  int kind;
  double factor, alpha, sd, max;
} inflation_fields;
static const char *const inflations[] = {"none", "fixed", "rtps", "adaptive", NULL};
static const cls_key inflation_keys[] = {
    {"kind", CLS_KEY_CHOICE, offsetof(inflation_fields, kind), .required = true, .choices = inflations,
     .doc = "fixed: anomalies times factor; rtps: relaxation to the prior's spread; adaptive: estimated for "
            "each region"},
    {"factor", CLS_KEY_NUMBER, offsetof(inflation_fields, factor), .initial = "1.02", .min = 1, .max = 100,
     .doc = "fixed: on anomalies, after an analysis"},
    {"alpha", CLS_KEY_NUMBER, offsetof(inflation_fields, alpha), .initial = "0.5", .min = 0, .max = 1,
     .doc = "rtps: 0 leaves the spread of the analysis, 1 restores that of the forecast"},
    {"sd", CLS_KEY_NUMBER, offsetof(inflation_fields, sd), .initial = "0.05", .min = 0, .max = 100,
     .above_min = true, .doc = "adaptive: how uncertain a factor becomes between analyses"},
    {"max", CLS_KEY_NUMBER, offsetof(inflation_fields, max), .initial = "3", .min = 1, .max = 1000,
     .doc = "adaptive: greatest factor on variances"},
};
const cls_schema cls_schema_inflation = {"assimilation.inflation", "How the spread of members is kept up.",
                                         inflation_keys, CLS_KEYS(inflation_keys)};

/* ---- small things ---- */

cls_status cls_job_range(cls_job_reader *r, const cls_yaml *node, double *low, double *high) {
  static const cls_key number = {"", CLS_KEY_NUMBER, 0, .doc = ""};
  char words[128];
  if (node->kind != CLS_YAML_LIST || node->n != 2)
    return cls_yaml_fail(node, "%s: expected [low, high], two numbers",
                         node->kind == CLS_YAML_LIST ? "a list of another length"
                                                     : cls_yaml_describe(node, words, sizeof words));
  CLS_TRY(cls_schema_value(r->tree, node->items[0], &number, low));
  CLS_TRY(cls_schema_value(r->tree, node->items[1], &number, high));
  if (*low < *high) return CLS_OK;
  return cls_yaml_fail(node, "[%.10g, %.10g]: expected the lower value first, and a greater one", *low,
                       *high);
}

cls_status cls_job_idle_key(const cls_yaml *section, const char *key, const char *with) {
  const cls_yaml *node = cls_yaml_get(section, key);
  char words[128];
  return node ? cls_yaml_fail(node, "%s: expected no such key but with %s",
                              cls_yaml_describe(node, words, sizeof words), with)
              : CLS_OK;
}

/* ---- localisation and inflation ---- */

/* Distances between centres need all of them. */
static cls_status check_centres(const cls_job_reader *r, const cls_yaml *node) {
  const cls_network *network = r->job->network;
  if (network->n_regions == 0)
    return cls_yaml_fail(
        node, "value 'distance': populations that are written out have no centres: expected none or own");
  for (uint32_t i = 0; i < network->n_regions; i++)
    for (int k = 0; k < 3; k++)
      if (isnan(network->regions[i].centre_mm[k]))
        return cls_yaml_fail(
            node,
            "value 'distance': region %s has no centre: expected coordinates of all regions (a table "
            "of them: brain.connectome.regions), or another kind",
            network->regions[i].name);
  return CLS_OK;
}

static cls_status read_localisation(cls_job_reader *r, const fields *f, const cls_yaml *section) {
  cls_assimilation_options *a = &r->job->assimilation;
  localisation_fields l = {.half_width_mm = 0};
  a->localise = f->method == LETKF ? CLS_LOCALISE_OWN : CLS_LOCALISE_NONE;
  if (!section) return CLS_OK;
  CLS_TRY(cls_schema_read(r->tree, section, localisation_keys, CLS_KEYS(localisation_keys), &l));
  const cls_yaml *kind = cls_yaml_get(section, "kind");
  a->localise = (cls_localise)l.kind;
  a->half_width = l.half_width_mm;
  if (a->localise == CLS_LOCALISE_NONE && f->method == LETKF)
    return cls_yaml_fail(kind,
                         "value 'none': letkf is a local analysis: expected own, distance or connectome, or "
                         "method: etkf");
  static const bool localises[] = {true, true, false, true, true, true, false, false}; /* by method */
  if (a->localise != CLS_LOCALISE_NONE && !localises[f->method])
    return cls_yaml_fail(
        kind,
        "value '%s': %s takes all observations for all regions: expected none, or method letkf, "
        "ensrf, enkf, denkf or esmda",
        localisations[l.kind], methods[f->method]);
  if (a->localise == CLS_LOCALISE_DISTANCE) CLS_TRY(check_centres(r, kind));
  if (a->localise == CLS_LOCALISE_CONNECTOME && !r->job->connectome)
    return cls_yaml_fail(kind, "value 'connectome': the job has no section brain: expected none or own");
  if (a->localise < CLS_LOCALISE_DISTANCE)
    return cls_job_idle_key(section, "half_width_mm", "kind: distance or connectome");
  if (!cls_yaml_get(section, "half_width_mm"))
    return cls_yaml_fail(section, "key 'half_width_mm' is missing: how far observations reach, in mm");
  return CLS_OK;
}

static cls_status read_inflation(cls_job_reader *r, const cls_yaml *section) {
  cls_assimilation_options *a = &r->job->assimilation;
  inflation_fields f = {.factor = 1};
  if (!section) return cls_job_copy("none", &a->inflation);
  CLS_TRY(cls_schema_read(r->tree, section, inflation_keys, CLS_KEYS(inflation_keys), &f));
  static const struct {
    const char *key, *with;
  } of[] = {{"factor", "fixed"}, {"alpha", "rtps"}, {"sd", "adaptive"}, {"max", "adaptive"}};
  for (size_t i = 0; i < sizeof of / sizeof *of; i++)
    if (strcmp(inflations[f.kind], of[i].with) != 0)
      CLS_TRY(cls_job_idle_key(section, of[i].key, of[i].with));
  a->inflation_factor = f.factor;
  a->inflation_alpha = f.alpha;
  a->inflation_sd = f.sd;
  a->inflation_max = f.max;
  return cls_job_copy(inflations[f.kind], &a->inflation);
}

/* ---- the whole ---- */

static cls_status read_members(const cls_yaml *section, const fields *f, cls_assimilation_options *a) {
  a->members = (int)f->members;
  a->min_members = f->min_members ? (int)f->min_members : a->members / 2 < 2 ? 2 : a->members / 2;
  if (a->min_members <= a->members) return CLS_OK;
  return cls_yaml_fail(cls_yaml_get(section, "min_members"),
                       "value %d: of %d members: expected at most these", a->min_members, a->members);
}

static cls_status read_cycles(cls_job_reader *r, const cls_yaml *section, const fields *f) {
  cls_assimilation_options *a = &r->job->assimilation;
  double tr_ms = f->tr_s * 1000;
  CLS_TRY(cls_job_multiple(section, "tr_s", &tr_ms, 1, "1 ms"));
  CLS_TRY(cls_job_multiple(section, "tr_s", &tr_ms, r->job->dt_ms, "simulation.dt_ms"));
  a->tr_s = f->tr_s;
  const double room = floor(r->job->duration_ms / tr_ms * (1 + 1e-12));
  const cls_yaml *node = cls_yaml_get(section, "cycles");
  if (room < 1)
    return cls_yaml_fail(cls_yaml_get(section, "tr_s") ? cls_yaml_get(section, "tr_s") : section,
                         "a cycle of %.10g s: expected at most simulation.duration_ms, which is %.10g",
                         f->tr_s, r->job->duration_ms);
  if ((double)f->cycles > room)
    return cls_yaml_fail(
        node, "value %lld: cycles of %.10g s: expected at most %.0f, as simulation.duration_ms %.10g holds",
        (long long)f->cycles, f->tr_s, room, r->job->duration_ms);
  a->cycles = f->cycles ? (uint32_t)f->cycles : (uint32_t)fmin(room, MOST_CYCLES);
  a->burn_in = (uint32_t)f->burn_in;
  return CLS_OK;
}

static cls_status read_method(const cls_yaml *section, const fields *f, cls_assimilation_options *a) {
  const char *method = methods[f->method];
  const bool smooths = strcmp(method, "esmda") == 0 || strcmp(method, "ies") == 0;
  const bool turns =
      strcmp(method, "etkf") == 0 || strcmp(method, "letkf") == 0 || strcmp(method, "ensrf") == 0;
  CLS_TRY(cls_job_copy(method, &a->method));
  if (!smooths) CLS_TRY(cls_job_idle_key(section, "passes", "method: esmda or ies, which smooth"));
  if (!smooths) CLS_TRY(cls_job_idle_key(section, "window", "method: esmda or ies, which smooth"));
  if (!turns && f->rotate) CLS_TRY(cls_job_idle_key(section, "rotate", "method: etkf, letkf or ensrf"));
  if (strcmp(method, "hmda") != 0) CLS_TRY(cls_job_idle_key(section, "gamma", "method: hmda"));
  a->passes = f->passes ? (uint32_t)f->passes : smooths ? DEFAULT_PASSES : 1;
  a->window = f->window ? (uint32_t)f->window : smooths ? DEFAULT_WINDOW : 1;
  a->rotate = f->rotate;
  a->gamma = f->gamma;
  a->innovation_limit = f->innovation_limit;
  a->lag = (uint32_t)f->lag;
  if (smooths && a->lag > 0) return cls_job_idle_key(section, "lag", "methods that filter");
  return CLS_OK;
}

cls_status cls_job_read_assimilation(cls_job_reader *r) {
  cls_job *job = r->job;
  cls_assimilation_options *a = &job->assimilation;
  const cls_yaml *section = cls_yaml_get(r->root, "assimilation");
  fields f = {.seed = -1};
  if (!section) return CLS_OK;
  a->wanted = true;
  CLS_TRY(cls_schema_read(r->tree, section, keys, CLS_KEYS(keys), &f));
  CLS_TRY(read_members(section, &f, a));
  CLS_TRY(read_cycles(r, section, &f));
  CLS_TRY(read_method(section, &f, a));
  CLS_TRY(read_localisation(r, &f, f.localisation));
  CLS_TRY(read_inflation(r, f.inflation));
  a->groups = (int)f.groups;
  a->checkpoint_every = (uint32_t)f.checkpoint_every;
  a->control = f.control;
  a->seed = f.seed < 0 ? job->seed : (uint64_t)f.seed;
  a->twin.wanted = f.twin != NULL;
  CLS_TRY(cls_job_read_hyperparameters(r, f.hyperparameters));
  CLS_TRY(cls_job_read_observations(r, f.observations));
  return cls_job_read_twin(r, f.twin);
}

cls_status cls_job_settle_cycles(cls_job_reader *r, uint32_t volumes) {
  cls_assimilation_options *a = &r->job->assimilation;
  const cls_yaml *section = cls_yaml_get(r->root, "assimilation"),
                 *burn_in = cls_yaml_get(section, "burn_in");
  if (volumes > 0 && volumes < a->cycles && !cls_yaml_get(section, "cycles")) a->cycles = volumes;
  for (uint32_t i = 0; i < a->n_observe; i++) {
    const cls_observation_options *o = &a->observe[i];
    if (o->stop_s > 0 && floor(o->stop_s / a->tr_s * (1 + 1e-9)) <= a->burn_in)
      return cls_yaml_fail(
          cls_yaml_get(cls_yaml_get(section, "observations")->items[i], "stop_s"),
          "value %.10g: leaves nothing to assimilate behind burn_in, %u cycles of %.10g s: expected more",
          o->stop_s, a->burn_in, a->tr_s);
  }
  if (a->burn_in < a->cycles) return CLS_OK;
  return cls_yaml_fail(burn_in ? burn_in : section,
                       "burn_in %u of %u cycles: expected at least one cycle after it", a->burn_in,
                       a->cycles);
}

void cls_job_free_assimilation(cls_assimilation_options *a) {
  cls_job_free_hyperparameters(a);
  cls_job_free_observations(a);
  cls_job_free_twin(a);
  free(a->method);
  free(a->inflation);
}
