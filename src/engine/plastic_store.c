#include "engine/plastic_store.h"
#include <stdlib.h>
#include <string.h>

/* ---- kinds of traces ---- */

static cls_status add_trace(cls_spike_trace **list, uint32_t *n, double tau_ms, bool nearest, double dt_ms,
                            uint32_t *number) {
  const cls_spike_trace made = cls_spike_trace_of(tau_ms, nearest, dt_ms);
  for (*number = 0; *number < *n; ++*number)
    if ((*list)[*number].rate == made.rate && (*list)[*number].nearest == made.nearest) return CLS_OK;
  CLS_CHECK(*n < CLS_NO_TRACE, CLS_ERR_LIMIT,
            "plastic projections with %u different time constants meet on one thread", *n + 1);
  size_t capacity = *n; /* few: grown one by one */
  CLS_TRY(cls_grow(list, &capacity, *n + 1ul, sizeof **list, "traces"));
  (*list)[(*n)++] = made;
  return CLS_OK;
}

static cls_status add_short_term(cls_plastic_store *store, const cls_short_term *p, double dt_ms,
                                 uint32_t *number) {
  const cls_short_term_const made = cls_short_term_derive(p, dt_ms);
  for (*number = 0; *number < store->n_short_term; ++*number)
    if (memcmp(&store->short_term[*number], &made, sizeof made) == 0) return CLS_OK;
  size_t capacity = store->n_short_term;
  CLS_TRY(cls_grow(&store->short_term, &capacity, capacity + 1, sizeof *store->short_term,
                   "short-term plasticity"));
  store->short_term[store->n_short_term++] = made;
  return CLS_OK;
}

static cls_status add_kinds(cls_plastic_store *store, const cls_plasticity *plasticity, double dt_ms,
                            cls_plastic_piece *piece) {
  const cls_stdp *p = &plasticity->stdp;
  piece->x3 = piece->y3 = CLS_NO_TRACE;
  if (plasticity->has_short_term)
    CLS_TRY(add_short_term(store, &plasticity->short_term, dt_ms, &piece->short_term));
  if (!plasticity->has_stdp) return CLS_OK;
  CLS_TRY(add_trace(&store->pre, &store->n_pre, p->tau_plus_ms, p->pairing, dt_ms, &piece->x));
  CLS_TRY(add_trace(&store->post, &store->n_post, p->tau_minus_ms, p->pairing, dt_ms, &piece->y));
  if (p->a3_minus != 0)
    CLS_TRY(add_trace(&store->pre, &store->n_pre, p->tau_x_ms, p->pairing, dt_ms, &piece->x3));
  if (p->a3_plus != 0)
    CLS_TRY(add_trace(&store->post, &store->n_post, p->tau_y_ms, p->pairing, dt_ms, &piece->y3));
  return CLS_OK;
}

/* ---- drawing ---- */

/* What is done with the plastic synapses of a part as they are drawn. */
typedef struct {
  const cls_part_plan *plan;
  cls_plastic_store *store;
  cls_synapse_sink sink;
  int what;
  size_t piece_capacity;
  uint32_t piece, shift; /* being drawn */
  uint64_t *next;        /* per slot: synapses, then the next free record */
  uint64_t *record;      /* delay (16 bits) | piece (16) | weight (16) | target (16) */
  cls_slot_finder finder;
} pass;

static bool is_plastic(const pass *p, const cls_part_piece *piece) {
  return p->plan->network->projections[piece->projection].plasticity != NULL;
}

static cls_status draw_piece(pass *p, const cls_part_piece *piece) {
  const cls_network *network = p->plan->network;
  const cls_range *range = &p->plan->layout->ranges[piece->range];
  p->shift = piece->shift;
  return cls_projection_draw(network, &network->projections[piece->projection], range->first, range->n,
                             p->what, p->sink, p);
}

static cls_status count_sink(void *context, const cls_synapse *synapses, int n) {
  pass *p = context;
  for (int i = 0; i < n; i++) p->next[cls_slot_of(&p->finder, synapses[i].source)]++;
  return CLS_OK;
}

