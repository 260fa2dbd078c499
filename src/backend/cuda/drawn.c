#include "backend/cuda/drawn.h"
#include "backend/cuda/instance.h"
#include "engine/store_procedural.h"
#include <stdlib.h>

static uint64_t power_of_two(uint64_t n) {
  uint64_t p = 1;
  while (p < n) p *= 2;
  return p;
}

/* ---- sizes ---- */

cls_gpu_drawn_sizes cls_gpu_drawn_measure(const cls_gpu_row_counts *rows, uint64_t slots, uint64_t local,
                                          uint64_t sources, uint64_t blocks, double spikes) {
  enum { TIMES_EXPECTED = 4, LEAST = 1024 };
  const double in_flight = TIMES_EXPECTED * spikes;
  if (rows->pieces == 0) return (cls_gpu_drawn_sizes){0};
  cls_gpu_drawn_sizes s = {.rows = *rows,
                           .slots = slots,
                           .local = local,
                           .sources = sources,
                           .blocks = blocks,
                           .records = rows->extent.longest > 0 ? rows->extent.longest : 1};
  s.entries = power_of_two(sources + (uint64_t)in_flight + LEAST);
  /* A run has hardly fewer words than two for a synapse where rows are thin, and one where they are thick. */
  s.words = power_of_two((uint64_t)(in_flight * 1.5 * rows->mean) + 4 * s.records + LEAST);
  s.asked = sources + LEAST;
  s.marks = power_of_two(rows->max_delay + 2ull);
  return s;
}

typedef struct {
  size_t when, where, tail, mark;
} entry_places;

static entry_places plan_entries(const cls_gpu_drawn_sizes *s, cls_gpu_arena *arena) {
  *arena = (cls_gpu_arena){.name = "rows in flight to a member"};
  entry_places at = {.when = cls_gpu_arena_add(arena, s->entries, sizeof(uint64_t))};
  at.where = cls_gpu_arena_add(arena, s->entries, sizeof(cls_gpu_place));
  at.tail = cls_gpu_arena_add(arena, 1, sizeof(uint64_t));
  at.mark = cls_gpu_arena_add(arena, s->marks, sizeof(uint64_t));
  return at;
}

typedef struct {
  size_t word, tail, mark;
} word_places;

static word_places plan_words(const cls_gpu_drawn_sizes *s, cls_gpu_arena *arena) {
  *arena = (cls_gpu_arena){.name = "drawn rows of a member"};
  word_places at = {.word = cls_gpu_arena_add(arena, s->words, sizeof(uint32_t))};
  at.tail = cls_gpu_arena_add(arena, 1, sizeof(uint64_t));
  at.mark = cls_gpu_arena_add(arena, s->marks, sizeof(uint64_t));
  return at;
}

typedef struct {
  size_t asked, n;
} asked_places;

static asked_places plan_asked(const cls_gpu_drawn_sizes *s, cls_gpu_arena *arena) {
  *arena = (cls_gpu_arena){.name = "rows to be drawn"};
  asked_places at = {.asked = cls_gpu_arena_add(arena, s->asked, sizeof(cls_gpu_arrival))};
  at.n = cls_gpu_arena_add(arena, 1, sizeof(uint64_t));
  return at;
}

typedef struct {
  size_t scratch, out, needed;
} scratch_places;

static scratch_places plan_scratch(const cls_gpu_drawn_sizes *s, cls_gpu_arena *arena) {
  const cls_gpu_row_layout layout = cls_gpu_row_layout_of(&s->rows.extent, (uint32_t)s->records);
  *arena = (cls_gpu_arena){.name = "rows that are being drawn"};
  scratch_places at = {.scratch = cls_gpu_arena_add(arena, s->blocks, layout.bytes)};
  at.out = cls_gpu_arena_add(arena, s->blocks * 2 * s->records, sizeof(uint32_t));
  at.needed = cls_gpu_arena_add(arena, 1, sizeof(uint32_t));
  return at;
}

typedef struct {
  size_t neuron, slot_of_local;
} source_places;

