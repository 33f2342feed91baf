// The kernels of narrow rows, of which wide vectors would be mostly empty: one register of AVX2.
#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "table.h"

#define W 8
#define MASKED 8
#define FUSED 1

// Of the kernels in these headers, those of rows are taken.
#pragma clang diagnostic ignored "-Wunused-function"
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "vector.h"

#include "functions.h"

#include "reductions.h"

#include "rows.h"
#include "statistics.h"
#pragma clang attribute pop

const struct elbo_row_table elbo_narrow_rows = {ELBO_ROW_KERNELS(ELBO_ENTRY)};
#endif
