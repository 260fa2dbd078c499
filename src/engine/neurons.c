#include "engine/neurons.h"
#include "network/intervention.h"
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

size_t cls_neurons_const_floats(const cls_model *model, bool varied, uint32_t padded) {
  return ((size_t)model->n_consts * (varied ? padded : 1) + 15) & ~(size_t)15;
}

static cls_stream param_stream(const cls_network *network, uint64_t key) {
  return cls_stream_make(network->seed, CLS_PURPOSE_PARAMETER, key);
}

int cls_neurons_input_number(const cls_population *population, const cls_input_run *input) {
  return (int)(input->input - population->inputs);
}

/* ---- what changes parameters ---- */

bool cls_changes_apply(const cls_changes *changes, const cls_model *model, int input, double *value) {
  bool changed = false;
  for (uint32_t c = 0; input < 0 && c < changes->n_interventions; c++) {
    const cls_intervention *v = &changes->network->interventions[c];
    bool set = v->kind == CLS_SET_PARAM;
    if ((!set && v->kind != CLS_SCALE_PARAM) ||
        !cls_population_listed(v->on, v->n_on, changes->range->population))
      continue;
    double *parameter = &value[cls_model_param(model, v->param)];
    *parameter = set ? v->value : *parameter * v->value;
    changed = true;
  }
  for (size_t c = 0; c < changes->n_scales; c++) {
    const cls_scale *s = &changes->scales[c];
    if (s->kind != (input < 0 ? CLS_OF_PARAM : CLS_OF_INPUT_PARAM) || (input >= 0 && s->input != input))
      continue;
    value[s->which] = s->set ? s->value : value[s->which] * s->value;
    changed = true;
  }
  return changed;
}

/* What acts on a receptor is multiplied by this. */
static float receptor_factor(const cls_changes *changes, const cls_model *model, int receptor) {
  float factor = 1;
  for (uint32_t c = 0; c < changes->n_interventions; c++) {
    const cls_intervention *v = &changes->network->interventions[c];
    if (v->kind == CLS_SCALE_RECEPTOR && cls_population_listed(v->on, v->n_on, changes->range->population) &&
        cls_model_receptor(model, v->param) == receptor)
      factor *= (float)v->value;
  }
  for (size_t c = 0; c < changes->n_scales; c++)
    if (changes->scales[c].kind == CLS_OF_RECEPTOR && changes->scales[c].which == receptor)
      factor *= (float)changes->scales[c].value;
  return factor;
}

/* ---- constants ---- */

/* Constants of neurons from their parameters as drawn and as they were changed. */
static cls_status derive_changed(const cls_changes *changes, const cls_model *model, int input, double *value,
                                 float *konst) {
  const cls_network *network = changes->network;
  const bool changed = cls_changes_apply(changes, model, input, value);
  if (changed && model->check && model->check(value, network->dt_ms) != CLS_OK)
    return cls_error_prefix(CLS_ERR_INPUT, "population %s after an intervention or with scales",
                            network->populations[changes->range->population].name);
  model->derive(value, network->dt_ms, konst);
  return CLS_OK;
}

/* What constants are derived from: the parameters of the neurons (input NULL), or of one of their inputs. */
typedef struct {
  const cls_model *model;
  const cls_distribution *param;
  uint64_t key;
  const cls_input *input;
  int number; /* of the input, -1 */
} described;

/* Fills constants of one model on one range; padding repeats the last neuron so that it stays finite. An
 * input leaves the constants of neurons it does not reach at 0. */
static cls_status fill_constants(const cls_changes *changes, const described *d, bool varied, float *out) {
  const cls_network *network = changes->network;
  const cls_range *range = changes->range;
  const cls_model *model = d->model;
  double value[CLS_MAX_PARAMS];
  float konst[CLS_MAX_CONSTS];
  cls_stream stream = param_stream(network, d->key);
  if (!varied) {
    draw_params(d->param, model->n_params, stream, 0, value);
    return derive_changed(changes, model, d->number, value, out);
  }
  uint32_t padded = round16(range->n);
  for (uint32_t i = 0; i < padded; i++) {
    uint32_t index = range->first + (i < range->n ? i : range->n - 1);
    draw_params(d->param, model->n_params, stream, index, value);
    if (model->check && model->check(value, network->dt_ms) != CLS_OK)
      return cls_error_prefix(CLS_ERR_INPUT, "population %s, neuron %u",
                              network->populations[range->population].name, index);
    bool reached = !d->input || cls_input_reaches(d->input, network->seed, index);
    if (reached) CLS_TRY(derive_changed(changes, model, d->number, value, konst));
    for (int j = 0; j < model->n_consts; j++) out[(size_t)j * padded + i] = reached ? konst[j] : 0;
  }
  return CLS_OK;
}