static source_places plan_sources(const cls_gpu_drawn_sizes *s, cls_gpu_arena *arena) {
  *arena = (cls_gpu_arena){.name = "sources of drawn rows"};
  source_places at = {.neuron = cls_gpu_arena_add(arena, s->slots, sizeof(uint64_t))};
  at.slot_of_local = cls_gpu_arena_add(arena, s->local, sizeof(uint32_t));
  return at;
}

size_t cls_gpu_drawn_shared_bytes(const cls_gpu_drawn_sizes *sizes) {
  cls_gpu_arena sources, scratch;
  cls_gpu_procedural rows;
  if (sizes->entries == 0) return 0;
  cls_gpu_rows_plan(&sizes->rows, &rows);
  (void)plan_sources(sizes, &sources);
  (void)plan_scratch(sizes, &scratch);
  return rows.arena.bytes + sources.bytes + scratch.bytes;
}

size_t cls_gpu_drawn_member_bytes(const cls_gpu_drawn_sizes *sizes) {
  cls_gpu_arena entries, words, asked;
  if (sizes->entries == 0) return 0;
  (void)plan_entries(sizes, &entries);
  (void)plan_words(sizes, &words);
  (void)plan_asked(sizes, &asked);
  return entries.bytes + words.bytes + asked.bytes;
}

/* ---- rings: items keep their numbers when they are moved ---- */

static cls_status move(void *to, uint64_t to_mask, const void *from, uint64_t from_mask, uint64_t first,
                       uint64_t last, size_t size, cudaStream_t stream) {
  for (uint64_t n; first < last; first += n) {
    const uint64_t a = first & from_mask, b = first & to_mask;
    n = last - first;
    if (n > from_mask + 1 - a) n = from_mask + 1 - a;
    if (n > to_mask + 1 - b) n = to_mask + 1 - b;
    CLS_CUDA(cudaMemcpyAsync((char *)to + b * size, (const char *)from + a * size, n * size,
                             cudaMemcpyDeviceToDevice, stream),
             "moving rows in flight");
  }
  return CLS_OK;
}

/* The tail of a ring, and the first of what may be in use. */
static cls_status find_range(const uint64_t *tail, uint64_t mask, uint64_t *first, uint64_t *last,
                             cudaStream_t stream) {
  CLS_CUDA(cudaMemcpyAsync(last, tail, sizeof *last, cudaMemcpyDeviceToHost, stream), "rows in flight");
  CLS_CUDA(cudaStreamSynchronize(stream), "rows in flight");
  *first = *last > mask + 1 ? *last - mask - 1 : 0;
  return CLS_OK;
}

static cls_status copy_ends(uint64_t *tail, const uint64_t *old_tail, uint64_t *mark,
                            const uint64_t *old_mark, uint64_t marks, cudaStream_t stream) {
  CLS_CUDA(cudaMemcpyAsync(tail, old_tail, sizeof *tail, cudaMemcpyDeviceToDevice, stream), "rows in flight");
  CLS_CUDA(cudaMemcpyAsync(mark, old_mark, marks * sizeof *mark, cudaMemcpyDeviceToDevice, stream),
           "rows in flight");
  return CLS_OK;
}

static cls_status move_entries(const cls_gpu_flight *old, const cls_gpu_flight *to, uint64_t marks,
                               cudaStream_t stream) {
  uint64_t first, last;
  CLS_TRY(find_range(old->tail, old->mask, &first, &last, stream));
  CLS_TRY(move(to->when, to->mask, old->when, old->mask, first, last, sizeof *to->when, stream));
  CLS_TRY(move(to->where, to->mask, old->where, old->mask, first, last, sizeof *to->where, stream));
  return copy_ends(to->tail, old->tail, to->mark, old->mark, marks, stream);
}

static cls_status make_entries(const cls_gpu_drawn_sizes *s, cls_cuda_drawn_member *m, cudaStream_t stream) {
  cls_gpu_arena arena;
  const entry_places at = plan_entries(s, &arena);
  CLS_TRY(cls_gpu_arena_make(&arena, stream));
  const cls_gpu_flight flight = {.when = cls_gpu_arena_at(&arena, at.when),
                                 .where = cls_gpu_arena_at(&arena, at.where),
                                 .mask = s->entries - 1,
                                 .tail = cls_gpu_arena_at(&arena, at.tail),
                                 .mark = cls_gpu_arena_at(&arena, at.mark),
                                 .mark_mask = s->marks - 1};
  cls_status status = CLS_OK;
  if (m->entries.memory) status = move_entries(&m->device.flight, &flight, s->marks, stream);
  if (status == CLS_OK) status = cls_gpu_check(cudaStreamSynchronize(stream), "rows in flight");
  cls_gpu_arena_free(status == CLS_OK ? &m->entries : &arena);
  if (status != CLS_OK) return status;
  m->entries = arena;
  m->device.flight = flight;
  return CLS_OK;
}

