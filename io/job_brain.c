/* Section `brain:`: a connectome and how it becomes a network. */
#include "io/job.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const cls_yaml *connectome, *shares, *params, *inputs, *units, *unit_of, *density;
  int64_t neurons, indegree;
  int rule, synapses, sizes, compensation;
  double excitatory_share, velocity_m_s, delay_jitter_ms, coupling;
  cls_distribution local_delay_ms;
  const char *model, *unit, *unit_table;
} fields;

static const char *const rules[] = {"fixed_indegree", "fixed_total_number", NULL};
static const cls_rule rule_values[] = {CLS_FIXED_INDEGREE, CLS_FIXED_TOTAL_NUMBER};
static const char *const storage[] = {"stored", "procedural", NULL};
static const char *const compensations[] = {"none", "measured", NULL};
/* In the order of cls_region_sizes. */
static const char *const sizes[] = {"auto", "area", "volume", "equal", NULL};

/* Defaults: the working point of the Digital Twin Brain (Lu, Feng et al., arXiv 2308.01241) with delays. */
static const cls_key keys[] = {
    {"connectome", CLS_KEY_MAP, offsetof(fields, connectome), .initial = "{generator: {}}",
     .doc = "regions and tracts: {file: PATH} or {generator: {...}}"},
    {"neurons", CLS_KEY_INTEGER, offsetof(fields, neurons), .unit = "neurons", .initial = "20000", .min = 2,
     .max = 0x1p53, .doc = "in total"},
    {"indegree", CLS_KEY_INTEGER, offsetof(fields, indegree), .unit = "synapses per neuron", .initial = "100",
     .min = 1, .max = 1e6, .doc = "mean; conductances scale with 100 / indegree"},
    {"rule", CLS_KEY_CHOICE, offsetof(fields, rule), .initial = "fixed_indegree", .choices = rules,
     .doc = "of long-range projections"},
    {"synapses", CLS_KEY_CHOICE, offsetof(fields, synapses), .initial = "stored", .choices = storage,
     .doc =
         "of long-range projections: procedural ones take no memory but are drawn at every spike; with rule "
         "fixed_total_number"},
    {"unit", CLS_KEY_TEXT, offsetof(fields, unit), .initial = "canonical",
     .doc = "what regions are made of: canonical (populations E and I), column (E and I of layers 2/3, "
            "4, 5 and 6), subcortical (E and I), a name under units, or auto: column where the "
            "connectome says cortical, else subcortical"},
    {"unit_table", CLS_KEY_TEXT, offsetof(fields, unit_table),
     .doc = "tab-separated file with the columns name and unit, synapse_density or both, a row for every "
            "region; relative to the job file"},
    {"unit_of", CLS_KEY_LIST, offsetof(fields, unit_of),
     .doc = "units of regions by name, over unit and unit_table: [{region: \"lh_*\", unit: column}, ...]"},
    {"units", CLS_KEY_MAP, offsetof(fields, units),
     .doc = "units of the job's own, and changes to known ones"},
    {"synapse_density", CLS_KEY_MAP, offsetof(fields, density),
     .doc = "in-degrees follow the synapse density of regions"},
    {"shares", CLS_KEY_MAP, offsetof(fields, shares),
     .doc = "of a neuron's synapses in the units canonical and subcortical, by source: 4/7 local "
            "excitatory, 1/7 local inhibitory, 2/7 long range"},
    {"excitatory_share", CLS_KEY_NUMBER, offsetof(fields, excitatory_share), .initial = "0.8", .min = 0.01,
     .max = 0.99, .doc = "of the neurons of a region that is canonical or subcortical"},
    {"velocity_m_s", CLS_KEY_NUMBER, offsetof(fields, velocity_m_s), .unit = "m/s", .initial = "3", .min = 0,
     .max = 1e6, .above_min = true, .doc = "of conduction along tracts"},
    {"local_delay_ms", CLS_KEY_DISTRIBUTION, offsetof(fields, local_delay_ms), .unit = "ms",
     .initial = "{distribution: uniform, low: 1, high: 2}", .min = 0, .max = 1e4, .above_min = true,
     .doc = "delay within a region"},
    {"delay_jitter_ms", CLS_KEY_NUMBER, offsetof(fields, delay_jitter_ms), .unit = "ms", .initial = "0.2",
     .min = 0, .max = 1e3, .doc = "standard deviation added to long-range delays"},
    {"coupling", CLS_KEY_NUMBER, offsetof(fields, coupling), .initial = "1", .min = 0, .max = 1e6,
     .doc = "factor on long-range weights"},
    {"compensation", CLS_KEY_CHOICE, offsetof(fields, compensation), .initial = "measured",
     .choices = compensations,
     .doc = "measured: excitatory conductances also get a factor near 1 that keeps the rate at other "
            "in-degrees than 100"},
    {"sizes", CLS_KEY_CHOICE, offsetof(fields, sizes), .initial = "auto", .choices = sizes,
     .doc = "what the neurons of a region are proportional to; auto: areas, else volumes, else equal"},
    {"model", CLS_KEY_TEXT, offsetof(fields, model), .initial = "lif_dtb",
     .doc = "neuron model of all populations"},
    {"params", CLS_KEY_MAP, offsetof(fields, params),
     .doc = "parameters of the model, before the scaling of conductances"},
    {"inputs", CLS_KEY_LIST, offsetof(fields, inputs),
     .doc = "background of every neuron; for lif_dtb [{model: ou, tau_ms: 4, mean: 0.4, sd: 0.15}]"},
};
const cls_schema cls_schema_brain = {"brain", "A network made from a connectome.", keys, CLS_KEYS(keys)};

