#include "backend/cuda/store.h"
#include <stdlib.h>
#include <string.h>

/* A row is cut where its pieces reach this length: a warp delivers a piece, and should not be busy for much longer than
 * others. */
enum { PIECE_WORDS = 2048, STAGING_WORDS = 1 << 20 };
/* A header with fewer bits of count would take as much memory as its synapses. */
enum { LEAST_COUNT_BITS = 3 };

/* ---- channels ---- */

/* Ranges of a shard accumulate alike, but some of their models may lack a port. */
static const cls_model *model_with_port(const cls_neurons *neurons, const cls_shard *shard, int port) {
  for (uint32_t r = shard->range_first; r < shard->range_last; r++)
    if (port < neurons->runs[r].model->n_ports) return neurons->runs[r].model;
  return NULL;
}

cls_status cls_gpu_channels_create(const cls_layout *layout, const cls_neurons *neurons,
                                   cls_gpu_channels *channels) {
  *channels = (cls_gpu_channels){.n = layout->n_shards * CLS_MAX_PORTS};
  CLS_TRY(cls_alloc(&channels->channel, channels->n, sizeof *channels->channel, "input ports of shards"));
  for (uint32_t c = 0; c < channels->n; c++) {
    const cls_shard *shard = &layout->shards[c / CLS_MAX_PORTS];
    const int port = (int)(c % CLS_MAX_PORTS);
    const cls_model *model = model_with_port(neurons, shard, port);
    channels->channel[c] = UINT64_MAX;
    if (!model) continue;
    const bool pair = cls_port_is_pair(model, port);
    channels->channel[c] = pair ? channels->words | CLS_GPU_PAIR : channels->words;
    channels->words += (uint64_t)shard->n * (pair ? 2 : 1); /* n is a multiple of 16 */
  }
  return CLS_OK;
}

/* ---- joining rows ---- */

/* Receives the words of rows, one row after the other. Without staging memory it only counts. */
typedef struct {
  cls_gpu_store_counts *counts;
  cls_gpu_piece *piece; /* NULL: only count */
  uint32_t *staging;
  uint64_t written, copied, staged; /* words; those before `copied` have reached the GPU */
  uint64_t begin;                   /* of the piece being written */
  uint64_t pieces;
  const cls_gpu_synapses *synapses;
  cudaStream_t stream;
} joiner;

static cls_status flush(joiner *j) {
  char *to = (char *)cls_gpu_arena_at(&j->synapses->arena, j->synapses->word) + j->copied * sizeof(uint32_t);
  CLS_CUDA(cudaMemcpyAsync(to, j->staging, j->staged * sizeof(uint32_t), cudaMemcpyHostToDevice, j->stream),
           "copying synapses");
  CLS_CUDA(cudaStreamSynchronize(j->stream), "copying synapses");
  j->copied += j->staged;
  j->staged = 0;
  return CLS_OK;
}

static cls_status put(joiner *j, const uint32_t *word, uint32_t n) {
  j->written += n;
  for (uint32_t k = 0; j->staging && k < n; k++) {
    j->staging[j->staged++] = word[k];
    if (j->staged == STAGING_WORDS) CLS_TRY(flush(j));
  }
  return CLS_OK;
}

static void end_piece(joiner *j, uint32_t delay) {
  if (j->written == j->begin) return;
  if (j->piece) j->piece[j->pieces] = (cls_gpu_piece){j->begin, (uint32_t)(j->written - j->begin), delay};
  j->pieces++;
  j->begin = j->written;
}

/* Puts a run, in several where its count has no room in a header. */
static cls_status put_run(joiner *j, uint32_t channel, uint32_t delay, const uint32_t *word, uint32_t n) {
  const cls_gpu_store_counts *c = j->counts;
  const uint32_t most = (1u << c->count_bits) - 1;
  while (n > 0) {
    const uint32_t m = n < most ? n : most,
                   header = channel << (c->count_bits + c->delay_bits) | delay << c->count_bits | m;
    CLS_TRY(put(j, &header, 1));
    CLS_TRY(put(j, word, m));
    word += m;
    n -= m;
  }
  return CLS_OK;
}

