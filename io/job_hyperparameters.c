/* Key `assimilation.hyperparameters`: what is estimated. */
#include "io/job_assimilation.h"
#include "io/selection.h"
#include "network/intervention.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAME = 63, MOST_HYPERPARAMETERS = 1000 };

typedef struct {
  const char *name, *parameter, *receptor;
  const cls_yaml *populations, *input, *bounds, *prior, *process, *truth;
  int per, transform;
  bool relative, update;
  double deviation_sd;
} fields;

static const char *const pers[] = {"region", "shared", "hierarchical", NULL};
static const char *const transforms[] = {"logit", "log", NULL};
static const cls_key keys[] = {
    {"name", CLS_KEY_TEXT, offsetof(fields, name), .required = true,
     .doc = "unique: up to 63 letters, digits, '.', '_' and '-'"},
    {"populations", CLS_KEY_ANY, offsetof(fields, populations), .required = true,
     .doc = "selection of populations that follow it (\"*/E\")"},
    {"parameter", CLS_KEY_TEXT, offsetof(fields, parameter),
     .doc = "of the neurons' model; this, or receptor, or input"},
    {"receptor", CLS_KEY_TEXT, offsetof(fields, receptor),
     .doc = "whose input it multiplies, that of the background included"},
    {"input", CLS_KEY_MAP, offsetof(fields, input), .doc = "parameter of an input of theirs"},
    {"relative", CLS_KEY_BOOL, offsetof(fields, relative), .initial = "true",
     .doc = "values are factors on what the job says, else they replace it"},
    {"per", CLS_KEY_CHOICE, offsetof(fields, per), .initial = "region", .choices = pers,
     .doc = "a value for each region, one for all, or one for all and deviations from it"},
    {"transform", CLS_KEY_CHOICE, offsetof(fields, transform), .initial = "logit", .choices = transforms,
     .doc = "what is analysed: 10 ln((h - l) / (u - h)) within bounds, or ln h"},
    {"bounds", CLS_KEY_LIST, offsetof(fields, bounds),
     .doc = "[l, u]: what logit needs; with log both are above 0, and confine prior and truth alone"},
    {"prior", CLS_KEY_MAP, offsetof(fields, prior),
     .doc = "of the members' values; left out: the middle third of bounds"},
    {"deviation_sd", CLS_KEY_NUMBER, offsetof(fields, deviation_sd), .min = 0, .max = 1e6, .above_min = true,
     .doc = "hierarchical: of deviations, on the transformed scale; left out: 5 with logit, 0.5 with log"},
    {"process", CLS_KEY_MAP, offsetof(fields, process), .doc = "how values drift between analyses"},
    {"update", CLS_KEY_BOOL, offsetof(fields, update), .initial = "true",
     .doc = "false: what is unknown but not corrected; its spread is taken into account"},
    {"truth", CLS_KEY_LIST, offsetof(fields, truth),
     .doc = "[low, high] of a twin; left out: that of twin.truth"},
};
const cls_schema cls_schema_hyperparameter = {
    "assimilation.hyperparameters[]",
    "A value that members have each their own of, and that observations correct.", keys, CLS_KEYS(keys)};

typedef struct {
  const char *model, *stimulus, *parameter;
  int64_t number;
} input_fields;
static const cls_key input_keys[] = {
    {"model", CLS_KEY_TEXT, offsetof(input_fields, model),
     .doc = "the populations' only input of this model, stimuli aside"},
    {"number", CLS_KEY_INTEGER, offsetof(input_fields, number), .min = 0, .max = 1000,
     .doc = "or its number among the populations' inputs, from 0"},
    {"stimulus", CLS_KEY_TEXT, offsetof(input_fields, stimulus),
     .doc = "or the name of a stimulus (section stimuli)"},
    {"parameter", CLS_KEY_TEXT, offsetof(input_fields, parameter), .required = true,
     .doc = "of the input's model"},
};
const cls_schema cls_schema_hyper_input = {"assimilation.hyperparameters[].input", "Parameter of an input.",
                                           input_keys, CLS_KEYS(input_keys)};