typedef struct {
  double local_e, local_i, long_range;
} share_fields;
static const cls_key share_keys[] = {
    {"local_e", CLS_KEY_NUMBER, offsetof(share_fields, local_e), .required = true, .min = 0, .max = 1,
     .doc = "from excitatory neurons of the region"},
    {"local_i", CLS_KEY_NUMBER, offsetof(share_fields, local_i), .required = true, .min = 0, .max = 1,
     .doc = "from inhibitory neurons of the region"},
    {"long_range", CLS_KEY_NUMBER, offsetof(share_fields, long_range), .required = true, .min = 0, .max = 1,
     .doc = "from excitatory neurons of other regions"},
};
const cls_schema cls_schema_shares = {"brain.shares", "Where a neuron's synapses come from; the sum is 1.",
                                      share_keys, CLS_KEYS(share_keys)};

cls_status cls_job_read_shares(cls_job_reader *r, const cls_yaml *node, double shares[3]) {
  share_fields f = {0};
  CLS_TRY(cls_schema_read(r->tree, node, share_keys, CLS_KEYS(share_keys), &f));
  double sum = f.local_e + f.local_i + f.long_range;
  if (!(fabs(sum - 1) <= 2e-3)) /* .571 .143 .286 are meant to be 1 */
    return cls_yaml_fail(node, "local_e + local_i + long_range is %.10g: expected 1", sum);
  shares[0] = f.local_e / sum;
  shares[1] = f.local_i / sum;
  shares[2] = f.long_range / sum;
  return CLS_OK;
}

/* The background the working points of lif_dtb were measured with, in uA/cm2. */
static const char default_inputs[] = "[{model: ou, tau_ms: 4, mean: 0.4, sd: 0.15}]";

static cls_status read_inputs(cls_job_reader *r, const cls_yaml *list, cls_brain *brain) {
  if (!list && strcmp(brain->model->name, "lif_dtb") == 0) {
    cls_yaml *made;
    CLS_TRY(cls_yaml_parse(r->tree, default_inputs, strlen(default_inputs), "default inputs", false, &made));
    list = made;
  }
  if (!list || list->n == 0) return CLS_OK;
  CLS_TRY(cls_alloc(&brain->inputs, list->n, sizeof *brain->inputs, "inputs of the brain"));
  for (size_t i = 0; i < list->n; i++) {
    CLS_TRY(cls_job_input(r, list->items[i], brain->model, &brain->inputs[i]));
    brain->n_inputs++;
  }
  return CLS_OK;
}

/* ---- parameters of units ---- */

/* Where the neurons of a unit work well. The point moves with the step of the model's explicit Euler
 * scheme. */
typedef struct {
  double ampa, ampa_1_ms;            /* g_AMPA_mS_cm2 at 100 synapses, at steps below 1 ms and of 1 ms */
  double c_inhibitory, t_inhibitory; /* C_uF_cm2 and t_ref_ms of inhibitory neurons; 0: the model's */
} working_point;

