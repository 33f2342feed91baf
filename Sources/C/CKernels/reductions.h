// Reductions of a range. Element i is added, in double, to the sum of lane i % LANES; the lanes are folded by halves.
// The order is the same for every W, and a shorter vector of zeros behind the end changes nothing.

#define LANES 32
#define VECTORS (LANES / W)

typedef VECTOR(double, 2) d2;
typedef VECTOR(double, 4) d4;
typedef VECTOR(double, 8) d8;
typedef VECTOR(float, 2) f2;
typedef VECTOR(float, 4) f4;
typedef VECTOR(float, 8) f8;

typedef struct {
  vd lane[VECTORS];
} sums;

INLINE double fold2(d2 s) { return s.lo + s.hi; }
INLINE double fold4(d4 s) { return fold2(s.lo + s.hi); }
INLINE double fold8(d8 s) { return fold4(s.lo + s.hi); }

/// Lane i is added to lane i + 16, then i + 8, and so on.
INLINE double total(const sums *s) {
#if W == 32
  VECTOR(double, 16) half = s->lane[0].lo + s->lane[0].hi;
  return fold8(half.lo + half.hi);
#elif W == 16
  vd half = s->lane[0] + s->lane[1];
  return fold8(half.lo + half.hi);
#else
  return fold8((s->lane[0] + s->lane[2]) + (s->lane[1] + s->lane[3]));
#endif
}

/// Runs its body for every vector of a range of `count`, with its offset i, its length k ≤ W and its number v in the
/// block of LANES, a constant.
#define EACH_IN_LANES(count, ...)                            \
  do {                                                       \
    const size_t end = (count);                              \
    size_t base = 0;                                         \
    for (; base + LANES <= end; base += LANES) {             \
      UNROLL for (int v = 0; v < VECTORS; v++) {             \
        const size_t i = base + (size_t)v * W, k = W;        \
        __VA_ARGS__                                          \
      }                                                      \
    }                                                        \
    UNROLL for (int v = 0; v < VECTORS; v++) {               \
      const size_t i = base + (size_t)v * W;                 \
      if (i >= end) break;                                   \
      const size_t k = end - i < W ? end - i : W;            \
      __VA_ARGS__                                            \
    }                                                        \
  } while (0)

static double sum_kernel(const float *x, size_t n) {
  sums s = {0};
  EACH_IN_LANES(n, { s.lane[v] += to_double(load_some(x + i, k)); });
  return total(&s);
}

static double dot_kernel(const float *a, const float *b, size_t n) {
  sums s = {0};
  // The product of two floats is exact in double, so it is the same whether the sum is fused or not.
  EACH_IN_LANES(n, { s.lane[v] += to_double(load_some(a + i, k)) * to_double(load_some(b + i, k)); });
  return total(&s);
}

static double sum_squares_kernel(const float *x, size_t n) { return dot_kernel(x, x, n); }

/// The greatest lane; NaN when a lane is.
INLINE float greatest(vf m) {
#define GREATER(a) ((a).lo != (a).lo ? (a).lo : (a).lo > (a).hi ? (a).lo : (a).hi)
#if W == 32
  VECTOR(float, 16) sixteen = GREATER(m);
  f8 eight = GREATER(sixteen);
#elif W == 16
  f8 eight = GREATER(m);
#else
  f8 eight = m;
#endif
  f4 four = GREATER(eight);
  f2 two = GREATER(four);
  return GREATER(two);
#undef GREATER
}

static float max_value_kernel(const float *x, size_t n) {
  vf m = (vf)-INFINITY;
  EACH(n, {
    vf v = load_some(x + i, k);
    m = v_max(k == W || below(k) ? v : m, m);
  });
  return greatest(m);
}

static int all_finite_kernel(const float *x, size_t n) {
  vi bad = {0};
  EACH(n, { bad |= ((vi)load_some(x + i, k) & 0x7f800000) == 0x7f800000; });
  return __builtin_reduce_or(bad) == 0;
}

// Sums of shards. A block of every part stays in the first-level cache while the tree is folded over it.
#define TREE_BLOCK 1024

#define TREE(name, type, vector, unaligned)                                                                  \
  INLINE void name##_pair(const type *a, const type *b, type *y, size_t n) {                                 \
    size_t i = 0;                                                                                            \
    for (; i + W <= n; i += W) *(unaligned *)(y + i) = *(const unaligned *)(a + i) + *(const unaligned *)(b + i); \
    for (; i < n; i++) y[i] = a[i] + b[i];                                                                   \
  }                                                                                                          \
  INLINE void name##_four(const type *a, const type *b, const type *c, const type *d, type *y, size_t n) {   \
    size_t i = 0;                                                                                            \
    for (; i + W <= n; i += W) {                                                                             \
      vector low = *(const unaligned *)(a + i) + *(const unaligned *)(b + i);                                \
      vector high = *(const unaligned *)(c + i) + *(const unaligned *)(d + i);                               \
      *(unaligned *)(y + i) = low + high;                                                                    \
    }                                                                                                        \
    for (; i < n; i++) y[i] = (a[i] + b[i]) + (c[i] + d[i]);                                                 \
  }                                                                                                          \
  /* y may be a part: it is written after the block of every part below this node has been read. */          \
  static void name##_node(const type *const *parts, size_t count, size_t offset, type *y, size_t n) {        \
    if (count == 1) {                                                                                        \
      memmove(y, parts[0] + offset, n * sizeof(type));                                                       \
    } else if (count == 2) {                                                                                 \
      name##_pair(parts[0] + offset, parts[1] + offset, y, n);                                               \
    } else if (count == 4) {                                                                                 \
      name##_four(parts[0] + offset, parts[1] + offset, parts[2] + offset, parts[3] + offset, y, n);         \
    } else {                                                                                                 \
      size_t half = 2;                                                                                       \
      while (half * 2 < count) half *= 2;                                                                    \
      type left[TREE_BLOCK], right[TREE_BLOCK];                                                              \
      name##_node(parts, half, offset, left, n);                                                             \
      name##_node(parts + half, count - half, offset, right, n);                                             \
      name##_pair(left, right, y, n);                                                                        \
    }                                                                                                        \
  }                                                                                                          \
  static void name##_kernel(const type *const *parts, size_t count, type *y, size_t n) {                     \
    if (count == 0) {                                                                                        \
      memset(y, 0, n * sizeof(type));                                                                        \
      return;                                                                                                \
    }                                                                                                        \
    for (size_t offset = 0; offset < n; offset += TREE_BLOCK) {                                              \
      size_t length = n - offset < TREE_BLOCK ? n - offset : TREE_BLOCK;                                     \
      name##_node(parts, count, offset, y + offset, length);                                                 \
    }                                                                                                        \
  }

TREE(sum_tree, float, vf, unaligned_vf)
TREE(sum_tree_f64, double, vd, unaligned_vd)
