#include "backend/cuda/store.h"
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* Pieces of rows have about so many words: a warp delivers a piece, and should not be busy for much longer than others. */
enum { PIECE_WORDS = 2048, CHANNEL_WORDS = 128, STAGING_WORDS = 1 << 20, BLOCK_SLOTS = 1 << 12 };
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

/* The words of a row that are left in one part. */
typedef struct {
  const uint32_t *at, *end;
  uint32_t part;
} cursor;

/* What a block of consecutive slots comes to, and in sums over them where it begins. */
typedef struct {
  uint64_t words, pieces;
} extent;

/* Receives the words of rows, one row after the other. Without staging memory it only counts. */
typedef struct {
  const cls_backend_setup *setup;
  const cls_gpu_store_counts *counts;
  const cls_gpu_synapses *synapses;
  cudaStream_t stream;
  cursor *cursors;    /* [parts] */
  uint32_t *words_of; /* [channels] of the row, */
  uint32_t *channels; /* and the channels of which it has any */
  uint32_t n_channels;
  cls_gpu_place *piece; /* NULL: only count */
  uint32_t *staging;
  uint64_t written, copied, staged; /* words; those before `copied` have reached the GPU */
  uint64_t begin;                   /* of the piece being written, */
  uint32_t header;                  /* and its first word */
  uint64_t pieces;
  uint64_t of_next_step;   /* events of the row a step after its spike */
  uint32_t pieces_of_slot; /* most of those of a row, */
  uint64_t most_of_next_step;
} joiner;

/* One thread at a time: the GPU has one way for copies. */
static cls_status flush(joiner *j) {
  char *to = (char *)cls_gpu_arena_at(&j->synapses->arena, j->synapses->word) + j->copied * sizeof(uint32_t);
  cls_status status;
#pragma omp critical(cls_gpu_copy)
  {
    status = cls_gpu_check(
        cudaMemcpyAsync(to, j->staging, j->staged * sizeof(uint32_t), cudaMemcpyHostToDevice, j->stream),
        "copying synapses");
    if (status == CLS_OK) status = cls_gpu_check(cudaStreamSynchronize(j->stream), "copying synapses");
  }
  j->copied += j->staged;
  j->staged = 0;
  return status;
}

static cls_status put(joiner *j, const uint32_t *word, uint32_t n) {
  j->written += n;
  while (j->staging && n > 0) {
    const uint64_t room = STAGING_WORDS - j->staged;
    const uint32_t m = n < room ? n : (uint32_t)room;
    memcpy(j->staging + j->staged, word, m * sizeof *word);
    j->staged += m;
    word += m;
    n -= m;
    if (j->staged == STAGING_WORDS) CLS_TRY(flush(j));
  }
  return CLS_OK;
}

static void end_piece(joiner *j) {
  if (j->written == j->begin) return;
  if (j->piece) j->piece[j->pieces] = (cls_gpu_place){j->begin, (uint32_t)(j->written - j->begin), j->header};
  j->pieces++;
  j->begin = j->written;
}

/* Puts a run, in several where its count has no room in a header. */
static cls_status put_run(joiner *j, uint32_t channel, uint32_t delay, const uint32_t *word, uint32_t n) {
  const cls_gpu_store_counts *c = j->counts;
  const uint32_t most = (1u << c->count_bits) - 1;
  if (delay == 1) j->of_next_step += n;
  while (n > 0) {
    const uint32_t m = n < most ? n : most,
                   header = channel << (c->count_bits + c->delay_bits) | delay << c->count_bits | m;
    if (j->written == j->begin) j->header = header;
    CLS_TRY(put(j, &header, 1));
    CLS_TRY(put(j, word, m));
    word += m;
    n -= m;
  }
  return CLS_OK;
}

/* What a piece has of a row: of every run of this channel, or of all where it is CLS_GPU_NONE, part number `part` of `parts`. */
typedef struct {
  uint32_t channel, part, parts;
} piece_share;

/* Puts a piece's share of the runs of one delay; a part of the store that has nothing else loses its cursor. Returns how many
 * are left. */
