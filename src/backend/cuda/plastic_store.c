#include "backend/cuda/plastic_store.h"
#include "backend/cuda/plastic_kinds.h"
#include <stdlib.h>

/* Runs are cut into pieces of at most so many synapses, and rows where their pieces reach this number: a warp delivers a
 * piece, and should not be busy for much longer than others. */
enum { PIECE_SYNAPSES = 512, STAGED_RUNS = 1 << 16 };

static const cls_plastic_store *store_of(const cls_backend_setup *setup, uint32_t part) {
  return setup->stores[part]->plastic;
}

/* ---- numbers ---- */

uint64_t cls_gpu_plastic_first(const cls_backend_setup *setup, uint32_t part) {
  uint64_t first = 0;
  for (uint32_t p = 0; p < part; p++)
    if (store_of(setup, p)) first += store_of(setup, p)->n_stdp;
  return first;
}

/* Number of synapse 0 of a part among those with STDP, and of its first without among the others of all parts. */
typedef struct {
  uint64_t stdp, other;
  uint32_t kind; /* of its piece 0 */
} numbers;

static cls_status number_parts(const cls_backend_setup *setup, numbers **numbered) {
  const uint32_t n = setup->layout->n_parts;
  numbers next = {.other = cls_gpu_plastic_first(setup, n)};
  CLS_TRY(cls_alloc(numbered, n, sizeof **numbered, "parts"));
  for (uint32_t p = 0; p < n; p++) {
    const cls_plastic_store *store = store_of(setup, p);
    (*numbered)[p] = next;
    if (!store) continue;
    next.stdp += store->n_stdp;
    next.other += store->n_synapses - store->n_stdp;
    next.kind += store->n_pieces;
  }
  return CLS_OK;
}

/* ---- joining rows ---- */

/* Receives the runs of rows, one row after the other. Without staging memory it only counts. */
typedef struct {
  const cls_backend_setup *setup;
  const numbers *of_part;
  cls_gpu_plastic_counts *counts;
  cls_gpu_plastic_piece *piece; /* NULL: only count */
  cls_gpu_plastic_run *staging;
  uint64_t runs, staged, pieces;
  uint64_t begin;       /* first run of the piece being written, */
  uint32_t held, delay; /* its synapses so far, and the delay of its first run */
  const cls_gpu_plastic_synapses *synapses;
  cudaStream_t stream;
} joiner;

static cls_status copy(const cls_gpu_plastic_synapses *s, size_t to, const void *from, size_t bytes,
                       cudaStream_t stream) {
  if (bytes == 0) return CLS_OK;
  CLS_CUDA(
      cudaMemcpyAsync((char *)cls_gpu_arena_at(&s->arena, to), from, bytes, cudaMemcpyHostToDevice, stream),
      "copying plastic synapses");
  CLS_CUDA(cudaStreamSynchronize(stream), "copying plastic synapses");
  return CLS_OK;
}

static cls_status flush(joiner *j) {
  const size_t size = sizeof *j->staging;
  CLS_TRY(copy(j->synapses, j->synapses->run + (j->runs - j->staged) * size, j->staging, j->staged * size,
               j->stream));
  j->staged = 0;
  return CLS_OK;
}

static void end_piece(joiner *j, uint32_t slot) {
  if (j->runs == j->begin) return;
  if (j->piece)
    j->piece[j->pieces] = (cls_gpu_plastic_piece){j->begin, (uint32_t)(j->runs - j->begin), slot, j->delay};
  j->pieces++;
  j->begin = j->runs;
  j->held = 0;
}

/* Puts a run, cut where it is long. */
static cls_status put_run(joiner *j, uint32_t slot, uint32_t part, const cls_plastic_run *run) {
  const cls_plastic_store *store = store_of(j->setup, part);
  const numbers *n = &j->of_part[part];
  uint64_t first = run->first < store->n_stdp ? n->stdp + run->first : n->other + run->first - store->n_stdp;
  for (uint32_t left = run->count, m; left > 0; left -= m, first += m) {
    m = left < PIECE_SYNAPSES ? left : PIECE_SYNAPSES;
    if (j->runs == j->begin) j->delay = run->delay;
    if (j->staging)
      j->staging[j->staged++] = (cls_gpu_plastic_run){first, n->kind + run->piece, (uint16_t)m, run->delay};
    j->runs++;
    j->held += m;
    if (j->held >= PIECE_SYNAPSES) end_piece(j, slot);
    if (j->staged == STAGED_RUNS) CLS_TRY(flush(j));
  }
  return CLS_OK;
}

