/* spikes.h5: the spikes of chosen populations in the SONATA layout (AllenInstitute/sonata, developer guide,
 * "Spike file"), as libsonata and pysonata read it.
 *
 *   /              magic u32 = 0x0A7A, version u32[2] = {0, 1}
 *   /spikes/NAME   timestamps f64 (units "ms"), node_ids u64, attribute sorting = by_time
 *
 * NAME is the network's name; member k > 0 of an ensemble is in NAME_memberK. node_ids are global neuron
 * numbers; /callosum/populations says which population holds them. A timestamp is the end of the step in
 * which the threshold was crossed: (step + 1) dt. Rows are in (step, neuron) order: the same data on any
 * layout. */
#ifndef CALLOSUM_SPIKE_FILE_H
#define CALLOSUM_SPIKE_FILE_H

#include "io/record.h"

/* Local. CLS_ERR_LIMIT where a spike does not fit its word. */
cls_status cls_spike_file_create(const cls_record *record, cls_recording *recording);

#endif