/* Joins the rows that a source has in the parts: runs of all of them, ascending by delay. `at` holds a place per part. */
static cls_status join_row(joiner *j, const cls_backend_setup *setup, uint32_t slot, const uint32_t **at) {
  const cls_layout *layout = setup->layout;
  uint32_t first_delay = 0;
  for (uint32_t p = 0; p < layout->n_parts; p++) at[p] = setup->stores[p]->word + setup->stores[p]->row[slot];
  for (;;) {
    uint32_t next = UINT32_MAX;
    for (uint32_t p = 0; p < layout->n_parts; p++)
      if (at[p] < setup->stores[p]->word + setup->stores[p]->row[slot + 1] && cls_run_delay(*at[p]) < next)
        next = cls_run_delay(*at[p]);
    if (next == UINT32_MAX) break;
    for (uint32_t p = 0; p < layout->n_parts; p++) {
      const uint32_t *end = setup->stores[p]->word + setup->stores[p]->row[slot + 1];
      for (; at[p] < end && cls_run_delay(*at[p]) == next; at[p] += 1 + cls_run_count(*at[p])) {
        if (j->written == j->begin) first_delay = next;
        CLS_TRY(put_run(j, layout->parts[p].shard_first * CLS_MAX_PORTS + cls_run_channel(*at[p]), next,
                        at[p] + 1, cls_run_count(*at[p])));
        if (j->written - j->begin >= PIECE_WORDS) end_piece(j, first_delay);
      }
    }
  }
  end_piece(j, first_delay);
  return CLS_OK;
}

/* Joins all rows; of_slot may be NULL. */
static cls_status join_all(joiner *j, const cls_backend_setup *setup, cls_gpu_pieces *of_slot) {
  const uint32_t **at = NULL;
  cls_status status = cls_alloc(&at, setup->layout->n_parts, sizeof(uint32_t *), "parts");
  for (uint32_t slot = 0; slot < j->counts->slots && status == CLS_OK; slot++) {
    const uint64_t before = j->pieces;
    status = join_row(j, setup, slot, at);
    const uint32_t n = (uint32_t)(j->pieces - before);
    if (of_slot) of_slot[slot] = (cls_gpu_pieces){(uint32_t)before, n};
    if (n > j->counts->pieces_of_slot) j->counts->pieces_of_slot = n;
  }
  free(at);
  return status == CLS_OK && j->staging ? flush(j) : status;
}

/* ---- counts ---- */

static uint32_t bits_of(uint64_t values) {
  uint32_t bits = 0;
  while (1ull << bits < values) bits++;
  return bits;
}

cls_status cls_gpu_store_count(const cls_backend_setup *setup, const cls_gpu_channels *channels,
                               cls_gpu_store_counts *counts) {
  const cls_layout *layout = setup->layout;
  cls_gpu_store_counts *c = counts;
  *c = (cls_gpu_store_counts){.max_delay = 1, .local = layout->n_local, .channels = channels->n};
  for (uint32_t p = 0; p < layout->n_parts; p++) {
    c->slots = setup->stores[p]->n_slots;
    if (setup->stores[p]->max_delay > c->max_delay) c->max_delay = setup->stores[p]->max_delay;
  }
  const uint32_t channel_bits = bits_of(channels->n);
  c->delay_bits = bits_of(c->max_delay + 1ull);
  CLS_CHECK(channel_bits + c->delay_bits + LEAST_COUNT_BITS <= 32, CLS_ERR_LIMIT,
            "rank %d: %u shards and delays up to %u steps need %u bits: expected at most %d on a GPU; use "
            "more ranks",
            setup->world->rank, layout->n_shards, c->max_delay, channel_bits + c->delay_bits,
            32 - LEAST_COUNT_BITS);
  c->count_bits = 32 - channel_bits - c->delay_bits;
  if (c->count_bits > 16) c->count_bits = 16;
  joiner j = {.counts = c};
  cls_gpu_pieces *of_slot = NULL;
  CLS_TRY(cls_alloc(&of_slot, c->slots, sizeof *of_slot, "rows"));
  cls_status status = join_all(&j, setup, of_slot);
  for (uint32_t i = 0; i < layout->n_local; i++)
    if (setup->local_slot[i] != UINT32_MAX) c->pieces_here += of_slot[setup->local_slot[i]].n;
  free(of_slot);
  CLS_TRY(status);
  CLS_CHECK(j.pieces < UINT32_MAX, CLS_ERR_LIMIT, "rank %d: %llu rows: expected fewer than 2^32 on a GPU",
            setup->world->rank, (unsigned long long)j.pieces);
  c->words = j.written;
  c->pieces = j.pieces;
  return CLS_OK;
}

