/* Checkpoints: the state of a run in a file, DIR/checkpoint_STEP.h5, and its manifest, DIR/checkpoint_STEP.json.
 *
 * The file is HDF5, made by rank 0 alone: one contiguous dataset for each array of a keeper, at its name, with its unit. The
 * elements are written by all ranks beside HDF5, each a slab of its own, and HDF5's own bytes go to memory first
 * (io/hdf5_image.h), so that a write that fails is an ordinary error of one rank on which all agree. The file has a temporary
 * name until it is complete and on the disk; then it gets its name, and then its manifest, whose renaming is the commit: a file
 * without one does not count.
 *
 * What is read is verified first, every byte of it, against the checksums of the manifest. HDF5 is not needed for that. */
#ifndef CALLOSUM_CHECKPOINT_H
#define CALLOSUM_CHECKPOINT_H

#include "io/checkpoint_manifest.h"
#include "io/io.h"

/* ---- writing ---- */

/* What a checkpoint says beside its arrays. Borrowed. */
typedef struct {
  int64_t step; /* the next to be computed */
  double dt_ms;
  uint64_t seed;
  int members;
  const char *job, *science; /* texts, see cls_job */
  uint64_t job_hash, science_hash;
  const char *backend; /* it was written on, for information */
} cls_checkpoint_about;

typedef struct cls_checkpoint_writer_ cls_checkpoint_writer;
/* Collective. Begins a checkpoint in folder `directory` under a temporary name. */
cls_status cls_checkpoint_begin(const cls_world *world, const char *directory,
                                const cls_checkpoint_about *about, cls_checkpoint_writer **writer);
/* Not loading. Any failure is that of all ranks: CLS_ERR_IO names the file, the bytes wanted and the system's reason. */
const cls_keeper *cls_checkpoint_keeper(cls_checkpoint_writer *writer);
/* Collective. All arrays were handed over: puts the file on the disk and commits it; *bytes is its length. Of the
 * checkpoints in the folder the newest `keep` remain, this one among them; those of later steps are of a run that was
 * given up, and go. */
cls_status cls_checkpoint_commit(cls_checkpoint_writer *writer, int keep, uint64_t *bytes);
/* Local. The error that all ranks have come to; CLS_OK: none. */
cls_status cls_checkpoint_failure(const cls_checkpoint_writer *writer);
/* Local. Removes the temporary file where it was not committed. NULL is fine. */
void cls_checkpoint_end(cls_checkpoint_writer *writer);

/* ---- reading ---- */

typedef struct cls_checkpoint_ cls_checkpoint;
/* Collective. Reads the manifest of file `path` and verifies all of the file. CLS_ERR_INPUT names file and dataset where anything
 * differs, CLS_ERR_IO what cannot be read. */
cls_status cls_checkpoint_open(const cls_world *world, const char *path, cls_checkpoint **checkpoint);
/* Collective. CLS_ERR_IO where a recording beside it is missing, or shorter than when it was written. */
cls_status cls_checkpoint_check_recordings(const cls_checkpoint *checkpoint);
const cls_manifest *cls_checkpoint_manifest(const cls_checkpoint *checkpoint);
/* Loading. */
const cls_keeper *cls_checkpoint_loader(cls_checkpoint *checkpoint);
/* Local. NULL is fine. */
void cls_checkpoint_close(cls_checkpoint *checkpoint);

/* Local. CLS_ERR_INPUT where the checkpoint is not of this job, seed, members and step width: names the first key that differs.
 * `path` and `job` are for the message. */
cls_status cls_checkpoint_match(const cls_manifest *manifest, const char *path,
                                const cls_checkpoint_about *about, const char *job);

/* ---- the folder ---- */

/* Collective. Opens the newest checkpoint of the folder that verifies; warns of each newer one that does not. NULL: there is
 * none. CLS_ERR_INPUT where there is none but some cannot be read or lack a recording: nothing is given up for that. */
cls_status cls_checkpoint_newest(const cls_world *world, const char *directory, cls_checkpoint **checkpoint);
/* Collective. Removes checkpoints of steps after `step`, and what writers left that did not come to their end. */
cls_status cls_checkpoint_forget(const cls_world *world, const char *directory, int64_t step);

#endif
