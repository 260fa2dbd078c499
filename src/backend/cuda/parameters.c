#include "backend/cuda/parameters.h"
#include "backend/cuda/neurons.h"
#include <stdlib.h>
#include <string.h>

/* ---- models ---- */

#define NAME_(name) #name,
static const char *const neuron_name[] = {CLS_GPU_NEURONS(NAME_)};

static int model_number(const cls_model *model) {
  for (int i = 0; i < CLS_GPU_N_NEURONS; i++)
    if (strcmp(neuron_name[i], model->name) == 0) return i;
  return -1;
}

static int input_number(const cls_model *model) {
  static const struct {
    const char *name;
    int kind;
  } inputs[] = {{"poisson", CLS_GPU_POISSON},
                {"inhomogeneous_poisson", CLS_GPU_POISSON},
                {"dc", CLS_GPU_DC},
                {"ou", CLS_GPU_OU},
                {"spike_train", CLS_GPU_SPIKE_TRAIN}};
  for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
    if (strcmp(inputs[i].name, model->name) == 0) return inputs[i].kind;
  return -1;
}

static cls_status check_models(const cls_neurons *neurons) {
  for (uint32_t r = 0; r < neurons->n_runs; r++) {
    const cls_range_run *run = &neurons->runs[r];
    CLS_CHECK(model_number(run->model) >= 0, CLS_ERR_INTERNAL, "model %s has no kernel", run->model->name);
    for (int k = 0; k < run->n_inputs; k++)
      CLS_CHECK(input_number(run->inputs[k].model) >= 0, CLS_ERR_INTERNAL, "input %s has no kernel",
                run->inputs[k].model->name);
  }
  return CLS_OK;
}

int cls_gpu_only_model(const cls_neurons *neurons) {
  const cls_model *only = neurons->n_runs > 0 ? neurons->runs[0].model : NULL;
  for (uint32_t r = 0; r < neurons->n_runs; r++)
    if (neurons->runs[r].model != only) return -1;
  return only ? model_number(only) : -1;
}

cls_status cls_gpu_chunks_create(const cls_layout *layout, cls_gpu_chunk **chunk, uint32_t *n) {
  *n = 0;
  for (uint32_t r = 0; r < layout->n_ranges; r++)
    *n += (layout->ranges[r].n + CLS_GPU_WARP - 1) / CLS_GPU_WARP;
  CLS_TRY(cls_alloc(chunk, *n, sizeof **chunk, "chunks of neurons"));
  uint32_t c = 0;
  for (uint32_t r = 0; r < layout->n_ranges; r++)
    for (uint32_t i = 0; i < layout->ranges[r].n; i += CLS_GPU_WARP) (*chunk)[c++] = (cls_gpu_chunk){r, i};
  return CLS_OK;
}

/* ---- drive ---- */

/* Where inputs change, rows of so many bytes at most are made for a launch. */
enum { DRIVE_BYTES = 32 << 20, MOST_ROWS = 1024 };

