/* Random numbers without state: Philox4x32-10 (Salmon et al., SC 2011; Random123) keyed by seed and purpose
 * and counted by what is drawn, so any rank can draw any number in any order. */
#ifndef CALLOSUM_RANDOM_H
#define CALLOSUM_RANDOM_H

#include "base/base.h"
#include "base/math.h"
/* Philox has no use for intrinsics, whose headers would take most of the time in which a file is compiled. */
#ifndef R123_USE_SSE
#define R123_USE_SSE 0
#endif
#include <Random123/philox.h>

/* What a number is drawn for. Values are part of the reproducibility promise: never renumber. */
typedef enum {
  CLS_PURPOSE_CONNECT = 1,    /* synapses of a projection: partner, weights, delay */
  CLS_PURPOSE_COUNT = 2,      /* numbers of synapses per cell */
  CLS_PURPOSE_PARAMETER = 3,  /* per-neuron parameters */
  CLS_PURPOSE_INITIAL = 4,    /* initial states */
  CLS_PURPOSE_NOISE = 5,      /* background noise, per (neuron, step) */
  CLS_PURPOSE_GENERATOR = 6,  /* synthetic connectomes */
  CLS_PURPOSE_SAMPLE = 7,     /* which neurons statistics look at */
  CLS_PURPOSE_POSITION = 8,   /* where neurons are */
  CLS_PURPOSE_ROW = 9,        /* numbers of synapses per neuron of a cell */
  CLS_PURPOSE_ANALYSIS = 10,  /* perturbed observations, rotations */
  CLS_PURPOSE_ASSIMILATE = 11 /* hyperparameters: priors, process, and truths of twins */
} cls_purpose;

/* A key: 64 bits made of seed, purpose and salt (the hash of a population's or projection's name). */
typedef struct {
  uint32_t key[2];
} cls_stream;
/* Four independent, uniform 32-bit words. */
typedef struct {
  uint32_t w[4];
} cls_words;

static inline cls_stream cls_stream_make(uint64_t seed, cls_purpose purpose, uint64_t salt) {
  uint64_t k = cls_mix64(cls_mix64(cls_mix64(seed) ^ (uint64_t)purpose) ^ salt);
  return (cls_stream){{(uint32_t)k, (uint32_t)(k >> 32)}};
}
CLS_FN cls_words cls_draw(cls_stream stream, uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3) {
  philox4x32_ctr_t c = {{c0, c1, c2, c3}};
  philox4x32_key_t k = {{stream.key[0], stream.key[1]}};
  philox4x32_ctr_t r = philox4x32(c, k);
  return (cls_words){{r.v[0], r.v[1], r.v[2], r.v[3]}};
}
/* Uniform in the open interval (0, 1): the midpoint of one of 2^32 equal cells. */
CLS_FN double cls_unit(uint32_t word) { return ((double)word + 0.5) * 0x1p-32; }
/* Uniform integer in [0, n), n < 2^32: the high word of the product (bias below n / 2^32, the same
 * everywhere). */
CLS_FN uint32_t cls_below(uint32_t word, uint32_t n) { return (uint32_t)(((uint64_t)word * n) >> 32); }

/* A small sequential reader of one counter's words, for samplers that need an unknown number of them: words
 * come from the counters (c0, c1, c2, block) with block 0, 1, 2 ... */
typedef struct {
  cls_stream stream;
  uint32_t c[3], block;
  int left;
  cls_words words;
} cls_reader;
CLS_FN cls_reader cls_reader_make(cls_stream stream, uint32_t c0, uint32_t c1, uint32_t c2) {
  return (cls_reader){stream, {c0, c1, c2}, 0, 0, {{0}}};
}
CLS_FN uint32_t cls_read_word(cls_reader *r) {
  if (r->left == 0) {
    r->words = cls_draw(r->stream, r->c[0], r->c[1], r->c[2], r->block++);
    r->left = 4;
  }
  const int at = 4 - r->left--;
#ifdef __CUDA_ARCH__ /* registers have no index */
  return at == 0 ? r->words.w[0] : at == 1 ? r->words.w[1] : at == 2 ? r->words.w[2] : r->words.w[3];
#else
  return r->words.w[at];
#endif
}
/* Uniform in the open interval (0, 1) with 52 random bits (two words): with 53 the last midpoint would round
 * to 1. */
CLS_FN double cls_read_unit(cls_reader *r) {
  uint64_t hi = cls_read_word(r), lo = cls_read_word(r);
  return ((double)(hi << 20 ^ lo >> 12) + 0.5) * 0x1p-52;
}

/* Exact discrete samplers (inversion where the mean is small, transformed rejection otherwise; sources in
 * random_define.h). They read as many words as they need and give the same answer on every machine. */
CLS_MATH uint64_t cls_read_binomial(cls_reader *r, uint64_t n, double p);
/* Successes among `draws` taken without replacement from `good` + `bad`. */
CLS_MATH uint64_t cls_read_hypergeometric(cls_reader *r, uint64_t good, uint64_t bad, uint64_t draws);

#ifdef __CUDACC__
#include "base/random_define.h"
#endif

#endif
