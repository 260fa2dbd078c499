/* Synapses of a part that are drawn by source. */
#include "engine/store_parts.h"
#include "network/intervention.h"
#include "network/rows.h"
#include <stdlib.h>
#include <string.h>

/* A projection onto a range. */
typedef struct cls_row_item_ {
  uint32_t source; /* population */
  cls_part_piece piece;
} row_item;

/* ---- finding the work ---- */

typedef struct {
  cls_part_plan *plan;
  size_t capacity;
} finding;

static cls_status find(void *context, const cls_part_piece *piece) {
  finding *f = context;
  const cls_projection *projection = &f->plan->network->projections[piece->projection];
  if (!cls_drawn_by_source(projection)) return CLS_OK;
  CLS_TRY(cls_grow(&f->plan->items, &f->capacity, f->plan->n_items + 1ul, sizeof *f->plan->items,
                   "projections of a part"));
  f->plan->items[f->plan->n_items++] = (row_item){projection->sources[0].population, *piece};
  return CLS_OK;
}

static int by_source(const void *a, const void *b) {
  const row_item *x = a, *y = b;
  if (x->source != y->source) return x->source < y->source ? -1 : 1;
  if (x->piece.projection != y->piece.projection) return x->piece.projection < y->piece.projection ? -1 : 1;
  return (x->piece.range > y->piece.range) - (x->piece.range < y->piece.range);
}

cls_status cls_items_find(cls_part_plan *plan) {
  finding f = {.plan = plan};
  CLS_TRY(cls_part_pieces(plan, find, &f));
  if (plan->n_items > 0) qsort(plan->items, plan->n_items, sizeof *plan->items, by_source);
  return CLS_OK;
}

/* ---- reading rows ---- */

/* The items of one source population, with one cell of it counted. */
typedef struct {
  const cls_part_plan *plan;
  cls_drawing *drawing;
  uint32_t population, first, n; /* items [first, first + n) */
  cls_source_rows **rows;        /* [n] */
  uint32_t cell;                 /* UINT32_MAX: none */
  uint32_t length[CLS_CELL];     /* of all items together */
} row_reader;

static void close_population(row_reader *r) {
  for (uint32_t i = 0; r->rows && i < r->n; i++) cls_source_rows_destroy(r->rows[i]);
  free(r->rows);
  r->rows = NULL;
  r->n = 0;
}

static cls_status open_item(row_reader *r, uint32_t i) {
  const cls_part_plan *plan = r->plan;
  const cls_part_piece *piece = &plan->items[r->first + i].piece;
  const cls_range *range = &plan->layout->ranges[piece->range];
  cls_projection projection;
  double *factor;
  CLS_TRY(cls_projection_at(plan->network, &plan->network->projections[piece->projection], plan->step,
                            &projection, &factor));
  cls_status status = cls_source_rows_create(plan->network, &projection, range->first, range->n, &r->rows[i]);
  free(factor);
  return status;
}

/* Turns to the items of a population; populations must come in ascending order. */
static void seek_population(row_reader *r, uint32_t population) {
  close_population(r);
  while (r->first < r->plan->n_items && r->plan->items[r->first].source < population) r->first++;
  while (r->first + r->n < r->plan->n_items && r->plan->items[r->first + r->n].source == population) r->n++;
  r->population = population;
  r->cell = UINT32_MAX;
}

static cls_status open_population(row_reader *r, uint32_t population) {
  seek_population(r, population);
  CLS_TRY(cls_alloc(&r->rows, r->n, sizeof(cls_source_rows *), "projections of a part"));
  for (uint32_t i = 0; i < r->n; i++) CLS_TRY(open_item(r, i));
  return CLS_OK;
}

static cls_status load_cell(row_reader *r, uint32_t cell) {
  memset(r->length, 0, sizeof r->length);
  for (uint32_t i = 0; i < r->n; i++) {
    CLS_TRY(cls_source_rows_load(r->rows[i], cell));
    const uint32_t *length = cls_source_rows_length(r->rows[i]);
    for (int k = 0; k < CLS_CELL; k++) {
      CLS_CHECK(
          r->length[k] <= UINT32_MAX - length[k], CLS_ERR_LIMIT,
          "a neuron of population '%s' would have 2^32 synapses onto one thread: use more ranks or threads",
          r->plan->network->populations[r->population].name);
      r->length[k] += length[k];
    }
  }
  r->cell = cell;
  return CLS_OK;
}

