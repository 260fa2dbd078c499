/* Symmetric matrices: eigenvectors by LAPACK, solutions by PETSc's dense Cholesky factors. */
#include "assimilation/linear.h"

#include <petscmat.h>

#include <petscblaslapack.h> /* after the former, whose types it uses */
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 46340 }; /* n * n in 32 bits, which LAPACK counts with */

/* PETSc is one for a process, and so is who began it. */
static bool we_began;

static cls_status begin(const cls_world *world);
static cls_status solve(int n, double *matrix, int columns, double *vectors, const char *what);

#define PETSC_TRY(call)                                                                                      \
  do {                                                                                                       \
    const PetscErrorCode petsc_try_ = (call);                                                                \
    if (petsc_try_) return cls_fail(CLS_ERR_INTERNAL, "PETSc: %s gave error %d", #call, (int)petsc_try_);    \
  } while (0)

cls_status cls_linear_begin(const cls_world *world) {
  PetscBool works;
  PETSC_TRY(PetscInitialized(&works));
  return works ? CLS_OK : begin(world);
}

static cls_status begin(const cls_world *world) {
  PETSC_COMM_WORLD = world->comm;
  PETSC_TRY(PetscOptionsSetValue(NULL, "-no_signal_handler", "true"));
  PETSC_TRY(PetscOptionsSetValue(NULL, "-skip_petscrc", "true"));
  PETSC_TRY(PetscInitializeNoArguments());
  we_began = true;
  return CLS_OK;
}

cls_status cls_linear_end(void) {
  if (!we_began) return CLS_OK;
  we_began = false;
  PETSC_TRY(PetscFinalize());
  return CLS_OK;
}

cls_status cls_linear_eigen(int n, double *matrix, double *values) {
  CLS_CHECK(n >= 1 && n <= LARGEST, CLS_ERR_LIMIT, "eigenvectors of a matrix of %d rows, at most %d", n,
            LARGEST);
  double best = 0;
  const PetscBLASInt size = n, ask = -1;
  PetscBLASInt info = 0;
  LAPACKsyev_("V", "L", &size, matrix, &size, values, &best, &ask, &info);
  const PetscBLASInt length = best > 3.0 * n ? (PetscBLASInt)best : 3 * n;
  double *work;
  CLS_TRY(cls_alloc(&work, (size_t)length, sizeof(double), "work of the eigenvectors"));
  LAPACKsyev_("V", "L", &size, matrix, &size, values, work, &length, &info);
  free(work);
  CLS_CHECK(info == 0, CLS_ERR_INTERNAL, "eigenvectors of a matrix of %d rows: LAPACK's dsyev gave %d", n,
            (int)info);
  return CLS_OK;
}

/* Errors come back as codes, and print nothing, as long as this handler is on top. */
cls_status cls_linear_solve(int n, double *matrix, int columns, double *vectors, const char *what) {
  CLS_CHECK(n >= 1 && n <= LARGEST, CLS_ERR_LIMIT, "%s: a matrix of %d rows, at most %d can be solved for",
            what, n, LARGEST);
  PETSC_TRY(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  const cls_status status = solve(n, matrix, columns, vectors, what);
  PETSC_TRY(PetscPopErrorHandler());
  return status;
}

static cls_status factor_and_solve(Mat a, Mat b, Mat x, const char *what) {
  PETSC_TRY(MatSetOption(a, MAT_SPD, PETSC_TRUE));
  const PetscErrorCode code = MatCholeskyFactor(a, NULL, NULL);
  CLS_CHECK(code != PETSC_ERR_MAT_CH_ZRPVT, CLS_ERR_INPUT, "%s: the matrix is not positive definite", what);
  PETSC_TRY(code);
  PETSC_TRY(MatMatSolve(a, b, x));
  return CLS_OK;
}

static cls_status solve(int n, double *matrix, int columns, double *vectors, const char *what) {
  const size_t numbers = (size_t)n * (size_t)columns;
  double *solution;
  CLS_TRY(cls_alloc_unset(&solution, numbers, sizeof(double), "solutions of linear equations"));
  Mat a = NULL, b = NULL, x = NULL;
  cls_status status = CLS_OK;
  if (MatCreateSeqDense(PETSC_COMM_SELF, n, n, matrix, &a) ||
      MatCreateSeqDense(PETSC_COMM_SELF, n, columns, vectors, &b) ||
      MatCreateSeqDense(PETSC_COMM_SELF, n, columns, solution, &x))
    status =
        cls_fail(CLS_ERR_INTERNAL, "%s: PETSc makes no matrix of %d rows and %d columns", what, n, columns);
  if (status == CLS_OK) status = factor_and_solve(a, b, x, what);
  (void)!MatDestroy(&a);
  (void)!MatDestroy(&b);
  (void)!MatDestroy(&x);
  if (status == CLS_OK) memcpy(vectors, solution, numbers * sizeof(double));
  free(solution);
  return status;
}