/* A pair. At .0037, the value of the published working point, all is well with the 76 regions of The
 * Virtual Brain, but connectomes of 66 and 68 regions go over a cliff to 30 Hz in some regions; .0036
 * keeps all of them below it (benchmarks/README.md). */
static const working_point of_pairs = {.0036, .0030, 0, 0};
/* A unit of layers. The published conductances of the column belong to other neurons (C 1, g_L .03, E_L -75,
 * V_reset -65, t_ref 5) and another background. In the table's rows excitation and inhibition are not as
 * even as 4 to 1: neurons all alike have their L23E above all others and go over a cliff near .0032. With
 * the interneurons of Brunel and Wang (2001, J. Comput. Neurosci. 11, 63-85), whose pyramidal cells are
 * lif_dtb's default values (membrane and refractory time half as long: 10 ms and 1 ms), inhibitory rates lie
 * above excitatory ones in every layer. Mean rates of the generated brain's 76 regions of 263 neurons at
 * .0036, .0046, .0050, .0052 and .0060: 1.7, 2.0, 3.7, 7.0 and 34 Hz; of 526 neurons at .0046 and .0052: 1.7
 * and 2.4 Hz, where the mean functional connectivity is .15. The Virtual Brain's connectomes of 66 to 96
 * regions at .0046: 2.1 to 2.5 Hz. */
static const working_point of_layers = {.0046, .0039, .25, 1};

static void set_point(const cls_job_reader *r, const cls_brain *brain, const cls_region_unit *unit,
                      uint32_t p, cls_distribution *param) {
  const working_point *point = cls_unit_is_pair(unit) ? &of_pairs : &of_layers;
  double ampa = r->job->dt_ms < 1 ? point->ampa : point->ampa_1_ms;
  param[cls_model_param(brain->model, "g_AMPA_mS_cm2")] = cls_constant(ampa);
  if (unit->population[p].type != 'I' || point->c_inhibitory == 0) return;
  param[cls_model_param(brain->model, "C_uF_cm2")] = cls_constant(point->c_inhibitory);
  param[cls_model_param(brain->model, "t_ref_ms")] = cls_constant(point->t_inhibitory);
}

/* The parameters that working points decide, of a unit's first excitatory and first inhibitory population. */
static void log_point(const cls_job_reader *r, const cls_brain *brain, const cls_region_unit *unit) {
  static const char *const names[3] = {"g_AMPA_mS_cm2", "C_uF_cm2", "t_ref_ms"};
  double value[2][3] = {{0}};
  bool there[2] = {false};
  for (uint32_t p = 0; p < unit->n; p++) {
    int type = unit->population[p].type == 'I';
    for (int i = 0; i < 3 && !there[type]; i++)
      value[type][i] = cls_distribution_mean(&unit->param[p][cls_model_param(brain->model, names[i])]);
    there[type] = true;
  }
  for (int type = 0; type < 2; type++) {
    bool alike = type == 1 && there[0] && memcmp(value[0], value[1], sizeof *value) == 0;
    if (!there[type] || alike) continue;
    cls_log(r->world, 1, "brain: unit %s, %s neurons at steps of %g ms: %s %g, %s %g, %s %g", unit->name,
            type                                                    ? "inhibitory"
            : there[1] && memcmp(value[0], value[1], sizeof *value) ? "excitatory"
                                                                    : "all",
            r->job->dt_ms, names[0], value[type][0], names[1], value[type][1], names[2], value[type][2]);
  }
}

/* Parameters of every unit: the model's, the working point, brain.params, then the unit's own. */
static cls_status choose_params(cls_job_reader *r, cls_brain *brain) {
  cls_job_units *u = &r->units;
  const cls_model *model = brain->model;
  const cls_yaml *section = cls_yaml_get(r->root, "brain"), *params = cls_yaml_get(section, "params");
  bool is_known = strcmp(model->name, "lif_dtb") == 0;
  CLS_TRY(cls_alloc(&u->param, u->n * (size_t)CLS_UNIT_POPULATIONS, sizeof *u->param, "parameters of units"));
  for (uint32_t i = 0; i < u->n; i++) {
    cls_region_unit *unit = &u->units[i];
    unit->param = u->param + i * (size_t)CLS_UNIT_POPULATIONS;
    for (uint32_t p = 0; p < unit->n; p++) {
      cls_distribution *param = u->param[i * (size_t)CLS_UNIT_POPULATIONS + p];
      for (int k = 0; k < model->n_params; k++) param[k] = cls_constant(model->params[k].initial);
      if (is_known) set_point(r, brain, unit, p, param);
      CLS_TRY(cls_job_params(r, params, section, model, param));
      CLS_TRY(cls_job_unit_params(r, i, p, model, param));
    }
  }
  return CLS_OK;
}

