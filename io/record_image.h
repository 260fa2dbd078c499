/* The image of a recording's file: all that is ever overwritten in it.
 *
 * A file of recordings consists of rows, which are appended and never touched again, and of what says where they are: headers,
 * indices, attributes, small tables. The image has every byte but those of rows, and the length of the file. Put back, it makes the
 * file again what it was when the image was taken, whatever was appended since and however HDF5 was interrupted (rows beyond the
 * last may have filled the rest of its chunk: nobody sees them). */
#ifndef CALLOSUM_RECORD_IMAGE_H
#define CALLOSUM_RECORD_IMAGE_H

#include "base/base.h"

/* Pieces [offset, offset + length) ascend; `bytes` has them one behind the other. */
typedef struct {
  uint64_t size; /* of the file */
  uint64_t *offset, *length;
  uint8_t *bytes;
  size_t n, n_bytes;
} cls_image;

/* Where the rows of a file are, as far as is known: it only becomes more. Start with {0}. */
typedef struct {
  uint64_t *range; /* [n][2] offset and length, in the order they were found */
  size_t n, capacity;
  uint64_t *dataset; /* [n_datasets][2] address, and how many chunks are known */
  size_t n_datasets, datasets_capacity;
} cls_image_rows;
void cls_image_rows_free(cls_image_rows *rows);

/* All local. The file at `path`, which was flushed (cls_h5_flush: it is on the disk) and which nobody writes to now. */
cls_status cls_image_take(const char *path, cls_image_rows *rows, cls_image *image);
void cls_image_free(cls_image *image); /* also one that is {0} */
/* Fills `rows`, which is {0}, from an image that was just put back: rows are what it does not have. Finding them one by one takes
 * time that grows with the square of their number. */
cls_status cls_image_learn(const char *path, const cls_image *image, cls_image_rows *rows);
/* CLS_ERR_INPUT where the file is not there, cannot be written to, or is shorter than its rows need. */
cls_status cls_image_check(const char *path, const cls_image *image);
/* Makes the file what it was. It reaches the disk. */
cls_status cls_image_put_back(const char *path, const cls_image *image);

#endif