/* Joins the rows that a source has in the parts: runs of all of them, ascending by delay. `at` holds a run per part. */
static cls_status join_row(joiner *j, uint32_t slot, uint64_t *at) {
  const uint32_t n_parts = j->setup->layout->n_parts;
  for (uint32_t p = 0; p < n_parts; p++) at[p] = store_of(j->setup, p) ? store_of(j->setup, p)->row[slot] : 0;
  for (;;) {
    uint32_t next = UINT32_MAX;
    for (uint32_t p = 0; p < n_parts; p++) {
      const cls_plastic_store *store = store_of(j->setup, p);
      if (store && at[p] < store->row[slot + 1] && store->runs[at[p]].delay < next)
        next = store->runs[at[p]].delay;
    }
    if (next == UINT32_MAX) break;
    for (uint32_t p = 0; p < n_parts; p++) {
      const cls_plastic_store *store = store_of(j->setup, p);
      for (; store && at[p] < store->row[slot + 1] && store->runs[at[p]].delay == next; at[p]++)
        CLS_TRY(put_run(j, slot, p, &store->runs[at[p]]));
    }
  }
  end_piece(j, slot);
  return CLS_OK;
}

static cls_status join_all(joiner *j, cls_gpu_pieces *of_slot) {
  uint64_t *at = NULL;
  cls_status status = cls_alloc(&at, j->setup->layout->n_parts, sizeof *at, "parts");
  for (uint32_t slot = 0; slot < j->counts->slots && status == CLS_OK; slot++) {
    const uint64_t before = j->pieces;
    status = join_row(j, slot, at);
    of_slot[slot] = (cls_gpu_pieces){(uint32_t)before, (uint32_t)(j->pieces - before)};
  }
  free(at);
  return status == CLS_OK && j->staging ? flush(j) : status;
}

/* ---- counts ---- */

static void count_part(const cls_plastic_store *store, cls_gpu_plastic_counts *c) {
  c->slots = store->n_slots;
  c->synapses += store->n_synapses;
  c->stdp += store->n_stdp;
  c->kinds += store->n_pieces;
  if (store->max_delay > c->max_delay) c->max_delay = store->max_delay;
  c->window = store->window;
}

/* All neurons of a range on which a projection with STDP ends are taken for targets. */
static cls_status find_targets(const cls_backend_setup *setup, bool **of_range) {
  CLS_TRY(cls_alloc(of_range, setup->layout->n_ranges, sizeof **of_range, "targets"));
  for (uint32_t p = 0; p < setup->layout->n_parts; p++) {
    const cls_plastic_store *store = store_of(setup, p);
    for (uint32_t k = 0; store && k < store->n_pieces; k++)
      if (store->pieces[k].has_stdp) (*of_range)[store->pieces[k].range] = true;
  }
  return CLS_OK;
}

static cls_status count_targets(const cls_backend_setup *setup, cls_gpu_plastic_counts *c) {
  bool *of_range = NULL;
  CLS_TRY(find_targets(setup, &of_range));
  for (uint32_t r = 0; r < setup->layout->n_ranges; r++)
    if (of_range[r]) c->targets += setup->layout->ranges[r].n;
  free(of_range);
  return CLS_OK;
}

static cls_status count_rows(const cls_backend_setup *setup, const numbers *numbered,
                             cls_gpu_plastic_counts *c) {
  cls_gpu_pieces *of_slot = NULL;
  joiner j = {.setup = setup, .of_part = numbered, .counts = c};
  CLS_TRY(cls_alloc(&of_slot, c->slots, sizeof *of_slot, "rows"));
  const cls_status status = join_all(&j, of_slot);
  for (uint32_t slot = 0; slot < c->slots; slot++) {
    c->sources += of_slot[slot].n > 0;
    if (of_slot[slot].n > c->pieces_of_slot) c->pieces_of_slot = of_slot[slot].n;
  }
  for (uint32_t i = 0; i < setup->layout->n_local; i++) {
    if (setup->local_slot[i] == UINT32_MAX) continue;
    c->pieces_here += of_slot[setup->local_slot[i]].n;
    c->sources_here += of_slot[setup->local_slot[i]].n > 0;
  }
  free(of_slot);
  CLS_TRY(status);
  CLS_CHECK(j.pieces < UINT32_MAX, CLS_ERR_LIMIT,
            "rank %d: %llu rows of plastic synapses: expected fewer than 2^32 on a GPU", setup->world->rank,
            (unsigned long long)j.pieces);
  c->runs = j.runs;
  c->pieces = j.pieces;
  return CLS_OK;
}

