/* rates.h5: mean rates of populations in bins of record.rates.bin_ms.
 *
 *   /rates/data      f32 [bin, population], Hz; ensembles: [bin, member, population]
 *   /rates/time_ms   f64 [bin], the end of each bin; attribute bin_ms on /rates
 *
 * The whole run is recorded; attribute warmup_ms of the file says what to leave out. A last bin that the run
 * does not fill is not written. */
#ifndef CALLOSUM_RATE_FILE_H
#define CALLOSUM_RATE_FILE_H

#include "io/record.h"

typedef struct cls_rate_file_ cls_rate_file;

/* Local. `populations`: one group per population, borrowed. */
cls_status cls_rate_file_create(const cls_record *record, const cls_groups *populations,
                                cls_rate_file **file);
cls_status cls_rate_file_open(cls_rate_file *file); /* collective */
cls_status cls_rate_file_add(cls_rate_file *file, int member, const cls_spikes *spikes);
/* Collective: writes the bins that end at or before `step`. */
cls_status cls_rate_file_flush(cls_rate_file *file, int64_t step);
cls_status cls_rate_file_close(cls_rate_file *file, bool whole); /* collective */
void cls_rate_file_free(cls_rate_file *file);                    /* local; NULL is fine */

#endif
