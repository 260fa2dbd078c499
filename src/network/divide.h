/* Dividing a number of synapses among places with counter-keyed random splits: one node of the tree, for CPU and GPU.
 *
 * Synapses that fall on pairs of neurons uniformly and independently are multinomial over any places; a multinomial
 * is drawn by halving again and again, each half binomially. Without repetition (a sample of pairs) the halves
 * are hypergeometric. Every node of the tree draws from counters of its own, so that whoever needs some places
 * walks only the branches to them. The method is that of communication-free graph generation (Funke et al.
 * 2019, J. Parallel Distrib. Comput. 131, 200-217, sections 3 and 4).
 *
 * The left half of a node is the greatest power of two below its size: all nodes but those on the way to the last
 * place and to an odd one have halves of the same number of pairs. Those are drawn without any logarithm. */
#ifndef CALLOSUM_NETWORK_DIVIDE_H
#define CALLOSUM_NETWORK_DIVIDE_H

#include "base/random.h"

enum {
  CLS_DIVIDE_FEW =
      8, /* up to so many synapses are dealt to the places of an even node one by one, 16 bits for each */
  CLS_DIVIDE_PLACES = 1 << 16,
  CLS_DIVIDE_MANY = 1024 /* up to so many are divided by counting random bits */
};

/* Places among which synapses are divided, in proportion to the pairs of neurons they hold: places first ...
 * first + n - 1 hold `each` pairs, the last one `last`; place `odd` lacks `missing` of them. At most 2^62
 * pairs and synapses. */
typedef struct {
  cls_stream stream;
  uint32_t context; /* third counter: tells apart the divisions of one stream */
  bool distinct;    /* no pair has two synapses */
  uint32_t first, n;
  uint64_t each, last, missing;
  uint32_t odd;
  uint32_t
      grain; /* not divided further than into nodes of `grain` places, a power of two, for which their first place
                     stands; places dealt one by one come as they are. 0: every place */
} cls_division;

/* How many bits are set; how many zeros are before the first one of x > 0. */
CLS_FN uint32_t cls_popcount(uint32_t x) {
#ifdef __CUDA_ARCH__
  return (uint32_t)__popc(x);
#else
  x -= x >> 1 & 0x55555555u;
  x = (x & 0x33333333u) + (x >> 2 & 0x33333333u);
  x = (x + (x >> 4)) & 0x0f0f0f0fu;
  return (x * 0x01010101u) >> 24;
#endif
}
CLS_FN uint32_t cls_leading_zeros(uint32_t x) {
#ifdef __CUDA_ARCH__
  return (uint32_t)__clz((int)x);
#else
  return (uint32_t)__builtin_clz(x);
#endif
}

/* ---- nodes ---- */

/* Modulo 2^64, which the result stays below. */
CLS_FN uint64_t cls_node_pairs(const cls_division *d, uint32_t lo, uint32_t hi) {
  uint64_t pairs = d->each * (hi - lo);
  if (hi == d->first + d->n) pairs -= d->each - d->last;
  if (d->missing > 0 && lo <= d->odd && d->odd < hi) pairs -= d->missing;
  return pairs;
}

/* The first place of the right half of a node of two places or more. */
CLS_FN uint32_t cls_node_middle(uint32_t lo, uint32_t hi) {
  return lo + (1u << (31 - cls_leading_zeros(hi - lo - 1)));
}

/* Is its number of synapses dealt to its places one by one? */
CLS_FN bool cls_node_deals(const cls_division *d, uint32_t lo, uint32_t hi, uint64_t count) {
  const uint32_t size = hi - lo;
  return count <= CLS_DIVIDE_FEW && size <= CLS_DIVIDE_PLACES && (size & (size - 1)) == 0 &&
         cls_node_pairs(d, lo, hi) == d->each * size;
}

/* ---- even halves ---- */

/* Binomial (n, 1/2): how many of n random bits are set. */
CLS_FN uint32_t cls_count_bits(cls_reader *reader, uint32_t n) {
  uint32_t count = 0;
  for (; n >= 32; n -= 32) count += cls_popcount(cls_read_word(reader));
  if (n > 0) count += cls_popcount(cls_read_word(reader) & ((1u << n) - 1));
  return count;
}

/* Hypergeometric: `draws` out of two halves of `half` pairs. A binomial proposal: hypergeometric over binomial
 * probabilities are in the ratio of (half falling k) (half falling draws - k), which is greatest in the middle;
 * d steps away from it the ratio to that is a product of d fractions. Of more draws than half of all pairs the
 * rest is drawn. */
