/* Building the stores of a rank: first which sources occur, then the synapses of every part (store_targets.c,
 * store_items.c), then what is found empty is left out. */
#include "engine/plastic_store.h"
#include "engine/store_procedural.h"
#include <stdlib.h>
#include <string.h>

/* ---- one part ---- */

static cls_status begin_part(const cls_network *network, int64_t step, const cls_layout *layout,
                             const cls_by_target *index, uint32_t part, cls_part_plan *plan) {
  *plan = (cls_part_plan){.network = network, .layout = layout, .index = index, .part = part, .step = step};
  return cls_items_find(plan);
}

/* Lays down the synapses that are drawn by target, and with them those drawn by source. */
static cls_status fill_rows(cls_part_plan *plan, cls_store *store) {
  const uint32_t slots = store->n_slots;
  uint64_t *first = NULL, *record = NULL;
  if (!plan->count) return cls_items_build(plan, NULL, NULL, store);
  CLS_TRY(cls_alloc(&first, slots + 1ul, sizeof *first, "rows"));
  for (uint32_t s = 0; s < slots; s++) first[s + 1] = first[s] + plan->count[s];
  cls_status status = cls_targets_records(plan, first, &record);
  if (status == CLS_OK && plan->n_items == 0) {
    store->n_synapses = first[slots];
    status = cls_rows_sort(store, first, record, plan->min_delay); /* takes the records over */
    record = NULL;
  } else if (status == CLS_OK) {
    status = cls_items_build(plan, first, record, store);
  }
  free(record);
  free(first);
  return status;
}

