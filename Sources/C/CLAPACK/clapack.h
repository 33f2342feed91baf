// BLAS and LAPACK as the rooms above see them: the installed headers, and the few LAPACK routines in use behind
// functions of one shape. LAPACK's own declarations cannot be called from Swift alike everywhere: since 3.10 they
// carry hidden string lengths, before that they do not; the macros of lapack.h hide the difference, and Swift does
// not import macros with arguments.
//
// All matrices here are column-major with a leading dimension of n, and symmetric ones use the upper triangle. A
// row-major lower triangle has the same bytes as a column-major upper one, so callers with row-major matrices read
// "lower" where LAPACK reads "upper" and nothing is ever transposed.
#ifndef ELBO_CLAPACK_H
#define ELBO_CLAPACK_H

#include <cblas.h>
#include <lapack.h>

/// A = Uᵀ U. Returns 0, or the 1-based order of the leading minor that is not positive.
static inline int clapack_cholesky(int n, double *a) {
  lapack_int order = n, info = 0;
  LAPACK_dpotrf("U", &order, a, &order, &info);
  return (int)info;
}

/// The inverse's upper triangle from the factor's. Returns 0, or the 1-based index of a zero diagonal element.
static inline int clapack_inverse_from_cholesky(int n, double *a) {
  lapack_int order = n, info = 0;
  LAPACK_dpotri("U", &order, a, &order, &info);
  return (int)info;
}

/// The inverse of an upper triangular matrix, in place. Returns 0, or the 1-based index of a zero diagonal element.
static inline int clapack_triangular_inverse(int n, double *a) {
  lapack_int order = n, info = 0;
  LAPACK_dtrtri("U", "N", &order, a, &order, &info);
  return (int)info;
}

/// Eigenvalues in ascending order; the eigenvectors replace the columns of `a`. Sizes of `work` and `integer_work`
/// come from a first call with `work_count` −1, which writes them to their first elements. Returns 0, or > 0 when
/// the iteration did not converge.
static inline int clapack_symmetric_eigen(int n, double *a, double *values, double *work, int work_count,
                                          int *integer_work, int integer_work_count) {
  lapack_int order = n, info = 0;
  lapack_int lwork = work_count, liwork = integer_work_count;
  LAPACK_dsyevd("V", "U", &order, a, &order, values, work, &lwork, integer_work, &liwork, &info);
  return (int)info;
}

/// Thin singular value decomposition of a column-major m×n matrix, which is destroyed: u is m×k, vt k×n, k = min(m, n);
/// `integer_work` has 8k elements; `work_count` −1 asks for the size of `work`. Returns 0, or > 0 when the iteration
/// did not converge.
static inline int clapack_singular_values(int m, int n, double *a, double *values, double *u, double *vt,
                                          double *work, int work_count, int *integer_work) {
  lapack_int rows = m, columns = n, rank = m < n ? m : n, lwork = work_count, info = 0;
  LAPACK_dgesdd("S", &rows, &columns, a, &rows, values, u, &rows, vt, &rank, work, &lwork, integer_work, &info);
  return (int)info;
}

/// Singular values of a column-major m×n matrix, m ≥ n, by one-sided Jacobi rotations (Drmač and Veselić 2008): small
/// values have as many digits as the columns, whatever their lengths, allow. `a` is destroyed; u is m×n, v n×n with
/// right vectors in columns; `work` has 2m + 6n + 2n² elements, `integer_work` m + 3n. Returns 0, or > 0 when the
/// rotations did not converge.
static inline int clapack_jacobi_singular_values(int m, int n, double *a, double *values, double *u, double *v,
                                                 double *work, int work_count, int *integer_work) {
  lapack_int rows = m, columns = n, lwork = work_count, info = 0;
  LAPACK_dgejsv("C", "U", "V", "R", "N", "N", &rows, &columns, a, &rows, values, u, &rows, v, &columns, work, &lwork,
                integer_work, &info);
  for (int i = 0; i < n; i++) values[i] *= work[0] / work[1];
  return (int)info;
}

#endif