static cls_status derive_input(const cls_changes *changes, const cls_range_run *run, cls_input_run *in) {
  const cls_network *network = changes->network;
  const cls_input *input = in->input;
  const int number = cls_neurons_input_number(&network->populations[changes->range->population], in);
  const described d = {in->model, input->param, input->key, input, number};
  CLS_TRY(fill_constants(changes, &d, in->stride, in->konst));
  /* What happens to its receptor: it acts there by one constant, the weight of a spike. */
  const float factor = in->model->needs_port ? receptor_factor(changes, run->model, in->receptor) : 1;
  const size_t n = (size_t)in->model->n_consts * (in->stride ? run->padded : 1);
  for (size_t i = 0; factor != 1 && i < n; i++) in->konst[i] *= factor;
  if (!in->model->table) return CLS_OK;
  double value[CLS_MAX_PARAMS];
  draw_params(input->param, in->model->n_params, param_stream(network, input->key), changes->range->first,
              value);
  cls_changes_apply(changes, in->model, number, value);
  in->base = value[cls_model_param(in->model, in->model->level)];
  return CLS_OK;
}

cls_status cls_neurons_derive(const cls_changes *changes, cls_range_run *run) {
  const uint32_t population = changes->range->population;
  const cls_population *p = &changes->network->populations[population];
  const described d = {p->model, p->param, p->key, NULL, -1};
  if (!run->borrowed) CLS_TRY(fill_constants(changes, &d, run->stride, run->konst));
  for (int r = 0; r < p->model->n_receptors; r++) /* a power of two, times what becomes of the receptor */
    run->quantum[r] = changes->network->quantum[population][r] * receptor_factor(changes, p->model, r);
  for (int k = 0; k < run->n_inputs; k++)
    if (!run->inputs[k].borrowed) CLS_TRY(derive_input(changes, run, &run->inputs[k]));
  return CLS_OK;
}

/* Constants per neuron, or one set for all. */
static bool input_varies(const cls_input *input, const cls_range *range) {
  return varies(input->param, input->model->n_params) || cls_input_is_partial(input, range->first, range->n);
}

/* ---- what inputs share ---- */

static cls_status find_levels(cls_neurons *c, size_t n_inputs) {
  CLS_TRY(cls_alloc(&c->waveforms, n_inputs + 1, sizeof *c->waveforms, "waveforms"));
  c->n_levels = 1;
  for (size_t i = 0; i < n_inputs; i++) {
    const cls_waveform *waveform = c->inputs[i].input->waveform;
    uint32_t w = waveform ? 1 : 0;
    while (waveform && w < c->n_levels && c->waveforms[w] != waveform) w++;
    if (w == c->n_levels) c->waveforms[c->n_levels++] = waveform;
    c->inputs[i].level = w;
  }
  return CLS_OK;
}

cls_status cls_neurons_count_sources(cls_neurons *c) {
  size_t capacity = 0;
  free(c->counts);
  c->counts = NULL;
  c->n_counts = 0;
  for (uint32_t r = 0; r < c->n_runs; r++)
    for (int k = 0; k < c->runs[r].n_inputs; k++) {
      cls_input_run *in = &c->runs[r].inputs[k];
      in->count = CLS_NONE;
      if (!in->model->table) continue;
      uint32_t s = 0;
      while (s < c->n_counts && !(c->counts[s].model == in->model && c->counts[s].base == in->base &&
                                  c->counts[s].level == in->level))
        s++;
      in->count = s;
      if (s < c->n_counts) continue;
      CLS_TRY(cls_grow(&c->counts, &capacity, s + 1ul, sizeof *c->counts, "count tables"));
      cls_count_source *source = &c->counts[c->n_counts++];
      *source = (cls_count_source){.model = in->model, .base = in->base, .level = in->level};
      if (source->level == 0) in->model->table(in->base, c->network->dt_ms, &source->table);
    }
  return CLS_OK;
}

/* ---- creation ---- */

/* Inputs of a population that reach a range. */
static const cls_input *next_input(const cls_population *p, const cls_range *range, int *k) {
  while (*k < p->n_inputs) {
    const cls_input *input = &p->inputs[(*k)++];
    if (!cls_input_misses(input, range->first, range->n)) return input;
  }
  return NULL;
}

