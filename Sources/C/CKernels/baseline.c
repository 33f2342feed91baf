// Four-wide vectors in plain C: SSE2 on x86-64, NEON on arm64, whatever the compiler makes of them elsewhere.
#pragma STDC FP_CONTRACT OFF

#include <math.h>
#include <string.h>

#include "table.h"

#define W 8
#define MASKED 0
#define TABLE elbo_table_baseline
#define NARROW &elbo_table_baseline.rows
#if defined(__aarch64__)
#define NAME "neon"
#define FUSED 1
#elif defined(__x86_64__)
#define NAME "sse2"
#define FUSED 0
#else
#define NAME "portable"
#define FUSED 0
#endif

#include "kernels.h"
