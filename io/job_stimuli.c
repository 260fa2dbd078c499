/* Section `stimuli:`: inputs to selected populations, also to those of a brain. */
#include "io/job.h"
#include "io/selection.h"
#include <stdlib.h>
#include <string.h>

/* Its draws are keyed by its own name and that of the population: what else acts there does not matter. */
cls_status cls_job_stimulus_key(const char *stimulus, const char *population, uint64_t *key) {
  char *label = cls_format("stimulus %s on %s", stimulus, population);
  CLS_CHECK(label, CLS_ERR_MEMORY, "out of memory for stimulus '%.60s'", stimulus);
  *key = cls_hash_string(label);
  free(label);
  return CLS_OK;
}

/* Populations of one model share what is read for the first of them. */
static cls_status attach(cls_job_reader *r, const cls_yaml *node, const char *name,
                         const uint32_t *populations, uint32_t n) {
  cls_network *network = r->job->network;
  const cls_model *read_for = NULL;
  cls_input read = {0};
  uint64_t neurons = 0;
  for (uint32_t i = 0; i < n; i++) {
    cls_population *population = &network->populations[populations[i]];
    cls_input *input;
    if (population->model != read_for) {
      read = (cls_input){0};
      CLS_TRY(cls_job_stimulus_input(r, node, population->model, &read));
      read_for = population->model;
    }
    if (read.first >= population->n || read.count > population->n - read.first)
      return cls_yaml_fail(cls_yaml_get(node, "neurons"),
                           "%llu neurons from %llu on: population '%s' has %llu neurons",
                           (unsigned long long)read.count, (unsigned long long)read.first, population->name,
                           (unsigned long long)population->n);
    CLS_TRY(cls_population_add_input(population, read.model, &input));
    *input = read;
    CLS_TRY(cls_job_stimulus_key(name, population->name, &input->key));
    neurons += read.count ? read.count : population->n;
  }
  cls_log(r->world, 1, "stimulus %s: %s on %g of %llu neurons in %u populations", name, read.model->name,
          1 - read.omit, (unsigned long long)neurons, n);
  return CLS_OK;
}

static cls_status read_name(const cls_yaml *list, size_t i, const char **name) {
  const cls_yaml *node = list->items[i],
                 *key = node->kind == CLS_YAML_MAP ? cls_yaml_get(node, "name") : NULL;
  if (!key || key->kind != CLS_YAML_SCALAR || !*key->text)
    return cls_yaml_fail(key ? key : node, "expected {name: TEXT, on: populations, model: ..., ...}");
  *name = key->text;
  for (size_t k = 0; k < i; k++)
    if (strcmp(cls_yaml_get(list->items[k], "name")->text, *name) == 0)
      return cls_yaml_fail(key, "value '%.60s': a stimulus of this name stands before: expected unique names",
                           *name);
  return CLS_OK;
}

cls_status cls_job_read_stimuli(cls_job_reader *r) {
  const cls_yaml *list = cls_yaml_get(r->root, "stimuli");
  for (size_t i = 0; list && i < list->n; i++) {
    const cls_yaml *node = list->items[i];
    const char *name = NULL;
    uint32_t *populations = NULL, n = 0;
    CLS_TRY(read_name(list, i, &name));
    const cls_yaml *on = cls_yaml_get(node, "on");
    if (!on) return cls_yaml_fail(node, "key 'on' is missing: which populations");
    cls_status status = cls_selection_find(r, on, &populations, &n);
    if (status == CLS_OK && n == 0)
      cls_warn(r->world, "stimulus %s: selects no population", name);
    else if (status == CLS_OK)
      status = attach(r, node, name, populations, n);
    free(populations);
    CLS_TRY(status);
  }
  return CLS_OK;
}