static void log_points(const cls_job_reader *r, const cls_brain *brain) {
  if (strcmp(brain->model->name, "lif_dtb") != 0) return;
  for (uint32_t u = 0; u < brain->n_units; u++) {
    uint32_t i = 0;
    while (i < r->job->connectome->n_regions && brain->unit_of[i] != u) i++;
    if (i < r->job->connectome->n_regions) log_point(r, brain, &brain->units[u]);
  }
}

/* ---- the section ---- */

cls_status cls_job_read_brain(cls_job_reader *r, cls_brain *brain, cls_connectome_choice *choice) {
  fields f = {0};
  const cls_yaml *section = cls_yaml_get(r->root, "brain");
  *brain = (cls_brain){0};
  *choice = (cls_connectome_choice){0};
  const char *const others[] = {"projections", "scale"};
  for (int i = 0; i < 2; i++) {
    const cls_yaml *other = cls_yaml_get(r->root, others[i]);
    if (other)
      return cls_yaml_fail(other,
                           "belongs to populations that are written out: expected none beside 'brain'");
  }
  CLS_TRY(cls_schema_read(r->tree, section, keys, CLS_KEYS(keys), &f));
  CLS_TRY(cls_job_read_connectome(r, f.connectome, choice));
  double shares[3];
  if (f.shares) CLS_TRY(cls_job_read_shares(r, f.shares, shares));
  CLS_TRY(cls_job_read_units(r, f.units, f.excitatory_share, f.shares ? shares : NULL));
  CLS_TRY(cls_job_read_unit_of(r, section, f.unit));
  const cls_yaml *model = cls_yaml_get(section, "model");
  CLS_TRY(cls_job_model(model ? model : section, f.model, false, &brain->model));
  brain->neurons = (uint64_t)f.neurons;
  brain->indegree = (uint64_t)f.indegree;
  brain->rule = rule_values[f.rule];
  brain->procedural = f.synapses == 1;
  if (brain->procedural && brain->rule != CLS_FIXED_TOTAL_NUMBER)
    return cls_yaml_fail(
        cls_yaml_get(section, "synapses"),
        "procedural with rule %s, which draws a mixture of sources for each target: expected rule "
        "fixed_total_number",
        rules[f.rule]);
  brain->velocity_m_s = f.velocity_m_s;
  brain->local_delay_ms = f.local_delay_ms;
  brain->delay_jitter_ms = f.delay_jitter_ms;
  brain->coupling = f.coupling;
  brain->compensate = f.compensation == 1;
  brain->sizes = (cls_region_sizes)f.sizes;
  for (int i = 0; i < brain->model->n_params; i++)
    brain->param[i] = cls_constant(brain->model->params[i].initial);
  CLS_TRY(choose_params(r, brain));
  return read_inputs(r, f.inputs, brain);
}

/* What no division over regions and populations could hold. */
static cls_status check_neurons(const cls_job_reader *r, const cls_brain *brain) {
  const cls_yaml *section = cls_yaml_get(r->root, "brain"), *neurons = cls_yaml_get(section, "neurons");
  const uint64_t places = (uint64_t)r->job->connectome->n_regions * CLS_UNIT_POPULATIONS;
  if (brain->neurons / places < UINT32_MAX) return CLS_OK;
  return cls_yaml_fail(neurons ? neurons : section,
                       "value %llu: expected at most 2^32 - 1 in each of %d populations of %u regions",
                       (unsigned long long)brain->neurons, CLS_UNIT_POPULATIONS,
                       r->job->connectome->n_regions);
}

cls_status cls_job_expand_brain(cls_job_reader *r, cls_brain *brain) {
  uint32_t *kept = NULL, n = 0;
  cls_job *job = r->job;
  CLS_TRY(check_neurons(r, brain));
  CLS_TRY(cls_job_assign_units(r, brain));
  log_points(r, brain);
  cls_status status = cls_network_add_brain(job->network, job->connectome, brain, r->world, &kept, &n);
  if (status != CLS_OK) return cls_job_blame(r, status);
  status = cls_job_keep_regions(job, kept, n);
  free(kept);
  return status;
}
