/* Blocks: how populations are cut into what is placed on ranks. */
#include <stdlib.h>

#include "network/network.h"

/* A block must fit a shard, whose targets have 16-bit addresses. */
enum { BLOCK_LEAST = 64, BLOCK_MOST = 65536, BLOCKS_PER_PART = 32 };

/* The largest power of two that gives about BLOCKS_PER_PART blocks to each part. */
static uint32_t block_size(uint64_t neurons, int parts) {
  uint64_t wanted = neurons / ((uint64_t)parts * BLOCKS_PER_PART);
  uint32_t size = BLOCK_LEAST;
  while (size < BLOCK_MOST && 2ull * size <= wanted) size *= 2;
  return size;
}

static cls_status fill(const cls_network *network, uint32_t size, cls_placement *placement) {
  uint64_t blocks = 0;
  for (uint32_t p = 0; p < network->n_populations; p++)
    blocks += (network->populations[p].n + size - 1) / size;
  CLS_CHECK(blocks <= UINT32_MAX, CLS_ERR_LIMIT, "network '%s' has %llu blocks of %u neurons: at most %u",
            network->name, (unsigned long long)blocks, size, UINT32_MAX);
  CLS_TRY(cls_alloc(&placement->blocks, blocks, sizeof *placement->blocks, "blocks"));
  CLS_TRY(cls_alloc(&placement->owner, blocks, sizeof *placement->owner, "owners of blocks"));
  CLS_TRY(cls_alloc(&placement->population_first, (size_t)network->n_populations + 1,
                    sizeof *placement->population_first, "first blocks"));
  uint32_t b = 0;
  for (uint32_t p = 0; p < network->n_populations; p++) {
    placement->population_first[p] = b;
    uint64_t n = network->populations[p].n;
    for (uint64_t first = 0; first < n; first += size) {
      uint64_t left = n - first;
      placement->blocks[b++] = (cls_block){p, (uint32_t)first, left < size ? (uint32_t)left : size};
    }
  }
  placement->population_first[network->n_populations] = b;
  placement->n_blocks = b;
  return CLS_OK;
}

cls_status cls_placement_create(const cls_network *network, int ranks, int parts, cls_placement **placement) {
  *placement = NULL;
  CLS_CHECK(ranks >= 1 && parts >= ranks, CLS_ERR_INTERNAL, "a placement on %d ranks and %d parts", ranks,
            parts);
  cls_placement *made;
  CLS_TRY(cls_alloc(&made, 1, sizeof *made, "placement"));
  made->ranks = ranks;
  cls_status status = fill(network, block_size(network->n_neurons, parts), made);
  if (status != CLS_OK) {
    cls_placement_destroy(made);
    return status;
  }
  *placement = made;
  return CLS_OK;
}

void cls_placement_destroy(cls_placement *placement) {
  if (!placement) return;
  free(placement->blocks);
  free(placement->owner);
  free(placement->population_first);
  free(placement);
}

uint32_t cls_placement_block_of(const cls_placement *placement, uint32_t population, uint64_t index) {
  uint32_t first = placement->population_first[population];
  /* Every block of a population but the last has the size of its first. */
  return first + (uint32_t)(index / placement->blocks[first].n);
}
