/* Noise for the hot path: Philox words for 64 neurons at a time, and the Gaussian of one word in float
 * arithmetic.
 *
 * Words belong to (member, neuron, step), never to a vector width: neuron i of a population takes word (i /
 * 16) % 4 of the counter ((i / 64) * 16 + i % 16, step low, step high, member). The 16 counters of 64 neurons
 * are independent lanes, which compilers turn into vectors of any width. */
#ifndef CALLOSUM_NOISE_H
#define CALLOSUM_NOISE_H

#include "base/math.h"

enum { CLS_NOISE_GROUP = 64 };

/* Philox4x32 of one counter with 7 rounds: the least that passes every test of BigCrush (Salmon et al., SC 2011, table
 * 2). Networks, parameters and initial values are drawn with the customary 10 (random.h); noise is drawn for every
 * neuron in every step, where three rounds less are a third less time. The rounds are written out, not a loop: gcc turns
 * a caller's loop over counters into vectors only when its body has no loop of its own (measured: 2.0 against .6 ns per
 * word). */
enum { CLS_NOISE_ROUNDS = 7 };
#define CLS_PHILOX_ROUND_                                                                                    \
  {                                                                                                          \
    uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;                               \
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;                       \
    c1 = (uint32_t)p1, c3 = (uint32_t)p0, c0 = n0, c2 = n2;                                                  \
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;                                                                    \
  }
CLS_FN void cls_philox(uint32_t k0, uint32_t k1, uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3,
                       uint32_t *out0, uint32_t *out1, uint32_t *out2, uint32_t *out3) {
  CLS_PHILOX_ROUND_ CLS_PHILOX_ROUND_ CLS_PHILOX_ROUND_ CLS_PHILOX_ROUND_;
  CLS_PHILOX_ROUND_ CLS_PHILOX_ROUND_ CLS_PHILOX_ROUND_;
  *out0 = c0;
  *out1 = c1;
  *out2 = c2;
  *out3 = c3;
}

/* The noise word of neuron i. `c3` is the member, or the member and a draw number (see poisson.h). */
CLS_FN uint32_t cls_noise_word(const uint32_t key[2], uint32_t i, uint32_t step_lo, uint32_t step_hi,
                               uint32_t c3) {
  uint32_t w0, w1, w2, w3;
  cls_philox(key[0], key[1], (i / 64) * 16 + i % 16, step_lo, step_hi, c3, &w0, &w1, &w2, &w3);
  const uint32_t which = i / 16 % 4; /* no array: a GPU cannot index registers */
  return which < 2 ? (which == 0 ? w0 : w1) : (which == 2 ? w2 : w3);
}

/* Half a noise word, where 16 bits are enough: neuron i takes half i % 2 (the low one first) of the word that is
 * neuron i / 2's above. An input uses either whole words or halves. */
CLS_FN uint32_t cls_noise_half(const uint32_t key[2], uint32_t i, uint32_t step_lo, uint32_t step_hi,
                               uint32_t c3) {
  return cls_noise_word(key, i / 2, step_lo, step_hi, c3) >> 16 * (i % 2) & 0xffff;
}

/* The words of neurons 64 * group ... 64 * group + 63. */
CLS_FN void cls_noise_group(const uint32_t key[2], uint32_t group, uint32_t step_lo, uint32_t step_hi,
                            uint32_t c3, uint32_t *__restrict__ word) {
  const uint32_t k0 = key[0], k1 = key[1];
  for (uint32_t lane = 0; lane < 16; lane++)
    cls_philox(k0, k1, group * 16 + lane, step_lo, step_hi, c3, &word[lane], &word[16 + lane],
               &word[32 + lane], &word[48 + lane]);
}

/* The words of neurons 64 * group ... 64 * (group + n_groups) - 1, by the fastest instructions this processor
 * has; the same words as cls_noise_group. CPU only. */
void cls_noise_fill(const uint32_t key[2], uint32_t group, int n_groups, uint32_t step_lo, uint32_t step_hi,
                    uint32_t c3, uint32_t *word);

/* Standard normal quantile of (word + 1/2) / 2^32 in float arithmetic, absolute error below 1.2e-6; odd about
 * the middle. With t the smaller tail and r = sqrt(-2 ln t), the quantile is a smooth function of r: one
 * polynomial of degree 13 in (r - 4) / 2.8 over the whole range (minimax fit of our own, 4.1e-7), no branch.
 * ln t from exponent and mantissa, ln(1 + f) = f + f^2 Q(f) with Q of degree 7. */
CLS_FN float cls_gauss(uint32_t word) {
  uint32_t tail = (word & 0x80000000u) ? ~word : word;
  float t = ((float)(int32_t)tail + 0.5f) * 0x1p-32f;
  int32_t bits, mantissa;
  memcpy(&bits, &t, sizeof bits);
  int32_t exponent = (bits - 0x3f400000) >> 23; /* mantissa in [.75, 1.5) */
  mantissa = bits - exponent * (1 << 23);
  float f;
  memcpy(&f, &mantissa, sizeof f);
  f -= 1.0f;
  float q = 0.0541324391f;
  q = fmaf(q, f, -0.1206736416f);
  q = fmaf(q, f, 0.1498391628f);
  q = fmaf(q, f, -0.1682281196f);
  q = fmaf(q, f, 0.1997707784f);
  q = fmaf(q, f, -0.2499344200f);
  q = fmaf(q, f, 0.3333354890f);
  q = fmaf(q, f, -0.5000005960f);
  float ln = fmaf((float)exponent, 0.693147181f, fmaf(f * f, q, f));
  float s = (sqrtf(-2.0f * ln) - 4.0f) * (1.0f / 2.8f);
  float z = 0.004621434957f;
  z = fmaf(z, s, -0.004627880640f);
  z = fmaf(z, s, -0.008523012511f);
  z = fmaf(z, s, 0.005218926352f);
  z = fmaf(z, s, 0.012944212183f);
  z = fmaf(z, s, -0.010734022595f);
  z = fmaf(z, s, 0.003368210280f);
  z = fmaf(z, s, -0.011758741923f);
  z = fmaf(z, s, 0.024902408943f);
  z = fmaf(z, s, -0.041308905929f);
  z = fmaf(z, s, 0.072459332645f);
  z = fmaf(z, s, -0.133482322097f);
  z = fmaf(z, s, 3.061513662338f);
  z = fmaf(z, s, 3.401192426682f);
  return (word & 0x80000000u) ? z : -z;
}

#endif
