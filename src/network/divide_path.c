/* One place of many divisions at once: what a single row needs of the trees of all its target cells. Bits are counted in
 * vectors, level by level. */
#include "base/philox.h"
#include "network/internal.h"

#if defined(__x86_64__) && !defined(CALLOSUM_NO_CLONES)
#define PATH_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define PATH_CLONES
#endif

/* The set ones of the first `n` bits of a word. */
static inline uint32_t count_first(uint32_t word, int32_t n) {
  return cls_popcount(word & (n >= 32 ? UINT32_MAX : n <= 0 ? 0 : (1u << n) - 1));
}

/* Adds to left[i] the ones among the bits of block `block` that belong to count[i]. */
PATH_CLONES static void count_block(const uint32_t (*restrict word)[CLS_DRAW_BATCH],
                                    const uint32_t *restrict count, int block, int n,
                                    uint32_t *restrict left) {
  for (int i = 0; i < n; i++) {
    const int32_t bits = (int32_t)count[i] - block * 128;
    left[i] += count_first(word[0][i], bits) + count_first(word[1][i], bits - 32) +
               count_first(word[2][i], bits - 64) + count_first(word[3][i], bits - 96);
  }
}

/* The nodes being followed: those whose count is not settled yet. */
typedef struct {
  int n;
  uint32_t place[CLS_DRAW_BATCH]; /* of the caller's arrays */
  uint32_t context[CLS_DRAW_BATCH], count[CLS_DRAW_BATCH], left[CLS_DRAW_BATCH];
} path;

/* Takes out nodes that deal, or that the general sampler divides. */
static void settle(path *p, cls_stream stream, uint32_t lo, uint32_t hi, uint32_t place, uint32_t *count) {
  int kept = 0;
  for (int i = 0; i < p->n; i++) {
    const uint32_t n = p->count[i], to = p->place[i];
    if (n == 0) continue;
    if (n <= CLS_DIVIDE_FEW || n > CLS_DIVIDE_MANY) {
      const cls_division d = {
          .stream = stream, .context = p->context[i], .first = lo, .n = hi - lo, .each = 1, .last = 1};
      count[to] = (uint32_t)cls_divide_place(&d, lo, hi, n, place);
      continue;
    }
    p->place[kept] = to;
    p->context[kept] = p->context[i];
    p->count[kept++] = n;
  }
  p->n = kept;
}

static void halve(path *p, cls_stream stream, uint32_t lo, uint32_t hi) {
  uint32_t first[CLS_DRAW_BATCH], last[CLS_DRAW_BATCH], word[4][CLS_DRAW_BATCH], most = 0;
  uint32_t *const to[4] = {word[0], word[1], word[2], word[3]};
  for (int i = 0; i < p->n; i++) {
    first[i] = lo;
    last[i] = hi;
    p->left[i] = 0;
    most = p->count[i] > most ? p->count[i] : most;
  }
  for (int block = 0; (uint32_t)block * 128 < most; block++) {
    cls_draw_many(stream, first, last, p->context, (uint32_t)block, p->n, to);
    count_block((const uint32_t(*)[CLS_DRAW_BATCH])word, p->count, block, p->n, p->left);
  }
}

void cls_divide_path(cls_stream stream, uint32_t lo, uint32_t hi, uint32_t place, int n,
                     const uint32_t *context, uint32_t *count) {
  path p = {.n = n};
  for (int i = 0; i < n; i++) {
    p.place[i] = (uint32_t)i;
    p.context[i] = context[i];
    p.count[i] = count[i];
    count[i] = 0;
  }
  while (hi - lo > 1) {
    const uint32_t middle = lo + (hi - lo) / 2;
    settle(&p, stream, lo, hi, place, count);
    if (p.n == 0) return;
    halve(&p, stream, lo, hi);
    for (int i = 0; i < p.n; i++) p.count[i] = place < middle ? p.left[i] : p.count[i] - p.left[i];
    if (place < middle)
      hi = middle;
    else
      lo = middle;
  }
  for (int i = 0; i < p.n; i++) count[p.place[i]] = p.count[i];
}