/* Where the constants and states of a range and its inputs lie. */
static void place_range(cls_neurons *c, const cls_network *network, const cls_range *range,
                        cls_range_run *run, float **konst, cls_input_run **inputs) {
  const cls_population *p = &network->populations[range->population];
  *run = (cls_range_run){.model = p->model,
                         .n = range->n,
                         .padded = round16(range->n),
                         .local = range->local,
                         .first = range->first,
                         .konst = *konst,
                         .stride = varies(p->param, p->model->n_params),
                         .state = c->pool,
                         .n_states = p->model->n_states,
                         .inputs = *inputs};
  *konst += cls_neurons_const_floats(p->model, run->stride, run->padded);
  const cls_input *in;
  for (int k = 0; (in = next_input(p, range, &k));) {
    cls_stream noise = cls_stream_make(network->seed, CLS_PURPOSE_NOISE, in->key);
    cls_input_run *input = &run->inputs[run->n_inputs++];
    *input = (cls_input_run){.model = in->model,
                             .input = in,
                             .receptor = in->receptor,
                             .key = {noise.key[0], noise.key[1]},
                             .konst = *konst,
                             .stride = input_varies(in, range),
                             .first_state = run->n_states,
                             .count = CLS_NONE,
                             .train = CLS_NONE};
    run->n_states += in->model->n_states;
    *konst += cls_neurons_const_floats(in->model, input->stride, run->padded);
  }
  *inputs += run->n_inputs;
  c->pool += (size_t)run->padded * (size_t)run->n_states;
}

/* Sizes of the pools. */
static void measure(const cls_network *network, const cls_layout *layout, size_t *constants, size_t *inputs) {
  for (uint32_t r = 0; r < layout->n_ranges; r++) {
    const cls_range *range = &layout->ranges[r];
    const cls_population *p = &network->populations[range->population];
    const cls_input *in;
    uint32_t padded = round16(range->n);
    *constants += cls_neurons_const_floats(p->model, varies(p->param, p->model->n_params), padded);
    for (int k = 0; (in = next_input(p, range, &k)); ++*inputs)
      *constants += cls_neurons_const_floats(in->model, input_varies(in, range), padded);
  }
}

cls_status cls_neurons_create(const cls_network *network, const cls_layout *layout, cls_neurons **neurons) {
  cls_neurons *c = NULL;
  CLS_TRY(cls_alloc(&c, 1, sizeof *c, "neurons"));
  *neurons = c;
  c->network = network;
  size_t constants = 0, inputs = 0;
  measure(network, layout, &constants, &inputs);
  CLS_TRY(cls_alloc(&c->runs, layout->n_ranges, sizeof *c->runs, "ranges"));
  CLS_TRY(cls_alloc(&c->constants, constants, sizeof *c->constants, "neuron constants"));
  CLS_TRY(cls_alloc(&c->inputs, inputs, sizeof *c->inputs, "inputs"));
  c->n_runs = layout->n_ranges;
  c->n_constants = constants;
  float *konst = c->constants;
  cls_input_run *input = c->inputs;
  for (uint32_t r = 0; r < layout->n_ranges; r++) {
    place_range(c, network, &layout->ranges[r], &c->runs[r], &konst, &input);
    CLS_TRY(cls_neurons_derive(&(cls_changes){.network = network, .range = &layout->ranges[r]}, &c->runs[r]));
  }
  CLS_TRY(find_levels(c, inputs));
  CLS_TRY(cls_neurons_count_sources(c));
  CLS_TRY(cls_neurons_read_trains(c, network, layout));
  c->bytes = constants * sizeof(float) + inputs * sizeof *c->inputs + c->n_counts * sizeof *c->counts +
             layout->n_ranges * sizeof *c->runs;
  for (uint32_t t = 0; t < c->n_trains; t++)
    c->bytes += sizeof *c->trains + c->trains[t].n * sizeof(uint64_t);
  return CLS_OK;
}