static size_t round_up(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

static void plan_drive(const cls_neurons *n, cls_gpu_drive_rows *d) {
  const uint64_t changing = d->drive->n_counts, constant = n->n_counts;
  const size_t row = n->n_levels * sizeof(float) + n->n_counts * sizeof(uint32_t) +
                     n->n_trains * sizeof(cls_gpu_events) + changing * sizeof(cls_gpu_table);
  d->changes = d->drive->until != INT64_MAX;
  d->rows = !d->changes ? 1 : DRIVE_BYTES / row < MOST_ROWS ? (uint32_t)(DRIVE_BYTES / row) : MOST_ROWS;
  if (d->rows == 0) d->rows = 1;
  d->most_tables = constant + changing * d->rows;
  d->table = 0;
  d->level = round_up(d->most_tables * sizeof(cls_gpu_table));
  d->table_of = d->level + round_up(d->rows * (size_t)n->n_levels * sizeof(float));
  d->events = d->table_of + round_up(d->rows * (size_t)n->n_counts * sizeof(uint32_t));
  d->bytes = d->events + round_up(d->rows * (size_t)n->n_trains * sizeof(cls_gpu_events));
}

static void add_table(cls_gpu_drive_rows *d, const cls_count_table *from) {
  cls_gpu_table *table = (cls_gpu_table *)(void *)(d->staging + d->table) + d->n_tables++;
  memcpy(table->threshold, from->threshold, sizeof table->threshold);
  table->n = from->n;
  table->repeat = from->repeat;
}

/* Row `row` of the drive, for a step. */
static void fill_row(const cls_neurons *n, cls_gpu_drive_rows *d, uint64_t row, int64_t step) {
  float *level = (float *)(void *)(d->staging + d->level) + row * n->n_levels;
  uint32_t *table_of = (uint32_t *)(void *)(d->staging + d->table_of) + row * n->n_counts;
  cls_gpu_events *events = (cls_gpu_events *)(void *)(d->staging + d->events) + row * n->n_trains;
  double *before = d->level_of_table;
  cls_drive_step(d->drive, step);
  for (uint32_t i = 0; i < n->n_levels; i++) level[i] = (float)d->drive->level[i];
  for (uint32_t i = 0; i < n->n_counts; i++) {
    const cls_count_table *table = d->drive->table[i];
    if (row > 0 && table->level == before[i]) {
      table_of[i] = table_of[i - (ptrdiff_t)n->n_counts];
      continue;
    }
    before[i] = table->level;
    table_of[i] = (uint32_t)d->n_tables;
    add_table(d, table);
  }
  for (uint32_t i = 0; i < n->n_trains; i++) {
    const cls_step_events *from = &d->drive->events[i];
    events[i] = (cls_gpu_events){
        d->first_event[i] + (from->event ? (uint64_t)(from->event - n->trains[i].event) : 0), from->n};
  }
}

static cls_status copy(const cls_gpu_parameter_set *s, size_t to, const void *from, size_t bytes,
                       cudaStream_t stream) {
  if (bytes == 0) return CLS_OK;
  CLS_CUDA(cudaMemcpyAsync(cls_gpu_arena_at(&s->arena, to), from, bytes, cudaMemcpyHostToDevice, stream),
           "copying parameters");
  return CLS_OK;
}

cls_status cls_gpu_parameters_drive(cls_gpu_parameter_set *set, int64_t begin, int64_t end,
                                    cudaStream_t stream) {
  cls_gpu_drive_rows *d = &set->drive;
  const cls_neurons *n = set->neurons;
  if (set->lends || (!d->changes && d->made)) return CLS_OK;
  if (!d->changes) end = begin + 1;
  CLS_CHECK(end - begin <= d->rows, CLS_ERR_INTERNAL, "a launch of %lld steps: expected at most %u",
            (long long)(end - begin), d->rows);
  d->made = true;
  d->n_tables = 0;
  for (int64_t step = begin; step < end; step++) fill_row(n, d, (uint64_t)(step - begin), step);
  /* What was copied for the last launch was used: the stream was waited for. */
  const size_t rows = (size_t)(end - begin);
  CLS_TRY(
      copy(set, set->rows + d->table, d->staging + d->table, d->n_tables * sizeof(cls_gpu_table), stream));
  CLS_TRY(copy(set, set->rows + d->level, d->staging + d->level, rows * n->n_levels * sizeof(float), stream));
  CLS_TRY(copy(set, set->rows + d->table_of, d->staging + d->table_of, rows * n->n_counts * sizeof(uint32_t),
               stream));
  return copy(set, set->rows + d->events, d->staging + d->events, rows * n->n_trains * sizeof(cls_gpu_events),
              stream);
}

/* ---- ranges ---- */

cls_status cls_gpu_parameters_plan(const cls_neurons *neurons, const cls_gpu_parameter_set *origin,
                                   bool lends, cls_gpu_parameter_set *set) {
  cls_gpu_drive_rows *d = &set->drive;
  CLS_TRY(check_models(neurons));
  *set = (cls_gpu_parameter_set){.neurons = neurons,
                                 .origin = origin,
                                 .lends = lends,
                                 .arena = {.name = "parameters"},
                                 .own = {.name = "parameters of a member"}};
  for (uint32_t r = 0; !lends && r < neurons->n_runs; r++)
    set->n_inputs += (uint64_t)neurons->runs[r].n_inputs;
  CLS_TRY(cls_alloc(&d->first_event, neurons->n_trains, sizeof *d->first_event, "spike trains"));
  CLS_TRY(cls_alloc(&d->level_of_table, neurons->n_counts, sizeof *d->level_of_table, "count tables"));
  for (uint32_t t = 0; t < neurons->n_trains; t++) {
    d->first_event[t] = set->n_events;
    set->n_events += neurons->trains[t].n;
  }
  if (!lends) CLS_TRY(cls_drive_create(neurons, 0, neurons->n_runs, &d->drive));
  if (!lends) plan_drive(neurons, d);
  set->range = cls_gpu_arena_add(&set->arena, lends ? 0 : neurons->n_runs, sizeof(cls_gpu_range));
  set->input = cls_gpu_arena_add(&set->arena, set->n_inputs, sizeof(cls_gpu_input));
  set->konst = cls_gpu_arena_add(&set->arena, neurons->n_constants, sizeof(float));
  set->event = cls_gpu_arena_add(&set->arena, origin ? 0 : set->n_events, sizeof(uint64_t));
  set->rows = cls_gpu_arena_add(&set->arena, d->bytes, 1);
  if (!lends) CLS_CUDA(cudaMallocHost((void **)&d->staging, d->bytes), "no pinned memory for inputs");
  return CLS_OK;
}

void cls_gpu_parameters_free(cls_gpu_parameter_set *set) {
  cls_gpu_arena_free(&set->arena);
  cls_gpu_arena_free(&set->own);
  cls_drive_destroy(set->drive.drive);
  free(set->drive.first_event);
  free(set->drive.level_of_table);
  if (set->drive.staging) (void)cudaFreeHost(set->drive.staging);
}

/* What goes to the GPU of one set. */
typedef struct {
  const cls_gpu_parameter_set *set;
  cls_gpu_range *range;
  cls_gpu_input *input;
  float *own; /* [n_own] of those constants that are not borrowed */
  size_t n_own;
} filling;

/* Floats that constants take where they are a member's own: they begin at multiples of 64 bytes. */
static size_t floats_of(const cls_model *model, int stride, uint32_t padded) {
  return cls_neurons_const_floats(model, stride, padded);
}

static size_t count_own(const cls_neurons *n) {
  size_t own = 0;
  for (uint32_t r = 0; n->origin && r < n->n_runs; r++) {
    const cls_range_run *run = &n->runs[r];
    if (!run->borrowed) own += floats_of(run->model, run->stride, run->padded);
    for (int k = 0; k < run->n_inputs; k++)
      if (!run->inputs[k].borrowed)
        own += floats_of(run->inputs[k].model, run->inputs[k].stride, run->padded);
  }
  return own;
}

/* Where constants lie on the GPU; those that are the member's own are noted to be copied. */
static const float *place(filling *f, const cls_model *model, const float *konst, bool borrowed, int stride,
                          uint32_t padded) {
  const cls_gpu_parameter_set *s = f->set, *lender = borrowed ? s->origin : s;
  if (borrowed || !s->origin)
    return (const float *)cls_gpu_arena_at(&lender->arena, lender->konst) +
           (konst - lender->neurons->constants);
  const size_t at = f->n_own, floats = floats_of(model, stride, padded);
  memcpy(f->own + at, konst, floats * sizeof *konst);
  f->n_own += floats;
  return (const float *)cls_gpu_arena_at(&s->own, 0) + at;
}

static cls_gpu_input make_input(filling *f, const cls_range_run *run, const cls_input_run *from) {
  return (cls_gpu_input){.kind = (uint32_t)input_number(from->model),
                         .receptor = from->receptor,
                         .key = {from->key[0], from->key[1]},
                         .konst =
                             place(f, from->model, from->konst, from->borrowed, from->stride, run->padded),
                         .stride = from->stride != 0,
                         .first_state = (uint32_t)from->first_state,
                         .level = from->level,
                         .count = from->count,
                         .train = from->train};
}

static cls_gpu_range make_range(const cls_backend_setup *setup, const cls_gpu_channels *channels, filling *f,
                                uint32_t number, uint32_t shard) {
  const cls_range *range = &setup->layout->ranges[number];
  const cls_range_run *run = &f->set->neurons->runs[number];
  cls_gpu_range made = {.model = (uint32_t)model_number(run->model),
                        .n = run->n,
                        .padded = run->padded,
                        .local = run->local,
                        .first = run->first,
                        .neuron = setup->network->populations[range->population].first + range->first,
                        .konst = place(f, run->model, run->konst, run->borrowed, run->stride, run->padded),
                        .state = run->state,
                        .stride = run->stride != 0,
                        .n_states = (uint32_t)run->n_states,
                        .silent = run->silent,
                        .n_inputs = (uint32_t)run->n_inputs};
  memcpy(made.quantum, run->quantum, sizeof made.quantum);
  for (int port = 0; port < CLS_MAX_PORTS; port++) {
    const uint64_t channel = channels->channel[shard * CLS_MAX_PORTS + (uint32_t)port];
    const bool pair = cls_port_is_pair(run->model, port);
    const uint64_t offset = run->local - setup->layout->shards[shard].local;
    made.pairs |= (uint32_t)pair << port;
    made.sum[port] =
        port >= run->model->n_ports ? UINT64_MAX : (channel & ~CLS_GPU_PAIR) + offset * (pair ? 2 : 1);
  }
  return made;
}

static void fill_ranges(const cls_backend_setup *setup, const cls_gpu_channels *channels, filling *f) {
  const cls_neurons *n = f->set->neurons;
  uint32_t inputs = 0;
  for (uint32_t s = 0; s < setup->layout->n_shards; s++)
    for (uint32_t r = setup->layout->shards[s].range_first; r < setup->layout->shards[s].range_last; r++) {
      f->range[r] = make_range(setup, channels, f, r, s);
      f->range[r].input_first = inputs;
      for (int k = 0; k < n->runs[r].n_inputs; k++)
        f->input[inputs++] = make_input(f, &n->runs[r], &n->runs[r].inputs[k]);
    }
}

static cls_status copy_trains(const cls_gpu_parameter_set *s, cudaStream_t stream) {
  for (uint32_t t = 0; !s->origin && t < s->neurons->n_trains; t++)
    CLS_TRY(copy(s, s->event + s->drive.first_event[t] * sizeof(uint64_t), s->neurons->trains[t].event,
                 s->neurons->trains[t].n * sizeof(uint64_t), stream));
  return CLS_OK;
}

static void point(cls_gpu_parameter_set *s) {
  const cls_gpu_drive_rows *d = &s->drive;
  const cls_gpu_parameter_set *events = s->origin ? s->origin : s;
  s->device = (cls_gpu_parameters){.range = cls_gpu_arena_at(&s->arena, s->range),
                                   .input = cls_gpu_arena_at(&s->arena, s->input),
                                   .drive = {.level = cls_gpu_arena_at(&s->arena, s->rows + d->level),
                                             .table_of = cls_gpu_arena_at(&s->arena, s->rows + d->table_of),
                                             .table = cls_gpu_arena_at(&s->arena, s->rows + d->table),
                                             .events = cls_gpu_arena_at(&s->arena, s->rows + d->events),
                                             .event = cls_gpu_arena_at(&events->arena, events->event),
                                             .n_levels = s->neurons->n_levels,
                                             .n_counts = s->neurons->n_counts,
                                             .n_trains = s->neurons->n_trains,
                                             .changes = d->changes}};
}

/* Room for constants that are no longer borrowed. */
static cls_status reserve_own(cls_gpu_parameter_set *set, size_t floats, cudaStream_t stream) {
  if (floats * sizeof(float) <= set->own.bytes) return CLS_OK;
  cls_gpu_arena_free(&set->own);
  (void)cls_gpu_arena_add(&set->own, floats, sizeof(float));
  return cls_gpu_arena_make(&set->own, stream);
}

static cls_status copy_filling(const cls_gpu_parameter_set *set, const filling *f, cudaStream_t stream) {
  const cls_neurons *n = set->neurons;
  if (!set->lends) CLS_TRY(copy(set, set->range, f->range, n->n_runs * sizeof *f->range, stream));
  CLS_TRY(copy(set, set->input, f->input, set->n_inputs * sizeof *f->input, stream));
  CLS_TRY(copy(set, set->konst, n->constants, n->n_constants * sizeof *n->constants, stream));
  if (!set->filled) CLS_TRY(copy_trains(set, stream));
  if (f->n_own == 0) return CLS_OK;
  return cls_gpu_check(cudaMemcpyAsync(cls_gpu_arena_at(&set->own, 0), f->own, f->n_own * sizeof *f->own,
                                       cudaMemcpyHostToDevice, stream),
                       "copying parameters");
}

cls_status cls_gpu_parameters_fill(const cls_backend_setup *setup, const cls_gpu_channels *channels,
                                   cls_gpu_parameter_set *set, cudaStream_t stream) {
  const cls_neurons *n = set->neurons;
  const size_t own = count_own(n);
  filling f = {.set = set};
  if (set->filled && set->changes == n->changes) return CLS_OK;
  cls_status status = cls_alloc(&f.range, n->n_runs, sizeof *f.range, "ranges to copy");
  if (status == CLS_OK) status = cls_alloc(&f.input, set->n_inputs, sizeof *f.input, "inputs to copy");
  if (status == CLS_OK) status = cls_alloc(&f.own, own, sizeof *f.own, "constants to copy");
  if (status == CLS_OK) status = reserve_own(set, own, stream);
  if (status == CLS_OK && !set->lends) fill_ranges(setup, channels, &f);
  if (status == CLS_OK) status = copy_filling(set, &f, stream);
  if (status == CLS_OK) status = cls_gpu_check(cudaStreamSynchronize(stream), "copying parameters");
  free(f.range);
  free(f.input);
  free(f.own);
  set->filled = true;
  set->changes = n->changes;
  if (set->lends) return status;
  set->drive.made = false;
  cls_drive_renew(set->drive.drive);
  point(set);
  return status;
}