typedef struct {
  const cls_yaml *uniform;
  double mean, sd;
} prior_fields;
static const cls_key prior_keys[] = {
    {"uniform", CLS_KEY_LIST, offsetof(prior_fields, uniform),
     .doc = "[a, b]: members are spread evenly over it, in a random order of each row"},
    {"mean", CLS_KEY_NUMBER, offsetof(prior_fields, mean),
     .doc = "or a normal: the value about which they lie"},
    {"sd", CLS_KEY_NUMBER, offsetof(prior_fields, sd), .min = 0, .max = 1e6, .above_min = true,
     .doc = "and their standard deviation on the transformed scale"},
};
const cls_schema cls_schema_prior = {"assimilation.hyperparameters[].prior", "Where members begin.",
                                     prior_keys, CLS_KEYS(prior_keys)};

typedef struct {
  int kind;
  double sd, sd_max, tau_s;
} process_fields;
static const char *const processes[] = {"random_walk", "persistence", NULL};
static const cls_key process_keys[] = {
    {"kind", CLS_KEY_CHOICE, offsetof(process_fields, kind), .initial = "random_walk", .choices = processes,
     .doc = "persistence: relaxes to the prior's mean"},
    {"sd", CLS_KEY_NUMBER, offsetof(process_fields, sd), .min = 0, .max = 1e6,
     .doc = "of a step per cycle, on the transformed scale; left out: 0.1 with logit, 0.01 with log; "
            "persistence: 0"},
    {"sd_max", CLS_KEY_NUMBER, offsetof(process_fields, sd_max), .min = 0, .max = 1e6,
     .doc = "greatest sd, to which it grows while forecasts fail: after a value has changed suddenly; left "
            "out: sd, no "
            "growth"},
    {"tau_s", CLS_KEY_NUMBER, offsetof(process_fields, tau_s), .unit = "s", .initial = ".inf", .min = 0,
     .max = INFINITY, .above_min = true, .infinite = true, .doc = "persistence: how fast; .inf: constant"},
};
const cls_schema cls_schema_process = {"assimilation.hyperparameters[].process",
                                       "How values drift between analyses.", process_keys,
                                       CLS_KEYS(process_keys)};

/* ---- what it is ---- */

static cls_status read_name(cls_job_reader *r, const cls_yaml *node, const char *name,
                            cls_hyperparameter *h) {
  const cls_assimilation_options *a = &r->job->assimilation;
  CLS_TRY(cls_job_check_name(node, name));
  if (strlen(name) > MOST_NAME)
    return cls_yaml_fail(node, "value '%.80s': of %zu letters: expected at most %d", name, strlen(name),
                         MOST_NAME);
  for (uint32_t i = 0; i + 1 < a->n_hyper; i++)
    if (strcmp(a->hyper[i].name, name) == 0)
      return cls_yaml_fail(node, "value '%s': is there twice: expected a name of its own", name);
  return cls_job_copy(name, &h->name);
}

static cls_status unknown_param(const cls_yaml *node, const cls_model *model, const char *owner) {
  const char *names[CLS_MAX_PARAMS];
  char kind[192];
  for (int i = 0; i < model->n_params; i++) names[i] = model->params[i].name;
  snprintf(kind, sizeof kind, "parameter of %s, the model of %.100s:", model->name, owner);
  return cls_schema_unknown(node, kind, node->text, names, model->n_params);
}

