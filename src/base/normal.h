/* Normal variables of many random words at once. CPU only. */
#ifndef CALLOSUM_NORMAL_H
#define CALLOSUM_NORMAL_H

#include "base/random.h"

/* z[i] = cls_normal_quantile(cls_unit(word[i])) to the bit, i < n. */
void cls_normal_many(const uint32_t *word, int n, double *z);

#endif
