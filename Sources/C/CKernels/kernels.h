// All kernels of one instruction set. The including file sets W (floats in a vector), TABLE, NAME, NARROW (the kernels of
// narrow rows) and FUSED (there is a fused multiply-add), and includes the system's headers before it turns the
// instruction set on. No include guard: each includes it once. The order matters: a file uses what stands above it.
#include "vector.h"

#include "functions.h"

#include "reductions.h"

#include "batch.h"
#include "columns.h"
#include "elementwise.h"
#include "images.h"
#include "optimizers.h"
#include "pooling.h"
#include "random.h"
#include "rows.h"
#include "statistics.h"

#include "bayes.h"
#include "posteriors.h"

const struct elbo_table TABLE = {NAME, {ELBO_ROW_KERNELS(ELBO_ENTRY)}, NARROW, ELBO_KERNELS(ELBO_ENTRY)};
