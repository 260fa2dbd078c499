/* The files of all recordings: their images (record_image.h) are written beside them after flushes (record_guard.h), kept at
 * checkpoints, and put back where a run goes on. */
#ifndef CALLOSUM_RECORD_FILES_H
#define CALLOSUM_RECORD_FILES_H

#include "io/record.h"
#include "io/record_image.h"

/* Collective. Writes the images of the files of recordings[n], which were flushed, beside them. rows[n] is what is known of each. */
cls_status cls_record_files_guard(const cls_record *record, const cls_recording *recordings, size_t n,
                                  cls_image_rows *rows);
/* Local, on rank 0, when the files are closed: removes those images. */
void cls_record_files_unguard(const cls_record *record, const cls_recording *recordings, size_t n);
/* Collective. Keeps the images of the files of recordings[n], which were flushed. rows[n] is what is known of each. */
cls_status cls_record_files_save(const cls_record *record, const cls_recording *recordings, size_t n,
                                 cls_image_rows *rows, const cls_keeper *keeper);
/* Collective. Makes the files what they were. Before the first is touched all were found long enough: CLS_ERR_INPUT names the
 * one that is not. What is known of their rows is then in rows[n]. */
cls_status cls_record_files_restore(const cls_record *record, const cls_recording *recordings, size_t n,
                                    cls_image_rows *rows, const cls_keeper *keeper);

#endif
