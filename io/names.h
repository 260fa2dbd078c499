/* Names of regions: finding them and keeping them apart; private to io. */
#ifndef CALLOSUM_NAMES_H
#define CALLOSUM_NAMES_H

#include "base/base.h"

#define CLS_NO_NAME UINT32_MAX

/* A name and its place in the list it comes from. */
typedef struct {
  const char *name; /* the list's */
  uint32_t index;
} cls_named;

/* Local. `*sorted` (free() it): the names by name, then by place. */
cls_status cls_names_sort(char *const *names, uint32_t n, cls_named **sorted);
/* The place of the first of that name; CLS_NO_NAME: there is none. */
uint32_t cls_names_find(const cls_named *sorted, uint32_t n, const char *name);
/* A name that occurs more than once; NULL: there is none. */
const char *cls_names_repeated(const cls_named *sorted, uint32_t n);
/* Makes names unique: the second "rLOF" becomes "rLOF_2", the third "rLOF_3" ... (numbers that would give a
 * name that is there already are skipped). *renamed counts the names changed. */
cls_status cls_names_make_unique(char **names, uint32_t n, uint32_t *renamed);

#endif