/* A parameter that a factor cannot move, or bounds that the model does not allow. */
static cls_status check_values(const cls_yaml *owner, const cls_population *population,
                               const cls_param_info *info, const cls_distribution *d,
                               const cls_hyperparameter *h) {
  const cls_yaml *relative = cls_yaml_get(owner, "relative"), *bounds = cls_yaml_get(owner, "bounds");
  const double nominal = d->kind == CLS_CONSTANT ? cls_distribution_mean(d) : NAN;
  if (h->relative && nominal == 0)
    return cls_yaml_fail(relative ? relative : owner,
                         "%s of population %s is 0, which no factor moves: expected relative: false",
                         info->name, population->name);
  if (!bounds || (h->relative && isnan(nominal))) return CLS_OK;
  const double unit = h->relative ? nominal : 1, low = fmin(h->lower * unit, h->upper * unit),
               high = fmax(h->lower * unit, h->upper * unit);
  if (low >= info->min && high <= info->max) return CLS_OK;
  return cls_yaml_fail(
      bounds, "[%.10g, %.10g]: %s of population %s would be %.10g ... %.10g %s: expected %.10g ... %.10g",
      h->lower, h->upper, info->name, population->name, low, high, info->unit, info->min, info->max);
}

static cls_status find_param(const cls_yaml *owner, const cls_population *p, const cls_hyperparameter *h,
                             int *which) {
  const cls_model *model = p->model;
  const cls_yaml *node = cls_yaml_get(owner, "parameter");
  *which = cls_model_param(model, h->what);
  if (*which < 0) return unknown_param(node, model, p->name);
  for (int s = 0; s < model->n_states; s++)
    if (model->states[s].relative_to && strcmp(model->states[s].relative_to, h->what) == 0)
      return cls_yaml_fail(
          node,
          "value '%s': population %s keeps %s relative to it: expected a parameter that may change "
          "in a run",
          h->what, p->name, model->states[s].name);
  return check_values(owner, p, &model->params[*which], &p->param[*which], h);
}

static cls_status find_receptor(const cls_yaml *owner, const cls_population *p, const cls_hyperparameter *h,
                                int *which) {
  const cls_yaml *node = cls_yaml_get(owner, "receptor");
  const char *names[CLS_MAX_RECEPTORS];
  char kind[192];
  int n = 0;
  *which = cls_model_receptor(p->model, h->what);
  if (*which >= 0) return CLS_OK;
  for (int port = 0; port < p->model->n_ports; port++)
    for (int k = 0; k < p->model->ports[port].receptors; k++) names[n++] = p->model->ports[port].receptor[k];
  snprintf(kind, sizeof kind, "receptor of %s, the model of %.100s:", p->model->name, p->name);
  return cls_schema_unknown(node, kind, h->what, names, n);
}

/* ---- inputs ---- */

/* Whether an input is the stimulus `name`, or, where that is NULL, any. */
static cls_status is_stimulus(const cls_job_reader *r, const cls_population *p, const cls_input *input,
                              const char *name, bool *found) {
  const cls_yaml *list = cls_yaml_get(r->root, "stimuli");
  *found = false;
  for (size_t i = 0; list && i < list->n && !*found; i++) {
    const char *stimulus = cls_yaml_get(list->items[i], "name")->text;
    uint64_t key;
    CLS_TRY(cls_job_stimulus_key(stimulus, p->name, &key));
    *found = (!name || strcmp(name, stimulus) == 0) && key == input->key;
  }
  return CLS_OK;
}

static cls_status describe_inputs(const cls_yaml *node, const cls_population *p, const char *what, int n) {
  char list[512] = "";
  size_t used = 0;
  for (int k = 0; k < p->n_inputs && used < sizeof list; k++) {
    const int wrote =
        snprintf(list + used, sizeof list - used, "%s%d %s", k ? ", " : "", k, p->inputs[k].model->name);
    if (wrote > 0) used += (size_t)wrote;
  }
  return cls_yaml_fail(node, "%d inputs of population %s are %s '%.60s': expected exactly one, of: %s", n,
                       p->name, what, node->text, *list ? list : "none");
}

