/* Philox4x32-10 of many counters at once: the words cls_draw() gives, by the fastest instructions this processor
 * has. CPU only. */
#ifndef CALLOSUM_PHILOX_H
#define CALLOSUM_PHILOX_H

#include "base/random.h"

/* word[k][i] = word k of the counter (c0[i], c1[i], c2[i], c3), i < n. Outputs may not overlap inputs. */
void cls_draw_many(cls_stream stream, const uint32_t *c0, const uint32_t *c1, const uint32_t *c2, uint32_t c3,
                   int n, uint32_t *const word[4]);

#endif
