/* As in noise.c every counter word stays in the low half of a 64-bit lane, where one instruction multiplies and
 * the high half of a product needs one shift. Here counters are given one by one. */
#include "base/philox.h"

#include <string.h>

static void draw_plain(cls_stream stream, const uint32_t *c0, const uint32_t *c1, const uint32_t *c2,
                       uint32_t c3, int n, uint32_t *const word[4]) {
  for (int i = 0; i < n; i++) {
    cls_words w = cls_draw(stream, c0[i], c1[i], c2[i], c3);
    for (int k = 0; k < 4; k++) word[k][i] = w.w[k];
  }
}

#if defined(__x86_64__) && (!defined(CALLOSUM_NO_CLONES) || defined(__AVX2__))
#include "base/philox_lanes.h"
#include <immintrin.h>
#define HAVE_VECTORS 1

#if !defined(CALLOSUM_NO_CLONES) || defined(__AVX512F__)
enum { WIDE = 16 };
#define TYPE          __m512i
#define OP(name)      _mm512_##name
#define XOR3(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0x96)
#define LOAD(p)       _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(p)))
#define STORE(p, v)   _mm256_storeu_si256((__m256i *)(p), _mm512_cvtepi64_epi32(v))
/* n: a multiple of WIDE. */
__attribute__((target("avx512f"))) static void draw_avx512(cls_stream stream, const uint32_t *c0,
                                                           const uint32_t *c1, const uint32_t *c2,
                                                           uint32_t c3, int n, uint32_t *const word[4]) {
  const __m512i m0 = _mm512_set1_epi64(PHILOX_M4x32_0), m1 = _mm512_set1_epi64(PHILOX_M4x32_1);
  for (int i = 0; i < n; i += WIDE) {
    __m512i a0 = LOAD(c0 + i), a1 = LOAD(c1 + i), a2 = LOAD(c2 + i), a3 = _mm512_set1_epi64(c3);
    __m512i b0 = LOAD(c0 + i + 8), b1 = LOAD(c1 + i + 8), b2 = LOAD(c2 + i + 8), b3 = a3;
    uint32_t key0 = stream.key[0], key1 = stream.key[1];
    for (int round = 0; round < 10; round++, key0 += PHILOX_W32_0, key1 += PHILOX_W32_1) {
      const __m512i k0 = _mm512_set1_epi64(key0), k1 = _mm512_set1_epi64(key1);
      ROUND(a0, a1, a2, a3)
      ROUND(b0, b1, b2, b3)
    }
    STORE(word[0] + i, a0);
    STORE(word[0] + i + 8, b0);
    STORE(word[1] + i, a1);
    STORE(word[1] + i + 8, b1);
    STORE(word[2] + i, a2);
    STORE(word[2] + i + 8, b2);
    STORE(word[3] + i, a3);
    STORE(word[3] + i + 8, b3);
  }
}
#undef TYPE
#undef OP
#undef XOR3
#undef LOAD
#undef STORE
#endif

#if !defined(CALLOSUM_NO_CLONES) || !defined(__AVX512F__)
enum { NARROW = 8 };
#define TYPE          __m256i
#define OP(name)      _mm256_##name
#define XOR3(a, b, c) _mm256_xor_si256(_mm256_xor_si256(a, b), c)
#define LOAD(p)       _mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(p)))
/* The low halves of two vectors of four lanes, in order. */
__attribute__((target("avx2"))) static inline void store_low(uint32_t *word, __m256i a, __m256i b) {
  const __m256i even = _mm256_set_epi32(7, 5, 3, 1, 6, 4, 2, 0);
  a = _mm256_permutevar8x32_epi32(a, even);
  b = _mm256_permutevar8x32_epi32(b, even);
  _mm256_storeu_si256((__m256i *)word, _mm256_permute2x128_si256(a, b, 0x20));
}
/* n: a multiple of NARROW. */
__attribute__((target("avx2"))) static void draw_avx2(cls_stream stream, const uint32_t *c0,
                                                      const uint32_t *c1, const uint32_t *c2, uint32_t c3,
                                                      int n, uint32_t *const word[4]) {
  const __m256i m0 = _mm256_set1_epi64x(PHILOX_M4x32_0), m1 = _mm256_set1_epi64x(PHILOX_M4x32_1);
  for (int i = 0; i < n; i += NARROW) {
    __m256i a0 = LOAD(c0 + i), a1 = LOAD(c1 + i), a2 = LOAD(c2 + i), a3 = _mm256_set1_epi64x(c3);
    __m256i b0 = LOAD(c0 + i + 4), b1 = LOAD(c1 + i + 4), b2 = LOAD(c2 + i + 4), b3 = a3;
    uint32_t key0 = stream.key[0], key1 = stream.key[1];
    for (int round = 0; round < 10; round++, key0 += PHILOX_W32_0, key1 += PHILOX_W32_1) {
      const __m256i k0 = _mm256_set1_epi64x(key0), k1 = _mm256_set1_epi64x(key1);
      ROUND(a0, a1, a2, a3)
      ROUND(b0, b1, b2, b3)
    }
    store_low(word[0] + i, a0, b0);
    store_low(word[1] + i, a1, b1);
    store_low(word[2] + i, a2, b2);
    store_low(word[3] + i, a3, b3);
  }
}
#endif

typedef void (*draw_function)(cls_stream stream, const uint32_t *c0, const uint32_t *c1, const uint32_t *c2,
                              uint32_t c3, int n, uint32_t *const word[4]);

/* Whole vectors where they are; what is left over through a padded copy. */
static void draw_padded(draw_function draw, int width, cls_stream stream, const uint32_t *c0,
                        const uint32_t *c1, const uint32_t *c2, uint32_t c3, int n, uint32_t *const word[4]) {
  const int whole = n / width * width;
  const size_t left = (size_t)(n - whole) * sizeof(uint32_t);
  draw(stream, c0, c1, c2, c3, whole, word);
  if (left == 0) return;
  uint32_t c[3][16] = {{0}}, w[4][16];
  uint32_t *const to[4] = {w[0], w[1], w[2], w[3]};
  memcpy(c[0], c0 + whole, left);
  memcpy(c[1], c1 + whole, left);
  memcpy(c[2], c2 + whole, left);
  draw(stream, c[0], c[1], c[2], c3, width, to);
  for (int k = 0; k < 4; k++) memcpy(word[k] + whole, w[k], left);
}
#endif

void cls_draw_many(cls_stream stream, const uint32_t *c0, const uint32_t *c1, const uint32_t *c2, uint32_t c3,
                   int n, uint32_t *const word[4]) {
#ifdef HAVE_VECTORS
#if !defined(CALLOSUM_NO_CLONES)
  if (__builtin_cpu_supports("avx512f")) {
    draw_padded(draw_avx512, WIDE, stream, c0, c1, c2, c3, n, word);
    return;
  }
  if (__builtin_cpu_supports("avx2")) {
    draw_padded(draw_avx2, NARROW, stream, c0, c1, c2, c3, n, word);
    return;
  }
#elif defined(__AVX512F__)
  draw_padded(draw_avx512, WIDE, stream, c0, c1, c2, c3, n, word);
  return;
#else
  draw_padded(draw_avx2, NARROW, stream, c0, c1, c2, c3, n, word);
  return;
#endif
#endif
  draw_plain(stream, c0, c1, c2, c3, n, word);
}
