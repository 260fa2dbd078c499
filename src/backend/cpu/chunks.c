#include "backend/cpu/chunks.h"
#include <stdlib.h>

enum { LEAST_WORDS = 244, SLAB = 64 }; /* a kilobyte; chunks that are allocated together */

static size_t chunk_bytes(const cls_chunk_pool *pool) {
  const size_t bytes = sizeof(cls_chunk) + (pool->words + (size_t)CLS_STORE_SLACK) * sizeof(uint32_t);
  return (bytes + 15) / 16 * 16;
}

void cls_chunks_create(cls_chunk_pool *pool, uint32_t longest) {
  *pool = (cls_chunk_pool){.words = longest > LEAST_WORDS ? longest : LEAST_WORDS};
}

void cls_chunks_destroy(cls_chunk_pool *pool) {
  for (size_t i = 0; i < pool->n_slabs; i++) free(pool->slab[i]);
  free(pool->slab);
  *pool = (cls_chunk_pool){.words = pool->words};
}

size_t cls_chunks_bytes(const cls_chunk_pool *pool) { return pool->n_slabs * SLAB * chunk_bytes(pool); }

static cls_status grow(cls_chunk_pool *pool) {
  const size_t n = pool->n_slabs;
  CLS_TRY(cls_grow(&pool->slab, &pool->slab_capacity, n + 1, sizeof *pool->slab, "spikes in flight"));
  CLS_TRY(cls_alloc(&pool->slab[n], SLAB, chunk_bytes(pool), "spikes in flight"));
  pool->n_slabs++;
  for (int i = SLAB - 1; i >= 0; i--) {
    cls_chunk *chunk = (cls_chunk *)(void *)(pool->slab[n] + (size_t)i * chunk_bytes(pool));
    chunk->next = pool->free;
    pool->free = chunk;
  }
  return CLS_OK;
}

cls_status cls_chunks_append(cls_chunk_pool *pool, cls_chunk_list *list, uint32_t n) {
  CLS_CHECK(n <= pool->words, CLS_ERR_INTERNAL, "a run of %u words is longer than a chunk of %u", n,
            pool->words);
  if (!pool->free) CLS_TRY(grow(pool));
  cls_chunk *chunk = pool->free;
  pool->free = chunk->next;
  chunk->next = NULL;
  if (list->last) {
    list->last->n = list->n;
    list->last->next = chunk;
  } else {
    list->first = chunk;
  }
  list->last = chunk;
  list->n = 0;
  return CLS_OK;
}

void cls_chunks_clear(cls_chunk_pool *pool, cls_chunk_list *list) {
  while (list->first) cls_chunks_drop_first(pool, list);
}
