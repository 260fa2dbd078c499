/* Drawing the synapses of a rank, part by part. Everything is drawn again in every pass, because that takes less than
 * keeping it would: first which sources occur, then how many synapses each has (and of which delay), then the
 * synapses. */
#include "engine/store_rows.h"
#include "network/intervention.h"
#include <stdlib.h>
#include <string.h>

/* ---- finding the work ---- */

/* Projections by target population (CSR). */
typedef struct {
  uint32_t *first, *projection;
} by_target;

static cls_status sort_by_target(const cls_network *network, by_target *index) {
  CLS_TRY(cls_alloc(&index->first, network->n_populations + 2ul, sizeof(uint32_t), "projections by target"));
  CLS_TRY(cls_alloc(&index->projection, network->n_projections, sizeof(uint32_t), "projections by target"));
  for (uint32_t j = 0; j < network->n_projections; j++) index->first[network->projections[j].target + 2]++;
  for (uint32_t p = 1; p <= network->n_populations; p++) index->first[p + 1] += index->first[p];
  for (uint32_t j = 0; j < network->n_projections; j++)
    index->projection[index->first[network->projections[j].target + 1]++] = j;
  return CLS_OK;
}

/* What the sinks of the passes share. */
typedef struct {
  const cls_network *network;
  int64_t step; /* when: weights may change on the way */
  const cls_sources *sources;
  cls_sources *marked;        /* pass 0 */
  uint32_t *count;            /* pass 1: synapses per slot, */
  const cls_row_table *table; /* or per slot, delay and channel */
  uint64_t *next;             /* pass 2: next free record per slot, */
  uint64_t *record;
  cls_store *store; /* or rows with places */
  uint64_t page;    /* the page looked up last, and where it is */
  uint32_t page_index;
  uint32_t channel;
  uint32_t target_shift; /* added to a target's index in its population gives its index in the shard */
} pass;

typedef cls_status (*pass_over)(pass *context, cls_synapse_sink sink, int what,
                                const cls_projection *projection, const cls_range *range);

/* Calls `visit` for every (projection, range) of a part. */
static cls_status each_projection(const cls_layout *layout, const by_target *index, uint32_t part,
                                  pass *context, pass_over visit, cls_synapse_sink sink, int what) {
  const cls_network *network = context->network;
  uint32_t shard_first = layout->parts[part].shard_first;
  for (uint32_t s = shard_first; s < layout->parts[part].shard_last; s++) {
    const cls_shard *shard = &layout->shards[s];
    for (uint32_t r = shard->range_first; r < shard->range_last; r++) {
      const cls_range *range = &layout->ranges[r];
      context->target_shift = range->local - shard->local - range->first; /* modulo 2^32 */
      for (uint32_t k = index->first[range->population]; k < index->first[range->population + 1]; k++) {
        cls_projection projection;
        double *factor;
        CLS_TRY(cls_projection_at(network, &network->projections[index->projection[k]], context->step,
                                  &projection, &factor));
        context->channel = (s - shard_first) * CLS_MAX_PORTS + (uint32_t)projection.port;
        cls_status status = visit(context, sink, what, &projection, range);
        free(factor);
        CLS_TRY(status);
      }
    }
  }
  return CLS_OK;
}

static cls_status draw(pass *context, cls_synapse_sink sink, int what, const cls_projection *projection,
                       const cls_range *range) {
  return cls_projection_draw(context->network, projection, range->first, range->n, what, sink, context);
}

/* ---- pass 0: which sources occur ---- */

/* Where a source neuron expects this many synapses here it is taken to have one without drawing (it lacks one
 * with a probability below e^-30, and pass 1 removes it if it does). */
static const double SURELY = 30;

static cls_status mark_sink(void *context, const cls_synapse *synapses, int n) {
  pass *p = context;
  for (int i = 0; i < n; i++) CLS_TRY(cls_sources_add(p->marked, synapses[i].source));
  return CLS_OK;
}

static cls_status mark(pass *context, cls_synapse_sink sink, int what, const cls_projection *projection,
                       const cls_range *range) {
  const cls_network *network = context->network;
  double share = (double)range->n / (double)network->populations[projection->target].n;
  double synapses = cls_projection_expected_synapses(network, projection) * share;
  double weights = 0;
  bool surely = true;
  for (uint32_t s = 0; s < projection->n_sources; s++) weights += projection->sources[s].weight;
  for (uint32_t s = 0; s < projection->n_sources; s++)
    surely &= synapses * projection->sources[s].weight / weights >=
              SURELY * (double)network->populations[projection->sources[s].population].n;
  if (!surely) return draw(context, sink, what, projection, range);
  for (uint32_t s = 0; s < projection->n_sources; s++) {
    const cls_population *source = &network->populations[projection->sources[s].population];
    CLS_TRY(cls_sources_add_range(context->marked, source->first, source->n));
  }
  return CLS_OK;
}