/* `in_use`: words from the first that is kept to the tail, of which those that did not fit were never written. */
static cls_status make_words(const cls_gpu_drawn_sizes *s, uint64_t in_use, cls_cuda_drawn_member *m,
                             cudaStream_t stream) {
  cls_gpu_arena arena;
  const word_places at = plan_words(s, &arena);
  CLS_TRY(cls_gpu_arena_make(&arena, stream));
  cls_gpu_drawn_member grown = m->device;
  grown.word = cls_gpu_arena_at(&arena, at.word);
  grown.mask = s->words - 1;
  grown.tail = cls_gpu_arena_at(&arena, at.tail);
  grown.mark = cls_gpu_arena_at(&arena, at.mark);
  cls_status status = CLS_OK;
  if (m->words.memory) {
    uint64_t first, last;
    status = find_range(m->device.tail, m->device.mask, &first, &last, stream);
    first = last - in_use;
    if (last - first > m->device.mask + 1) last = first + m->device.mask + 1;
    if (status == CLS_OK)
      status =
          move(grown.word, grown.mask, m->device.word, m->device.mask, first, last, sizeof(uint32_t), stream);
    if (status == CLS_OK)
      status = copy_ends(grown.tail, m->device.tail, grown.mark, m->device.mark, s->marks, stream);
  }
  if (status == CLS_OK) status = cls_gpu_check(cudaStreamSynchronize(stream), "rows in flight");
  cls_gpu_arena_free(status == CLS_OK ? &m->words : &arena);
  if (status != CLS_OK) return status;
  m->words = arena;
  m->device = grown;
  return CLS_OK;
}

static cls_status make_asked(const cls_gpu_drawn_sizes *s, uint64_t before, cls_cuda_drawn_member *m,
                             cudaStream_t stream) {
  cls_gpu_arena arena;
  const asked_places at = plan_asked(s, &arena);
  CLS_TRY(cls_gpu_arena_make(&arena, stream));
  cls_gpu_arrival *asked = cls_gpu_arena_at(&arena, at.asked);
  uint64_t *n = cls_gpu_arena_at(&arena, at.n);
  cls_status status = CLS_OK;
  if (m->asked.memory) {
    status = cls_gpu_check(
        cudaMemcpyAsync(asked, m->device.asked, before * sizeof *asked, cudaMemcpyDeviceToDevice, stream),
        "rows to be drawn");
    if (status == CLS_OK)
      status =
          cls_gpu_check(cudaMemcpyAsync(n, m->device.n_asked, sizeof *n, cudaMemcpyDeviceToDevice, stream),
                        "rows to be drawn");
  }
  if (status == CLS_OK) status = cls_gpu_check(cudaStreamSynchronize(stream), "rows to be drawn");
  cls_gpu_arena_free(status == CLS_OK ? &m->asked : &arena);
  if (status != CLS_OK) return status;
  m->asked = arena;
  m->device.asked = asked;
  m->device.n_asked = n;
  return CLS_OK;
}

static cls_status make_scratch(cls_cuda *b) {
  cls_cuda_drawn *d = &b->drawn;
  cls_gpu_arena_free(&d->scratch);
  const scratch_places at = plan_scratch(&d->sizes, &d->scratch);
  CLS_TRY(cls_gpu_arena_make(&d->scratch, b->stream));
  d->device.layout = cls_gpu_row_layout_of(&d->sizes.rows.extent, (uint32_t)d->sizes.records);
  d->device.scratch = cls_gpu_arena_at(&d->scratch, at.scratch);
  d->device.out = cls_gpu_arena_at(&d->scratch, at.out);
  d->device.needed = cls_gpu_arena_at(&d->scratch, at.needed);
  d->device.records = d->sizes.records;
  return CLS_OK;
}

