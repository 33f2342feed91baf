// Double-precision block kernels of the exact models: what a mixture, K-means or a covariance does per row of data.
//
// A block holds some hundred rows in panels of eight columns: element (row, column) lies at
//     panels[((column / 8) * capacity + row) * 8 + column % 8]
// with `capacity` rows (a multiple of CEXACT_ROW_GROUP) and `panel_count` = ⌈dimension / 8⌉ panels. Columns beyond the
// dimension are zero. One row of one panel is a vector register, rows of a panel are contiguous, so every kernel below
// reads memory in order; and a row's numbers are computed alike wherever it lies in a block.
//
// Buffers named panels are aligned to 64 bytes. Vectors over columns are padded to 8 · panel_count elements.
#ifndef ELBO_CEXACT_H
#define ELBO_CEXACT_H

#define CEXACT_ROW_GROUP 24

/// The kernels of one instruction set.
typedef struct cexact_kernels {
  const char *name;

  /// Copies `count` rows, each minus `pivot`, into panels; rows up to `capacity` become zero. `stride` is the distance
  /// of two rows in elements. Returns the first row with an element that is not finite, or −1.
  long (*gather_double)(const double *rows, long count, long dimension, long stride, const double *pivot,
                        long capacity, double *panels);
  long (*gather_float)(const float *rows, long count, long dimension, long stride, const double *pivot,
                       long capacity, double *panels);

  /// For i < count: centred[i] = panels[rows[i]] − centre.
  void (*centre)(const double *panels, const double *centre, const int *rows, long count, long capacity,
                 long panel_count, double *centred);

  /// For i < count: centred[i] = panels[rows[i]] − centre, scaled[i] = weights[rows[i]] · centred[i]; adds the column
  /// sums of `scaled` to `sums`.
  void (*weigh)(const double *panels, const double *centre, const double *weights, const int *rows, long count,
                long capacity, long panel_count, double *centred, double *scaled, double *sums);

  /// Adds the column sums of the panels to `sums`.
  void (*column_sums)(const double *panels, long capacity, long panel_count, double *sums);

  /// squares[row] = ‖W row‖² for row < count, W lower triangular as cexact_pack_lower packs it; rows up to the next
  /// multiple of CEXACT_ROW_GROUP are read and get results too. `lanes` has 8 · capacity elements. With fewer panels,
  /// an even number, the squares are those of the first outputs alone, and no larger than those of all, in rounded
  /// arithmetic too: the rest only adds squares to the same eight sums.
  void (*whitened_squares)(const double *panels, const double *packed, long count, long capacity, long panel_count,
                           double *lanes, double *squares);

  /// squares[row] = Σ precision[column] · element².
  void (*weighted_squares)(const double *panels, const double *precisions, long capacity, long panel_count,
                           double *lanes, double *squares);

  /// Adds leftᵀ · right over the first `count` rows to the tiles of the lower triangle: tile (i, j), j ≤ i, is the 8×8
  /// row-major block at tiles[(i (i + 1) / 2 + j) · 64].
  void (*second_moments)(const double *left, const double *right, long count, long capacity, long panel_count,
                         double *tiles);

  /// Adds Σ_row weight[row] · element² to squares[column].
  void (*column_squares)(const double *panels, const double *weights, long capacity, long panel_count,
                         double *squares);

  /// Turns K log-densities per row, log_densities[k · capacity + row], into responsibilities, and adds
  /// Σ log Σ exp and the entropy −Σ r log r over the first `count` rows; the rows beyond get zeros.
  /// Returns the first row whose log Σ exp is not finite, or −1.
  long (*responsibilities)(double *log_densities, long components, long count, long capacity, double *log_likelihood,
                           double *entropy);

  /// labels[row] = argmin_k offset_k − 2 · row · centre_k, the lowest k of equals, with the centres as
  /// cexact_pack_centres packs them. `scores` has 8 · ⌈K/8⌉ · capacity elements.
  void (*nearest)(const double *panels, const double *packed, const double *offsets, long centre_count, long capacity,
                  long panel_count, double *scores, int *labels);

  /// For the first `count` rows: adds the row minus its centre to sums[label], and its squares to squares[label];
  /// `centres`, `sums` and `squares` are K × 8 · panel_count, counts is K.
  void (*accumulate_labelled)(const double *panels, const int *labels, const double *centres, long count,
                              long capacity, long panel_count, double *sums, double *squares, double *counts);

  /// result[i] = exp(x[i]) for i < 8 · vectors: within 1 ulp or so, zero below −708.
  void (*exponentials)(const double *x, long vectors, double *result);

  /// Adds Σ over columns of (a[i, column] − b[column, j])² to result[i, j]: a is rows × columns, b columns × count.
  void (*squared_distances)(const double *a, const double *b, long rows, long count, long columns, double *result);

  /// Adds Σᵢ weights[i, j] (a[i, column] − b[column, j])² to sums[column, j].
  void (*weighted_distances)(const double *a, const double *b, const double *weights, long rows, long count,
                             long columns, double *sums);
} cexact_kernels;

/// The best kernels that this processor can run.
const cexact_kernels *cexact_best(void);

/// All kernels that this processor can run, by index, the best first; NULL beyond the last.
const cexact_kernels *cexact_at(int index);

/// Packs a row-major lower triangle for whitened_squares: 64 · P (P + 1) / 2 elements, P = ⌈dimension / 8⌉.
void cexact_pack_lower(const double *lower, long dimension, double *packed);

/// Packs K × 8·P centres (row-major) for nearest: 8 · ⌈K/8⌉ · 8 · P elements, each −2 times a centre's.
void cexact_pack_centres(const double *centres, long count, long panel_count, double *packed);

/// Adds tiles of second_moments to a packed lower triangle of dimension · (dimension + 1) / 2 elements, row by row.
void cexact_add_tiles(const double *tiles, long dimension, double *lower);

#endif