static cls_status put_delay(joiner *j, piece_share share, uint32_t delay, uint32_t *n) {
  uint32_t left = 0;
  for (uint32_t k = 0; k < *n; k++) {
    cursor c = j->cursors[k];
    const uint32_t first = j->setup->layout->parts[c.part].shard_first * CLS_MAX_PORTS;
    for (; c.at < c.end && cls_run_delay(*c.at) == delay; c.at += 1 + cls_run_count(*c.at)) {
      const uint32_t channel = first + cls_run_channel(*c.at), count = cls_run_count(*c.at);
      const uint32_t from = count * share.part / share.parts, to = count * (share.part + 1) / share.parts;
      if (share.channel == CLS_GPU_NONE || share.channel == channel)
        CLS_TRY(put_run(j, channel, delay, c.at + 1 + from, to - from));
    }
    if (c.at < c.end) j->cursors[left++] = c;
  }
  *n = left;
  return CLS_OK;
}

/* Sets the cursors to the beginning of the rows of a source in all parts; returns how many have one. */
static uint32_t begin_row(joiner *j, uint32_t slot) {
  uint32_t n = 0;
  for (uint32_t p = 0; p < j->setup->layout->n_parts; p++) {
    const cls_store *store = j->setup->stores[p];
    if (store->row[slot] < store->row[slot + 1])
      j->cursors[n++] = (cursor){store->word + store->row[slot], store->word + store->row[slot + 1], p};
  }
  return n;
}

static cls_status join_piece(joiner *j, uint32_t slot, piece_share share) {
  uint32_t n = begin_row(j, slot);
  while (n > 0) {
    uint32_t next = UINT32_MAX;
    for (uint32_t k = 0; k < n; k++)
      if (cls_run_delay(*j->cursors[k].at) < next) next = cls_run_delay(*j->cursors[k].at);
    CLS_TRY(put_delay(j, share, next, &n));
  }
  end_piece(j);
  return CLS_OK;
}

/* Counts the words that each channel has of a row: j->words_of, for j->channels of them. Returns their sum. */
static uint64_t count_channels(joiner *j, uint32_t slot) {
  const uint32_t n = begin_row(j, slot);
  uint64_t words = 0;
  while (j->n_channels > 0) j->words_of[j->channels[--j->n_channels]] = 0;
  for (uint32_t k = 0; k < n; k++) {
    const uint32_t first = j->setup->layout->parts[j->cursors[k].part].shard_first * CLS_MAX_PORTS;
    for (const uint32_t *at = j->cursors[k].at; at < j->cursors[k].end; at += 1 + cls_run_count(*at)) {
      const uint32_t channel = first + cls_run_channel(*at);
      if (j->words_of[channel] == 0) j->channels[j->n_channels++] = channel;
      j->words_of[channel] += 1 + cls_run_count(*at);
    }
    words += (uint64_t)(j->cursors[k].end - j->cursors[k].at);
  }
  return words;
}

/* Joins the rows that a source has in the parts: runs of all of them, ascending by delay. Rows with much for each channel have
 * pieces for each, so that in a step there is one run of a piece to deliver, not one after the other; and long ones are cut
 * lengthwise, so that there is as much to do for all warps that follow them. */
static cls_status join_row(joiner *j, uint32_t slot) {
  const uint64_t words = count_channels(j, slot);
  const bool apart = words >= (uint64_t)CHANNEL_WORDS * j->n_channels;
  j->of_next_step = 0;
  for (uint32_t k = 0; k < (apart ? j->n_channels : 1); k++) {
    const uint32_t channel = apart ? j->channels[k] : CLS_GPU_NONE;
    const uint64_t own = apart ? j->words_of[channel] : words;
    const uint32_t parts = (uint32_t)((own + PIECE_WORDS - 1) / PIECE_WORDS);
    for (uint32_t part = 0; part < parts; part++)
      CLS_TRY(join_piece(j, slot, (piece_share){channel, part, parts}));
  }
  if (j->of_next_step > j->most_of_next_step) j->most_of_next_step = j->of_next_step;
  return CLS_OK;
}

