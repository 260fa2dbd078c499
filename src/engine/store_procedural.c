/* Rows that are drawn when their source spikes. */
#include "engine/store_procedural.h"
#include "network/intervention.h"
#include "network/rows.h"
#include <stdlib.h>

/* A projection onto a range. */
typedef struct {
  uint64_t first, n; /* neurons of the source population: global number of the first, how many */
  uint32_t projection, channel, shift;
  cls_source_rows *rows;
} procedural_item;

/* Used by one thread at a time. */
struct cls_procedural_ {
  const cls_network *network;
  const cls_sources *sources;
  procedural_item *items; /* by source population */
  uint32_t n_items;
  cls_drawing *drawing;
  cls_row_writer writer;
  uint64_t *record; /* of the row being drawn */
  uint32_t *word;   /* the row */
  size_t n, record_capacity, word_capacity;
  uint32_t channel, shift; /* of the item being drawn */
};

/* ---- creation ---- */

typedef struct {
  const cls_part_plan *plan;
  cls_procedural *procedural;
  size_t capacity;
} finding;

static cls_status find(void *context, const cls_part_piece *piece) {
  finding *f = context;
  cls_procedural *p = f->procedural;
  const cls_network *network = f->plan->network;
  const cls_projection *projection = &network->projections[piece->projection];
  const cls_range *range = &f->plan->layout->ranges[piece->range];
  if (!projection->procedural) return CLS_OK;
  CLS_TRY(cls_grow(&p->items, &f->capacity, p->n_items + 1ul, sizeof *p->items, "procedural projections"));
  const cls_population *source = &network->populations[projection->sources[0].population];
  procedural_item *item = &p->items[p->n_items++];
  *item = (procedural_item){.first = source->first,
                            .n = source->n,
                            .projection = piece->projection,
                            .channel = piece->channel,
                            .shift = piece->shift};
  CLS_TRY(cls_source_rows_create(network, projection, range->first, range->n, &item->rows));
  return cls_source_rows_tabulate(item->rows);
}

static int by_source(const void *a, const void *b) {
  const procedural_item *x = a, *y = b;
  if (x->first != y->first) return x->first < y->first ? -1 : 1;
  return (x->projection > y->projection) - (x->projection < y->projection);
}

static cls_status fill(const cls_part_plan *plan, cls_procedural *p) {
  const cls_part *part = &plan->layout->parts[plan->part];
  finding f = {.plan = plan, .procedural = p};
  p->network = plan->network;
  CLS_TRY(cls_part_pieces(plan, find, &f));
  if (p->n_items == 0) return CLS_OK;
  qsort(p->items, p->n_items, sizeof *p->items, by_source);
  CLS_TRY(cls_drawing_create(&p->drawing));
  CLS_TRY(cls_row_writer_create(&p->writer, plan->network->max_delay,
                                (part->shard_last - part->shard_first) * CLS_MAX_PORTS));
  return cls_procedural_change(p, plan->step);
}

cls_status cls_procedural_create(const cls_part_plan *plan, cls_procedural **procedural) {
  *procedural = NULL;
  CLS_TRY(cls_alloc(procedural, 1, sizeof **procedural, "procedural projections"));
  CLS_TRY(fill(plan, *procedural));
  if ((*procedural)->n_items > 0) return CLS_OK;
  cls_procedural_destroy(*procedural);
  *procedural = NULL;
  return CLS_OK;
}

void cls_procedural_destroy(cls_procedural *p) {
  if (!p) return;
  for (uint32_t i = 0; i < p->n_items; i++) cls_source_rows_destroy(p->items[i].rows);
  cls_drawing_destroy(p->drawing);
  cls_row_writer_free(&p->writer);
  free(p->items);
  free(p->record);
  free(p->word);
  free(p);
}

cls_status cls_procedural_change(cls_procedural *p, int64_t step) {
  for (uint32_t i = 0; i < p->n_items; i++) {
    const cls_projection *projection = &p->network->projections[p->items[i].projection];
    cls_source_rows_scale(p->items[i].rows, cls_projection_factor(p->network, projection, 0, step));
  }
  return CLS_OK;
}

/* ---- sources ---- */

cls_status cls_procedural_mark(const cls_procedural *p, cls_sources *marked) {
  for (uint32_t i = 0; p && i < p->n_items; i++) {
    const procedural_item *item = &p->items[i];
    for (uint64_t k = 0; k < item->n; k += CLS_CELL) {
      if (!cls_source_rows_reach(item->rows, (uint32_t)(k / CLS_CELL))) continue;
      CLS_TRY(
          cls_sources_add_range(marked, item->first + k, item->n - k < CLS_CELL ? item->n - k : CLS_CELL));
    }
  }
  return CLS_OK;
}