/* Enters a piece into the store and counts its synapses. */
static cls_status count_piece(void *context, const cls_part_piece *piece) {
  pass *p = context;
  const cls_network *network = p->plan->network;
  const cls_projection *projection = &network->projections[piece->projection];
  cls_plastic_store *store = p->store;
  if (!is_plastic(p, piece)) return CLS_OK;
  CLS_CHECK(store->n_pieces < 1 << 16, CLS_ERR_LIMIT,
            "one thread would own more than %d pieces of plastic projections: use more ranks or threads",
            1 << 16);
  CLS_TRY(cls_grow(&store->pieces, &p->piece_capacity, store->n_pieces + 1ul, sizeof *store->pieces,
                   "pieces of plastic projections"));
  const cls_plasticity *plasticity = projection->plasticity;
  const cls_model *model = network->populations[projection->target].model;
  const float quantum =
      network->quantum[projection->target][cls_model_port_receptor(model, projection->port)];
  const cls_range *range = &p->plan->layout->ranges[piece->range];
  cls_plastic_piece *made = &store->pieces[store->n_pieces++];
  *made = (cls_plastic_piece){.projection = piece->projection,
                              .range = piece->range,
                              .channel = piece->channel,
                              .local = range->local - (range->first + piece->shift),
                              .shift = piece->shift,
                              .has_stdp = plasticity->has_stdp,
                              .has_short_term = plasticity->has_short_term,
                              .stdp = cls_stdp_derive(&plasticity->stdp),
                              .dendritic_share = plasticity->stdp.dendritic_share,
                              .gain = (float)(plasticity->stdp.w_max / (double)quantum / CLS_STDP_ONE)};
  CLS_TRY(add_kinds(store, plasticity, network->dt_ms, made));
  return draw_piece(p, piece);
}

static cls_status record_sink(void *context, const cls_synapse *synapses, int n) {
  pass *p = context;
  for (int i = 0; i < n; i++)
    p->record[p->next[cls_slot_of(&p->finder, synapses[i].source)]++] =
        cls_row_record(synapses[i].delay, p->piece, synapses[i].weight, synapses[i].target + p->shift);
  return CLS_OK;
}

static cls_status record_piece(void *context, const cls_part_piece *piece) {
  pass *p = context;
  if (!is_plastic(p, piece)) return CLS_OK;
  cls_status status = draw_piece(p, piece);
  p->piece++;
  return status;
}

/* ---- laying down ---- */

/* Cuts the sorted records of a row into runs, whose synapses are taken from the counter of their kind. */
static cls_status lay_row(cls_plastic_store *store, const uint64_t *record, size_t n, size_t *n_runs,
                          size_t *capacity, uint64_t next[2]) {
  for (size_t i = 0; i < n;) {
    const uint32_t key = (uint32_t)(record[i] >> 32), piece = key & 0xffff;
    const uint32_t delay = key >> 16;
    const cls_plastic_piece *of = &store->pieces[piece];
    uint64_t *at = &next[of->has_stdp ? 0 : 1];
    CLS_TRY(cls_grow(&store->runs, capacity, *n_runs + 1, sizeof *store->runs, "runs of plastic synapses"));
    cls_plastic_run *run = &store->runs[(*n_runs)++];
    *run = (cls_plastic_run){.first = *at, .piece = piece, .delay = (uint16_t)delay};
    while (i < n && (uint32_t)(record[i] >> 32) == key && run->count < UINT16_MAX) {
      store->synapse[(*at)++] = (uint32_t)record[i++];
      run->count++;
    }
    if (delay > store->max_delay) store->max_delay = delay;
    if (of->has_stdp && cls_stdp_dendritic(of->dendritic_share, delay) > store->max_dendritic)
      store->max_dendritic = cls_stdp_dendritic(of->dendritic_share, delay);
  }
  return CLS_OK;
}

