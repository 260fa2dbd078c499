/* neurons.h5: how often and how irregularly each neuron of chosen populations spiked after the warm-up.
 *
 *   /neurons/node_ids     u64 [neuron], global numbers, ascending
 *   /neurons/spike_count  u32 [neuron]
 *   /neurons/rate_hz      f32 [neuron]
 *   /neurons/isi_cv       f32 [neuron], SD over mean of the inter-spike intervals (SD without Bessel's
 *                         correction); NaN below 4 intervals
 *   /neurons/counted_ms   f64 [2]: from the end of the warm-up to the end of the run
 *
 * Member k > 0 of an ensemble is in /neurons_memberK, with the same node_ids and counted_ms. Written at the
 * end of the run: what a killed run leaves is empty. */
#ifndef CALLOSUM_NEURON_FILE_H
#define CALLOSUM_NEURON_FILE_H

#include "io/record_columns.h"

/* Local. CLS_ERR_INPUT where the run has too many steps for 32 bits. */
cls_status cls_neuron_file_create(const cls_record *record, cls_recording *recording);

#endif