static cls_status find_input(cls_job_reader *r, const cls_yaml *node, const input_fields *f,
                             const cls_population *p, int *input) {
  int n = 0;
  *input = -1;
  if (f->number >= 0) {
    *input = (int)f->number;
    if (f->number < p->n_inputs) return CLS_OK;
    return cls_yaml_fail(cls_yaml_get(node, "number"),
                         "value %lld: population %s has %d inputs: expected a number below that",
                         (long long)f->number, p->name, p->n_inputs);
  }
  for (int k = 0; k < p->n_inputs; k++) {
    const cls_input *x = &p->inputs[k];
    bool stimulus;
    CLS_TRY(is_stimulus(r, p, x, f->stimulus, &stimulus));
    if (f->stimulus ? !stimulus : stimulus || strcmp(x->model->name, f->model) != 0) continue;
    *input = k;
    n++;
  }
  if (n == 1) return CLS_OK;
  return describe_inputs(cls_yaml_get(node, f->stimulus ? "stimulus" : "model"), p,
                         f->stimulus ? "stimulus" : "of model", n);
}

static cls_status check_input_keys(const cls_job_reader *r, const cls_yaml *node, const input_fields *f) {
  const int ways = (f->model != NULL) + (f->stimulus != NULL) + (f->number >= 0);
  const cls_yaml *list = cls_yaml_get(r->root, "stimuli"), *name = cls_yaml_get(node, "stimulus");
  if (ways != 1)
    return cls_yaml_fail(node, "%d of the keys model, number and stimulus: expected exactly one", ways);
  if (f->model) {
    const cls_model *model;
    return cls_job_model(cls_yaml_get(node, "model"), f->model, true, &model);
  }
  if (!f->stimulus) return CLS_OK;
  const char **names;
  int n = 0;
  bool known = false;
  CLS_TRY(cls_alloc(&names, list ? list->n : 0, sizeof *names, "names of stimuli"));
  for (size_t i = 0; list && i < list->n; i++) {
    names[n] = cls_yaml_get(list->items[i], "name")->text;
    known = known || strcmp(names[n], f->stimulus) == 0;
    n++;
  }
  cls_status status = CLS_OK;
  if (!known && n == 0)
    status = cls_yaml_fail(
        name, "value '%.60s': the job has no section stimuli: expected the name of a stimulus", f->stimulus);
  else if (!known)
    status = cls_schema_unknown(name, "stimulus", f->stimulus, names, n);
  free(names);
  return status;
}

static cls_status find_inputs(cls_job_reader *r, const cls_yaml *owner, const cls_yaml *node,
                              cls_hyperparameter *h) {
  input_fields f = {.number = -1};
  CLS_TRY(cls_schema_read(r->tree, node, input_keys, CLS_KEYS(input_keys), &f));
  CLS_TRY(check_input_keys(r, node, &f));
  CLS_TRY(cls_job_copy(f.parameter, &h->what));
  for (uint32_t i = 0; i < h->n_populations; i++) {
    const cls_population *p = &r->job->network->populations[h->population[i]];
    CLS_TRY(find_input(r, node, &f, p, &h->input[i]));
    const cls_input *input = &p->inputs[h->input[i]];
    h->which[i] = cls_model_param(input->model, h->what);
    if (h->which[i] < 0) return unknown_param(cls_yaml_get(node, "parameter"), input->model, "the input");
    CLS_TRY(check_values(owner, p, &input->model->params[h->which[i]], &input->param[h->which[i]], h));
  }
  return CLS_OK;
}

