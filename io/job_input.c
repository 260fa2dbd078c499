/* Inputs: elements of `inputs:` and `stimuli:`. Keys of the model come from the registry, never from here. */
#include "io/job.h"
#include "io/spike_train_file.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the keys of any input are read into. */
typedef struct {
  const char *model, *receptor, *name, *file, *population;
  const cls_yaml *on, *waveform, *events, *neurons;
  double fraction;
  int64_t node_first;
  int outside;
  cls_distribution param[CLS_MAX_PARAMS];
} fields;

static const char *const outside_choices[] = {"refuse", "ignore", NULL};

/* Every input has these. */
static const cls_key common_keys[] = {
    {"model", CLS_KEY_TEXT, offsetof(fields, model), .required = true,
     .doc = "the input model (callosum models lists them)"},
    {"receptor", CLS_KEY_TEXT, offsetof(fields, receptor),
     .doc = "of the neurons, for inputs that send spikes; the first where it is absent"},
    {"fraction", CLS_KEY_NUMBER, offsetof(fields, fraction), .initial = "1", .min = 0, .max = 1,
     .doc = "of the neurons that receive it, drawn"},
    {"neurons", CLS_KEY_MAP, offsetof(fields, neurons), .doc = "which neurons may receive it"},
};
/* Inputs that may follow a waveform have these; */
static const cls_key waveform_keys[] = {
    {"waveform", CLS_KEY_ANY, offsetof(fields, waveform),
     .doc = "factor on its strength in time: {kind: ...}, or a list to sum; the strength is 1 where it is "
            "absent"},
    {"events", CLS_KEY_MAP, offsetof(fields, events), .doc = "blocks of an events.tsv during which it acts"},
};
/* trains of spikes these; */
static const cls_key train_keys[] = {
    {"file", CLS_KEY_TEXT, offsetof(fields, file), .required = true,
     .doc = "spikes in the SONATA layout, or our own spikes.h5"},
    {"population", CLS_KEY_TEXT, offsetof(fields, population),
     .doc = "of the file; needed where it holds several"},
    {"node_first", CLS_KEY_INTEGER, offsetof(fields, node_first), .min = 0, .max = 0x1p53,
     .doc = "node of the file that drives neuron 0; 0, or the first of a population of ours"},
    {"outside", CLS_KEY_CHOICE, offsetof(fields, outside), .initial = "refuse", .choices = outside_choices,
     .doc = "what happens to nodes that drive no neuron"},
};
/* and stimuli these (job_stimuli.c reads them). */
static const cls_key stimulus_keys[] = {
    {"name", CLS_KEY_TEXT, offsetof(fields, name), .required = true, .doc = "name, unique: keys its draws"},
    {"on", CLS_KEY_ANY, offsetof(fields, on), .required = true, .doc = "which populations"},
};
const cls_schema cls_schema_input = {"populations[].inputs[]", "An input; its model has further keys.",
                                     common_keys, CLS_KEYS(common_keys)};
const cls_schema cls_schema_input_waveform = {"populations[].inputs[] (dc, poisson, ou)",
                                              "Further keys of inputs whose strength may change in time.",
                                              waveform_keys, CLS_KEYS(waveform_keys)};
const cls_schema cls_schema_input_trains = {"populations[].inputs[] (spike_train)",
                                            "Further keys of spikes from a file.", train_keys,
                                            CLS_KEYS(train_keys)};
const cls_schema cls_schema_stimulus = {"stimuli[]",
                                        "An input to selected populations: keys of an input, and these.",
                                        stimulus_keys, CLS_KEYS(stimulus_keys)};

typedef struct {
  int64_t first, count;
} neuron_fields;
static const cls_key neuron_keys[] = {
    {"first", CLS_KEY_INTEGER, offsetof(neuron_fields, first), .initial = "0", .min = 0, .max = 4294967295.0,
     .doc = "number of the first in its population"},
    {"count", CLS_KEY_INTEGER, offsetof(neuron_fields, count), .unit = "neurons", .required = true, .min = 1,
     .max = 4294967295.0, .doc = "how many"},
};
const cls_schema cls_schema_neurons = {"neurons", "Consecutive neurons of a population.", neuron_keys,
                                       CLS_KEYS(neuron_keys)};

/* ---- receptor ---- */

/* Receptor by its own name or by that of its port (then the port's first). -1: there is none. */
static int find_receptor(const cls_model *model, const char *name) {
  int receptor = 0;
  for (int p = 0; p < model->n_ports; p++)
    for (int i = 0; i < model->ports[p].receptors; i++, receptor++)
      if (strcmp(model->ports[p].receptor[i], name) == 0) return receptor;
  int port = cls_model_port(model, name);
  return port < 0 ? -1 : cls_model_port_receptor(model, port);
}

static cls_status read_receptor(const cls_yaml *node, const char *name, const cls_model *target,
                                cls_input *input) {
  input->receptor = input->model->needs_port ? 0 : -1;
  if (!name) return CLS_OK;
  const cls_yaml *where = cls_yaml_get(node, "receptor");
  if (!input->model->needs_port)
    return cls_yaml_fail(
        where, "value '%.60s': %s adds a current and acts through no receptor: expected no such key", name,
        input->model->name);
  input->receptor = find_receptor(target, name);
  if (input->receptor >= 0) return CLS_OK;
  const char *names[CLS_MAX_RECEPTORS];
  int n = 0;
  for (int p = 0; p < target->n_ports; p++)
    for (int i = 0; i < target->ports[p].receptors; i++) names[n++] = target->ports[p].receptor[i];
  return cls_schema_unknown(where, "receptor", name, names, n);
}

/* ---- trains ---- */