/* Slot of the first source not before a neuron. */
static uint32_t find_slot(const cls_sources *sources, uint64_t neuron) {
  uint32_t low = 0, high = sources->n;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (sources->neuron[middle] < neuron)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

void cls_procedural_begin(cls_procedural *p, const cls_sources *sources, uint32_t *min_delay,
                          uint32_t *max_delay) {
  p->sources = sources;
  for (uint32_t i = 0; i < p->n_items; i++) {
    const procedural_item *item = &p->items[i];
    uint32_t least, greatest, reached = UINT32_MAX; /* the last cell that was found to reach this part */
    cls_source_rows_delays(item->rows, &least, &greatest);
    if (greatest > *max_delay) *max_delay = greatest;
    for (uint32_t s = find_slot(sources, item->first); s < sources->n; s++) {
      if (sources->neuron[s] >= item->first + item->n) break;
      const uint32_t cell = (uint32_t)((sources->neuron[s] - item->first) / CLS_CELL);
      if (cell != reached && !cls_source_rows_reach(item->rows, cell)) {
        s = find_slot(sources, item->first + (cell + 1ull) * CLS_CELL) - 1;
        continue;
      }
      reached = cell;
      if (least < min_delay[s]) min_delay[s] = least;
    }
  }
}

/* ---- for backends that draw rows themselves ---- */

uint32_t cls_procedural_pieces(const cls_procedural *p) { return p ? p->n_items : 0; }

cls_status cls_procedural_describe(const cls_procedural *p, uint32_t piece, cls_procedural_piece *described) {
  const procedural_item *item = &p->items[piece];
  cls_procedural_piece *d = described;
  *d = (cls_procedural_piece){
      .first = item->first, .n = item->n, .channel = item->channel, .shift = item->shift};
  CLS_TRY(cls_source_rows_describe(item->rows, &d->shape, &d->values));
  cls_source_rows_delays(item->rows, &d->least_delay, &d->greatest_delay);
  const cls_row_shape *s = &d->shape;
  const uint64_t here = cls_cell_neurons(s->grid.targets, s->cell_first, s->cell_first + s->cells);
  d->expected = cls_projection_expected_synapses(p->network, &p->network->projections[item->projection]) /
                (double)item->n * (double)here / (double)s->grid.targets;
  return CLS_OK;
}

/* ---- sizes ---- */

size_t cls_procedural_bytes(const cls_procedural *p) {
  size_t bytes = sizeof *p + p->n_items * sizeof *p->items + p->record_capacity * sizeof *p->record +
                 p->word_capacity * sizeof *p->word;
  for (uint32_t i = 0; i < p->n_items; i++) bytes += cls_source_rows_bytes(p->items[i].rows);
  return bytes;
}

uint64_t cls_procedural_synapses(const cls_procedural *p) {
  uint64_t synapses = 0;
  for (uint32_t i = 0; i < p->n_items; i++) synapses += cls_source_rows_synapses(p->items[i].rows);
  return synapses;
}

/* ---- rows ---- */

static cls_status take(void *context, const cls_row_batch *batch) {
  cls_procedural *p = context;
  CLS_TRY(cls_grow(&p->record, &p->record_capacity, p->n + (size_t)batch->n, sizeof *p->record, "row"));
  cls_row_records(batch, 0, batch->n, p->channel, p->shift, p->record + p->n);
  p->n += (size_t)batch->n;
  return CLS_OK;
}

cls_status cls_store_draw_row(const cls_store *store, uint32_t slot, const uint32_t **word,
                              const uint32_t **end) {
  cls_procedural *p = store->procedural;
  const uint64_t neuron = p->sources->neuron[slot];
  uint32_t low = 0, high = p->n_items;
  while (low < high) { /* the first item whose population does not lie before the neuron */
    uint32_t middle = low + (high - low) / 2;
    if (p->items[middle].first + p->items[middle].n <= neuron)
      low = middle + 1;
    else
      high = middle;
  }
  p->n = 0;
  for (; low < p->n_items && p->items[low].first <= neuron; low++) {
    const procedural_item *item = &p->items[low];
    p->channel = item->channel;
    p->shift = item->shift;
    CLS_TRY(cls_source_rows_draw_one(item->rows, p->drawing, (uint32_t)(neuron - item->first), CLS_DRAW_ALL,
                                     take, p));
  }
  size_t words = 0;
  CLS_TRY(cls_grow(&p->word, &p->word_capacity, 2 * p->n + CLS_STORE_SLACK, sizeof *p->word, "row"));
  if (p->n > 0) CLS_TRY(cls_row_write(&p->writer, p->record, p->n, p->word, &words));
  *word = p->word;
  *end = p->word + words;
  return CLS_OK;
}