/* ---- passes 1 and 2: count, fill ---- */

static uint32_t slot_of(pass *p, uint64_t neuron) {
  uint64_t page = neuron / CLS_PAGE;
  if (page != p->page) {
    p->page = page;
    p->page_index = cls_sources_page(p->sources, page);
  }
  return cls_sources_slot_in(p->sources, p->page_index, neuron);
}

static cls_status count_sink(void *context, const cls_synapse *synapses, int n) {
  pass *p = context;
  for (int i = 0; i < n; i++) p->count[slot_of(p, synapses[i].source)]++;
  return CLS_OK;
}

static cls_status count_cells_sink(void *context, const cls_synapse *synapses, int n) {
  pass *p = context;
  for (int i = 0; i < n; i++)
    ++*cls_row_cell(p->table, slot_of(p, synapses[i].source), synapses[i].delay, p->channel);
  return CLS_OK;
}

static cls_status record_sink(void *context, const cls_synapse *synapses, int n) {
  pass *p = context;
  for (int i = 0; i < n; i++)
    p->record[p->next[slot_of(p, synapses[i].source)]++] =
        cls_row_record(&synapses[i], p->channel, synapses[i].target + p->target_shift);
  return CLS_OK;
}

static cls_status put_sink(void *context, const cls_synapse *synapses, int n) {
  pass *p = context;
  for (int i = 0; i < n; i++)
    cls_rows_put(p->store, p->table, slot_of(p, synapses[i].source), &synapses[i], p->channel,
                 synapses[i].target + p->target_shift);
  return CLS_OK;
}

/* ---- one part ---- */

/* What is known of a part before its synapses are laid down. */
typedef struct {
  uint32_t *count;     /* [slots] synapses */
  cls_row_table table; /* where rows are made by counting; cell NULL: by sorting */
  uint32_t *min_delay; /* [slots], out */
} part_plan;

static void free_plan(part_plan *plan) {
  free(plan->count);
  free(plan->table.cell);
  free(plan->min_delay);
  *plan = (part_plan){0};
}

/* A table takes no more than a byte per synapse: measured on the cortical microcircuit, rows by counting cost half the
 * time and half the memory of sorting. */
static const double TABLE_SHARE = 0.25;

static bool worth_counting(const cls_network *network, const cls_layout *layout, uint32_t part,
                           uint32_t slots, cls_row_table *table) {
  uint32_t shards = layout->parts[part].shard_last - layout->parts[part].shard_first;
  double neurons = 0;
  for (uint32_t s = layout->parts[part].shard_first; s < layout->parts[part].shard_last; s++)
    neurons += layout->shards[s].n;
  table->delays = network->max_delay + 1;
  table->channels = shards * CLS_MAX_PORTS;
  double synapses = network->expected_synapses * neurons / (double)network->n_neurons;
  return (double)slots * (double)cls_row_stride(table) < TABLE_SHARE * synapses;
}