/* Joins the rows of a block of slots, which begins where `from` says; of_slot may be NULL. */
static cls_status join_block(joiner *j, uint64_t block, extent from, cls_gpu_pieces *of_slot) {
  const uint64_t first = block * BLOCK_SLOTS, slots = j->counts->slots;
  const uint64_t last = slots - first < BLOCK_SLOTS ? slots : first + BLOCK_SLOTS;
  j->written = j->copied = j->begin = from.words;
  j->pieces = from.pieces;
  for (uint64_t slot = first; slot < last; slot++) {
    const uint64_t before = j->pieces;
    CLS_TRY(join_row(j, (uint32_t)slot));
    const uint32_t n = (uint32_t)(j->pieces - before);
    if (of_slot) of_slot[slot] = (cls_gpu_pieces){(uint32_t)before, n};
    if (n > j->pieces_of_slot) j->pieces_of_slot = n;
  }
  return j->staging && j->staged > 0 ? flush(j) : CLS_OK;
}

static uint64_t blocks_of(uint64_t slots) { return (slots + BLOCK_SLOTS - 1) / BLOCK_SLOTS; }

/* Joins all rows, by all threads. `like` is what every thread begins with; `staging` has STAGING_WORDS for each, NULL: count.
 * block[k] is where block k begins, or, where they are counted, what it comes to. *most: see joiner. */
static cls_status join_all(const joiner *like, uint32_t *staging, extent *block, cls_gpu_pieces *of_slot,
                           joiner *most) {
  const uint64_t n = blocks_of(like->counts->slots);
  cls_status kept = CLS_OK;
  char message[512] = "";
#pragma omp parallel
  {
    joiner j = *like;
    cls_status status =
        cls_alloc(&j.cursors, like->setup->layout->n_parts, sizeof *j.cursors, "parts of rows");
    if (status == CLS_OK) status = cls_alloc(&j.words_of, like->counts->channels, sizeof *j.words_of, "rows");
    if (status == CLS_OK) status = cls_alloc(&j.channels, like->counts->channels, sizeof *j.channels, "rows");
    if (staging) j.staging = staging + (size_t)omp_get_thread_num() * STAGING_WORDS;
#pragma omp for schedule(dynamic, 1)
    for (uint64_t k = 0; k < n; k++) {
      if (status == CLS_OK) status = join_block(&j, k, staging ? block[k] : (extent){0, 0}, of_slot);
      if (!staging) block[k] = (extent){j.written, j.pieces};
    }
#pragma omp critical(cls_gpu_join)
    {
      if (j.pieces_of_slot > most->pieces_of_slot) most->pieces_of_slot = j.pieces_of_slot;
      if (j.most_of_next_step > most->most_of_next_step) most->most_of_next_step = j.most_of_next_step;
      if (status != CLS_OK && kept == CLS_OK) {
        kept = status;
        snprintf(message, sizeof message, "%s", cls_error_message());
      }
    }
    free(j.cursors);
    free(j.words_of);
    free(j.channels);
  }
  return kept == CLS_OK ? CLS_OK : cls_fail(kept, "%s", message);
}

/* Where each block begins, behind them the sum of all: blocks_of(slots) + 1 extents. */
static cls_status measure_blocks(const joiner *like, extent **block, cls_gpu_pieces *of_slot, joiner *most) {
  const uint64_t n = blocks_of(like->counts->slots);
  CLS_TRY(cls_alloc(block, n + 1, sizeof **block, "blocks of rows"));
  CLS_TRY(join_all(like, NULL, *block, of_slot, most));
  extent sum = {0, 0};
  for (uint64_t k = 0; k <= n; k++) {
    const extent own = (*block)[k];
    (*block)[k] = sum;
    sum.words += own.words;
    sum.pieces += own.pieces;
  }
  return CLS_OK;
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
  const joiner like = {.setup = setup, .counts = c};
  joiner most = {0};
  cls_gpu_pieces *of_slot = NULL;
  extent *block = NULL;
  CLS_TRY(cls_alloc(&of_slot, c->slots, sizeof *of_slot, "rows"));
  const cls_status status = measure_blocks(&like, &block, of_slot, &most);
  if (status == CLS_OK) {
    c->words = block[blocks_of(c->slots)].words;
    c->pieces = block[blocks_of(c->slots)].pieces;
  }
  for (uint32_t i = 0; status == CLS_OK && i < layout->n_local; i++)
    if (setup->local_slot[i] != UINT32_MAX) c->pieces_here += of_slot[setup->local_slot[i]].n;
  free(block);
  free(of_slot);
  CLS_TRY(status);
  CLS_CHECK(c->pieces < UINT32_MAX, CLS_ERR_LIMIT, "rank %d: %llu rows: expected fewer than 2^32 on a GPU",
            setup->world->rank, (unsigned long long)c->pieces);
  c->pieces_of_slot = most.pieces_of_slot;
  c->most_of_next_step = most.most_of_next_step;
  return CLS_OK;
}