static cls_status lay_rows(const cls_part_plan *plan, cls_plastic_store *store, const uint64_t *end,
                           uint64_t *record) {
  size_t n_runs = 0, capacity = 0, scratch_capacity = 0;
  uint64_t next[2] = {0, 0}, *scratch = NULL;
  for (uint64_t i = 0; i < store->n_synapses; i++)
    next[1] += store->pieces[record[i] >> 32 & 0xffff].has_stdp;
  store->n_stdp = next[1];
  cls_status status = CLS_OK;
  for (uint32_t s = 0; s < store->n_slots && status == CLS_OK; s++) {
    const uint64_t from = s > 0 ? end[s - 1] : 0, n = end[s] - from;
    store->row[s] = n_runs;
    if (n == 0) continue;
    status = cls_grow(&scratch, &scratch_capacity, n, sizeof *scratch, "row");
    if (status != CLS_OK) break;
    cls_row_sort(record + from, scratch, n);
    const uint32_t least = (uint32_t)(record[from] >> 48);
    if (least < plan->min_delay[s]) plan->min_delay[s] = least;
    status = lay_row(store, record + from, n, &n_runs, &capacity, next);
  }
  free(scratch);
  CLS_TRY(status);
  store->row[store->n_slots] = n_runs;
  return cls_resize(&store->runs, n_runs, sizeof *store->runs, "runs of plastic synapses");
}

static cls_status fill(pass *p) {
  cls_plastic_store *store = p->store;
  store->n_slots = p->plan->sources->n;
  CLS_TRY(cls_alloc(&p->next, store->n_slots, sizeof *p->next, "rows"));
  CLS_TRY(cls_part_pieces(p->plan, count_piece, p));
  for (uint32_t s = 0; s < store->n_slots; s++) {
    const uint64_t here = p->next[s];
    p->next[s] = store->n_synapses;
    store->n_synapses += here;
  }
  if (store->n_synapses == 0) return CLS_OK;
  CLS_TRY(cls_alloc_unset(&p->record, store->n_synapses, sizeof *p->record, "plastic synapses"));
  p->sink = record_sink;
  p->what = CLS_DRAW_ALL;
  CLS_TRY(cls_part_pieces(p->plan, record_piece, p));
  CLS_TRY(cls_alloc(&store->row, store->n_slots + 1ul, sizeof *store->row, "rows"));
  CLS_TRY(cls_alloc_unset(&store->synapse, store->n_synapses, sizeof *store->synapse, "plastic synapses"));
  return lay_rows(p->plan, store, p->next, p->record);
}

cls_status cls_plastic_build(cls_part_plan *plan, cls_plastic_store **store) {
  pass p = {.plan = plan,
            .sink = count_sink,
            .what = CLS_DRAW_SOURCE,
            .finder = cls_slot_finder_make(plan->sources)};
  bool any = false;
  *store = NULL;
  for (uint32_t j = 0; j < plan->network->n_projections && !any; j++)
    any = plan->network->projections[j].plasticity != NULL;
  if (!any) return CLS_OK;
  CLS_TRY(cls_alloc(store, 1, sizeof **store, "plastic synapses"));
  p.store = *store;
  p.store->window = plan->network->plastic_window;
  cls_status status = fill(&p);
  free(p.next);
  free(p.record);
  if (status == CLS_OK && (*store)->n_synapses > 0) return CLS_OK;
  cls_plastic_store_destroy(*store);
  *store = NULL;
  return status;
}

void cls_plastic_store_destroy(cls_plastic_store *store) {
  if (!store) return;
  free(store->pieces);
  free(store->pre);
  free(store->post);
  free(store->short_term);
  free(store->row);
  free(store->runs);
  free(store->synapse);
  free(store);
}

size_t cls_plastic_store_bytes(const cls_plastic_store *s) {
  return s->n_pieces * sizeof *s->pieces + (s->n_slots + 1ul) * sizeof *s->row +
         s->row[s->n_slots] * sizeof *s->runs + s->n_synapses * sizeof *s->synapse;
}

/* ---- weights ---- */

