/* Lists in chunks of about a page, from a pool that many lists share. What a list no longer needs goes back at once and is what
 * the next one gets. So hundreds of lists of which each is long for a moment only take no more memory than what is in them all,
 * and that stays in the cache. (Where each keeps what it once needed, as lists of spikes in flight did before, 40 members of 20,000
 * neurons take ten times the memory.) */
#ifndef CALLOSUM_CHUNKS_H
#define CALLOSUM_CHUNKS_H

#include "engine/store.h"

/* A chunk holds any run with its header, and may be read and written CLS_STORE_SLACK words beyond. */
enum { CLS_CHUNK_WORDS = CLS_RUN_MAX + 1 };

typedef struct cls_chunk_ {
  struct cls_chunk_ *next;
  uint32_t n; /* words in it, once another is behind it */
  uint32_t unused;
  uint32_t word[CLS_CHUNK_WORDS + CLS_STORE_SLACK];
} cls_chunk;

typedef struct {
  cls_chunk *first, *last; /* NULL: empty */
  uint32_t n;              /* words in the last */
} cls_chunk_list;

/* All zero: an empty pool. */
typedef struct {
  cls_chunk *free;
  cls_chunk **slab; /* what was allocated */
  size_t n_slabs, slab_capacity;
} cls_chunk_pool;

void cls_chunks_destroy(cls_chunk_pool *pool);
size_t cls_chunks_bytes(const cls_chunk_pool *pool);
/* Puts an empty chunk at the end of the list. */
cls_status cls_chunks_append(cls_chunk_pool *pool, cls_chunk_list *list);
void cls_chunks_clear(cls_chunk_pool *pool, cls_chunk_list *list);

/* Room for `n` <= CLS_CHUNK_WORDS words in one piece, which are to be written at *at and count as there. */
static inline cls_status cls_chunks_add(cls_chunk_pool *pool, cls_chunk_list *list, uint32_t n,
                                        uint32_t **at) {
  if (__builtin_expect(!list->last || list->n + n > CLS_CHUNK_WORDS, 0))
    CLS_TRY(cls_chunks_append(pool, list));
  *at = list->last->word + list->n;
  list->n += n;
  return CLS_OK;
}
/* Words in a chunk of the list. */
static inline uint32_t cls_chunks_n(const cls_chunk_list *list, const cls_chunk *chunk) {
  return chunk == list->last ? list->n : chunk->n;
}
/* Takes the first chunk, which is not there any more then, back into the pool: what is in it stays until the next append. */
static inline void cls_chunks_drop_first(cls_chunk_pool *pool, cls_chunk_list *list) {
  cls_chunk *chunk = list->first;
  list->first = chunk->next;
  if (!list->first) *list = (cls_chunk_list){0};
  chunk->next = pool->free;
  pool->free = chunk;
}

#endif