static cls_status read_trains(cls_job_reader *r, const cls_yaml *node, const fields *f, cls_input *input) {
  char *path = NULL;
  cls_trains *trains = NULL;
  const cls_yaml *file = cls_yaml_get(node, "file");
  CLS_TRY(cls_job_path(r, file, f->file, &path));
  const cls_spike_train_options options = {.path = path,
                                           .population = f->population,
                                           .node_first = f->node_first,
                                           .ignore_outside = f->outside == 1,
                                           .dt_ms = r->job->dt_ms,
                                           .steps = (uint64_t)(r->job->duration_ms / r->job->dt_ms + 0.5)};
  cls_status status = cls_spike_train_create(&options, &trains);
  free(path);
  CLS_TRY(status);
  CLS_TRY(cls_network_own_trains(r->job->network, trains));
  input->trains = trains;
  CLS_TRY(cls_grow(&r->train_checks, &r->train_check_capacity, r->n_train_checks + 1, sizeof *r->train_checks,
                   "spike trains to check"));
  r->train_checks[r->n_train_checks++] = (cls_train_check){file, trains};
  return CLS_OK;
}

/* Neurons of the smallest population that the trains drive, 0 where there is none. */
static uint64_t least_population(const cls_network *network, const cls_trains *trains) {
  uint64_t least = 0;
  for (uint32_t p = 0; p < network->n_populations; p++)
    for (int k = 0; k < network->populations[p].n_inputs; k++)
      if (network->populations[p].inputs[k].trains == trains &&
          (least == 0 || network->populations[p].n < least))
        least = network->populations[p].n;
  return least;
}

cls_status cls_job_check_trains(cls_job_reader *r) {
  for (size_t i = 0; i < r->n_train_checks; i++) {
    const cls_train_check *c = &r->train_checks[i];
    uint64_t n = least_population(r->job->network, c->trains), spikes = 0;
    if (n == 0) continue;
    cls_status status = cls_spike_train_check(c->trains, n, &spikes);
    if (status != CLS_OK) return cls_yaml_prefix(c->node, status);
    cls_log(r->world, 1, "%s: %llu spikes within the run", c->node->text, (unsigned long long)spikes);
    if (spikes == 0) cls_warn(r->world, "%s: holds no spike of this run", c->node->text);
  }
  return CLS_OK;
}

/* ---- the whole ---- */

static int append(cls_key *keys, int n, const cls_key *more, int n_more) {
  memcpy(keys + n, more, (size_t)n_more * sizeof *keys);
  return n + n_more;
}

static cls_status read_neurons(cls_job_reader *r, const cls_yaml *section, cls_input *input) {
  neuron_fields f;
  if (!section) return CLS_OK;
  CLS_TRY(cls_schema_read(r->tree, section, neuron_keys, CLS_KEYS(neuron_keys), &f));
  input->first = (uint64_t)f.first;
  input->count = (uint64_t)f.count;
  return CLS_OK;
}

static cls_status read_input(cls_job_reader *r, const cls_yaml *node, const cls_model *target, bool stimulus,
                             cls_input *input) {
  fields f = {.node_first = -1};
  cls_key keys[CLS_MAX_PARAMS + 16];
  if (node->kind != CLS_YAML_MAP) return cls_yaml_fail(node, "expected a mapping {model: ..., ...}");
  const cls_yaml *name = cls_yaml_get(node, "model");
  if (!name || name->kind != CLS_YAML_SCALAR)
    return cls_yaml_fail(node, "key 'model' is missing: the input model (callosum models lists them)");
  CLS_TRY(cls_job_model(name, name->text, true, &input->model));
  const cls_model *model = input->model;
  int n = append(keys, 0, common_keys, CLS_KEYS(common_keys));
  for (int i = 0; i < model->n_params; i++) {
    f.param[i] = cls_constant(model->params[i].initial);
    keys[n++] = cls_job_param_key(&model->params[i], offsetof(fields, param) + (size_t)i * sizeof *f.param);
  }
  if (model->takes_waveform) n = append(keys, n, waveform_keys, CLS_KEYS(waveform_keys));
  if (model->needs_trains) n = append(keys, n, train_keys, CLS_KEYS(train_keys));
  if (stimulus) n = append(keys, n, stimulus_keys, CLS_KEYS(stimulus_keys));
  CLS_TRY(cls_schema_read(r->tree, node, keys, n, &f));
  if (!model->needs_port && target->no_current)
    return cls_yaml_fail(
        name, "value '%s': adds a current: expected an input that sends spikes, %s takes nothing else",
        model->name, target->name);
  CLS_TRY(read_receptor(node, f.receptor, target, input));
  if (model->needs_waveform && !f.waveform && !f.events)
    return cls_yaml_fail(node, "key 'waveform' is missing: how the rate changes in time");
  if ((f.waveform || f.events) && model->level && !cls_yaml_get(node, model->level))
    f.param[cls_model_param(model, model->level)] = cls_constant(1);
  CLS_TRY(cls_job_check_params(r, node, node, model, f.param));
  memcpy(input->param, f.param, sizeof input->param);
  input->omit = 1 - f.fraction;
  CLS_TRY(read_neurons(r, f.neurons, input));
  if (model->needs_trains) CLS_TRY(read_trains(r, node, &f, input));
  return cls_job_waveform(r, f.waveform, f.events, input);
}

cls_status cls_job_input(cls_job_reader *r, const cls_yaml *node, const cls_model *target, cls_input *input) {
  return read_input(r, node, target, false, input);
}

cls_status cls_job_stimulus_input(cls_job_reader *r, const cls_yaml *node, const cls_model *target,
                                  cls_input *input) {
  return read_input(r, node, target, true, input);
}
