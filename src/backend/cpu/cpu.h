/* The two CPU backends.
 *
 *   /cpu/serial  the readable reference: one thread, scalar code, a ring buffer of summed inputs. Everything
 *                else is held to its digest.
 *   /cpu/omp     threaded and vectorised: one part per thread, runs delivered when due or through a calendar. */
#ifndef CALLOSUM_CPU_H
#define CALLOSUM_CPU_H

#include "engine/engine.h"

extern const cls_backend cls_backend_cpu_serial;
extern const cls_backend cls_backend_cpu_omp;

#endif
