/* The parts of `callosum info`. */
#ifndef CALLOSUM_INFO_H
#define CALLOSUM_INFO_H

#include "base/base.h"

/* Local. Describes an HDF5 file of ours that is no checkpoint: what it is of, how far it goes, its datasets. CLS_ERR_INPUT where it
 * is none or cannot be read. */
cls_status cls_info_print(const char *path);

#endif
