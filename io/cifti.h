/* What the XML of a CIFTI-2 file says of its two dimensions ("The CIFTI connectivity file format", version 2, 2014), as far as
 * series of parcels need it. Private to matrix_nifti.c. */
#ifndef CALLOSUM_CIFTI_H
#define CALLOSUM_CIFTI_H

#include "base/base.h"

typedef enum { CLS_CIFTI_UNSTATED, CLS_CIFTI_SERIES, CLS_CIFTI_PARCELS, CLS_CIFTI_OTHER } cls_cifti_map;

typedef struct {
  cls_cifti_map map[2]; /* of the place along a row, and of the row */
  double step_s;        /* of a series in time; 0: none is stated, or it is no time */
  char **names;         /* [n_names] of parcels, in order; NULL: none */
  uint64_t n_names;
  size_t capacity;
} cls_cifti;

/* Local. `size` bytes of XML, zeros at their end left out. CLS_ERR_INPUT names `path`. */
cls_status cls_cifti_parse(const char *xml, size_t size, const char *path, cls_cifti *cifti);
void cls_cifti_free(cls_cifti *cifti);

#endif
