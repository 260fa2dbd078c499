#include "backend/cpu/chunks.h"
#include <stdlib.h>

enum { SLAB = 64 }; /* chunks: a quarter of a megabyte */

void cls_chunks_destroy(cls_chunk_pool *pool) {
  for (size_t i = 0; i < pool->n_slabs; i++) free(pool->slab[i]);
  free(pool->slab);
  *pool = (cls_chunk_pool){0};
}

size_t cls_chunks_bytes(const cls_chunk_pool *pool) { return pool->n_slabs * SLAB * sizeof(cls_chunk); }

static cls_status grow(cls_chunk_pool *pool) {
  const size_t n = pool->n_slabs;
  CLS_TRY(cls_grow(&pool->slab, &pool->slab_capacity, n + 1, sizeof *pool->slab, "spikes in flight"));
  CLS_TRY(cls_alloc(&pool->slab[n], SLAB, sizeof **pool->slab, "spikes in flight"));
  pool->n_slabs++;
  for (int i = SLAB - 1; i >= 0; i--) {
    pool->slab[n][i].next = pool->free;
    pool->free = &pool->slab[n][i];
  }
  return CLS_OK;
}

cls_status cls_chunks_append(cls_chunk_pool *pool, cls_chunk_list *list) {
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
