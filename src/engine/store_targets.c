/* Synapses of a part that are drawn by target. */
#include "engine/store_parts.h"
#include "network/intervention.h"
#include "network/rows.h"
#include <math.h>
#include <stdlib.h>

/* ---- finding the work ---- */

cls_status cls_by_target_create(const cls_network *network, cls_by_target *index) {
  CLS_TRY(cls_alloc(&index->first, network->n_populations + 2ul, sizeof(uint32_t), "projections by target"));
  CLS_TRY(cls_alloc(&index->projection, network->n_projections, sizeof(uint32_t), "projections by target"));
  for (uint32_t j = 0; j < network->n_projections; j++) index->first[network->projections[j].target + 2]++;
  for (uint32_t p = 1; p <= network->n_populations; p++) index->first[p + 1] += index->first[p];
  for (uint32_t j = 0; j < network->n_projections; j++)
    index->projection[index->first[network->projections[j].target + 1]++] = j;
  return CLS_OK;
}

void cls_by_target_free(cls_by_target *index) {
  free(index->first);
  free(index->projection);
}

void cls_part_plan_free(cls_part_plan *plan) {
  free(plan->count);
  free(plan->table.cell);
  free(plan->items);
  free(plan->min_delay);
  *plan = (cls_part_plan){0};
}

cls_status cls_part_pieces(const cls_part_plan *plan, cls_piece_visitor visit, void *context) {
  const cls_layout *layout = plan->layout;
  const cls_by_target *index = plan->index;
  const uint32_t shard_first = layout->parts[plan->part].shard_first;
  for (uint32_t s = shard_first; s < layout->parts[plan->part].shard_last; s++) {
    const cls_shard *shard = &layout->shards[s];
    for (uint32_t r = shard->range_first; r < shard->range_last; r++) {
      const cls_range *range = &layout->ranges[r];
      for (uint32_t k = index->first[range->population]; k < index->first[range->population + 1]; k++) {
        const uint32_t port = (uint32_t)plan->network->projections[index->projection[k]].port;
        const cls_part_piece piece = {.projection = index->projection[k],
                                      .range = r,
                                      .channel = (s - shard_first) * CLS_MAX_PORTS + port,
                                      .shift = range->local - shard->local - range->first};
        CLS_TRY(visit(context, &piece));
      }
    }
  }
  return CLS_OK;
}

double cls_piece_expected(const cls_network *network, const cls_layout *layout, const cls_part_piece *piece) {
  const cls_projection *projection = &network->projections[piece->projection];
  double share = (double)layout->ranges[piece->range].n / (double)network->populations[projection->target].n;
  double synapses = cls_projection_expected_synapses(network, projection) * share, weights = 0;
  double least = INFINITY;
  for (uint32_t s = 0; s < projection->n_sources; s++) weights += projection->sources[s].weight;
  for (uint32_t s = 0; s < projection->n_sources; s++) {
    double each = synapses * projection->sources[s].weight / weights /
                  (double)network->populations[projection->sources[s].population].n;
    if (each < least) least = each;
  }
  return least;
}

/* ---- drawing ---- */

/* What the sinks share. */
typedef struct {
  const cls_part_plan *plan;
  cls_synapse_sink sink;
  int what;
  uint32_t channel, shift; /* of the piece being drawn */
  cls_sources *marked;
  uint32_t *count;            /* synapses per slot, */
  const cls_row_table *table; /* or per slot, delay and channel */
  uint64_t *next;             /* next free record per slot, */
  uint64_t *record;
  cls_store *store; /* or rows with places */
  cls_slot_finder finder;
} pass;

static cls_status draw_any(pass *p, const cls_part_piece *piece) {
  const cls_network *network = p->plan->network;
  const cls_range *range = &p->plan->layout->ranges[piece->range];
  cls_projection projection;
  double *factor;
  CLS_TRY(cls_projection_at(network, &network->projections[piece->projection], p->plan->step, &projection,
                            &factor));
  p->channel = piece->channel;
  p->shift = piece->shift;
  cls_status status = cls_projection_draw(network, &projection, range->first, range->n, p->what, p->sink, p);
  free(factor);
  return status;
}

static cls_status draw_piece(void *context, const cls_part_piece *piece) {
  pass *p = context;
  const bool here = cls_drawn_by_target(&p->plan->network->projections[piece->projection]);
  return here ? draw_any(p, piece) : CLS_OK;
}

static cls_status draw(pass *p, cls_synapse_sink sink, int what) {
  p->sink = sink;
  p->what = what;
  p->finder = cls_slot_finder_make(p->plan->sources);
  return cls_part_pieces(p->plan, draw_piece, p);
}

static cls_status mark_sink(void *context, const cls_synapse *synapses, int n) {
  pass *p = context;
  for (int i = 0; i < n; i++) CLS_TRY(cls_sources_add(p->marked, synapses[i].source));
  return CLS_OK;
}

static cls_status mark_piece(void *context, const cls_part_piece *piece) {
  pass *p = context;
  const cls_network *network = p->plan->network;
  const cls_projection *projection = &network->projections[piece->projection];
  if (!cls_drawn_by_target(projection) && !projection->plasticity) return CLS_OK;
  if (cls_piece_expected(network, p->plan->layout, piece) < CLS_SURELY) return draw_any(p, piece);
  for (uint32_t s = 0; s < projection->n_sources; s++) {
    const cls_population *source = &network->populations[projection->sources[s].population];
    CLS_TRY(cls_sources_add_range(p->marked, source->first, source->n));
  }
  return CLS_OK;
}