void cls_gpu_store_plan(const cls_gpu_store_counts *c, cls_gpu_synapses *s) {
  *s = (cls_gpu_synapses){.counts = *c, .arena = {.name = "synapses"}};
  s->word = cls_gpu_arena_add(&s->arena, c->words, sizeof(uint32_t));
  s->piece = cls_gpu_arena_add(&s->arena, c->pieces, sizeof(cls_gpu_place));
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

/* Everything but the words. */
static cls_status copy_rows(const cls_backend_setup *setup, const cls_gpu_channels *channels,
                            cls_gpu_synapses *s, const cls_gpu_place *piece, const cls_gpu_pieces *of_slot,
                            cudaStream_t stream) {
  const cls_gpu_store_counts *c = &s->counts;
  cls_gpu_pieces *of_local = NULL;
  CLS_TRY(copy(s, s->piece, piece, c->pieces * sizeof *piece, stream));
  CLS_TRY(copy(s, s->of_slot, of_slot, c->slots * sizeof *of_slot, stream));
  CLS_TRY(copy(s, s->channel, channels->channel, channels->n * sizeof *channels->channel, stream));
  CLS_TRY(cls_alloc(&of_local, c->local, sizeof *of_local, "rows of local neurons"));
  for (uint32_t i = 0; i < c->local; i++)
    if (setup->local_slot[i] != UINT32_MAX) of_local[i] = of_slot[setup->local_slot[i]];
  const cls_status status = copy(s, s->of_local, of_local, c->local * sizeof *of_local, stream);
  free(of_local);
  return status;
}

/* Joins the rows and copies their words; fills piece and of_slot. */
static cls_status join_words(const joiner *like, cls_gpu_pieces *of_slot) {
  const cls_gpu_store_counts *c = like->counts;
  joiner most = {0};
  extent *block = NULL;
  uint32_t *staging = NULL;
  const joiner counting = {.setup = like->setup, .counts = c};
  cls_status status = measure_blocks(&counting, &block, NULL, &most);
  if (status == CLS_OK) {
    const extent all = block[blocks_of(c->slots)];
    if (all.words != c->words || all.pieces != c->pieces)
      status =
          cls_fail(CLS_ERR_INTERNAL, "rank %d: %llu words of synapses in %llu rows: expected %llu in %llu",
                   like->setup->world->rank, (unsigned long long)all.words, (unsigned long long)all.pieces,
                   (unsigned long long)c->words, (unsigned long long)c->pieces);
  }
  if (status == CLS_OK)
    status = cls_gpu_check(
        cudaMallocHost((void **)&staging, (size_t)omp_get_max_threads() * STAGING_WORDS * sizeof *staging),
        "no pinned memory for synapses to copy");
  if (status == CLS_OK) status = join_all(like, staging, block, of_slot, &most);
  if (staging) (void)cudaFreeHost(staging);
  free(block);
  return status;
}

cls_status cls_gpu_store_fill(const cls_backend_setup *setup, const cls_gpu_channels *channels,
                              cls_gpu_synapses *synapses, cudaStream_t stream) {
  cls_gpu_synapses *s = synapses;
  joiner like = {.setup = setup, .counts = &s->counts, .synapses = s, .stream = stream};
  cls_gpu_pieces *of_slot = NULL;
  cls_status status = cls_alloc(&like.piece, s->counts.pieces, sizeof *like.piece, "rows");
  if (status == CLS_OK) status = cls_alloc(&of_slot, s->counts.slots, sizeof *of_slot, "rows");
  if (status == CLS_OK) status = join_words(&like, of_slot);
  if (status == CLS_OK) status = copy_rows(setup, channels, s, like.piece, of_slot, stream);
  free(like.piece);
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
