/* Ways to analyse, each in its file: a function and one line in analysis.c. All are collective; arguments were checked. */
#ifndef CALLOSUM_METHODS_H
#define CALLOSUM_METHODS_H

#include "assimilation/analysis.h"

typedef cls_status cls_method_run(const cls_world *world, const cls_analysis *analysis);

cls_method_run cls_run_gain;      /* enkf, denkf */
cls_method_run cls_run_transform; /* etkf, and esmda without localisation */
cls_method_run cls_run_local;     /* letkf, and esmda with localisation */
cls_method_run cls_run_serial;    /* ensrf */
cls_method_run cls_run_iterate;   /* ies */
cls_method_run cls_run_hmda;

#endif
