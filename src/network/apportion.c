#include "network/apportion.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
  double remainder;
  uint32_t index;
} ranked;

static int by_remainder(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  if (x->remainder != y->remainder) return x->remainder > y->remainder ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

/* Divides `total` by largest remainder and adds the parts to share[n]. rank[n]: scratch. A quota a hair below
 * a whole number (rounding) keeps its full remainder instead of being cut. */
static cls_status add_by_remainder(uint64_t total, const double *weight, double sum, uint32_t n,
                                   uint64_t *share, ranked *rank) {
  uint64_t given = 0;
  for (uint32_t i = 0; i < n; i++) {
    double quota = (double)total * (weight[i] / sum);
    double whole = floor(quota * (1 - 1e-12) - 1e-9);
    if (whole < 0) whole = 0;
    share[i] += (uint64_t)whole;
    given += (uint64_t)whole;
    rank[i] = (ranked){weight[i] > 0 ? quota - whole : -1, i};
  }
  CLS_CHECK(given <= total && total - given <= n, CLS_ERR_INTERNAL,
            "division of %llu into %u parts: %llu given before remainders", (unsigned long long)total, n,
            (unsigned long long)given);
  qsort(rank, n, sizeof *rank, by_remainder);
  for (uint32_t i = 0; given < total; i++, given++) share[rank[i].index]++;
  return CLS_OK;
}

/* Entries whose quota is below `least` get `least` and leave the division; what is left is divided anew until
 * no quota is too small. over[i] becomes quota - least, 0 for those that left. */
static void raise_to_least(uint64_t total, const double *weight, uint32_t n, uint64_t least, double *over) {
  uint64_t fixed = 0, before;
  for (uint32_t i = 0; i < n; i++) over[i] = 1; /* in the division */
  do {
    before = fixed;
    double sum = 0, rest = (double)(total - fixed * least);
    for (uint32_t i = 0; i < n; i++)
      if (over[i] > 0) sum += weight[i];
    for (uint32_t i = 0; i < n; i++) {
      if (over[i] <= 0 || (sum > 0 && rest * (weight[i] / sum) >= (double)least)) continue;
      over[i] = 0;
      fixed++;
    }
  } while (fixed != before);
  double sum = 0, rest = (double)(total - fixed * least);
  for (uint32_t i = 0; i < n; i++)
    if (over[i] > 0) sum += weight[i];
  for (uint32_t i = 0; i < n; i++)
    if (over[i] > 0) over[i] = rest * (weight[i] / sum) - (double)least;
}

cls_status cls_apportion(uint64_t total, const double *weight, uint32_t n, uint64_t least, uint64_t *share,
                         const char *what) {
  CLS_CHECK(total / n >= least, CLS_ERR_INPUT, "%s: %llu: expected at least %llu (%llu for each of %u)", what,
            (unsigned long long)total, (unsigned long long)(n * least), (unsigned long long)least, n);
  double *over = NULL, sum = 0;
  ranked *rank = NULL;
  cls_status status = cls_alloc(&over, n, sizeof *over, "quotas");
  if (status == CLS_OK) status = cls_alloc(&rank, n, sizeof *rank, "remainders");
  if (status == CLS_OK) {
    if (least > 0)
      raise_to_least(total, weight, n, least, over);
    else
      for (uint32_t i = 0; i < n; i++) over[i] = weight[i];
    for (uint32_t i = 0; i < n; i++) {
      share[i] = least;
      sum += over[i];
    }
    if (!(sum > 0)) { /* nothing says who gets the rest: all alike */
      for (uint32_t i = 0; i < n; i++) over[i] = 1;
      sum = n;
    }
    status = add_by_remainder(total - n * least, over, sum, n, share, rank);
  }
  free(over);
  free(rank);
  return status;
}
