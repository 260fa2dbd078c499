/* What the tests of brains share: the values of section `brain:` of a job, and looking at what comes of
 * them. */
#ifndef CALLOSUM_TEST_BRAINS_H
#define CALLOSUM_TEST_BRAINS_H

#include "connectomes.h"

#include <math.h>

/* The values of section `brain:` of a job, whose tables are in io/. `inputs` is allocated: the caller frees
 * it. */
static inline cls_brain default_brain(void) {
  cls_brain brain = {.neurons = 20000,
                     .indegree = 100,
                     .units = cls_unit_find("canonical"),
                     .n_units = 1,
                     .rule = CLS_FIXED_INDEGREE,
                     .velocity_m_s = 3,
                     .local_delay_ms = cls_constant(0),
                     .delay_jitter_ms = .2,
                     .coupling = 1,
                     .sizes = CLS_SIZES_AUTO,
                     .compensate = true,
                     .model = cls_model_find("lif_dtb"),
                     .n_inputs = 1};
  brain.local_delay_ms.kind = CLS_UNIFORM;
  brain.local_delay_ms.a = 1;
  brain.local_delay_ms.b = 2;
  for (int i = 0; i < brain.model->n_params; i++)
    brain.param[i] = cls_constant(brain.model->params[i].initial);
  brain.inputs = calloc(1, sizeof *brain.inputs);
  if (!brain.inputs) return brain;
  const cls_model *ou = cls_model_find("ou");
  brain.inputs[0].model = ou;
  brain.inputs[0].receptor = -1;
  for (int i = 0; i < ou->n_params; i++) brain.inputs[0].param[i] = cls_constant(ou->params[i].initial);
  brain.inputs[0].param[cls_model_param(ou, "tau_ms")] = cls_constant(4);
  brain.inputs[0].param[cls_model_param(ou, "mean")] = cls_constant(.4);
  brain.inputs[0].param[cls_model_param(ou, "sd")] = cls_constant(.15);
  return brain;
}

typedef struct {
  cls_network *network;
  uint32_t *kept, n_kept;
} expanded;

static const cls_world quiet = {.comm = MPI_COMM_NULL, .ranks = 1, .threads = 1};

static inline cls_status try_expand(const cls_connectome *c, const cls_brain *brain, expanded *e) {
  OK(cls_network_create("brain", .1, 1, &e->network));
  cls_status status = cls_network_add_brain(e->network, c, brain, &quiet, &e->kept, &e->n_kept);
  if (status != CLS_OK) cls_network_destroy(e->network);
  return status;
}

static inline expanded expand(const cls_connectome *c, const cls_brain *brain) {
  expanded e;
  OK(try_expand(c, brain, &e));
  return e;
}

static inline void drop(expanded *e) {
  cls_network_destroy(e->network);
  free(e->kept);
}

static inline const cls_population *population(const expanded *e, const char *name) {
  int64_t index = cls_network_find_population(e->network, name);
  assert_true(index >= 0);
  return &e->network->populations[index];
}

static inline const cls_projection *find_projection(const expanded *e, const char *name) {
  for (uint32_t p = 0; p < e->network->n_projections; p++)
    if (strcmp(e->network->projections[p].name, name) == 0) return &e->network->projections[p];
  return NULL;
}

static inline const cls_projection *projection(const expanded *e, const char *name) {
  const cls_projection *p = find_projection(e, name);
  if (!p) print_error("no projection %s\n", name);
  assert_non_null(p);
  return p;
}

/* r0 <- r1 (3), r2 (1); r1 <- r0 (5); r2 <- nothing. */
static const double three[] = {0, 3, 1, 5, 0, 0, 0, 0, 0};

#endif