cls_status cls_targets_mark(const cls_part_plan *plan, cls_sources *marked) {
  pass p = {.plan = plan, .marked = marked, .sink = mark_sink, .what = CLS_DRAW_SOURCE};
  return cls_part_pieces(plan, mark_piece, &p);
}

static cls_status count_sink(void *context, const cls_synapse *synapses, int n) {
  pass *p = context;
  for (int i = 0; i < n; i++) p->count[cls_slot_of(&p->finder, synapses[i].source)]++;
  return CLS_OK;
}

static cls_status count_cells_sink(void *context, const cls_synapse *synapses, int n) {
  pass *p = context;
  for (int i = 0; i < n; i++)
    ++*cls_row_cell(p->table, cls_slot_of(&p->finder, synapses[i].source), synapses[i].delay, p->channel);
  return CLS_OK;
}

static cls_status record_sink(void *context, const cls_synapse *synapses, int n) {
  pass *p = context;
  for (int i = 0; i < n; i++)
    p->record[p->next[cls_slot_of(&p->finder, synapses[i].source)]++] =
        cls_row_record(synapses[i].delay, p->channel, synapses[i].weight, synapses[i].target + p->shift);
  return CLS_OK;
}

static cls_status put_sink(void *context, const cls_synapse *synapses, int n) {
  pass *p = context;
  for (int i = 0; i < n; i++)
    cls_rows_put(p->store, p->table, cls_slot_of(&p->finder, synapses[i].source), &synapses[i], p->channel,
                 synapses[i].target + p->shift);
  return CLS_OK;
}

/* ---- counting ---- */

/* What is drawn by target. */
typedef struct {
  const cls_part_plan *plan;
  bool any;
  double synapses; /* expected */
} expectation;

static cls_status expect(void *context, const cls_part_piece *piece) {
  expectation *e = context;
  const cls_network *network = e->plan->network;
  const cls_projection *projection = &network->projections[piece->projection];
  if (!cls_drawn_by_target(projection)) return CLS_OK;
  double share =
      (double)e->plan->layout->ranges[piece->range].n / (double)network->populations[projection->target].n;
  e->any = true;
  e->synapses += cls_projection_expected_synapses(network, projection) * share;
  return CLS_OK;
}

/* A table takes no more than a byte per synapse: measured on the cortical microcircuit, rows by counting cost half the
 * time and half the memory of sorting. */
static const double TABLE_SHARE = 0.25;

static bool worth_counting(const cls_part_plan *plan, double synapses, cls_row_table *table) {
  const cls_part *part = &plan->layout->parts[plan->part];
  if (plan->n_items > 0) return false; /* records join the rows that are drawn by source */
  table->delays = plan->network->max_delay + 1;
  table->channels = (part->shard_last - part->shard_first) * CLS_MAX_PORTS;
  return (double)plan->sources->n * (double)cls_row_stride(table) < TABLE_SHARE * synapses;
}

cls_status cls_targets_count(cls_part_plan *plan) {
  pass p = {.plan = plan};
  const uint32_t slots = plan->sources->n;
  expectation e = {.plan = plan};
  CLS_TRY(cls_part_pieces(plan, expect, &e));
  if (!e.any) return CLS_OK;
  CLS_TRY(cls_alloc(&plan->count, slots, sizeof *plan->count, "row lengths"));
  if (!worth_counting(plan, e.synapses, &plan->table)) {
    p.count = plan->count;
    return draw(&p, count_sink, CLS_DRAW_SOURCE);
  }
  size_t stride = cls_row_stride(&plan->table);
  CLS_TRY(cls_alloc(&plan->table.cell, slots * stride, sizeof *plan->table.cell, "table of rows"));
  p.table = &plan->table;
  CLS_TRY(draw(&p, count_cells_sink, CLS_DRAW_DELAY));
  bool fits = true;
  for (uint32_t s = 0; s < slots; s++)
    for (size_t k = 0; k < stride; k++) {
      uint32_t n = plan->table.cell[s * stride + k];
      plan->count[s] += n;
      fits = fits && n <= CLS_RUN_MAX;
    }
  if (fits) return CLS_OK;
  free(plan->table.cell); /* a run too long for one header: sorting cuts it */
  plan->table.cell = NULL;
  return CLS_OK;
}

/* ---- filling ---- */

cls_status cls_targets_put(cls_part_plan *plan, cls_store *store) {
  pass p = {.plan = plan, .table = &plan->table, .store = store};
  CLS_TRY(cls_rows_begin(store, &plan->table, plan->min_delay));
  return draw(&p, put_sink, CLS_DRAW_ALL);
}

cls_status cls_targets_records(const cls_part_plan *plan, const uint64_t *first, uint64_t **record) {
  pass p = {.plan = plan};
  const uint32_t slots = plan->sources->n;
  CLS_TRY(cls_alloc_unset(record, first[slots], sizeof **record, "synapses"));
  CLS_TRY(cls_alloc_unset(&p.next, slots, sizeof *p.next, "rows"));
  for (uint32_t s = 0; s < slots; s++) p.next[s] = first[s];
  p.record = *record;
  cls_status status = draw(&p, record_sink, CLS_DRAW_ALL);
  free(p.next);
  return status;
}