cls_status cls_gpu_plastic_count(const cls_backend_setup *setup, cls_gpu_plastic_counts *counts) {
  cls_gpu_plastic_counts *c = counts;
  cls_gpu_mechanisms m;
  numbers *numbered = NULL;
  *c = (cls_gpu_plastic_counts){0};
  for (uint32_t p = 0; p < setup->layout->n_parts; p++)
    if (store_of(setup, p)) count_part(store_of(setup, p), c);
  if (c->synapses == 0) return CLS_OK;
  c->local = setup->layout->n_local;
  cls_status status = cls_gpu_mechanisms_find(setup, &m);
  c->n_pre = m.n_pre;
  c->n_post = m.n_post;
  c->n_short_term = m.n_short_term;
  cls_gpu_mechanisms_free(&m);
  CLS_TRY(status);
  CLS_TRY(count_targets(setup, c));
  CLS_TRY(number_parts(setup, &numbered));
  status = count_rows(setup, numbered, c);
  free(numbered);
  return status;
}

uint64_t cls_gpu_plastic_pieces(uint64_t synapses, uint64_t sources) {
  return sources + synapses / PIECE_SYNAPSES;
}

void cls_gpu_plastic_plan(const cls_gpu_plastic_counts *c, cls_gpu_plastic_synapses *s) {
  *s = (cls_gpu_plastic_synapses){.counts = *c, .arena = {.name = "plastic synapses"}};
  if (c->synapses == 0) return;
  s->kind = cls_gpu_arena_add(&s->arena, c->kinds, sizeof(cls_gpu_plastic_kind));
  s->run = cls_gpu_arena_add(&s->arena, c->runs, sizeof(cls_gpu_plastic_run));
  s->piece = cls_gpu_arena_add(&s->arena, c->pieces, sizeof(cls_gpu_plastic_piece));
  s->synapse = cls_gpu_arena_add(&s->arena, c->synapses, sizeof(uint32_t));
  s->of_slot = cls_gpu_arena_add(&s->arena, c->slots, sizeof(cls_gpu_pieces));
  s->of_local = cls_gpu_arena_add(&s->arena, c->local, sizeof(cls_gpu_plastic_local));
  s->pre = cls_gpu_arena_add(&s->arena, c->n_pre, sizeof(cls_spike_trace));
  s->post = cls_gpu_arena_add(&s->arena, c->n_post, sizeof(cls_spike_trace));
  s->short_term = cls_gpu_arena_add(&s->arena, c->n_short_term, sizeof(cls_short_term_const));
  s->heard = cls_gpu_arena_add(&s->arena, c->slots, sizeof(uint32_t));
}

/* ---- to the GPU ---- */

static cls_status copy_kinds(const cls_backend_setup *setup, const cls_gpu_channels *channels,
                             const cls_gpu_mechanisms *m, const cls_gpu_plastic_synapses *s,
                             cudaStream_t stream) {
  cls_gpu_plastic_kind *kind = NULL;
  CLS_TRY(copy(s, s->pre, m->pre, m->n_pre * sizeof *m->pre, stream));
  CLS_TRY(copy(s, s->post, m->post, m->n_post * sizeof *m->post, stream));
  CLS_TRY(copy(s, s->short_term, m->short_term, m->n_short_term * sizeof *m->short_term, stream));
  CLS_TRY(cls_alloc(&kind, s->counts.kinds, sizeof *kind, "pieces of plastic projections"));
  cls_status status = cls_gpu_kinds_make(setup, channels, m, kind);
  if (status == CLS_OK) status = copy(s, s->kind, kind, s->counts.kinds * sizeof *kind, stream);
  free(kind);
  return status;
}

static cls_status copy_synapses(const cls_backend_setup *setup, const numbers *numbered,
                                const cls_gpu_plastic_synapses *s, cudaStream_t stream) {
  for (uint32_t p = 0; p < setup->layout->n_parts; p++) {
    const cls_plastic_store *store = store_of(setup, p);
    if (!store) continue;
    const size_t size = sizeof *store->synapse;
    CLS_TRY(copy(s, s->synapse + numbered[p].stdp * size, store->synapse, store->n_stdp * size, stream));
    CLS_TRY(copy(s, s->synapse + numbered[p].other * size, store->synapse + store->n_stdp,
                 (store->n_synapses - store->n_stdp) * size, stream));
  }
  return CLS_OK;
}

