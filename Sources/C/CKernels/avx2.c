#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "table.h"

#define W 32
#define MASKED 8
#define TABLE elbo_table_avx2
#define NAME "avx2"
#define NARROW &elbo_narrow_rows
#define FUSED 1

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "kernels.h"
#pragma clang attribute pop
#endif