static cls_status find_what(cls_job_reader *r, const cls_yaml *node, const fields *f, cls_hyperparameter *h) {
  const size_t n = h->n_populations;
  CLS_TRY(cls_alloc(&h->input, n, sizeof *h->input, "inputs of a hyperparameter"));
  CLS_TRY(cls_alloc(&h->which, n, sizeof *h->which, "parameters of a hyperparameter"));
  for (size_t i = 0; i < n; i++) h->input[i] = -1;
  if (f->input) return find_inputs(r, node, f->input, h);
  CLS_TRY(cls_job_copy(f->parameter ? f->parameter : f->receptor, &h->what));
  for (size_t i = 0; i < n; i++) {
    const cls_population *p = &r->job->network->populations[h->population[i]];
    CLS_TRY(f->parameter ? find_param(node, p, h, &h->which[i]) : find_receptor(node, p, h, &h->which[i]));
  }
  return CLS_OK;
}

static cls_status read_kind(const cls_yaml *node, const fields *f, cls_hyperparameter *h) {
  const int kinds = (f->parameter != NULL) + (f->receptor != NULL) + (f->input != NULL);
  if (kinds != 1)
    return cls_yaml_fail(node, "%d of the keys parameter, receptor and input: expected exactly one", kinds);
  h->kind = f->parameter ? CLS_HYPER_PARAM : f->receptor ? CLS_HYPER_RECEPTOR : CLS_HYPER_INPUT_PARAM;
  h->relative = f->relative;
  if (f->receptor && !f->relative)
    return cls_yaml_fail(
        cls_yaml_get(node, "relative"),
        "value 'false': what acts on a receptor is multiplied: expected true, or a parameter");
  return CLS_OK;
}

/* ---- rows ---- */

static cls_status make_rows(cls_job_reader *r, cls_hyperparameter *h) {
  const cls_network *network = r->job->network;
  const uint32_t sites = cls_site_count(network), none = UINT32_MAX;
  const bool shared = h->per == CLS_SHARED;
  uint32_t *row_of = NULL;
  CLS_TRY(cls_alloc(&h->row, h->n_populations, sizeof *h->row, "rows of a hyperparameter"));
  CLS_TRY(cls_alloc(&h->row_names, shared ? 1 : sites, sizeof *h->row_names, "names of rows"));
  CLS_TRY(cls_alloc(&h->row_region, shared ? 1 : sites, sizeof *h->row_region, "sites of rows"));
  if (shared) {
    h->rows = 1;
    h->row_region[0] = -1;
    return cls_job_copy("all", &h->row_names[0]);
  }
  CLS_TRY(cls_alloc(&row_of, sites, sizeof *row_of, "rows of sites"));
  for (uint32_t s = 0; s < sites; s++) row_of[s] = none;
  for (uint32_t i = 0; i < h->n_populations; i++) row_of[cls_site_of(network, h->population[i])] = 0;
  cls_status status = CLS_OK;
  for (uint32_t s = 0; s < sites && status == CLS_OK; s++) {
    if (row_of[s] == none) continue;
    row_of[s] = h->rows;
    h->row_region[h->rows] = (int32_t)s;
    status = cls_job_copy(cls_site_name(network, s), &h->row_names[h->rows++]);
  }
  for (uint32_t i = 0; i < h->n_populations; i++) h->row[i] = row_of[cls_site_of(network, h->population[i])];
  free(row_of);
  return status;
}

/* ---- values ---- */

static cls_status read_bounds(cls_job_reader *r, const cls_yaml *node, const fields *f,
                              cls_hyperparameter *h) {
  h->transform = (cls_hyper_transform)f->transform;
  h->lower = 0;
  h->upper = INFINITY;
  if (f->bounds) CLS_TRY(cls_job_range(r, f->bounds, &h->lower, &h->upper));
  if (!f->bounds && h->transform == CLS_LOGIT)
    return cls_yaml_fail(node, "key 'bounds' is missing: [l, u], which transform: logit needs");
  if (!f->bounds && !f->prior)
    return cls_yaml_fail(node, "neither prior nor bounds: expected where members begin");
  if (h->transform == CLS_LOG && f->bounds && h->lower <= 0)
    return cls_yaml_fail(f->bounds, "[%.10g, %.10g]: expected bounds above 0 with transform: log", h->lower,
                         h->upper);
  if (f->bounds && h->lower < 0 && (h->relative || h->kind == CLS_HYPER_RECEPTOR))
    return cls_yaml_fail(f->bounds, "[%.10g, %.10g]: expected factors of at least 0, or relative: false",
                         h->lower, h->upper);
  return CLS_OK;
}