/* ---- which sources occur ---- */

static bool surely(const row_reader *r) {
  double most = 0;
  for (uint32_t i = 0; i < r->n; i++) {
    const cls_part_piece *piece = &r->plan->items[r->first + i].piece;
    if (r->plan->network->projections[piece->projection].kernel.kind != CLS_KERNEL_NONE) continue;
    most += cls_piece_expected(r->plan->network, r->plan->layout, piece);
  }
  return most >= CLS_SURELY;
}

static cls_status mark_population(row_reader *r, uint32_t p, cls_sources *marked) {
  const cls_population *population = &r->plan->network->populations[p];
  seek_population(r, p);
  if (surely(r)) return cls_sources_add_range(marked, population->first, population->n);
  CLS_TRY(open_population(r, p));
  for (uint32_t cell = 0; (uint64_t)cell * CLS_CELL < population->n; cell++) {
    CLS_TRY(load_cell(r, cell));
    for (uint32_t i = 0; i < CLS_CELL; i++)
      if (r->length[i] > 0)
        CLS_TRY(cls_sources_add(marked, population->first + (uint64_t)cell * CLS_CELL + i));
  }
  return CLS_OK;
}

cls_status cls_items_mark(const cls_part_plan *plan, cls_sources *marked) {
  row_reader r = {.plan = plan};
  cls_status status = CLS_OK;
  while (status == CLS_OK && r.first + r.n < plan->n_items)
    status = mark_population(&r, plan->items[r.first + r.n].source, marked);
  close_population(&r);
  return status;
}

/* ---- laying down ---- */

/* Sources are taken together until they have so many synapses: their records fill half of a usual L2 cache. */
enum { BLOCK_SYNAPSES = 1 << 16 };

typedef struct {
  row_reader reader;
  cls_row_writer writer;
  cls_store *store;
  size_t words;     /* that store->word has room for */
  uint64_t *record; /* of the rows of a block */
  size_t capacity;
  uint64_t next[CLS_CELL]; /* next free record of every source of the cell */
  uint32_t channel, shift; /* of the item being drawn */
} row_builder;

static cls_status take(void *context, const cls_row_batch *batch) {
  row_builder *b = context;
  for (int i = 0, end; i < batch->n; i = end) {
    const uint32_t source = batch->source[i];
    for (end = i + 1; end < batch->n && batch->source[end] == source; end++) {
    }
    uint64_t *next = &b->next[source % CLS_CELL];
    cls_row_records(batch, i, end, b->channel, b->shift, b->record + *next);
    *next += (uint64_t)(end - i);
  }
  return CLS_OK;
}

static cls_status draw_items(row_builder *b, uint32_t from, uint32_t to) {
  row_reader *r = &b->reader;
  for (uint32_t i = 0; i < r->n; i++) {
    const cls_part_piece *piece = &r->plan->items[r->first + i].piece;
    b->channel = piece->channel;
    b->shift = piece->shift;
    CLS_TRY(cls_source_rows_draw(r->rows[i], r->drawing, from, to, CLS_DRAW_ALL, take, b));
  }
  return CLS_OK;
}

static cls_status write_row(row_builder *b, uint32_t slot, uint64_t from) {
  cls_store *store = b->store;
  const cls_sources *sources = b->reader.plan->sources;
  const uint64_t first = b->reader.plan->network->populations[b->reader.population].first;
  uint64_t *record = b->record + from;
  const size_t n = (size_t)(b->next[(sources->neuron[slot] - first) % CLS_CELL] - from);
  const uint64_t at = store->row[slot];
  size_t words = 0;
  if (b->words < at + 2 * n) {
    b->words += b->words / 2 + 2 * n;
    CLS_TRY(cls_resize(&store->word, b->words, sizeof *store->word, "synapses"));
  }
  if (n > 0) CLS_TRY(cls_row_write(&b->writer, record, n, store->word + at, &words));
  store->row[slot + 1] = at + words;
  store->n_synapses += n;
  if (n == 0) return CLS_OK;
  uint32_t *least = &b->reader.plan->min_delay[slot];
  *least = cls_run_delay(store->word[at]);
  if (b->writer.greatest > store->max_delay) store->max_delay = b->writer.greatest;
  return CLS_OK;
}

