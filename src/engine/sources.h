/* The neurons, here or elsewhere, that a rank has synapses from. Each gets a slot: its position in global
 * order.
 *
 * The set grows with what the rank receives from, not with the network: neurons are grouped into pages of
 * 1,024 and a hash table holds the pages that occur, with one bit per neuron. */
#ifndef CALLOSUM_SOURCES_H
#define CALLOSUM_SOURCES_H

#include "base/base.h"

enum { CLS_PAGE = 1024 };

typedef struct {
  uint64_t *key;   /* hash table: page number + 1, 0: empty; `capacity` a power of two */
  uint32_t *index; /* position of the page in bits, base */
  uint32_t capacity, n_pages;
  uint64_t (*bits)[CLS_PAGE / 64];
  size_t page_capacity;
  /* After cls_sources_finish: */
  uint32_t *base;   /* slot of the first neuron of each page */
  uint16_t *dense;  /* neurons at the beginning of each page before the first that is not in the set */
  uint64_t *neuron; /* by slot, ascending */
  uint32_t n;
} cls_sources;

cls_status cls_sources_create(cls_sources **sources);
void cls_sources_destroy(cls_sources *sources);
cls_status cls_sources_add(cls_sources *sources, uint64_t neuron);
cls_status cls_sources_add_range(cls_sources *sources, uint64_t first, uint64_t n);
cls_status cls_sources_merge(cls_sources *into, const cls_sources *from);
/* Numbers the slots. CLS_ERR_LIMIT above 2^32 - 2 sources. */
cls_status cls_sources_finish(cls_sources *sources);
/* Position of a page in bits, UINT32_MAX where it does not occur. */
uint32_t cls_sources_page(const cls_sources *sources, uint64_t page);
size_t cls_sources_bytes(const cls_sources *sources);

/* Slot of a neuron whose page is at `index`; the neuron must be in the set. */
static inline uint32_t cls_sources_slot_in(const cls_sources *s, uint32_t index, uint64_t neuron) {
  uint32_t bit = (uint32_t)(neuron % CLS_PAGE), slot = s->base[index];
  if (bit < s->dense[index]) return slot + bit; /* most often where most neurons are sources */
  const uint64_t *bits = s->bits[index];
  for (uint32_t w = 0; w < bit / 64; w++) slot += (uint32_t)__builtin_popcountll(bits[w]);
  return slot + (uint32_t)__builtin_popcountll(bits[bit / 64] & ((1ull << (bit % 64)) - 1));
}

/* Looks up slots of neurons one after the other, most often of the same page. */
typedef struct {
  const cls_sources *sources;
  uint64_t page; /* looked up last, and where it is */
  uint32_t index;
} cls_slot_finder;
static inline cls_slot_finder cls_slot_finder_make(const cls_sources *sources) {
  return (cls_slot_finder){sources, UINT64_MAX, 0};
}
static inline uint32_t cls_slot_of(cls_slot_finder *finder, uint64_t neuron) {
  const uint64_t page = neuron / CLS_PAGE;
  if (page != finder->page) {
    finder->page = page;
    finder->index = cls_sources_page(finder->sources, page);
  }
  return cls_sources_slot_in(finder->sources, finder->index, neuron);
}

#endif
