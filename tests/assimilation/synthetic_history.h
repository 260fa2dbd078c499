/* Histories made up: draws are functions of what they are for. */
#ifndef TESTS_ASSIMILATION_SYNTHETIC_HISTORY_H
#define TESTS_ASSIMILATION_SYNTHETIC_HISTORY_H

#include "assimilation/history.h"
#include "base/outcome.h"
#include "base/random.h"
#include <math.h>
#include <stdlib.h>

/* A standard normal of three counters. */
static inline double normal_of(uint32_t a, uint32_t b, uint32_t c) {
  const cls_words words = cls_draw(cls_stream_make(5, CLS_PURPOSE_SAMPLE, 77), a, b, c, 0);
  return cls_normal_quantile(cls_unit(words.w[0]));
}

static inline double uniform_of(uint32_t a, uint32_t b, uint32_t c) {
  return cls_unit(cls_draw(cls_stream_make(5, CLS_PURPOSE_SAMPLE, 78), a, b, c, 0).w[0]);
}

#endif