void cls_plastic_start(const cls_network *network, const cls_plastic_store *store, int32_t *v) {
  for (uint64_t r = 0; r < store->row[store->n_slots]; r++) {
    const cls_plastic_run *run = &store->runs[r];
    const cls_plastic_piece *piece = &store->pieces[run->piece];
    if (!piece->has_stdp) continue;
    const cls_projection *projection = &network->projections[piece->projection];
    const cls_model *model = network->populations[projection->target].model;
    const double quantum =
        (double)network->quantum[projection->target][cls_model_port_receptor(model, projection->port)];
    const double units = quantum / projection->plasticity->stdp.w_max * CLS_STDP_ONE;
    for (uint32_t k = 0; k < run->count; k++) {
      const double drawn = rint(cls_plastic_drawn(store->synapse[run->first + k]) * units);
      v[run->first + k] = drawn < 0 ? 0 : drawn > CLS_STDP_ONE ? CLS_STDP_ONE : (int32_t)drawn;
    }
  }
}

/* ---- as a list ---- */

typedef cls_status (*run_visitor)(void *context, const cls_plastic_run *run, const cls_plastic_piece *piece,
                                  uint64_t source);

static cls_status visit_runs(const cls_plastic_store *store, const cls_sources *sources, run_visitor visit,
                             void *context) {
  for (uint32_t s = 0; s < store->n_slots; s++)
    for (uint64_t r = store->row[s]; r < store->row[s + 1]; r++) {
      const cls_plastic_piece *piece = &store->pieces[store->runs[r].piece];
      if (piece->has_stdp) CLS_TRY(visit(context, &store->runs[r], piece, sources->neuron[s]));
    }
  return CLS_OK;
}

/* Global number of the target of a synapse. */
static uint64_t target_of(const cls_network *network, const cls_plastic_piece *piece, uint32_t synapse) {
  const cls_population *population = &network->populations[network->projections[piece->projection].target];
  return population->first + (uint32_t)(cls_plastic_target(synapse) - piece->shift);
}

typedef struct {
  const cls_plastic_store *store;
  const cls_network *network;
  uint32_t part, projection;
  cls_plastic_synapse **list;
  size_t *n, *capacity;
} listing;

static cls_status list_run(void *context, const cls_plastic_run *run, const cls_plastic_piece *piece,
                           uint64_t source) {
  listing *l = context;
  if (piece->projection != l->projection) return CLS_OK;
  CLS_TRY(cls_grow(l->list, l->capacity, *l->n + run->count, sizeof **l->list, "plastic synapses"));
  for (uint64_t i = run->first; i < run->first + run->count; i++)
    (*l->list)[(*l->n)++] =
        (cls_plastic_synapse){.source = source,
                              .target = target_of(l->network, piece, l->store->synapse[i]),
                              .projection = piece->projection,
                              .part = l->part,
                              .delay = run->delay,
                              .drawn = (int16_t)cls_plastic_drawn(l->store->synapse[i]),
                              .at = i};
  return CLS_OK;
}

cls_status cls_plastic_list(const cls_plastic_store *store, const cls_sources *sources,
                            const cls_network *network, uint32_t part, uint32_t projection,
                            cls_plastic_synapse **list, size_t *n, size_t *capacity) {
  listing l = {store, network, part, projection, list, n, capacity};
  return visit_runs(store, sources, list_run, &l);
}

typedef struct {
  const cls_plastic_store *store;
  const cls_network *network;
  const int32_t *v;
  uint64_t hash;
} hashing;

static cls_status hash_run(void *context, const cls_plastic_run *run, const cls_plastic_piece *piece,
                           uint64_t source) {
  hashing *h = context;
  const uint64_t key = cls_mix64(h->network->projections[piece->projection].key + source) + run->delay;
  for (uint64_t i = run->first; i < run->first + run->count; i++) {
    const uint64_t target = target_of(h->network, piece, h->store->synapse[i]);
    h->hash += cls_mix64(cls_mix64(cls_mix64(key) + target) + (uint32_t)h->v[i]);
  }
  return CLS_OK;
}

uint64_t cls_plastic_hash(const cls_plastic_store *store, const cls_sources *sources,
                          const cls_network *network, const int32_t *v) {
  hashing h = {store, network, v, 0};
  visit_runs(store, sources, hash_run, &h);
  return h.hash;
}
