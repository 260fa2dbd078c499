/* lfp.h5: a proxy of the local field potential of regions, or of populations where there are no regions.
 *
 *   /lfp/data     f32 [time, group]; ensembles: [time, member, group]
 *   /lfp/time_ms  f64 [time], the end of the step it was taken
 *   /lfp/name     text [group], of the regions that have excitatory neurons; without regions, of the
 *                 excitatory populations
 *   /lfp/index    u32 [group], their numbers among the regions (populations)
 *   /lfp/unit     text [group], the model's unit of currents; attribute units of /lfp/data is the first
 *   attribute over of /lfp: "region" or "population"
 *
 *   LFP_g(t) = sum over receptors r of | sum over excitatory neurons i of g of I_ri(t) |
 *
 * the sum of the absolute excitatory and inhibitory synaptic currents on excitatory (pyramidal) neurons,
 * whose apical dendrites make the open field: A. Mazzoni, S. Panzeri, N. K. Logothetis, N. Brunel, PLoS
 * Comput. Biol. 4:e1000239 (2008); among the proxies compared with detailed neurons by A. Mazzoni, H. Linden,
 * H. Cuntz, A. Lansner, S. Panzeri, G. T. Einevoll, PLoS Comput. Biol. 11:e1004584 (2015). The currents of
 * one receptor have one sign in nearly all neurons, so the absolute value is taken of their sum, which is
 * exact on any layout. From currents.h5, with n_p neurons in population p: sum over r | sum over p n_p
 * mean_pr |. */
#ifndef CALLOSUM_LFP_FILE_H
#define CALLOSUM_LFP_FILE_H

#include "io/record_groups.h"

/* Local. */
cls_status cls_lfp_file_create(const cls_record *record, cls_recording *recording);

#endif
