/// Fused float32 vector kernels, for one thread each; the instruction set is chosen when the process starts.
///
/// Rules that hold for every kernel unless its comment says otherwise:
/// - `n`, `rows` and `cols` are counts of elements; 0 is fine. Matrices are row-major and dense.
/// - Pointers need no alignment beyond their type's. An elementwise result may be written over an input
///   (`y == x`), but may not overlap it in part.
/// - The bits of an element depend on its inputs alone: not on its position, on `n`, or on how a range was split.
///   Sums have one fixed order, which depends on `n` (or on rows and cols) alone.
/// - AVX2, AVX-512 and NEON give the same bits (but for the sign of a NaN). SSE2 has no fused multiply-add, so whatever
///   multiplies and adds differs there in its last bits; sums in double and all random numbers are the same there too.
/// - Nothing allocates, nothing locks.
#ifndef ELBO_CKERNELS_H
#define ELBO_CKERNELS_H

#include "elbo_batch.h"
#include "elbo_bayes.h"
#include "elbo_elementwise.h"
#include "elbo_images.h"
#include "elbo_optimizers.h"
#include "elbo_pooling.h"
#include "elbo_posteriors.h"
#include "elbo_random.h"
#include "elbo_rows.h"
#include "elbo_statistics.h"
#include "elbo_thread.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Instruction sets, weakest first. The best that the processor has is used, or the one that the environment variable
/// ELBO_KERNELS names (as elbo_kernels_name does) when the process starts.
enum {
  /// Plain C over four-wide vectors: SSE2 on x86-64, NEON with FMA on arm64, scalars elsewhere.
  ELBO_KERNELS_BASELINE = 0,
  /// AVX2 and FMA.
  ELBO_KERNELS_AVX2 = 1,
  /// AVX-512 F, BW, DQ and VL.
  ELBO_KERNELS_AVX512 = 2,
};

/// Uses the kernels of `level` on the calling thread from now on; -1 goes back to the process's. For tests and
/// benchmarks. Returns 0, or -1 (and changes nothing) when this machine has no such level.
int elbo_kernels_select(int level);

/// The level that the calling thread uses.
int elbo_kernels_level(void);

/// The name of that level: "avx512", "avx2", "sse2", "neon" or "portable".
const char *elbo_kernels_name(void);

/// Makes the calling thread read and write denormal floats as zero (FTZ and DAZ) where the processor has that
/// switch. Every thread whose results must agree must make the same choice.
void elbo_flush_denormals(void);

#ifdef __cplusplus
}
#endif

#endif
