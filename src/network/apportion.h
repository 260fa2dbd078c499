/* Whole numbers in proportion to weights, with exact sums. */
#ifndef CALLOSUM_NETWORK_APPORTION_H
#define CALLOSUM_NETWORK_APPORTION_H

#include "base/base.h"

/* `total` divided in proportion to weight[n] >= 0 by the largest remainder (Hamilton's method; ties go to the
 * lower index), each at least `least`. The sum is exact. CLS_ERR_INPUT where total < n * least. */
cls_status cls_apportion(uint64_t total, const double *weight, uint32_t n, uint64_t least, uint64_t *share,
                         const char *what);

#endif
