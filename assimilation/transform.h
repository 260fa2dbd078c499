/* Transforms of an ensemble in the space of its members, m of them, from the products of what they expect to be observed. */
#ifndef CALLOSUM_TRANSFORM_H
#define CALLOSUM_TRANSFORM_H

#include "base/base.h"

/* Local, by LAPACK. products[m][m] = S' S with S the anomalies in units of errors; along[m] = S' times something, or NULL. Out: products
 * becomes T = (1 + S' S / (m - 1))^-1/2, symmetric; along the coefficients (S' S + m - 1)^-1 along. */
cls_status cls_transform_solve(int m, double *products, double *along);
/* Local, by LAPACK. The inverse of a symmetric, positive definite transform[m][m], in its place. */
cls_status cls_transform_invert(int m, double *transform);

#endif