void cls_gpu_store_plan(const cls_gpu_store_counts *c, cls_gpu_synapses *s) {
  *s = (cls_gpu_synapses){.counts = *c, .arena = {.name = "synapses"}};
  s->word = cls_gpu_arena_add(&s->arena, c->words, sizeof(uint32_t));
  s->piece = cls_gpu_arena_add(&s->arena, c->pieces, sizeof(cls_gpu_piece));
  s->of_slot = cls_gpu_arena_add(&s->arena, c->slots, sizeof(cls_gpu_pieces));
  s->of_local = cls_gpu_arena_add(&s->arena, c->local, sizeof(cls_gpu_pieces));
  s->channel = cls_gpu_arena_add(&s->arena, c->channels, sizeof(uint64_t));
}

/* ---- to the GPU ---- */

static cls_status copy(const cls_gpu_synapses *s, size_t to, const void *from, size_t bytes,
                       cudaStream_t stream) {
  CLS_CUDA(cudaMemcpyAsync(cls_gpu_arena_at(&s->arena, to), from, bytes, cudaMemcpyHostToDevice, stream),
           "copying rows");
  CLS_CUDA(cudaStreamSynchronize(stream), "copying rows");
  return CLS_OK;
}

static cls_status copy_rows(const cls_backend_setup *setup, const cls_gpu_channels *channels,
                            cls_gpu_synapses *s, const joiner *j, cls_gpu_pieces *of_slot,
                            cudaStream_t stream) {
  const cls_gpu_store_counts *c = &s->counts;
  cls_gpu_pieces *of_local = NULL;
  CLS_CHECK(j->written == c->words && j->pieces == c->pieces, CLS_ERR_INTERNAL,
            "rank %d: %llu words of synapses in %llu rows: expected %llu in %llu", setup->world->rank,
            (unsigned long long)j->written, (unsigned long long)j->pieces, (unsigned long long)c->words,
            (unsigned long long)c->pieces);
  CLS_TRY(copy(s, s->piece, j->piece, c->pieces * sizeof *j->piece, stream));
  CLS_TRY(copy(s, s->of_slot, of_slot, c->slots * sizeof *of_slot, stream));
  CLS_TRY(copy(s, s->channel, channels->channel, channels->n * sizeof *channels->channel, stream));
  CLS_TRY(cls_alloc(&of_local, c->local, sizeof *of_local, "rows of local neurons"));
  for (uint32_t i = 0; i < c->local; i++)
    if (setup->local_slot[i] != UINT32_MAX) of_local[i] = of_slot[setup->local_slot[i]];
  const cls_status status = copy(s, s->of_local, of_local, c->local * sizeof *of_local, stream);
  free(of_local);
  return status;
}

cls_status cls_gpu_store_fill(const cls_backend_setup *setup, const cls_gpu_channels *channels,
                              cls_gpu_synapses *synapses, cudaStream_t stream) {
  cls_gpu_synapses *s = synapses;
  joiner j = {.counts = &s->counts, .synapses = s, .stream = stream};
  cls_gpu_pieces *of_slot = NULL;
  cls_status status = cls_alloc(&j.staging, STAGING_WORDS, sizeof *j.staging, "synapses to copy");
  if (status == CLS_OK) status = cls_alloc(&j.piece, s->counts.pieces, sizeof *j.piece, "rows");
  if (status == CLS_OK) status = cls_alloc(&of_slot, s->counts.slots, sizeof *of_slot, "rows");
  if (status == CLS_OK) status = join_all(&j, setup, of_slot);
  if (status == CLS_OK) status = copy_rows(setup, channels, s, &j, of_slot, stream);
  free(j.staging);
  free(j.piece);
  free(of_slot);
  CLS_TRY(status);
  s->device = (cls_gpu_store){.word = cls_gpu_arena_at(&s->arena, s->word),
                              .piece = cls_gpu_arena_at(&s->arena, s->piece),
                              .of_slot = cls_gpu_arena_at(&s->arena, s->of_slot),
                              .of_local = cls_gpu_arena_at(&s->arena, s->of_local),
                              .channel = cls_gpu_arena_at(&s->arena, s->channel),
                              .count_bits = s->counts.count_bits,
                              .delay_bits = s->counts.delay_bits,
                              .max_delay = s->counts.max_delay,
                              .n_channels = (uint32_t)s->counts.channels};
  return CLS_OK;
}
