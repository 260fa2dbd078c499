/* rates.h5: mean rates of populations in bins of record.rates.bin_ms.
 *
 *   /rates/data      f32 [bin, population], Hz; ensembles: [bin, member, population]
 *   /rates/time_ms   f64 [bin], the end of each bin; attribute bin_ms on /rates
 *
 * The whole run is recorded; attribute warmup_ms of the file says what to leave out. A last bin that the run
 * does not fill is not written. */
#ifndef CALLOSUM_RATE_FILE_H
#define CALLOSUM_RATE_FILE_H

#include "io/record_groups.h"

/* Local. `populations`: one group per population, borrowed. recording->self is freed by the caller, whatever
 * is returned; so everywhere. */
cls_status cls_rate_file_create(const cls_record *record, const cls_groups *populations,
                                cls_recording *recording);

#endif