/* ---- creation ---- */

/* Populations from which procedural projections come, ascending. */
typedef struct {
  uint64_t first, n;
} source_range;

static int ascending(const void *a, const void *b) {
  const source_range *x = a, *y = b;
  return (x->first > y->first) - (x->first < y->first);
}

static cls_status find_ranges(const cls_cuda *b, source_range **range, size_t *n) {
  size_t capacity = 0;
  *range = NULL;
  *n = 0;
  for (uint32_t p = 0; p < b->setup.layout->n_parts; p++) {
    const struct cls_procedural_ *procedural = b->setup.stores[p]->procedural;
    for (uint32_t k = 0; k < cls_procedural_pieces(procedural); k++) {
      cls_procedural_piece piece;
      CLS_TRY(cls_procedural_describe(procedural, k, &piece));
      if (*n > 0 && (*range)[*n - 1].first == piece.first) continue;
      CLS_TRY(cls_grow(range, &capacity, *n + 1, sizeof **range, "sources of drawn rows"));
      (*range)[(*n)++] = (source_range){piece.first, piece.n};
    }
  }
  if (*n > 0) qsort(*range, *n, sizeof **range, ascending);
  return CLS_OK;
}

static bool may_be_drawn(const source_range *range, size_t n, uint64_t neuron) {
  size_t low = 0, high = n;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (range[middle].first + range[middle].n <= neuron)
      low = middle + 1;
    else
      high = middle;
  }
  return low < n && range[low].first <= neuron;
}

/* Slots of local neurons that may have a drawn row: slot_of_local[local], CLS_GPU_NONE elsewhere; NULL: only count them. */
static cls_status find_sources(const cls_cuda *b, uint32_t *slot_of_local, uint64_t *sources) {
  source_range *range = NULL;
  size_t n = 0;
  cls_status status = find_ranges(b, &range, &n);
  *sources = 0;
  for (uint32_t i = 0; i < b->setup.layout->n_local && status == CLS_OK; i++) {
    const uint32_t own = b->setup.local_slot[i];
    const bool drawn = own != UINT32_MAX && may_be_drawn(range, n, b->setup.source_neuron[own]);
    if (slot_of_local) slot_of_local[i] = drawn ? own : CLS_GPU_NONE;
    *sources += drawn;
  }
  free(range);
  return status;
}

cls_status cls_cuda_drawn_plan(cls_cuda *b) {
  cls_cuda_drawn *d = &b->drawn;
  const cls_layout *layout = b->setup.layout;
  cls_gpu_row_counts counts;
  uint64_t sources = 0;
  CLS_TRY(cls_gpu_rows_count(layout, (cls_store *const *)b->setup.stores, &counts));
  if (counts.pieces == 0) return CLS_OK;
  CLS_TRY(find_sources(b, NULL, &sources));
  d->sizes = cls_gpu_drawn_measure(&counts, b->synapses.counts.slots, layout->n_local, sources, b->blocks,
                                   cls_gpu_spikes_expected(&b->setup, counts.max_delay + 1.0));
  cls_gpu_rows_plan(&counts, &d->rows);
  return CLS_OK;
}

static cls_status fill_sources(cls_cuda *b) {
  cls_cuda_drawn *d = &b->drawn;
  const cls_gpu_drawn_sizes *s = &d->sizes;
  const source_places at = plan_sources(s, &d->sources);
  uint32_t *slot = NULL;
  CLS_TRY(cls_gpu_arena_make(&d->sources, b->stream));
  d->device.neuron = cls_gpu_arena_at(&d->sources, at.neuron);
  d->device.slot_of_local = cls_gpu_arena_at(&d->sources, at.slot_of_local);
  CLS_CUDA(cudaMemcpyAsync(cls_gpu_arena_at(&d->sources, at.neuron), b->setup.source_neuron,
                           s->slots * sizeof(uint64_t), cudaMemcpyHostToDevice, b->stream),
           "copying sources");
  CLS_TRY(cls_alloc(&slot, s->local, sizeof *slot, "sources to copy"));
  uint64_t sources;
  cls_status status = find_sources(b, slot, &sources);
  if (status == CLS_OK)
    status = cls_gpu_check(cudaMemcpyAsync(cls_gpu_arena_at(&d->sources, at.slot_of_local), slot,
                                           s->local * sizeof *slot, cudaMemcpyHostToDevice, b->stream),
                           "copying sources");
  if (status == CLS_OK) status = cls_cuda_wait(b, "copying sources");
  free(slot);
  return status;
}

