/* The two kinds of files that hold spike trains, read in chunks: HDF5 (spike_train_hdf5.c) and text
 * (spike_train_text.c). Not for other parts than spike_train_file.c. */
#ifndef CALLOSUM_SPIKE_TRAIN_READER_H
#define CALLOSUM_SPIKE_TRAIN_READER_H

#include "base/base.h"
#include <hdf5.h>

enum { CLS_TRAIN_CHUNK = 65536 };

/* A file being read. */
typedef struct {
  const char *path;
  uint64_t first, count; /* nodes [first, first + count) are those of the population */
  bool by_time;          /* it says that times ascend */
  /* HDF5 */
  hid_t file, times, ids;
  char *time_name, *id_name; /* of the datasets, for messages */
  uint64_t n, at;            /* spikes in all, and read so far */
  /* text */
  FILE *text;
  char *line;
  size_t line_room;
  uint64_t line_number;
  bool has_header, node_first; /* a line of names was read; it names the node before the time */
} cls_train_reader;

/* Local. Looks for the spikes of `population` (NULL: the only one there is); CLS_ERR_INPUT names the file and
 * what was expected. cls_train_close follows, whatever is returned. */
cls_status cls_train_open_hdf5(const char *path, const char *population, cls_train_reader *reader);
cls_status cls_train_open_text(const char *path, const char *population, cls_train_reader *reader);
/* Local. The next *n <= CLS_TRAIN_CHUNK spikes, 0 at the end: times as they stand in the file, and nodes, -1
 * for what is no node. */
cls_status cls_train_next_hdf5(cls_train_reader *reader, double *time_ms, int64_t *node, int *n);
cls_status cls_train_next_text(cls_train_reader *reader, double *time_ms, int64_t *node, int *n);
void cls_train_close(cls_train_reader *reader);

#endif