/* Lays down the synapses of a part as they are at plan->step. */
static cls_status build_part(cls_part_plan *plan, const cls_sources *sources, cls_store *store) {
  plan->sources = sources;
  store->n_slots = sources->n;
  CLS_TRY(cls_alloc(&store->row, sources->n + 1ul, sizeof *store->row, "rows"));
  CLS_TRY(cls_alloc(&plan->min_delay, sources->n, sizeof *plan->min_delay, "least delays"));
  memset(plan->min_delay, 0xff, sources->n * sizeof *plan->min_delay);
  CLS_TRY(cls_targets_count(plan));
  if (!plan->table.cell) return fill_rows(plan, store);
  for (uint32_t s = 0; s < sources->n; s++) store->n_synapses += plan->count[s];
  cls_status status = cls_targets_put(plan, store);
  free(plan->table.cell);
  plan->table.cell = NULL;
  return status;
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

static cls_status find_sources(const cls_part_plan *plans, uint32_t n_parts, cls_store **stores,
                               cls_sources **sources) {
  cls_status kept = CLS_OK;
  char message[512] = "";
  CLS_TRY(cls_sources_create(sources));
#pragma omp parallel for schedule(dynamic, 1)
  for (uint32_t p = 0; p < n_parts; p++) {
    cls_sources *marked = NULL;
    cls_status status = cls_sources_create(&marked);
    if (status == CLS_OK) status = cls_targets_mark(&plans[p], marked);
    if (status == CLS_OK) status = cls_items_mark(&plans[p], marked);
    if (status == CLS_OK) status = cls_procedural_create(&plans[p], &stores[p]->procedural);
    if (status == CLS_OK) status = cls_procedural_mark(stores[p]->procedural, marked);
    if (status == CLS_OK) {
#pragma omp critical
      status = cls_sources_merge(*sources, marked);
    }
    cls_sources_destroy(marked);
    keep_first(status, &kept, message, sizeof message);
  }
  if (kept != CLS_OK) return cls_fail(kept, "%s", message);
  return cls_sources_finish(*sources);
}

/* Of slots from `slot` on. Procedural rows count as not empty: their least delay is known. */
static bool is_empty(const cls_part_plan *plans, uint32_t n_parts, uint32_t slot) {
  for (uint32_t p = 0; p < n_parts; p++)
    if (plans[p].min_delay[slot] != UINT32_MAX) return false;
  return true;
}

/* Removes sources that turned out to have no synapse here. */
static cls_status drop_empty(cls_part_plan *plans, uint32_t n_parts, cls_sources **sources,
                             cls_store **stores) {
  cls_sources *old = *sources, *kept = NULL;
  uint32_t empty = 0, n = 0;
  for (uint32_t s = 0; s < old->n; s++) empty += is_empty(plans, n_parts, s);
  if (empty == 0) return CLS_OK;
  CLS_TRY(cls_sources_create(&kept));
  for (uint32_t s = 0; s < old->n; s++) {
    if (is_empty(plans, n_parts, s)) continue;
    CLS_TRY(cls_sources_add(kept, old->neuron[s]));
    for (uint32_t p = 0; p < n_parts; p++) {
      stores[p]->row[n] = stores[p]->row[s];
      if (stores[p]->plastic) stores[p]->plastic->row[n] = stores[p]->plastic->row[s];
      plans[p].min_delay[n] = plans[p].min_delay[s];
    }
    n++;
  }
  for (uint32_t p = 0; p < n_parts; p++) {
    stores[p]->row[n] = stores[p]->row[old->n];
    stores[p]->n_slots = n;
    CLS_TRY(cls_resize(&stores[p]->row, n + 1ul, sizeof *stores[p]->row, "rows"));
    if (!stores[p]->plastic) continue;
    stores[p]->plastic->row[n] = stores[p]->plastic->row[old->n];
    stores[p]->plastic->n_slots = n;
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

/* Builds all parts, in parallel. */
static cls_status build_parts(cls_part_plan *plans, uint32_t n_parts, cls_sources **sources,
                              cls_store **stores) {
  cls_status kept = CLS_OK;
  char message[512] = "";
  CLS_TRY(find_sources(plans, n_parts, stores, sources));
#pragma omp parallel for schedule(dynamic, 1)
  for (uint32_t p = 0; p < n_parts; p++) {
    cls_status status = build_part(&plans[p], *sources, stores[p]);
    if (status == CLS_OK) status = cls_plastic_build(&plans[p], &stores[p]->plastic);
    keep_first(status, &kept, message, sizeof message);
  }
  if (kept != CLS_OK) return cls_fail(kept, "%s", message);
  for (uint32_t p = 0; p < n_parts; p++)
    if (stores[p]->procedural)
      cls_procedural_begin(stores[p]->procedural, *sources, plans[p].min_delay, &stores[p]->max_delay);
  CLS_TRY(drop_empty(plans, n_parts, sources, stores));
  for (uint32_t p = 0; p < n_parts; p++) /* slots have moved */
    if (stores[p]->procedural)
      cls_procedural_begin(stores[p]->procedural, *sources, plans[p].min_delay, &stores[p]->max_delay);
#pragma omp parallel for schedule(dynamic, 1)
  for (uint32_t p = 0; p < n_parts; p++)
    keep_first(cls_store_choose_direct(stores[p]), &kept, message, sizeof message);
  return kept == CLS_OK ? CLS_OK : cls_fail(kept, "%s", message);
}

cls_status cls_stores_create(const cls_network *network, const cls_layout *layout, cls_store ***stores,
                             cls_sources **sources, uint32_t **min_delay) {
  cls_by_target index = {0};
  cls_part_plan *plans = NULL;
  const uint32_t n_parts = layout->n_parts;
  CLS_TRY(check_limits(network, layout));
  CLS_TRY(cls_alloc(stores, n_parts, sizeof **stores, "stores"));
  for (uint32_t p = 0; p < n_parts; p++) CLS_TRY(cls_alloc(&(*stores)[p], 1, sizeof ***stores, "store"));
  cls_status status = cls_by_target_create(network, &index);
  if (status == CLS_OK) status = cls_alloc(&plans, n_parts, sizeof *plans, "plans of parts");
  for (uint32_t p = 0; status == CLS_OK && p < n_parts; p++)
    status = begin_part(network, 0, layout, &index, p, &plans[p]);
  if (status == CLS_OK) status = build_parts(plans, n_parts, sources, *stores);
  if (status == CLS_OK) status = cls_alloc(min_delay, (*sources)->n, sizeof **min_delay, "least delays");
  for (uint32_t s = 0; status == CLS_OK && s < (*sources)->n; s++) {
    (*min_delay)[s] = UINT32_MAX;
    for (uint32_t p = 0; p < n_parts; p++)
      if (plans[p].min_delay[s] < (*min_delay)[s]) (*min_delay)[s] = plans[p].min_delay[s];
  }
  for (uint32_t p = 0; plans && p < n_parts; p++) cls_part_plan_free(&plans[p]);
  free(plans);
  cls_by_target_free(&index);
  return status;
}

cls_status cls_stores_redraw(const cls_network *network, const cls_layout *layout, int64_t step,
                             const cls_sources *sources, cls_store **stores) {
  cls_by_target index = {0};
  cls_status status = cls_by_target_create(network, &index);
  for (uint32_t p = 0; p < layout->n_parts && status == CLS_OK; p++) {
    cls_part_plan plan;
    cls_store_empty(stores[p]);
    status = begin_part(network, step, layout, &index, p, &plan);
    if (status == CLS_OK) status = build_part(&plan, sources, stores[p]);
    if (status == CLS_OK && stores[p]->procedural) {
      cls_procedural_begin(stores[p]->procedural, sources, plan.min_delay, &stores[p]->max_delay);
      status = cls_procedural_change(stores[p]->procedural, step);
    }
    if (status == CLS_OK) status = cls_store_choose_direct(stores[p]);
    cls_part_plan_free(&plan);
  }
  cls_by_target_free(&index);
  return status;
}