static uint64_t flight_limit(const cls_gpu_drawn_sizes *s) { return s->entries - s->sources; }

cls_status cls_cuda_drawn_refill(cls_cuda *b) {
  cls_cuda_drawn *d = &b->drawn;
  if (!d->members) return CLS_OK;
  CLS_TRY(cls_gpu_rows_fill(b->setup.layout, (cls_store *const *)b->setup.stores,
                            b->synapses.counts.count_bits, b->synapses.counts.delay_bits, &d->rows,
                            b->stream));
  d->device.rows = d->rows.device;
  return CLS_OK;
}

cls_status cls_cuda_drawn_make(cls_cuda *b) {
  cls_cuda_drawn *d = &b->drawn;
  const size_t members = (size_t)b->setup.members;
  if (d->sizes.entries == 0) return CLS_OK;
  CLS_TRY(cls_alloc(&d->members, members, sizeof *d->members, "members"));
  CLS_CUDA(cudaMallocHost((void **)&d->status, members * sizeof *d->status), "no pinned memory");
  CLS_TRY(cls_gpu_arena_make(&d->rows.arena, b->stream));
  CLS_TRY(cls_cuda_drawn_refill(b));
  CLS_TRY(fill_sources(b));
  CLS_TRY(make_scratch(b));
  for (size_t m = 0; m < members; m++) {
    CLS_TRY(make_entries(&d->sizes, &d->members[m], b->stream));
    CLS_TRY(make_words(&d->sizes, 0, &d->members[m], b->stream));
    CLS_TRY(make_asked(&d->sizes, 0, &d->members[m], b->stream));
    d->status[m] = (cls_gpu_drawn_status){0};
    d->members[m].device.status = &d->status[m];
  }
  d->table = (cls_gpu_arena){.name = "table of drawn rows"};
  (void)cls_gpu_arena_add(&d->table, members, sizeof(cls_gpu_drawn_member));
  CLS_TRY(cls_gpu_arena_make(&d->table, b->stream));
  for (size_t m = 0; m < members; m++)
    b->members[m].device.drawn = (const cls_gpu_drawn_member *)(void *)d->table.memory + m;
  d->device.flight_limit = flight_limit(&d->sizes);
  d->table_old = true;
  return CLS_OK;
}

void cls_cuda_drawn_free(cls_cuda *b) {
  cls_cuda_drawn *d = &b->drawn;
  for (int m = 0; d->members && m < b->setup.members; m++) {
    cls_gpu_arena_free(&d->members[m].entries);
    cls_gpu_arena_free(&d->members[m].words);
    cls_gpu_arena_free(&d->members[m].asked);
  }
  cls_gpu_arena_free(&d->rows.arena);
  cls_gpu_arena_free(&d->sources);
  cls_gpu_arena_free(&d->scratch);
  cls_gpu_arena_free(&d->table);
  if (d->status) (void)cudaFreeHost(d->status);
  free(d->members);
}

cls_status cls_cuda_drawn_copy(cls_cuda *b) {
  cls_cuda_drawn *d = &b->drawn;
  if (!d->members || !d->table_old) return CLS_OK;
  for (int m = 0; m < b->setup.members; m++)
    CLS_CUDA(cudaMemcpyAsync((cls_gpu_drawn_member *)(void *)d->table.memory + m, &d->members[m].device,
                             sizeof(cls_gpu_drawn_member), cudaMemcpyHostToDevice, b->stream),
             "copying tables");
  b->profile.copies_in += (uint64_t)b->setup.members;
  b->profile.bytes_in += (uint64_t)b->setup.members * sizeof(cls_gpu_drawn_member);
  d->table_old = false;
  return CLS_OK;
}

/* ---- in the course of a run ---- */

