#include "engine/sources.h"
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

cls_status cls_sources_create(cls_sources **sources) {
  cls_sources *s = NULL;
  CLS_TRY(cls_alloc(&s, 1, sizeof *s, "sources"));
  *sources = s;
  s->capacity = FIRST_CAPACITY;
  CLS_TRY(cls_alloc(&s->key, s->capacity, sizeof *s->key, "pages of sources"));
  return cls_alloc(&s->index, s->capacity, sizeof *s->index, "pages of sources");
}

void cls_sources_destroy(cls_sources *sources) {
  if (!sources) return;
  free(sources->key);
  free(sources->index);
  free(sources->bits);
  free(sources->base);
  free(sources->dense);
  free(sources->neuron);
  free(sources);
}

static uint32_t place_of(const cls_sources *s, uint64_t page) {
  uint32_t at = (uint32_t)cls_mix64(page) & (s->capacity - 1);
  while (s->key[at] != 0 && s->key[at] != page + 1) at = (at + 1) & (s->capacity - 1);
  return at;
}

uint32_t cls_sources_page(const cls_sources *sources, uint64_t page) {
  uint32_t at = place_of(sources, page);
  return sources->key[at] ? sources->index[at] : UINT32_MAX;
}

static cls_status rehash(cls_sources *s) {
  uint64_t *key = s->key;
  uint32_t *index = s->index, old = s->capacity;
  s->capacity *= 2;
  s->key = NULL;
  s->index = NULL;
  cls_status status = cls_alloc(&s->key, s->capacity, sizeof *s->key, "pages of sources");
  if (status == CLS_OK) status = cls_alloc(&s->index, s->capacity, sizeof *s->index, "pages of sources");
  for (uint32_t i = 0; status == CLS_OK && i < old; i++) {
    if (!key[i]) continue;
    uint32_t at = place_of(s, key[i] - 1);
    s->key[at] = key[i];
    s->index[at] = index[i];
  }
  free(key);
  free(index);
  return status;
}

/* Bits of a page, made where it is new. */
static cls_status page_bits(cls_sources *s, uint64_t page, uint64_t **bits) {
  uint32_t at = place_of(s, page);
  if (!s->key[at]) {
    if (2 * (s->n_pages + 1) > s->capacity) {
      CLS_TRY(rehash(s));
      at = place_of(s, page);
    }
    CLS_TRY(cls_grow(&s->bits, &s->page_capacity, s->n_pages + 1ul, sizeof *s->bits, "pages of sources"));
    memset(s->bits[s->n_pages], 0, sizeof *s->bits);
    s->key[at] = page + 1;
    s->index[at] = s->n_pages++;
  }
  *bits = s->bits[s->index[at]];
  return CLS_OK;
}

cls_status cls_sources_add(cls_sources *sources, uint64_t neuron) {
  uint64_t *bits;
  CLS_TRY(page_bits(sources, neuron / CLS_PAGE, &bits));
  bits[neuron % CLS_PAGE / 64] |= 1ull << neuron % 64;
  return CLS_OK;
}

cls_status cls_sources_add_range(cls_sources *sources, uint64_t first, uint64_t n) {
  for (uint64_t i = first; i < first + n;) {
    uint64_t *bits;
    CLS_TRY(page_bits(sources, i / CLS_PAGE, &bits));
    do {
      bits[i % CLS_PAGE / 64] |= 1ull << i % 64;
      i++;
    } while (i < first + n && i % CLS_PAGE != 0);
  }
  return CLS_OK;
}

cls_status cls_sources_merge(cls_sources *into, const cls_sources *from) {
  for (uint32_t at = 0; at < from->capacity; at++) {
    if (!from->key[at]) continue;
    uint64_t *bits;
    CLS_TRY(page_bits(into, from->key[at] - 1, &bits));
    for (int w = 0; w < CLS_PAGE / 64; w++) bits[w] |= from->bits[from->index[at]][w];
  }
  return CLS_OK;
}

static int ascending(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

cls_status cls_sources_finish(cls_sources *sources) {
  cls_sources *s = sources;
  uint64_t *page = NULL, total = 0;
  CLS_TRY(cls_alloc(&page, s->n_pages, sizeof *page, "pages of sources"));
  uint32_t n = 0;
  for (uint32_t at = 0; at < s->capacity; at++)
    if (s->key[at]) page[n++] = s->key[at] - 1;
  qsort(page, n, sizeof *page, ascending);
  for (uint32_t i = 0; i < n; i++)
    for (int w = 0; w < CLS_PAGE / 64; w++) total += (uint64_t)__builtin_popcountll(s->bits[i][w]);
  cls_status status = CLS_OK;
  if (total >= UINT32_MAX)
    status =
        cls_fail(CLS_ERR_LIMIT, "this rank receives from %llu neurons: the limit is 2^32 - 2; use more ranks",
                 (unsigned long long)total);
  if (status == CLS_OK) status = cls_alloc(&s->base, n, sizeof *s->base, "slots of sources");
  if (status == CLS_OK) status = cls_alloc(&s->dense, n, sizeof *s->dense, "slots of sources");
  if (status == CLS_OK) status = cls_alloc(&s->neuron, total, sizeof *s->neuron, "sources");
  for (uint32_t i = 0; status == CLS_OK && i < n; i++) {
    uint32_t index = cls_sources_page(s, page[i]);
    s->base[index] = s->n;
    while (s->dense[index] < CLS_PAGE && s->bits[index][s->dense[index] / 64] >> s->dense[index] % 64 & 1)
      s->dense[index]++;
    for (uint32_t bit = 0; bit < CLS_PAGE; bit++)
      if (s->bits[index][bit / 64] >> bit % 64 & 1) s->neuron[s->n++] = page[i] * CLS_PAGE + bit;
  }
  free(page);
  return status;
}

size_t cls_sources_bytes(const cls_sources *s) {
  return s->capacity * (sizeof *s->key + sizeof *s->index) + s->page_capacity * sizeof *s->bits +
         s->n_pages * (sizeof *s->base + sizeof *s->dense) + s->n * sizeof *s->neuron;
}
