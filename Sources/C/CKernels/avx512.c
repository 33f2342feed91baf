#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "table.h"

#define W 32
#define MASKED 16
#define TABLE elbo_table_avx512
#define NAME "avx512"
#define NARROW &elbo_narrow_rows
#define FUSED 1

#pragma clang attribute push(__attribute__((target("fma,avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#include "kernels.h"
#pragma clang attribute pop
#endif
