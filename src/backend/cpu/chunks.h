/* Lists in chunks from a pool that many lists share. What a list no longer needs goes back at once and is what the next one
 * gets. So hundreds of lists of which each is long for a moment only take little more memory than what is in them all (every list
 * that is not empty has begun a chunk), and that stays in the cache. Where each keeps what it once needed, as lists of spikes in flight
 * did before, 40 members of 20,000 neurons took nineteen times the memory. */
#ifndef CALLOSUM_CHUNKS_H
#define CALLOSUM_CHUNKS_H

#include "engine/store.h"

/* May be read and written CLS_STORE_SLACK words behind its end. */
typedef struct cls_chunk_ {
  struct cls_chunk_ *next;
  uint32_t n; /* words in it, once another is behind it */
  uint32_t unused;
  uint32_t word[]; /* cls_chunk_pool.words, and CLS_STORE_SLACK more */
} cls_chunk;

typedef struct {
  cls_chunk *first, *last; /* NULL: empty */
  uint32_t n;              /* words in the last */
} cls_chunk_list;

typedef struct {
  uint32_t words; /* of a chunk; the most that may be added in one piece */
  cls_chunk *free;
  char **slab; /* what was allocated */
  size_t n_slabs, slab_capacity;
} cls_chunk_pool;

/* An empty pool of chunks for pieces of up to `longest` words, and for some of them in each. */
void cls_chunks_create(cls_chunk_pool *pool, uint32_t longest);
void cls_chunks_destroy(cls_chunk_pool *pool);
size_t cls_chunks_bytes(const cls_chunk_pool *pool);
/* Puts an empty chunk, for a piece of `n` words, at the end of the list. CLS_ERR_INTERNAL where no chunk is as long. */
cls_status cls_chunks_append(cls_chunk_pool *pool, cls_chunk_list *list, uint32_t n);
void cls_chunks_clear(cls_chunk_pool *pool, cls_chunk_list *list);

/* Room for `n` <= pool->words words in one piece, which are to be written at *at and count as there. */
static inline cls_status cls_chunks_add(cls_chunk_pool *pool, cls_chunk_list *list, uint32_t n,
                                        uint32_t **at) {
  if (__builtin_expect(!list->last || list->n + n > pool->words, 0))
    CLS_TRY(cls_chunks_append(pool, list, n));
  *at = list->last->word + list->n;
  list->n += n;
  return CLS_OK;
}
/* Words in a chunk of the list. */
static inline uint32_t cls_chunks_n(const cls_chunk_list *list, const cls_chunk *chunk) {
  return chunk == list->last ? list->n : chunk->n;
}
/* Gives the first chunk back to the pool. */
static inline void cls_chunks_drop_first(cls_chunk_pool *pool, cls_chunk_list *list) {
  cls_chunk *chunk = list->first;
  list->first = chunk->next;
  if (!list->first) *list = (cls_chunk_list){0};
  chunk->next = pool->free;
  pool->free = chunk;
}

#endif