/* Inputs that draw counts have a source of their own each, for all ranges of a population: see cls_count_source. */
static cls_status separate_sources(cls_neurons *c) {
  size_t n = 0;
  for (uint32_t r = 0; r < c->n_runs; r++)
    for (int k = 0; k < c->runs[r].n_inputs; k++) n += c->runs[r].inputs[k].count != CLS_NONE;
  const cls_input **of = NULL;
  cls_status status = cls_alloc(&of, n, sizeof *of, "count tables");
  if (status == CLS_OK) status = cls_alloc(&c->counts, n, sizeof *c->counts, "count tables");
  for (uint32_t r = 0; r < c->n_runs && status == CLS_OK; r++)
    for (int k = 0; k < c->runs[r].n_inputs; k++) {
      cls_input_run *in = &c->runs[r].inputs[k];
      if (in->count == CLS_NONE) continue;
      uint32_t s = 0;
      while (s < c->n_counts && of[s] != in->input) s++;
      if (s == c->n_counts) {
        of[s] = in->input;
        c->counts[c->n_counts++] = c->origin->counts[in->count];
      }
      in->count = s;
    }
  free(of);
  if (status != CLS_OK || c->n_counts == 0) return status;
  cls_count_source *fewer = realloc(c->counts, c->n_counts * sizeof *fewer);
  if (fewer) c->counts = fewer;
  return CLS_OK;
}

cls_status cls_neurons_create_like(const cls_neurons *origin, cls_neurons **neurons) {
  cls_neurons *c = NULL;
  size_t n_inputs = 0;
  CLS_TRY(cls_alloc(&c, 1, sizeof *c, "neurons"));
  *neurons = c;
  c->network = origin->network;
  c->origin = origin;
  c->pool = origin->pool;
  c->waveforms = origin->waveforms;
  c->n_levels = origin->n_levels;
  c->trains = origin->trains;
  c->n_trains = origin->n_trains;
  for (uint32_t r = 0; r < origin->n_runs; r++) n_inputs += (size_t)origin->runs[r].n_inputs;
  CLS_TRY(cls_alloc(&c->runs, origin->n_runs, sizeof *c->runs, "ranges"));
  CLS_TRY(cls_alloc(&c->inputs, n_inputs, sizeof *c->inputs, "inputs"));
  c->n_runs = origin->n_runs;
  for (size_t i = 0; i < n_inputs; i++) {
    c->inputs[i] = origin->inputs[i];
    c->inputs[i].borrowed = true;
  }
  for (uint32_t r = 0; r < c->n_runs; r++) {
    c->runs[r] = origin->runs[r];
    c->runs[r].borrowed = true;
    c->runs[r].inputs = c->inputs + (origin->runs[r].inputs - origin->inputs);
  }
  CLS_TRY(separate_sources(c));
  c->bytes = sizeof *c + c->n_runs * sizeof *c->runs + n_inputs * sizeof *c->inputs +
             c->n_counts * sizeof *c->counts;
  return CLS_OK;
}

/* What those that are like others have of their own. */
static void free_own(cls_neurons *c) {
  for (uint32_t r = 0; r < c->n_runs; r++) {
    cls_range_run *run = &c->runs[r];
    if (!run->borrowed) free(run->konst);
    for (int k = 0; k < run->n_inputs; k++)
      if (!run->inputs[k].borrowed) free(run->inputs[k].konst);
  }
  free(c->scales.scale);
}

void cls_neurons_destroy(cls_neurons *neurons) {
  if (!neurons) return;
  if (neurons->origin) free_own(neurons);
  free(neurons->runs);
  free(neurons->constants);
  free(neurons->inputs);
  free(neurons->counts);
  if (!neurons->origin) {
    free(neurons->waveforms);
    for (uint32_t t = 0; neurons->trains && t < neurons->n_trains; t++) free(neurons->trains[t].event);
    free(neurons->trains);
  }
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
      for (int k = 0; k < run->n_inputs; k++) {
        const cls_input *in = run->inputs[k].input;
        if (in->model->n_states == 0) continue;
        start_one(in->model, in->param, NULL, NULL, network, in->key, index, identity, state);
        bool reached = cls_input_reaches(in, network->seed, index);
        for (int j = 0; j < in->model->n_states; j++)
          base[(size_t)(run->inputs[k].first_state + j) * run->padded + i] = reached ? state[j] : 0;
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

void cls_neurons_input_tile(const cls_range_run *run, const cls_input_run *input, const cls_drive *drive,
                            float *pool, uint32_t at, uint32_t n, int64_t step, int member, cls_tile *tile) {
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
  tile->level = (float)drive->level[input->level];
  tile->receptor = input->receptor;
  if (input->count != CLS_NONE) tile->table = drive->table[input->count];
  if (input->train != CLS_NONE) {
    tile->event = drive->events[input->train].event;
    tile->n_events = drive->events[input->train].n;
  }
}
