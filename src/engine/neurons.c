#include "engine/neurons.h"
#include <stdlib.h>
#include <string.h>

/* Parameters of neuron `index`: drawn where they vary. Out-of-range draws cannot occur: cls_network_finish
 * bounded the distributions by the model's ranges. */
static void draw_params(const cls_distribution *param, int n, cls_stream stream, uint32_t index,
                        double *value) {
  for (int j = 0; j < n; j++)
    value[j] = param[j].kind == CLS_CONSTANT
                   ? cls_distribution_draw(&param[j], stream, 0, 0, 0)
                   : cls_distribution_draw(&param[j], stream, index, (uint32_t)j, 0);
}

static bool varies(const cls_distribution *param, int n) {
  for (int j = 0; j < n; j++)
    if (param[j].kind != CLS_CONSTANT) return true;
  return false;
}

static uint32_t round16(uint32_t n) { return (n + 15u) & ~15u; }

static size_t const_floats(const cls_model *model, bool varied, uint32_t padded) {
  return ((size_t)model->n_consts * (varied ? padded : 1) + 15) & ~(size_t)15;
}

/* Fills constants of one model on one range; padding repeats the last neuron so that it stays finite. */
static cls_status fill_constants(const cls_model *model, const cls_distribution *param, const char *name,
                                 cls_stream stream, double dt_ms, uint32_t first, uint32_t n, bool varied,
                                 float *out) {
  double value[CLS_MAX_PARAMS];
  float konst[CLS_MAX_CONSTS];
  if (!varied) {
    draw_params(param, model->n_params, stream, 0, value);
    model->derive(value, dt_ms, out);
    return CLS_OK;
  }
  uint32_t padded = round16(n);
  for (uint32_t i = 0; i < padded; i++) {
    uint32_t index = first + (i < n ? i : n - 1);
    draw_params(param, model->n_params, stream, index, value);
    if (model->check && model->check(value, dt_ms) != CLS_OK)
      return cls_error_prefix(CLS_ERR_INPUT, "population %s, neuron %u", name, index);
    model->derive(value, dt_ms, konst);
    for (int j = 0; j < model->n_consts; j++) out[(size_t)j * padded + i] = konst[j];
  }
  return CLS_OK;
}

static cls_stream param_stream(const cls_network *network, uint64_t key) {
  return cls_stream_make(network->seed, CLS_PURPOSE_PARAMETER, key);
}

/* Sizes of the pools, then the pools. */
cls_status cls_neurons_create(const cls_network *network, const cls_layout *layout, cls_neurons **neurons) {
  cls_neurons *c = NULL;
  CLS_TRY(cls_alloc(&c, 1, sizeof *c, "neurons"));
  *neurons = c;
  c->network = network;
  size_t constants = 0, inputs = 0, tables = 0;
  for (uint32_t r = 0; r < layout->n_ranges; r++) {
    const cls_population *p = &network->populations[layout->ranges[r].population];
    uint32_t padded = round16(layout->ranges[r].n);
    constants += const_floats(p->model, varies(p->param, p->model->n_params), padded);
    inputs += (size_t)p->n_inputs;
    for (int k = 0; k < p->n_inputs; k++) {
      const cls_model *model = p->inputs[k].model;
      constants += const_floats(model, varies(p->inputs[k].param, model->n_params), padded);
      if (model->table) tables += CLS_MAX_TABLE;
    }
  }
  CLS_TRY(cls_alloc(&c->runs, layout->n_ranges, sizeof *c->runs, "ranges"));
  CLS_TRY(cls_alloc(&c->constants, constants, sizeof *c->constants, "neuron constants"));
  CLS_TRY(cls_alloc(&c->inputs, inputs, sizeof *c->inputs, "inputs"));
  CLS_TRY(cls_alloc(&c->tables, tables, sizeof *c->tables, "input tables"));
  c->bytes = constants * sizeof(float) + inputs * sizeof *c->inputs + tables * sizeof(uint32_t) +
             layout->n_ranges * sizeof *c->runs;
  c->n_runs = layout->n_ranges;

  float *konst = c->constants;
  cls_input_run *input = c->inputs;
  uint32_t *table = c->tables;
  for (uint32_t r = 0; r < layout->n_ranges; r++) {
    const cls_range *range = &layout->ranges[r];
    const cls_population *p = &network->populations[range->population];
    bool varied = varies(p->param, p->model->n_params);
    cls_range_run *run = &c->runs[r];
    *run = (cls_range_run){.model = p->model,
                           .n = range->n,
                           .padded = round16(range->n),
                           .local = range->local,
                           .first = range->first,
                           .konst = konst,
                           .stride = varied,
                           .state = c->pool,
                           .n_states = p->model->n_states,
                           .inputs = input,
                           .n_inputs = p->n_inputs};
    memcpy(run->quantum, network->quantum[range->population], sizeof run->quantum);
    CLS_TRY(fill_constants(p->model, p->param, p->name, param_stream(network, p->key), network->dt_ms,
                           range->first, range->n, varied, konst));
    konst += const_floats(p->model, varied, run->padded);
    for (int k = 0; k < p->n_inputs; k++, input++) {
      const cls_input *in = &p->inputs[k];
      bool input_varied = varies(in->param, in->model->n_params);
      cls_stream noise = cls_stream_make(network->seed, CLS_PURPOSE_NOISE, in->key);
      *input = (cls_input_run){.model = in->model,
                               .receptor = in->receptor,
                               .key = {noise.key[0], noise.key[1]},
                               .konst = konst,
                               .stride = input_varied,
                               .first_state = run->n_states};
      run->n_states += in->model->n_states;
      CLS_TRY(fill_constants(in->model, in->param, p->name, param_stream(network, in->key), network->dt_ms,
                             range->first, range->n, input_varied, konst));
      konst += const_floats(in->model, input_varied, run->padded);
      if (in->model->table) {
        double value[CLS_MAX_PARAMS];
        draw_params(in->param, in->model->n_params, param_stream(network, in->key), range->first, value);
        input->table_n = in->model->table(value, network->dt_ms, table, &input->repeat);
        input->table = table;
        table += CLS_MAX_TABLE;
      }
    }
    c->pool += (size_t)run->padded * (size_t)run->n_states;
  }
  return CLS_OK;
}

