/* Key `assimilation.twin`: observations of a brain whose values are known. */
#include "io/job_assimilation.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const cls_yaml *set, *truth;
  int64_t seed;
  double mirror_at_s;
} fields;

static const cls_key keys[] = {
    {"set", CLS_KEY_MAP, offsetof(fields, set),
     .doc = "{key.path: value, ...}: what is different in the job of the truth; simulation.seed makes other "
            "synapses and noise"},
    {"truth", CLS_KEY_LIST, offsetof(fields, truth),
     .doc = "[low, high] of true values, drawn for each row of what is updated; left out: the range of its "
            "prior"},
    {"seed", CLS_KEY_INTEGER, offsetof(fields, seed), .min = 0, .max = 0x1p63,
     .doc = "of true values and errors of observations; left out: assimilation.seed"},
    {"mirror_at_s", CLS_KEY_NUMBER, offsetof(fields, mirror_at_s), .unit = "s", .initial = "0", .min = 0,
     .max = 1e9, .doc = "from here on true values v are low + high - v; 0: never"},
};
const cls_schema cls_schema_twin = {
    "assimilation.twin", "A twin experiment: what is estimated is known. Observations have no file then.",
    keys, CLS_KEYS(keys)};

/* The truth is a run of its own: what it is compared with cannot change. */
static cls_status check_key(const cls_yaml *node) {
  static const char *const kept[] = {"assimilation", "sweep", "simulation.dt_ms", "simulation.duration_ms"};
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
    const size_t n = strlen(kept[i]);
    if (strncmp(node->key, kept[i], n) == 0 && (!node->key[n] || node->key[n] == '.'))
      return cls_yaml_fail(node, "the twin has the %s of the job: expected another key", kept[i]);
  }
  return CLS_OK;
}

static cls_status read_set(const cls_yaml *map, cls_twin_options *twin) {
  if (!map) return CLS_OK;
  CLS_TRY(cls_alloc(&twin->set, map->n, sizeof *twin->set, "options of a twin"));
  for (size_t i = 0; i < map->n; i++) {
    const cls_yaml *node = map->items[i];
    char *value = NULL;
    CLS_TRY(check_key(node));
    cls_status status = cls_job_line(node, &value);
    if (status == CLS_OK && !(twin->set[twin->n_set] = cls_format("%s=%s", node->key, value)))
      status = cls_fail(CLS_ERR_MEMORY, "job: out of memory for an option of a twin");
    free(value);
    CLS_TRY(status);
    twin->n_set++;
  }
  return CLS_OK;
}

/* Where the truth of a hyperparameter comes from: its own range, the twin's, or that of its prior. */
static cls_status settle_truth(const cls_yaml *truth, const cls_twin_options *twin, cls_hyperparameter *h) {
  if (!h->update || !isnan(h->truth_low)) return CLS_OK;
  h->truth_low = truth ? twin->low : h->prior_low;
  h->truth_high = truth ? twin->high : h->prior_high;
  const bool positive = h->transform == CLS_LOGIT || h->truth_low > 0;
  if (h->truth_low >= h->lower && h->truth_high <= h->upper && positive) return CLS_OK;
  return cls_yaml_fail(
      truth, "[%.10g, %.10g]: expected values within the bounds [%.10g, %.10g] of %s, or truth of its own",
      h->truth_low, h->truth_high, h->lower, h->upper, h->name);
}

cls_status cls_job_read_twin(cls_job_reader *r, const cls_yaml *section) {
  cls_assimilation_options *a = &r->job->assimilation;
  fields f = {.seed = -1};
  if (!section) return CLS_OK;
  CLS_TRY(cls_schema_read(r->tree, section, keys, CLS_KEYS(keys), &f));
  a->twin.low = a->twin.high = NAN;
  if (f.truth) CLS_TRY(cls_job_range(r, f.truth, &a->twin.low, &a->twin.high));
  a->twin.seed = f.seed < 0 ? a->seed : (uint64_t)f.seed;
  a->twin.mirror_at_s = f.mirror_at_s;
  for (uint32_t i = 0; i < a->n_hyper; i++) CLS_TRY(settle_truth(f.truth, &a->twin, &a->hyper[i]));
  return read_set(f.set, &a->twin);
}

void cls_job_free_twin(cls_assimilation_options *a) {
  for (uint32_t i = 0; i < a->twin.n_set; i++) free(a->twin.set[i]);
  free(a->twin.set);
}
