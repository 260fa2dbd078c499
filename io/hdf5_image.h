/* HDF5 files whose bytes HDF5 writes to memory, to be brought to the disk by who has better means: a driver of HDF5. Only what is
 * written takes memory, in pages, wherever in the file it is. HDF5 cannot fail at a disk then, which it does not survive (1.10
 * crashes at its end after a file could not be closed). Local. */
#ifndef CALLOSUM_HDF5_IMAGE_H
#define CALLOSUM_HDF5_IMAGE_H

#include "base/base.h"
#include <hdf5.h>

typedef struct cls_h5_image_ cls_h5_image;
/* An empty file. `name` is for messages. The image stays when the file is closed. */
cls_status cls_h5_image_create(const char *name, hid_t *file, cls_h5_image **image);
/* Bytes [at, at + n) of the file; 0 where nothing was written. */
void cls_h5_image_read(const cls_h5_image *image, uint64_t at, uint64_t n, void *bytes);
/* Of the file, once it is closed. */
uint64_t cls_h5_image_length(const cls_h5_image *image);
/* After the file was closed. NULL is fine. */
void cls_h5_image_destroy(cls_h5_image *image);

#endif