void cls_neurons_destroy(cls_neurons *neurons) {
  if (!neurons) return;
  free(neurons->runs);
  free(neurons->constants);
  free(neurons->inputs);
  free(neurons->tables);
  free(neurons);
}

/* Starting states of one model for one neuron, job values in place of defaults. */
static void start_one(const cls_model *model, const cls_distribution *param, const cls_distribution *initial,
                      const bool *has_initial, const cls_network *network, uint64_t key, uint32_t index,
                      int member, float *state) {
  double value[CLS_MAX_PARAMS];
  cls_stream stream = cls_stream_make(network->seed, CLS_PURPOSE_INITIAL, key);
  draw_params(param, model->n_params, param_stream(network, key), index, value);
  for (int j = 0; j < model->n_states; j++) state[j] = 0;
  double unit = cls_unit(cls_draw(stream, index, UINT32_MAX, (uint32_t)member, 0).w[0]);
  if (model->start) model->start(value, network->dt_ms, unit, state);
  for (int j = 0; initial && j < model->n_states; j++) {
    if (!has_initial[j]) continue;
    double x = cls_distribution_draw(&initial[j], stream, index, (uint32_t)j, (uint32_t)member);
    const char *base = model->states[j].relative_to;
    state[j] = (float)(base ? x - value[cls_model_param(model, base)] : x);
  }
}

cls_status cls_neurons_start(const cls_neurons *neurons, const cls_layout *layout, int identity,
                             float *pool) {
  const cls_network *network = neurons->network;
  float state[CLS_MAX_STATES];
  for (uint32_t r = 0; r < neurons->n_runs; r++) {
    const cls_range_run *run = &neurons->runs[r];
    const cls_population *p = &network->populations[layout->ranges[r].population];
    float *base = pool + run->state;
    for (uint32_t i = 0; i < run->padded; i++) {
      uint32_t index = run->first + (i < run->n ? i : run->n - 1);
      start_one(p->model, p->param, p->initial, p->has_initial, network, p->key, index, identity, state);
      for (int j = 0; j < p->model->n_states; j++) base[(size_t)j * run->padded + i] = state[j];
      for (int k = 0; k < p->n_inputs; k++) {
        const cls_input *in = &p->inputs[k];
        start_one(in->model, in->param, NULL, NULL, network, in->key, index, identity, state);
        for (int j = 0; j < in->model->n_states; j++)
          base[(size_t)(run->inputs[k].first_state + j) * run->padded + i] = state[j];
      }
    }
  }
  return CLS_OK;
}

void cls_neurons_tile(const cls_range_run *run, float *pool, uint32_t at, uint32_t n, cls_tile *tile) {
  tile->n = (int)n;
  float *state = pool + run->state + at;
  for (int j = 0; j < run->model->n_states; j++) tile->state[j] = state + (size_t)j * run->padded;
  for (int j = 0; j < run->model->n_consts; j++)
    tile->konst[j] = run->stride ? run->konst + (size_t)j * run->padded + at : run->konst + j;
}

void cls_neurons_input_tile(const cls_range_run *run, const cls_input_run *input, float *pool, uint32_t at,
                            uint32_t n, int64_t step, int member, cls_tile *tile) {
  tile->n = (int)n;
  float *state = pool + run->state + (size_t)input->first_state * run->padded + at;
  for (int j = 0; j < input->model->n_states; j++) tile->state[j] = state + (size_t)j * run->padded;
  for (int j = 0; j < input->model->n_consts; j++)
    tile->konst[j] = input->stride ? input->konst + (size_t)j * run->padded + at : input->konst + j;
  tile->key[0] = input->key[0];
  tile->key[1] = input->key[1];
  tile->first = run->first + at;
  tile->step_lo = (uint32_t)(uint64_t)step;
  tile->step_hi = (uint32_t)((uint64_t)step >> 32);
  tile->member = (uint32_t)member;
  tile->table = input->table;
  tile->table_n = input->table_n;
  tile->repeat = input->repeat;
  tile->receptor = input->receptor;
}