CLS_FN uint64_t cls_halve_pairs(cls_reader *reader, uint64_t half, uint32_t draws) {
  const bool rest = draws > half;
  const uint32_t n = rest ? (uint32_t)(2 * half - draws) : draws;
  const uint32_t low = n / 2, high = n - low; /* the middle, or its two sides */
  for (;;) {
    uint32_t k = cls_count_bits(reader, n), away = k < low ? low - k : k > high ? k - high : 0;
    double ratio = 1;
    if (high + away > half) continue;
    for (uint32_t j = 0; j < away; j++) ratio *= (double)(half - high - j) / (double)(half - low + 1 + j);
    if (away == 0 || cls_read_unit(reader) < ratio) return rest ? half - k : k;
  }
}

/* ---- any halves ---- */

CLS_FN uint64_t cls_split_uneven(cls_stream stream, uint32_t lo, uint32_t hi, uint32_t context, bool distinct,
                                 uint64_t count, uint64_t left, uint64_t right) {
  cls_reader reader = cls_reader_make(stream, lo, hi, context);
  if (!distinct) return cls_read_binomial(&reader, count, (double)left / ((double)left + (double)right));
  return cls_read_hypergeometric(&reader, left, right, count);
}

/* How many of the `count` > 0 synapses of a node that does not deal fall on its left half [lo, middle). */
CLS_FN uint64_t cls_node_left(const cls_division *d, uint32_t lo, uint32_t middle, uint32_t hi,
                              uint64_t count) {
  const uint64_t left = cls_node_pairs(d, lo, middle), right = cls_node_pairs(d, middle, hi);
  if (left == 0) return 0;
  if (right == 0) return count;
  if (left != right || count > CLS_DIVIDE_MANY)
    return cls_split_uneven(d->stream, lo, hi, d->context, d->distinct, count, left, right);
  cls_reader reader = cls_reader_make(d->stream, lo, hi, d->context);
  return d->distinct ? cls_halve_pairs(&reader, left, (uint32_t)count)
                     : cls_count_bits(&reader, (uint32_t)count);
}

/* ---- few synapses ---- */

/* A list of at most CLS_DIVIDE_FEW places: how many of the first n are `at`; and the n-th set to it. On the GPU it lies in
 * registers, which have no index, and UINT32_MAX stands behind its end. */
CLS_FN uint32_t cls_few_count(const uint32_t place[CLS_DIVIDE_FEW], uint32_t n, uint32_t at) {
  uint32_t count = 0;
#ifdef __CUDA_ARCH__
#pragma unroll
  for (uint32_t i = 0; i < CLS_DIVIDE_FEW; i++) count += place[i] == at;
  (void)n;
#else
  for (uint32_t i = 0; i < n; i++) count += place[i] == at;
#endif
  return count;
}
CLS_FN void cls_few_put(uint32_t place[CLS_DIVIDE_FEW], uint32_t n, uint32_t at) {
#ifdef __CUDA_ARCH__
#pragma unroll
  for (uint32_t i = 0; i < CLS_DIVIDE_FEW; i++) place[i] = i == n ? at : place[i];
#else
  place[n] = at;
#endif
}

/* The places, in no order, of the synapses of a node that deals. Where pairs are distinct a place that has k of its pairs
 * taken is accepted with the share of them that is left. */
CLS_FN void cls_node_deal(const cls_division *d, uint32_t lo, uint32_t hi, uint32_t count,
                          uint32_t place[CLS_DIVIDE_FEW]) {
  const uint32_t shift = 16 - (31 - cls_leading_zeros(hi - lo));
  cls_reader reader = cls_reader_make(d->stream, lo, hi, d->context);
  uint32_t word = 0;
  bool half = false; /* is left of `word` */
#ifdef __CUDA_ARCH__
#pragma unroll
  for (uint32_t i = 0; i < CLS_DIVIDE_FEW; i++) place[i] = UINT32_MAX;
#endif
  for (uint32_t n = 0; n < count;) {
    word = half ? word >> 16 : cls_read_word(&reader);
    half = !half;
    const uint32_t at = lo + ((word & 0xffff) >> shift), taken = cls_few_count(place, n, at);
    if (taken > 0 && d->distinct && cls_read_unit(&reader) * (double)d->each < taken) continue;
    cls_few_put(place, n++, at);
  }
}

/* ---- one place ---- */

/* What `place` gets of the `count` synapses of a node [lo, hi), which no node above it has dealt: more than
 * CLS_DIVIDE_FEW of them, or all there are. */
CLS_FN uint64_t cls_divide_place(const cls_division *d, uint32_t lo, uint32_t hi, uint64_t count,
                                 uint32_t place) {
  while (count > 0 && hi - lo > 1) {
    if (cls_node_deals(d, lo, hi, count)) {
      uint32_t dealt[CLS_DIVIDE_FEW];
      cls_node_deal(d, lo, hi, (uint32_t)count, dealt);
      return cls_few_count(dealt, (uint32_t)count, place);
    }
    const uint32_t middle = cls_node_middle(lo, hi);
    const uint64_t left = cls_node_left(d, lo, middle, hi, count);
    if (place < middle) {
      hi = middle;
      count = left;
    } else {
      lo = middle;
      count -= left;
    }
  }
  return count;
}

#endif
