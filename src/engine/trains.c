/* Spikes from outside, for the neurons of a rank. Every source is scanned once for each population it drives;
 * what a range needs is kept, sorted by step and neuron. */
#include "engine/neurons.h"
#include <stdlib.h>

/* A scan in progress. */
typedef struct {
  cls_neurons *neurons;
  const cls_layout *layout;
  const cls_network *network;
  uint32_t population;
  const cls_input *input;
  size_t *capacity; /* [n_trains] */
} scan;

/* The input's run on a range; NULL where it does not reach the range. */
static cls_input_run *run_of(cls_range_run *run, const cls_input *input) {
  for (int k = 0; k < run->n_inputs; k++)
    if (run->inputs[k].input == input) return &run->inputs[k];
  return NULL;
}

static cls_status keep(void *context, const uint64_t *step, const uint64_t *neuron, int n) {
  scan *s = context;
  for (int i = 0; i < n; i++) {
    uint32_t range = cls_layout_find(s->layout, s->population, neuron[i]);
    if (range == CLS_NONE || !cls_input_reaches(s->input, s->network->seed, neuron[i])) continue;
    CLS_CHECK(step[i] <= UINT32_MAX, CLS_ERR_LIMIT,
              "population '%s': a spike from outside in step %llu: expected fewer than 2^32 steps",
              s->network->populations[s->population].name, (unsigned long long)step[i]);
    uint32_t t = run_of(&s->neurons->runs[range], s->input)->train;
    cls_train *train = &s->neurons->trains[t];
    CLS_TRY(
        cls_grow(&train->event, &s->capacity[t], train->n + 1, sizeof *train->event, "spikes from outside"));
    train->event[train->n++] = step[i] << 32 | neuron[i];
  }
  return CLS_OK;
}

static int ascending(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

static void sort(cls_train *train) {
  bool sorted = true;
  for (size_t i = 1; sorted && i < train->n; i++) sorted = train->event[i - 1] <= train->event[i];
  if (!sorted) qsort(train->event, train->n, sizeof *train->event, ascending);
}

/* Numbers the inputs that take trains. */
static cls_status number(cls_neurons *c, size_t **capacity) {
  for (uint32_t r = 0; r < c->n_runs; r++)
    for (int k = 0; k < c->runs[r].n_inputs; k++)
      if (c->runs[r].inputs[k].input->trains) c->runs[r].inputs[k].train = c->n_trains++;
  CLS_TRY(cls_alloc(&c->trains, c->n_trains, sizeof *c->trains, "spike trains"));
  return cls_alloc(capacity, c->n_trains, sizeof **capacity, "spike trains");
}

/* The first input run of a population that uses `input` is where its source is scanned for all of them. `at`: place of the
 * range in order, see cls_layout_nth(). */
static bool first_of_population(const cls_layout *layout, cls_neurons *c, uint32_t at,
                                const cls_input *input) {
  const uint32_t population = layout->ranges[cls_layout_nth(layout, at)].population;
  for (; at > 0 && layout->ranges[cls_layout_nth(layout, at - 1)].population == population; at--)
    if (run_of(&c->runs[cls_layout_nth(layout, at - 1)], input)) return false;
  return true;
}

cls_status cls_neurons_read_trains(cls_neurons *neurons, const cls_network *network,
                                   const cls_layout *layout) {
  size_t *capacity = NULL;
  cls_status status = number(neurons, &capacity);
  for (uint32_t at = 0; at < neurons->n_runs && neurons->n_trains > 0; at++) {
    const uint32_t r = cls_layout_nth(layout, at);
    for (int k = 0; k < neurons->runs[r].n_inputs && status == CLS_OK; k++) {
      const cls_input *input = neurons->runs[r].inputs[k].input;
      if (!input->trains || !first_of_population(layout, neurons, at, input)) continue;
      scan s = {neurons, layout, network, layout->ranges[r].population, input, capacity};
      status = input->trains->scan(input->trains->self, keep, &s);
    }
  }
  for (uint32_t t = 0; t < neurons->n_trains && status == CLS_OK; t++) sort(&neurons->trains[t]);
  free(capacity);
  return status;
}
