/* weights_NAME.h5: weights of plastic synapses over time (an element of record.weights).
 *
 *   /weights/data       f32 [time, synapse], in the unit of the projection's weight (attribute units where all agree)
 *   /weights/time_ms    f64 [time]; weights are those an event due in the next step would find. The first row is one
 *                       interval after the start; the last is the end of the run, where nothing stopped it before
 *   /weights/initial    f32 [synapse], weights before the first step, as drawn
 *   /weights/source_id, target_id  u64 [synapse], global neuron numbers
 *   /weights/delay_ms   f32 [synapse];  /weights/projection  u32 [synapse], row of the table below
 *   /weights/projections/  name, unit (text), number (u32, in the job), w_max (f64), first (u64, one more: synapses of each)
 *
 * Synapses are in order of (projection, target, source, delay, initial), which is the same on any layout. Member k > 0 of
 * an ensemble has its own data in /weights_memberK; what is of the network is linked there. Every rank writes an even
 * share of the synapses; none knows those of others (column_shares.h). */
#ifndef CALLOSUM_WEIGHT_FILE_H
#define CALLOSUM_WEIGHT_FILE_H

#include "io/record.h"

/* Local. An element of the job (borrowed). */
cls_status cls_weight_file_create(const cls_record *record, const cls_weights *weights,
                                  cls_recording *recording);

#endif