/* A prior within the bounds; those of log without bounds are open at 0. */
static cls_status check_within(const cls_yaml *node, double low, double high, const cls_hyperparameter *h) {
  const bool open = isinf(h->upper);
  if (low >= h->lower && high <= h->upper && !(open && low <= 0)) return CLS_OK;
  if (open) return cls_yaml_fail(node, "%.10g: expected values above 0 with transform: log", low);
  if (low == high)
    return cls_yaml_fail(node, "value %.10g: expected one within the bounds [%.10g, %.10g]", low, h->lower,
                         h->upper);
  return cls_yaml_fail(node, "[%.10g, %.10g]: expected values within the bounds [%.10g, %.10g]", low, high,
                       h->lower, h->upper);
}

static cls_status read_prior(cls_job_reader *r, const cls_yaml *section, cls_hyperparameter *h) {
  prior_fields f = {.mean = NAN, .sd = NAN};
  const double third = (h->upper - h->lower) / 3;
  h->prior_low = h->lower + third;
  h->prior_high = h->upper - third;
  h->prior_mean = (h->lower + h->upper) / 2;
  if (!section) return CLS_OK;
  CLS_TRY(cls_schema_read(r->tree, section, prior_keys, CLS_KEYS(prior_keys), &f));
  const bool mean = !isnan(f.mean), sd = !isnan(f.sd);
  if (mean != sd || mean == (f.uniform != NULL))
    return cls_yaml_fail(section, "expected {uniform: [a, b]}, or {mean: ..., sd: ...}");
  if (f.uniform) {
    CLS_TRY(cls_job_range(r, f.uniform, &h->prior_low, &h->prior_high));
    h->prior_mean = (h->prior_low + h->prior_high) / 2;
    return check_within(f.uniform, h->prior_low, h->prior_high, h);
  }
  h->prior_normal = true;
  h->prior_mean = h->prior_low = h->prior_high = f.mean;
  h->prior_sd = f.sd;
  const cls_yaml *node = cls_yaml_get(section, "mean");
  if (f.mean == h->lower || f.mean == h->upper)
    return cls_yaml_fail(
        node,
        "value %.10g: is a bound, which no finite value stands for: expected one between [%.10g, %.10g]",
        f.mean, h->lower, h->upper);
  return check_within(node, f.mean, f.mean, h);
}

static cls_status read_process(cls_job_reader *r, const cls_yaml *section, cls_hyperparameter *h) {
  process_fields f = {.sd = NAN, .sd_max = NAN, .tau_s = INFINITY};
  if (section) CLS_TRY(cls_schema_read(r->tree, section, process_keys, CLS_KEYS(process_keys), &f));
  h->process = (cls_hyper_process)f.kind;
  h->tau_s = f.tau_s;
  h->sd = !isnan(f.sd) ? f.sd : h->process == CLS_PERSISTENCE ? 0 : h->transform == CLS_LOGIT ? 0.1 : 0.01;
  h->sd_max = isnan(f.sd_max) ? h->sd : f.sd_max;
  if (h->sd_max < h->sd)
    return cls_yaml_fail(cls_yaml_get(section, "sd_max"), "value %.10g: expected at least sd, %.10g",
                         h->sd_max, h->sd);
  return section && h->process == CLS_RANDOM_WALK ? cls_job_idle_key(section, "tau_s", "kind: persistence")
                                                  : CLS_OK;
}

