/* The files of all recordings at a checkpoint: their images (record_image.h) are kept, and put back where a run goes on. */
#ifndef CALLOSUM_RECORD_FILES_H
#define CALLOSUM_RECORD_FILES_H

#include "io/record.h"
#include "io/record_image.h"

/* Collective. Keeps the images of the files of recordings[n], which were flushed. rows[n] is what is known of each. */
cls_status cls_record_files_save(const cls_record *record, const cls_recording *recordings, size_t n,
                                 cls_image_rows *rows, const cls_keeper *keeper);
/* Collective. Makes the files what they were. Before the first is touched all were found long enough: CLS_ERR_INPUT names the
 * one that is not. */
cls_status cls_record_files_restore(const cls_record *record, const cls_recording *recordings, size_t n,
                                    const cls_keeper *keeper);

#endif
