/* What writing and reading assimilation.h5 have in common. */
#ifndef CALLOSUM_HISTORY_FILE_H
#define CALLOSUM_HISTORY_FILE_H

#include "assimilation/history.h"

/* Bytes in front of HDF5's, and what they should be: they hold a sum of all that follows. */
enum { CLS_HISTORY_FRONT = 512 };
cls_status cls_history_front(const char *path, char front[CLS_HISTORY_FRONT]);
/* "/hyperparameters/NAME/WHAT" and the like, in `path`. */
enum { CLS_HISTORY_PATH = 256 };
const char *cls_history_path(char path[CLS_HISTORY_PATH], const char *group, const char *name,
                             const char *what);

#endif
