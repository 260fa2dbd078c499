/* Dividing a number of synapses among places with counter-keyed random splits.
 *
 * Synapses that fall on pairs of neurons uniformly and independently are multinomial over any places; a multinomial
 * is drawn by halving again and again, each half binomially. Without repetition (a sample of pairs) the halves
 * are hypergeometric. Every node of the tree draws from counters of its own, so that whoever needs some places
 * walks only the branches to them. The method is that of communication-free graph generation (Funke et al.
 * 2019, J. Parallel Distrib. Comput. 131, 200-217, sections 3 and 4).
 *
 * The left half of a node is the greatest power of two below its size: all nodes but those on the way to the last
 * place and to an odd one have halves of the same number of pairs. Those are drawn without any logarithm. */
#include "network/internal.h"

/* Up to so many synapses are dealt to the places of an even node one by one, 16 bits for each. */
enum { FEW = CLS_DIVIDE_FEW, FEW_PLACES = 1 << 16 };
/* Up to so many are divided by counting random bits. */
enum { MANY = CLS_DIVIDE_MANY };

typedef struct {
  const cls_division *division;
  uint32_t from, to; /* places asked for */
  cls_place_sink sink;
  void *context;
} walk;

/* Modulo 2^64, which the result stays below. */
static uint64_t pairs_in(const cls_division *d, uint32_t lo, uint32_t hi) {
  uint64_t pairs = d->each * (hi - lo);
  if (hi == d->first + d->n) pairs -= d->each - d->last;
  if (d->missing > 0 && lo <= d->odd && d->odd < hi) pairs -= d->missing;
  return pairs;
}

/* ---- even halves ---- */

/* Binomial (n, 1/2): how many of n random bits are set. */
static uint32_t count_bits(cls_reader *reader, uint32_t n) {
  uint32_t count = 0;
  for (; n >= 64; n -= 64) {
    uint64_t low = cls_read_word(reader), high = cls_read_word(reader);
    count += (uint32_t)__builtin_popcountll(high << 32 | low);
  }
  if (n == 0) return count;
  uint64_t bits = cls_read_word(reader);
  if (n > 32) bits |= (uint64_t)cls_read_word(reader) << 32;
  return count + (uint32_t)__builtin_popcountll(bits & ((1ull << n) - 1));
}

/* Hypergeometric: `draws` out of two halves of `half` pairs. A binomial proposal: hypergeometric over binomial
 * probabilities are in the ratio of (half falling k) (half falling draws - k), which is greatest in the middle;
 * d steps away from it the ratio to that is a product of d fractions. Of more draws than half of all pairs the
 * rest is drawn. */
static uint64_t halve_pairs(cls_reader *reader, uint64_t half, uint32_t draws) {
  const bool rest = draws > half;
  const uint32_t n = rest ? (uint32_t)(2 * half - draws) : draws;
  const uint32_t low = n / 2, high = n - low; /* the middle, or its two sides */
  for (;;) {
    uint32_t k = count_bits(reader, n), away = k < low ? low - k : k > high ? k - high : 0;
    double ratio = 1;
    if (high + away > half) continue;
    for (uint32_t j = 0; j < away; j++) ratio *= (double)(half - high - j) / (double)(half - low + 1 + j);
    if (away == 0 || cls_read_unit(reader) < ratio) return rest ? half - k : k;
  }
}

/* How many of `count` synapses on `left + right` pairs fall on the left ones. */
static uint64_t split(const cls_division *d, cls_reader *reader, uint64_t count, uint64_t left,
                      uint64_t right) {
  if (left == 0) return 0;
  if (right == 0) return count;
  if (left == right && count <= MANY)
    return d->distinct ? halve_pairs(reader, left, (uint32_t)count) : count_bits(reader, (uint32_t)count);
  if (!d->distinct) return cls_read_binomial(reader, count, (double)left / ((double)left + (double)right));
  return cls_read_hypergeometric(reader, left, right, count);
}

/* ---- few synapses ---- */

/* Deals `count` synapses to the places lo ... hi - 1 of an even node. Where pairs are distinct a place that has k
 * of its pairs taken is accepted with the share of them that is left. */
static cls_status deal(const walk *w, cls_reader *reader, uint32_t lo, uint32_t hi, uint32_t count) {
  uint32_t place[FEW], word = 0;
  const double each = (double)w->division->each;
  const int shift = 16 - __builtin_ctz(hi - lo);
  bool half = false; /* is left of `word` */
  for (uint32_t n = 0; n < count;) {
    word = half ? word >> 16 : cls_read_word(reader);
    half = !half;
    uint32_t at = lo + ((word & 0xffff) >> shift), taken = 0, i = n;
    for (uint32_t j = 0; j < n; j++) taken += place[j] == at;
    if (taken > 0 && w->division->distinct && cls_read_unit(reader) * each < taken) continue;
    for (; i > 0 && place[i - 1] > at; i--) place[i] = place[i - 1];
    place[i] = at;
    n++;
  }
  for (uint32_t i = 0, k; i < count; i = k) {
    for (k = i; k < count && place[k] == place[i]; k++) {
    }
    if (place[i] >= w->from && place[i] < w->to) CLS_TRY(w->sink(w->context, place[i], k - i));
  }
  return CLS_OK;
}

/* ---- the tree ---- */

static cls_status visit(const walk *w, uint32_t lo, uint32_t hi, uint64_t count) {
  const cls_division *d = w->division;
  if (count == 0 || hi <= w->from || lo >= w->to) return CLS_OK;
  if (hi - lo == 1 || hi - lo <= d->grain) return w->sink(w->context, lo, count);
  const uint32_t size = hi - lo, left_size = 1u << (31 - __builtin_clz(size - 1));
  const bool even = (size & (size - 1)) == 0 && pairs_in(d, lo, hi) == d->each * size;
  cls_reader reader = cls_reader_make(d->stream, lo, hi, d->context);
  if (even && count <= FEW && size <= FEW_PLACES) return deal(w, &reader, lo, hi, (uint32_t)count);
  const uint32_t middle = lo + left_size;
  uint64_t left = split(d, &reader, count, pairs_in(d, lo, middle), pairs_in(d, middle, hi));
  CLS_TRY(visit(w, lo, middle, left));
  return visit(w, middle, hi, count - left);
}

cls_status cls_divide(const cls_division *division, uint64_t count, uint32_t from, uint32_t to,
                      cls_place_sink sink, void *context) {
  walk w = {division, from, to, sink, context};
  return visit(&w, division->first, division->first + division->n, count);
}

/* A node with more than FEW synapses has no ancestor that dealt its own. */
cls_status cls_divide_below(const cls_division *division, uint32_t lo, uint32_t hi, uint64_t count,
                            uint32_t from, uint32_t to, cls_place_sink sink, void *context) {
  walk w = {division, from, to, sink, context};
  return visit(&w, lo, hi, count);
}
