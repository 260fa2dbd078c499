#include "model/dc.h"

static const cls_param_info params[] = {
    {"amplitude", "current unit of the neuron", 0, -1e9, 1e9, false, "current"},
};

static void derive(const double *p, double h, float *k) {
  (void)h;
  k[0] = (float)p[0];
}

static void tile_shared(const cls_tile *t) {
  for (int i = 0; i < t->n; i++) t->current[i] = dc_step(t->konst[0][0], t->current[i]);
}
static void tile_varied(const cls_tile *t) {
  for (int i = 0; i < t->n; i++) t->current[i] = dc_step(t->konst[0][i], t->current[i]);
}
static void one(const cls_tile *t, int i, int stride) {
  t->current[i] = dc_step(t->konst[0][i * stride], t->current[i]);
}

const cls_model cls_model_dc = {
    .name = "dc",
    .title = "constant current",
    .citation = "",
    .params = params,
    .n_params = 1,
    .n_consts = CLS_COUNT(dc_CONSTS),
    .is_input = true,
    .derive = derive,
    .tile_shared = tile_shared,
    .tile_varied = tile_varied,
    .one = one,
};
