/* bold.h5: the BOLD signal of regions (model/balloon.h), one volume every record.bold.tr_s seconds.
 *
 *   /bold/data       f64 [volume, region], relative signal; ensembles: [volume, member, region]
 *   /bold/time_s     f64 [volume], when the volume is taken: the end of its repetition time; attribute tr_s
 *                    on /bold
 *   /rates_per_tr    f64 as /bold/data, Hz: mean rate of the region's neurons over the repetition time
 *   /tracts          row u64 [region + 1], source u32, weight f64, length_mm f64: the connectome's sparse
 *                    rows (row = target), brain jobs only
 *   /empirical/data  f64 [volume, region]: the measured signal the job names, if any, columns in the order
 *                    of the network's regions; /empirical/name is theirs; attributes of /empirical: tr_s
 *                    (NaN where it is not stated), origin, matched_by ("name" or "order")
 *
 * The haemodynamics of a region advance by 1 ms at its owner, from the fraction of its neurons that spiked. */
#ifndef CALLOSUM_BOLD_FILE_H
#define CALLOSUM_BOLD_FILE_H

#include "io/functional_connectivity.h"
#include "io/record_groups.h"

typedef struct cls_bold_file_ cls_bold_file;

/* Local. `regions`: one group per region, borrowed. */
cls_status cls_bold_file_create(const cls_record *record, const cls_groups *regions,
                                cls_recording *recording);
/* Local. Under which number the engine knows the tally of this recording; -1: it shows all spikes. */
void cls_bold_file_watched(cls_bold_file *file, int tally);
/* Collective, while the file is open. Functional connectivity of each member after the warm-up, read back
 * from the file: results[members], the same on all ranks. */
cls_status cls_bold_file_connectivity(cls_bold_file *file, cls_connectivity *results);

#endif
