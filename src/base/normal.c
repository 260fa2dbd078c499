/* Quantiles of the standard normal distribution, one by one (normal_define.h) and many at once, with the same bits. */
#include "base/normal.h"
#include "base/normal_define.h"

#if defined(__x86_64__) && !defined(CALLOSUM_NO_CLONES)
#define NORMAL_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define NORMAL_CLONES
#endif

/* The first and the last word of the centre. */
#define CENTRE_FIRST 322122547u
#define CENTRE_LAST  3972844748u

/* ---- many at once ---- */

enum { BLOCK = 512 };

/* The centre's function of every word, whether it is the centre's or not. */
NORMAL_CLONES static void centre_block(const uint32_t *restrict word, int n, double *restrict z) {
  for (int i = 0; i < n; i++) z[i] = cls_quantile_centre(cls_unit(word[i]) - 0.5);
}

/* The tail of cls_normal_quantile() with cls_ln() of a normal number below 1/2 written out. */
NORMAL_CLONES static void tail_block(const uint32_t *restrict word, int n, double *restrict z) {
  for (int i = 0; i < n; i++) {
    double u = cls_unit(word[i]), q = u - 0.5, p = q < 0 ? u : 1 - u;
    uint64_t shifted = cls_bits_of(p) + (CLS_ONE - CLS_SQRT_HALF);
    double k = (double)((int32_t)(shifted >> 52) - 1023);
    double f = cls_from_bits((shifted & CLS_MANTISSA) + CLS_SQRT_HALF) - 1;
    double s = f / (2 + f), half = 0.5 * f * f, correction = s * (half + cls_artanh_tail(s * s));
    double ln = k * CLS_LN2_HIGH - ((half - (correction + k * CLS_LN2_LOW)) - f);
    double x = cls_quantile_near(sqrt(-ln));
    z[i] = q < 0 ? -x : x;
  }
}

void cls_normal_many(const uint32_t *word, int n, double *z) {
  uint32_t tail[BLOCK], at[BLOCK];
  double far[BLOCK];
  for (; n > 0; word += BLOCK, z += BLOCK, n -= BLOCK) {
    const int m = n < BLOCK ? n : BLOCK;
    int tails = 0;
    centre_block(word, m, z);
    for (int i = 0; i < m; i++) {
      at[tails] = (uint32_t)i;
      tail[tails] = word[i];
      tails += word[i] - CENTRE_FIRST > CENTRE_LAST - CENTRE_FIRST;
    }
    tail_block(tail, tails, far);
    for (int i = 0; i < tails; i++) z[at[i]] = far[i];
  }
}
