/* Files that are readable whatever happens: beside each lies its image as of the last flush.
 *
 * HDF5 brings a file from one flush to the next by several writes, and a process that is killed between them leaves a file that
 * cannot be read. So `.NAME.image` is written after every flush that went through to the disk (under another name, then renamed): the
 * file is good, or its image makes it so. Images go when files are closed. Who records into a folder holds a lock on it. */
#ifndef CALLOSUM_RECORD_GUARD_H
#define CALLOSUM_RECORD_GUARD_H

#include "io/io.h"
#include "io/record_image.h"

/* All local. Writes the image of the file at `path`, and removes it: where there is none nothing happens. */
cls_status cls_guard_write(const char *path, const cls_image *image);
void cls_guard_remove(const char *path);
/* The folder's lock, to be closed; it goes with the process. CLS_ERR_INPUT where another process holds it
 * for longer than `patience_s`: a run that was killed a moment ago may not be gone altogether. *lock is -1 where the
 * file system has no locks. */
cls_status cls_guard_lock(const char *directory, double patience_s, int *lock);

#endif
