/* The JSON file that BIDS puts beside a table: what its numbers are. */
#ifndef CALLOSUM_SIDECAR_H
#define CALLOSUM_SIDECAR_H

#include "base/base.h"

typedef struct {
  char *path;  /* NULL: there is none */
  double tr_s; /* RepetitionTime; NaN: not stated */
  char *units; /* Units; NULL: not stated */
} cls_sidecar;

/* Local. NAME.json beside NAME.tsv; nothing for files of other names. CLS_ERR_INPUT where it is no JSON
 * object or a value has the wrong type. Free with cls_sidecar_free, whatever is returned. */
cls_status cls_sidecar_read(const char *table_path, cls_sidecar *sidecar);
void cls_sidecar_free(cls_sidecar *sidecar);

#endif
