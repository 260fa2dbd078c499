#include "io/names.h"
#include <stdlib.h>
#include <string.h>

/* By name, then by place. */
static int by_name_and_place(const void *a, const void *b) {
  const cls_named *x = a, *y = b;
  int order = strcmp(x->name, y->name);
  return order ? order : (x->index > y->index) - (x->index < y->index);
}

cls_status cls_names_sort(char *const *names, uint32_t n, cls_named **sorted) {
  CLS_TRY(cls_alloc(sorted, n, sizeof **sorted, "sorted region names"));
  for (uint32_t i = 0; i < n; i++) (*sorted)[i] = (cls_named){names[i], i};
  qsort(*sorted, n, sizeof **sorted, by_name_and_place);
  return CLS_OK;
}

uint32_t cls_names_find(const cls_named *sorted, uint32_t n, const char *name) {
  uint32_t low = 0, high = n; /* the first that is not before `name` */
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (strcmp(sorted[middle].name, name) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low < n && strcmp(sorted[low].name, name) == 0 ? sorted[low].index : CLS_NO_NAME;
}

const char *cls_names_repeated(const cls_named *sorted, uint32_t n) {
  for (uint32_t i = 1; i < n; i++)
    if (strcmp(sorted[i - 1].name, sorted[i].name) == 0) return sorted[i].name;
  return NULL;
}

/* Two names made here cannot be equal: what stands before the last "_number" is the name as read, and its
 * numbers ascend. So only the names as read have to be looked at. */
static cls_status number_repeats(const cls_named *sorted, uint32_t n, char **fresh, uint32_t *renamed) {
  unsigned long number = 1;
  for (uint32_t i = 1; i < n; i++) {
    if (strcmp(sorted[i].name, sorted[i - 1].name) != 0) {
      number = 1;
      continue;
    }
    char *candidate = NULL;
    do {
      free(candidate);
      candidate = cls_format("%s_%lu", sorted[i].name, ++number);
      CLS_CHECK(candidate, CLS_ERR_MEMORY, "out of memory for region names");
    } while (cls_names_find(sorted, n, candidate) != CLS_NO_NAME);
    fresh[sorted[i].index] = candidate;
    ++*renamed;
  }
  return CLS_OK;
}

cls_status cls_names_make_unique(char **names, uint32_t n, uint32_t *renamed) {
  *renamed = 0;
  cls_named *sorted = NULL;
  char **fresh = NULL; /* [n]: a new name, or NULL where the old one stays */
  cls_status status = cls_names_sort(names, n, &sorted);
  if (status == CLS_OK) status = cls_alloc(&fresh, n, sizeof *fresh, "new region names");
  if (status == CLS_OK) status = number_repeats(sorted, n, fresh, renamed);
  for (uint32_t i = 0; fresh && i < n; i++) {
    if (!fresh[i]) continue;
    if (status != CLS_OK) {
      free(fresh[i]);
    } else {
      free(names[i]);
      names[i] = fresh[i];
    }
  }
  free(sorted);
  free(fresh);
  return status;
}
