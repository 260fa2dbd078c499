#include "backend/cuda/row_store.h"
#include "engine/store_procedural.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A piece, and the part it belongs to. */
typedef struct {
  cls_procedural_piece piece;
  uint32_t channel; /* among those of the rank */
} joined;

static int by_source(const void *a, const void *b) {
  const joined *x = a, *y = b;
  if (x->piece.first != y->piece.first) return x->piece.first < y->piece.first ? -1 : 1;
  return (x->channel > y->channel) - (x->channel < y->channel);
}

/* All pieces of the rank; *pieces is allocated here. */
static cls_status join(const cls_layout *layout, cls_store *const *stores, joined **pieces, uint32_t *n) {
  uint32_t all = 0;
  for (uint32_t p = 0; p < layout->n_parts; p++) all += cls_procedural_pieces(stores[p]->procedural);
  CLS_TRY(cls_alloc(pieces, all, sizeof **pieces, "procedural projections"));
  *n = 0;
  for (uint32_t p = 0; p < layout->n_parts; p++)
    for (uint32_t i = 0; i < cls_procedural_pieces(stores[p]->procedural); i++) {
      joined *j = &(*pieces)[(*n)++];
      CLS_TRY(cls_procedural_describe(stores[p]->procedural, i, &j->piece));
      j->channel = layout->parts[p].shard_first * CLS_MAX_PORTS + j->piece.channel;
    }
  qsort(*pieces, *n, sizeof **pieces, by_source);
  return CLS_OK;
}

/* ---- one source population ---- */

typedef struct {
  cls_gpu_row_source source;
  double mean, longest;
} described;

/* Synapses of a row in the cells of a piece: binomial numbers pass ten standard deviations with a probability below
 * 1e-20; those of neurons that must differ are never more than these. */
static double longest_of(const cls_procedural_piece *piece) {
  const cls_row_shape *s = &piece->shape;
  const double cells = (double)cls_cell_neurons(s->grid.targets, s->cell_first, s->cell_first + s->cells);
  double most = s->grid.multapses ? INFINITY : cells;
  if (!s->pair && s->grid.outdegree < most) most = (double)s->grid.outdegree;
  const double bound = piece->expected + 10 * sqrt(piece->expected) + 10;
  return bound < most ? bound : most;
}

/* Of pieces first ... n - 1, as many as come from the population of the first. */
static cls_status describe(const joined *all, uint32_t first, uint32_t n, described *d) {
  const cls_procedural_piece *piece = &all[first].piece;
  uint32_t delay = piece->least_delay, channel = all[first].channel;
  cls_gpu_row_source *s = &d->source;
  *d = (described){.source = {.first = piece->first, .n = piece->n, .piece = first}};
  s->delay = delay, s->channel = channel;
  uint64_t cells = 0;
  for (uint32_t i = first; i < n && all[i].piece.first == s->first; i++, s->n_pieces++) {
    piece = &all[i].piece;
    if (piece->least_delay < s->delay) s->delay = piece->least_delay;
    if (piece->greatest_delay > delay) delay = piece->greatest_delay;
    if (all[i].channel < s->channel) s->channel = all[i].channel;
    if (all[i].channel > channel) channel = all[i].channel;
    cells += piece->shape.cells;
    s->distinct |= !piece->shape.grid.multapses;
    d->mean += piece->expected;
    d->longest += longest_of(piece);
  }
  s->delays = delay - s->delay + 1;
  s->channels = channel - s->channel + 1;
  s->cells = (uint32_t)cells;
  CLS_CHECK(
      cells < 1u << 22, CLS_ERR_LIMIT,
      "%llu cells of 1,024 neurons hold targets of one procedural source: expected fewer than %u on a GPU",
      (unsigned long long)cells, 1u << 22);
  CLS_CHECK(
      (uint64_t)s->delays * s->channels < 1u << 31 && d->longest < 0x1p31, CLS_ERR_LIMIT,
      "%u delays, %u input ports and up to %.3g synapses of one procedural source: expected fewer than 2^31 "
      "on a GPU",
      s->delays, s->channels, d->longest);
  return CLS_OK;
}

/* ---- all of them ---- */

static void count(const described *d, cls_gpu_row_counts *c) {
  const cls_gpu_row_source *s = &d->source;
  cls_gpu_row_extent *e = &c->extent;
  const uint32_t keys = s->delays * s->channels;
  if (s->cells > e->cells) e->cells = s->cells;
  if (keys > e->keys) e->keys = keys;
  if (d->longest > e->longest) e->longest = (uint32_t)ceil(d->longest);
  if (d->mean > c->mean) c->mean = d->mean;
  if (s->delay + s->delays - 1 > c->max_delay) c->max_delay = s->delay + s->delays - 1;
  e->distinct |= s->distinct;
  c->sources++;
  c->pieces += s->n_pieces;
}

cls_status cls_gpu_rows_count(const cls_layout *layout, cls_store *const *stores,
                              cls_gpu_row_counts *counts) {
  joined *all = NULL;
  uint32_t n = 0;
  *counts = (cls_gpu_row_counts){0};
  cls_status status = join(layout, stores, &all, &n);
  for (uint32_t i = 0; i < n && status == CLS_OK; i++)
    counts->table += cls_row_table_bytes(&all[i].piece.shape) / sizeof(uint32_t);
  for (described d; status == CLS_OK && counts->pieces < n;) {
    status = describe(all, counts->pieces, n, &d);
    if (status == CLS_OK) count(&d, counts);
  }
  free(all);
  return status;
}

