#include "engine/store.h"
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

/* What the sinks of the three passes share. */
typedef struct {
  const cls_network *network;
  int64_t step; /* when: weights may change on the way */
  const cls_sources *sources;
  cls_sources *marked; /* pass 0 */
  uint32_t *count;     /* pass 1: synapses per slot */
  uint64_t *next;      /* pass 2: next free record per slot */
  uint64_t *record;
  uint64_t page; /* the page looked up last, and where it is */
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

/* A record sorts by delay, then channel: delay (16 bits) | channel (16) | weight (16) | target (16). */
static cls_status fill_sink(void *context, const cls_synapse *synapses, int n) {
  pass *p = context;
  for (int i = 0; i < n; i++) {
    const cls_synapse *s = &synapses[i];
    p->record[p->next[slot_of(p, s->source)]++] = (uint64_t)s->delay << 48 | (uint64_t)p->channel << 32 |
                                                  (uint64_t)s->weight << 16 |
                                                  (uint16_t)(s->target + p->target_shift);
  }
  return CLS_OK;
}

/* Sorts records by their upper 32 bits: insertion for short rows, bytes (least first) for long ones. */
static void sort_row(uint64_t *row, uint64_t *scratch, size_t n) {
  if (n <= 48) {
    for (size_t i = 1; i < n; i++) {
      uint64_t x = row[i];
      size_t j = i;
      for (; j > 0 && row[j - 1] >> 32 > x >> 32; j--) row[j] = row[j - 1];
      row[j] = x;
    }
    return;
  }
  uint64_t any = 0, all = ~0ull;
  for (size_t i = 0; i < n; i++) any |= row[i], all &= row[i];
  uint64_t *from = row, *to = scratch;
  for (int shift = 32; shift < 64; shift += 8) {
    if ((any >> shift & 255) == (all >> shift & 255)) continue; /* all the same */
    uint32_t first[257] = {0};
    for (size_t i = 0; i < n; i++) first[(from[i] >> shift & 255) + 1]++;
    for (int b = 0; b < 256; b++) first[b + 1] += first[b];
    for (size_t i = 0; i < n; i++) to[first[from[i] >> shift & 255]++] = from[i];
    uint64_t *swap = from;
    from = to;
    to = swap;
  }
  if (from != row) memcpy(row, from, n * sizeof *row);
}

/* Writes sorted records as runs; returns the number of words. `out` may overlap the records from below: a run
 * of k records becomes at most k + 1 words, never more than the 2 k words the records took. */
static size_t write_runs(const uint64_t *record, size_t n, uint32_t *out) {
  size_t words = 0;
  for (size_t i = 0; i < n;) {
    uint32_t key = (uint32_t)(record[i] >> 32), count = 0;
    size_t header = words++;
    while (i < n && (uint32_t)(record[i] >> 32) == key && count < CLS_RUN_MAX) {
      out[words++] = (uint32_t)record[i++];
      count++;
    }
    uint32_t delay = key >> 16, channel = key & 0xffff;
    out[header] = channel << (CLS_RUN_COUNT_BITS + CLS_RUN_DELAY_BITS) | delay << CLS_RUN_COUNT_BITS | count;
  }
  return words;
}

/* Sorts all rows and packs them in place: on return store->row and ->word are set. */
static cls_status pack(cls_store *store, const uint64_t *first, uint64_t *record, uint32_t *min_delay) {
  uint32_t longest = 0;
  for (uint32_t s = 0; s < store->n_slots; s++)
    if (first[s + 1] - first[s] > longest) longest = (uint32_t)(first[s + 1] - first[s]);
  uint64_t *scratch = NULL;
  CLS_TRY(cls_alloc(&scratch, longest, sizeof *scratch, "row"));
  uint32_t *word = (uint32_t *)record;
  uint64_t words = 0;
  for (uint32_t s = 0; s < store->n_slots; s++) {
    size_t n = (size_t)(first[s + 1] - first[s]);
    store->row[s] = words;
    if (n == 0) continue;
    sort_row(record + first[s], scratch, n);
    uint32_t least = (uint32_t)(record[first[s]] >> 48),
             greatest = (uint32_t)(record[first[s + 1] - 1] >> 48);
    if (least < min_delay[s]) min_delay[s] = least;
    if (greatest > store->max_delay) store->max_delay = greatest;
    memcpy(scratch, record + first[s], n * sizeof *scratch);
    words += write_runs(scratch, n, word + words);
  }
  free(scratch);
  store->row[store->n_slots] = words;
  uint32_t *shrunk = realloc(record, words ? words * sizeof *word : sizeof *word);
  store->word = shrunk ? shrunk : word;
  return CLS_OK;
}

/* ---- direct delivery ---- */

/* A row is delivered run by run, each at the step it is due, where runs are long enough to be worth finding
 * again; else copied into the calendar when its spike arrives. The row must also dwarf its delay index.
 * Either gives the same sums. */
enum { DIRECT_RUN = 16, DIRECT_ROW = 8 };

static cls_status index_delays(cls_store *store) {
  size_t width = store->max_delay + 2ul;
  CLS_TRY(cls_alloc(&store->direct, store->n_slots, sizeof *store->direct, "delay index"));
  for (uint32_t s = 0; s < store->n_slots; s++) {
    uint64_t words = store->row[s + 1] - store->row[s], runs = 0;
    for (uint64_t w = store->row[s]; w < store->row[s + 1]; w += 1 + cls_run_count(store->word[w])) runs++;
    bool direct = words >= DIRECT_ROW * width && words - runs >= DIRECT_RUN * runs && words < UINT32_MAX;
    store->direct[s] = direct ? store->n_direct++ : UINT32_MAX;
  }
  if (store->n_direct == 0) {
    free(store->direct);
    store->direct = NULL;
    return CLS_OK;
  }
  CLS_TRY(cls_alloc(&store->delay, store->n_direct * width, sizeof *store->delay, "delay index"));
  for (uint32_t s = 0; s < store->n_slots; s++) {
    if (store->direct[s] == UINT32_MAX) continue;
    uint32_t *delay = store->delay + store->direct[s] * width;
    uint32_t length = (uint32_t)(store->row[s + 1] - store->row[s]), w = 0, d = 0;
    while (w < length) {
      uint32_t header = store->word[store->row[s] + w];
      while (d <= cls_run_delay(header)) delay[d++] = w;
      w += 1 + cls_run_count(header);
    }
    while (d < width) delay[d++] = length;
  }
  return CLS_OK;
}

/* ---- together ---- */

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

/* Removes sources that turned out to have no synapse here. count is [part][slot]. */
static cls_status drop_empty(const cls_layout *layout, cls_sources **sources, uint32_t **count) {
  cls_sources *old = *sources, *kept = NULL;
  uint32_t empty = 0;
  for (uint32_t s = 0; s < old->n; s++) {
    uint64_t total = 0;
    for (uint32_t p = 0; p < layout->n_parts; p++) total += count[p][s];
    empty += total == 0;
  }
  if (empty == 0) return CLS_OK;
  CLS_TRY(cls_sources_create(&kept));
  uint32_t n = 0;
  for (uint32_t s = 0; s < old->n; s++) {
    uint64_t total = 0;
    for (uint32_t p = 0; p < layout->n_parts; p++) total += count[p][s];
    if (total == 0) continue;
    CLS_TRY(cls_sources_add(kept, old->neuron[s]));
    for (uint32_t p = 0; p < layout->n_parts; p++) count[p][n] = count[p][s];
    n++;
  }
  cls_sources_destroy(old);
  *sources = kept;
  return cls_sources_finish(kept);
}

static cls_status build_part(const cls_network *network, int64_t step, const cls_layout *layout,
                             const by_target *index, uint32_t part, const cls_sources *sources,
                             const uint32_t *count, cls_store *store, uint32_t *min_delay) {
  pass context = {.network = network, .step = step, .sources = sources, .page = UINT64_MAX};
  store->n_slots = sources->n;
  uint64_t *first = NULL;
  CLS_TRY(cls_alloc(&store->row, sources->n + 1ul, sizeof *store->row, "rows"));
  CLS_TRY(cls_alloc(&first, sources->n + 1ul, sizeof *first, "rows"));
  for (uint32_t s = 0; s < sources->n; s++) first[s + 1] = first[s] + count[s];
  store->n_synapses = first[sources->n];
  cls_status status = cls_alloc(&context.record, store->n_synapses, sizeof *context.record, "synapses");
  if (status == CLS_OK) {
    context.next = store->row; /* borrowed as the cursor of every row */
    memcpy(context.next, first, (sources->n + 1ul) * sizeof *first);
    status = each_projection(layout, index, part, &context, draw, fill_sink, CLS_DRAW_ALL);
    if (status == CLS_OK)
      status = pack(store, first, context.record, min_delay);
    else
      free(context.record);
  }
  free(first);
  return status == CLS_OK ? index_delays(store) : status;
}

cls_status cls_stores_create(const cls_network *network, const cls_layout *layout, cls_store ***stores,
                             cls_sources **sources, uint32_t **min_delay) {
  CLS_CHECK(network->max_delay <= CLS_RUN_MAX_DELAY, CLS_ERR_LIMIT,
            "greatest delay %u steps: the limit is %d", network->max_delay, CLS_RUN_MAX_DELAY);
  for (uint32_t p = 0; p < layout->n_parts; p++) {
    uint32_t shards = layout->parts[p].shard_last - layout->parts[p].shard_first;
    CLS_CHECK(shards * CLS_MAX_PORTS <= CLS_MAX_CHANNELS, CLS_ERR_LIMIT,
              "a thread would own %u shards of %d neurons: the limit is %d; use more ranks or threads",
              shards, CLS_SHARD_MAX, CLS_MAX_CHANNELS / CLS_MAX_PORTS);
  }
  by_target index = {0};
  CLS_TRY(sort_by_target(network, &index));
  CLS_TRY(find_sources(network, layout, &index, sources));

  uint32_t n_parts = layout->n_parts;
  uint32_t **count = NULL;
  CLS_TRY(cls_alloc(&count, n_parts, sizeof *count, "row lengths"));
  CLS_TRY(cls_alloc(stores, n_parts, sizeof **stores, "stores"));
  for (uint32_t p = 0; p < n_parts; p++) {
    CLS_TRY(cls_alloc(&count[p], (*sources)->n, sizeof **count, "row lengths"));
    CLS_TRY(cls_alloc(&(*stores)[p], 1, sizeof ***stores, "store"));
  }
  cls_status kept = CLS_OK;
  char message[512] = "";
#pragma omp parallel for schedule(dynamic, 1)
  for (uint32_t p = 0; p < n_parts; p++) {
    pass context = {.network = network, .sources = *sources, .page = UINT64_MAX, .count = count[p]};
    keep_first(each_projection(layout, &index, p, &context, draw, count_sink, CLS_DRAW_SOURCE), &kept,
               message, sizeof message);
  }
  if (kept == CLS_OK) kept = drop_empty(layout, sources, count);
  uint32_t n = (*sources)->n, **least = NULL;
  CLS_TRY(cls_alloc(min_delay, n, sizeof **min_delay, "least delays"));
  CLS_TRY(cls_alloc(&least, n_parts, sizeof *least, "least delays"));
  for (uint32_t p = 0; p < n_parts; p++) {
    CLS_TRY(cls_alloc(&least[p], n, sizeof **least, "least delays"));
    memset(least[p], 0xff, n * sizeof **least);
  }
#pragma omp parallel for schedule(dynamic, 1)
  for (uint32_t p = 0; p < n_parts; p++)
    if (kept == CLS_OK)
      keep_first(build_part(network, 0, layout, &index, p, *sources, count[p], (*stores)[p], least[p]), &kept,
                 message, sizeof message);
  memset(*min_delay, 0xff, n * sizeof **min_delay);
  for (uint32_t p = 0; p < n_parts; p++) {
    for (uint32_t s = 0; s < n; s++)
      if (least[p][s] < (*min_delay)[s]) (*min_delay)[s] = least[p][s];
    free(least[p]);
    free(count[p]);
  }
  free(least);
  free(count);
  free(index.first);
  free(index.projection);
  return kept == CLS_OK ? CLS_OK : cls_fail(kept, "%s", message[0] ? message : cls_error_message());
}

static void empty_store(cls_store *store) {
  free(store->row);
  free(store->word);
  free(store->direct);
  free(store->delay);
  *store = (cls_store){0};
}

static cls_status redraw_part(const cls_network *network, int64_t step, const cls_layout *layout,
                              const by_target *index, uint32_t part, const cls_sources *sources,
                              cls_store *store) {
  uint32_t *count = NULL, *min_delay = NULL;
  cls_status status = cls_alloc(&count, sources->n, sizeof *count, "row lengths");
  if (status == CLS_OK) status = cls_alloc(&min_delay, sources->n, sizeof *min_delay, "least delays");
  for (uint32_t s = 0; status == CLS_OK && s < sources->n; s++)
    for (uint64_t w = store->row[s]; w < store->row[s + 1]; w += 1 + cls_run_count(store->word[w]))
      count[s] += cls_run_count(store->word[w]);
  empty_store(store);
  if (status == CLS_OK)
    status = build_part(network, step, layout, index, part, sources, count, store, min_delay);
  free(count);
  free(min_delay);
  return status;
}

cls_status cls_stores_redraw(const cls_network *network, const cls_layout *layout, int64_t step,
                             const cls_sources *sources, cls_store **stores) {
  by_target index = {0};
  cls_status status = sort_by_target(network, &index);
  for (uint32_t p = 0; p < layout->n_parts && status == CLS_OK; p++)
    status = redraw_part(network, step, layout, &index, p, sources, stores[p]);
  free(index.first);
  free(index.projection);
  return status;
}

void cls_store_destroy(cls_store *store) {
  if (!store) return;
  empty_store(store);
  free(store);
}

size_t cls_store_bytes(const cls_store *s) {
  size_t bytes = (s->n_slots + 1ul) * sizeof *s->row + (s->row ? s->row[s->n_slots] : 0) * sizeof *s->word;
  if (s->direct)
    bytes += s->n_slots * sizeof *s->direct + s->n_direct * (s->max_delay + 2ul) * sizeof *s->delay;
  return bytes;
}