static cls_status count_part(const cls_network *network, const cls_layout *layout, const by_target *index,
                             uint32_t part, const cls_sources *sources, part_plan *plan) {
  pass context = {.network = network, .sources = sources, .page = UINT64_MAX};
  CLS_TRY(cls_alloc(&plan->count, sources->n, sizeof *plan->count, "row lengths"));
  if (!worth_counting(network, layout, part, sources->n, &plan->table)) {
    context.count = plan->count;
    return each_projection(layout, index, part, &context, draw, count_sink, CLS_DRAW_SOURCE);
  }
  size_t stride = cls_row_stride(&plan->table);
  CLS_TRY(cls_alloc(&plan->table.cell, sources->n * stride, sizeof *plan->table.cell, "table of rows"));
  context.table = &plan->table;
  CLS_TRY(each_projection(layout, index, part, &context, draw, count_cells_sink, CLS_DRAW_DELAY));
  bool fits = true;
  for (uint32_t s = 0; s < sources->n; s++)
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

/* Lays down the synapses of a part as they are at step `step`; plan->count and ->table are used up. */
static cls_status build_part(const cls_network *network, int64_t step, const cls_layout *layout,
                             const by_target *index, uint32_t part, const cls_sources *sources,
                             part_plan *plan, cls_store *store) {
  pass context = {.network = network,
                  .step = step,
                  .sources = sources,
                  .page = UINT64_MAX,
                  .store = store,
                  .table = &plan->table};
  uint64_t *first = NULL;
  store->n_slots = sources->n;
  CLS_TRY(cls_alloc(&store->row, sources->n + 1ul, sizeof *store->row, "rows"));
  CLS_TRY(cls_alloc(&plan->min_delay, sources->n, sizeof *plan->min_delay, "least delays"));
  memset(plan->min_delay, 0xff, sources->n * sizeof *plan->min_delay);
  for (uint32_t s = 0; s < sources->n; s++) store->n_synapses += plan->count[s];
  if (plan->table.cell) {
    CLS_TRY(cls_rows_begin(store, &plan->table, plan->min_delay));
    CLS_TRY(each_projection(layout, index, part, &context, draw, put_sink, CLS_DRAW_ALL));
    return cls_store_choose_direct(store);
  }
  CLS_TRY(cls_alloc(&first, sources->n + 1ul, sizeof *first, "rows"));
  for (uint32_t s = 0; s < sources->n; s++) first[s + 1] = first[s] + plan->count[s];
  cls_status status = cls_alloc(&context.record, store->n_synapses, sizeof *context.record, "synapses");
  if (status == CLS_OK) {
    context.next = store->row; /* borrowed as the cursor of every row */
    memcpy(context.next, first, (sources->n + 1ul) * sizeof *first);
    status = each_projection(layout, index, part, &context, draw, record_sink, CLS_DRAW_ALL);
    if (status == CLS_OK)
      status = cls_rows_sort(store, first, context.record, plan->min_delay);
    else
      free(context.record);
  }
  free(first);
  return status == CLS_OK ? cls_store_choose_direct(store) : status;
}

/* ---- all parts ---- */

/* Keeps the message of the first failing thread: messages live per thread. */
static void keep_first(cls_status status, cls_status *kept, char *message, size_t size) {
  if (status == CLS_OK) return;
#pragma omp critical
  if (*kept == CLS_OK) {
    *kept = status;
    snprintf(message, size, "%s", cls_error_message());
  }
}

static cls_status find_sources(const cls_network *network, const cls_layout *layout, const by_target *index,
                               cls_sources **sources) {
  cls_status kept = CLS_OK;
  char message[512] = "";
  CLS_TRY(cls_sources_create(sources));
#pragma omp parallel for schedule(dynamic, 1)
  for (uint32_t p = 0; p < layout->n_parts; p++) {
    pass context = {.network = network};
    cls_status status = cls_sources_create(&context.marked);
    if (status == CLS_OK)
      status = each_projection(layout, index, p, &context, mark, mark_sink, CLS_DRAW_SOURCE);
    if (status == CLS_OK) {
#pragma omp critical
      status = cls_sources_merge(*sources, context.marked);
    }
    cls_sources_destroy(context.marked);
    keep_first(status, &kept, message, sizeof message);
  }
  if (kept != CLS_OK) return cls_fail(kept, "%s", message);
  return cls_sources_finish(*sources);
}

static uint64_t synapses_of(const cls_layout *layout, const part_plan *plans, uint32_t slot) {
  uint64_t total = 0;
  for (uint32_t p = 0; p < layout->n_parts; p++) total += plans[p].count[slot];
  return total;
}

/* Removes sources that turned out to have no synapse here. */
static cls_status drop_empty(const cls_layout *layout, cls_sources **sources, part_plan *plans) {
  cls_sources *old = *sources, *kept = NULL;
  uint32_t empty = 0;
  for (uint32_t s = 0; s < old->n; s++) empty += synapses_of(layout, plans, s) == 0;
  if (empty == 0) return CLS_OK;
  CLS_TRY(cls_sources_create(&kept));
  uint32_t n = 0;
  for (uint32_t s = 0; s < old->n; s++) {
    if (synapses_of(layout, plans, s) == 0) continue;
    CLS_TRY(cls_sources_add(kept, old->neuron[s]));
    for (uint32_t p = 0; p < layout->n_parts; p++) {
      size_t stride = plans[p].table.cell ? cls_row_stride(&plans[p].table) : 0;
      plans[p].count[n] = plans[p].count[s];
      if (stride)
        memmove(plans[p].table.cell + n * stride, plans[p].table.cell + s * stride,
                stride * sizeof(uint32_t));
    }
    n++;
  }
  cls_sources_destroy(old);
  *sources = kept;
  return cls_sources_finish(kept);
}

static cls_status check_limits(const cls_network *network, const cls_layout *layout) {
  CLS_CHECK(network->max_delay <= CLS_RUN_MAX_DELAY, CLS_ERR_LIMIT,
            "greatest delay %u steps: the limit is %d", network->max_delay, CLS_RUN_MAX_DELAY);
  for (uint32_t p = 0; p < layout->n_parts; p++) {
    uint32_t shards = layout->parts[p].shard_last - layout->parts[p].shard_first;
    CLS_CHECK(shards * CLS_MAX_PORTS <= CLS_MAX_CHANNELS, CLS_ERR_LIMIT,
              "a thread would own %u shards of up to %d neurons: the limit is %d; use more ranks or threads",
              shards, CLS_SHARD_MAX, CLS_MAX_CHANNELS / CLS_MAX_PORTS);
  }
  return CLS_OK;
}

/* Counts and fills all parts, in parallel. */
static cls_status build_parts(const cls_network *network, const cls_layout *layout, const by_target *index,
                              cls_sources **sources, part_plan *plans, cls_store **stores) {
  const uint32_t n_parts = layout->n_parts;
  cls_status kept = CLS_OK;
  char message[512] = "";
#pragma omp parallel for schedule(dynamic, 1)
  for (uint32_t p = 0; p < n_parts; p++)
    keep_first(count_part(network, layout, index, p, *sources, &plans[p]), &kept, message, sizeof message);
  if (kept != CLS_OK) return cls_fail(kept, "%s", message);
  CLS_TRY(drop_empty(layout, sources, plans));
#pragma omp parallel for schedule(dynamic, 1)
  for (uint32_t p = 0; p < n_parts; p++) {
    keep_first(build_part(network, 0, layout, index, p, *sources, &plans[p], stores[p]), &kept, message,
               sizeof message);
    free(plans[p].table.cell);
    plans[p].table.cell = NULL;
  }
  return kept == CLS_OK ? CLS_OK : cls_fail(kept, "%s", message);
}

cls_status cls_stores_create(const cls_network *network, const cls_layout *layout, cls_store ***stores,
                             cls_sources **sources, uint32_t **min_delay) {
  by_target index = {0};
  part_plan *plans = NULL;
  const uint32_t n_parts = layout->n_parts;
  CLS_TRY(check_limits(network, layout));
  CLS_TRY(cls_alloc(stores, n_parts, sizeof **stores, "stores"));
  for (uint32_t p = 0; p < n_parts; p++) CLS_TRY(cls_alloc(&(*stores)[p], 1, sizeof ***stores, "store"));
  cls_status status = sort_by_target(network, &index);
  if (status == CLS_OK) status = cls_alloc(&plans, n_parts, sizeof *plans, "plans of parts");
  if (status == CLS_OK) status = find_sources(network, layout, &index, sources);
  if (status == CLS_OK) status = build_parts(network, layout, &index, sources, plans, *stores);
  if (status == CLS_OK) status = cls_alloc(min_delay, (*sources)->n, sizeof **min_delay, "least delays");
  for (uint32_t s = 0; status == CLS_OK && s < (*sources)->n; s++) {
    (*min_delay)[s] = UINT32_MAX;
    for (uint32_t p = 0; p < n_parts; p++)
      if (plans[p].min_delay[s] < (*min_delay)[s]) (*min_delay)[s] = plans[p].min_delay[s];
  }
  for (uint32_t p = 0; plans && p < n_parts; p++) free_plan(&plans[p]);
  free(plans);
  free(index.first);
  free(index.projection);
  return status;
}

cls_status cls_stores_redraw(const cls_network *network, const cls_layout *layout, int64_t step,
                             const cls_sources *sources, cls_store **stores) {
  by_target index = {0};
  cls_status status = sort_by_target(network, &index);
  for (uint32_t p = 0; p < layout->n_parts && status == CLS_OK; p++) {
    part_plan plan = {0};
    cls_store_empty(stores[p]);
    status = count_part(network, layout, &index, p, sources, &plan);
    if (status == CLS_OK) status = build_part(network, step, layout, &index, p, sources, &plan, stores[p]);
    free_plan(&plan);
  }
  free(index.first);
  free(index.projection);
  return status;
}