cls_status cls_cuda_drawn_expect(cls_cuda *b, uint64_t spikes) {
  cls_cuda_drawn *d = &b->drawn;
  uint64_t most = 0;
  if (!d->members) return CLS_OK;
  for (int m = 0; m < b->setup.members; m++) {
    d->members[m].n_asked += spikes;
    if (d->members[m].n_asked > most) most = d->members[m].n_asked;
  }
  /* Those of the next step come behind them. */
  if (most + d->sizes.sources <= d->sizes.asked) return CLS_OK;
  const uint64_t before = d->sizes.asked;
  d->sizes.asked = 2 * (most + d->sizes.sources);
  for (int m = 0; m < b->setup.members; m++)
    CLS_TRY(make_asked(&d->sizes, before, &d->members[m], b->stream));
  b->profile.allocations += (uint64_t)b->setup.members;
  d->table_old = true;
  return CLS_OK;
}

static cls_status grow_scratch(cls_cuda *b) {
  cls_cuda_drawn *d = &b->drawn;
  uint32_t needed = 0;
  CLS_CUDA(cudaMemcpyAsync(&needed, d->device.needed, sizeof needed, cudaMemcpyDeviceToHost, b->stream),
           "rows that are being drawn");
  CLS_TRY(cls_cuda_wait(b, "rows that are being drawn"));
  if (needed <= d->sizes.records) return CLS_OK;
  d->sizes.records = needed + needed / 4ull;
  b->profile.allocations++;
  return make_scratch(b);
}

cls_status cls_cuda_drawn_advanced(cls_cuda *b) {
  cls_cuda_drawn *d = &b->drawn;
  uint64_t entries = 0, words = 0, left = 0;
  if (!d->members) return CLS_OK;
  for (int m = 0; m < b->setup.members; m++) {
    const cls_gpu_drawn_status *s = &d->status[m];
    if (s->in_flight > entries) entries = s->in_flight;
    if (s->words > words) words = s->words;
    left += s->asked;
    /* Where some are left they lie among those of another step. */
    d->members[m].n_asked = s->asked > 0 ? d->members[m].n_asked + d->sizes.sources : 0;
  }
  const bool more_entries = entries > flight_limit(&d->sizes);
  while (entries > flight_limit(&d->sizes)) d->sizes.entries *= 2;
  /* Words that were asked for in vain are asked for again. */
  const bool more_words = left > 0 && words > d->sizes.words;
  while (left > 0 && words > d->sizes.words / 2) d->sizes.words *= 2;
  for (int m = 0; m < b->setup.members; m++) {
    if (more_entries) CLS_TRY(make_entries(&d->sizes, &d->members[m], b->stream));
    if (more_words) CLS_TRY(make_words(&d->sizes, d->status[m].words, &d->members[m], b->stream));
    b->profile.allocations += (uint64_t)more_entries + more_words;
  }
  d->device.flight_limit = flight_limit(&d->sizes);
  d->table_old = d->table_old || more_entries || more_words;
  return left > 0 ? grow_scratch(b) : CLS_OK;
}

cls_status cls_cuda_drawn_forget(cls_cuda *b, int member) {
  cls_cuda_drawn *d = &b->drawn;
  if (!d->members) return CLS_OK;
  const cls_gpu_drawn_member *m = &d->members[member].device;
  const size_t marks = d->sizes.marks * sizeof(uint64_t);
  CLS_CUDA(cudaMemsetAsync(m->flight.tail, 0, sizeof *m->flight.tail, b->stream), "rows in flight");
  CLS_CUDA(cudaMemsetAsync(m->flight.when, 0, d->sizes.entries * sizeof *m->flight.when, b->stream),
           "rows in flight");
  CLS_CUDA(cudaMemsetAsync(m->flight.mark, 0, marks, b->stream), "rows in flight");
  CLS_CUDA(cudaMemsetAsync(m->tail, 0, sizeof *m->tail, b->stream), "rows in flight");
  CLS_CUDA(cudaMemsetAsync(m->mark, 0, marks, b->stream), "rows in flight");
  CLS_CUDA(cudaMemsetAsync(m->n_asked, 0, sizeof *m->n_asked, b->stream), "rows in flight");
  d->members[member].n_asked = 0;
  return CLS_OK;
}
