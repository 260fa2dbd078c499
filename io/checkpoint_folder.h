/* The names of checkpoints in a folder: which there are, and which are removed. Local. */
#ifndef CALLOSUM_CHECKPOINT_FOLDER_H
#define CALLOSUM_CHECKPOINT_FOLDER_H

#include "base/base.h"

/* Steps of the manifests in the folder, newest first: *steps is freed by the caller. */
cls_status cls_checkpoint_list(const char *directory, int64_t **steps, size_t *n);
/* The step in a path of a checkpoint's file, "DIR/checkpoint_STEP.h5"; false: it is none. */
bool cls_checkpoint_step_of(const char *path, int64_t *step);
/* The file that the manifest of `step` names, in fresh memory; NULL: there is no manifest that can be read. */
char *cls_checkpoint_file_of(const char *directory, int64_t step);
/* Removes all but `keep` checkpoints of steps up to `step`, all of later steps, files of checkpoints without manifest, and
 * temporary ones. A manifest goes before its file. `keep` < 0: all up to `step` stay. */
cls_status cls_checkpoint_clean(const char *directory, int64_t step, int keep);
/* Renames and waits until the folder is on the disk. */
cls_status cls_checkpoint_rename(const char *directory, const char *from, const char *to);

#endif
