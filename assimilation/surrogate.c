#include "assimilation/surrogate.h"
#include <stdlib.h>

static const double circle = 6.283185307179586;

cls_status cls_surrogate_create(uint32_t n, cls_stream stream, cls_surrogate *s) {
  *s = (cls_surrogate){.n = n, .half = n / 2};
  CLS_CHECK(n >= 1, CLS_ERR_INTERNAL, "surrogate of %u numbers: expected at least 1", n);
  CLS_TRY(cls_alloc(&s->cosine, n, sizeof *s->cosine, "a drawn process"));
  CLS_TRY(cls_alloc(&s->sine, n, sizeof *s->sine, "a drawn process"));
  CLS_TRY(cls_alloc(&s->phase, s->half + 1ul, sizeof *s->phase, "a drawn process"));
  CLS_TRY(cls_alloc(&s->re, s->half + 1ul, sizeof *s->re, "a drawn process"));
  CLS_TRY(cls_alloc(&s->im, s->half + 1ul, sizeof *s->im, "a drawn process"));
  for (uint32_t t = 0; t < n; t++) {
    s->cosine[t] = cls_cos(circle * t / n);
    s->sine[t] = cls_sin(circle * t / n);
  }
  for (uint32_t k = 1; k <= s->half; k++) {
    cls_reader words = cls_reader_make(stream, k, 0, 0);
    const double share = cls_read_unit(&words);
    s->phase[k] = 2 * k < n ? circle * share : share < 0.5 ? 0 : circle / 2; /* the highest is real */
  }
  return CLS_OK;
}

void cls_surrogate_free(cls_surrogate *s) {
  free(s->cosine);
  free(s->sine);
  free(s->phase);
  free(s->re);
  free(s->im);
}

/* Frequencies 1 ... (n - 1) / 2, and the highest where n is even. */
void cls_surrogate_take(cls_surrogate *s, const double *x) {
  s->mean = 0;
  for (uint32_t t = 0; t < s->n; t++) s->mean += x[t] / s->n;
  for (uint32_t k = 1; k <= s->half; k++) {
    double re = 0, im = 0;
    for (uint32_t t = 0; t < s->n; t++) {
      const size_t at = (size_t)((uint64_t)k * t % s->n);
      re += (x[t] - s->mean) * s->cosine[at] / s->n;
      im -= (x[t] - s->mean) * s->sine[at] / s->n;
    }
    const double c = cls_cos(s->phase[k]), d = cls_sin(s->phase[k]);
    s->re[k] = re * c - im * d;
    s->im[k] = re * d + im * c;
  }
}

double cls_surrogate_at(const cls_surrogate *s, uint64_t t) {
  double sum = s->mean;
  for (uint32_t k = 1; k <= s->half; k++) {
    const size_t at = (size_t)(k * (t % s->n) % s->n);
    sum += (2 * k == s->n ? 1 : 2) * (s->re[k] * s->cosine[at] - s->im[k] * s->sine[at]);
  }
  return sum;
}