void cls_gpu_rows_plan(const cls_gpu_row_counts *c, cls_gpu_procedural *rows) {
  *rows = (cls_gpu_procedural){.counts = *c, .arena = {.name = "procedural synapses"}};
  rows->source = cls_gpu_arena_add(&rows->arena, c->sources, sizeof(cls_gpu_row_source));
  rows->piece = cls_gpu_arena_add(&rows->arena, c->pieces, sizeof(cls_gpu_row_piece));
  rows->cell = cls_gpu_arena_add(&rows->arena, c->pieces, sizeof(uint32_t));
  rows->table = cls_gpu_arena_add(&rows->arena, c->table, sizeof(uint32_t));
}

/* ---- to the GPU ---- */

/* What is copied, in the memory of the host. */
typedef struct {
  cls_gpu_row_source *source;
  cls_gpu_row_piece *piece;
  uint32_t *cell;
} copies;

static cls_status copy(const cls_gpu_procedural *rows, size_t to, const void *from, size_t bytes,
                       cudaStream_t stream) {
  if (bytes == 0) return CLS_OK;
  CLS_CUDA(cudaMemcpyAsync(cls_gpu_arena_at(&rows->arena, to), from, bytes, cudaMemcpyHostToDevice, stream),
           "copying procedural projections");
  return CLS_OK;
}

/* Copies the tables and fills the pieces, which point to them. */
static cls_status fill_pieces(const cls_gpu_procedural *rows, const joined *all, copies *c,
                              cudaStream_t stream) {
  size_t to = rows->table;
  for (uint32_t i = 0; i < rows->counts.pieces; i++) {
    const cls_procedural_piece *p = &all[i].piece;
    const size_t bytes = cls_row_table_bytes(&p->shape);
    cls_gpu_row_piece *piece = &c->piece[i];
    *piece = (cls_gpu_row_piece){p->shape, p->values, all[i].channel, p->shift};
    if (!p->shape.pair) continue;
    CLS_TRY(copy(rows, to, p->shape.pair, bytes, stream));
    piece->shape.pair = cls_gpu_arena_at(&rows->arena, to);
    to += bytes;
  }
  return CLS_OK;
}

static cls_status fill_sources(const cls_gpu_procedural *rows, const joined *all, copies *c) {
  uint32_t piece = 0;
  for (uint32_t s = 0; s < rows->counts.sources; s++) {
    described d;
    CLS_TRY(describe(all, piece, rows->counts.pieces, &d));
    c->source[s] = d.source;
    for (uint32_t cell = 0; piece < d.source.piece + d.source.n_pieces;
         cell += all[piece++].piece.shape.cells)
      c->cell[piece] = cell;
  }
  return CLS_OK;
}

static cls_status fill(const cls_gpu_procedural *rows, const joined *all, copies *c, cudaStream_t stream) {
  const cls_gpu_row_counts *counts = &rows->counts;
  CLS_TRY(cls_alloc(&c->source, counts->sources, sizeof *c->source, "procedural sources"));
  CLS_TRY(cls_alloc(&c->piece, counts->pieces, sizeof *c->piece, "procedural projections"));
  CLS_TRY(cls_alloc(&c->cell, counts->pieces, sizeof *c->cell, "procedural projections"));
  CLS_TRY(fill_pieces(rows, all, c, stream));
  CLS_TRY(fill_sources(rows, all, c));
  CLS_TRY(copy(rows, rows->source, c->source, counts->sources * sizeof *c->source, stream));
  CLS_TRY(copy(rows, rows->piece, c->piece, counts->pieces * sizeof *c->piece, stream));
  CLS_TRY(copy(rows, rows->cell, c->cell, counts->pieces * sizeof *c->cell, stream));
  CLS_CUDA(cudaStreamSynchronize(stream), "copying procedural projections");
  return CLS_OK;
}

cls_status cls_gpu_rows_fill(const cls_layout *layout, cls_store *const *stores, uint32_t count_bits,
                             uint32_t delay_bits, cls_gpu_procedural *rows, cudaStream_t stream) {
  joined *all = NULL;
  copies c = {0};
  uint32_t n = 0;
  cls_status status = join(layout, stores, &all, &n);
  if (status == CLS_OK && n != rows->counts.pieces)
    status = cls_fail(CLS_ERR_INTERNAL, "%u procedural projections: expected %u", n, rows->counts.pieces);
  if (status == CLS_OK) status = fill(rows, all, &c, stream);
  free(all);
  free(c.source);
  free(c.piece);
  free(c.cell);
  CLS_TRY(status);
  rows->device = (cls_gpu_rows){.source = cls_gpu_arena_at(&rows->arena, rows->source),
                                .piece = cls_gpu_arena_at(&rows->arena, rows->piece),
                                .cell = cls_gpu_arena_at(&rows->arena, rows->cell),
                                .n_sources = rows->counts.sources,
                                .count_bits = count_bits,
                                .delay_bits = delay_bits};
  return CLS_OK;
}