static cls_status copy_local(const cls_backend_setup *setup, const cls_gpu_pieces *of_slot,
                             const cls_gpu_plastic_synapses *s, cudaStream_t stream) {
  const cls_layout *layout = setup->layout;
  cls_gpu_plastic_local *local = NULL;
  bool *of_range = NULL;
  cls_status status = cls_alloc(&local, s->counts.local, sizeof *local, "rows of local neurons");
  if (status == CLS_OK) status = find_targets(setup, &of_range);
  for (uint32_t r = 0; status == CLS_OK && r < layout->n_ranges; r++)
    for (uint32_t i = layout->ranges[r].local; i < layout->ranges[r].local + layout->ranges[r].n; i++) {
      const uint32_t slot = setup->local_slot[i];
      local[i].is_target = of_range[r];
      if (slot == UINT32_MAX) continue;
      local[i].slot = slot;
      local[i].piece = of_slot[slot].piece;
      local[i].n = of_slot[slot].n;
    }
  if (status == CLS_OK) status = copy(s, s->of_local, local, s->counts.local * sizeof *local, stream);
  free(local);
  free(of_range);
  return status;
}

static cls_status copy_rows(const cls_backend_setup *setup, const numbers *numbered,
                            cls_gpu_plastic_synapses *s, cudaStream_t stream) {
  const cls_gpu_plastic_counts *c = &s->counts;
  joiner j = {.setup = setup, .of_part = numbered, .counts = &s->counts, .synapses = s, .stream = stream};
  cls_gpu_pieces *of_slot = NULL;
  cls_status status = cls_alloc(&j.staging, STAGED_RUNS, sizeof *j.staging, "runs of plastic synapses");
  if (status == CLS_OK) status = cls_alloc(&j.piece, c->pieces, sizeof *j.piece, "rows");
  if (status == CLS_OK) status = cls_alloc(&of_slot, c->slots, sizeof *of_slot, "rows");
  if (status == CLS_OK) status = join_all(&j, of_slot);
  if (status == CLS_OK) status = copy(s, s->piece, j.piece, c->pieces * sizeof *j.piece, stream);
  if (status == CLS_OK) status = copy(s, s->of_slot, of_slot, c->slots * sizeof *of_slot, stream);
  if (status == CLS_OK) status = copy_local(setup, of_slot, s, stream);
  free(j.staging);
  free(j.piece);
  free(of_slot);
  return status;
}

static void tell_kernels(cls_gpu_plastic_synapses *s, const cls_gpu_mechanisms *m) {
  s->device = (cls_gpu_plastic){.kind = cls_gpu_arena_at(&s->arena, s->kind),
                                .run = cls_gpu_arena_at(&s->arena, s->run),
                                .piece = cls_gpu_arena_at(&s->arena, s->piece),
                                .synapse = cls_gpu_arena_at(&s->arena, s->synapse),
                                .of_slot = cls_gpu_arena_at(&s->arena, s->of_slot),
                                .of_local = cls_gpu_arena_at(&s->arena, s->of_local),
                                .pre = cls_gpu_arena_at(&s->arena, s->pre),
                                .post = cls_gpu_arena_at(&s->arena, s->post),
                                .short_term = cls_gpu_arena_at(&s->arena, s->short_term),
                                .n_pre = m->n_pre,
                                .n_post = m->n_post,
                                .n_short_term = m->n_short_term,
                                .max_delay = s->counts.max_delay,
                                .window = s->counts.window,
                                .n_pieces = (uint32_t)s->counts.pieces,
                                .heard = cls_gpu_arena_at(&s->arena, s->heard)};
}

cls_status cls_gpu_plastic_fill(const cls_backend_setup *setup, const cls_gpu_channels *channels,
                                cls_gpu_plastic_synapses *synapses, cudaStream_t stream) {
  cls_gpu_plastic_synapses *s = synapses;
  cls_gpu_mechanisms m;
  numbers *numbered = NULL;
  if (s->counts.synapses == 0) return CLS_OK;
  cls_status status = cls_gpu_mechanisms_find(setup, &m);
  if (status == CLS_OK) status = number_parts(setup, &numbered);
  if (status == CLS_OK) status = copy_kinds(setup, channels, &m, s, stream);
  if (status == CLS_OK) status = copy_synapses(setup, numbered, s, stream);
  if (status == CLS_OK) status = copy_rows(setup, numbered, s, stream);
  if (status == CLS_OK) tell_kernels(s, &m);
  free(numbered);
  cls_gpu_mechanisms_free(&m);
  return status;
}

void cls_gpu_plastic_start(const cls_backend_setup *setup, int32_t *v) {
  for (uint32_t p = 0; p < setup->layout->n_parts; p++)
    if (store_of(setup, p))
      cls_plastic_start(setup->network, store_of(setup, p), v + cls_gpu_plastic_first(setup, p));
}
