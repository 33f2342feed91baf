// Vectors of W floats: loads, stores, selection, and the loops over a range.
//
// W is two (AVX-512, SSE) or four (AVX2) times the width of the registers. The compiler makes as many instructions of
// each operation, so that as many independent chains of a polynomial are under way at once and share their constants;
// with one, the kernels below wait for latencies. MASKED is the width of the registers that have masked loads, or 0.

// Wide vectors are passed between functions that are always inlined: no calling convention is involved.
#pragma clang diagnostic ignored "-Wpsabi"

#define VECTOR(type, count) type __attribute__((ext_vector_type(count)))
typedef VECTOR(float, W) vf;
typedef VECTOR(int32_t, W) vi;
typedef VECTOR(uint32_t, W) vu;
typedef VECTOR(double, W) vd;
typedef VECTOR(int64_t, W) vl;
typedef VECTOR(uint8_t, W) vb;
typedef VECTOR(uint16_t, W) vh;
typedef VECTOR(float, W / 2) half_vf;
typedef vf unaligned_vf __attribute__((aligned(4), may_alias));
typedef vu unaligned_vu __attribute__((aligned(4), may_alias));
typedef vd unaligned_vd __attribute__((aligned(8), may_alias));
typedef vb unaligned_vb __attribute__((aligned(1), may_alias));
typedef vh unaligned_vh __attribute__((aligned(2), may_alias));

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

INLINE vf load(const float *p) { return *(const unaligned_vf *)p; }
INLINE void store(float *p, vf v) { *(unaligned_vf *)p = v; }

/// The lanes below k.
INLINE vi below(size_t k) {
  vi index;
  for (int i = 0; i < W; i++) index[i] = i;
  return index < (vi)(int32_t)k;
}

/// k floats, k < W, and zeros. What lies behind the last one is not touched.
INLINE vf load_tail(const float *p, size_t k) {
  float lanes[W] = {0};
#if MASKED == 16
  for (size_t i = 0; i < W; i += 16) {
    const __mmask16 mask = (__mmask16)(((1ull << k) - 1) >> i);
    _mm512_storeu_ps(lanes + i, _mm512_maskz_loadu_ps(mask, p + i));
  }
#elif MASKED == 8
  const vi mask = below(k);
  for (size_t i = 0; i < W; i += 8) {
    const __m256i part = _mm256_loadu_si256((const __m256i *)((const int32_t *)&mask + i));
    _mm256_storeu_ps(lanes + i, _mm256_maskload_ps(p + i, part));
  }
#else
  for (size_t i = 0; i < k; i++) lanes[i] = p[i];
#endif
  return load(lanes);
}

INLINE void store_tail(float *p, vf v, size_t k) {
  float lanes[W];
  store(lanes, v);
#if MASKED == 16
  for (size_t i = 0; i < W; i += 16) {
    const __mmask16 mask = (__mmask16)(((1ull << k) - 1) >> i);
    _mm512_mask_storeu_ps(p + i, mask, _mm512_loadu_ps(lanes + i));
  }
#elif MASKED == 8
  const vi mask = below(k);
  for (size_t i = 0; i < W; i += 8) {
    const __m256i part = _mm256_loadu_si256((const __m256i *)((const int32_t *)&mask + i));
    _mm256_maskstore_ps(p + i, part, _mm256_loadu_ps(lanes + i));
  }
#else
  for (size_t i = 0; i < k; i++) p[i] = lanes[i];
#endif
}

/// min(k, W) floats. k is W itself in the body of every loop, so only a tail pays for the choice.
INLINE vf load_some(const float *p, size_t k) { return k >= W ? load(p) : load_tail(p, k); }
INLINE void store_some(float *p, vf v, size_t k) {
  if (k >= W) {
    store(p, v);
  } else {
    store_tail(p, v, k);
  }
}

/// Runs its body for i = 0, W, 2 W … < count with k = min(W, count - i): whole vectors first, then one tail. Body and
/// tail are the same operations, so an element's bits do not depend on where it lies.
#define EACH(count, ...)                              \
  do {                                                \
    const size_t end = (count);                       \
    size_t i = 0;                                     \
    for (; i + W <= end; i += W) {                    \
      const size_t k = W;                             \
      __VA_ARGS__                                     \
    }                                                 \
    if (i < end) {                                    \
      const size_t k = end - i;                       \
      __VA_ARGS__                                     \
    }                                                 \
  } while (0)

/// a b + c, fused where the processor can.
INLINE vf fma_or_not(vf a, vf b, vf c) {
#if FUSED
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}
#define FMA(a, b, c) fma_or_not((vf)(a), (vf)(b), (vf)(c))

INLINE vd to_double(vf x) { return __builtin_convertvector(x, vd); }
INLINE vf to_float(vi x) { return __builtin_convertvector(x, vf); }

/// a b + c rounded once, on every instruction set: normals are part of a run's result, and one run may be computed by
/// processors with and without the instruction. Without it: in double, where the product is exact and the sum is
/// rounded to odd, so that the second rounding, to float, gives what one would (Boldo and Melquiond 2008).
INLINE vf exact_fma(vf a, vf b, vf c) {
#if FUSED
  return __builtin_elementwise_fma(a, b, c);
#else
  vd product = to_double(a) * to_double(b), addend = to_double(c), sum = product + addend;
  vd part = sum - product;
  vd error = (product - (sum - part)) + (addend - part);
  vl toward = (error > 0.0) == (sum > 0.0) ? (vl)1 : (vl)-1;
  // Two comparisons, not one with zero: the error of an infinite sum is NaN.
  vl inexact_and_even = ((error < 0.0) | (error > 0.0)) & (((vl)sum & 1) == 0);
  return __builtin_convertvector((vd)((vl)sum + (inexact_and_even & toward)), vf);
#endif
}
#define EXACT_FMA(a, b, c) exact_fma((vf)(a), (vf)(b), (vf)(c))

INLINE vf v_abs(vf x) { return (vf)((vi)x & 0x7fffffff); }
/// The magnitude of a with the sign of b, where a is not negative.
INLINE vf with_sign(vf a, vf b) { return (vf)((vi)a | ((vi)b & (int32_t)0x80000000)); }
INLINE vf v_sqrt(vf x) { return __builtin_elementwise_sqrt(x); }
/// Of one number, without a store to errno, which the compiler would have to order with the loads and stores around it.
INLINE double root(double x) { return __builtin_elementwise_sqrt(x); }
INLINE double logarithm(double x) { return __builtin_elementwise_log(x); }
/// NaN stays NaN.
INLINE vf at_least(vf x, float bound) { return x < bound ? (vf)bound : x; }
INLINE vf at_most(vf x, float bound) { return x > bound ? (vf)bound : x; }
/// NaN when either is, unlike the processor's own.
INLINE vf v_max(vf a, vf b) { return a != a ? a : a > b ? a : b; }
INLINE vf v_min(vf a, vf b) { return a != a ? a : a < b ? a : b; }