/* Rows of the slots from `slot` on that lie in one cell of a population and fit into a block; *end is the next. */
static cls_status build_block(row_builder *b, const uint64_t *first, const uint64_t *record, uint32_t slot,
                              uint32_t *end) {
  const row_reader *r = &b->reader;
  const cls_sources *sources = r->plan->sources;
  const cls_population *population = &r->plan->network->populations[r->population];
  const uint64_t cell_first = population->first + (uint64_t)r->cell * CLS_CELL;
  uint64_t cell_end = cell_first + CLS_CELL, total = 0, start[CLS_CELL];
  if (cell_end > population->first + population->n) cell_end = population->first + population->n;
  uint32_t s = slot;
  for (; s < sources->n && sources->neuron[s] < cell_end; s++) {
    uint64_t given = record ? first[s + 1] - first[s] : 0;
    uint64_t most = given + r->length[sources->neuron[s] - cell_first];
    if (s > slot && total + most > BLOCK_SYNAPSES) break;
    start[s - slot] = total;
    total += most;
  }
  *end = s;
  if (total > b->capacity) {
    free(b->record);
    b->record = NULL;
    b->capacity = 0;
    CLS_TRY(cls_alloc_unset(&b->record, total, sizeof *b->record, "synapses of a row"));
    b->capacity = total;
  }
  for (s = slot; s < *end; s++) {
    uint64_t given = record ? first[s + 1] - first[s] : 0, from = start[s - slot];
    if (given > 0) memcpy(b->record + from, record + first[s], given * sizeof *record);
    b->next[sources->neuron[s] - cell_first] = from + given;
  }
  CLS_TRY(draw_items(b, (uint32_t)(sources->neuron[slot] - cell_first),
                     (uint32_t)(sources->neuron[*end - 1] - cell_first) + 1));
  for (s = slot; s < *end; s++) CLS_TRY(write_row(b, s, start[s - slot]));
  return CLS_OK;
}

static cls_status build_all(row_builder *b, const uint64_t *first, const uint64_t *record) {
  row_reader *r = &b->reader;
  const cls_network *network = r->plan->network;
  const cls_sources *sources = r->plan->sources;
  r->population = UINT32_MAX;
  for (uint32_t slot = 0; slot < sources->n;) {
    const uint64_t neuron = sources->neuron[slot];
    uint32_t p = r->population == UINT32_MAX ? 0 : r->population;
    while (neuron >= network->populations[p].first + network->populations[p].n) p++;
    if (p != r->population) CLS_TRY(open_population(r, p));
    const uint32_t cell = (uint32_t)((neuron - network->populations[p].first) / CLS_CELL);
    if (cell != r->cell) CLS_TRY(load_cell(r, cell));
    CLS_TRY(build_block(b, first, record, slot, &slot));
  }
  return CLS_OK;
}

/* Room to begin with; pages that are not written to cost nothing. */
static cls_status reserve(row_builder *b, uint64_t given) {
  const cls_part_plan *plan = b->reader.plan;
  double synapses = (double)given;
  for (uint32_t i = 0; i < plan->n_items; i++)
    synapses += cls_piece_expected(plan->network, plan->layout, &plan->items[i].piece) *
                (double)plan->network->populations[plan->items[i].source].n;
  b->words = (size_t)(1.15 * synapses) + 1024;
  return cls_alloc_unset(&b->store->word, b->words, sizeof *b->store->word, "synapses");
}

cls_status cls_items_build(cls_part_plan *plan, const uint64_t *first, const uint64_t *record,
                           cls_store *store) {
  const cls_part *part = &plan->layout->parts[plan->part];
  row_builder *b = NULL;
  CLS_TRY(cls_alloc(&b, 1, sizeof *b, "rows of a part"));
  b->reader.plan = plan;
  b->store = store;
  cls_status status = cls_drawing_create(&b->reader.drawing);
  if (status == CLS_OK)
    status = cls_row_writer_create(&b->writer, plan->network->max_delay,
                                   (part->shard_last - part->shard_first) * CLS_MAX_PORTS);
  if (status == CLS_OK) status = reserve(b, record ? first[plan->sources->n] : 0);
  if (status == CLS_OK) status = build_all(b, first, record);
  if (status == CLS_OK)
    status = cls_resize(&store->word, store->row[store->n_slots] + CLS_STORE_SLACK, sizeof *store->word,
                        "synapses");
  close_population(&b->reader);
  cls_drawing_destroy(b->reader.drawing);
  cls_row_writer_free(&b->writer);
  free(b->record);
  free(b);
  return status;
}
