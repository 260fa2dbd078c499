/* Measured signals, BOLD mostly: which of a file's columns belongs to which region. Private to io. */
#ifndef CALLOSUM_EMPIRICAL_H
#define CALLOSUM_EMPIRICAL_H

#include "io/io.h"

typedef enum { CLS_BOLD_UNSTATED, CLS_BOLD_TIME_X_REGION, CLS_BOLD_REGION_X_TIME } cls_bold_orientation;

typedef struct {
  const char *path, *variable; /* variable: of a MATLAB file; NULL: the only matrix that fits */
  cls_bold_orientation orientation;
  double tr_s; /* 0: not stated */
  /* What is missing is not observed: volumes that are no number, regions without a series, or whose series has no number at all
   * (NaN in `data`). At most half of the regions, and half of all values, may be missing. */
  bool gaps;
} cls_empirical_request;

/* The regions of a network, and of the table they were taken from. */
typedef struct {
  uint32_t n;
  char *const *names;   /* [n] */
  bool names_made_up;   /* then nothing can be matched by name */
  uint32_t listed;      /* regions of the table */
  const uint32_t *kept; /* [n] their places in the table; NULL: all, in order */
} cls_empirical_regions;

/* Local. Columns are matched by name where both sides have names, else by their order in the table, and those
 * of dropped regions are left out. Without names the side that is as long as the table is that of the
 * regions. CLS_ERR_INPUT names what does not fit, a missing number (without `gaps`) or a region whose signal does not
 * vary. */
cls_status cls_empirical_read(const cls_empirical_request *request, const cls_empirical_regions *regions,
                              cls_notes *notes, cls_empirical **empirical);
void cls_empirical_free(cls_empirical *empirical); /* NULL is fine */

#endif
