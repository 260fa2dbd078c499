/* spectra.h5: power spectra of the rates of chosen populations after the warm-up (welch.h).
 *
 *   /spectra/frequency_hz  f64 [frequency], multiples of 1 / segment
 *   /spectra/power         f64 [population, frequency], (sp/s)^2/Hz; ensembles: [member, population,
 *                          frequency]; NaN before a segment is complete
 *   /spectra/population    u32 [population], which ones
 *   /spectra/segments      u64 [1], how many were averaged
 *   attributes bin_ms and segment_ms of /spectra
 *
 * The first bin is the first that begins at or after the end of the warm-up. Spectra accumulate at the owner
 * of each population; the file always holds those of what was recorded so far. */
#ifndef CALLOSUM_SPECTRUM_FILE_H
#define CALLOSUM_SPECTRUM_FILE_H

#include "io/record_groups.h"

/* Local. */
cls_status cls_spectrum_file_create(const cls_record *record, cls_recording *recording);

#endif
