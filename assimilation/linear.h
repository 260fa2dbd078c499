/* Linear algebra by LAPACK and PETSc: the only file of the folder that knows them. Bits may depend on the processor and on the
 * library's threads, so what all ranks must agree on is computed by one and sent to the others. */
#ifndef CALLOSUM_LINEAR_H
#define CALLOSUM_LINEAR_H

#include "base/base.h"

/* Collective. PETSc begins to work, on world's communicator: without options of its own, without signal handlers, errors come back as
 * codes. Nothing where it works already. cls_analyse() does so by itself; who ends MPI calls cls_linear_end() before. */
cls_status cls_linear_begin(const cls_world *world);
/* Collective over the communicator of the first cls_linear_begin(). Ends PETSc if that began it. */
cls_status cls_linear_end(void);

/* Local. Eigenvectors and ascending values[n] of the symmetric matrix[n][n], which is replaced by them: vector k is row k. */
cls_status cls_linear_eigen(int n, double *matrix, double *values);
/* Local, after cls_linear_begin(). Solves matrix x = y for the symmetric, positive definite matrix[n][n], which is destroyed. vectors:
 * [columns][n], in: the y, out: the x. CLS_ERR_INPUT, and the message begins with `what`, where it is not positive definite. */
cls_status cls_linear_solve(int n, double *matrix, int columns, double *vectors, const char *what);

#endif
