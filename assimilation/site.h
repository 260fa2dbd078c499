/* How far regions are from each other, for localisation. */
#ifndef CALLOSUM_SITE_H
#define CALLOSUM_SITE_H

#include "io/io.h"

/* Local. Distances [(regions + 1)^2] between regions, and 0 to the last site, which belongs to all: by centres in mm; along the
 * connectome, the shortest way over tracts in mm; or INFINITY between any two. The caller frees them. CLS_ERR_INPUT where regions have
 * no coordinates, or tracts no lengths. */
cls_status cls_site_distances(const cls_job *job, cls_localise kind, double **distance);

#endif