static cls_status read_truth(cls_job_reader *r, const cls_yaml *node, cls_hyperparameter *h) {
  h->truth_low = h->truth_high = NAN; /* see job_twin.c */
  if (!node) return CLS_OK;
  if (!r->job->assimilation.twin.wanted)
    return cls_yaml_fail(node, "[...]: expected no such key but with a twin");
  CLS_TRY(cls_job_range(r, node, &h->truth_low, &h->truth_high));
  return check_within(node, h->truth_low, h->truth_high, h);
}

static cls_status read_values(cls_job_reader *r, const cls_yaml *node, const fields *f,
                              cls_hyperparameter *h) {
  CLS_TRY(read_bounds(r, node, f, h));
  CLS_TRY(read_prior(r, f->prior, h));
  CLS_TRY(read_process(r, f->process, h));
  CLS_TRY(read_truth(r, f->truth, h));
  h->per = (cls_hyper_per)f->per;
  h->update = f->update;
  h->deviation_sd = f->deviation_sd > 0 ? f->deviation_sd : h->transform == CLS_LOGIT ? 5 : 0.5;
  return h->per == CLS_HIERARCHICAL ? CLS_OK : cls_job_idle_key(node, "deviation_sd", "per: hierarchical");
}

/* ---- an element ---- */

static cls_status select_populations(cls_job_reader *r, const cls_yaml *node, cls_hyperparameter *h) {
  CLS_TRY(cls_selection_find(r, node, &h->population, &h->n_populations));
  if (h->n_populations > 0) return CLS_OK;
  char words[128];
  return cls_yaml_fail(node, "%s: selects none of %u populations: expected at least one, as '%s'",
                       cls_yaml_describe(node, words, sizeof words), r->job->network->n_populations,
                       r->job->network->populations[0].name);
}

static cls_status read_element(cls_job_reader *r, const cls_yaml *node, cls_hyperparameter *h) {
  fields f = {.per = 0};
  const cls_yaml *tracts = node->kind == CLS_YAML_MAP ? cls_yaml_get(node, "projections") : NULL;
  if (tracts)
    return cls_yaml_fail(tracts,
                         "synapses are the same in all members, so that projections cannot have a factor of "
                         "their own: expected receptor: NAME, all that acts on a receptor of `populations`");
  CLS_TRY(cls_schema_read(r->tree, node, keys, CLS_KEYS(keys), &f));
  CLS_TRY(read_name(r, cls_yaml_get(node, "name"), f.name, h));
  CLS_TRY(read_kind(node, &f, h));
  CLS_TRY(select_populations(r, f.populations, h));
  CLS_TRY(read_values(r, node, &f, h));
  CLS_TRY(find_what(r, node, &f, h));
  return make_rows(r, h);
}

cls_status cls_job_read_hyperparameters(cls_job_reader *r, const cls_yaml *list) {
  cls_assimilation_options *a = &r->job->assimilation;
  bool any = false;
  if (list->n == 0 || list->n > MOST_HYPERPARAMETERS)
    return cls_yaml_fail(list, "a list of %zu: expected 1 to %d hyperparameters", list->n,
                         MOST_HYPERPARAMETERS);
  CLS_TRY(cls_alloc(&a->hyper, list->n, sizeof *a->hyper, "hyperparameters"));
  for (size_t i = 0; i < list->n; i++) {
    CLS_TRY(read_element(r, list->items[i], &a->hyper[a->n_hyper++]));
    any = any || a->hyper[i].update;
  }
  return any ? CLS_OK : cls_yaml_fail(list, "none is corrected: expected update: true of at least one");
}

void cls_job_free_hyperparameters(cls_assimilation_options *a) {
  for (uint32_t i = 0; i < a->n_hyper; i++) {
    cls_hyperparameter *h = &a->hyper[i];
    for (uint32_t k = 0; k < h->rows; k++) free(h->row_names[k]);
    free(h->row_names);
    free(h->row_region);
    free(h->row);
    free(h->population);
    free(h->input);
    free(h->which);
    free(h->what);
    free(h->name);
  }
  free(a->hyper);
}
