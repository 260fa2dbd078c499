/* trace_NAME_VARIABLE.h5: one state of chosen neurons over time (an element of record.traces), in the SONATA
 * report layout (AllenInstitute/sonata, developer guide, "Frame-oriented node element reports"), as libsonata
 * and BMTK read it.
 *
 *   /                 magic u32 = 0x0A7A, version u32[2] = {0, 1}
 *   /report/NAME/data f32 [time, element], attributes units (of the state) and variable (its name)
 *   /report/NAME/mapping/
 *     node_ids        u64 [element], global neuron numbers, ascending; attribute sorted u8 = 1
 *     index_pointers  u64 [element + 1]: one element per neuron; index_pointer is a hard link to it (BMTK)
 *     element_ids     u32 [element], 0;  element_pos f64 [element], 0 (BMTK)
 *     time            f64 [3]: time of frame 0, time after the last frame, interval; attribute units = "ms"
 *
 * NAME is the network's name; member k > 0 of an ensemble is in NAME_memberK. /callosum/populations says
 * which population holds a neuron. Frame k is the state at the end of the step that ends at (k + 1) interval,
 * in full: what a model keeps relative to a parameter (V_m to E_L) is recorded with it added. `time` grows
 * with what is safely written. */
#ifndef CALLOSUM_TRACE_FILE_H
#define CALLOSUM_TRACE_FILE_H

#include "io/record_columns.h"

/* Local. Variable number `variable` of a trace (borrowed) of the job. */
cls_status cls_trace_file_create(const cls_record *record, const cls_trace *trace, int variable,
                                 cls_recording *recording);

#endif
