#include "model/spike_train.h"

enum { WEIGHT, N_PARAMS };
static const cls_param_info params[N_PARAMS] = {
    {"weight", "weight unit of the receptor", 1, -1e9, 1e9, false, "weight of each spike"},
};

static void derive(const double *p, double h, float *k) {
  (void)h;
  k[0] = (float)p[WEIGHT];
}

static void add_events(const cls_tile *t, int stride) {
  if (t->n_events == 0) return;
  float *input = t->input[t->receptor];
  for (int e = spike_train_find(t->event, t->n_events, t->first); e < t->n_events;) {
    uint32_t neuron = (uint32_t)t->event[e], i = neuron - t->first;
    if (i >= (uint32_t)t->n) return;
    int count = 0;
    for (; e < t->n_events && (uint32_t)t->event[e] == neuron; e++) count++;
    input[i] = spike_train_step(t->konst[0][i * (uint32_t)stride], count, input[i]);
  }
}
static void tile_shared(const cls_tile *t) { add_events(t, 0); }
static void tile_varied(const cls_tile *t) { add_events(t, 1); }

static void one(const cls_tile *t, int i, int stride) {
  uint32_t neuron = t->first + (uint32_t)i;
  int count = 0, first = spike_train_find(t->event, t->n_events, neuron);
  for (int e = first; e < t->n_events && (uint32_t)t->event[e] == neuron; e++) count++;
  if (count == 0) return;
  t->input[t->receptor][i] = spike_train_step(t->konst[0][i * stride], count, t->input[t->receptor][i]);
}

static const cls_figure figures[] = {
    {"trains", "sums of weights that 120 neurons got, with what their trains hold", 0.0005, "weights",
     "engine/test_inputs.c"},
};

const cls_model cls_model_spike_train = {
    .name = "spike_train",
    .title = "spikes from a file, one train per neuron",
    .citation = "ours",
    .params = params,
    .n_params = N_PARAMS,
    .n_consts = CLS_COUNT(spike_train_CONSTS),
    .is_input = true,
    .needs_port = true,
    .needs_trains = true,
    .derive = derive,
    .tile_shared = tile_shared,
    .tile_varied = tile_varied,
    .one = one,
    .doc = {.equations = "input(s) = weight (spikes of the neuron's train in step s)\n",
            .method = "nothing to integrate: a spike acts in the step that it falls into",
            .order = 0,
            .spike_order = 0,
            CLS_FIGURES},
};
